using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>An unconstrained convolution with circular padding and stride 1, through the Fourier domain:
/// x [batch, inChannels, height, width] to [batch, outChannels, height, width].</summary>
public sealed class CircularConv2d : Module, ICertifiable
{
    readonly Cached<(int Height, int Width)> symbol;
    (int Height, int Width)? lastSize;

    /// <summary>A layer with Kaiming-uniform weights (bound 1 / sqrt(inChannels k^2)) and zero bias.</summary>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernelSize">Side of the kernel, at most that of the image.</param>
    /// <param name="generator">Source of the initial kernel.</param>
    /// <param name="bias">Whether each output channel has one.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    public CircularConv2d(int inChannels, int outChannels, int kernelSize, Generator generator, bool bias = true, DType dtype = DType.Float32)
    {
        var bound = 1 / Math.Sqrt(inChannels * kernelSize * kernelSize);
        Kernel = Register("weight", Tensor.Uniform([outChannels, inChannels, kernelSize, kernelSize], generator, -bound, bound, dtype), ParameterRole.Convolution);
        symbol = new([Kernel], size => Tensor.ConvolutionSymbol(Kernel, size.Height, size.Width));
        Bias = bias ? Register("bias", Tensor.Zeros([outChannels], dtype), ParameterRole.Vector) : null;
    }

    /// <summary>The kernel [out, in, k, k].</summary>
    public Parameter Kernel { get; }

    /// <summary>Bias [out], if there is one.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        // A kernel that is not learnt now is transformed once for each size of image.
        var isFixed = !(Graph.IsRecording && Kernel.Value.WantsGrad);
        var y = isFixed && x.Rank == 4 && x.Shape[1] == Kernel.Value.Shape[1] ? Tensor.ApplySymbol(symbol.Of((x.Shape[2], x.Shape[3])), x) : x.CircularConv2d(Kernel);
        lastSize = (x.Shape[2], x.Shape[3]);
        return Bias is null ? y : y + Bias.Value.Reshape(1, -1, 1, 1);
    }

    /// <summary>The exact range of singular values on the torus of the last image size seen.</summary>
    /// <exception cref="InvalidOperationException">No image has been seen.</exception>
    public Spectrum Certify()
    {
        var (height, width) = lastSize ?? throw new InvalidOperationException("CircularConv2d.Certify: the spectrum depends on the image size, and no image has passed yet.");
        using (Graph.NoGrad())
            return Spectrum.OfMatrix(Tensor.ConvolutionSymbol(Kernel, height, width));
    }
}
