using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Orthogonal;

/// <summary>Householder reflections H = I - tau v v^H of small matrices, real and complex. LAPACK's larfg, geqr2, ung2r and larft.</summary>
/// <remarks>
/// v has a 1 in its first place, which is not stored. The new pivot beta is real and its sign is opposite to that of the old pivot's real
/// part (so that nothing cancels); H^H maps the column to beta e1. A column with nothing to annihilate gets tau = 0 and stays as it is.
/// All workers of a matrix reduce its pivot column, each for itself and in the same order; the columns that follow are shared among them.
/// </remarks>
static class Householder
{
    /// <summary>Turns column <paramref name="k"/>, from its diagonal down, into beta and the rest of v.</summary>
    /// <returns>tau.</returns>
    [MethodImpl(Inline.Step)]
    public static T Reflect<M, T, W>(M a, int k) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        W.Meet();
        var largest = T.Of(0);
        for (var i = k; i < a.Rows; i++)
            largest = T.Max(T.LargerPart(a.At(i, k)), largest);
        // Columns of a deficient matrix shrink to rounding errors of rounding errors, whose squares would underflow.
        var exponent = Scaling.Exponent(largest);
        var shrink = T.Exp2Int(-exponent);
        var tail = T.Of(0);
        for (var i = k + 1; i < a.Rows; i++)
            tail += T.SquaredAbs(a.At(i, k) * shrink);
        var (tau, scale, diagonal) = Pivot(a.At(k, k), exponent, shrink, tail);
        W.Meet();
        for (var i = k + 1 + W.Index; i < a.Rows; i += W.Count)
            a.Put(i, k, a.At(i, k) * shrink * scale);
        if (W.Index == 0)
            a.Put(k, k, diagonal);
        W.Meet();
        return tau;
    }

    /// <summary>The reflection of a column from its pivot and, divided by 2^exponent, the squares of what lies below it.</summary>
    /// <returns>tau; what makes the elements below the pivot, divided by 2^exponent, those of v; and R's diagonal.</returns>
    [MethodImpl(Inline.Always)]
    public static (T Tau, T Scale, T Diagonal) Pivot<T>(T given, T exponent, T shrink, T tail) where T : struct, ILane<T>
    {
        var (zero, one) = (T.Of(0), T.Of(1));
        var pivot = given * shrink;
        var norm = T.SqrtReal(T.SquaredAbs(pivot) + tail);
        var beta = -T.CopySign(norm, pivot);
        // What a reflection would remove: everything below the pivot, and the pivot's imaginary part.
        var rest = tail + T.SquaredAbs(pivot - T.RealPart(pivot));
        var tau = T.SelectEqual(rest, zero, zero, T.OverReal(beta - pivot, T.SelectEqual(rest, zero, one, beta)));
        // Two factors: for subnormal columns their product would overflow.
        var scale = T.SelectEqual(rest, zero, zero, one / T.SelectEqual(rest, zero, one, pivot - beta));
        return (tau, scale, T.SelectEqual(rest, zero, given, beta * T.Exp2Int(exponent)));
    }

    /// <summary>Columns first, first + 1, ... of <paramref name="x"/> become (I - tau v v^H) x, with the v below the diagonal of column
    /// <paramref name="k"/> of <paramref name="a"/>.</summary>
    [MethodImpl(Inline.Step)]
    public static void Apply<M, T, W>(M a, int k, T tau, M x, int first) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        var j = first + W.Index;
        // Four columns (or vectors of them) at once: four independent chains of additions, and v is read once for all.
        for (; W.IsAlone && j + 3 * W.Step < x.Columns; j += 4 * W.Step)
        {
            var (j1, j2, j3) = (j + W.Step, j + 2 * W.Step, j + 3 * W.Step);
            T w0 = x.Get(k, j), w1 = x.Get(k, j1), w2 = x.Get(k, j2), w3 = x.Get(k, j3);
            for (var i = k + 1; i < a.Rows; i++)
            {
                var v = T.Conj(a.At(i, k));
                w0 = T.Fma(v, x.Get(i, j), w0);
                w1 = T.Fma(v, x.Get(i, j1), w1);
                w2 = T.Fma(v, x.Get(i, j2), w2);
                w3 = T.Fma(v, x.Get(i, j3), w3);
            }
            (w0, w1, w2, w3) = (-(tau * w0), -(tau * w1), -(tau * w2), -(tau * w3));
            x.Set(k, j, x.Get(k, j) + w0);
            x.Set(k, j1, x.Get(k, j1) + w1);
            x.Set(k, j2, x.Get(k, j2) + w2);
            x.Set(k, j3, x.Get(k, j3) + w3);
            for (var i = k + 1; i < a.Rows; i++)
            {
                var v = a.At(i, k);
                x.Set(i, j, T.Fma(v, w0, x.Get(i, j)));
                x.Set(i, j1, T.Fma(v, w1, x.Get(i, j1)));
                x.Set(i, j2, T.Fma(v, w2, x.Get(i, j2)));
                x.Set(i, j3, T.Fma(v, w3, x.Get(i, j3)));
            }
        }
        for (; j < x.Columns; j += W.Step)
        {
            var w = x.Get(k, j);
            for (var i = k + 1; i < a.Rows; i++)
                w = T.Fma(T.Conj(a.At(i, k)), x.Get(i, j), w);
            w = -(tau * w);
            x.Set(k, j, x.Get(k, j) + w);
            for (var i = k + 1; i < a.Rows; i++)
                x.Set(i, j, T.Fma(a.At(i, k), w, x.Get(i, j)));
        }
    }

    /// <summary>The first columns of H_0 H_1 ... from the reflectors below the diagonal of <paramref name="a"/>; q's diagonal holds the
    /// taus before.</summary>
    [MethodImpl(Inline.Step)]
    public static void Form<M, T, W>(M a, M q) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        for (var k = q.Columns - 1; k >= 0; k--)
        {
            W.Meet();
            var tau = q.At(k, k);
            for (var j = k + 1 + W.Index; j < q.Columns; j += W.Step)
                q.Set(k, j, T.Of(0));
            Apply<M, T, W>(a, k, tau, q, k + 1);
            W.Meet();
            if (W.Index == 0)
                q.Put(k, k, T.Of(1) - tau);
            for (var i = k + 1 + W.Index; i < q.Rows; i += W.Count)
                q.Put(i, k, -(tau * a.At(i, k)));
        }
        W.Meet();
    }

    /// <summary>Zeros below the diagonal of the first <paramref name="rows"/> rows.</summary>
    [MethodImpl(Inline.Step)]
    public static void ClearBelow<M, T, W>(M a, int rows) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        for (var j = W.Index; j < a.Columns; j += W.Count)
        {
            for (var i = j + 1; i < rows; i++)
                a.Put(i, j, T.Of(0));
        }
    }
}

