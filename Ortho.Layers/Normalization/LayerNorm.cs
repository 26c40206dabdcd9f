using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>(x - mean) / sqrt(variance + epsilon) * weight + bias over the last dimensions of each sample. Ba, Kiros and Hinton 2016.</summary>
public sealed class LayerNorm : Module
{
    readonly int[] normalized;
    readonly double epsilon;

    /// <summary>A layer with weights 1 and biases 0.</summary>
    /// <param name="normalized">The last extents of x [..., normalized], over which it is normalized.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="affine">Whether there are a weight and a bias.</param>
    /// <param name="bias">Whether there is a bias beside the weight.</param>
    /// <param name="dtype">Float32, Float64 or a half-precision type.</param>
    public LayerNorm(Shape normalized, double epsilon = 1e-5, bool affine = true, bool bias = true, DType dtype = DType.Float32)
    {
        (this.normalized, this.epsilon) = ([.. normalized], epsilon);
        Weight = affine ? Register("weight", Tensor.Ones(normalized, dtype), ParameterRole.Vector) : null;
        Bias = affine && bias ? Register("bias", Tensor.Zeros(normalized, dtype), ParameterRole.Vector) : null;
    }

    /// <summary>The weight, of the normalized shape, if there is one.</summary>
    public Parameter? Weight { get; }

    /// <summary>The bias, of the normalized shape, if there is one.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">x does not end with the normalized extents, or is of another dtype or device.</exception>
    public override Tensor Forward(Tensor x) => x.LayerNorm(normalized, Weight?.Value, Bias?.Value, epsilon);
}
