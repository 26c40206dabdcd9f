using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Skeletons;

/// <summary>The workers that share the columns of one matrix: a thread that is alone with it - and takes its columns one by one or by vectors -
/// or the threads of a group.</summary>
public interface IWorkers
{
    /// <summary>Whether there is only one. A compile-time constant.</summary>
    static abstract bool IsAlone { get; }

    /// <summary>This worker's number: it takes columns Index, Index + Step, ..., and of rows and single elements every Count-th.</summary>
    static abstract int Index { get; }

    /// <summary>How many there are.</summary>
    static abstract int Count { get; }

    /// <summary>Distance between the columns that a worker takes: Count, or the columns in a vector.</summary>
    static abstract int Step { get; }

    /// <summary>Waits for all; what each has written before, all see afterwards.</summary>
    static abstract void Meet();
}

/// <summary>An algorithm on up to three small matrices, written once, whose columns (or rows) several workers can share.</summary>
/// <remarks>Each column's arithmetic is done by one worker in the order of the text, and what all need by each for itself, so the bits do not
/// depend on their number.</remarks>
public interface IByColumns
{
    /// <summary>Whether a lane may be neighbouring columns: the text takes columns by <see cref="IWorkers.Step"/> and says
    /// <see cref="IMat{T}.At"/> and <see cref="IMat{T}.Put"/> where it means one element.</summary>
    static virtual bool TakesVectors => false;

    /// <summary>Computes on one matrix (or one lane of matrices). Matrices without a source hold anything until they are set.</summary>
    static abstract void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers;
}

/// <summary>The skeleton of small-matrix algorithms that work column by column: as <see cref="PerMatrix"/> on the host, and on devices for
/// matrices with few columns; a group of threads for each larger matrix on devices, in shared memory where it fits
/// (<see cref="GroupMatrices"/>). The bits are the same everywhere.</summary>
public static class ByColumns
{
    // Devices give a matrix with more columns than this to a group.
    const int Narrow = 16;

    /// <summary>Runs an algorithm on every matrix of a batch; see <see cref="PerMatrix.Run"/>.</summary>
    public static void Run<A>(DType dtype, Tensors.Device device, int batch, WorkMatrix a, WorkMatrix b = default, WorkMatrix c = default, int option = 0)
        where A : struct, IByColumns
    {
        var columns = Math.Max(a.Columns, b.Columns);
        if (A.TakesVectors && device is not GpuDevice && batch > 0 && IsWide(batch, columns))
        {
            RowLanes.Run<A>(dtype, batch, a, b, c, option);
            return;
        }
        if (device is not GpuDevice gpu || columns <= Narrow || batch == 0)
        {
            PerMatrix.Run<OneWorker<A>>(dtype, device, batch, a, b, c, option);
            return;
        }
        switch (dtype)
        {
            case DType.Float32: OnDevice<A, F32, float, SingleCell>(gpu, dtype, batch, a, b, c, option); break;
            case DType.Float64: OnDevice<A, F64, double, DoubleCell>(gpu, dtype, batch, a, b, c, option); break;
            case DType.Complex64: OnDevice<A, Cx<F32>, Complex64, Complex64Cell>(gpu, dtype, batch, a, b, c, option); break;
            case DType.Complex128: OnDevice<A, Cx<F64>, Complex, Complex128Cell>(gpu, dtype, batch, a, b, c, option); break;
            default: throw new TensorArgumentException("ByColumns", nameof(dtype), $"{dtype}", "a floating-point or complex type");
        }
    }

    // On the host a vector holds columns of one matrix where matrices of the batch would leave half of it empty (measured).
    static bool IsWide(int batch, int columns) => columns >= 8 && batch < 8;

    /// <summary>A thread that has the matrix to itself.</summary>
    internal readonly struct Alone : IWorkers
    {
        public static bool IsAlone { [MethodImpl(Inline.Always)] get => true; }

        public static int Index { [MethodImpl(Inline.Always)] get => 0; }

        public static int Count { [MethodImpl(Inline.Always)] get => 1; }

        public static int Step { [MethodImpl(Inline.Always)] get => 1; }

        [MethodImpl(Inline.Always)]
        public static void Meet()
        {
        }
    }

    /// <summary>The threads of a group on a device.</summary>
    internal readonly struct GroupThreads : IWorkers
    {
        public static bool IsAlone { [MethodImpl(Inline.Always)] get => false; }

        public static int Index { [MethodImpl(Inline.Always)] get => Group.IdxX; }

        public static int Count { [MethodImpl(Inline.Always)] get => Group.DimX; }

        public static int Step { [MethodImpl(Inline.Always)] get => Group.DimX; }

        [MethodImpl(Inline.Always)] public static void Meet() => Group.Barrier();
    }

