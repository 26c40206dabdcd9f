using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Layers.ConvolutionMethods;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>An orthogonal convolution of signals: x [batch, inChannels, length] to [batch, outChannels, length / stride]. A signal is an
/// image of one row; the methods are those of <see cref="OrthogonalConv2d"/>.</summary>
public sealed class OrthogonalConv1d : OrthogonalConvolution
{
    /// <summary>A layer with random free numbers and zero bias; see <see cref="OrthogonalConv2d"/>.</summary>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernelSize">Taps.</param>
    /// <param name="generator">Source of the free numbers.</param>
    /// <param name="stride">Divides the length.</param>
    /// <param name="method">How free numbers become a convolution; <see cref="FourierCayley"/> when null.</param>
    /// <param name="dilation">Places from one tap to the next.</param>
    /// <param name="groups">Groups of channels that are convolved apart.</param>
    /// <param name="padding">What lies beyond the ends.</param>
    /// <param name="bias">Whether each output channel has one.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or the groups do not divide the channels.</exception>
    /// <exception cref="TensorArgumentException">The method does not have this architecture, or no orthogonal convolution
    /// exists.</exception>
    public OrthogonalConv1d(int inChannels, int outChannels, int kernelSize, Generator generator, int stride = 1,
        IConvolutionMethod? method = null, int dilation = 1, int groups = 1, ConvolutionPadding padding = ConvolutionPadding.Circular,
        bool bias = true, DType dtype = DType.Float32)
        : base("OrthogonalConv1d", new(inChannels, outChannels, (1, kernelSize), (1, stride), (1, dilation), groups, padding),
            bias ? outChannels : 0, generator, method, dtype)
    {
    }

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">The channels differ, the signal is too short or not divisible by the stride.</exception>
    public override Tensor Forward(Tensor x) => Convolve(Row(x, Architecture.Inputs)).Squeeze(2);

    /// <summary>The exact range of singular values for signals of this length.</summary>
    public Spectrum Certify(int length) => Certify(1, length);
}
