using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Skeletons;

/// <summary>Element access to a small matrix - or, on vector lanes, to as many matrices at once as the lane has positions.</summary>
/// <typeparam name="T">The lane.</typeparam>
public interface IElements<T> where T : struct, ILane<T>
{
    /// <summary>Number of rows.</summary>
    int Rows { get; }

    /// <summary>Number of columns.</summary>
    int Columns { get; }

    /// <summary>An element. Neighbours in a column are neighbours in memory.</summary>
    T Get(int row, int column);

    /// <summary>Sets an element.</summary>
    void Set(int row, int column, T value);
}

/// <summary>A matrix that algorithms work on.</summary>
/// <typeparam name="T">The lane.</typeparam>
public interface IMat<T> : IElements<T> where T : struct, ILane<T>
{
    /// <summary>An element that every column needs. Where a lane is one column or one matrix, as <see cref="IElements{T}.Get"/>; where it is neighbouring columns
    /// (<see cref="ByColumns"/>), the one element in every position.</summary>
    T At(int row, int column);

    /// <summary>Sets one element from a number that is the same in every position of a lane of columns.</summary>
    void Put(int row, int column, T value);

    /// <summary>Whether a number, not NaN, is zero for every matrix at once: how an iteration ends early. A matrix may be worked on together with
    /// others or alone, so an algorithm may ask only where going on would change nothing; unless it is run on each matrix alone.</summary>
    static abstract bool IsZero(T value);

    /// <summary>Whether <see cref="Exchange"/> is offered: the host can tell the positions of a lane apart. A compile-time constant.</summary>
    static abstract bool Exchanges { get; }

    /// <summary>Rows (or columns) k and k + distance change places, in each matrix at its own distance, a whole number.</summary>
    void Exchange(int k, T distance, bool columns);
}

/// <summary>An algorithm on up to three small matrices, written once; branches on values are selects, unless each matrix is worked on
/// alone.</summary>
public interface IPerMatrix
{
    /// <summary>Computes on one matrix (or one lane of matrices). Matrices without a source hold anything until they are set.</summary>
    static abstract void Apply<M, T>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T>;
}

/// <summary>A matrix that an algorithm works on, for each of a batch.</summary>
/// <param name="Rows">Rows of the working matrix.</param>
/// <param name="Columns">Columns of the working matrix.</param>
/// <param name="Source">[batch, Rows, Columns] in any layout that it is read from before; or nothing.</param>
/// <param name="Target">[batch, *, *] in any layout that its upper left corner is written to afterwards; or nothing.</param>
public readonly record struct WorkMatrix(int Rows, int Columns, Tensor? Source = null, Tensor? Target = null);

/// <summary>The skeleton of small-matrix algorithms: one matrix for each GPU thread, or one for each position of a CPU vector.</summary>
/// <remarks>
/// The host packs blocks of as many matrices as a vector has positions (element by element side by side, columns contiguous); interleaving
/// a whole batch costs several times as much through cache conflicts. Devices interleave the whole batch, which is what makes neighbouring
/// threads read neighbouring addresses. A block that the batch does not fill repeats its last matrix. The bits are the same everywhere.
/// </remarks>
public static class PerMatrix
{
    /// <summary>Runs an algorithm on every matrix of a batch.</summary>
    /// <param name="dtype">Floating-point or complex type of all sources and targets.</param>
    /// <param name="device">Their device.</param>
    /// <param name="batch">Number of matrices.</param>
    /// <param name="a">First matrix.</param>
    /// <param name="b">Second matrix.</param>
    /// <param name="c">Third matrix.</param>
    /// <param name="option">Passed to the algorithm.</param>
    /// <param name="isAlone">Whether the algorithm branches on values (which <see cref="IMat{T}.IsZero"/> tells), so that no two matrices
    /// can be worked on together.</param>
    public static void Run<A>(DType dtype, Tensors.Device device, int batch, WorkMatrix a, WorkMatrix b = default, WorkMatrix c = default, int option = 0, bool isAlone = false)
        where A : struct, IPerMatrix
    {
        if (batch == 0)
            return;
        switch (dtype, device)
        {
            case (DType.Float32, GpuDevice gpu): OnDevice<A, F32, float, SingleCell>(gpu, dtype, batch, a, b, c, option); break;
            case (DType.Float64, GpuDevice gpu): OnDevice<A, F64, double, DoubleCell>(gpu, dtype, batch, a, b, c, option); break;
            case (DType.Complex64, GpuDevice gpu): OnDevice<A, Cx<F32>, Complex64, Complex64Cell>(gpu, dtype, batch, a, b, c, option); break;
            case (DType.Complex128, GpuDevice gpu): OnDevice<A, Cx<F64>, Complex, Complex128Cell>(gpu, dtype, batch, a, b, c, option); break;
            case (DType.Float32 or DType.Complex64, _): OnHost<A, float, F32, SingleCell>(dtype.IsComplex, batch, a, b, c, option, isAlone); break;
            case (DType.Float64 or DType.Complex128, _): OnHost<A, double, F64, DoubleCell>(dtype.IsComplex, batch, a, b, c, option, isAlone); break;
            default: throw new TensorArgumentException("PerMatrix", nameof(dtype), $"{dtype}", "a floating-point or complex type");
        }
    }

