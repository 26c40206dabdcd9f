using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Manifolds;

/// <summary>How a step leaves a matrix with orthonormal columns and arrives at another.</summary>
/// <remarks>All take rounding of earlier steps away: the curves of the last two, which would only carry it on, end with a Newton-Schulz
/// step y (3 I - y^H y) / 2.</remarks>
public enum StiefelRetraction
{
    /// <summary>The Q of x + v, with R's diagonal positive: of first order.</summary>
    Qr,

    /// <summary>The polar factor of x + v, the nearest such matrix: of second order for the Euclidean metric.</summary>
    Polar,

    /// <summary>(I - W / 2)^-1 (I + W / 2) x with W = P v x^H - x v^H P, P = I - x x^H / 2: of second order for the canonical metric. By a
    /// system of 2 p equations where p columns are few (Sherman-Morrison-Woodbury). Wen and Yin 2013.</summary>
    Cayley,

    /// <summary>The geodesic of the metric. Edelman, Arias and Smith 1998.</summary>
    Exponential,
}

/// <summary>Curves through matrices x [..., n, p] with orthonormal columns, for tangent v.</summary>
static class StiefelCurves
{
    public static Tensor Retract(StiefelRetraction retraction, Tensor x, Tensor v, bool canonical) => retraction switch
    {
        StiefelRetraction.Qr => Orthonormal(x + v),
        StiefelRetraction.Polar => (x + v).PolarFactor(),
        StiefelRetraction.Cayley => Corrected(Cayley(x, v)),
        _ => Corrected(Geodesic(x, v, canonical)),
    };

    public static StiefelRetraction Checked(StiefelRetraction retraction)
        => Enum.IsDefined(retraction) ? retraction
            : throw new ArgumentOutOfRangeException(nameof(retraction), retraction, "Expected a retraction of the list.");

    // Q of a, of full rank, with R's diagonal positive: unique, and continuous in a.
    public static Tensor Orthonormal(Tensor a)
    {
        var (q, r) = a.Qr();
        return q * r.Diagonal().Real().Sign().To(q.DType).Unsqueeze(-2);
    }

    // An error e of y^H y becomes 3/4 e^2.
    public static Tensor Corrected(Tensor y) => y.Addmm(y, y.H.MatMul(y), beta: 1.5, alpha: -0.5);

    static Tensor Cayley(Tensor x, Tensor v)
    {
        var (n, p) = (x.Shape[^2], x.Shape[^1]);
        var pv = v - x.MatMul(x.H.MatMul(v)) * 0.5;
        if (2 * p >= n)
        {
            var half = (pv.MatMul(x.H) - x.MatMul(pv.H)) * 0.5;
            return (Eye(n, x) - half).Solve(x + half.MatMul(x));
        }
        // W = U V^H with U = [P v, x], V = [x, -P v]: (I - W / 2)^-1 (I + W / 2) = I + U (I - V^H U / 2)^-1 V^H.
        var (u, w) = (Tensor.Concat([pv, x], -1), Tensor.Concat([x, -pv], -1).H);
        return x + u.MatMul((Eye(2 * p, x) - w.MatMul(u) * 0.5).Solve(w.MatMul(x)));
    }

    // The span of x and v is invariant: with A = x^H v (skew) and S = v^H v, both geodesics are [x v] e^M [I; 0] and a factor of p columns.
    // Canonical: e^W x for the W of Cayley, W [x v] = [x v] [[0, A^H A - S], [I, A]]. Euclidean: [x v] exp [[A, -S], [I, A]] [I; 0] e^-A.
    public static Tensor Geodesic(Tensor x, Tensor v, bool canonical)
    {
        var p = x.Shape[^1];
        var (a, s) = (x.H.MatMul(v), v.H.MatMul(v));
        var top = canonical ? Tensor.Concat([a.ZerosLike(), a.H.MatMul(a) - s], -1) : Tensor.Concat([a, -s], -1);
        var eye = Eye(p, x).Expand([.. a.Shape.Span]);
        var e = Tensor.Concat([top, Tensor.Concat([eye, a], -1)], -2).MatrixExp().Narrow(-1, 0, p);
        var y = x.MatMul(e.Narrow(-2, 0, p)) + v.MatMul(e.Narrow(-2, p, p));
        return canonical ? y : y.MatMul((-a).MatrixExp());
    }

    public static Tensor Eye(int n, Tensor like) => Tensor.Eye(n, dtype: like.DType, device: like.Device);
}
