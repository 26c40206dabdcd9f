using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>The adjoint of a convolution, which makes larger images of smaller ones: x [batch, inChannels, height, width] to [batch,
/// outChannels, height', width'] by <c>x.ConvTranspose2d(weight, bias, ...)</c>. Names, shapes and initial values of the parameters are
/// PyTorch's.</summary>
public sealed class ConvTranspose2d : Module
{
    readonly Extent2 stride, outputPadding, dilation;
    readonly Padding2 padding;
    readonly int groups;

    /// <summary>A layer with weights and bias uniform within 1 / sqrt(outChannels / groups * kernel height * kernel width).</summary>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernelSize">Height and width of the kernel.</param>
    /// <param name="generator">Source of the initial numbers.</param>
    /// <param name="stride">Places of the output from one place of the input to the next; 1 unless given.</param>
    /// <param name="padding">Rows and columns left out at the edges of the output; none unless given.</param>
    /// <param name="outputPadding">Rows and columns of the output more at the bottom and on the right; none unless given.</param>
    /// <param name="dilation">Places of the output from one tap to the next; 1 unless given.</param>
    /// <param name="groups">Groups of channels that are convolved apart.</param>
    /// <param name="bias">Whether each output channel has one.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or the groups do not divide the channels.</exception>
    public ConvTranspose2d(int inChannels, int outChannels, Extent2 kernelSize, Generator generator, Extent2? stride = null, Padding2? padding = null,
        Extent2? outputPadding = null, Extent2? dilation = null, int groups = 1, bool bias = true, DType dtype = DType.Float32)
    {
        (this.stride, this.padding, this.outputPadding, this.dilation, this.groups) = (stride ?? 1, padding ?? 0, outputPadding ?? 0, dilation ?? 1, groups);
        ConvolutionParameters.Check(inChannels, outChannels, kernelSize, this.stride, this.dilation, groups);
        Shape shape = [inChannels, outChannels / groups, kernelSize.Height, kernelSize.Width];
        Weight = Register("weight", ConvolutionParameters.Initial(shape, shape, generator, dtype), ParameterRole.Convolution);
        Bias = bias ? Register("bias", ConvolutionParameters.Initial([outChannels], shape, generator, dtype), ParameterRole.Vector) : null;
    }

    /// <summary>The kernel [inChannels, outChannels / groups, kernel height, kernel width].</summary>
    public Parameter Weight { get; }

    /// <summary>Bias [outChannels], if there is one.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">x does not fit; see the op.</exception>
    public override Tensor Forward(Tensor x) => x.ConvTranspose2d(Weight, Bias?.Value, stride, padding, outputPadding, dilation, groups);
}
