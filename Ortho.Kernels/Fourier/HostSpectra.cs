using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Fourier;

/// <summary>The host half of <see cref="Spectra"/>: blocks of a vector of images, whose last step writes, or first step reads, the spectra
/// where they are; products of small matrices whose parts lie apart, on vectors of the result's columns.</summary>
static unsafe class HostSpectra
{
    /// <summary>A dense tensor [p, q, ...] of images, counted along the first dimension or, swapped, along the second.</summary>
    public readonly struct Images(Tensor tensor, bool swap)
    {
        readonly int p = tensor.Shape[0], q = tensor.Shape[1];

        public Tensor Tensor => tensor;

        public int Count => p * q;

        // Positions beyond the last image repeat it.
        public void Addresses<E>(E* start, long first, int width, nint* addresses) where E : unmanaged
        {
            var numbers = tensor.Shape[2..].ElementCount;
            for (var w = 0; w < width; w++)
            {
                var image = Math.Min(first + w, Count - 1);
                if (swap)
                    image = image % p * q + image / p;
                addresses[w] = (nint)(start + image * numbers);
            }
        }
    }

    // Spectra are padded to vectors of 512 bits, so blocks are always whole.
    static void Run<T, E, F, B>(HostPlane.Job job, int count, B block) where T : struct, ILane<T> where E : unmanaged where F : struct, IFormat<T, E> where B : IBlock<E>
    {
        var width = HostFft.Width<E>(0);
        var padded = 64 / sizeof(E);
        var blocks = (count + padded - 1) / padded * (padded / width);
        HostThreads.Range(blocks, Math.Max(1, HostThreads.Grain / (job.Work * width)), (begin, end) =>
        {
            for (var at = begin; at < end; at++)
            {
                if (width == Packed512<E>.Width)
                    block.Run<Vec512<E>, Packed512<E>>(at * width);
                else if (width == Packed256<E>.Width)
                    block.Run<Vec256<E>, Packed256<E>>(at * width);
                else if (width == Packed128<E>.Width)
                    block.Run<Vec128<E>, Packed128<E>>(at * width);
                else
                    block.Run<T, F>(at * width);
            }
            FourierScratch.ReleaseLarge();
        });
    }

    interface IBlock<E> where E : unmanaged
    {
        void Run<V, FV>(long first) where V : struct, ILane<V> where FV : struct, IFormat<V, E>;
    }

    sealed class ForwardBlock<E>(HostPlane.Job job, Window window, Images x, nint from, nint to, int row) : IBlock<E> where E : unmanaged
    {
        public void Run<V, FV>(long first) where V : struct, ILane<V> where FV : struct, IFormat<V, E>
        {
            var images = stackalloc nint[FV.Width];
            x.Addresses((E*)from, first, FV.Width, images);
            new Stack<V, E, FV>(job).Forward(images, window, (E*)to + first, row);
        }
    }

    sealed class InverseBlock<E>(HostPlane.Job job, Window window, Images y, nint from, nint to, int row) : IBlock<E> where E : unmanaged
    {
        public void Run<V, FV>(long first) where V : struct, ILane<V> where FV : struct, IFormat<V, E>
        {
            if (first >= y.Count)
                return;
            var images = stackalloc nint[FV.Width];
            y.Addresses((E*)to, first, FV.Width, images);
            new Stack<V, E, FV>(job).Inverse((E*)from + first, row, images, (int)Math.Min(FV.Width, y.Count - first), window);
        }
    }

    public static void Forward<T, E, F>(HostPlane.Job job, Window window, Images x, Tensor y) where T : struct, ILane<T> where E : unmanaged where F : struct, IFormat<T, E>
    {
        Run<T, E, F, ForwardBlock<E>>(job, x.Count, new(job, window, x, (nint)HostFft.Start<E>(x.Tensor), (nint)HostFft.Start<E>(y), y.Shape[2]));
        GC.KeepAlive(x.Tensor);
        GC.KeepAlive(y);
    }

    public static void Inverse<T, E, F>(HostPlane.Job job, Window window, Tensor x, Images y) where T : struct, ILane<T> where E : unmanaged where F : struct, IFormat<T, E>
    {
        Run<T, E, F, InverseBlock<E>>(job, y.Count, new(job, window, y, (nint)HostFft.Start<E>(x), (nint)HostFft.Start<E>(y.Tensor), x.Shape[2]));
        GC.KeepAlive(x);
        GC.KeepAlive(y.Tensor);
    }

    // ---- complex numbers, parts side by side, to rows of parts and back

