using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Ortho.Kernels.MatMul;

/// <summary>The products that an odd polynomial of matrices is made of, of whatever holds them.</summary>
/// <typeparam name="M">A matrix, or a batch of them.</typeparam>
public interface IMatrixProducts<M>
{
    /// <summary>Conjugate transpose.</summary>
    M Adjoint(M x);

    /// <summary>a b.</summary>
    M Product(M a, M b, bool isHermitian);

    /// <summary>alpha a b + beta c.</summary>
    M Product(M a, M b, M c, double alpha, double beta, bool isHermitian);

    /// <summary>factor x + shift I of square matrices.</summary>
    M Shifted(M x, double factor, double shift);
}

/// <summary>x = c_0 x + c_1 (x x^H) x + c_2 (x x^H)^2 x + ..., one polynomial after another.</summary>
public static class OddPolynomial
{
    // Elements of a real matrix that, with its Gram matrices, stays in the second-level cache through all steps.
    const int CachedElements = 1 << 14;

    // Rounding errors of the Gram matrix grow by c_0^2 in each step that is made on it alone: by how much they may. Three steps of the
    // quintic are then as exact as steps on x itself (float32, measured for condition numbers up to 1e6). A Gram matrix of rounded operands
    // has errors to begin with: two steps of the quintic.
    const double Growth = 150, ReducedGrowth = 12;

    // Steps on a Gram matrix beyond which nothing is gained.
    const int MostGramSteps = 8;

    /// <summary>The first of some steps.</summary>
    /// <remarks>
    /// With the polynomial x = q(g) x in the Gram matrix g = x x^H (or x^H x: the smaller one), the next Gram matrix is q g q. For matrices
    /// at least twice as wide as high, or as high as wide, several steps are made on g, and x is multiplied by the product of their q once;
    /// then a new g is formed, before the errors of the old one have grown. Everything commutes, so all of these products are Hermitian.
    /// </remarks>
    /// <param name="on">Where the products are computed.</param>
    /// <param name="x">Matrices.</param>
    /// <param name="rows">Their rows.</param>
    /// <param name="columns">Their columns.</param>
    /// <param name="polynomials">c_0, c_1, ... of each step that is left, at least two of each: at least one step.</param>
    /// <param name="precision">Of the products.</param>
    /// <returns>The matrices and how many steps were made.</returns>
    public static (M X, int Steps) Advance<M, P>(P on, M x, int rows, int columns, ReadOnlySpan<IReadOnlyList<double>> polynomials,
        MatMulPrecision precision = MatMulPrecision.Float32) where P : IMatrixProducts<M>
    {
        var isTall = rows >= columns;
        var adjoint = on.Adjoint(x);
        var gram = isTall ? on.Product(adjoint, x, isHermitian: true) : on.Product(x, adjoint, isHermitian: true);
        var steps = GramSteps(rows, columns, polynomials, precision);
        var (p, lead) = Horner(on, gram, polynomials[0]);
        if (steps == 1)
        {
            return (isTall
                ? on.Product(x, p, x, lead, polynomials[0][0], isHermitian: false)
                : on.Product(p, x, x, lead, polynomials[0][0], isHermitian: false), 1);
        }
        var q = on.Shifted(p, lead, polynomials[0][0]);
        var all = q;
        for (var step = 1; step < steps; step++)
        {
            gram = on.Product(on.Product(q, gram, isHermitian: true), q, isHermitian: true);
            (p, lead) = Horner(on, gram, polynomials[step]);
            q = on.Shifted(p, lead, polynomials[step][0]);
            all = on.Product(q, all, isHermitian: true);
        }
        return (isTall ? on.Product(x, all, isHermitian: false) : on.Product(all, x, isHermitian: false), steps);
    }

