using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>Solves triangular systems with many right-hand sides, batched, real or complex.</summary>
/// <remarks>
/// Columns of the right-hand side are independent: each is a GPU thread (<see cref="RegisterSubstitution"/>) or a position of a CPU vector, all
/// sharing the triangle. Large triangles are halved, and the halves meet in a matrix product. Any layout is taken as it is, so a transposed triangle is a transposed view.
/// </remarks>
public static class TriangularSolve
{
    // Triangles up to this size are solved directly.
    const int Direct = RegisterSubstitution.MostRows;

    /// <summary>The x with a x = b, reading only one triangle of a.</summary>
    /// <param name="a">[..., n, n].</param>
    /// <param name="b">[..., n, columns]; leading dimensions broadcast.</param>
    /// <param name="upper">Whether a is upper triangular; lower otherwise.</param>
    /// <param name="unitDiagonal">Whether a's diagonal is 1 and not read.</param>
    /// <exception cref="TensorArgumentException">Shapes, dtypes or devices do not fit.</exception>
    public static Tensor Run(Tensor a, Tensor b, bool upper, bool unitDiagonal)
    {
        var shape = Check("TriangularSolve", a, b);
        var x = Copy.Dense(b.View(b.Layout.Expand(shape.Concat(b.Shape[^2..].Span), "TriangularSolve")));
        if (x.ElementCount > 0)
        {
            var expanded = Matrices.Batched(a.View(a.Layout.Expand(shape.Concat(a.Shape[^2..].Span), "TriangularSolve")), "TriangularSolve", nameof(a));
            InPlace(expanded, Matrices.Batched(x, "TriangularSolve", nameof(b)), upper, unitDiagonal);
        }
        return x;
    }

    /// <summary>The common leading dimensions of a system's square matrices and right-hand sides.</summary>
    internal static Shape Check(string operation, Tensor a, Tensor b)
    {
        if (a.Rank < 2 || a.Shape[^1] != a.Shape[^2])
            throw new TensorArgumentException(operation, nameof(a), $"of shape {a.Shape}", "square matrices [..., n, n]");
        if (!a.DType.HasArithmetic)
            throw new TensorArgumentException(operation, nameof(a), $"{a.DType}", "a floating-point or complex tensor");
        if (b.Rank < 2 || b.Shape[^2] != a.Shape[^1])
            throw new TensorArgumentException(operation, nameof(b), $"of shape {b.Shape}", $"[..., {a.Shape[^1]}, columns]");
        if (a.DType != b.DType || a.Device != b.Device)
            throw new TensorArgumentException(operation, nameof(b), $"{b.DType} on {b.Device}", $"{a.DType} on {a.Device}");
        return Shape.Broadcast(a.Shape[..^2], b.Shape[..^2], operation);
    }

    // a [batch, n, n] and x [batch, n, columns] in any layout; x is overwritten.
    static void InPlace(Tensor a, Tensor x, bool upper, bool unit)
    {
        var n = a.Shape[1];
        if (n <= Direct)
        {
            if (a.Device is GpuDevice gpu)
                RegisterSubstitution.Run(gpu, Copy.Forward(a), x, upper, unit);
            else if (a.DType is DType.Float32 or DType.Complex64)
                OnHost<float, F32, SingleCell>(a, x, upper, unit);
            else
                OnHost<double, F64, DoubleCell>(a, x, upper, unit);
            return;
        }
        var p = Matrices.Half(n);
        // The half that depends on nothing comes first: the last rows of an upper triangle, the first of a lower one.
        var (head, tail) = upper ? ((p, n - p), (0, p)) : ((0, p), (p, n - p));
        InPlace(Matrices.Corner(a, head.Item1, head.Item2, head.Item1, head.Item2), Matrices.Rows(x, head.Item1, head.Item2), upper, unit);
        var rest = Matrices.Rows(x, tail.Item1, tail.Item2);
        var known = Matrices.Product(Matrices.Corner(a, tail.Item1, tail.Item2, head.Item1, head.Item2), Matrices.Rows(x, head.Item1, head.Item2));
        Copy.Into(rest, Matrices.Minus(rest, known));
        InPlace(Matrices.Corner(a, tail.Item1, tail.Item2, tail.Item1, tail.Item2), rest, upper, unit);
    }

