using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.MatMul;

/// <summary><see cref="OddPolynomial"/> of small real matrices on the host: each in the cache through all steps, alone or, where that is less
/// work, beside others in the positions of vectors.</summary>
static unsafe class HostPolynomial
{
    // Multiply-adds of vectors that take as long as what a product of one small matrix by tiles costs beside its own, each of which takes as long as
    // half another one (measured).
    const long ProductCost = 300;

    // Of larger matrices as many as a vector has positions leave the cache (measured: 28 x 28 takes 0.6 of the time by tiles, 32 x 32 1.5).
    const int MostElements = 800;

    /// <summary>All steps of x, or their gradient at x where there is a g.</summary>
    public static void Run(Tensor x, Tensor? g, Tensor y, IReadOnlyList<double>[] polynomials)
    {
        if (x.DType == DType.Float32)
            Run<float, F32, SingleCell>(x, g, y, polynomials);
        else
            Run<double, F64, DoubleCell>(x, g, y, polynomials);
    }

    static void Run<E, T, F>(Tensor x, Tensor? g, Tensor y, IReadOnlyList<double>[] polynomials) where E : unmanaged where T : struct, ILane<T> where F : struct, ICell<T, E>
    {
        var (rows, columns) = (x.Shape[^2], x.Shape[^1]);
        var (elements, least) = (rows * columns, Math.Min(rows, columns));
        var count = (int)(x.ElementCount / elements);
        HostMatrices<E>? matrices = LaneMatrices<E>.Of<T, F>();
        var groups = (count + matrices.Width - 1) / matrices.Width;
        var product = (long)elements * least;
        if (elements > MostElements || product * groups > count * (ProductCost + product * 3 / 2 / matrices.Width))
            (matrices, groups) = (null, count);
        var width = matrices?.Width ?? 1;
        var (from, to, gradient) = ((nint)HostMemory.Pointer<E>(x), (nint)HostMemory.Pointer<E>(y), g is null ? 0 : (nint)HostMemory.Pointer<E>(g));
        var work = product * polynomials.Sum(polynomial => polynomial.Count) * (g is null ? 1 : 3);
        // All that steps between two Gram matrices make, or all that there is for a gradient.
        var squares = g is null ? OddPolynomial.MostProducts(rows, columns, polynomials) : polynomials.Sum(polynomial => 4 * polynomial.Count + 6);
        var room = ((g is null ? 3 : 4 * polynomials.Length + 4) * (long)elements + (long)squares * least * least) * width;
        HostThreads.Range(groups, Math.Max(1, HostMatMul.Grain / work), (begin, end) =>
        {
            HostMatrices<E> products = matrices ?? new TiledMatrices<E, T, F>();
            var memory = Panels.Between<E>(checked((nint)room));
            for (var group = begin; group < end; group++)
            {
                var (at, many) = ((nint)group * width * elements, (int)Math.Min(width, count - group * width));
                products = products.At(memory);
                var now = products.Load((E*)from + at, many, rows, columns);
                if (gradient != 0)
                {
                    products.Save(OddPolynomial.Pull(products, now, products.Load((E*)gradient + at, many, rows, columns), rows, columns, polynomials), (E*)to + at, many);
                    continue;
                }
                var next = memory + (nint)elements * width;
                for (var (made, turn) = (0, 0); made < polynomials.Length; turn = 1 - turn)
                {
                    products = products.At(memory + 3 * (nint)elements * width, next + turn * (nint)elements * width);
                    var steps = OddPolynomial.Advance(products, now, rows, columns, polynomials.AsSpan(made));
                    (now, made) = (steps.Y, made + steps.Count);
                }
                products.Save(now, (E*)to + at, many);
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(g);
        GC.KeepAlive(y);
    }
}
