using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.MatMul;

/// <summary>A matrix of real numbers, or of complex ones as pairs of them, anywhere in memory, or one of float32 stored in half precision.
/// Distances count real numbers.</summary>
readonly unsafe struct Source<E>(void* start, nint row, nint column, DType? half = null) where E : unmanaged
{
    /// <summary>The first element, where it is not stored in half precision.</summary>
    public readonly E* Start = (E*)start;
    public readonly nint Row = row, Column = column;

    /// <summary>How elements are stored in 16 bits; null when they are E.</summary>
    public readonly DType? Half = half;

    /// <summary>A part, widened to dense rows - of columns, where these are the neighbours - in <paramref name="room"/>.</summary>
    public Source<E> Widened(int row, int rows, int column, int columns, E* room)
    {
        var from = (ushort*)Start + row * Row + column * Column;
        var isTurned = Column != 1 && Row == 1;
        var (lines, count, line, step) = isTurned ? (columns, rows, Column, Row) : (rows, columns, Row, Column);
        for (var i = 0; i < lines; i++)
        {
            var source = from + i * line;
            var target = new Span<float>((float*)room + (nint)i * count, count);
            if (step == 1)
            {
                Widen(new(source, count), target);
                continue;
            }
            for (var j = 0; j < count; j++)
                Widen(new(source + j * step, 1), target[j..]);
        }
        return isTurned ? new(room, 1, count) : new(room, count, 1);
    }

    void Widen(ReadOnlySpan<ushort> from, Span<float> to)
    {
        if (Half == DType.BFloat16)
            BFloat16Cell.Widen(from, to);
        else
            HalfCell.Widen(from, to);
    }
}

/// <summary>Operands of a product in the order in which the micro-kernel reads them.</summary>
/// <remarks>
/// A complex product is a real one: with the parts of b's rows in rows of their own (Re b_0, Im b_0, Re b_1, ...), the real part of a row
/// of the result is (Re a_0, -Im a_0, Re a_1, ...) times them and the imaginary part (Im a_0, Re a_0, Im a_1, ...) times them. So complex
/// matrices are packed as real ones of twice the rows and twice the inner dimension and run at the speed of real vectors.
/// </remarks>
static unsafe class Panels
{
    readonly struct RowsOfA;

    readonly struct StripsOfB;

    readonly struct BetweenProducts;

    readonly struct WidenedPart;

    /// <summary>Room for <paramref name="elements"/> of a's, until the next call on this thread.</summary>
    public static E* OfA<E>(nint elements) where E : unmanaged => Scratch<RowsOfA>.Of<E>((nuint)elements);

    /// <summary>Room for <paramref name="elements"/> of b's, until the next call on this thread.</summary>
    public static E* OfB<E>(nint elements) where E : unmanaged => Scratch<StripsOfB>.Of<E>((nuint)elements);

    /// <summary>Room for <paramref name="elements"/> between products, until the next call on this thread.</summary>
    public static E* Between<E>(nint elements) where E : unmanaged => Scratch<BetweenProducts>.Of<E>((nuint)elements);

    /// <summary>Rows of a, their elements of one inner index beside each other, zero beyond the last row.</summary>
    /// <param name="a">The matrix.</param>
    /// <param name="to">[depth, height].</param>
    /// <param name="i0">First row.</param>
    /// <param name="rows">Rows; at most <paramref name="height"/>.</param>
    /// <param name="k0">First inner index.</param>
    /// <param name="depth">Inner indices.</param>
    /// <param name="height">Rows of the tile.</param>
    public static void PackA<E>(Source<E> a, E* to, int i0, int rows, int k0, int depth, int height) where E : unmanaged
    {
        if (a.Half is not null)
            (a, i0, k0) = (a.Widened(i0, rows, k0, depth, Scratch<WidenedPart>.Of<E>((nuint)((nint)rows * depth))), 0, 0);
        var from = a.Start + i0 * a.Row + k0 * a.Column;
        if (rows < height)
            new Span<E>(to, depth * height).Clear();
        if (a.Column == 1)
        {
            Turn(from, a.Row, to, height, rows, depth);
            return;
        }
        for (var k = 0; k < depth; k++, to += height, from += a.Column)
        {
            if (a.Row == 1 && rows == 8)
            {
                Unsafe.CopyBlockUnaligned(to, from, (uint)(8 * sizeof(E)));
                continue;
            }
            for (var i = 0; i < rows; i++)
                to[i] = from[i * a.Row];
        }
    }

