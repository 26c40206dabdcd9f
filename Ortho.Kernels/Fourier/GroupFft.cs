using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Fourier;

/// <summary>Numbers of shared memory that <see cref="GroupFft"/> has for its signals, before and after a step each.</summary>
interface IRoom
{
    /// <summary>Complex numbers.</summary>
    static abstract int Elements { get; }
}

readonly struct SingleRoom : IRoom
{
    public static int Elements { [MethodImpl(Inline.Always)] get => 2048; }
}

readonly struct DoubleRoom : IRoom
{
    public static int Elements { [MethodImpl(Inline.Always)] get => 1024; }
}

/// <summary>Transforms of signals that fit into shared memory: one launch for all steps of the plan, and what it reads and writes of memory
/// is the
/// signals once.</summary>
/// <remarks>A group of threads takes as many signals as there is room for and shares the butterflies of each step among its threads. The
/// steps
/// are those of <see cref="DeviceFft"/>, in its order: the same bits.</remarks>
static class GroupFft
{
    internal struct Arguments<E, R> where E : unmanaged where R : unmanaged
    {
        public ArrayView<E> X, Y, Table;
        public ArrayView<R> RealX, RealY;

        /// <summary>Eight numbers for each step: its kind, and its shape as <see cref="FftPlan.DeviceSteps"/> writes it.</summary>
        public ArrayView<int> Steps;
        public int StepCount;

        /// <summary>Signals in all and of a group, and the elements that each has room for.</summary>
        public int Signals, PerGroup, Longest;

        /// <summary>Elements between neighbours of a signal, and complex elements of one before and after.</summary>
        public int Inner, InLength, OutLength;

        /// <summary>Real numbers of a signal; 0 where it is complex. Then how many complex elements two real ones are, 1 or 2.</summary>
        public int RealInLength, RealOutLength, SpreadX, SpreadY;

        /// <summary>1 to exchange the parts of what is read, of what is written.</summary>
        public int FlipX, FlipY;

        /// <summary>What the result is multiplied by.</summary>
        public R Scale;
        public int IsScaled;
    }

    // Elements a power of two apart fall into different banks.
    internal readonly struct SharedSignal<T, E, F>(ArrayView<E> elements, int start) : ISignal<T>
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E>
    {
        readonly ArrayView<E> elements = elements;
        readonly int start = start;

        [MethodImpl(Inline.Always)] public Cx<T> Get(int index) => F.Splat(elements[Place(start + index)]);

        [MethodImpl(Inline.Always)] public void Set(int index, Cx<T> value) => elements[Place(start + index)] = F.Pack(value);

        [MethodImpl(Inline.Always)] static int Place(int index) => index + (index >> 3);
    }

    /// <summary>Whether a plan's signals fit, and its steps are such that threads share them evenly.</summary>
    public static bool Takes(Fft.Job job, bool isDouble)
        => job.Plan.Longest <= (isDouble ? DoubleRoom.Elements : SingleRoom.Elements)
            && (job.Plan.Steps.Length > 1 || job.X.Parts == 1 || job.Y.Parts == 1)
            && job.Plan.Steps.All(step => step.Kind is not (StepKind.RadixOdd or StepKind.ChirpIn or StepKind.ChirpSpectrum or StepKind.ChirpOut));

    /// <summary>Transforms.</summary>
    public static void Run<M, T, E, F, R, FR>(GpuDevice gpu, Fft.Job job, Tensor x, Tensor y) where M : struct, IRoom
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E> where R : unmanaged where FR : struct, ICell<T, R>
    {
        var perGroup = M.Elements / job.Plan.Longest;
        var arguments = ArgumentsOf<T, E, R, FR>(gpu, job, x, y, perGroup);
        gpu.LaunchGroups(Kernel<M, T, E, F, R, FR>, (arguments.Signals + perGroup - 1) / perGroup, gpu.GroupSize, arguments);
    }

    /// <summary>What a kernel of groups is told of a transform.</summary>
    internal static Arguments<E, R> ArgumentsOf<T, E, R, FR>(GpuDevice gpu, Fft.Job job, Tensor x, Tensor y, int perGroup)
        where T : struct, ILane<T> where E : unmanaged where R : unmanaged where FR : struct, ICell<T, R>
    {
        var plan = job.Plan;
        var table = plan.DeviceTable(gpu, x.DType.ComplexType);
        var (isRealX, isRealY) = (job.X.Parts == 1, job.Y.Parts == 1);
        // A view that is not read is one of the table.
        return new()
        {
            X = GpuDevice.View<E>(isRealX ? table : x), Y = GpuDevice.View<E>(isRealY ? table : y), Table = GpuDevice.View<E>(table),
            RealX = GpuDevice.View<R>(isRealX ? x : table), RealY = GpuDevice.View<R>(isRealY ? y : table),
            Steps = GpuDevice.View<int>(plan.DeviceSteps(gpu)), StepCount = plan.Steps.Length, Signals = checked(job.Outer * job.Inner),
            PerGroup = perGroup, Longest = plan.Longest, Inner = job.Inner, InLength = plan.InLength, OutLength = plan.OutLength,
            RealInLength = isRealX ? job.X.Length : 0, RealOutLength = isRealY ? job.Y.Length : 0, SpreadX = job.X.Spread, SpreadY = job.Y.Spread,
            FlipX = job.X.Flip, FlipY = job.Y.Flip, Scale = FR.Pack(T.Of(job.Scale)), IsScaled = job.Scale != 1 ? 1 : 0,
        };
    }

