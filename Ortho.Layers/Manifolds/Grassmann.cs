using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Manifolds;

/// <summary>Subspaces of dimension p of n-dimensional space, each given by any matrix [..., n, p] whose orthonormal columns span it; real
/// and complex. Tangent at x are the v with x^H v = 0, measured by Re tr(u^H v). For costs that do not depend on the basis, f(x q) =
/// f(x).</summary>
/// <remarks>
/// <see cref="Retract"/> takes the polar factor of x + v: of second order, and with the basis of x turned, the result is turned likewise.
/// Transport is the projection. Edelman, Arias and Smith 1998; Bendokat, Zimmermann and Absil 2024.
/// </remarks>
public sealed class Grassmann : Manifold, IGeodesicManifold
{
    /// <inheritdoc/>
    public override int PointRank => 2;

    /// <inheritdoc/>
    protected override string Expected => "[..., n, p] with n >= p >= 1";

    /// <inheritdoc/>
    public override bool Holds(Shape shape) => shape.Rank >= 2 && shape[^2] >= shape[^1] && shape[^1] >= 1;

    /// <inheritdoc/>
    public override long Dimension(Shape shape) => shape.ElementCount / shape[^2] * (shape[^2] - shape[^1]);

    /// <summary>u - x x^H u.</summary>
    public override Tensor Project(Tensor x, Tensor u)
    {
        Check(nameof(Project), x, u);
        return Horizontal(x, u);
    }

    static Tensor Horizontal(Tensor x, Tensor u) => u.Addmm(x, x.H.MatMul(u), alpha: -1);

    /// <summary>P(hessian) - v x^H gradient.</summary>
    public override Tensor Hessian(Tensor x, Tensor gradient, Tensor hessian, Tensor v)
    {
        Check(nameof(Hessian), x, gradient, hessian, v);
        return Horizontal(x, hessian.Addmm(v, x.H.MatMul(gradient), alpha: -1));
    }

    /// <inheritdoc/>
    public override Tensor Inner(Tensor x, Tensor u, Tensor v)
    {
        Check(nameof(Inner), x, u, v);
        return Dot(u, v, 2);
    }

    /// <inheritdoc/>
    public override Tensor Retract(Tensor x, Tensor v)
    {
        Check(nameof(Retract), x, v);
        return (x + v).PolarFactor();
    }

    /// <summary>The Frobenius norm of x^H x - I.</summary>
    public override Tensor Deviation(Tensor x)
    {
        Check(nameof(Deviation), x);
        return Stiefel.Skewness(x);
    }

    /// <summary>The polar factor, a basis of the span of x.</summary>
    public override Tensor ProjectOnto(Tensor x)
    {
        Check(nameof(ProjectOnto), x);
        return x.PolarFactor();
    }

    /// <summary>Uniformly distributed.</summary>
    public override Tensor Sample(Shape shape, Generator generator, DType dtype = DType.Float32, Device? device = null)
    {
        CheckSample(shape, generator, dtype);
        return Tensor.Haar(shape, generator, dtype: dtype, device: device);
    }

    /// <summary>x V cos(S) V^H + U sin(S) V^H for v = U S V^H.</summary>
    public Tensor Exp(Tensor x, Tensor v)
    {
        Check(nameof(Exp), x, v);
        var (u, s, w) = v.Svd();
        var (cos, sin) = (s.Cos().To(x.DType).Unsqueeze(-2), s.Sin().To(x.DType).Unsqueeze(-2));
        return (x.MatMul(w) * cos + u * sin).MatMul(w.H);
    }

    /// <summary>U atan(T) V^H for (y - x x^H y) (x^H y)^-1 = U T V^H: it leads to the subspace of y, in general with another basis. Where
    /// an angle is a right one there is none, and the result is not finite.</summary>
    public Tensor Log(Tensor x, Tensor y)
    {
        Check(nameof(Log), x, y);
        var inside = x.H.MatMul(y);
        var tangent = inside.H.Solve((y - x.MatMul(inside)).H).H;
        var (u, t, w) = tangent.Svd();
        return (u * t.Atan().To(x.DType).Unsqueeze(-2)).MatMul(w.H);
    }

    /// <summary>The Euclidean norm of the principal angles, from their sines and cosines: accurate for small and for large ones.</summary>
    public Tensor Distance(Tensor x, Tensor y)
    {
        Check(nameof(Distance), x, y);
        var inside = x.H.MatMul(y);
        var cosines = inside.SingularValues();
        // Descending sines belong to ascending cosines.
        var sines = (y - x.MatMul(inside)).SingularValues().Flip(-1);
        return sines.Atan2(cosines).Norm([-1], keepDimensions: true).Unsqueeze(-1);
    }
}