    /// <summary>As <see cref="PackA"/>, of a complex matrix: sizes count the rows and inner indices of the real one.</summary>
    public static void PackComplexA<E>(Source<E> a, E* to, int i0, int rows, int k0, int depth, int height) where E : unmanaged
    {
        if (rows < height)
            new Span<E>(to, depth * height).Clear();
        // Pairs first, as the rows of even inner indices; then those of odd ones, i times them.
        var from = a.Start + (i0 >> 1) * a.Row + (k0 >> 1) * a.Column;
        if (typeof(E) == typeof(float) && a.Column == 2)
        {
            Turn((double*)from, a.Row / 2, (double*)to, height, rows / 2, depth / 2);
        }
        else
        {
            for (var k = 0; k < depth; k += 2)
            {
                for (var i = 0; i < rows; i += 2)
                {
                    var pair = from + (i >> 1) * a.Row + (k >> 1) * a.Column;
                    (to[k * height + i], to[k * height + i + 1]) = (pair[0], pair[1]);
                }
            }
        }
        for (var k = 0; k < depth; k += 2, to += 2 * height)
        {
            if (typeof(E) == typeof(float))
                TimesI((float*)to, (float*)to + height, height);
            else
                TimesI((double*)to, (double*)to + height, height);
        }
    }

    static void TimesI(float* x, float* y, int count)
    {
        for (var i = 0; i < count; i += 4)
            (Vector128.Shuffle(Vector128.Load(x + i), Vector128.Create(1, 0, 3, 2)) ^ Vector128.Create(-0f, 0, -0f, 0)).Store(y + i);
    }

    static void TimesI(double* x, double* y, int count)
    {
        for (var i = 0; i < count; i += 2)
            (Vector128.Shuffle(Vector128.Load(x + i), Vector128.Create(1L, 0)) ^ Vector128.Create(-0.0, 0)).Store(y + i);
    }

    /// <summary>One strip of b: <paramref name="depth"/> rows of neighbouring columns, zero beyond the last.</summary>
    /// <param name="b">The matrix.</param>
    /// <param name="to">[depth, width].</param>
    /// <param name="k0">First inner index.</param>
    /// <param name="depth">Inner indices.</param>
    /// <param name="j0">First column.</param>
    /// <param name="columns">Columns; at most <paramref name="width"/>.</param>
    /// <param name="width">Columns of the tile.</param>
    public static void PackB<E>(Source<E> b, E* to, int k0, int depth, int j0, int columns, int width) where E : unmanaged
    {
        if (b.Half is not null)
            (b, k0, j0) = (b.Widened(k0, depth, j0, columns, Scratch<WidenedPart>.Of<E>((nuint)((nint)columns * depth))), 0, 0);
        var from = b.Start + k0 * b.Row + j0 * b.Column;
        if (b.Row == 1 && b.Column != 1)
        {
            if (columns < width)
                new Span<E>(to, depth * width).Clear();
            Turn(from, b.Column, to, width, columns, depth);
            return;
        }
        for (var k = 0; k < depth; k++, to += width, from += b.Row)
        {
            if (b.Column == 1)
            {
                new ReadOnlySpan<E>(from, columns).CopyTo(new Span<E>(to, columns));
            }
            else
            {
                for (var j = 0; j < columns; j++)
                    to[j] = from[j * b.Column];
            }
            new Span<E>(to + columns, width - columns).Clear();
        }
    }

    /// <summary>As <see cref="PackB"/>, of a complex matrix: <paramref name="k0"/> and <paramref name="depth"/> count real rows.</summary>
    public static void PackComplexB<E>(Source<E> b, E* to, int k0, int depth, int j0, int columns, int width) where E : unmanaged
    {
        var from = b.Start + (k0 >> 1) * b.Row + j0 * b.Column;
        for (var k = 0; k < depth; k += 2, to += 2 * width, from += b.Row)
        {
            var re = to;
            var im = to + width;
            var j = 0;
            for (; b.Column == 2 && j + Vector128<E>.Count <= columns; j += Vector128<E>.Count)
            {
                var parts = Weave.Unzip<Vec128<E>, E, Packed128<E>>(from + 2 * j);
                parts.Re.Value.Store(re + j);
                parts.Im.Value.Store(im + j);
            }
            for (; j < columns; j++)
                (re[j], im[j]) = (from[j * b.Column], from[j * b.Column + 1]);
            new Span<E>(re + columns, width - columns).Clear();
            new Span<E>(im + columns, width - columns).Clear();
        }
    }

    /// <summary>Real and imaginary parts to neighbouring pairs.</summary>
    public static void Join<E>(E* y, E* re, E* im, int count) where E : unmanaged
    {
        var j = 0;
        for (; j + Vector128<E>.Count <= count; j += Vector128<E>.Count)
            Weave.Zip<Vec128<E>, E, Packed128<E>>(y + 2 * j, new(new(Vector128.Load(re + j)), new(Vector128.Load(im + j))));
        for (; j < count; j++)
            (y[2 * j], y[2 * j + 1]) = (re[j], im[j]);
    }

