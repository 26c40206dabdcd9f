using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Manifolds;

/// <summary>No constraint: every number is a point of the line. A Riemannian optimizer that judges lengths point by point therefore treats
/// free parameters element by element, as its Euclidean original does.</summary>
public sealed class Euclidean : Manifold, IGeodesicManifold
{
    /// <inheritdoc/>
    public override int PointRank => 0;

    /// <inheritdoc/>
    protected override string Expected => "any shape";

    /// <inheritdoc/>
    public override bool Holds(Shape shape) => true;

    /// <inheritdoc/>
    public override long Dimension(Shape shape) => shape.ElementCount;

    /// <inheritdoc/>
    public override Tensor Project(Tensor x, Tensor u)
    {
        Check(nameof(Project), x, u);
        return u;
    }

    /// <inheritdoc/>
    public override Tensor Hessian(Tensor x, Tensor gradient, Tensor hessian, Tensor v)
    {
        Check(nameof(Hessian), x, gradient, hessian, v);
        return hessian;
    }

    /// <inheritdoc/>
    public override Tensor Inner(Tensor x, Tensor u, Tensor v)
    {
        Check(nameof(Inner), x, u, v);
        return Dot(u, v, 0);
    }

    /// <inheritdoc/>
    public override Tensor Retract(Tensor x, Tensor v)
    {
        Check(nameof(Retract), x, v);
        return x + v;
    }

    /// <summary>v itself: the transport is an isometry.</summary>
    public override Tensor Transport(Tensor x, Tensor y, Tensor v)
    {
        Check(nameof(Transport), x, y, v);
        return v;
    }

    /// <inheritdoc/>
    public override Tensor Deviation(Tensor x)
    {
        Check(nameof(Deviation), x);
        return Tensor.Zeros(x.Shape, x.DType.RealType, x.Device);
    }

    /// <inheritdoc/>
    public override Tensor ProjectOnto(Tensor x)
    {
        Check(nameof(ProjectOnto), x);
        return x;
    }

    /// <summary>Standard normal numbers.</summary>
    public override Tensor Sample(Shape shape, Generator generator, DType dtype = DType.Float32, Device? device = null)
    {
        CheckSample(shape, generator, dtype);
        return Normal(shape, generator, dtype, device).To(dtype);
    }

    /// <inheritdoc/>
    public Tensor Exp(Tensor x, Tensor v) => Retract(x, v);

    /// <inheritdoc/>
    public Tensor Log(Tensor x, Tensor y)
    {
        Check(nameof(Log), x, y);
        return y - x;
    }

    /// <inheritdoc/>
    public Tensor Distance(Tensor x, Tensor y)
    {
        Check(nameof(Distance), x, y);
        return Dot(y - x, y - x, 0).Sqrt();
    }
}
