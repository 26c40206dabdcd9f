using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Skeletons;

/// <summary>The host half of <see cref="ByColumns"/> for matrices that a vector does not hold as many of: its positions are neighbouring columns
/// of one matrix.</summary>
/// <remarks>
/// A vector may reach beyond the last column: rows are padded by zeros, which arithmetic on columns keeps apart from the matrix. Each column's
/// arithmetic is that of the text, so the bits are those of every other way to run it.
/// </remarks>
static unsafe class RowLanes
{
    /// <summary>A matrix in padded rows; the parts of complex numbers stand in two halves of a row.</summary>
    internal readonly struct HostRows<T, E, F>(E* start, int rows, int columns) : IMat<T>
        where T : struct, ILane<T> where E : unmanaged where F : struct, IBlockFormat<T, E>
    {
        readonly E* start = start;
        readonly nint apart = Padded(columns);

        public int Rows { get; } = rows;

        public int Columns { get; } = columns;

        static int Lanes => F.Width / F.Parts;

        // Room for a vector that begins at the last column; an odd number of vectors, so that rows do not fall into the same cache sets.
        static nint Padded(int columns) => ((columns + 2 * Lanes - 2) / Lanes | 1) * Lanes;

        public static nint Stride(int columns) => Padded(columns) * F.Parts;

        public static nint Elements(int rows, int columns) => columns == 0 ? 0 : Stride(columns) * rows;

        [MethodImpl(Inline.Always)] E* Place(int row, int column) => start + row * (apart * F.Parts) + column;

        [MethodImpl(Inline.Always)] public T Get(int row, int column) => F.Load(Place(row, column), apart);

        [MethodImpl(Inline.Always)] public void Set(int row, int column, T value) => F.Store(Place(row, column), apart, value);

        [MethodImpl(Inline.Always)] public T At(int row, int column) => F.SplatAt(Place(row, column), apart);

        [MethodImpl(Inline.Always)] public void Put(int row, int column, T value) => F.StoreFirst(Place(row, column), apart, value);

        /// <summary>Asked of numbers that are the same in every position.</summary>
        public static bool IsZero(T value)
        {
            var first = stackalloc E[F.Parts];
            F.StoreFirst(first, 1, value);
            return !new Span<byte>(first, F.Parts * sizeof(E)).ContainsAnyExcept((byte)0);
        }

        public static bool Exchanges => true;

        public void Exchange(int k, T distance, bool columns)
        {
            var first = stackalloc E[F.Parts];
            F.StoreFirst(first, 1, distance);
            var other = k + HostMemory.Whole(*first);
            if (other == k)
                return;
            if (!columns)
            {
                // The padding goes along.
                for (var column = 0; column < Columns; column += Lanes)
                {
                    var (x, y) = (Get(k, column), Get(other, column));
                    Set(k, column, y);
                    Set(other, column, x);
                }
                return;
            }
            for (var row = 0; row < Rows; row++)
            {
                var (x, y) = (At(row, k), At(row, other));
                Put(row, k, y);
                Put(row, other, x);
            }
        }
    }

    /// <summary>One thread that takes a vector of columns at a time.</summary>
    internal readonly struct Vectors<T, E, F> : IWorkers where T : struct, ILane<T> where E : unmanaged where F : struct, IBlockFormat<T, E>
    {
        public static bool IsAlone { [MethodImpl(Inline.Always)] get => true; }

        public static int Index { [MethodImpl(Inline.Always)] get => 0; }

        public static int Count { [MethodImpl(Inline.Always)] get => 1; }

        public static int Step { [MethodImpl(Inline.Always)] get => F.Width / F.Parts; }

        [MethodImpl(Inline.Always)]
        public static void Meet()
        {
        }
    }

    public static void Run<A>(DType dtype, int batch, WorkMatrix a, WorkMatrix b, WorkMatrix c, int option) where A : struct, IByColumns
    {
        switch (dtype)
        {
            case DType.Float32 or DType.Complex64: Run<A, float, F32, SingleCell>(dtype.IsComplex, batch, a, b, c, option); break;
            case DType.Float64 or DType.Complex128: Run<A, double, F64, DoubleCell>(dtype.IsComplex, batch, a, b, c, option); break;
            default: throw new TensorArgumentException("ByColumns", nameof(dtype), $"{dtype}", "a floating-point or complex type");
        }
    }

    static void Run<A, E, S, FS>(bool complex, int batch, WorkMatrix a, WorkMatrix b, WorkMatrix c, int option)
        where A : struct, IByColumns where E : unmanaged where S : struct, ILane<S> where FS : struct, ICell<S, E>
    {
        if (Vector512.IsHardwareAccelerated)
            OfLane<A, E, Vec512<E>, Packed512<E>>(complex, batch, a, b, c, option);
        else if (Vector256.IsHardwareAccelerated)
            OfLane<A, E, Vec256<E>, Packed256<E>>(complex, batch, a, b, c, option);
        else if (Vector128.IsHardwareAccelerated)
            OfLane<A, E, Vec128<E>, Packed128<E>>(complex, batch, a, b, c, option);
        else
            OfLane<A, E, S, FS>(complex, batch, a, b, c, option);
    }

