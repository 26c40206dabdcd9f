using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>GroupSort: neighbouring channels, in groups, sorted in ascending order at every place. A permutation of each group, so
/// gradients keep their norm; with all channels in one group, a sort. Anil, Lucas and Grosse 2019.</summary>
/// <param name="size">Channels of a group.</param>
public sealed class GroupSort(int size) : Module, ILipschitz
{
    readonly int size = size > 0
        ? size : throw new ArgumentOutOfRangeException(nameof(size), size, "GroupSort: at least one channel in a group.");

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">Fewer than two dimensions, or channels [batch, channels, ...] that the size does not
    /// divide.</exception>
    public override Tensor Forward(Tensor x)
    {
        if (x.Rank < 2 || x.Shape[1] % size != 0)
            throw new TensorArgumentException("GroupSort", nameof(x), $"{x.Shape}",
                $"[batch, channels, ...] with channels divisible by {size}");
        return x.Unflatten(1, x.Shape[1] / size, size).Sort(2).Values.Reshape([.. x.Shape]);
    }

    /// <inheritdoc/>
    public double LipschitzBound() => 1;
}