    // How many of the next steps are made on one Gram matrix.
    static int GramSteps(int rows, int columns, ReadOnlySpan<IReadOnlyList<double>> polynomials, MatMulPrecision precision)
    {
        if (Math.Max(rows, columns) < 2 * (long)Math.Min(rows, columns))
            return 1;
        var (steps, growth) = (1, 1.0);
        while (steps < Math.Min(MostGramSteps, polynomials.Length))
        {
            var slope = Math.Max(1, Math.Abs(polynomials[steps - 1][0]));
            growth *= slope * slope;
            if (growth > (precision == MatMulPrecision.Float32 ? Growth : ReducedGrowth))
                break;
            steps++;
        }
        return steps;
    }

    // c_1 g + c_2 g^2 + ... = lead p.
    static (M P, double Lead) Horner<M, P>(P on, M gram, IReadOnlyList<double> coefficients) where P : IMatrixProducts<M>
    {
        var (p, lead) = (gram, coefficients[^1]);
        for (var k = coefficients.Count - 2; k > 0; k--)
            (p, lead) = (on.Product(p, gram, gram, lead, coefficients[k], isHermitian: true), 1);
        return (p, lead);
    }

    /// <summary>All steps, of x [..., rows, columns].</summary>
    /// <param name="x">Float32, Float64, Complex64 or Complex128.</param>
    /// <param name="polynomials">c_0, c_1, ... of each step: at least two.</param>
    /// <param name="precision">Of the products; less than full of Float32 only.</param>
    public static Tensor Run(Tensor x, IReadOnlyList<double>[] polynomials, MatMulPrecision precision = MatMulPrecision.Float32)
    {
        var (rows, columns) = (x.Shape[^2], x.Shape[^1]);
        if (x.ElementCount > 0 && x.Device is not GpuDevice && !x.DType.IsComplex && rows * (long)columns <= CachedElements && precision == MatMulPrecision.Float32)
        {
            x = Skeletons.Copy.Contiguous(x);
            var y = Tensor.Empty(x.Shape, x.DType, x.Device);
            if (x.DType == DType.Float32)
                OnHost<float, F32, SingleCell>(x, y, polynomials);
            else
                OnHost<double, F64, DoubleCell>(x, y, polynomials);
            return y;
        }
        if (x is { ElementCount: > 0, DType.IsComplex: false, Device: GpuDevice gpu } && precision == MatMulPrecision.Float32 && FusedPolynomial.Run(gpu, x, polynomials) is { } fused)
            return fused;
        var (products, given) = (new TensorProducts(precision), x);
        for (var made = 0; made < polynomials.Length;)
        {
            using var scope = new TensorScope();
            var (next, count) = Advance(products, x, rows, columns, polynomials.AsSpan(made), precision);
            if (x != given)
                x.Dispose();
            (x, made) = (scope.Keep(next), made + count);
        }
        return x;
    }

    readonly struct TensorProducts(MatMulPrecision precision) : IMatrixProducts<Tensor>
    {
        public Tensor Adjoint(Tensor x) => Linalg.Matrices.H(x);

        public Tensor Product(Tensor a, Tensor b, bool isHermitian) => precision == MatMulPrecision.Float32
            ? MatMul.Run("Polynomial", a, b, isHermitian: isHermitian)
            : ReducedMatMul.Run("Polynomial", a, b, precision);

        public Tensor Product(Tensor a, Tensor b, Tensor c, double alpha, double beta, bool isHermitian)
        {
            if (precision == MatMulPrecision.Float32)
                return MatMul.Run("Polynomial", a, b, c, alpha, beta, isHermitian);
            var y = ReducedMatMul.Run("Polynomial", a, b, precision);
            Skeletons.Pointwise.Update<DescentStep>("Polynomial", y, c, new() { A = beta, B = alpha });
            return y;
        }

        public Tensor Shifted(Tensor x, double factor, double shift)
        {
            var eye = Linalg.Matrices.Identity(x.Shape[^1], x.Shape[^1], x.DType, x.Device);
            var scaled = factor == 1 ? x : Skeletons.Pointwise.Run<Binary<Multiply>>("Polynomial", x, factor);
            return Skeletons.Pointwise.Run<Ternary<AddScaled>>("Polynomial", scaled, eye, shift);
        }
    }

    // ---- host: one matrix after the other, each in cache through all steps