/// <summary>Powers of two that bring numbers near 1, so that squares neither overflow nor underflow.</summary>
static class Scaling
{
    /// <summary>The k with <paramref name="largest"/> in [2^k, 2^(k+1)); 0 for 0, and limited to powers that are normal numbers.</summary>
    [MethodImpl(Inline.Always)]
    public static T Exponent<T>(T largest) where T : struct, ILane<T>
    {
        var limit = T.Of(T.IsDouble ? 1000 : 120);
        return T.SelectEqual(largest, T.Of(0), T.Of(0), T.Max(T.Min(T.Exponent(largest), limit), -limit));
    }
}

/// <summary>a [m, n] becomes R in its first min(m, n) rows; b [m, min(m, n)] becomes Q, unless it has no columns.</summary>
readonly struct SmallQr : IByColumns
{
    public static bool TakesVectors => true;

    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        for (var k = 0; k < option; k++)
        {
            var tau = Householder.Reflect<M, T, W>(a, k);
            Householder.Apply<M, T, W>(a, k, T.Conj(tau), a, k + 1);
            if (b.Columns > 0 && W.Index == 0)
                b.Put(k, k, tau);
        }
        W.Meet();
        Householder.Form<M, T, W>(a, b);
        Householder.ClearBelow<M, T, W>(a, option);
    }
}