    // ---- host: blocks of as many matrices as a vector has positions

    internal readonly unsafe struct HostMatrix<T, E, F>(E* start, int rows, int columns) : IMat<T>
        where T : struct, ILane<T> where E : unmanaged where F : struct, IBlockFormat<T, E>
    {
        readonly E* start = start;
        readonly nint stride = Stride(rows);

        public int Rows { get; } = rows;

        public int Columns { get; } = columns;

        // Columns an odd number of vectors apart do not fall into the same cache sets.
        public static nint Stride(int rows) => rows | 1;

        public static nint Elements(int rows, int columns) => Stride(rows) * columns * F.Width;

        [MethodImpl(Inline.Always)] public T Get(int row, int column) => F.Load(start + (column * stride + row) * F.Width);

        [MethodImpl(Inline.Always)] public void Set(int row, int column, T value) => F.Store(start + (column * stride + row) * F.Width, value);

        [MethodImpl(Inline.Always)] public T At(int row, int column) => Get(row, column);

        [MethodImpl(Inline.Always)] public void Put(int row, int column, T value) => Set(row, column, value);

        public static bool IsZero(T value)
        {
            var elements = stackalloc E[F.Width];
            F.Store(elements, value);
            return !new Span<byte>(elements, F.Width * sizeof(E)).ContainsAnyExcept((byte)0);
        }

        public static bool Exchanges => true;

        public void Exchange(int k, T distance, bool columns)
        {
            var distances = stackalloc E[F.Width];
            var lanes = F.Width / F.Parts;
            F.Store(distances, distance);
            for (var lane = 0; lane < lanes; lane++)
            {
                var other = k + HostMemory.Whole(distances[lane]);
                if (other == k)
                    continue;
                var (step, count) = columns ? (F.Width, Rows) : (stride * F.Width, Columns);
                var x = Place(k, columns) + lane;
                var y = Place(other, columns) + lane;
                for (var i = 0; i < count; i++, x += step, y += step)
                {
                    for (var part = 0; part < F.Parts; part++)
                        (x[part * lanes], y[part * lanes]) = (y[part * lanes], x[part * lanes]);
                }
            }
        }

        // The first element of a row or column.
        E* Place(int index, bool columns) => start + (columns ? index * stride : index) * F.Width;
    }

    static void OnHost<A, E, S, FS>(bool complex, int batch, WorkMatrix a, WorkMatrix b, WorkMatrix c, int option, bool isAlone)
        where A : struct, IPerMatrix where E : unmanaged where S : struct, ILane<S> where FS : struct, ICell<S, E>
    {
        if (isAlone)
            OnHost<A, E, S, FS, S, FS>(complex, batch, a, b, c, option);
        else if (Vector512.IsHardwareAccelerated)
            OnHost<A, E, Vec512<E>, Packed512<E>, S, FS>(complex, batch, a, b, c, option);
        else if (Vector256.IsHardwareAccelerated)
            OnHost<A, E, Vec256<E>, Packed256<E>, S, FS>(complex, batch, a, b, c, option);
        else if (Vector128.IsHardwareAccelerated)
            OnHost<A, E, Vec128<E>, Packed128<E>, S, FS>(complex, batch, a, b, c, option);
        else
            OnHost<A, E, S, FS, S, FS>(complex, batch, a, b, c, option);
    }

