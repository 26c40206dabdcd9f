using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.MatMul;

/// <summary>The coupled iteration on the host, of small matrices that share vectors: each position holds one of them.</summary>
static unsafe class LaneProducts
{
    /// <summary>Z of a [..., n, n], or its slope in a direction.</summary>
    public static Tensor Run(Tensor a, Tensor? direction, int iterations)
    {
        a = Copy.Contiguous(a);
        direction = direction is null ? null : Copy.Contiguous(direction);
        var y = Tensor.Empty(a.Shape, a.DType, a.Device);
        if (y.ElementCount == 0)
            return y;
        if (a.DType.RealType == DType.Float64)
            Run<double, F64, DoubleCell>(a, direction, y, iterations);
        else
            Run<float, F32, SingleCell>(a, direction, y, iterations);
        GC.KeepAlive(a);
        GC.KeepAlive(direction);
        GC.KeepAlive(y);
        return y;
    }

    static void Run<E, S, FS>(Tensor a, Tensor? direction, Tensor y, int iterations) where E : unmanaged where S : struct, ILane<S> where FS : struct, ICell<S, E>
    {
        if (Vector512.IsHardwareAccelerated)
            Run<E, Vec512<E>, Packed512<E>>(a.DType.IsComplex, a, direction, y, iterations);
        else if (Vector256.IsHardwareAccelerated)
            Run<E, Vec256<E>, Packed256<E>>(a.DType.IsComplex, a, direction, y, iterations);
        else if (Vector128.IsHardwareAccelerated)
            Run<E, Vec128<E>, Packed128<E>>(a.DType.IsComplex, a, direction, y, iterations);
        else
            Run<E, S, FS>(a.DType.IsComplex, a, direction, y, iterations);
    }

