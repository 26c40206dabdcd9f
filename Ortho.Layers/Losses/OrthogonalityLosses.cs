using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Losses;

/// <summary>How far the kernel of a convolution is from an orthogonal one, for any size of image. Achour, Malgouyres and Mamalet
/// 2022.</summary>
public static class OrthogonalityLosses
{
    extension(Tensor kernel)
    {
        /// <summary>L_orth = |A - I_0|_F^2 - max(0, M - C S^2) with A the correlations of the kernel with itself at all multiples of the
        /// stride and I_0 the identity at distance 0: a regulariser, differentiable.</summary>
        /// <remarks>
        /// For circular convolutions of n x n images, n &gt;= 2 k - 1, n^2 / S^2 times it is exactly |K K^T - I|_F^2 where M &lt;= C S^2,
        /// else |K^T K - I|_F^2; the square of the spectral norm of that residual is at most <see cref="SpectralConstant"/> times it,
        /// whatever n. So all squared singular values are within sqrt(<see cref="SpectralConstant"/> L_orth) of 1.
        /// </remarks>
        /// <param name="stride">S; 1 unless given.</param>
        /// <param name="groups">Groups of channels that are convolved apart, whose losses are added.</param>
        /// <returns>A scalar; for the kernel [outputs, inputs / groups, height, width] of images or [outputs, inputs / groups, taps] of
        /// signals.</returns>
        /// <exception cref="TensorArgumentException">Another number of dimensions, or the groups do not divide the outputs.</exception>
        public Tensor OrthogonalityLoss(Extent2? stride = null, int groups = 1)
        {
            var s = stride ?? 1;
            if (kernel.Rank == 3)
                return kernel.Unsqueeze(2).OrthogonalityLoss(new(1, s.Width), groups);
            if (kernel.Rank != 4)
                throw new TensorArgumentException("OrthogonalityLoss", nameof(kernel), $"{kernel.Shape}",
                    "[outputs, inputs, height, width] or [outputs, inputs, taps]");
            if (groups < 1 || kernel.Shape[0] % groups != 0)
                throw new TensorArgumentException("OrthogonalityLoss", nameof(groups), $"{groups} beside a kernel {kernel.Shape}",
                    "a divisor of the outputs");
            if (groups > 1)
                return kernel.Chunk(groups).Select(part => part.OrthogonalityLoss(s)).Aggregate((a, b) => a + b);
            var (m, c) = (kernel.Shape[0], kernel.Shape[1]);
            var (rows, columns) = ((kernel.Shape[2] - 1) / s.Height, (kernel.Shape[3] - 1) / s.Width);
            var correlations = kernel.Conv2d(kernel, null, s, (rows * s.Height, columns * s.Width));
            var identity = Tensor.Eye(m, dtype: kernel.DType, device: kernel.Device).Reshape(m, m, 1, 1)
                .Pad([(rows, rows), (columns, columns)]);
            return (correlations - identity).Square().Sum() - Math.Max(0, m - c * s.Height * s.Width);
        }
    }

    /// <summary>alpha: the spectral norm |K K^T - I|^2 (or |K^T K - I|^2) is at most alpha L_orth, for images of any size.</summary>
    /// <param name="shape">The architecture; its padding is taken as circular.</param>
    /// <returns>M (2 floor((k - 1) / S) + 1)^2 where M &lt;= C S^2, C (2 k - 1)^2 where M &gt;= C S^2, the smaller one where both; a factor
    /// for each dimension.</returns>
    public static double SpectralConstant(ConvolutionShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var (m, c, k, s) = (shape.GroupOutputs, shape.GroupInputs, shape.Kernel, shape.Stride);
        var rows = (double)m * (2 * ((k.Height - 1) / s.Height) + 1) * (2 * ((k.Width - 1) / s.Width) + 1);
        var columns = (double)c * (2 * k.Height - 1) * (2 * k.Width - 1);
        return (m - c * shape.Block) switch { < 0 => rows, > 0 => columns, _ => Math.Min(rows, columns) };
    }
}
