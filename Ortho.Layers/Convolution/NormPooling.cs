using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>The Euclidean norm of each channel: [batch, channels, ...] to [batch, channels]. It keeps the norm of the whole, is
/// 1-Lipschitz, and does not depend on where things are.</summary>
public sealed class NormPooling : Module, ILipschitz
{
    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">Fewer than three dimensions.</exception>
    public override Tensor Forward(Tensor x)
        => x.Rank >= 3 ? x.Flatten(2).Norm([2])
            : throw new TensorArgumentException("NormPooling", nameof(x), $"{x.Shape}", "[batch, channels, ...]");

    /// <inheritdoc/>
    public double LipschitzBound() => 1;
}