    [Budget(64, 36_864, typeof(SingleRoom), typeof(F32), typeof(Complex64), typeof(Complex64Cell), typeof(float), typeof(SingleCell))]
    internal static void Kernel<M, T, E, F, R, FR>(Arguments<E, R> x) where M : struct, IRoom
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E> where R : unmanaged where FR : struct, ICell<T, R>
    {
        var shared = SharedMemory.Allocate<E>(2 * (M.Elements + M.Elements / 8));
        var (now, next) = (0, M.Elements);
        var first = Grid.IdxX * x.PerGroup;
        var count = IntrinsicMath.Min(x.PerGroup, x.Signals - first);
        LoadAll<T, E, F, R, FR>(x, shared, now, first, count);
        Group.Barrier();
        for (var step = 0; step < x.StepCount; step++)
        {
            var (kind, shape) = (x.Steps[8 * step], ShapeOf(x, step));
            var table = new DeviceFft.Constants<T, E, F>(x.Table, x.Steps[8 * step + 7]);
            var pieces = shape.Outer * shape.Inner;
            for (var at = Group.IdxX; at < count * pieces; at += Group.DimX)
            {
                var start = at / pieces * x.Longest;
                var piece = at % pieces;
                Apply<T, E, F>(kind, new(shared, now + start), new(shared, next + start), table, shape, piece / shape.Inner, piece % shape.Inner);
            }
            Group.Barrier();
            (now, next) = (next, now);
        }
        StoreAll<T, E, F, R, FR>(x, shared, now, first, count);
    }

    /// <summary>Step number <paramref name="step"/> of a plan.</summary>
    [MethodImpl(Inline.Always)]
    internal static StepShape ShapeOf<E, R>(Arguments<E, R> x, int step) where E : unmanaged where R : unmanaged => new()
    {
        Outer = x.Steps[8 * step + 1], Inner = x.Steps[8 * step + 2], Length = x.Steps[8 * step + 3], OutLength = x.Steps[8 * step + 4],
        Radix = x.Steps[8 * step + 5], Table = x.Steps[8 * step + 6],
    };

    /// <summary>Brings a group's signals into shared memory.</summary>
    [MethodImpl(Inline.Always)]
    internal static void LoadAll<T, E, F, R, FR>(Arguments<E, R> x, ArrayView<E> shared, int now, int first, int count)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E> where R : unmanaged where FR : struct, ICell<T, R>
    {
        for (var at = Group.IdxX; at < count * x.InLength; at += Group.DimX)
        {
            var (signal, i) = Split<E, R>(x, at, count, x.InLength);
            Set<T, E, F>(shared, now + signal * x.Longest + i, Load<T, E, F, R, FR>(x, first + signal, i));
        }
    }

    /// <summary>Writes a group's results.</summary>
    [MethodImpl(Inline.Always)]
    internal static void StoreAll<T, E, F, R, FR>(Arguments<E, R> x, ArrayView<E> shared, int now, int first, int count)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E> where R : unmanaged where FR : struct, ICell<T, R>
    {
        for (var at = Group.IdxX; at < count * x.OutLength; at += Group.DimX)
        {
            var (signal, i) = Split<E, R>(x, at, count, x.OutLength);
            Store<T, E, F, R, FR>(x, first + signal, i, new SharedSignal<T, E, F>(shared, now + signal * x.Longest).Get(i));
        }
    }

    // Neighbouring threads take neighbours in memory: of a signal, or of signals that lie side by side.
    [MethodImpl(Inline.Always)]
    static (int Signal, int Index) Split<E, R>(Arguments<E, R> x, int at, int count, int length) where E : unmanaged where R : unmanaged
    {
        var divisor = ILGPU.Util.Utilities.Select(x.Inner == 1, length, count);
        var (quotient, rest) = (at / divisor, at % divisor);
        return (ILGPU.Util.Utilities.Select(x.Inner == 1, quotient, rest), ILGPU.Util.Utilities.Select(x.Inner == 1, rest, quotient));
    }

