using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>A table of vectors: y[..., :] = weight[x[...], :].</summary>
public sealed class Embedding : Module
{
    /// <summary>A table of normal random numbers.</summary>
    /// <param name="count">How many vectors there are.</param>
    /// <param name="features">Extent of each.</param>
    /// <param name="generator">Source of the initial numbers.</param>
    /// <param name="deviation">Their standard deviation.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no vector, or it has no element.</exception>
    public Embedding(int count, int features, Generator generator, double deviation = 1, DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        Weight = Register("weight", Tensor.Normal([count, features], generator, 0, deviation, dtype), ParameterRole.Embedding);
    }

    /// <summary>The vectors [count, features].</summary>
    public Parameter Weight { get; }

    /// <inheritdoc/>
    /// <param name="x">Int64 or Int32 of any shape [...]; negative numbers count from the end.</param>
    /// <returns>[..., features].</returns>
    /// <exception cref="TensorArgumentException">x is not of integers; on the CPU also: it names no vector.</exception>
    public override Tensor Forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return Weight.Value.IndexSelect(0, x.Reshape(-1)).Reshape([.. x.Shape, Weight.Value.Shape[1]]);
    }
}
