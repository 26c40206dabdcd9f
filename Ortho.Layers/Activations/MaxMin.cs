using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>MaxMin: channel c of the first half and its partner of the second are replaced by their maximum and minimum.
/// A permutation of each pair, so gradients keep their norm. Anil, Lucas and Grosse 2019 (GroupSort with groups of two).</summary>
/// <remarks>x [batch, channels, ...] with an even number of channels.</remarks>
public sealed class MaxMin : Module, ILipschitz
{
    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">Fewer than two dimensions, or an odd number of channels.</exception>
    public override Tensor Forward(Tensor x)
    {
        if (x.Rank < 2 || x.Shape[1] % 2 != 0)
            throw new TensorArgumentException("MaxMin", nameof(x), $"{x.Shape}", "[batch, channels, ...] with an even number of channels");
        var half = x.Shape[1] / 2;
        var (a, b) = (x.Slice(1, 0, half), x.Slice(1, half));
        return Tensor.Concat([Tensor.Maximum(a, b), Tensor.Minimum(a, b)], 1);
    }

    /// <inheritdoc/>
    public double LipschitzBound() => 1;
}

/// <summary>All dimensions but the first merged into one.</summary>
public sealed class Flatten : Module, ILipschitz
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Flatten(1);

    /// <inheritdoc/>
    public double LipschitzBound() => 1;
}
