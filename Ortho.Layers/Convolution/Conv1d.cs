using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>A convolution of signals with zeros around them: x [batch, inChannels, length] to [batch, outChannels, length'] by
/// <c>x.Conv1d(weight, bias, ...)</c>. Names, shapes and initial values of the parameters are PyTorch's.</summary>
public sealed class Conv1d : Module
{
    readonly int stride, dilation, groups;
    readonly Padding2 padding;

    /// <summary>A layer with weights and bias uniform within 1 / sqrt(inChannels / groups * kernelSize).</summary>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernelSize">Taps of the kernel.</param>
    /// <param name="generator">Source of the initial numbers.</param>
    /// <param name="stride">Places of the input from one place of the output to the next.</param>
    /// <param name="padding">Zeros before and behind the input (left and right); none unless given.</param>
    /// <param name="dilation">Places of the input from one tap to the next.</param>
    /// <param name="groups">Groups of channels that are convolved apart.</param>
    /// <param name="bias">Whether each output channel has one.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or the groups do not divide the channels.</exception>
    public Conv1d(int inChannels, int outChannels, int kernelSize, Generator generator, int stride = 1, Padding2? padding = null,
        int dilation = 1, int groups = 1, bool bias = true, DType dtype = DType.Float32)
    {
        (this.stride, this.padding, this.dilation, this.groups) = (stride, padding ?? 0, dilation, groups);
        ConvolutionParameters.Check(inChannels, outChannels, kernelSize, stride, dilation, groups);
        Shape shape = [outChannels, inChannels / groups, kernelSize];
        Weight = Register("weight", ConvolutionParameters.Initial(shape, shape, generator, dtype), ParameterRole.Convolution);
        Bias = bias ? Register("bias", ConvolutionParameters.Initial([outChannels], shape, generator, dtype), ParameterRole.Vector) : null;
    }

    /// <summary>The kernel [outChannels, inChannels / groups, kernelSize].</summary>
    public Parameter Weight { get; }

    /// <summary>Bias [outChannels], if there is one.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">x does not fit; see the op.</exception>
    public override Tensor Forward(Tensor x) => x.Conv1d(Weight, Bias?.Value, stride, padding, dilation, groups);
}