    public static void Separate<T, E, F>(Tensor x, Tensor y, int count) where T : struct, ILane<T> where E : unmanaged where F : struct, IFormat<T, E>
    {
        var (from, to, row) = ((nint)HostFft.Start<E>(x), (nint)HostFft.Start<E>(y), y.Shape[2]);
        HostThreads.Range(y.Shape[0], Math.Max(1, HostThreads.Grain / row), (begin, end) =>
        {
            for (var f = begin; f < end; f++)
            {
                var (pairs, parts) = ((nint)((E*)from + f * 2 * count), (nint)((E*)to + f * 2 * row));
                var done = Vector512.IsHardwareAccelerated ? Separate<Vec512<E>, E, Packed512<E>>((E*)pairs, (E*)parts, row, 0, count)
                    : Vector256.IsHardwareAccelerated ? Separate<Vec256<E>, E, Packed256<E>>((E*)pairs, (E*)parts, row, 0, count)
                    : Vector128.IsHardwareAccelerated ? Separate<Vec128<E>, E, Packed128<E>>((E*)pairs, (E*)parts, row, 0, count) : 0;
                Separate<T, E, F>((E*)pairs, (E*)parts, row, done, count);
                for (var part = 0; part < 2; part++)
                    new Span<E>((E*)parts + part * row + count, row - count).Clear();
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    [MethodImpl(Inline.Root)]
    static int Separate<V, E, FV>(E* pairs, E* parts, int row, int i, int count) where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        for (; i + FV.Width <= count; i += FV.Width)
        {
            var value = Weave.Unzip<V, E, FV>(pairs + 2 * i);
            FV.Store(parts + i, value.Re);
            FV.Store(parts + row + i, value.Im);
        }
        return i;
    }

    public static void Join<T, E, F>(Tensor x, Tensor y, int count) where T : struct, ILane<T> where E : unmanaged where F : struct, IFormat<T, E>
    {
        var (from, to, row) = ((nint)HostFft.Start<E>(x), (nint)HostFft.Start<E>(y), x.Shape[2]);
        HostThreads.Range(x.Shape[0], Math.Max(1, HostThreads.Grain / row), (begin, end) =>
        {
            for (var f = begin; f < end; f++)
            {
                var (parts, pairs) = ((nint)((E*)from + f * 2 * row), (nint)((E*)to + f * 2 * count));
                var done = Vector512.IsHardwareAccelerated ? Join<Vec512<E>, E, Packed512<E>>((E*)parts, (E*)pairs, row, 0, count)
                    : Vector256.IsHardwareAccelerated ? Join<Vec256<E>, E, Packed256<E>>((E*)parts, (E*)pairs, row, 0, count)
                    : Vector128.IsHardwareAccelerated ? Join<Vec128<E>, E, Packed128<E>>((E*)parts, (E*)pairs, row, 0, count) : 0;
                Join<T, E, F>((E*)parts, (E*)pairs, row, done, count);
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    [MethodImpl(Inline.Root)]
    static int Join<V, E, FV>(E* parts, E* pairs, int row, int i, int count) where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        for (; i + FV.Width <= count; i += FV.Width)
            Weave.Zip<V, E, FV>(pairs + 2 * i, new(FV.Load(parts + i), FV.Load(parts + row + i)));
        return i;
    }

    // ---- products

    /// <summary>A factor of a product at one frequency: its real part's address, from there to the imaginary part, and its letters.</summary>
    struct Factor
    {
        public nint Start;
        public nint Part, I, J, K;
    }

    public static void Product<T, E, F>(SpectralProduct product, Tensor x, Tensor y, Tensor z) where T : struct, ILane<T> where E : unmanaged where F : struct, IFormat<T, E>
    {
        var p = product.Ordered();
        var (xStart, yStart, zStart) = ((nint)HostFft.Start<E>(x), (nint)HostFft.Start<E>(y), (nint)HostFft.Start<E>(z));
        var (xRow, yRow, zRow) = (x.Shape[2], y.Shape[2], z.Shape[2]);
        var work = 4L * p.Extents.I * p.Extents.J * p.Extents.K;
        HostThreads.Range(x.Shape[0], Math.Max(1, 4L * HostThreads.Grain / Math.Max(1, work)), (begin, end) =>
        {
            for (var f = begin; f < end; f++)
            {
                var to = (E*)zStart + f * 2 * zRow;
                var first = new Factor { Start = (nint)((E*)xStart + f * 2 * xRow), Part = xRow, I = p.X.I, J = p.X.J, K = p.X.K };
                var second = new Factor { Start = (nint)((E*)yStart + f * 2 * yRow), Part = yRow, I = p.Y.I, J = p.Y.J, K = p.Y.K };
                first = Dense<E>(first, p, 0);
                second = Dense<E>(second, p, 1);
                var j = Vector512.IsHardwareAccelerated ? Columns<Vec512<E>, E, Packed512<E>>(first, second, to, zRow, p, 0) : 0;
                j = Vector256.IsHardwareAccelerated ? Columns<Vec256<E>, E, Packed256<E>>(first, second, to, zRow, p, j) : j;
                j = Vector128.IsHardwareAccelerated ? Columns<Vec128<E>, E, Packed128<E>>(first, second, to, zRow, p, j) : j;
                Columns<T, E, F>(first, second, to, zRow, p, j);
                for (var part = 0; part < 2; part++)
                    new Span<E>(to + part * zRow + p.Count, zRow - p.Count).Clear();
            }
            FourierScratch.ReleaseLarge();
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
        GC.KeepAlive(z);
    }

    // A factor whose neighbours along j lie apart is copied, so that vectors of them can be read.
    static Factor Dense<E>(Factor x, SpectralProduct p, int which) where E : unmanaged
    {
        if (x.J is 0 or 1 || p.Extents.J == 1)
            return x;
        var (i, j, k) = (x.I == 0 ? 1 : p.Extents.I, p.Extents.J, x.K == 0 ? 1 : p.Extents.K);
        var part = (nint)i * j * k;
        var bytes = (nuint)(2 * part) * (nuint)sizeof(E);
        var copy = (E*)(which == 0 ? FourierScratch.Steps(bytes) : FourierScratch.Plane(bytes));
        for (var side = 0; side < 2; side++)
        {
            var start = (E*)x.Start + side * x.Part;
            var done = 0;
            if (i == 1 && x.K == 1)
            {
                done = Vector512.IsHardwareAccelerated ? Turn<Vec512<E>, E, Packed512<E>>(start, x.J, copy + side * part, j, k)
                    : Vector256.IsHardwareAccelerated ? Turn<Vec256<E>, E, Packed256<E>>(start, x.J, copy + side * part, j, k)
                    : Vector128.IsHardwareAccelerated ? Turn<Vec128<E>, E, Packed128<E>>(start, x.J, copy + side * part, j, k) : 0;
            }
            for (var a = 0; a < i; a++)
            {
                for (var b = 0; b < k; b++)
                {
                    var (from, to) = ((nint)(start + a * x.I + b * x.K), (nint)(copy + side * part + ((nint)a * k + b) * j));
                    for (var c = done; c < j; c++)
                        ((E*)to)[c] = ((E*)from)[c * x.J];
                }
            }
        }
        return new() { Start = (nint)copy, Part = part, I = x.I == 0 ? 0 : (nint)k * j, J = 1, K = x.K == 0 ? 0 : j };
    }

    // Whole vectors of j rows of k neighbours, transposed; returns the rows that are done.
    static int Turn<V, E, FV>(E* x, nint row, E* y, int j, int k) where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        var from = stackalloc nint[FV.Width];
        var to = stackalloc nint[FV.Width];
        var c = 0;
        for (; c + FV.Width <= j; c += FV.Width)
        {
            for (var w = 0; w < FV.Width; w++)
                from[w] = (nint)(x + (c + w) * row);
            for (var b = 0; b < k; b += FV.Width)
            {
                var count = Math.Min(FV.Width, k - b);
                for (var e = 0; e < count; e++)
                    to[e] = (nint)(y + (nint)(b + e) * j + c);
                Packing.Tile<V, E, FV>(from, b, to, count);
            }
        }
        return c;
    }

    interface IChoice
    {
        static abstract bool Is { get; }
    }

    readonly struct Yes : IChoice
    {
        public static bool Is => true;
    }

    readonly struct No : IChoice
    {
        public static bool Is => false;
    }

    // All whole vectors of columns from j on; returns the first column that is left.
    static int Columns<V, E, FV>(Factor x, Factor y, E* z, int zPart, SpectralProduct p, int j) where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        for (; j + FV.Width <= p.Extents.J; j += FV.Width)
        {
            switch (x.J, y.J)
            {
                case (0, 0): Rows<V, E, FV, No, No>(x, y, z, zPart, p, j); break;
                case (0, _): Rows<V, E, FV, No, Yes>(x, y, z, zPart, p, j); break;
                case (_, 0): Rows<V, E, FV, Yes, No>(x, y, z, zPart, p, j); break;
                default: Rows<V, E, FV, Yes, Yes>(x, y, z, zPart, p, j); break;
            }
        }
        return j;
    }

    static void Rows<V, E, FV, VX, VY>(Factor x, Factor y, E* z, int zPart, SpectralProduct p, int j)
        where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E> where VX : struct, IChoice where VY : struct, IChoice
    {
        if (p.ConjugateX)
            Rows<V, E, FV, VX, VY, Yes, No>(x, y, z, zPart, p, j);
        else if (p.ConjugateY)
            Rows<V, E, FV, VX, VY, No, Yes>(x, y, z, zPart, p, j);
        else
            Rows<V, E, FV, VX, VY, No, No>(x, y, z, zPart, p, j);
    }

    [MethodImpl(Inline.Root)]
    static void Rows<V, E, FV, VX, VY, CX, CY>(Factor x, Factor y, E* z, int zPart, SpectralProduct p, int j)
        where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
        where VX : struct, IChoice where VY : struct, IChoice where CX : struct, IChoice where CY : struct, IChoice
    {
        var xAt = (E*)x.Start + j * x.J;
        var yAt = (E*)y.Start + j * y.J;
        var to = z + j * (nint)p.Z.J;
        var i = 0;
        // Four rows at a time: eight sums that do not wait for each other.
        for (; i + 4 <= p.Extents.I; i += 4)
        {
            var (r0, r1, r2, r3) = (Cx<V>.Of(0), Cx<V>.Of(0), Cx<V>.Of(0), Cx<V>.Of(0));
            var u = xAt + i * x.I;
            var v = yAt + i * y.I;
            for (var k = 0; k < p.Extents.K; k++)
            {
                r0 = Add<V, E, FV, VX, VY, CX, CY>(u, x.Part, v, y.Part, r0);
                r1 = Add<V, E, FV, VX, VY, CX, CY>(u + x.I, x.Part, v + y.I, y.Part, r1);
                r2 = Add<V, E, FV, VX, VY, CX, CY>(u + 2 * x.I, x.Part, v + 2 * y.I, y.Part, r2);
                r3 = Add<V, E, FV, VX, VY, CX, CY>(u + 3 * x.I, x.Part, v + 3 * y.I, y.Part, r3);
                u += x.K;
                v += y.K;
            }
            Put<V, E, FV>(to + i * (nint)p.Z.I, zPart, r0);
            Put<V, E, FV>(to + (i + 1) * (nint)p.Z.I, zPart, r1);
            Put<V, E, FV>(to + (i + 2) * (nint)p.Z.I, zPart, r2);
            Put<V, E, FV>(to + (i + 3) * (nint)p.Z.I, zPart, r3);
        }
        for (; i < p.Extents.I; i++)
        {
            var sum = Cx<V>.Of(0);
            for (var k = 0; k < p.Extents.K; k++)
                sum = Add<V, E, FV, VX, VY, CX, CY>(xAt + i * x.I + k * x.K, x.Part, yAt + i * y.I + k * y.K, y.Part, sum);
            Put<V, E, FV>(to + i * (nint)p.Z.I, zPart, sum);
        }
    }

    // Cx.Fma; conjugates change signs only, which are exact.
    [MethodImpl(Inline.Always)]
    static Cx<V> Add<V, E, FV, VX, VY, CX, CY>(E* x, nint xPart, E* y, nint yPart, Cx<V> sum)
        where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
        where VX : struct, IChoice where VY : struct, IChoice where CX : struct, IChoice where CY : struct, IChoice
    {
        var a = VX.Is ? new Cx<V>(FV.Load(x), FV.Load(x + xPart)) : new Cx<V>(FV.Splat(x[0]), FV.Splat(x[xPart]));
        var b = VY.Is ? new Cx<V>(FV.Load(y), FV.Load(y + yPart)) : new Cx<V>(FV.Splat(y[0]), FV.Splat(y[yPart]));
        var re = V.Fma(a.Re, b.Re, sum.Re);
        re = CX.Is || CY.Is ? V.Fma(a.Im, b.Im, re) : V.Fma(-a.Im, b.Im, re);
        var im = CX.Is ? V.Fma(-a.Im, b.Re, sum.Im) : V.Fma(a.Im, b.Re, sum.Im);
        im = CY.Is ? V.Fma(-a.Re, b.Im, im) : V.Fma(a.Re, b.Im, im);
        return new(re, im);
    }

    [MethodImpl(Inline.Always)]
    static void Put<V, E, FV>(E* z, int part, Cx<V> value) where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        FV.Store(z, value.Re);
        FV.Store(z + part, value.Im);
    }
}
