using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Fourier;

/// <summary>The host half of <see cref="Fft"/>: as many signals at once as a vector has elements, one in each.</summary>
/// <remarks>
/// A block of W signals runs through the plan's steps as rows of W numbers (real part of element 0 of all signals, imaginary part, real part
/// of element 1, ...) in memory that stays in the cache. Signals along the last dimension are transposed into such rows and back; of others
/// the first step reads, and the last one writes, vectors of neighbours where they are. Real signals of even length are read as the complex
/// ones of half the length that their plan wants.
/// </remarks>
static unsafe class HostFft
{
    readonly struct Twiddled<V, E, FV>(E* start) : ITable<V> where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        readonly E* start = start;

        [MethodImpl(Inline.Always)] public Cx<V> At(int index) => new(FV.Splat(start[2 * (nint)index]), FV.Splat(start[2 * (nint)index + 1]));

        [MethodImpl(Inline.Always)] public Cx<V> Turn(Cx<V> value, int index) => value * At(index);
    }

    readonly struct LastPass<V, E, FV>(E* start) : ITable<V> where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        readonly E* start = start;

        [MethodImpl(Inline.Always)] public Cx<V> At(int index) => new(FV.Splat(start[2 * (nint)index]), FV.Splat(start[2 * (nint)index + 1]));

        [MethodImpl(Inline.Always)] public Cx<V> Turn(Cx<V> value, int index) => value;
    }

    // One butterfly text in each: two would share the JIT's inlining budget.

    [MethodImpl(Inline.Root)]
    static void Loop<S, V, E, FV, A, B>(Place x, Place y, E* table, StepShape shape)
        where S : struct, IStep where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
        where A : struct, IPlaced<A, V> where B : struct, IPlaced<B, V>
    {
        var (from, to, constants) = (A.At(x), B.At(y), new Twiddled<V, E, FV>(table));
        for (var p = 0; p < shape.Outer; p++)
        {
            for (var q = 0; q < shape.Inner; q++)
                S.Apply<V, A, B, Twiddled<V, E, FV>>(from, to, constants, shape, p, q);
        }
    }

    [MethodImpl(Inline.Root)]
    static void LastLoop<S, V, E, FV, A, B>(Place x, Place y, E* table, StepShape shape)
        where S : struct, IStep where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
        where A : struct, IPlaced<A, V> where B : struct, IPlaced<B, V>
    {
        var (from, to, constants) = (A.At(x), B.At(y), new LastPass<V, E, FV>(table));
        for (var q = 0; q < shape.Inner; q++)
            S.Apply<V, A, B, LastPass<V, E, FV>>(from, to, constants, shape, 0, q);
    }

    static void Step<S, V, E, FV, A, B>(Place x, Place y, E* table, StepShape shape)
        where S : struct, IStep where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
        where A : struct, IPlaced<A, V> where B : struct, IPlaced<B, V>
    {
        if (shape.IsLastPass)
            LastLoop<S, V, E, FV, A, B>(x, y, table, shape);
        else
            Loop<S, V, E, FV, A, B>(x, y, table, shape);
    }

    static void Step<S, V, E, FV>(Place x, Place y, E* table, StepShape shape)
        where S : struct, IStep where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        switch (x.Kind, y.Kind)
        {
            case (PlaceKind.Packed, PlaceKind.Packed): Step<S, V, E, FV, Packed<V, E, FV>, Packed<V, E, FV>>(x, y, table, shape); break;
            case (PlaceKind.Packed, PlaceKind.Apart): Step<S, V, E, FV, Packed<V, E, FV>, Apart<V, E, FV>>(x, y, table, shape); break;
            case (PlaceKind.Packed, _): Step<S, V, E, FV, Packed<V, E, FV>, Interleaved<V, E, FV>>(x, y, table, shape); break;
            case (PlaceKind.Apart, _): Step<S, V, E, FV, Apart<V, E, FV>, Packed<V, E, FV>>(x, y, table, shape); break;
            default: Step<S, V, E, FV, Interleaved<V, E, FV>, Packed<V, E, FV>>(x, y, table, shape); break;
        }
    }

    static void Step<V, E, FV>(StepKind kind, Place x, Place y, E* table, StepShape shape) where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        switch (kind)
        {
            case StepKind.Radix2: Step<Radix2, V, E, FV>(x, y, table, shape); break;
            case StepKind.Radix3: Step<Radix3, V, E, FV>(x, y, table, shape); break;
            case StepKind.Radix4: Step<Radix4, V, E, FV>(x, y, table, shape); break;
            case StepKind.Radix5: Step<Radix5, V, E, FV>(x, y, table, shape); break;
            case StepKind.Radix7: Step<Radix7, V, E, FV>(x, y, table, shape); break;
            case StepKind.Radix8: Step<Radix8, V, E, FV>(x, y, table, shape); break;
            case StepKind.RadixOdd: Step<RadixOdd, V, E, FV>(x, y, table, shape); break;
            case StepKind.Take: Step<Take, V, E, FV>(x, y, table, shape); break;
            case StepKind.ChirpIn: Step<ChirpIn, V, E, FV>(x, y, table, shape); break;
            case StepKind.ChirpSpectrum: Step<ChirpSpectrum, V, E, FV>(x, y, table, shape); break;
            case StepKind.ChirpOut: Step<ChirpOut, V, E, FV>(x, y, table, shape); break;
            case StepKind.RealSplit: Step<RealSplit, V, E, FV>(x, y, table, shape); break;
            case StepKind.RealMerge: Step<RealMerge, V, E, FV>(x, y, table, shape); break;
            default: Step<HermitianFill, V, E, FV>(x, y, table, shape); break;
        }
    }

    /// <summary>Runs a plan's steps.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="source">Where the first step reads; when packed, either <paramref name="b"/> or memory of its own.</param>
    /// <param name="target">Where the last step writes: <see cref="LastOf"/>, or memory of its own. It may be that of the source unless this
    /// is packed.</param>
    /// <param name="a">What the steps between write and read, as long as the plan's longest signal.</param>
    /// <param name="b">The same.</param>
    public static void Execute<V, E, FV>(FftPlan plan, Place source, Place target, E* a, E* b) where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        var table = plan.Table<E>();
        var steps = plan.Steps;
        for (var k = 0; k < steps.Length; k++)
        {
            var (kind, shape) = steps[k];
            var isLast = k == steps.Length - 1 && (k > 0 || source.Kind == PlaceKind.Packed || target.Kind == PlaceKind.Packed);
            var next = isLast ? target : new Place(PlaceKind.Packed, (nint)(k % 2 == 0 ? a : b));
            Step<V, E, FV>(kind, source, next, table, shape);
            source = next;
        }
        // A single step from places to places: through the scratch memory.
        if (source != target)
            Step<Take, V, E, FV>(source, target, table, new() { Outer = plan.OutLength, Inner = 1, Length = plan.OutLength, OutLength = plan.OutLength });
    }

    /// <summary>Which of the two the last step of a plan writes when it may choose.</summary>
    public static E* LastOf<E>(FftPlan plan, E* a, E* b) where E : unmanaged => plan.Steps.Length % 2 == 1 ? a : b;

    /// <summary>Transforms every signal of <paramref name="job"/>.</summary>
    public static void Run<T, E, F>(Fft.Job job, Tensor x, Tensor y) where T : struct, ILane<T> where E : unmanaged where F : struct, IFormat<T, E>
    {
        var lines = new Lines<E>(job, Start<E>(x), Start<E>(y));
        HostThreads.Range(lines.Blocks, Math.Max(1, HostThreads.Grain / lines.Work), (begin, end) =>
        {
            lines.Run<T, F>(begin, end);
            FourierScratch.ReleaseLarge();
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    // Where a tensor's first element is, in parts of numbers.
    public static E* Start<E>(Tensor tensor) where E : unmanaged
        => (E*)HostMemory.Pointer<byte>(tensor.View(Layout.Dense([]))) + tensor.Layout.Offset * (tensor.DType.Size / sizeof(E));

    // Two buffers of the steps stay well within a core's second-level cache (1 MB where it was measured); longer signals run on narrower vectors.
    const long CachedBytes = 768 << 10;

    /// <summary>Signals that are transformed at once.</summary>
    /// <param name="numbers">Numbers of one signal that the work on it keeps in the cache.</param>
    public static int Width<E>(long numbers) where E : unmanaged
    {
        var width = Vector512.IsHardwareAccelerated ? Packed512<E>.Width
            : Vector256.IsHardwareAccelerated ? Packed256<E>.Width
            : Vector128.IsHardwareAccelerated ? Packed128<E>.Width : 1;
        while (width > Packed256<E>.Width && numbers * width * sizeof(E) > CachedBytes)
            width /= 2;
        return width;
    }

    /// <summary>The signals of a job in blocks: one vector of signals each.</summary>
    internal readonly struct Lines<E> where E : unmanaged
    {
        readonly Fft.Job job;
        readonly nint x, y;
        readonly int width, perOuter;

        public Lines(Fft.Job job, E* x, E* y)
        {
            (this.job, this.x, this.y) = (job, (nint)x, (nint)y);
            width = Width<E>(4L * job.Plan.Longest);
            // Neighbours are read together; where there are few, a block is filled with signals from wherever they are.
            perOuter = job.Inner >= width ? (job.Inner + width - 1) / width : 0;
            Blocks = perOuter > 0 ? (long)job.Outer * perOuter : ((long)job.Outer * job.Inner + width - 1) / width;
        }

        public long Blocks { get; }

        /// <summary>A block's work in cheap operations.</summary>
        public long Work => (long)job.Plan.Longest * width * job.Plan.Steps.Length;

        public void Run<T, F>(long begin, long end) where T : struct, ILane<T> where F : struct, IFormat<T, E>
        {
            var signals = (long)job.Outer * job.Inner;
            for (var block = begin; block < end; block++)
            {
                var (first, count) = (block * width, (int)Math.Min(width, signals - block * width));
                if (perOuter > 0)
                {
                    var (outer, part) = Math.DivRem(block, perOuter);
                    (first, count) = (outer * job.Inner + part * width, (int)Math.Min(width, job.Inner - part * width));
                }
                // The last block is run on the narrowest vector that holds it; all widths give the same bits.
                if (count == 1)
                    Block<T, F>(first, 1);
                else if (count <= Packed128<E>.Width)
                    Block<Vec128<E>, Packed128<E>>(first, count);
                else if (count <= Packed256<E>.Width)
                    Block<Vec256<E>, Packed256<E>>(first, count);
                else
                    Block<Vec512<E>, Packed512<E>>(first, count);
            }
        }

        void Block<V, FV>(long first, int count) where V : struct, ILane<V> where FV : struct, IFormat<V, E>
        {
            var (plan, inner, from, to) = (job.Plan, (nint)job.Inner, job.X, job.Y);
            var lanes = FV.Width;
            var buffer = (nuint)(2L * plan.Longest * lanes) * (nuint)sizeof(E);
            var a = (E*)FourierScratch.Steps(2 * buffer);
            var b = (E*)((byte*)a + buffer);
            var signals = stackalloc nint[lanes];
            var isDirect = perOuter > 0 && count == lanes;

            Addresses((E*)x, from, first, count, signals, lanes);
            Place source, target;
            if (isDirect && from.Parts == 2)
            {
                source = new(PlaceKind.Interleaved, signals[0], 2 * inner, 0, from.Flip == 1);
            }
            else if (isDirect && from.Spread == 1)
            {
                source = Place.Apart((E*)signals[0], 2 * inner, inner, from.Flip == 1);
            }
            else
            {
                source = new(PlaceKind.Packed, (nint)b);
                if (inner == 1)
                    Packing.Pack<V, E, FV>(signals, 0, from.Numbers, 0, from, b, Next(from, lanes));
                else
                    Packing.Gather(signals, inner * from.Parts, from, b, lanes);
            }

            Addresses((E*)y, to, first, count, signals, lanes);
            var last = LastOf(plan, a, b);
            var isPacked = false;
            if (isDirect && to.Parts == 2)
                target = new(PlaceKind.Interleaved, signals[0], 2 * inner, 0, to.Flip == 1, job.Scale);
            else if (isDirect && to.Spread == 1)
                target = Place.Apart((E*)signals[0], 2 * inner, inner, to.Flip == 1, job.Scale);
            else
                (target, isPacked) = (PackedResult<E>(last, lanes, job.Scale), true);
            Execute<V, E, FV>(plan, source, target, a, b);
            if (isPacked && inner == 1)
                Packing.Unpack<V, E, FV>(signals, count, 0, to.Numbers, 0, to, last, Next(to, lanes));
            else if (isPacked)
                Packing.Scatter(signals, inner * to.Parts, to, last, lanes, count);
        }

        // From a block of dense signals to the next, if that is worth fetching: more would push out of the cache what is there (measured).
        static nint Next(Packing.Side side, int lanes) => side.Numbers * lanes * sizeof(E) <= 32 << 10 ? side.Numbers * lanes * sizeof(E) : 0;

        void Addresses(E* start, Packing.Side side, long first, int count, nint* signals, int lanes)
        {
            for (var w = 0; w < lanes; w++)
            {
                // Positions beyond the last signal repeat it.
                var (outer, inner) = Math.DivRem(first + Math.Min(w, count - 1), job.Inner);
                signals[w] = (nint)(start + (outer * side.Length * job.Inner + inner) * side.Parts);
            }
        }
    }

    /// <summary>Packed memory that what is written is scaled into.</summary>
    public static Place PackedResult<E>(E* start, int width, double scale) where E : unmanaged
        => scale == 1 ? new(PlaceKind.Packed, (nint)start) : Place.Apart(start, 2 * width, width, false, scale);
}