    static void OnHost<A, E, V, FV, S, FS>(bool complex, int batch, WorkMatrix a, WorkMatrix b, WorkMatrix c, int option)
        where A : struct, IPerMatrix where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
        where S : struct, ILane<S> where FS : struct, ICell<S, E>
    {
        if (complex)
            Blocks<A, E, Cx<V>, SplitBlock<V, E, FV>, Cx<S>, SplitBlock<S, E, FS>>(batch, a, b, c, option);
        else
            Blocks<A, E, V, RealBlock<V, E, FV>, S, RealBlock<S, E, FS>>(batch, a, b, c, option);
    }

    static void Blocks<A, E, T, F, S, FS>(int batch, WorkMatrix a, WorkMatrix b, WorkMatrix c, int option)
        where A : struct, IPerMatrix where E : unmanaged
        where T : struct, ILane<T> where F : struct, IBlockFormat<T, E> where S : struct, ILane<S> where FS : struct, IBlockFormat<S, E>
    {
        var lanes = F.Width / F.Parts;
        var work = (long)a.Rows * a.Columns * Math.Max(a.Columns, b.Columns) * lanes;
        HostThreads.Range((batch + lanes - 1) / lanes, Math.Max(1, (1 << 18) / Math.Max(1, work)), (begin, end) =>
        {
            for (var block = begin; block < end; block++)
            {
                var (first, count) = ((int)block * lanes, Math.Min(lanes, batch - (int)block * lanes));
                // A vector costs a little more than one of its positions: only a single matrix is better off alone.
                if (count > 1)
                    Block<A, E, T, F>(first, count, a, b, c, option);
                else
                    Block<A, E, S, FS>(first, count, a, b, c, option);
            }
        });
        foreach (var matrix in (ReadOnlySpan<WorkMatrix>)[a, b, c])
        {
            GC.KeepAlive(matrix.Source);
            GC.KeepAlive(matrix.Target);
        }
    }

    static unsafe void Block<A, E, T, F>(int first, int count, WorkMatrix a, WorkMatrix b, WorkMatrix c, int option)
        where A : struct, IPerMatrix where E : unmanaged where T : struct, ILane<T> where F : struct, IBlockFormat<T, E>
    {
        var (sizeA, sizeB) = (HostMatrix<T, E, F>.Elements(a.Rows, a.Columns), HostMatrix<T, E, F>.Elements(b.Rows, b.Columns));
        var atA = Scratch<WorkMatrices>.Of<E>((nuint)(sizeA + sizeB + HostMatrix<T, E, F>.Elements(c.Rows, c.Columns)));
        var atB = atA + sizeA;
        var atC = atB + sizeB;
        Pack<T, E, F>(a, atA, first, count);
        Pack<T, E, F>(b, atB, first, count);
        Pack<T, E, F>(c, atC, first, count);
        Body<A, E, T, F>(new(atA, a.Rows, a.Columns), new(atB, b.Rows, b.Columns), new(atC, c.Rows, c.Columns), option);
        Unpack<T, E, F>(a, atA, first, count);
        Unpack<T, E, F>(b, atB, first, count);
        Unpack<T, E, F>(c, atC, first, count);
    }

    [MethodImpl(Inline.Root)]
    static void Body<A, E, T, F>(HostMatrix<T, E, F> a, HostMatrix<T, E, F> b, HostMatrix<T, E, F> c, int option)
        where A : struct, IPerMatrix where E : unmanaged where T : struct, ILane<T> where F : struct, IBlockFormat<T, E>
        => A.Apply<HostMatrix<T, E, F>, T>(a, b, c, option);

    // Row by row, then matrix by matrix: reads run along rows, and the lines written (one for each column) stay in the first cache.
    static unsafe void Pack<T, E, F>(WorkMatrix matrix, E* to, int first, int count)
        where T : struct, ILane<T> where E : unmanaged where F : struct, IBlockFormat<T, E>
    {
        if (matrix.Source is not { } source)
            return;
        var from = HostMemory.Parts<E>(source);
        var strides = source.Layout.Strides;
        var lanes = F.Width / F.Parts;
        var (step, apart) = ((nint)strides[2] * F.Parts, HostMatrix<T, E, F>.Stride(matrix.Rows) * F.Width);
        for (var row = 0; row < matrix.Rows; row++)
        {
            for (var lane = 0; lane < lanes; lane++)
            {
                var x = from + ((first + Math.Min(lane, count - 1)) * (nint)strides[0] + row * (nint)strides[1]) * F.Parts;
                var y = to + (nint)row * F.Width + lane;
                for (var column = 0; column < matrix.Columns; column++)
                {
                    y[0] = x[0];
                    if (F.Parts > 1)
                        y[lanes] = x[1];
                    x += step;
                    y += apart;
                }
            }
        }
    }

