using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>A residual block that is a step down the gradient of a convex function: y = x - 2 V^T D relu(V x + b) with a diagonal D for
/// which D^(1/2) V V^T D^(1/2) &lt;= I. Its Jacobian I - 2 V^T D S V, S a diagonal of zeros and ones, is symmetric with eigenvalues in [-1,
/// 1], so the block is 1-Lipschitz.</summary>
public abstract class GradientBlock : Module, ILipschitz
{
    readonly string name;
    readonly Cached<(int Height, int Width)> diagonal;
    (int Height, int Width)? lastSize;

    private protected GradientBlock(string name, ChannelOperator map, Tensor weight, ParameterRole role, bool hasShares)
    {
        (this.name, Map) = (name, map);
        var hidden = weight.Shape[0];
        Weight = Register("weight", weight, role);
        Bias = Register("bias", Tensor.Zeros([hidden], weight.DType), ParameterRole.Vector);
        Shares = hasShares ? Register("shares", Tensor.Zeros([hidden], weight.DType), ParameterRole.Vector) : null;
        diagonal = new(Shares is null ? [Weight] : [Weight, Shares], Diagonal);
    }

    private protected ChannelOperator Map { get; }

    /// <summary>V [hidden, channels], or its kernel [hidden, channels, k, k].</summary>
    public Parameter Weight { get; }

    /// <summary>b [hidden].</summary>
    public Parameter Bias { get; }

    private protected Parameter? Shares { get; }

    /// <summary>D's diagonal [hidden], or one number, for inputs of a size.</summary>
    private protected abstract Tensor Diagonal((int Height, int Width) size);

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">The channels differ.</exception>
    public override Tensor Forward(Tensor x)
    {
        Map.Check(name, Weight, x);
        var size = Map.Size(x);
        var inner = (Map.Apply(Weight, x) + Map.PerChannel(Bias)).Relu();
        var y = x - Map.ApplyAdjoint(Weight, inner * (Map.PerChannel(diagonal.Of(size)) * 2.0));
        lastSize = size;
        return y;
    }

    /// <summary>max(1, 2 s - 1) with s = |D^(1/2) V|^2 as it is, in float64 on the host, for the last size of images seen: 1, but for
    /// rounding.</summary>
    /// <exception cref="InvalidOperationException">A convolution that has not seen an image.</exception>
    public double LipschitzBound()
    {
        var size = lastSize ?? (Map is MatrixOperator ? default
            : throw new InvalidOperationException($"{name}.LipschitzBound: it depends on the image size, and no image has passed yet."));
        using var pause = Graph.NoGrad();
        var roots = diagonal.Of(size).To(DType.Float64).Sqrt();
        var weight = Weight.Value.Detach().To(DType.Float64);
        var norm = Map.Norm(Map.Scaled(weight, roots.Expand(weight.Shape[0])), size);
        return Math.Max(1, 2 * norm * norm - 1);
    }

    private protected static Tensor Initial(Shape shape, Generator generator, DType dtype)
        => Tensor.Normal(shape, generator, deviation: 1 / Math.Sqrt(shape[1..].ElementCount), dtype: dtype);
}

/// <summary>SDP-based Lipschitz layer: D = T^-1 with T_ii = sum over j of |V V^T|_ij q_j / q_i, q = exp(shares) learnt. Araujo et al. 2023,
/// theorem 3.</summary>
public abstract class SdpBlock : GradientBlock
{
    private protected SdpBlock(string name, ChannelOperator map, Tensor weight, ParameterRole role)
        : base(name, map, weight, role, hasShares: true)
    {
    }

    private protected override Tensor Diagonal((int Height, int Width) size)
    {
        var q = Shares!.Value.Exp();
        // The floor lets a row of zeros be one.
        return q / (Map.AbsoluteRowGram(Weight).Mv(q) + 1e-12);
    }
}

/// <summary>Convex potential layer: D = I / |V|^2, with an upper bound of the norm in place of the paper's power iteration, which gives
/// less than the norm until it has converged. Meunier et al. 2022.</summary>
public abstract class ConvexPotentialBlock : GradientBlock
{
    private protected ConvexPotentialBlock(string name, ChannelOperator map, Tensor weight, ParameterRole role)
        : base(name, map, weight, role, hasShares: false)
    {
    }

    private protected override Tensor Diagonal((int Height, int Width) size)
        => (Map.NormBound(Weight, size).Square() + 1e-12).Reciprocal().Reshape(1);
}
