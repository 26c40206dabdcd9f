using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Linalg;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Orthogonal;

/// <summary>a [n, n] becomes its unitary polar factor by Newton's iteration; element (0, 0) of c [2 n + 2, n] becomes 1 where a is singular to
/// working precision or not finite, else 0. b [n, n] is room for the inverse.</summary>
readonly struct NewtonPolar : IByColumns
{
    public static bool TakesVectors => true;

    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        var (zero, one) = (T.Of(0), T.Of(1));
        Shrink<M, T, W>(a, c);
        var count = zero;
        for (var j = 0; j < a.Columns; j++)
            count += one;
        // Sum of squares at which the next step, whose error is half the square of this one's, is the last.
        var near = T.Of(T.IsDouble ? 2e-8 : 3e-4);
        var limit = T.Of(Polar.Limit(T.IsDouble));
        var (ended, failed) = (zero, zero);
        for (var step = 0; step < option; step++)
        {
            for (var j = W.Index; j < a.Columns; j += W.Step)
            {
                for (var i = 0; i < a.Rows; i++)
                    b.Set(i, j, a.Get(i, j));
            }
            PivotedGaussJordan.Invert<M, T, W>(b, c, 2);
            Lengths<M, T, W>(a, c, 0);
            Lengths<M, T, W>(b, c, 1);
            W.Meet();
            var (size, inverseSize) = (Total<M, T>(c, 0), Total<M, T>(c, 1));
            if (step == 0)
                failed = T.SelectLess(T.SqrtReal(size) * T.SqrtReal(inverseSize), limit, zero, one);
            var z = T.SqrtReal(T.SqrtReal(T.OverReal(inverseSize, size)));
            Newton<M, T, W>(a, b, z * T.Of(0.5), T.OverReal(T.Of(0.5), z), ended);
            // The singular values are 1 where the sums of their squares and of their inverses' are the number of columns.
            var missing = T.Max(T.Abs(size - count), T.Abs(inverseSize - count));
            ended = T.Max(ended, T.Max(failed, T.SelectLess(missing, near, one, zero)));
            if (M.IsZero(one - ended))
                break;
        }
        W.Meet();
        if (W.Index == 0)
            c.Put(0, 0, T.SelectEqual(ended, one, failed, one));
    }

    // The largest element comes near 1, so that no square overflows.
    [MethodImpl(Inline.Step)]
    static void Shrink<M, T, W>(M a, M room) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        for (var j = W.Index; j < a.Columns; j += W.Step)
        {
            var top = T.Of(0);
            for (var i = 0; i < a.Rows; i++)
                top = T.Max(T.LargerPart(a.Get(i, j)), top);
            room.Set(0, j, top);
        }
        W.Meet();
        var largest = T.Of(0);
        for (var j = 0; j < a.Columns; j++)
            largest = T.Max(room.At(0, j), largest);
        var shrink = T.Exp2Int(-Scaling.Exponent(largest));
        W.Meet();
        for (var j = W.Index; j < a.Columns; j += W.Step)
        {
            for (var i = 0; i < a.Rows; i++)
                a.Set(i, j, a.Get(i, j) * shrink);
        }
    }

    // Row `row` of the room: each column's sum of squares.
    [MethodImpl(Inline.Step)]
    static void Lengths<M, T, W>(M a, M room, int row) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        for (var j = W.Index; j < a.Columns; j += W.Step)
        {
            var sum = T.Of(0);
            for (var i = 0; i < a.Rows; i++)
                sum += T.SquaredAbs(a.Get(i, j));
            room.Set(row, j, sum);
        }
    }

    [MethodImpl(Inline.Always)]
    static T Total<M, T>(M room, int row) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        var sum = T.Of(0);
        for (var j = 0; j < room.Columns; j++)
            sum += room.At(row, j);
        return sum;
    }

    // a = half a + other b^H, where the iteration has not ended.
    [MethodImpl(Inline.Step)]
    static void Newton<M, T, W>(M a, M b, T half, T other, T ended) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        for (var j = W.Index; j < a.Columns; j += W.Count)
        {
            for (var i = 0; i < a.Rows; i++)
            {
                var x = a.At(i, j);
                a.Put(i, j, T.SelectEqual(ended, T.Of(0), T.Fma(other, T.Conj(b.At(j, i)), half * x), x));
            }
        }
        W.Meet();
    }
}

/// <summary>a [n, n] becomes its unitary polar factor by singular values where element (0, 0) of c [2 n + 1, n] is not 0, and b elsewhere: what
/// <see cref="NewtonPolar"/> has left. Columns that a leaves open complete the others; NaN or infinity anywhere in a makes all of it NaN.</summary>
readonly struct CompletedPolar : IByColumns
{
    public static bool TakesVectors => true;

    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        var failed = c.At(0, 0);
        W.Meet();
        // A loop and not a condition, in which PoCL 6 can compile no barriers that follow each other like these.
        for (var times = M.IsZero(failed) ? 0 : 1; times > 0; times--)
            Complete<M, T, W>(a, c, option);
        W.Meet();
        for (var j = W.Index; j < a.Columns; j += W.Count)
        {
            for (var i = 0; i < a.Rows; i++)
                a.Put(i, j, T.SelectEqual(failed, T.Of(0), b.At(i, j), a.At(i, j)));
        }
    }

    [MethodImpl(Inline.Step)]
    static void Complete<M, T, W>(M a, M c, int sweeps) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        var (n, zero, one) = (a.Columns, T.Of(0), T.Of(1));
        // 1, or NaN where an element is not finite.
        var whole = one;
        for (var j = 0; j < n; j++)
        {
            for (var i = 0; i < n; i++)
                {
                var size = T.AbsSum(a.At(i, j));
                whole += size - size;
            }
        }
        // c: the matrix, whose columns rotations make multiples of the left singular vectors, above the identity, which becomes the right ones.
        for (var j = W.Index; j < n; j += W.Count)
        {
            for (var i = 0; i < n; i++)
            {
                c.Put(i, j, a.At(i, j));
                c.Put(n + i, j, zero);
            }
            c.Put(n + j, j, one);
            c.Put(2 * n, j, zero);
        }
        W.Meet();
        JacobiVectors.Decompose<M, T, W>(c, sweeps);
        W.Meet();
        for (var j = W.Index; j < n; j += W.Count)
        {
            for (var i = 0; i < n; i++)
                a.Put(i, j, c.At(i, j));
        }
        // Their QR decomposition is the left singular vectors up to signs, and complete where singular values vanish. The row of these is room now.
        for (var k = 0; k < n; k++)
        {
            var tau = Householder.Reflect<M, T, W>(a, k);
            Householder.Apply<M, T, W>(a, k, T.Conj(tau), a, k + 1);
            if (W.Index == 0)
                c.Put(2 * n, k, tau);
        }
        W.Meet();
        for (var j = W.Index; j < n; j += W.Count)
        {
            for (var i = 0; i < n; i++)
            {
                var v = T.TimesReal(T.Conj(c.At(n + j, i)), whole);
                c.Put(i, j, T.SelectLess(T.RealPart(a.At(i, i)), zero, -v, v));
            }
        }
        W.Meet();
        for (var k = n - 1; k >= 0; k--)
            Householder.Apply<M, T, W>(a, k, c.At(2 * n, k), c, 0);
        W.Meet();
        for (var j = W.Index; j < n; j += W.Count)
        {
            for (var i = 0; i < n; i++)
                a.Put(i, j, c.At(i, j));
        }
    }
}