    static unsafe void Unpack<T, E, F>(WorkMatrix matrix, E* from, int first, int count)
        where T : struct, ILane<T> where E : unmanaged where F : struct, IBlockFormat<T, E>
    {
        if (matrix.Target is not { } target)
            return;
        var to = HostMemory.Parts<E>(target);
        var strides = target.Layout.Strides;
        var lanes = F.Width / F.Parts;
        var (step, apart) = ((nint)strides[2] * F.Parts, HostMatrix<T, E, F>.Stride(matrix.Rows) * F.Width);
        var (rows, columns) = (target.Shape[1], target.Shape[2]);
        for (var row = 0; row < rows; row++)
        {
            for (var lane = 0; lane < count; lane++)
            {
                var x = from + (nint)row * F.Width + lane;
                var y = to + ((first + lane) * (nint)strides[0] + row * (nint)strides[1]) * F.Parts;
                for (var column = 0; column < columns; column++)
                {
                    y[0] = x[0];
                    if (F.Parts > 1)
                        y[1] = x[lanes];
                    x += apart;
                    y += step;
                }
            }
        }
    }

    // ---- devices: one matrix for each thread, the batch innermost in memory

    internal readonly struct DeviceMatrix<T, E, F>(ArrayView<E> elements, int rows, int columns, int index, int batch) : IMat<T>
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        readonly ArrayView<E> elements = elements;
        readonly int rows = rows, columns = columns, index = index, batch = batch;

        public int Rows => rows;

        public int Columns => columns;

        [MethodImpl(Inline.Always)] public T Get(int row, int column) => F.Splat(elements[(column * rows + row) * batch + index]);

        [MethodImpl(Inline.Always)] public void Set(int row, int column, T value) => elements[(column * rows + row) * batch + index] = F.Pack(value);

        [MethodImpl(Inline.Always)] public T At(int row, int column) => Get(row, column);

        [MethodImpl(Inline.Always)] public void Put(int row, int column, T value) => Set(row, column, value);

        [MethodImpl(Inline.Always)] public static bool IsZero(T value) => F.IsZero(value);

        public static bool Exchanges { [MethodImpl(Inline.Always)] get => false; }

        [MethodImpl(Inline.Always)]
        public void Exchange(int k, T distance, bool columns)
        {
        }
    }

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> A, B, C;
        public int RowsA, ColumnsA, RowsB, ColumnsB, RowsC, ColumnsC, Batch, Option;
    }

    static void OnDevice<A, T, E, F>(GpuDevice gpu, DType dtype, int batch, WorkMatrix a, WorkMatrix b, WorkMatrix c, int option)
        where A : struct, IPerMatrix where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (workA, workB, workC) = (Load(a), Load(b), Load(c));
        gpu.Launch(Kernel<A, T, E, F>, batch, new Arguments<E>
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
            var work = Tensor.Empty([Math.Max(1, matrix.Columns), Math.Max(1, matrix.Rows), batch], dtype, gpu);
            if (matrix.Source is { } source)
                Copy.Into(work, source.View(source.Layout.Permute([2, 1, 0], "PerMatrix")));
            return work;
        }

        static void Store(WorkMatrix matrix, Tensor work)
        {
            if (matrix.Target is { } target)
            {
                var corner = work.Layout.Slice(0, 0, target.Shape[2], 1).Slice(1, 0, target.Shape[1], 1);
                Copy.Into(target, work.View(corner.Permute([2, 1, 0], "PerMatrix")));
            }
            work.Dispose();
        }
    }

    [Budget(40, 0, typeof(ByColumns.OneWorker<Orthogonal.NewtonPolar>), typeof(F32), typeof(float), typeof(SingleCell))]
    [Budget(24, 0, typeof(ByColumns.OneWorker<Orthogonal.SchulzPlan>), typeof(F32), typeof(float), typeof(SingleCell))]
    [Budget(56, 0, typeof(ByColumns.OneWorker<Orthogonal.SmallQr>), typeof(F32), typeof(float), typeof(SingleCell))]
    internal static void Kernel<A, T, E, F>(Index1D index, Arguments<E> x)
        where A : struct, IPerMatrix where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        => A.Apply<DeviceMatrix<T, E, F>, T>(
            new(x.A, x.RowsA, x.ColumnsA, index, x.Batch), new(x.B, x.RowsB, x.ColumnsB, index, x.Batch), new(x.C, x.RowsC, x.ColumnsC, index, x.Batch), x.Option);
}

