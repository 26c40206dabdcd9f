using Ortho.Autograd;
using Ortho.Layers.ConvolutionMethods;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>An orthogonal convolution of images: x [batch, inChannels, height, width] to [batch, outChannels, height / stride, width /
/// stride].</summary>
/// <remarks>
/// Methods: <see cref="FourierCayley"/> (the default) and <see cref="Lot"/> make a matrix for each frequency, kernels as large as the
/// image;
/// <see cref="Aoc"/>, <see cref="Bcop"/>, <see cref="Rko"/> and <see cref="AdaptiveSoc"/> make kernels of k x k taps or so,
/// <see cref="Eco"/> one with a dilation; <see cref="Soc"/> applies an exponential; <see cref="Regularized"/> leaves the kernel free for a
/// regulariser. All are orthogonal on the torus, <see cref="Soc"/> also with zeros around the images. A step of training costs little more
/// than that of a plain convolution with <see cref="Aoc"/> and <see cref="Bcop"/>, and many times as much with a matrix for each frequency.
/// What cannot be orthogonal is refused.
/// </remarks>
public sealed class OrthogonalConv2d : OrthogonalConvolution
{
    /// <summary>A layer with random free numbers and zero bias.</summary>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernelSize">Height and width of the kernel; for methods that make a stride by <see cref="PixelUnshuffle"/>, after
    /// it.</param>
    /// <param name="generator">Source of the free numbers.</param>
    /// <param name="stride">1 unless given; divides height and width.</param>
    /// <param name="method">How free numbers become a convolution; <see cref="FourierCayley"/> when null.</param>
    /// <param name="dilation">Places from one tap to the next; 1 unless given.</param>
    /// <param name="groups">Groups of channels that are convolved apart.</param>
    /// <param name="padding">What lies beyond the edge.</param>
    /// <param name="bias">Whether each output channel has one.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or the groups do not divide the channels.</exception>
    /// <exception cref="TensorArgumentException">The method does not have this architecture, or no orthogonal convolution
    /// exists.</exception>
    public OrthogonalConv2d(int inChannels, int outChannels, Extent2 kernelSize, Generator generator, Extent2? stride = null,
        IConvolutionMethod? method = null, Extent2? dilation = null, int groups = 1,
        ConvolutionPadding padding = ConvolutionPadding.Circular, bool bias = true, DType dtype = DType.Float32)
        : base("OrthogonalConv2d", new(inChannels, outChannels, kernelSize, stride ?? 1, dilation ?? 1, groups, padding),
            bias ? outChannels : 0, generator, method, dtype)
    {
    }

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">The channels differ, the image is too small or not divisible by the stride.</exception>
    public override Tensor Forward(Tensor x) => Convolve(x);
}
