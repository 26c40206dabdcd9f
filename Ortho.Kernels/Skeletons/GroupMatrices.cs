using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Skeletons;

/// <summary>The device half of <see cref="ByColumns"/> for matrices that fit shared memory: a group of threads, one for each column,
/// brings its matrices there, works on them and writes the results, all in one launch and without copies.</summary>
static class GroupMatrices
{
    /// <summary>Shared memory of a group.</summary>
    internal interface IRoom
    {
        /// <summary>Elements of all matrices together.</summary>
        static abstract int Elements { get; }
    }

    /// <summary>Two matrices of 32 x 32 and some vectors.</summary>
    internal readonly struct SmallRoom : IRoom
    {
        public static int Elements { [MethodImpl(Inline.Always)] get => 2304; }
    }

    /// <summary>All that a group may have, in elements of sixteen bytes.</summary>
    internal readonly struct WideRoom : IRoom
    {
        public static int Elements { [MethodImpl(Inline.Always)] get => 3072; }
    }

    /// <summary>All that a group may have, in elements of eight bytes.</summary>
    internal readonly struct MediumRoom : IRoom
    {
        public static int Elements { [MethodImpl(Inline.Always)] get => 6144; }
    }

    /// <summary>All that a group may have, in elements of four bytes: two matrices of 64 x 64 and more.</summary>
    internal readonly struct LargeRoom : IRoom
    {
        public static int Elements { [MethodImpl(Inline.Always)] get => 12_288; }
    }

    // Static shared memory of every architecture.
    const int MostBytes = 49_152;

    /// <summary>A matrix of an algorithm: where it is read from and written to, if anywhere.</summary>
    internal struct Operand<E> where E : unmanaged
    {
        public ArrayView<E> Source, Target;
        public long SourceBatch, TargetBatch;
        public int Rows, Columns, HasSource, SourceRow, SourceColumn, TargetRows, TargetColumns, TargetRow, TargetColumn;
    }

    internal struct Arguments<E> where E : unmanaged
    {
        public Operand<E> A, B, C;
        public int Option;
    }

    // Rows an odd number of elements apart: neither neighbouring columns nor neighbouring rows meet in a bank.
    static long Elements(WorkMatrix matrix) => matrix.Rows * (matrix.Columns | 1L);

    /// <summary>Whether the matrices of an algorithm fit.</summary>
    public static bool Fits(DType dtype, WorkMatrix a, WorkMatrix b, WorkMatrix c) => (Elements(a) + Elements(b) + Elements(c)) * dtype.Size <= MostBytes;