/// <summary>How a block of matrices keeps one element of each: as one vector, or as a vector of real and one of imaginary parts.</summary>
interface IBlockFormat<T, E> : IFormat<T, E> where T : struct, ILane<T> where E : unmanaged
{
    /// <summary>Real numbers per element: 2 for complex ones.</summary>
    static abstract int Parts { get; }

    /// <summary>The lane whose parts begin this far apart.</summary>
    static abstract unsafe T Load(E* source, nint apart);

    /// <summary>Writes a lane whose parts begin this far apart.</summary>
    static abstract unsafe void Store(E* destination, nint apart, T value);

    /// <summary>One element, whose parts are this far apart, in every position.</summary>
    static abstract unsafe T SplatAt(E* source, nint apart);

    /// <summary>Writes the element in the first position.</summary>
    static abstract unsafe void StoreFirst(E* destination, nint apart, T value);
}

/// <summary>Real elements, as their lane's format keeps them.</summary>
readonly unsafe struct RealBlock<V, E, FV> : IBlockFormat<V, E> where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
{
    public static int Parts => 1;

    public static int Width => FV.Width;

    [MethodImpl(Inline.Always)] public static V Load(E* source) => FV.Load(source);

    [MethodImpl(Inline.Always)] public static void Store(E* destination, V value) => FV.Store(destination, value);

    [MethodImpl(Inline.Always)] public static V Splat(E value) => FV.Splat(value);

    [MethodImpl(Inline.Always)] public static V Load(E* source, nint apart) => FV.Load(source);

    [MethodImpl(Inline.Always)] public static void Store(E* destination, nint apart, V value) => FV.Store(destination, value);

    [MethodImpl(Inline.Always)] public static V SplatAt(E* source, nint apart) => FV.Splat(*source);

    [MethodImpl(Inline.Always)] public static void StoreFirst(E* destination, nint apart, V value) => *destination = Unsafe.As<V, E>(ref value);
}

/// <summary>Complex elements: the real parts of a lane, then its imaginary parts.</summary>
readonly unsafe struct SplitBlock<V, E, FV> : IBlockFormat<Cx<V>, E> where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
{
    public static int Parts => 2;

    public static int Width => 2 * FV.Width;

    [MethodImpl(Inline.Always)] public static Cx<V> Load(E* source) => new(FV.Load(source), FV.Load(source + FV.Width));

    [MethodImpl(Inline.Always)]
    public static void Store(E* destination, Cx<V> value)
    {
        FV.Store(destination, value.Re);
        FV.Store(destination + FV.Width, value.Im);
    }

    [MethodImpl(Inline.Always)] public static Cx<V> Splat(E value) => Cx<V>.Real(FV.Splat(value));

    [MethodImpl(Inline.Always)] public static Cx<V> Load(E* source, nint apart) => new(FV.Load(source), FV.Load(source + apart));

    [MethodImpl(Inline.Always)]
    public static void Store(E* destination, nint apart, Cx<V> value)
    {
        FV.Store(destination, value.Re);
        FV.Store(destination + apart, value.Im);
    }

    [MethodImpl(Inline.Always)] public static Cx<V> SplatAt(E* source, nint apart) => new(FV.Splat(*source), FV.Splat(source[apart]));

    [MethodImpl(Inline.Always)]
    public static void StoreFirst(E* destination, nint apart, Cx<V> value)
    {
        var (re, im) = (value.Re, value.Im);
        *destination = Unsafe.As<V, E>(ref re);
        destination[apart] = Unsafe.As<V, E>(ref im);
    }
}

/// <summary>The purpose of a thread's memory for the matrices that it works on.</summary>
readonly struct WorkMatrices;
