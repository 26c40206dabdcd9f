using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Orthogonal;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Linalg;

/// <summary>h [n, n] on its way to the Schur form z^H h z, triangular: balancing, reduction to Hessenberg form by reflections, and the
/// complex QR iteration with single shifts. Golub and Van Loan, chapter 7.</summary>
/// <remarks>
/// The first column of work [n, <see cref="WorkColumns"/>] becomes the eigenvalues and, with option 1, z [n, n] the eigenvectors; both are
/// NaN where there is no answer. It branches on values, so each matrix is worked on alone; complex lanes only. What is squared is scaled
/// before, since graded matrices have blocks of any size.
/// </remarks>
readonly struct SchurForm : IPerMatrix
{
    /// <summary>Columns of the matrix of numbers that the algorithm keeps.</summary>
    public const int WorkColumns = 3;

    // Columns of work.
    const int Values = 0, Scales = 1, Vector = 2;

    // QR steps that one eigenvalue may take; a handful do. Every tenth takes another shift, which breaks cycles.
    const int StepsPerValue = 60;

    const double Unit = 1.1e-16;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static void Apply<M, T>(M h, M z, M work, int option) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        var (zero, hasVectors) = (T.Of(0), option != 0);
        // Near 1, so that only what is negligible beside it leaves the range of numbers.
        var exponent = Scaling.Exponent(BlockSize<M, T>(h, h.Rows - 1));
        var shrink = T.Exp2Int(-exponent);
        var spoilt = zero;
        for (var j = 0; j < h.Columns; j++)
        {
            for (var i = 0; i < h.Rows; i++)
            {
                var x = T.TimesReal(h.Get(i, j), shrink);
                spoilt += x - x;
                h.Set(i, j, x);
                if (hasVectors)
                    z.Set(i, j, zero);
            }
            if (hasVectors)
                z.Set(j, j, T.Of(1));
            work.Set(j, Scales, T.Of(1));
        }
        var isSolved = M.IsZero(T.SelectEqual(spoilt, zero, zero, T.Of(1)));
        if (isSolved)
        {
            Balance<M, T>(h, work);
            Reduce<M, T>(h, z, work, hasVectors);
            isSolved = Iterate<M, T>(h, z, hasVectors);
        }
        if (isSolved && hasVectors)
            Substitute<M, T>(h, z, work);
        for (var i = 0; i < h.Rows; i++)
        {
            // 0 / 0 in both parts.
            var nothing = T.OverReal(spoilt - spoilt, zero);
            work.Set(i, Values, isSolved ? T.TimesReal(h.Get(i, i), T.Exp2Int(exponent)) : nothing);
            for (var j = 0; hasVectors && !isSolved && j < h.Columns; j++)
                z.Set(i, j, nothing);
        }
    }

    [MethodImpl(Inline.Always)]
    static bool IsLess<M, T>(T a, T b) where M : struct, IMat<T> where T : struct, ILane<T> => !M.IsZero(T.SelectLess(a, b, T.Of(1), T.Of(0)));

    // A power of two that makes numbers of this size about 1: exact.
    [MethodImpl(Inline.Always)]
    static T Normalizer<T>(T size) where T : struct, ILane<T> => T.Exp2Int(-Scaling.Exponent(size));

    // a / b, also where |b|^2 leaves the range of numbers.
    [MethodImpl(Inline.Always)]
    static T Quotient<T>(T a, T b) where T : struct, ILane<T>
    {
        var shrink = Normalizer(T.LargerPart(b));
        return T.TimesReal(a / T.TimesReal(b, shrink), shrink);
    }

    // Powers of two on the diagonal make rows and columns of about one norm: exact, and kinder to small eigenvalues.
    // Parlett and Reinsch 1969.
    [MethodImpl(Inline.Step)]
    static void Balance<M, T>(M h, M work) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        var (n, zero, two, half, four, quarter) = (h.Rows, T.Of(0), T.Of(2), T.Of(0.5), T.Of(4), T.Of(0.25));
        for (var isDone = false; !isDone;)
        {
            isDone = true;
            for (var i = 0; i < n; i++)
            {
                var (row, column) = (zero, zero);
                for (var j = 0; j < n; j++)
                {
                    if (j == i)
                        continue;
                    row += T.AbsSum(h.Get(i, j));
                    column += T.AbsSum(h.Get(j, i));
                }
                if (M.IsZero(row) || M.IsZero(column))
                    continue;
                var (factor, other, sum) = (T.Of(1), column, row + column);
                while (IsLess<M, T>(other, T.TimesReal(row, half)))
                    (factor, other) = (T.TimesReal(factor, two), T.TimesReal(other, four));
                while (IsLess<M, T>(T.TimesReal(row, two), other))
                    (factor, other) = (T.TimesReal(factor, half), T.TimesReal(other, quarter));
                var scale = T.TimesReal(work.Get(i, Scales), factor);
                if (!IsLess<M, T>(other + row, T.TimesReal(T.TimesReal(sum, factor), T.Of(0.95))) || IsLess<M, T>(scale, T.Of(1e-290)) || IsLess<M, T>(T.Of(1e290), scale))
                    continue;
                isDone = false;
                work.Set(i, Scales, scale);
                var inverse = T.OverReal(T.Of(1), factor);
                for (var j = 0; j < n; j++)
                    h.Set(i, j, T.TimesReal(h.Get(i, j), inverse));
                for (var j = 0; j < n; j++)
                    h.Set(j, i, T.TimesReal(h.Get(j, i), factor));
            }
        }
    }

    // Reflections from both sides: zeros below the first subdiagonal.
    [MethodImpl(Inline.Step)]
    static void Reduce<M, T>(M h, M z, M work, bool hasVectors) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        var n = h.Rows;
        for (var k = 0; k < n - 2; k++)
        {
            var (largest, tail) = (T.Of(0), T.Of(0));
            for (var i = k + 1; i < n; i++)
                largest = T.Max(T.LargerPart(h.Get(i, k)), largest);
            if (M.IsZero(largest))
                continue;
            var shrink = Normalizer(largest);
            for (var i = k + 1; i < n; i++)
            {
                var x = T.TimesReal(h.Get(i, k), shrink);
                work.Set(i, Vector, x);
                tail += T.SquaredAbs(x);
            }
            var first = work.Get(k + 1, Vector);
            var (head, norm) = (T.Abs(first), T.SqrtReal(tail));
            // v = x + phase(x_1) |x| e_1: nothing cancels.
            var phase = T.SelectEqual(head, T.Of(0), T.Of(1), T.OverReal(first, head));
            work.Set(k + 1, Vector, T.FmaReal(phase, norm, first));
            var weight = T.OverReal(T.Of(2), tail + T.TimesReal(T.TimesReal(head, norm), T.Of(2)) + T.TimesReal(norm, norm));
            for (var j = k; j < n; j++)
            {
                var dot = T.Of(0);
                for (var i = k + 1; i < n; i++)
                    dot = T.Fma(T.Conj(work.Get(i, Vector)), h.Get(i, j), dot);
                dot = T.TimesReal(dot, weight);
                for (var i = k + 1; i < n; i++)
                    h.Set(i, j, T.Fma(-work.Get(i, Vector), dot, h.Get(i, j)));
            }
            FromTheRight<M, T>(h, work, k, weight);
            if (hasVectors)
                FromTheRight<M, T>(z, work, k, weight);
            for (var i = k + 2; i < n; i++)
                h.Set(i, k, T.Of(0));
        }
    }

    [MethodImpl(Inline.Step)]
    static void FromTheRight<M, T>(M x, M work, int k, T weight) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        for (var i = 0; i < x.Rows; i++)
        {
            var dot = T.Of(0);
            for (var j = k + 1; j < x.Columns; j++)
                dot = T.Fma(x.Get(i, j), work.Get(j, Vector), dot);
            dot = T.TimesReal(dot, weight);
            for (var j = k + 1; j < x.Columns; j++)
                x.Set(i, j, T.Fma(-dot, T.Conj(work.Get(j, Vector)), x.Get(i, j)));
        }
    }

    // Shifted QR steps on the active block until its last subdiagonal element is negligible; then one eigenvalue fewer is to be found.
    [MethodImpl(Inline.Step)]
    static bool Iterate<M, T>(M h, M z, bool hasVectors) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        var (last, steps) = (h.Rows - 1, 0);
        while (last > 0 && steps <= StepsPerValue)
        {
            var first = last;
            while (first > 0 && !IsNegligible<M, T>(h, first, last))
                first--;
            if (first > 0)
                h.Set(first, first - 1, T.Of(0));
            if (first == last)
            {
                (last, steps) = (last - 1, 0);
                continue;
            }
            steps++;
            var shift = steps % 10 == 0 ? h.Get(last, last) + T.AbsSum(h.Get(last, last - 1)) : Shift<M, T>(h, last);
            if (steps <= StepsPerValue)
                Step<M, T>(h, z, first, last, shift, hasVectors);
        }
        return last <= 0;
    }

    // Whether the subdiagonal element of a row is nothing beside the diagonal, or beside the whole block where that is zero.
    [MethodImpl(Inline.Step)]
    static bool IsNegligible<M, T>(M h, int row, int last) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        var size = T.AbsSum(h.Get(row - 1, row - 1)) + T.AbsSum(h.Get(row, row));
        if (M.IsZero(size))
            size = BlockSize<M, T>(h, last);
        return !IsLess<M, T>(T.TimesReal(size, T.Of(Unit)), T.AbsSum(h.Get(row, row - 1)));
    }

    [MethodImpl(Inline.Step)]
    static T BlockSize<M, T>(M h, int last) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        var size = T.Of(0);
        for (var j = 0; j <= last; j++)
        {
            for (var i = 0; i <= last; i++)
                size = T.Max(T.AbsSum(h.Get(i, j)), size);
        }
        return size;
    }

    // Wilkinson: the eigenvalue of the last two by two block that is nearer to its last element.
    [MethodImpl(Inline.Step)]
    static T Shift<M, T>(M h, int last) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        var (a, b, c, d) = (h.Get(last - 1, last - 1), h.Get(last - 1, last), h.Get(last, last - 1), h.Get(last, last));
        var half = T.TimesReal(a - d, T.Of(0.5));
        var size = T.Max(T.LargerPart(half), T.Max(T.LargerPart(b), T.LargerPart(c)));
        if (M.IsZero(size))
            return d;
        var shrink = Normalizer(size);
        (half, b, c) = (T.TimesReal(half, shrink), T.TimesReal(b, shrink), T.TimesReal(c, shrink));
        var root = T.Sqrt(T.Fma(half, half, b * c));
        var (plus, minus) = (half + root, half - root);
        var sum = T.SelectLess(T.SquaredAbs(plus), T.SquaredAbs(minus), minus, plus);
        return T.SelectEqual(sum, T.Of(0), d, d - T.OverReal(Quotient(b * c, sum), shrink));
    }

    // The Q of h - shift = Q R by Givens rotations, each of which mends what the one before it has spoilt: Q^H h Q without the rounding that
    // a shift to and fro would cost. On all rows and columns, since eigenvectors need the whole Schur form.
    [MethodImpl(Inline.Step)]
    static void Step<M, T>(M h, M z, int first, int last, T shift, bool hasVectors) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        for (var k = first; k < last; k++)
        {
            var from = k > first ? k - 1 : k;
            var (x, y) = (h.Get(k, from), h.Get(k + 1, from));
            if (k == first)
                x -= shift;
            var size = T.Max(T.LargerPart(x), T.LargerPart(y));
            if (M.IsZero(size))
                continue;
            var shrink = Normalizer(size);
            (x, y) = (T.TimesReal(x, shrink), T.TimesReal(y, shrink));
            var (sizeX, norm) = (T.Abs(x), T.SqrtReal(T.SquaredAbs(x) + T.SquaredAbs(y)));
            var cos = T.OverReal(sizeX, norm);
            var sin = T.SelectEqual(sizeX, T.Of(0), T.OverReal(T.Conj(y), norm), T.OverReal(x * T.Conj(y), T.TimesReal(sizeX, norm)));
            for (var j = from; j < h.Columns; j++)
            {
                var (p, q) = (h.Get(k, j), h.Get(k + 1, j));
                h.Set(k, j, T.Fma(sin, q, T.TimesReal(p, cos)));
                h.Set(k + 1, j, T.Fma(-T.Conj(sin), p, T.TimesReal(q, cos)));
            }
            if (k > first)
                h.Set(k + 1, from, T.Of(0));
            Turn<M, T>(h, k, k + 3 < last + 1 ? k + 3 : last + 1, cos, sin);
            if (hasVectors)
                Turn<M, T>(z, k, z.Rows, cos, sin);
        }
    }

    [MethodImpl(Inline.Step)]
    static void Turn<M, T>(M x, int k, int rows, T cos, T sin) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        for (var i = 0; i < rows; i++)
        {
            var (p, q) = (x.Get(i, k), x.Get(i, k + 1));
            x.Set(i, k, T.Fma(T.Conj(sin), q, T.TimesReal(p, cos)));
            x.Set(i, k + 1, T.Fma(-sin, p, T.TimesReal(q, cos)));
        }
    }

    // Eigenvectors of the triangular h, turned back by z and the scales, then of norm 1. From the last to the first: that of place k needs the
    // columns of z up to k, the last of which it takes.
    [MethodImpl(Inline.Step)]
    static void Substitute<M, T>(M h, M z, M work) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        var n = h.Rows;
        var smallest = T.Max(T.TimesReal(BlockSize<M, T>(h, n - 1), T.Of(Unit)), T.Of(1e-300));
        for (var k = n - 1; k >= 0; k--)
        {
            work.Set(k, Vector, T.Of(1));
            for (var i = k - 1; i >= 0; i--)
            {
                var sum = T.Of(0);
                for (var j = i + 1; j <= k; j++)
                    sum = T.Fma(-h.Get(i, j), work.Get(j, Vector), sum);
                // Equal eigenvalues: the smallest difference that the arithmetic tells apart.
                var gap = h.Get(i, i) - h.Get(k, k);
                var x = Quotient(sum, T.SelectLess(T.AbsSum(gap), smallest, smallest, gap));
                work.Set(i, Vector, x);
                var size = T.AbsSum(x);
                if (IsLess<M, T>(T.Of(1e100), size))
                {
                    for (var j = i; j <= k; j++)
                        work.Set(j, Vector, T.OverReal(work.Get(j, Vector), size));
                }
            }
            var (largest, square) = (T.Of(0), T.Of(0));
            for (var i = 0; i < n; i++)
            {
                var y = T.Of(0);
                for (var j = 0; j <= k; j++)
                    y = T.Fma(z.Get(i, j), work.Get(j, Vector), y);
                y = T.TimesReal(y, work.Get(i, Scales));
                z.Set(i, k, y);
                largest = T.Max(T.AbsSum(y), largest);
            }
            for (var i = 0; i < n; i++)
            {
                var y = T.OverReal(z.Get(i, k), largest);
                z.Set(i, k, y);
                square += T.SquaredAbs(y);
            }
            var norm = T.SqrtReal(square);
            for (var i = 0; i < n; i++)
                z.Set(i, k, T.OverReal(z.Get(i, k), norm));
        }
    }
}
