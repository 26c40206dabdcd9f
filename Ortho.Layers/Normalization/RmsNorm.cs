using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>x / sqrt(mean of x^2 + epsilon) * weight over the last dimensions of each sample. Zhang and Sennrich 2019.</summary>
public sealed class RmsNorm : Module
{
    readonly int[] normalized;
    readonly double epsilon;

    /// <summary>A layer with weights 1.</summary>
    /// <param name="normalized">The last extents of x [..., normalized], over which it is normalized.</param>
    /// <param name="epsilon">Added to the mean of the squares.</param>
    /// <param name="affine">Whether there is a weight.</param>
    /// <param name="dtype">Float32, Float64 or a half-precision type.</param>
    public RmsNorm(Shape normalized, double epsilon = 1e-6, bool affine = true, DType dtype = DType.Float32)
    {
        (this.normalized, this.epsilon) = ([.. normalized], epsilon);
        Weight = affine ? Register("weight", Tensor.Ones(normalized, dtype), ParameterRole.Vector) : null;
    }

    /// <summary>The weight, of the normalized shape, if there is one.</summary>
    public Parameter? Weight { get; }

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">x does not end with the normalized extents, or is of another dtype or device.</exception>
    public override Tensor Forward(Tensor x) => x.RmsNorm(normalized, Weight?.Value, epsilon);
}
