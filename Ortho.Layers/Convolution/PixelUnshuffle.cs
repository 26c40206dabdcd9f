using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>Invertible down-sampling: [batch, channels, height, width] to [batch, channels s^2, height / s, width / s], each s x s block
/// of pixels becoming channels. A permutation of the elements, hence orthogonal.</summary>
/// <param name="factor">s.</param>
public sealed class PixelUnshuffle(int factor) : Module
{
    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">Not four dimensions, or height or width not divisible by the factor.</exception>
    public override Tensor Forward(Tensor x)
    {
        if (x.Rank != 4 || x.Shape[2] % factor != 0 || x.Shape[3] % factor != 0)
            throw new TensorArgumentException("PixelUnshuffle", nameof(x), $"{x.Shape}", $"[batch, channels, height, width] with height and width divisible by {factor}");
        var (batch, channels, height, width) = (x.Shape[0], x.Shape[1], x.Shape[2] / factor, x.Shape[3] / factor);
        return x.Reshape(batch, channels, height, factor, width, factor).Permute(0, 1, 3, 5, 2, 4).Reshape(batch, channels * factor * factor, height, width);
    }
}
