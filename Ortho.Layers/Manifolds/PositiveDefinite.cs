using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Manifolds;

/// <summary>Symmetric (Hermitian) positive definite matrices [..., n, n] with the affine-invariant metric Re tr(x^-1 u x^-1 v), which no
/// change of basis x -&gt; a x a^H changes. Tangent are the Hermitian matrices. Bhatia 2007; Pennec, Fillard and Ayache 2006.</summary>
/// <remarks>
/// <see cref="Retract"/> is x + v + v x^-1 v / 2, of second order and positive definite for every v (Jeuris, Vandebril and Vandereycken
/// 2012). Transport is the parallel one along the geodesic, e v e^H with e = (y x^-1)^(1/2), an isometry.
/// </remarks>
public sealed class PositiveDefinite : Manifold, IGeodesicManifold
{
    /// <inheritdoc/>
    public override int PointRank => 2;

    /// <inheritdoc/>
    protected override string Expected => "[..., n, n] with n >= 1";

    /// <inheritdoc/>
    public override bool Holds(Shape shape) => shape.Rank >= 2 && shape[^2] == shape[^1] && shape[^1] >= 1;

    /// <inheritdoc/>
    public override long Dimension(Shape shape) => shape.ElementCount / shape[^1] * (shape[^1] + 1) / 2;

    /// <summary>(u + u^H) / 2.</summary>
    public override Tensor Project(Tensor x, Tensor u)
    {
        Check(nameof(Project), x, u);
        return Hermitian(u);
    }

    static Tensor Hermitian(Tensor u) => (u + u.H) * 0.5;

    /// <summary>x (g + g^H) x / 2 for the Euclidean gradient g.</summary>
    public override Tensor Gradient(Tensor x, Tensor gradient)
    {
        Check(nameof(Gradient), x, gradient);
        return Hermitian(x.MatMul(Hermitian(gradient)).MatMul(x));
    }

    /// <summary>x H x + (v g x + x g v) / 2 with the Hermitian parts of the Euclidean Hessian applied to v, and of the gradient.</summary>
    public override Tensor Hessian(Tensor x, Tensor gradient, Tensor hessian, Tensor v)
    {
        Check(nameof(Hessian), x, gradient, hessian, v);
        return Hermitian(x.MatMul(Hermitian(hessian)).MatMul(x) + v.MatMul(Hermitian(gradient)).MatMul(x));
    }

    /// <inheritdoc/>
    public override Tensor Inner(Tensor x, Tensor u, Tensor v)
    {
        Check(nameof(Inner), x, u, v);
        var l = x.Cholesky();
        var left = Whiten(l, u);
        return Dot(left, ReferenceEquals(u, v) ? left : Whiten(l, v), 2);
    }

    // l^-1 u l^-H of a Hermitian u.
    static Tensor Whiten(Tensor l, Tensor u) => Hermitian(l.TriangularSolve(l.TriangularSolve(u, upper: false).H, upper: false));

    static Tensor Colour(Tensor l, Tensor u) => Hermitian(l.MatMul(u).MatMul(l.H));

    /// <inheritdoc/>
    public override Tensor Retract(Tensor x, Tensor v)
    {
        Check(nameof(Retract), x, v);
        var half = x.Cholesky().TriangularSolve(v, upper: false);
        return Hermitian((x + v).Addmm(half.H, half, alpha: 0.5));
    }

    /// <inheritdoc/>
    public override Tensor Transport(Tensor x, Tensor y, Tensor v)
    {
        Check(nameof(Transport), x, y, v);
        // e = l s^(1/2) l^-1 for x = l l^H, s = l^-1 y l^-H.
        var l = x.Cholesky();
        var root = Whiten(l, y).MatrixSqrt();
        return Colour(l, root.MatMul(Whiten(l, v)).MatMul(root));
    }

    /// <summary>The Frobenius norm of the skew part, and that of the negative eigenvalues of the Hermitian part.</summary>
    public override Tensor Deviation(Tensor x)
    {
        Check(nameof(Deviation), x);
        var skew = (x - x.H).Norm([-2, -1], keepDimensions: true) * 0.5;
        return skew + (-x.EigValsh()).Relu().Norm([-1], keepDimensions: true).Unsqueeze(-1);
    }

    /// <summary>The Hermitian part, with eigenvalues below e times the largest magnitude of one raised to that, e = 1e-6 in single and
    /// 1e-12 in double precision. (An open set has no nearest point; without the threshold, it would be singular.)</summary>
    public override Tensor ProjectOnto(Tensor x)
    {
        Check(nameof(ProjectOnto), x);
        var (values, vectors) = x.Eigh();
        var floor = values.Abs().Max([-1], keepDimensions: true) * (x.DType.RealType == DType.Float64 ? 1e-12 : 1e-6);
        return Hermitian((vectors * Tensor.Maximum(values, floor).To(x.DType).Unsqueeze(-2)).MatMul(vectors.H));
    }

    /// <summary>e^s for Hermitian parts s of normal matrices with elements of variance 1 / n: the space is not compact, and has no uniform
    /// distribution.</summary>
    public override Tensor Sample(Shape shape, Generator generator, DType dtype = DType.Float32, Device? device = null)
    {
        CheckSample(shape, generator, dtype);
        return Hermitian(Hermitian(Normal(shape, generator, dtype, device) * (1 / Math.Sqrt(shape[^1]))).MatrixExp()).To(dtype);
    }

    /// <summary>l e^w l^H for x = l l^H, w = l^-1 v l^-H.</summary>
    public Tensor Exp(Tensor x, Tensor v)
    {
        Check(nameof(Exp), x, v);
        var l = x.Cholesky();
        return Colour(l, Whiten(l, v).MatrixExp());
    }

    /// <summary>l log(s) l^H for x = l l^H, s = l^-1 y l^-H. Differentiable where the eigenvalues of s are distinct.</summary>
    public Tensor Log(Tensor x, Tensor y)
    {
        Check(nameof(Log), x, y);
        var l = x.Cholesky();
        var (values, vectors) = Whiten(l, y).Eigh();
        return Colour(l, (vectors * values.Log().To(x.DType).Unsqueeze(-2)).MatMul(vectors.H));
    }

    /// <summary>The Euclidean norm of the logarithms of the eigenvalues of x^-1 y. Differentiable once, and more often where these are
    /// distinct.</summary>
    public Tensor Distance(Tensor x, Tensor y)
    {
        Check(nameof(Distance), x, y);
        return Whiten(x.Cholesky(), y).EigValsh().Log().Norm([-1], keepDimensions: true).Unsqueeze(-1);
    }
}
