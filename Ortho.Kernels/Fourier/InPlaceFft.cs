using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Fourier;

/// <summary>512 threads with 8 complex numbers of float32 each.</summary>
[LaunchBounds(512, 2)]
readonly struct SingleFill : IRoom
{
    public static int Elements { [MethodImpl(Inline.Always)] get => 4096; }
}

/// <summary>256 threads with 8 complex numbers of float64 each.</summary>
[LaunchBounds(256, 2)]
readonly struct DoubleFill : IRoom
{
    public static int Elements { [MethodImpl(Inline.Always)] get => 2048; }
}

/// <summary>What the simulator's 16 threads hold.</summary>
readonly struct ToyFill : IRoom
{
    public static int Elements { [MethodImpl(Inline.Always)] get => 128; }
}

/// <summary>Transforms of powers of two that shared memory holds once, but not twice as <see cref="GroupFft"/> wants it: in place, in one
/// launch.</summary>
/// <remarks>Each thread takes the inputs of its butterflies into registers, eight numbers in all; when all threads have, they write the
/// outputs. The steps are those of <see cref="DeviceFft"/>, in its order: the same bits.</remarks>
static class InPlaceFft
{
    // Numbers that a thread holds.
    const int PerThread = 8;

    // The inputs of a butterfly.
    readonly struct Held<T>(Cx<T> v0, Cx<T> v1, Cx<T> v2, Cx<T> v3, Cx<T> v4, Cx<T> v5, Cx<T> v6, Cx<T> v7) : ISignal<T> where T : struct, ILane<T>
    {
        public Held(Cx<T> v0, Cx<T> v1) : this(v0, v1, v0, v0, v0, v0, v0, v0)
        {
        }

        public readonly Cx<T> V0 = v0, V1 = v1, V2 = v2, V3 = v3, V4 = v4, V5 = v5, V6 = v6, V7 = v7;

        [MethodImpl(Inline.Always)]
        public Cx<T> Get(int index)
        {
            var value = V0;
            if (index == 1)
                value = V1;
            if (index == 2)
                value = V2;
            if (index == 3)
                value = V3;
            if (index == 4)
                value = V4;
            if (index == 5)
                value = V5;
            if (index == 6)
                value = V6;
            if (index == 7)
                value = V7;
            return value;
        }

        [MethodImpl(Inline.Always)]
        public void Set(int index, Cx<T> value)
        {
        }
    }

    // Numbers of a signal, so far apart.
    readonly struct Places<T, E, F>(GroupFft.SharedSignal<T, E, F> signal, int first, int stride) : ISignal<T>
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E>
    {
        readonly GroupFft.SharedSignal<T, E, F> signal = signal;
        readonly int first = first, stride = stride;

        [MethodImpl(Inline.Always)] public Cx<T> Get(int index) => signal.Get(first + index * stride);

        [MethodImpl(Inline.Always)] public void Set(int index, Cx<T> value) => signal.Set(first + index * stride, value);
    }

    /// <summary>Whether a plan's steps can be done in place, and its signals fit.</summary>
    public static bool Takes(GpuDevice gpu, Fft.Job job, bool isDouble)
    {
        var (elements, threads) = isDouble ? (DoubleFill.Elements, DoubleFill.Elements / PerThread) : (SingleFill.Elements, SingleFill.Elements / PerThread);
        return gpu.Kind != DeviceKind.Simulator && gpu.Accelerator.MaxNumThreadsPerGroup >= threads && Takes(job, elements);
    }

    /// <summary>Whether a plan's steps can be done in place with room for so many elements.</summary>
    internal static bool Takes(Fft.Job job, int elements)
        => job.Plan.Steps.All(step => step.Kind switch
        {
            StepKind.Radix8 or StepKind.Radix4 or StepKind.Radix2 => step.Shape.Length <= elements,
            // Each piece of these reads the elements that it writes.
            StepKind.RealSplit or StepKind.RealMerge => true,
            _ => false,
        }) && job.Plan.Longest <= elements + 1;

    /// <summary>Transforms.</summary>
    public static void Run<M, T, E, F, R, FR>(GpuDevice gpu, Fft.Job job, Tensor x, Tensor y) where M : struct, IRoom
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E> where R : unmanaged where FR : struct, ICell<T, R>
    {
        var perGroup = Math.Max(1, M.Elements / job.Plan.Longest);
        var arguments = GroupFft.ArgumentsOf<T, E, R, FR>(gpu, job, x, y, perGroup);
        gpu.LaunchGroups(Kernel<M, T, E, F, R, FR>, (arguments.Signals + perGroup - 1) / perGroup, M.Elements / PerThread, arguments);
    }

