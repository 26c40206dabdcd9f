using Ortho.Autograd;
using Ortho.Layers.ConvolutionMethods;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>The adjoint of an <see cref="OrthogonalConv2d"/>, which makes larger images of smaller ones: x [batch, inChannels, height,
/// width] to [batch, outChannels, height stride, width stride]. An isometry where inChannels &lt;= outChannels stride^2.</summary>
public sealed class OrthogonalConvTranspose2d : OrthogonalConvolution
{
    /// <summary>A layer with random free numbers and zero bias; see <see cref="OrthogonalConv2d"/>.</summary>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernelSize">Height and width of the kernel; for methods that make a stride by <see cref="PixelShuffle"/>, before
    /// it.</param>
    /// <param name="generator">Source of the free numbers.</param>
    /// <param name="stride">Places of the output from one place of the input to the next; 1 unless given.</param>
    /// <param name="method">How free numbers become a convolution; <see cref="FourierCayley"/> when null.</param>
    /// <param name="dilation">Places from one tap to the next; 1 unless given.</param>
    /// <param name="groups">Groups of channels that are convolved apart.</param>
    /// <param name="padding">That of the convolution whose adjoint this is.</param>
    /// <param name="bias">Whether each output channel has one.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or the groups do not divide the channels.</exception>
    /// <exception cref="TensorArgumentException">The method does not have this architecture, or no orthogonal convolution
    /// exists.</exception>
    public OrthogonalConvTranspose2d(int inChannels, int outChannels, Extent2 kernelSize, Generator generator, Extent2? stride = null,
        IConvolutionMethod? method = null, Extent2? dilation = null, int groups = 1,
        ConvolutionPadding padding = ConvolutionPadding.Circular, bool bias = true, DType dtype = DType.Float32)
        : base("OrthogonalConvTranspose2d", new(outChannels, inChannels, kernelSize, stride ?? 1, dilation ?? 1, groups, padding),
            bias ? outChannels : 0, generator, method, dtype)
    {
    }

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">The channels differ, or the image is too small.</exception>
    public override Tensor Forward(Tensor x) => ConvolveAdjoint(x);
}
