using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Fourier;

/// <summary>The host half of <see cref="Fft"/>: as many signals at once as a vector has elements, one in each.</summary>
/// <remarks>
/// A block of W signals is transposed into rows of W numbers (real part of element 0 of all signals, imaginary part, real part of element
/// 1, ...), runs through the plan's steps there, and is transposed back. Real signals of even length become, by the same transposition, the
/// complex ones of half the length that their plan wants.
/// </remarks>
static unsafe class HostFft
{
    readonly struct Signals<V, E, FV>(E* start) : ISignal<V> where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        readonly E* start = start;

        [MethodImpl(Inline.Always)]
        public Cx<V> Get(int index)
        {
            var at = start + (nint)index * (2 * FV.Width);
            return new(FV.Load(at), FV.Load(at + FV.Width));
        }

        [MethodImpl(Inline.Always)]
        public void Set(int index, Cx<V> value)
        {
            var at = start + (nint)index * (2 * FV.Width);
            FV.Store(at, value.Re);
            FV.Store(at + FV.Width, value.Im);
        }
    }

    readonly struct Constants<V, E, FV>(E* start) : ITable<V> where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        readonly E* start = start;

        [MethodImpl(Inline.Always)] public Cx<V> At(int index) => new(FV.Splat(start[2 * (nint)index]), FV.Splat(start[2 * (nint)index + 1]));
    }

    [MethodImpl(Inline.Root)]
    static void Loop<S, V, E, FV>(E* x, E* y, E* table, StepShape shape)
        where S : struct, IStep where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        var (from, to, constants) = (new Signals<V, E, FV>(x), new Signals<V, E, FV>(y), new Constants<V, E, FV>(table));
        for (var p = 0; p < shape.Outer; p++)
        {
            for (var q = 0; q < shape.Inner; q++)
                S.Apply<V, Signals<V, E, FV>, Constants<V, E, FV>>(from, to, constants, shape, p, q);
        }
    }

    /// <summary>Runs a plan's steps on packed signals between two buffers.</summary>
    /// <returns>The buffer that holds the result.</returns>
    public static E* Execute<V, E, FV>(FftPlan plan, E* x, E* y) where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        var table = plan.Table<E>();
        foreach (var (kind, shape) in plan.Steps)
        {
            switch (kind)
            {
                case StepKind.Radix2: Loop<Radix2, V, E, FV>(x, y, table, shape); break;
                case StepKind.Radix3: Loop<Radix3, V, E, FV>(x, y, table, shape); break;
                case StepKind.Radix4: Loop<Radix4, V, E, FV>(x, y, table, shape); break;
                case StepKind.Radix5: Loop<Radix5, V, E, FV>(x, y, table, shape); break;
                case StepKind.Radix8: Loop<Radix8, V, E, FV>(x, y, table, shape); break;
                case StepKind.RadixOdd: Loop<RadixOdd, V, E, FV>(x, y, table, shape); break;
                case StepKind.Take: Loop<Take, V, E, FV>(x, y, table, shape); break;
                case StepKind.ChirpIn: Loop<ChirpIn, V, E, FV>(x, y, table, shape); break;
                case StepKind.ChirpSpectrum: Loop<ChirpSpectrum, V, E, FV>(x, y, table, shape); break;
                case StepKind.ChirpOut: Loop<ChirpOut, V, E, FV>(x, y, table, shape); break;
                case StepKind.RealSplit: Loop<RealSplit, V, E, FV>(x, y, table, shape); break;
                case StepKind.RealMerge: Loop<RealMerge, V, E, FV>(x, y, table, shape); break;
                default: Loop<HermitianFill, V, E, FV>(x, y, table, shape); break;
            }
            var other = x;
            x = y;
            y = other;
        }
        return x;
    }

    /// <summary>Transforms every signal of <paramref name="job"/>.</summary>
    public static void Run<T, E, F>(Fft.Job job, Tensor x, Tensor y) where T : struct, ILane<T> where E : unmanaged where F : struct, IFormat<T, E>
    {
        var (from, to) = ((nint)Start<E>(x), (nint)Start<E>(y));
        var widest = Vector512.IsHardwareAccelerated ? Packed512<E>.Width
            : Vector256.IsHardwareAccelerated ? Packed256<E>.Width
            : Vector128.IsHardwareAccelerated ? Packed128<E>.Width : 1;
        var signals = (long)job.Outer * job.Inner;
        var blocks = (signals + widest - 1) / widest;
        var work = (long)job.Plan.Longest * widest * job.Plan.Steps.Count;
        HostThreads.Range(blocks, Math.Max(1, HostThreads.Grain / work), (begin, end) =>
        {
            for (var block = begin; block < end; block++)
            {
                // The last block is run on the narrowest vector that holds it; all widths give the same bits.
                var first = block * widest;
                var count = (int)Math.Min(widest, signals - first);
                if (count == 1)
                    Block<T, E, F>(job, from, to, first, 1);
                else if (count <= Packed128<E>.Width)
                    Block<Vec128<E>, E, Packed128<E>>(job, from, to, first, count);
                else if (count <= Packed256<E>.Width)
                    Block<Vec256<E>, E, Packed256<E>>(job, from, to, first, count);
                else
                    Block<Vec512<E>, E, Packed512<E>>(job, from, to, first, count);
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    // Where a tensor's first element is, in parts of numbers.
    static E* Start<E>(Tensor tensor) where E : unmanaged
        => (E*)HostMemory.Pointer<byte>(tensor.View(Layout.Dense([]))) + tensor.Layout.Offset * (tensor.DType.Size / sizeof(E));

    [ThreadStatic] static nint scratch;
    [ThreadStatic] static nuint scratchBytes;

    // Scratch lives as long as its thread, so that the steady state does not allocate.
    static byte* Scratch(nuint bytes)
    {
        if (bytes > scratchBytes)
        {
            NativeMemory.AlignedFree((void*)scratch);
            (scratch, scratchBytes) = (0, 0);
            scratch = (nint)NativeMemory.AlignedAlloc(bytes, 64);
            scratchBytes = bytes;
        }
        return (byte*)scratch;
    }

    // What a thread keeps between calls.
    const nuint Kept = 32 << 20;

    static void ReleaseLarge()
    {
        if (scratchBytes <= Kept)
            return;
        NativeMemory.AlignedFree((void*)scratch);
        (scratch, scratchBytes) = (0, 0);
    }

    static void Block<V, E, FV>(Fft.Job job, nint xStart, nint yStart, long first, int count)
        where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        var width = FV.Width;
        var buffer = (nuint)(2L * job.Plan.Longest * width) * (nuint)sizeof(E);
        var x = (E*)Scratch(2 * buffer);
        var y = (E*)((byte*)x + buffer);
        var from = stackalloc nint[width];
        var to = stackalloc nint[width];
        for (var w = 0; w < width; w++)
        {
            // Positions beyond the last signal repeat it.
            var (outer, inner) = Math.DivRem(first + Math.Min(w, count - 1), job.Inner);
            from[w] = (nint)((outer * job.X.Length * job.Inner + inner) * job.X.Parts);
            to[w] = (nint)((outer * job.Y.Length * job.Inner + inner) * job.Y.Parts);
        }
        Packing.Pack((E*)xStart, from, job.Inner, job.X, x, width);
        var result = Execute<V, E, FV>(job.Plan, x, y);
        if (job.Scale != 1)
            Multiply<V, E, FV>(result, 2 * job.Plan.OutLength, job.Scale);
        Packing.Unpack((E*)yStart, to, job.Inner, job.Y, result, width, count);
        ReleaseLarge();
    }

    [MethodImpl(Inline.Root)]
    static void Multiply<V, E, FV>(E* x, int rows, double scale) where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        var factor = V.Of(scale);
        for (nint i = 0; i < (nint)rows * FV.Width; i += FV.Width)
            FV.Store(x + i, FV.Load(x + i) * factor);
    }
}
