using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.MatMul;

/// <summary>The products that an odd polynomial of matrices is made of, of whatever holds them.</summary>
/// <typeparam name="M">A matrix, or a batch of them.</typeparam>
public interface IMatrixProducts<M>
{
    /// <summary>Conjugate transpose.</summary>
    M Adjoint(M x);

    /// <summary>a b, which is known to be Hermitian.</summary>
    M Gram(M a, M b);

    /// <summary>alpha a b + beta c.</summary>
    M Product(M a, M b, M c, double alpha, double beta, bool isHermitian);
}

/// <summary>x = c_0 x + c_1 (x x^H) x + c_2 (x x^H)^2 x + ..., over and over.</summary>
public static class OddPolynomial
{
    // Elements of a real matrix that, with its Gram matrices, stays in the second-level cache through all steps.
    const int CachedElements = 1 << 14;

    /// <summary>One step.</summary>
    /// <param name="on">Where the products are computed.</param>
    /// <param name="x">Matrices.</param>
    /// <param name="isTall">Whether x^H x is the smaller Gram matrix, or as large as x x^H.</param>
    /// <param name="coefficients">c_0, c_1, ...: at least two.</param>
    public static M Step<M, P>(P on, M x, bool isTall, IReadOnlyList<double> coefficients) where P : IMatrixProducts<M>
    {
        var adjoint = on.Adjoint(x);
        var gram = isTall ? on.Gram(adjoint, x) : on.Gram(x, adjoint);
        // Horner's rule in the Gram matrix: p = c_1 g + c_2 g^2 + ..., times lead.
        var (p, lead) = (gram, coefficients[^1]);
        for (var k = coefficients.Count - 2; k > 0; k--)
            (p, lead) = (on.Product(p, gram, gram, lead, coefficients[k], isHermitian: true), 1);
        return isTall
            ? on.Product(x, p, x, lead, coefficients[0], isHermitian: false)
            : on.Product(p, x, x, lead, coefficients[0], isHermitian: false);
    }

    /// <summary>Some steps, of x [..., rows, columns].</summary>
    /// <param name="x">Float32, Float64, Complex64 or Complex128.</param>
    /// <param name="coefficients">c_0, c_1, ...: at least two.</param>
    /// <param name="steps">At least one.</param>
    public static Tensor Run(Tensor x, IReadOnlyList<double> coefficients, int steps)
    {
        var (rows, columns) = (x.Shape[^2], x.Shape[^1]);
        if (x.ElementCount > 0 && x.Device is not GpuDevice && !x.DType.IsComplex && rows * (long)columns <= CachedElements)
        {
            x = Skeletons.Copy.Contiguous(x);
            var y = Tensor.Empty(x.Shape, x.DType, x.Device);
            if (x.DType == DType.Float32)
                OnHost<float, F32, SingleCell>(x, y, coefficients, steps);
            else
                OnHost<double, F64, DoubleCell>(x, y, coefficients, steps);
            return y;
        }
        var products = new TensorProducts();
        for (var step = 0; step < steps; step++)
        {
            using var scope = new TensorScope();
            x = scope.Keep(Step(products, x, rows >= columns, coefficients));
        }
        return x;
    }

    readonly struct TensorProducts : IMatrixProducts<Tensor>
    {
        public Tensor Adjoint(Tensor x) => Linalg.Matrices.H(x);

        public Tensor Gram(Tensor a, Tensor b) => MatMul.Run("Gram", a, b, isHermitian: true);

        public Tensor Product(Tensor a, Tensor b, Tensor c, double alpha, double beta, bool isHermitian)
            => MatMul.Run("Polynomial", a, b, c, alpha, beta, isHermitian);
    }

    // ---- host: one matrix after the other, each in cache through all steps

    static unsafe void OnHost<E, T, F>(Tensor x, Tensor y, IReadOnlyList<double> coefficients, int steps) where E : unmanaged where T : struct, ILane<T> where F : struct, ICell<T, E>
    {
        var (rows, columns) = (x.Shape[^2], x.Shape[^1]);
        var (elements, square) = (rows * columns, Math.Min(rows, columns) * Math.Min(rows, columns));
        var from = HostMemory.Pointer<E>(x);
        var to = HostMemory.Pointer<E>(y);
        var work = (long)elements * Math.Min(rows, columns) * coefficients.Count * steps;
        HostThreads.Range(x.ElementCount / elements, Math.Max(1, HostMatMul.Grain / work), (begin, end) =>
        {
            var grams = Panels.Between<E>((coefficients.Count - 1) * square + 2 * elements);
            var products = new CachedProducts<E, T, F>(grams);
            for (var at = begin * elements; at < end * elements; at += elements)
            {
                var now = new HostMatrix<E>(from + at, columns, 1, rows, columns);
                for (var step = 0; step < steps; step++)
                {
                    products.Begin(step == steps - 1 ? to + at : grams + (coefficients.Count - 1) * square + step % 2 * elements);
                    now = Step(products, now, rows >= columns, coefficients);
                }
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    readonly unsafe struct HostMatrix<E>(E* start, int row, int column, int rows, int columns) where E : unmanaged
    {
        public readonly E* Start = start;
        public readonly int Row = row, Column = column, Rows = rows, Columns = columns;
    }

    // Hermitian results go to the room for Gram matrices one after the other, the last one of a step to where it is wanted.
    sealed unsafe class CachedProducts<E, T, F>(E* grams) : IMatrixProducts<HostMatrix<E>> where E : unmanaged where T : struct, ILane<T> where F : struct, ICell<T, E>
    {
        readonly HostProducts<E> products = HostProducts<E>.Of<T, F>();
        E* gram, result;

        public void Begin(E* result)
        {
            gram = grams;
            this.result = result;
        }

        public HostMatrix<E> Adjoint(HostMatrix<E> x) => new(x.Start, x.Column, x.Row, x.Columns, x.Rows);

        public HostMatrix<E> Gram(HostMatrix<E> a, HostMatrix<E> b) => Run(a, b, new() { IsHermitian = true });

        public HostMatrix<E> Product(HostMatrix<E> a, HostMatrix<E> b, HostMatrix<E> c, double alpha, double beta, bool isHermitian)
            => Run(a, b, new() { Scales = true, C = c.Start, CRow = c.Row, Alpha = F.Pack(T.Of(alpha)), Beta = F.Pack(T.Of(beta)), IsHermitian = isHermitian });

        HostMatrix<E> Run(HostMatrix<E> a, HostMatrix<E> b, HostProduct<E> product)
        {
            var y = product.IsHermitian ? gram : result;
            if (product.IsHermitian)
                gram += a.Rows * a.Rows;
            product.A = new(a.Start, a.Row, a.Column);
            product.B = new(b.Start, b.Row, b.Column);
            product.Y = y;
            (product.M, product.K, product.N) = (a.Rows, a.Columns, b.Columns);
            product.IsHermitian &= MatMul.IsHalved(a.Rows);
            products.Run(product, parallel: false);
            return new(y, b.Columns, 1, a.Rows, b.Columns);
        }
    }
}