    // ---- the algorithm: every column of x by substitution, in order of the solved unknowns

    [MethodImpl(Inline.Always)]
    static void Substitute<MA, MX, T>(MA a, MX x, int upper, int unit) where MA : struct, IElements<T> where MX : struct, IElements<T> where T : struct, ILane<T>
    {
        var n = a.Rows;
        for (var step = 0; step < n; step++)
        {
            var i = upper != 0 ? n - 1 - step : step;
            var pivot = unit != 0 ? T.Of(1) : a.Get(i, i);
            var j = 0;
            for (; j + 4 <= x.Columns; j += 4)
            {
                T s0 = x.Get(i, j), s1 = x.Get(i, j + 1), s2 = x.Get(i, j + 2), s3 = x.Get(i, j + 3);
                for (var past = 0; past < step; past++)
                {
                    var k = upper != 0 ? n - 1 - past : past;
                    var factor = -a.Get(i, k);
                    s0 = T.Fma(factor, x.Get(k, j), s0);
                    s1 = T.Fma(factor, x.Get(k, j + 1), s1);
                    s2 = T.Fma(factor, x.Get(k, j + 2), s2);
                    s3 = T.Fma(factor, x.Get(k, j + 3), s3);
                }
                x.Set(i, j, s0 / pivot);
                x.Set(i, j + 1, s1 / pivot);
                x.Set(i, j + 2, s2 / pivot);
                x.Set(i, j + 3, s3 / pivot);
            }
            for (; j < x.Columns; j++)
            {
                var s = x.Get(i, j);
                for (var past = 0; past < step; past++)
                {
                    var k = upper != 0 ? n - 1 - past : past;
                    s = T.Fma(-a.Get(i, k), x.Get(k, j), s);
                }
                x.Set(i, j, s / pivot);
            }
        }
    }

    // ---- host: strips of up to four vectors of columns

    const int StripVectors = 4;

    // One element of the ordinary layout for all columns.
    readonly unsafe struct Shared<T, E, F>(E* start, int n, nint rowStride, nint columnStride) : IElements<T>
        where T : struct, ILane<T> where E : unmanaged where F : struct, IBlockFormat<T, E>
    {
        readonly E* start = start;
        readonly nint rowStride = rowStride * F.Parts, columnStride = columnStride * F.Parts;

        public int Rows { get; } = n;

        public int Columns => Rows;

        [MethodImpl(Inline.Always)] public T Get(int row, int column) => F.SplatAt(start + row * rowStride + column * columnStride, 1);

        public void Set(int row, int column, T value) => throw new NotSupportedException("A shared matrix is only read.");
    }

    // A strip of columns, row by row.
    readonly unsafe struct Strip<T, E, F>(E* start, int rows, int columns) : IElements<T>
        where T : struct, ILane<T> where E : unmanaged where F : struct, IBlockFormat<T, E>
    {
        readonly E* start = start;

        public int Rows { get; } = rows;

        public int Columns { get; } = columns;

        [MethodImpl(Inline.Always)] public T Get(int row, int column) => F.Load(start + (nint)(row * StripVectors + column) * F.Width);

        [MethodImpl(Inline.Always)] public void Set(int row, int column, T value) => F.Store(start + (nint)(row * StripVectors + column) * F.Width, value);
    }

    static void OnHost<E, S, FS>(Tensor a, Tensor x, bool upper, bool unit) where E : unmanaged where S : struct, ILane<S> where FS : struct, ICell<S, E>
    {
        // A vector holds columns: with one column there is nothing to hold.
        if (x.Shape[2] > 1 && Vector512.IsHardwareAccelerated)
            Columns<E, Vec512<E>, Packed512<E>>(a, x, upper, unit);
        else if (x.Shape[2] > 1 && Vector256.IsHardwareAccelerated)
            Columns<E, Vec256<E>, Packed256<E>>(a, x, upper, unit);
        else if (x.Shape[2] > 1 && Vector128.IsHardwareAccelerated)
            Columns<E, Vec128<E>, Packed128<E>>(a, x, upper, unit);
        else
            Columns<E, S, FS>(a, x, upper, unit);
    }