/// <summary>A panel a [m, n], m &gt;= n, becomes R in its first n rows; b [m, n] becomes V with its unit diagonal, and the first n rows of
/// c [2 n, n] the upper triangular T with H_0 ... H_(n-1) = I - V T V^H. The other rows of c are room for V^H V.</summary>
readonly struct PanelQr : IByColumns
{
    public static bool TakesVectors => true;

    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        for (var k = 0; k < a.Columns; k++)
        {
            var tau = Householder.Reflect<M, T, W>(a, k);
            Householder.Apply<M, T, W>(a, k, T.Conj(tau), a, k + 1);
            if (W.Index == 0)
                c.Put(k, k, tau);
        }
        W.Meet();
        Vectors<M, T, W>(a, b);
        W.Meet();
        Compact.Gram<M, T, W>(b, c, a.Columns);
        W.Meet();
        Compact.Triangle<M, T, W>(c, a.Columns);
        Householder.ClearBelow<M, T, W>(a, a.Columns);
    }

    // V's columns from below a's diagonal.
    [MethodImpl(Inline.Step)]
    static void Vectors<M, T, W>(M a, M b) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        for (var j = W.Index; j < a.Columns; j += W.Step)
        {
            for (var i = 0; i < a.Rows; i++)
                b.Set(i, j, a.Get(i, j));
        }
        W.Meet();
        for (var j = W.Index; j < a.Columns; j += W.Count)
        {
            for (var i = 0; i < j; i++)
                b.Put(i, j, T.Of(0));
            b.Put(j, j, T.Of(1));
        }
    }
}

/// <summary>The compact form of a product of reflections, H_0 ... H_(n-1) = I - V T V^H (Schreiber and Van Loan 1989).</summary>
static class Compact
{
    /// <summary>Row <paramref name="first"/> + j of <paramref name="c"/> becomes row j of V^H V, right of the diagonal, for lower trapezoidal
    /// <paramref name="v"/>.</summary>
    [MethodImpl(Inline.Step)]
    public static void Gram<M, T, W>(M v, M c, int first) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        var n = v.Columns;
        // Four rows at once where there are four: four independent chains of additions. Products above V's diagonal are zero.
        var j = 0;
        for (; j + 4 <= n; j += 4)
        {
            for (var k = j + 1 + W.Index; k < n; k += W.Step)
            {
                T s0 = T.Of(0), s1 = s0, s2 = s0, s3 = s0;
                for (var i = j + 1; i < v.Rows; i++)
                {
                    var x = v.Get(i, k);
                    s0 = T.Fma(T.Conj(v.At(i, j)), x, s0);
                    s1 = T.Fma(T.Conj(v.At(i, j + 1)), x, s1);
                    s2 = T.Fma(T.Conj(v.At(i, j + 2)), x, s2);
                    s3 = T.Fma(T.Conj(v.At(i, j + 3)), x, s3);
                }
                c.Set(first + j, k, s0);
                c.Set(first + j + 1, k, s1);
                c.Set(first + j + 2, k, s2);
                c.Set(first + j + 3, k, s3);
            }
        }
        for (; j < n; j++)
        {
            for (var k = j + 1 + W.Index; k < n; k += W.Step)
            {
                var s = T.Of(0);
                for (var i = j + 1; i < v.Rows; i++)
                    s = T.Fma(T.Conj(v.At(i, j)), v.Get(i, k), s);
                c.Set(first + j, k, s);
            }
        }
    }

    /// <summary>The first n rows of <paramref name="c"/>, whose diagonal holds the taus, become T, from rows n + j of c, which hold those of V^H V:
    /// T = (diag(tau)^-1 + striu(V^H V))^-1 from its last row up, which divides by no tau.</summary>
    [MethodImpl(Inline.Step)]
    public static void Triangle<M, T, W>(M c, int n) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        for (var j = n - 1; j >= 0; j--)
        {
            var tau = c.At(j, j);
            W.Meet();
            for (var k = W.Index; k < n; k += W.Step)
            {
                var sum = T.Of(0);
                for (var i = j + 1; i < n; i++)
                    sum = T.Fma(c.At(n + j, i), c.Get(i, k), sum);
                c.Set(j, k, -(tau * sum));
            }
            W.Meet();
            if (W.Index == 0)
                c.Put(j, j, tau);
            for (var k = W.Index; k < j; k += W.Count)
                c.Put(j, k, T.Of(0));
            W.Meet();
        }
    }
}
