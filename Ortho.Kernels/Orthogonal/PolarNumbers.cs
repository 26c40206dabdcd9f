using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Linalg;
using Ortho.Kernels.Reductions;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Orthogonal;

/// <summary>The power of two that brings a largest part near 1, so that no square overflows; NaN where it is not finite.</summary>
readonly struct Shrinkage : IUnary
{
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T top) where T : struct, ILane<T>
        => T.SelectLess(top, T.Highest, T.Exp2Int(-Scaling.Exponent(top)), top - top);
}

/// <summary>By how much lengths with squares b become those with squares a; 1 where there is no length.</summary>
readonly struct Growth : IBinary
{
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b) where T : struct, ILane<T>
        => T.SelectEqual(b, T.Of(0), T.Of(1), T.SqrtReal(T.OverReal(a, b)));
}

/// <summary>1 where the product of two norms with squares a and b exceeds a limit or is no number, else 0.</summary>
readonly struct Exceeds : ITernary
{
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b, T limit) where T : struct, ILane<T>
        => T.SelectLess(T.SqrtReal(a) * T.SqrtReal(b), limit, T.Of(0), T.Of(1));
}

/// <summary>z / 2 for the z that brings a largest singular value and that of the inverse, with square b, to one size.</summary>
readonly struct HalfScale : IBinary
{
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b) where T : struct, ILane<T>
        => T.SqrtReal(T.OverReal(T.SqrtReal(b), a)) * T.Of(0.5);
}

/// <summary>a + b c where c is not 0, else a.</summary>
readonly struct Accumulated : ITernary
{
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b, T c) where T : struct, ILane<T>
        => T.SelectEqual(c, T.Of(0), a, T.FmaReal(b, c, a));
}

/// <summary>c [4, 1] becomes the numbers of a Newton step for singular values from 1 on, with a [n, n] the matrix of their squares: the largest of them, 1
/// where the step is needed and 0 elsewhere, z / 2 and 1 / (2 z) for the z that brings the largest and that of the inverse to one size. The largest
/// eigenvalue is found by as many steps of the power method as the option says; b [2, n] is room for its vectors.</summary>
readonly struct NewtonBound : IByColumns
{
    public static bool TakesVectors => true;

    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        // Multiples of the golden section modulo 1: a vector that structured matrices do not know.
        var (value, one) = (T.Of(0), T.Of(1));
        for (var j = 0; j < a.Columns; j++)
        {
            value += T.Of(0.6180339887498949);
            value = T.SelectLess(one, value, value - one, value);
            if (W.Index == 0)
                b.Put(0, j, value - T.Of(0.5));
        }
        var estimate = one;
        for (var step = 0; step < option; step++)
        {
            var scale = T.OverReal(one, estimate);
            W.Meet();
            var j = W.Index;
            for (; W.IsAlone && j + 3 * W.Step < a.Columns; j += 4 * W.Step)
            {
                var (j1, j2, j3) = (j + W.Step, j + 2 * W.Step, j + 3 * W.Step);
                T s0 = T.Of(0), s1 = s0, s2 = s0, s3 = s0;
                for (var i = 0; i < a.Rows; i++)
                {
                    var x = b.At(0, i);
                    s0 = T.Fma(x, a.Get(i, j), s0);
                    s1 = T.Fma(x, a.Get(i, j1), s1);
                    s2 = T.Fma(x, a.Get(i, j2), s2);
                    s3 = T.Fma(x, a.Get(i, j3), s3);
                }
                b.Set(1, j, s0 * scale);
                b.Set(1, j1, s1 * scale);
                b.Set(1, j2, s2 * scale);
                b.Set(1, j3, s3 * scale);
            }
            for (; j < a.Columns; j += W.Step)
            {
                var sum = T.Of(0);
                for (var i = 0; i < a.Rows; i++)
                    sum = T.Fma(b.At(0, i), a.Get(i, j), sum);
                b.Set(1, j, sum * scale);
            }
            W.Meet();
            var (before, after) = (T.Of(0), T.Of(0));
            for (j = 0; j < a.Columns; j++)
            {
                before += T.SquaredAbs(b.At(0, j));
                after += T.SquaredAbs(b.At(1, j));
            }
            // Vectors are scaled by the last estimate, so their length changes little.
            estimate *= T.SqrtReal(T.OverReal(after, before));
            W.Meet();
            for (j = W.Index; j < a.Columns; j += W.Step)
                b.Set(0, j, b.Get(1, j));
        }
        if (W.Index != 0)
            return;
        // Eight steps may miss a tenth.
        var largest = T.SqrtReal(estimate * T.Of(1.1));
        var z = T.SqrtReal(T.OverReal(one, largest));
        c.Put(0, 0, largest);
        c.Put(1, 0, T.SelectLess(T.Of(Polar.RationalRange), largest, one, T.Of(0)));
        c.Put(2, 0, z * T.Of(0.5));
        c.Put(3, 0, T.OverReal(T.Of(0.5), z));
    }
}