    static void Columns<E, V, FV>(Tensor a, Tensor x, bool upper, bool unit)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        if (a.DType.IsComplex)
            Strips<E, Cx<V>, SplitBlock<V, E, FV>>(a, x, upper, unit);
        else
            Strips<E, V, RealBlock<V, E, FV>>(a, x, upper, unit);
    }

    static unsafe void Strips<E, T, F>(Tensor a, Tensor x, bool upper, bool unit) where E : unmanaged where T : struct, ILane<T> where F : struct, IBlockFormat<T, E>
    {
        var (batch, n, columns) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        var lanes = F.Width / F.Parts;
        var strips = (columns + lanes * StripVectors - 1) / (lanes * StripVectors);
        var (startA, startX) = ((nint)HostMemory.Parts<E>(a), (nint)HostMemory.Parts<E>(x));
        var work = (long)n * n * Math.Min(columns, lanes * StripVectors);
        HostThreads.Range((long)batch * strips, Math.Max(1, (1 << 17) / Math.Max(1, work)), (begin, end) =>
        {
            var buffer = Scratch<WorkMatrices>.Of<E>((nuint)n * StripVectors * (nuint)F.Width);
            for (var piece = begin; piece < end; piece++)
            {
                var (matrix, first) = ((nint)(piece / strips), (int)(piece % strips) * lanes * StripVectors);
                var count = Math.Min(lanes * StripVectors, columns - first);
                var at = (E*)startX + (matrix * (nint)x.Layout.Strides[0] + first * (nint)x.Layout.Strides[2]) * F.Parts;
                Move<T, E, F>(at, buffer, x, n, count, lanes, pack: true);
                Solve<T, E, F>(new((E*)startA + matrix * (nint)a.Layout.Strides[0] * F.Parts, n, (nint)a.Layout.Strides[1], (nint)a.Layout.Strides[2]),
                    new(buffer, n, (count + lanes - 1) / lanes), upper ? 1 : 0, unit ? 1 : 0);
                Move<T, E, F>(at, buffer, x, n, count, lanes, pack: false);
            }
        });
        GC.KeepAlive(a);
        GC.KeepAlive(x);
    }

    [MethodImpl(Inline.Root)]
    static void Solve<T, E, F>(Shared<T, E, F> a, Strip<T, E, F> x, int upper, int unit) where T : struct, ILane<T> where E : unmanaged where F : struct, IBlockFormat<T, E>
        => Substitute<Shared<T, E, F>, Strip<T, E, F>, T>(a, x, upper, unit);

    // Between the tensor and a strip; positions beyond the last column hold zeros, which any triangle maps to zeros (or to NaN, unread).
    static unsafe void Move<T, E, F>(E* at, E* buffer, Tensor x, int n, int count, int lanes, bool pack)
        where T : struct, ILane<T> where E : unmanaged where F : struct, IBlockFormat<T, E>
    {
        var (rowStride, columnStride) = ((nint)x.Layout.Strides[1] * F.Parts, (nint)x.Layout.Strides[2] * F.Parts);
        for (var row = 0; row < n; row++)
        {
            var from = at + row * rowStride;
            var to = buffer + (nint)row * StripVectors * F.Width;
            if (F.Parts == 1 && columnStride == 1)
            {
                if (pack)
                {
                    new ReadOnlySpan<E>(from, count).CopyTo(new Span<E>(to, count));
                    new Span<E>(to + count, StripVectors * F.Width - count).Clear();
                }
                else
                {
                    new ReadOnlySpan<E>(to, count).CopyTo(new Span<E>(from, count));
                }
                continue;
            }
            if (pack)
                new Span<E>(to, StripVectors * F.Width).Clear();
            for (var column = 0; column < count; column++)
            {
                var cell = to + (nint)(column / lanes) * F.Width + column % lanes;
                for (var part = 0; part < F.Parts; part++)
                {
                    if (pack)
                        cell[part * lanes] = from[part];
                    else
                        from[part] = cell[part * lanes];
                }
                from += columnStride;
            }
        }
    }
}