    /// <summary>Transposition: <c>y[j * yRow + i] = x[i * xRow + j]</c>.</summary>
    public static void Turn<E>(E* x, nint xRow, E* y, nint yRow, int rows, int columns) where E : unmanaged
    {
        var i = 0;
        if (Sse2.IsSupported && typeof(E) == typeof(float))
        {
            for (; i + 4 <= rows; i += 4)
                Turn4((float*)x + i * xRow, xRow, (float*)y + i, yRow, columns);
        }
        else if (Sse2.IsSupported && typeof(E) == typeof(double))
        {
            for (; i + 2 <= rows; i += 2)
                Turn2((double*)x + i * xRow, xRow, (double*)y + i, yRow, columns);
        }
        for (; i < rows; i++)
        {
            for (var j = 0; j < columns; j++)
                y[j * yRow + i] = x[i * xRow + j];
        }
    }

    static void Turn4(float* x, nint xRow, float* y, nint yRow, int columns)
    {
        var j = 0;
        for (; j + 4 <= columns; j += 4, y += 4 * yRow)
        {
            var (a, b, c, d) = (Vector128.Load(x + j), Vector128.Load(x + xRow + j), Vector128.Load(x + 2 * xRow + j), Vector128.Load(x + 3 * xRow + j));
            var (ab, cd, abHigh, cdHigh) = (Sse.UnpackLow(a, b), Sse.UnpackLow(c, d), Sse.UnpackHigh(a, b), Sse.UnpackHigh(c, d));
            Sse.MoveLowToHigh(ab, cd).Store(y);
            Sse.MoveHighToLow(cd, ab).Store(y + yRow);
            Sse.MoveLowToHigh(abHigh, cdHigh).Store(y + 2 * yRow);
            Sse.MoveHighToLow(cdHigh, abHigh).Store(y + 3 * yRow);
        }
        for (; j < columns; j++, y += yRow)
            (y[0], y[1], y[2], y[3]) = (x[j], x[xRow + j], x[2 * xRow + j], x[3 * xRow + j]);
    }

    static void Turn2(double* x, nint xRow, double* y, nint yRow, int columns)
    {
        var j = 0;
        for (; j + 2 <= columns; j += 2, y += 2 * yRow)
        {
            var (p, q) = (Vector128.Load(x + j), Vector128.Load(x + xRow + j));
            Sse2.UnpackLow(p, q).Store(y);
            Sse2.UnpackHigh(p, q).Store(y + yRow);
        }
        for (; j < columns; j++, y += yRow)
            (y[0], y[1]) = (x[j], x[xRow + j]);
    }

    // Squares whose rows are cache lines or so: both sides stay in the first cache.
    const int Square = 16;

    /// <summary>The upper triangle of a Hermitian matrix from its lower one, for rows <paramref name="first"/> to <paramref name="last"/> of the latter.</summary>
    /// <param name="y">Dense [n, n].</param>
    /// <param name="n">Rows.</param>
    /// <param name="first">A multiple of 16.</param>
    /// <param name="last">The row after the last one.</param>
    /// <param name="complex">Whether numbers are pairs.</param>
    public static void Mirror<E>(E* y, int n, int first, int last, bool complex) where E : unmanaged
    {
        for (var i0 = first; i0 < last; i0 += Square)
        {
            var rows = Math.Min(Square, last - i0);
            for (var j0 = 0; j0 < i0; j0 += Square)
            {
                if (!complex)
                    Turn(y + (nint)i0 * n + j0, n, y + (nint)j0 * n + i0, n, rows, Square);
                else
                    Conjugates(y, n, i0, rows, j0);
            }
            if (complex)
            {
                Conjugates(y, n, i0, rows, i0);
                continue;
            }
            // The square on the diagonal by small ones, of which the last is turned by hand.
            for (var i = i0; i < i0 + rows; i += 4)
            {
                var height = Math.Min(4, i0 + rows - i);
                Turn(y + (nint)i * n + i0, n, y + (nint)i0 * n + i, n, height, i - i0);
                for (var at = i + 1; at < i + height; at++)
                {
                    for (var j = i; j < at; j++)
                        y[(nint)j * n + at] = y[(nint)at * n + j];
                }
            }
        }
    }

    static void Conjugates<E>(E* y, int n, int i0, int rows, int j0) where E : unmanaged
    {
        for (var i = i0; i < i0 + rows; i++)
        {
            var from = y + 2 * (nint)i * n;
            for (var j = j0; j < Math.Min(i, j0 + Square); j++)
            {
                var to = y + 2 * ((nint)j * n + i);
                (to[0], to[1]) = (from[2 * j], Negate(from[2 * j + 1]));
            }
        }
    }

    [MethodImpl(Inline.Always)]
    static E Negate<E>(E value) where E : unmanaged
        => typeof(E) == typeof(float) ? Unsafe.BitCast<float, E>(-Unsafe.BitCast<E, float>(value)) : Unsafe.BitCast<double, E>(-Unsafe.BitCast<E, double>(value));
}