    /// <summary>Runs an algorithm, or says that its matrices are too large.</summary>
    public static unsafe bool Run<A, T, E, F>(GpuDevice gpu, int batch, WorkMatrix a, WorkMatrix b, WorkMatrix c, int option)
        where A : struct, IByColumns where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var elements = Elements(a) + Elements(b) + Elements(c);
        if (elements * sizeof(E) > MostBytes)
            return false;
        // Kernels read no reversed views; what is written is never one. A missing view still needs an address.
        (a, b, c) = (Forward(a), Forward(b), Forward(c));
        var some = a.Source ?? a.Target ?? b.Target;
        if (some is null)
            return false;
        var x = new Arguments<E> { A = Of<E>(a, some), B = Of<E>(b, some), C = Of<E>(c, some), Option = option };
        var threads = Threads(gpu, a, b);
        if (elements <= SmallRoom.Elements)
            gpu.LaunchGroups(Kernel<A, SmallRoom, T, E, F>, batch, threads, x);
        else if (elements <= WideRoom.Elements)
            gpu.LaunchGroups(Kernel<A, WideRoom, T, E, F>, batch, threads, x);
        else if (elements <= MediumRoom.Elements)
            gpu.LaunchGroups(Kernel<A, MediumRoom, T, E, F>, batch, threads, x);
        else
            gpu.LaunchGroups(Kernel<A, LargeRoom, T, E, F>, batch, threads, x);
        foreach (var matrix in (ReadOnlySpan<WorkMatrix>)[a, b, c])
        {
            GC.KeepAlive(matrix.Source);
            GC.KeepAlive(matrix.Target);
        }
        return true;
    }

    /// <summary>One for each column and none idle: a warp is as wide either way, and PoCL goes wrong in long algorithms where there are any.</summary>
    internal static int Threads(GpuDevice gpu, WorkMatrix a, WorkMatrix b) => Math.Min(gpu.GroupSize, Math.Max(a.Columns, b.Columns));

    static WorkMatrix Forward(WorkMatrix matrix) => matrix.Source is { } source ? matrix with { Source = Copy.Forward(source) } : matrix;

    static Operand<E> Of<E>(WorkMatrix matrix, Tensor some) where E : unmanaged
    {
        var (source, target) = (matrix.Source ?? some, matrix.Target ?? some);
        var from = source.Layout.Strides;
        var to = target.Layout.Strides;
        var isWritten = matrix.Target is not null;
        return new()
        {
            Source = GpuDevice.View<E>(source), Target = GpuDevice.View<E>(target), Rows = matrix.Rows, Columns = matrix.Columns,
            HasSource = matrix.Source is null ? 0 : 1,
            SourceBatch = from[0], SourceRow = checked((int)from[1]), SourceColumn = checked((int)from[2]),
            TargetRows = isWritten ? target.Shape[1] : 0, TargetColumns = isWritten ? target.Shape[2] : 0,
            TargetBatch = to[0], TargetRow = checked((int)to[1]), TargetColumn = checked((int)to[2]),
        };
    }

    [Budget(32, 9_216, typeof(Orthogonal.SmallQr), typeof(SmallRoom), typeof(F32), typeof(float), typeof(SingleCell))]
    [Budget(32, 49_152, typeof(Orthogonal.SmallQr), typeof(LargeRoom), typeof(F32), typeof(float), typeof(SingleCell))]
    [Budget(40, 18_432, typeof(Orthogonal.SmallQr), typeof(SmallRoom), typeof(F64), typeof(double), typeof(DoubleCell))]
    [Budget(56, 49_152, typeof(Orthogonal.SmallQr), typeof(WideRoom), typeof(Cx<F64>), typeof(System.Numerics.Complex), typeof(Complex128Cell))]
    [Budget(32, 9_216, typeof(Linalg.CholeskyFactor), typeof(SmallRoom), typeof(F32), typeof(float), typeof(SingleCell))]
    [Budget(32, 49_152, typeof(Linalg.CholeskyFactor), typeof(LargeRoom), typeof(F32), typeof(float), typeof(SingleCell))]
    [Budget(32, 9_216, typeof(Linalg.LuFactor), typeof(SmallRoom), typeof(F32), typeof(float), typeof(SingleCell))]
    [Budget(32, 9_216, typeof(Linalg.PivotedGaussJordan), typeof(SmallRoom), typeof(F32), typeof(float), typeof(SingleCell))]
    internal static void Kernel<A, S, T, E, F>(Arguments<E> x)
        where A : struct, IByColumns where S : struct, IRoom where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var room = SharedMemory.Allocate<E>(S.Elements);
        var a = new Shared<T, E, F>(room, x.A.Rows, x.A.Columns);
        var b = new Shared<T, E, F>(a.Rest, x.B.Rows, x.B.Columns);
        var c = new Shared<T, E, F>(b.Rest, x.C.Rows, x.C.Columns);
        Load(x.A, a);
        Load(x.B, b);
        Load(x.C, c);
        Group.Barrier();
        A.Apply<Shared<T, E, F>, T, ByColumns.GroupThreads>(a, b, c, x.Option);
        Group.Barrier();
        Store(x.A, a);
        Store(x.B, b);
        Store(x.C, c);
    }

    [MethodImpl(Inline.Always)]
    static void Load<T, E, F>(Operand<E> operand, Shared<T, E, F> matrix)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        if (operand.HasSource == 0)
            return;
        var from = operand.Source.SubView(Grid.IdxX * operand.SourceBatch);
        for (var at = Group.IdxX; at < operand.Rows * operand.Columns; at += Group.DimX)
        {
            var (row, column) = (at / operand.Columns, at % operand.Columns);
            matrix.Set(row, column, F.Splat(from[row * operand.SourceRow + column * operand.SourceColumn]));
        }
    }

    [MethodImpl(Inline.Always)]
    static void Store<T, E, F>(Operand<E> operand, Shared<T, E, F> matrix)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        if (operand.TargetRows == 0)
            return;
        var to = operand.Target.SubView(Grid.IdxX * operand.TargetBatch);
        for (var at = Group.IdxX; at < operand.TargetRows * operand.TargetColumns; at += Group.DimX)
        {
            var (row, column) = (at / operand.TargetColumns, at % operand.TargetColumns);
            to[row * operand.TargetRow + column * operand.TargetColumn] = F.Pack(matrix.Get(row, column));
        }
    }

    /// <summary>A matrix in shared memory, by rows.</summary>
    internal readonly struct Shared<T, E, F>(ArrayView<E> elements, int rows, int columns) : IMat<T>
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        readonly ArrayView<E> elements = elements;
        readonly int rows = rows, columns = columns, stride = columns | 1;

        public int Rows => rows;

        public int Columns => columns;

        /// <summary>What lies behind it.</summary>
        public ArrayView<E> Rest { [MethodImpl(Inline.Always)] get => elements.SubView(rows * stride); }

        [MethodImpl(Inline.Always)] public T Get(int row, int column) => F.Splat(elements[row * stride + column]);

        [MethodImpl(Inline.Always)] public void Set(int row, int column, T value) => elements[row * stride + column] = F.Pack(value);

        [MethodImpl(Inline.Always)] public T At(int row, int column) => Get(row, column);

        [MethodImpl(Inline.Always)] public void Put(int row, int column, T value) => Set(row, column, value);

        [MethodImpl(Inline.Always)] public static bool IsZero(T value) => F.IsZero(value);

        public static bool Exchanges { [MethodImpl(Inline.Always)] get => false; }

        [MethodImpl(Inline.Always)]
        public void Exchange(int k, T distance, bool columns)
        {
        }
    }
}