    static unsafe void OnHost<E, T, F>(Tensor x, Tensor y, IReadOnlyList<double>[] polynomials) where E : unmanaged where T : struct, ILane<T> where F : struct, ICell<T, E>
    {
        var (rows, columns) = (x.Shape[^2], x.Shape[^1]);
        var (elements, square) = (rows * columns, Math.Min(rows, columns) * Math.Min(rows, columns));
        var from = HostMemory.Pointer<E>(x);
        var to = HostMemory.Pointer<E>(y);
        var work = (long)elements * Math.Min(rows, columns) * polynomials.Sum(polynomial => polynomial.Count);
        var squares = HostSquares(rows, columns, polynomials) * square;
        HostThreads.Range(x.ElementCount / elements, Math.Max(1, HostMatMul.Grain / work), (begin, end) =>
        {
            var grams = Panels.Between<E>(squares + 2 * elements);
            var products = new CachedProducts<E, T, F>(grams);
            for (var at = begin * elements; at < end * elements; at += elements)
            {
                var now = new HostMatrix<E>(from + at, columns, 1, rows, columns);
                var made = 0;
                for (var turn = 0; made < polynomials.Length; turn = 1 - turn)
                {
                    products.Begin(grams + squares + turn * elements);
                    var (next, count) = Advance(products, now, rows, columns, polynomials.AsSpan(made));
                    (now, made) = (next, made + count);
                }
                Buffer.MemoryCopy(now.Start, to + at, elements * sizeof(E), elements * sizeof(E));
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    // Hermitian matrices that steps between two products with x take at most.
    static int HostSquares(int rows, int columns, IReadOnlyList<double>[] polynomials)
    {
        var most = 0;
        for (var made = 0; made < polynomials.Length;)
        {
            var steps = GramSteps(rows, columns, polynomials.AsSpan(made), MatMulPrecision.Float32);
            most = Math.Max(most, polynomials[made..(made + steps)].Sum(polynomial => polynomial.Count + 2));
            made += steps;
        }
        return most;
    }

    readonly unsafe struct HostMatrix<E>(E* start, int row, int column, int rows, int columns) where E : unmanaged
    {
        public readonly E* Start = start;
        public readonly int Row = row, Column = column, Rows = rows, Columns = columns;
    }

    // Hermitian results go to the room for Gram matrices one after the other, the last product of some steps to where it is wanted.
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

        public HostMatrix<E> Product(HostMatrix<E> a, HostMatrix<E> b, bool isHermitian) => Run(a, b, new() { IsHermitian = isHermitian });

        public HostMatrix<E> Product(HostMatrix<E> a, HostMatrix<E> b, HostMatrix<E> c, double alpha, double beta, bool isHermitian)
            => Run(a, b, new() { Scales = true, C = c.Start, CRow = c.Row, Alpha = F.Pack(T.Of(alpha)), Beta = F.Pack(T.Of(beta)), IsHermitian = isHermitian });

        public HostMatrix<E> Shifted(HostMatrix<E> x, double factor, double shift)
        {
            var y = Gram(x.Rows);
            var count = x.Rows * x.Rows;
            if (factor == 1)
                new Span<E>(x.Start, count).CopyTo(new(y, count));
            else if (typeof(E) == typeof(float))
                TensorPrimitives.Multiply(new Span<float>(x.Start, count), (float)factor, new Span<float>(y, count));
            else
                TensorPrimitives.Multiply(new Span<double>(x.Start, count), factor, new Span<double>(y, count));
            for (var i = 0; i < count; i += x.Rows + 1)
                F.Store(y + i, F.Load(y + i) + T.Of(shift));
            return new(y, x.Rows, 1, x.Rows, x.Rows);
        }

        E* Gram(int rows)
        {
            var y = gram;
            gram += rows * rows;
            return y;
        }

        HostMatrix<E> Run(HostMatrix<E> a, HostMatrix<E> b, HostProduct<E> product)
        {
            var y = product.IsHermitian ? Gram(a.Rows) : result;
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
