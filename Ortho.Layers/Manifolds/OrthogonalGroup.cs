using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Manifolds;

/// <summary>Square matrices with x^H x = I: the orthogonal group O(n), its rotations SO(n), or complex the unitary group U(n), with the
/// metric Re tr(u^H v), which no rotation changes. Tangent at x are the x a with a skew (a^H = -a).</summary>
/// <remarks>
/// Retractions cannot leave rotations for reflections, or return. Transport is the translation y x^H v, an isometry that keeps a.
/// </remarks>
/// <param name="retraction">How a step ends.</param>
/// <param name="special">Whether the determinant is 1; real matrices only.</param>
public sealed class OrthogonalGroup(StiefelRetraction retraction = StiefelRetraction.Qr, bool special = false) : Manifold, IGeodesicManifold
{
    // Square roots until every angle is at most pi / 16, and terms of the series of atanh, the next one below 2^-53.
    const int Roots = 4, Terms = 8;

    /// <summary>How a step ends.</summary>
    public StiefelRetraction Retraction { get; } = StiefelCurves.Checked(retraction);

    /// <summary>Whether the determinant is 1.</summary>
    public bool IsSpecial { get; } = special;

    /// <inheritdoc/>
    public override int PointRank => 2;

    /// <inheritdoc/>
    protected override string Expected => "[..., n, n] with n >= 1";

    /// <inheritdoc/>
    public override bool Holds(Shape shape) => shape.Rank >= 2 && shape[^2] == shape[^1] && shape[^1] >= 1;

    /// <inheritdoc/>
    public override long Dimension(Shape shape) => shape.ElementCount / shape[^1] * (shape[^1] - 1) / 2;

    /// <summary>x (x^H u - u^H x) / 2.</summary>
    public override Tensor Project(Tensor x, Tensor u)
    {
        Check(nameof(Project), x, u);
        return x.MatMul(Angular(x, u));
    }

    // The skew part of x^H u.
    static Tensor Angular(Tensor x, Tensor u)
    {
        var inside = x.H.MatMul(u);
        return (inside - inside.H) * 0.5;
    }

    /// <inheritdoc/>
    public override Tensor Hessian(Tensor x, Tensor gradient, Tensor hessian, Tensor v)
    {
        Check(nameof(Hessian), x, gradient, hessian, v);
        var inside = x.H.MatMul(gradient);
        return x.MatMul(Angular(x, hessian.Addmm(v, inside + inside.H, alpha: -0.5)));
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
        // The exponential of n columns, not of the 2 n that a tall matrix needs.
        return Retraction == StiefelRetraction.Exponential
            ? StiefelCurves.Corrected(Exp(x, v))
            : StiefelCurves.Retract(Retraction, x, v, canonical: false);
    }

    /// <inheritdoc/>
    public override Tensor Transport(Tensor x, Tensor y, Tensor v)
    {
        Check(nameof(Transport), x, y, v);
        return y.MatMul(x.H.MatMul(v));
    }

    /// <summary>The Frobenius norm of x^H x - I; where the determinant must be 1, and is negative, 2 more.</summary>
    public override Tensor Deviation(Tensor x)
    {
        Check(nameof(Deviation), x);
        RequireReal(nameof(Deviation), x.DType);
        var error = Stiefel.Skewness(x);
        return IsSpecial ? error + (1.0 - x.SlogDet().Sign.Unsqueeze(-1).Unsqueeze(-1)) : error;
    }

    /// <summary>The polar factor; the nearest rotation turns the singular vectors of the smallest singular value where it is a
    /// reflection.</summary>
    public override Tensor ProjectOnto(Tensor x)
    {
        Check(nameof(ProjectOnto), x);
        RequireReal(nameof(ProjectOnto), x.DType);
        if (!IsSpecial)
            return x.PolarFactor();
        var (u, _, v) = x.Svd();
        var sign = (u.SlogDet().Sign * v.SlogDet().Sign).Unsqueeze(-1).Unsqueeze(-1);
        var n = x.Shape[^1];
        return Tensor.Concat([u.Narrow(-1, 0, n - 1), u.Narrow(-1, n - 1, 1) * sign], -1).MatMul(v.H);
    }

    /// <summary>Uniformly distributed (Haar measure).</summary>
    public override Tensor Sample(Shape shape, Generator generator, DType dtype = DType.Float32, Device? device = null)
    {
        CheckSample(shape, generator, dtype);
        RequireReal(nameof(Sample), dtype);
        return Tensor.Haar(shape, generator, IsSpecial, dtype, device);
    }

    void RequireReal(string operation, DType dtype)
    {
        if (IsSpecial && dtype.IsComplex)
            throw new TensorArgumentException($"{nameof(OrthogonalGroup)}.{operation}", "dtype", $"{dtype} with special", "real matrices");
    }

    /// <summary>x e^a for v = x a.</summary>
    public Tensor Exp(Tensor x, Tensor v)
    {
        Check(nameof(Exp), x, v);
        return x.MatMul(Angular(x, v).MatrixExp());
    }

    /// <summary>x log(x^H y), the principal logarithm: by four square roots, each the polar factor of I + q, and log q = 2 atanh((q + I)^-1
    /// (q - I)). Where x^H y has the eigenvalue -1, there is none, and the result is no logarithm.</summary>
    public Tensor Log(Tensor x, Tensor y)
    {
        Check(nameof(Log), x, y);
        return x.MatMul(Logarithm(x.H.MatMul(y)));
    }

    /// <summary>The Frobenius norm of log(x^H y): sqrt 2 times that of the angles of the rotation.</summary>
    public Tensor Distance(Tensor x, Tensor y)
    {
        Check(nameof(Distance), x, y);
        return Logarithm(x.H.MatMul(y)).Norm([-2, -1], keepDimensions: true);
    }

    static Tensor Logarithm(Tensor q)
    {
        var eye = StiefelCurves.Eye(q.Shape[^1], q);
        for (var k = 0; k < Roots; k++)
            q = (q + eye).PolarFactor();
        var a = (q + eye).Solve(q - eye);
        a = (a - a.H) * 0.5;
        // atanh(a) = a (I + a^2 / 3 + a^4 / 5 + ...), by Horner.
        var square = a.MatMul(a);
        var sum = eye * (1.0 / (2 * Terms + 1));
        for (var k = Terms - 1; k >= 0; k--)
            sum = square.MatMul(sum) + eye * (1.0 / (2 * k + 1));
        return a.MatMul(sum) * Math.ScaleB(2, Roots);
    }
}