    internal readonly struct OneWorker<A> : IPerMatrix where A : struct, IByColumns
    {
        [MethodImpl(Inline.Always)]
        public static void Apply<M, T>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T>
            => A.Apply<M, T, Alone>(a, b, c, option);
    }

    // ---- devices: rows contiguous, so that neighbouring threads, at neighbouring columns, read neighbouring addresses

    static void OnDevice<A, T, E, F>(GpuDevice gpu, DType dtype, int batch, WorkMatrix a, WorkMatrix b, WorkMatrix c, int option)
        where A : struct, IByColumns where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        if (GroupMatrices.Run<A, T, E, F>(gpu, batch, a, b, c, option))
            return;
        var (workA, workB, workC) = (Load(a), Load(b), Load(c));
        var threads = GroupMatrices.Threads(gpu, a, b);
        gpu.LaunchGroups(Kernel<A, T, E, F>, batch, threads, new PerMatrix.Arguments<E>
        {
            A = GpuDevice.View<E>(workA), B = GpuDevice.View<E>(workB), C = GpuDevice.View<E>(workC),
            RowsA = a.Rows, ColumnsA = a.Columns, RowsB = b.Rows, ColumnsB = b.Columns, RowsC = c.Rows, ColumnsC = c.Columns,
            Batch = batch, Option = option,
        });
        Store(a, workA);
        Store(b, workB);
        Store(c, workC);

        Tensor Load(WorkMatrix matrix)
        {
            // An operand that an algorithm does not have still needs an address.
            var work = Tensor.Empty([batch, Math.Max(1, matrix.Rows), Math.Max(1, matrix.Columns)], dtype, gpu);
            if (matrix.Source is { } source)
                Copy.Into(work, source);
            return work;
        }

        static void Store(WorkMatrix matrix, Tensor work)
        {
            if (matrix.Target is { } target)
                Copy.Into(target, work.View(work.Layout.Slice(1, 0, target.Shape[1], 1).Slice(2, 0, target.Shape[2], 1)));
            work.Dispose();
        }
    }

    [Budget(32, 0, typeof(Orthogonal.SmallQr), typeof(F32), typeof(float), typeof(SingleCell))]
    [Budget(64, 0, typeof(Orthogonal.PanelQr), typeof(F32), typeof(float), typeof(SingleCell))]
    internal static void Kernel<A, T, E, F>(PerMatrix.Arguments<E> x)
        where A : struct, IByColumns where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var index = Grid.IdxX;
        A.Apply<DeviceStrided<T, E, F>, T, GroupThreads>(
            new(x.A, index * x.RowsA * x.ColumnsA, x.RowsA, x.ColumnsA, x.ColumnsA, 1),
            new(x.B, index * x.RowsB * x.ColumnsB, x.RowsB, x.ColumnsB, x.ColumnsB, 1),
            new(x.C, index * x.RowsC * x.ColumnsC, x.RowsC, x.ColumnsC, x.ColumnsC, 1), x.Option);
    }
}

/// <summary>A matrix on a device in the ordinary layout, with any strides.</summary>
readonly struct DeviceStrided<T, E, F>(ArrayView<E> elements, int offset, int rows, int columns, int rowStride, int columnStride) : IMat<T>
    where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
{
    readonly ArrayView<E> elements = elements;
    readonly int offset = offset, rows = rows, columns = columns, rowStride = rowStride, columnStride = columnStride;

    public int Rows => rows;

    public int Columns => columns;

    [MethodImpl(Inline.Always)] public T Get(int row, int column) => F.Splat(elements[offset + row * rowStride + column * columnStride]);

    [MethodImpl(Inline.Always)] public void Set(int row, int column, T value) => elements[offset + row * rowStride + column * columnStride] = F.Pack(value);

    [MethodImpl(Inline.Always)] public T At(int row, int column) => Get(row, column);

    [MethodImpl(Inline.Always)] public void Put(int row, int column, T value) => Set(row, column, value);

    [MethodImpl(Inline.Always)] public static bool IsZero(T value) => F.IsZero(value);

    public static bool Exchanges { [MethodImpl(Inline.Always)] get => false; }

    [MethodImpl(Inline.Always)]
    public void Exchange(int k, T distance, bool columns)
    {
    }
}