    static void OfLane<A, E, V, FV>(bool complex, int batch, WorkMatrix a, WorkMatrix b, WorkMatrix c, int option)
        where A : struct, IByColumns where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        if (complex)
            Matrices<A, E, Cx<V>, SplitBlock<V, E, FV>>(batch, a, b, c, option);
        else
            Matrices<A, E, V, RealBlock<V, E, FV>>(batch, a, b, c, option);
    }

    static void Matrices<A, E, T, F>(int batch, WorkMatrix a, WorkMatrix b, WorkMatrix c, int option)
        where A : struct, IByColumns where E : unmanaged where T : struct, ILane<T> where F : struct, IBlockFormat<T, E>
    {
        var work = (long)a.Rows * a.Columns * Math.Max(a.Columns, b.Columns);
        HostThreads.Range(batch, Math.Max(1, (1 << 18) / Math.Max(1, work)), (begin, end) =>
        {
            for (var matrix = begin; matrix < end; matrix++)
                One<A, E, T, F>((int)matrix, a, b, c, option);
        });
        foreach (var matrix in (ReadOnlySpan<WorkMatrix>)[a, b, c])
        {
            GC.KeepAlive(matrix.Source);
            GC.KeepAlive(matrix.Target);
        }
    }

    static void One<A, E, T, F>(int index, WorkMatrix a, WorkMatrix b, WorkMatrix c, int option)
        where A : struct, IByColumns where E : unmanaged where T : struct, ILane<T> where F : struct, IBlockFormat<T, E>
    {
        var (sizeA, sizeB) = (HostRows<T, E, F>.Elements(a.Rows, a.Columns), HostRows<T, E, F>.Elements(b.Rows, b.Columns));
        var atA = Scratch<WorkMatrices>.Of<E>((nuint)(sizeA + sizeB + HostRows<T, E, F>.Elements(c.Rows, c.Columns)));
        var atB = atA + sizeA;
        var atC = atB + sizeB;
        Pack<T, E, F>(a, atA, index);
        Pack<T, E, F>(b, atB, index);
        Pack<T, E, F>(c, atC, index);
        Body<A, E, T, F>(new(atA, a.Rows, a.Columns), new(atB, b.Rows, b.Columns), new(atC, c.Rows, c.Columns), option);
        Unpack<T, E, F>(a, atA, index);
        Unpack<T, E, F>(b, atB, index);
        Unpack<T, E, F>(c, atC, index);
    }

    [MethodImpl(Inline.Root)]
    static void Body<A, E, T, F>(HostRows<T, E, F> a, HostRows<T, E, F> b, HostRows<T, E, F> c, int option)
        where A : struct, IByColumns where E : unmanaged where T : struct, ILane<T> where F : struct, IBlockFormat<T, E>
        => A.Apply<HostRows<T, E, F>, T, Vectors<T, E, F>>(a, b, c, option);

    // Zeros in the padding, and everywhere if there is no source: what a vector reads beyond its columns must not be slow to compute with.
    static void Pack<T, E, F>(WorkMatrix matrix, E* to, int index) where T : struct, ILane<T> where E : unmanaged where F : struct, IBlockFormat<T, E>
    {
        var stride = HostRows<T, E, F>.Stride(matrix.Columns);
        if (matrix.Source is not { } source)
        {
            new Span<E>(to, (int)HostRows<T, E, F>.Elements(matrix.Rows, matrix.Columns)).Clear();
            return;
        }
        var strides = source.Layout.Strides;
        var (down, across, apart) = ((nint)strides[1] * F.Parts, (nint)strides[2] * F.Parts, stride / F.Parts);
        var from = HostMemory.Parts<E>(source) + index * (nint)strides[0] * F.Parts;
        for (var row = 0; row < matrix.Rows; row++, to += stride)
        {
            var x = from + row * down;
            for (var part = 0; part < F.Parts; part++)
            {
                var y = to + part * apart;
                if (across == 1)
                {
                    new ReadOnlySpan<E>(x, matrix.Columns).CopyTo(new Span<E>(y, matrix.Columns));
                }
                else
                {
                    for (var column = 0; column < matrix.Columns; column++)
                        y[column] = x[column * across + part];
                }
                new Span<E>(y + matrix.Columns, (int)apart - matrix.Columns).Clear();
            }
        }
    }

    static void Unpack<T, E, F>(WorkMatrix matrix, E* from, int index) where T : struct, ILane<T> where E : unmanaged where F : struct, IBlockFormat<T, E>
    {
        if (matrix.Target is not { } target)
            return;
        var stride = HostRows<T, E, F>.Stride(matrix.Columns);
        var strides = target.Layout.Strides;
        var (down, across, apart) = ((nint)strides[1] * F.Parts, (nint)strides[2] * F.Parts, stride / F.Parts);
        var to = HostMemory.Parts<E>(target) + index * (nint)strides[0] * F.Parts;
        var (rows, columns) = (target.Shape[1], target.Shape[2]);
        for (var row = 0; row < rows; row++, from += stride)
        {
            var y = to + row * down;
            if (across == 1)
            {
                new ReadOnlySpan<E>(from, columns).CopyTo(new Span<E>(y, columns));
                continue;
            }
            for (var column = 0; column < columns; column++)
            {
                for (var part = 0; part < F.Parts; part++)
                    y[column * across + part] = from[part * apart + column];
            }
        }
    }
}
