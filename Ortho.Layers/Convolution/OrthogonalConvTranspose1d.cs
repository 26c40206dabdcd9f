using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Layers.ConvolutionMethods;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>The adjoint of an <see cref="OrthogonalConv1d"/>: x [batch, inChannels, length] to [batch, outChannels, length stride]. An
/// isometry where inChannels &lt;= outChannels stride.</summary>
public sealed class OrthogonalConvTranspose1d : OrthogonalConvolution
{
    /// <summary>A layer with random free numbers and zero bias; see <see cref="OrthogonalConvTranspose2d"/>.</summary>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernelSize">Taps.</param>
    /// <param name="generator">Source of the free numbers.</param>
    /// <param name="stride">Places of the output from one place of the input to the next.</param>
    /// <param name="method">How free numbers become a convolution; <see cref="FourierCayley"/> when null.</param>
    /// <param name="dilation">Places from one tap to the next.</param>
    /// <param name="groups">Groups of channels that are convolved apart.</param>
    /// <param name="padding">That of the convolution whose adjoint this is.</param>
    /// <param name="bias">Whether each output channel has one.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or the groups do not divide the channels.</exception>
    /// <exception cref="TensorArgumentException">The method does not have this architecture, or no orthogonal convolution
    /// exists.</exception>
    public OrthogonalConvTranspose1d(int inChannels, int outChannels, int kernelSize, Generator generator, int stride = 1,
        IConvolutionMethod? method = null, int dilation = 1, int groups = 1, ConvolutionPadding padding = ConvolutionPadding.Circular,
        bool bias = true, DType dtype = DType.Float32)
        : base("OrthogonalConvTranspose1d", new(outChannels, inChannels, (1, kernelSize), (1, stride), (1, dilation), groups, padding),
            bias ? outChannels : 0, generator, method, dtype)
    {
    }

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">The channels differ, or the signal is too short.</exception>
    public override Tensor Forward(Tensor x) => ConvolveAdjoint(Row(x, Architecture.Outputs)).Squeeze(2);

    /// <summary>The exact range of singular values for longer signals, those that come out, of this length.</summary>
    public Spectrum Certify(int length) => Certify(1, length);
}