    [MethodImpl(Inline.Always)]
    static void Set<T, E, F>(ArrayView<E> shared, int at, Cx<T> value) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E>
        => new SharedSignal<T, E, F>(shared, at).Set(0, value);

    [MethodImpl(Inline.Always)]
    static Cx<T> Load<T, E, F, R, FR>(Arguments<E, R> x, int signal, int i)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E> where R : unmanaged where FR : struct, ICell<T, R>
    {
        var (outer, inner) = (signal / x.Inner, signal % x.Inner);
        Cx<T> value;
        if (x.RealInLength == 0)
            value = F.Splat(x.X[(outer * x.InLength + i) * x.Inner + inner]);
        else if (x.SpreadX == 2)
            value = Cx<T>.Real(FR.Splat(x.RealX[(outer * x.RealInLength + i) * x.Inner + inner]));
        else
            value = new(FR.Splat(x.RealX[(outer * x.RealInLength + 2 * i) * x.Inner + inner]), FR.Splat(x.RealX[(outer * x.RealInLength + 2 * i + 1) * x.Inner + inner]));
        if (x.FlipX != 0)
            value = Complexes.Swap(value);
        return value;
    }

    [MethodImpl(Inline.Always)]
    static void Store<T, E, F, R, FR>(Arguments<E, R> x, int signal, int i, Cx<T> value)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E> where R : unmanaged where FR : struct, ICell<T, R>
    {
        var (outer, inner) = (signal / x.Inner, signal % x.Inner);
        if (x.FlipY != 0)
            value = Complexes.Swap(value);
        if (x.IsScaled != 0)
            value = value * FR.Splat(x.Scale);
        if (x.RealOutLength == 0)
        {
            x.Y[(outer * x.OutLength + i) * x.Inner + inner] = F.Pack(value);
        }
        else if (x.SpreadY == 2)
        {
            x.RealY[(outer * x.RealOutLength + i) * x.Inner + inner] = FR.Pack(value.Re);
        }
        else
        {
            x.RealY[(outer * x.RealOutLength + 2 * i) * x.Inner + inner] = FR.Pack(value.Re);
            x.RealY[(outer * x.RealOutLength + 2 * i + 1) * x.Inner + inner] = FR.Pack(value.Im);
        }
    }

    [MethodImpl(Inline.Always)]
    static void Apply<T, E, F>(int kind, SharedSignal<T, E, F> x, SharedSignal<T, E, F> y, DeviceFft.Constants<T, E, F> table, StepShape shape, int p, int q)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E>
    {
        if (kind == (int)StepKind.Radix8)
            Radix8.Apply<T, SharedSignal<T, E, F>, SharedSignal<T, E, F>, DeviceFft.Constants<T, E, F>>(x, y, table, shape, p, q);
        else if (kind == (int)StepKind.Radix4)
            Radix4.Apply<T, SharedSignal<T, E, F>, SharedSignal<T, E, F>, DeviceFft.Constants<T, E, F>>(x, y, table, shape, p, q);
        else if (kind == (int)StepKind.Radix2)
            Radix2.Apply<T, SharedSignal<T, E, F>, SharedSignal<T, E, F>, DeviceFft.Constants<T, E, F>>(x, y, table, shape, p, q);
        else if (kind == (int)StepKind.Radix3)
            Radix3.Apply<T, SharedSignal<T, E, F>, SharedSignal<T, E, F>, DeviceFft.Constants<T, E, F>>(x, y, table, shape, p, q);
        else if (kind == (int)StepKind.Radix5)
            Radix5.Apply<T, SharedSignal<T, E, F>, SharedSignal<T, E, F>, DeviceFft.Constants<T, E, F>>(x, y, table, shape, p, q);
        else if (kind == (int)StepKind.Radix7)
            Radix7.Apply<T, SharedSignal<T, E, F>, SharedSignal<T, E, F>, DeviceFft.Constants<T, E, F>>(x, y, table, shape, p, q);
        else if (kind == (int)StepKind.RealSplit)
            RealSplit.Apply<T, SharedSignal<T, E, F>, SharedSignal<T, E, F>, DeviceFft.Constants<T, E, F>>(x, y, table, shape, p, q);
        else if (kind == (int)StepKind.RealMerge)
            RealMerge.Apply<T, SharedSignal<T, E, F>, SharedSignal<T, E, F>, DeviceFft.Constants<T, E, F>>(x, y, table, shape, p, q);
        else if (kind == (int)StepKind.HermitianFill)
            HermitianFill.Apply<T, SharedSignal<T, E, F>, SharedSignal<T, E, F>, DeviceFft.Constants<T, E, F>>(x, y, table, shape, p, q);
        else
            Take.Apply<T, SharedSignal<T, E, F>, SharedSignal<T, E, F>, DeviceFft.Constants<T, E, F>>(x, y, table, shape, p, q);
    }
}
