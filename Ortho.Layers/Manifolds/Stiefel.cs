using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Manifolds;

/// <summary>How tangent vectors of orthonormal matrices are measured.</summary>
public enum StiefelMetric
{
    /// <summary>Re tr(u^H v).</summary>
    Euclidean,

    /// <summary>Re tr(u^H (I - x x^H / 2) v): every rotation of the columns among each other counts once, not twice.</summary>
    Canonical,
}

/// <summary>Matrices [..., n, p], n &gt;= p, with orthonormal columns, x^H x = I; real and complex. Tangent at x are the v with
/// x^H v + v^H x = 0.</summary>
/// <remarks>Transport is the projection. Edelman, Arias and Smith 1998.</remarks>
/// <param name="metric">How tangent vectors are measured.</param>
/// <param name="retraction">How a step ends.</param>
public sealed class Stiefel(StiefelMetric metric = StiefelMetric.Euclidean, StiefelRetraction retraction = StiefelRetraction.Qr) : Manifold
{
    /// <summary>How tangent vectors are measured.</summary>
    public StiefelMetric Metric { get; } = Enum.IsDefined(metric)
        ? metric
        : throw new ArgumentOutOfRangeException(nameof(metric), metric, "Expected a metric of the list.");

    /// <summary>How a step ends.</summary>
    public StiefelRetraction Retraction { get; } = StiefelCurves.Checked(retraction);

    bool IsCanonical => Metric == StiefelMetric.Canonical;

    /// <inheritdoc/>
    public override int PointRank => 2;

    /// <inheritdoc/>
    protected override string Expected => "[..., rows, columns] with rows >= columns >= 1";

    /// <inheritdoc/>
    public override bool Holds(Shape shape) => shape.Rank >= 2 && shape[^2] >= shape[^1] && shape[^1] >= 1;

    /// <inheritdoc/>
    public override long Dimension(Shape shape)
    {
        var (n, p) = ((long)shape[^2], (long)shape[^1]);
        return shape.ElementCount / (n * p) * (n * p - p * (p + 1) / 2);
    }

    /// <summary>u - x (x^H u + u^H x) / 2.</summary>
    public override Tensor Project(Tensor x, Tensor u)
    {
        Check(nameof(Project), x, u);
        return Tangent(x, u);
    }

    internal static Tensor Tangent(Tensor x, Tensor u)
    {
        var inside = x.H.MatMul(u);
        return u.Addmm(x, inside + inside.H, alpha: -0.5);
    }

    /// <summary>The projection of the Euclidean gradient g, or for the canonical metric g - x g^H x.</summary>
    public override Tensor Gradient(Tensor x, Tensor gradient)
    {
        Check(nameof(Gradient), x, gradient);
        return IsCanonical ? Rise(x, gradient) : Tangent(x, gradient);
    }

    static Tensor Rise(Tensor x, Tensor g) => g.Addmm(x, g.H.MatMul(x), alpha: -1);

    /// <inheritdoc/>
    public override Tensor Hessian(Tensor x, Tensor gradient, Tensor hessian, Tensor v)
    {
        Check(nameof(Hessian), x, gradient, hessian, v);
        var inside = x.H.MatMul(gradient);
        var symmetric = inside + inside.H;
        if (!IsCanonical)
            return Tangent(x, hessian.Addmm(v, symmetric, alpha: -0.5));
        // The Hessian of Edelman, Arias and Smith 1998 as a form in its second direction, raised by the metric.
        var turned = x.MatMul(v.H.MatMul(gradient)) + gradient.MatMul(v.H.MatMul(x));
        var outside = (v - x.MatMul(x.H.MatMul(v))).MatMul(symmetric);
        return Rise(x, hessian + (turned - outside) * 0.5);
    }

    /// <inheritdoc/>
    public override Tensor Inner(Tensor x, Tensor u, Tensor v)
    {
        Check(nameof(Inner), x, u, v);
        var inner = Dot(u, v, 2);
        return IsCanonical ? inner - Dot(x.H.MatMul(u), x.H.MatMul(v), 2) * 0.5 : inner;
    }

    /// <inheritdoc/>
    public override Tensor Retract(Tensor x, Tensor v)
    {
        Check(nameof(Retract), x, v);
        return StiefelCurves.Retract(Retraction, x, v, IsCanonical);
    }

    /// <summary>Where the geodesic of the metric that leaves x with velocity v is at time 1. (Its inverse has no closed form.)</summary>
    /// <param name="x">Points.</param>
    /// <param name="v">A tangent vector at x.</param>
    public Tensor Exp(Tensor x, Tensor v)
    {
        Check(nameof(Exp), x, v);
        return StiefelCurves.Geodesic(x, v, IsCanonical);
    }

    /// <summary>The Frobenius norm of x^H x - I.</summary>
    public override Tensor Deviation(Tensor x)
    {
        Check(nameof(Deviation), x);
        return Skewness(x);
    }

    internal static Tensor Skewness(Tensor x) => (x.H.MatMul(x) - StiefelCurves.Eye(x.Shape[^1], x)).Norm([-2, -1], keepDimensions: true);

    /// <summary>The polar factor.</summary>
    public override Tensor ProjectOnto(Tensor x)
    {
        Check(nameof(ProjectOnto), x);
        return x.PolarFactor();
    }

    /// <summary>Uniformly distributed (Haar measure).</summary>
    public override Tensor Sample(Shape shape, Generator generator, DType dtype = DType.Float32, Device? device = null)
    {
        CheckSample(shape, generator, dtype);
        return Tensor.Haar(shape, generator, dtype: dtype, device: device);
    }
}