/// <summary>c [8, 1] becomes the numbers of the rational function for singular values from 1 to the number in row 0 of a [4, 1], by the rows of
/// <see cref="SignApproximation.Ranges"/>, b: by what the matrix is multiplied, by what its square is before the identity is added (for each pole), what the
/// inverses of these weigh (0 where there is no pole), and the farthest that squares are from 1 then.</summary>
readonly struct SignChoice : IByColumns
{
    public static int Rows => SignApproximation.RangeColumns - 1;

    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        if (W.Index != 0)
            return;
        var largest = a.At(0, 0);
        for (var j = 0; j < c.Rows; j++)
        {
            // The first range that reaches so far, or the last one.
            var value = b.At(b.Rows - 1, j + 1);
            for (var i = b.Rows - 2; i >= 0; i--)
                value = T.SelectLess(b.At(i, 0), largest, value, b.At(i, j + 1));
            c.Put(j, 0, value);
        }
    }
}

/// <summary>c [4, 1] becomes the numbers of a Newton-Schulz step: 1 where a series to the power 2 is needed, 1 where one to the power 4 is, the farthest
/// that squares of singular values are from 1 after that, and 1 where that is not enough. Element a [1, 1] is the sum of squares of (I - x^H x) / 2, b [1, 1]
/// the farthest that squares are from 1 if nothing went wrong, and the option the number of singular values.</summary>
readonly struct SchulzPlan : IByColumns
{
    public static int Rows => 4;

    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        if (W.Index != 0)
            return;
        var (zero, one, count) = (T.Of(0), T.Of(1), T.Of(0));
        for (var j = 0; j < option; j++)
            count += one;
        // No square of a singular value is farther from 1 than the approximation says and all of them together are.
        var missing = T.SqrtReal(a.At(0, 0)) * T.Of(2);
        var farthest = T.Min(missing, b.At(0, 0));
        farthest = T.SelectLess(T.SqrtReal(count) * T.Of(2) * farthest, missing, missing, farthest);
        // Of numbers half as far from 1, the squares.
        var square = T.Fma(farthest * T.Of(0.25), farthest, farthest);
        // After a series: twice the coefficient that is left out, and some more.
        var (power2, power4) = (square * square, square * square * square);
        var (after1, after2, after4) = (power2 * T.Of(0.75), power4 * T.Of(0.625), power4 * power2 * T.Of(0.5));
        var enough = T.Of(T.IsDouble ? Polar.EnoughDouble : Polar.EnoughSingle);
        c.Put(0, 0, T.SelectLess(enough, after1, one, zero));
        c.Put(1, 0, T.SelectLess(enough, after2, one, zero));
        c.Put(2, 0, T.Fma(after4 * T.Of(0.25), after4, after4));
        c.Put(3, 0, T.SelectLess(enough, after4, one, zero));
    }
}

/// <summary>The largest real or imaginary part, NaN where there is one.</summary>
readonly struct LargestPart : IReduction
{
    [MethodImpl(Inline.Always)] public static State<T> Zero<T>() where T : struct, ILane<T> => new(T.Of(0), T.Of(0));

    [MethodImpl(Inline.Always)] public static State<T> Lift<T>(T x) where T : struct, ILane<T> => new(T.LargerPart(x), T.Of(0));

    [MethodImpl(Inline.Always)] public static State<T> Join<T>(State<T> p, State<T> q) where T : struct, ILane<T> => new(Max.Larger(p.A, q.A), p.B);

    [MethodImpl(Inline.Always)] public static T Read<T>(State<T> state) where T : struct, ILane<T> => state.A;
}