    static void Run<E, V, FV>(bool isComplex, Tensor a, Tensor? direction, Tensor y, int iterations)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        if (isComplex)
            Blocks<E, Cx<V>, SplitBlock<V, E, FV>>(a, direction, y, iterations);
        else
            Blocks<E, V, RealBlock<V, E, FV>>(a, direction, y, iterations);
    }

    static void Blocks<E, T, F>(Tensor a, Tensor? direction, Tensor y, int iterations) where E : unmanaged where T : struct, ILane<T> where F : struct, IBlockFormat<T, E>
    {
        var (n, lanes) = (a.Shape[^1], F.Width / F.Parts);
        var (size, elements) = ((nint)n * n * F.Parts, (nint)n * n * F.Width);
        var batch = (int)(a.ElementCount / (n * n));
        var (from, along, to) = ((nint)HostMemory.Parts<E>(a), direction is null ? 0 : (nint)HostMemory.Parts<E>(direction), (nint)HostMemory.Parts<E>(y));
        HostThreads.For((batch + lanes - 1) / lanes, block =>
        {
            var (first, count) = (block * lanes, Math.Min(lanes, batch - block * lanes));
            var room = Scratch<WorkMatrices>.Of<E>((nuint)(elements * (Block<E, T, F>.Slots + 2)));
            var on = new Block<E, T, F>(room, n);
            var (x, dx) = ((nint)(room + elements * Block<E, T, F>.Slots), (nint)(room + elements * (Block<E, T, F>.Slots + 1)));
            Pack<E, T, F>((E*)from + first * size, (E*)x, n * n, count);
            if (along != 0)
                Pack<E, T, F>((E*)along + first * size, (E*)dx, n * n, count);
            var result = along == 0 ? CoupledNewtonSchulz.Root(on, x, iterations) : CoupledNewtonSchulz.Slope(on, x, dx, iterations);
            Unpack<E, T, F>((E*)result, (E*)to + first * size, n * n, count);
        });
    }

    // Positions without a matrix repeat the last one.
    static void Pack<E, T, F>(E* from, E* to, int elements, int count) where E : unmanaged where T : struct, ILane<T> where F : struct, IBlockFormat<T, E>
    {
        var lanes = F.Width / F.Parts;
        for (var lane = 0; lane < lanes; lane++)
        {
            var source = from + (nint)Math.Min(lane, count - 1) * elements * F.Parts;
            for (var i = 0; i < elements; i++)
            {
                for (var part = 0; part < F.Parts; part++)
                    to[i * F.Width + part * lanes + lane] = source[i * F.Parts + part];
            }
        }
    }

    static void Unpack<E, T, F>(E* from, E* to, int elements, int count) where E : unmanaged where T : struct, ILane<T> where F : struct, IBlockFormat<T, E>
    {
        var lanes = F.Width / F.Parts;
        for (var lane = 0; lane < count; lane++)
        {
            var target = to + (nint)lane * elements * F.Parts;
            for (var i = 0; i < elements; i++)
            {
                for (var part = 0; part < F.Parts; part++)
                    target[i * F.Parts + part] = from[i * F.Width + part * lanes + lane];
            }
        }
    }

    /// <summary>The matrices of a block, by their addresses: rows of lanes.</summary>
    sealed class Block<E, T, F> : ICoupledProducts<nint> where E : unmanaged where T : struct, ILane<T> where F : struct, IBlockFormat<T, E>
    {
        /// <summary>Results that there are at once, at most.</summary>
        public const int Slots = 10;

        readonly int n;
        readonly Stack<nint> free = new(Slots);

        public Block(E* room, int n)
        {
            this.n = n;
            for (var slot = Slots - 1; slot >= 0; slot--)
                free.Push((nint)(room + (nint)slot * n * n * F.Width));
        }

        public nint Product(nint a, nint b)
        {
            var y = free.Pop();
            Multiply((E*)a, (E*)b, (E*)y, n);
            return y;
        }

        public nint Product(nint a, nint b, nint c, double factor)
        {
            var y = Product(a, b);
            Finish((E*)y, (E*)c, T.Of(factor), T.Of(factor), n * n);
            return y;
        }

        public nint Rest(nint a, nint b)
        {
            var y = Product(a, b);
            Shift((E*)y, (E*)y, T.Of(1.5), n);
            return y;
        }

        public nint Shifted(nint x, double shift)
        {
            var y = free.Pop();
            Shift((E*)x, (E*)y, T.Of(shift), n);
            return y;
        }

        public void Release(nint x) => free.Push(x);

        // Two rows by four columns at a time: an element is a chain of fused multiply-adds over the inner dimension, as everywhere.
        [MethodImpl(Inline.Root)]
        static void Multiply(E* a, E* b, E* y, int n)
        {
            var (w, row) = (F.Width, (nint)n * F.Width);
            for (var i = 0; i + 2 <= n; i += 2)
            {
                for (var j = 0; j + 4 <= n; j += 4)
                {
                    T c00 = T.Of(0), c01 = c00, c02 = c00, c03 = c00, c10 = c00, c11 = c00, c12 = c00, c13 = c00;
                    var (x, z) = ((nint)(a + i * row), (nint)(b + (nint)j * w));
                    for (var k = 0; k < n; k++)
                    {
                        T x0 = F.Load((E*)x), x1 = F.Load((E*)x + row);
                        var z0 = F.Load((E*)z);
                        (c00, c10) = (T.Fma(x0, z0, c00), T.Fma(x1, z0, c10));
                        z0 = F.Load((E*)z + w);
                        (c01, c11) = (T.Fma(x0, z0, c01), T.Fma(x1, z0, c11));
                        z0 = F.Load((E*)z + 2 * w);
                        (c02, c12) = (T.Fma(x0, z0, c02), T.Fma(x1, z0, c12));
                        z0 = F.Load((E*)z + 3 * w);
                        (c03, c13) = (T.Fma(x0, z0, c03), T.Fma(x1, z0, c13));
                        x += w * sizeof(E);
                        z += row * sizeof(E);
                    }
                    var to = y + i * row + (nint)j * w;
                    F.Store(to, c00);
                    F.Store(to + w, c01);
                    F.Store(to + 2 * w, c02);
                    F.Store(to + 3 * w, c03);
                    F.Store(to + row, c10);
                    F.Store(to + row + w, c11);
                    F.Store(to + row + 2 * w, c12);
                    F.Store(to + row + 3 * w, c13);
                }
            }
            // What is left at the right and below.
            for (var i = 0; i < n; i++)
            {
                for (var j = i < n / 2 * 2 ? n / 4 * 4 : 0; j < n; j++)
                {
                    var sum = T.Of(0);
                    for (var k = 0; k < n; k++)
                        sum = T.Fma(F.Load(a + i * row + (nint)k * w), F.Load(b + k * row + (nint)j * w), sum);
                    F.Store(y + i * row + (nint)j * w, sum);
                }
            }
        }

        // beta c + alpha y, by the formula of MatMul.
        [MethodImpl(Inline.Root)]
        static void Finish(E* y, E* c, T alpha, T beta, int count)
        {
            for (nint i = 0; i < (nint)count * F.Width; i += F.Width)
                F.Store(y + i, T.FmaReal(F.Load(c + i), beta, T.TimesReal(F.Load(y + i), alpha)));
        }

        [MethodImpl(Inline.Root)]
        static void Shift(E* x, E* y, T shift, int n)
        {
            var half = T.Of(-0.5);
            for (nint i = 0; i < (nint)n * n; i++)
            {
                var value = T.TimesReal(F.Load(x + i * F.Width), half);
                F.Store(y + i * F.Width, i % (n + 1) == 0 ? value + shift : value + T.Of(0));
            }
        }
    }
}
