using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>A convolution of images with zeros around them: x [batch, inChannels, height, width] to [batch, outChannels, height', width'] by
/// <c>x.Conv2d(weight, bias, ...)</c>. Names, shapes and initial values of the parameters are PyTorch's.</summary>
public sealed class Conv2d : Module
{
    readonly Extent2 stride, dilation;
    readonly Padding2 padding;
    readonly int groups;

    /// <summary>A layer with weights and bias uniform within 1 / sqrt(inChannels / groups * kernel height * kernel width).</summary>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernelSize">Height and width of the kernel.</param>
    /// <param name="generator">Source of the initial numbers.</param>
    /// <param name="stride">Places of the input from one place of the output to the next; 1 unless given.</param>
    /// <param name="padding">Zeros around the input; none unless given.</param>
    /// <param name="dilation">Places of the input from one tap to the next; 1 unless given.</param>
    /// <param name="groups">Groups of channels that are convolved apart.</param>
    /// <param name="bias">Whether each output channel has one.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or the groups do not divide the channels.</exception>
    public Conv2d(int inChannels, int outChannels, Extent2 kernelSize, Generator generator, Extent2? stride = null, Padding2? padding = null,
        Extent2? dilation = null, int groups = 1, bool bias = true, DType dtype = DType.Float32)
    {
        (this.stride, this.padding, this.dilation, this.groups) = (stride ?? 1, padding ?? 0, dilation ?? 1, groups);
        ConvolutionParameters.Check(inChannels, outChannels, kernelSize, this.stride, this.dilation, groups);
        Shape shape = [outChannels, inChannels / groups, kernelSize.Height, kernelSize.Width];
        Weight = Register("weight", ConvolutionParameters.Initial(shape, shape, generator, dtype), ParameterRole.Convolution);
        Bias = bias ? Register("bias", ConvolutionParameters.Initial([outChannels], shape, generator, dtype), ParameterRole.Vector) : null;
    }

    /// <summary>The kernel [outChannels, inChannels / groups, kernel height, kernel width].</summary>
    public Parameter Weight { get; }

    /// <summary>Bias [outChannels], if there is one.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">x does not fit; see the op.</exception>
    public override Tensor Forward(Tensor x) => x.Conv2d(Weight, Bias?.Value, stride, padding, dilation, groups);
}
