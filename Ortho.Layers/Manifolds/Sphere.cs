using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Manifolds;

/// <summary>Unit vectors along the last dimension, with the Euclidean metric; complex ones have length 1 too.</summary>
/// <remarks>
/// <see cref="Retract"/> is (x + v) / |x + v|, of second order. Transport is the parallel one along the shorter great circle,
/// v - &lt;y, v&gt; (x + y) / (1 + &lt;x, y&gt;), an isometry; antipodes have none.
/// </remarks>
public sealed class Sphere : Manifold, IGeodesicManifold
{
    /// <inheritdoc/>
    public override int PointRank => 1;

    /// <inheritdoc/>
    protected override string Expected => "[..., n] with n >= 1";

    /// <inheritdoc/>
    public override bool Holds(Shape shape) => shape.Rank >= 1 && shape[^1] >= 1;

    /// <inheritdoc/>
    public override long Dimension(Shape shape) => shape.ElementCount - shape.ElementCount / shape[^1];

    /// <summary>u - &lt;x, u&gt; x.</summary>
    public override Tensor Project(Tensor x, Tensor u)
    {
        Check(nameof(Project), x, u);
        return u - x * Along(x, u);
    }

    /// <summary>P(hessian) - &lt;x, gradient&gt; v.</summary>
    public override Tensor Hessian(Tensor x, Tensor gradient, Tensor hessian, Tensor v)
    {
        Check(nameof(Hessian), x, gradient, hessian, v);
        return Project(x, hessian) - v * Along(x, gradient);
    }

    /// <inheritdoc/>
    public override Tensor Inner(Tensor x, Tensor u, Tensor v)
    {
        Check(nameof(Inner), x, u, v);
        return Dot(u, v, 1);
    }

    /// <inheritdoc/>
    public override Tensor Retract(Tensor x, Tensor v)
    {
        Check(nameof(Retract), x, v);
        return Unit(x + v);
    }

    /// <inheritdoc/>
    public override Tensor Transport(Tensor x, Tensor y, Tensor v)
    {
        Check(nameof(Transport), x, y, v);
        return v - (x + y) * (Along(y, v) / (Along(x, y) + 1.0));
    }

    /// <summary>| |x| - 1 |.</summary>
    public override Tensor Deviation(Tensor x)
    {
        Check(nameof(Deviation), x);
        return (x.Norm([-1], keepDimensions: true) - 1.0).Abs();
    }

    /// <summary>x / |x|; 0 has no nearest point and gives NaN.</summary>
    public override Tensor ProjectOnto(Tensor x)
    {
        Check(nameof(ProjectOnto), x);
        return Unit(x);
    }

    /// <summary>Uniformly distributed: normalised normal vectors.</summary>
    public override Tensor Sample(Shape shape, Generator generator, DType dtype = DType.Float32, Device? device = null)
    {
        CheckSample(shape, generator, dtype);
        return Unit(Normal(shape, generator, dtype, device)).To(dtype);
    }

    /// <summary>x cos |v| + v sin |v| / |v|.</summary>
    public Tensor Exp(Tensor x, Tensor v)
    {
        Check(nameof(Exp), x, v);
        var angle = v.Norm([-1], keepDimensions: true);
        return x * angle.Cos().To(x.DType) + v * (angle * (1 / Math.PI)).Sinc().To(x.DType);
    }

    /// <summary>The part of y - x tangent at x, with the length of <see cref="Distance"/>. Antipodes have no shortest geodesic: the result
    /// is 0 or of a direction that rounding chose.</summary>
    public Tensor Log(Tensor x, Tensor y)
    {
        Check(nameof(Log), x, y);
        var direction = Project(x, y - x);
        var length = direction.Norm([-1], keepDimensions: true);
        // 0 / 0 is meant to be 0: the direction is 0 itself there.
        var safe = Tensor.Where(length.EqualTo(Tensor.Zeros([], length.DType, x.Device)), Tensor.Ones([], length.DType, x.Device), length);
        return direction * (Distance(x, y) / safe).To(x.DType);
    }

    /// <summary>The angle, 2 atan2(|x - y|, |x + y|): accurate for small and for large ones.</summary>
    public Tensor Distance(Tensor x, Tensor y)
    {
        Check(nameof(Distance), x, y);
        return (x - y).Norm([-1], keepDimensions: true).Atan2((x + y).Norm([-1], keepDimensions: true)) * 2.0;
    }

    static Tensor Along(Tensor x, Tensor u) => Dot(x, u, 1).To(x.DType);

    static Tensor Unit(Tensor x) => x / x.Norm([-1], keepDimensions: true).To(x.DType);
}
