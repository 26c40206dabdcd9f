using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>Invertible down-sampling: [batch, channels, height, width] to [batch, channels s s', height / s, width / s'], each s x s' block
/// of pixels becoming channels. A permutation of the elements, hence orthogonal.</summary>
/// <param name="factor">s, s'.</param>
public sealed class PixelUnshuffle(Extent2 factor) : Module, ILipschitz
{
    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">Not four dimensions, or height or width not divisible by the factors.</exception>
    public override Tensor Forward(Tensor x)
    {
        var (rows, columns) = (factor.Height, factor.Width);
        if (x.Rank != 4 || x.Shape[2] % rows != 0 || x.Shape[3] % columns != 0)
        {
            var divisors = rows == columns ? $"{rows}" : $"{rows} and {columns}";
            throw new TensorArgumentException("PixelUnshuffle", nameof(x), $"{x.Shape}",
                $"[batch, channels, height, width] with height and width divisible by {divisors}");
        }
        var (batch, channels, height, width) = (x.Shape[0], x.Shape[1], x.Shape[2] / rows, x.Shape[3] / columns);
        return x.Reshape(batch, channels, height, rows, width, columns).Permute(0, 1, 3, 5, 2, 4)
            .Reshape(batch, channels * rows * columns, height, width);
    }

    /// <inheritdoc/>
    public double LipschitzBound() => 1;
}
