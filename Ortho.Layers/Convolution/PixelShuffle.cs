using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>Invertible up-sampling: [batch, channels s s', height, width] to [batch, channels, height s, width s'], channels becoming
/// s x s' blocks of pixels. The inverse of <see cref="PixelUnshuffle"/>: a permutation of the elements, hence orthogonal.</summary>
/// <param name="factor">s, s'.</param>
public sealed class PixelShuffle(Extent2 factor) : Module, ILipschitz
{
    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">Not four dimensions, or channels not divisible by the factors.</exception>
    public override Tensor Forward(Tensor x)
    {
        var (rows, columns) = (factor.Height, factor.Width);
        if (x.Rank != 4 || x.Shape[1] % (rows * columns) != 0)
            throw new TensorArgumentException("PixelShuffle", nameof(x), $"{x.Shape}",
                $"[batch, channels, height, width] with channels divisible by {rows * columns}");
        var (batch, channels, height, width) = (x.Shape[0], x.Shape[1] / (rows * columns), x.Shape[2], x.Shape[3]);
        return x.Reshape(batch, channels, rows, columns, height, width).Permute(0, 1, 4, 2, 5, 3)
            .Reshape(batch, channels, height * rows, width * columns);
    }

    /// <inheritdoc/>
    public double LipschitzBound() => 1;
}