    [Budget(64, 36_880, typeof(SingleFill), typeof(F32), typeof(Complex64), typeof(Complex64Cell), typeof(float), typeof(SingleCell))]
    [Budget(128, 36_896, typeof(DoubleFill), typeof(F64), typeof(System.Numerics.Complex), typeof(Complex128Cell), typeof(double), typeof(DoubleCell))]
    internal static void Kernel<M, T, E, F, R, FR>(GroupFft.Arguments<E, R> x) where M : struct, IRoom
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E> where R : unmanaged where FR : struct, ICell<T, R>
    {
        // One more for the spectrum of a real signal.
        var shared = SharedMemory.Allocate<E>(M.Elements + M.Elements / 8 + 2);
        var first = Grid.IdxX * x.PerGroup;
        var count = IntrinsicMath.Min(x.PerGroup, x.Signals - first);
        GroupFft.LoadAll<T, E, F, R, FR>(x, shared, 0, first, count);
        Group.Barrier();
        for (var step = 0; step < x.StepCount; step++)
        {
            var (kind, shape) = (x.Steps[8 * step], GroupFft.ShapeOf(x, step));
            var table = new DeviceFft.Constants<T, E, F>(x.Table, x.Steps[8 * step + 7]);
            var pieces = shape.Outer * shape.Inner;
            var (thread, threads, last) = (Group.IdxX, M.Elements / PerThread, count * pieces - 1);
            var zero = Cx<T>.Of(0);
            var held = new Held<T>(zero, zero, zero, zero, zero, zero, zero, zero);
            if (kind == (int)StepKind.Radix8)
            {
                var from = From<T, E, F>(shared, thread, last, pieces, x.Longest);
                held = new(from.Get(0), from.Get(1), from.Get(2), from.Get(3), from.Get(4), from.Get(5), from.Get(6), from.Get(7));
            }
            else if (kind == (int)StepKind.Radix4)
            {
                var a = From<T, E, F>(shared, thread, last, pieces, x.Longest);
                var b = From<T, E, F>(shared, thread + threads, last, pieces, x.Longest);
                held = new(a.Get(0), a.Get(1), a.Get(2), a.Get(3), b.Get(0), b.Get(1), b.Get(2), b.Get(3));
            }
            else if (kind == (int)StepKind.Radix2)
            {
                var a = From<T, E, F>(shared, thread, last, pieces, x.Longest);
                var b = From<T, E, F>(shared, thread + threads, last, pieces, x.Longest);
                var c = From<T, E, F>(shared, thread + 2 * threads, last, pieces, x.Longest);
                var d = From<T, E, F>(shared, thread + 3 * threads, last, pieces, x.Longest);
                held = new(a.Get(0), a.Get(1), b.Get(0), b.Get(1), c.Get(0), c.Get(1), d.Get(0), d.Get(1));
            }
            Group.Barrier();
            if (kind == (int)StepKind.Radix8)
            {
                Write<Radix8, T, E, F>(held, shared, thread, last, table, shape, 8, x.Longest);
            }
            else if (kind == (int)StepKind.Radix4)
            {
                Write<Radix4, T, E, F>(held, shared, thread, last, table, shape, 4, x.Longest);
                held = new(held.V4, held.V5, held.V6, held.V7, zero, zero, zero, zero);
                Write<Radix4, T, E, F>(held, shared, thread + threads, last, table, shape, 4, x.Longest);
            }
            else if (kind == (int)StepKind.Radix2)
            {
                Write<Radix2, T, E, F>(held, shared, thread, last, table, shape, 2, x.Longest);
                var (second, third) = (new Held<T>(held.V2, held.V3), new Held<T>(held.V4, held.V5));
                Write<Radix2, T, E, F>(second, shared, thread + threads, last, table, shape, 2, x.Longest);
                Write<Radix2, T, E, F>(third, shared, thread + 2 * threads, last, table, shape, 2, x.Longest);
                Write<Radix2, T, E, F>(new(held.V6, held.V7), shared, thread + 3 * threads, last, table, shape, 2, x.Longest);
            }
            else
            {
                for (var at = thread; at <= last; at += threads)
                {
                    var signal = new GroupFft.SharedSignal<T, E, F>(shared, at / pieces * x.Longest);
                    if (kind == (int)StepKind.RealSplit)
                        Step<RealSplit, T, E, F>(signal, table, shape, at % pieces);
                    else
                        Step<RealMerge, T, E, F>(signal, table, shape, at % pieces);
                }
            }
            Group.Barrier();
        }
        GroupFft.StoreAll<T, E, F, R, FR>(x, shared, 0, first, count);
    }

    // The inputs of a butterfly of the group: piece (p, q) begins at q + s p, and its inputs are all pieces apart. Threads that have none read
    // the last one's.
    [MethodImpl(Inline.Always)]
    static Places<T, E, F> From<T, E, F>(ArrayView<E> shared, int at, int last, int pieces, int longest)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E>
    {
        var piece = IntrinsicMath.Min(at, last);
        return new(new(shared, piece / pieces * longest), piece % pieces, pieces);
    }

    [MethodImpl(Inline.Always)]
    static void Step<S, T, E, F>(GroupFft.SharedSignal<T, E, F> signal, DeviceFft.Constants<T, E, F> table, StepShape shape, int piece)
        where S : struct, IStep where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E>
        => S.Apply<T, GroupFft.SharedSignal<T, E, F>, GroupFft.SharedSignal<T, E, F>, DeviceFft.Constants<T, E, F>>(signal, signal, table, shape, piece, 0);

    // The step's own text, for a butterfly whose inputs and outputs are numbered from 0.
    [MethodImpl(Inline.Always)]
    static void Write<S, T, E, F>(Held<T> held, ArrayView<E> shared, int at, int last, DeviceFft.Constants<T, E, F> table, StepShape shape,
        int radix, int longest) where S : struct, IStep where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E>
    {
        if (at > last)
            return;
        var pieces = shape.Outer * shape.Inner;
        var (signal, piece) = (at / pieces, at % pieces);
        var (p, q) = (piece / shape.Inner, piece % shape.Inner);
        var outputs = new Places<T, E, F>(new(shared, signal * longest), q + shape.Inner * radix * p, shape.Inner);
        var one = new StepShape { Outer = 1, Inner = 1, Length = radix, OutLength = radix, Radix = radix, Table = shape.Table + (radix - 1) * p };
        S.Apply<T, Held<T>, Places<T, E, F>, DeviceFft.Constants<T, E, F>>(held, outputs, table, one, 0, 0);
    }
}
