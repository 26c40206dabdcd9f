using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>Sandwich layer of images on the torus: y = sqrt 2 A^T P relu(sqrt 2 P^-1 B x + b) with convolutions A and B whose matrices [A
/// B]^H at every frequency are the Cayley map of a free kernel's, and a diagonal P = exp(psi) over channels: 1-Lipschitz. Wang and
/// Manchester 2023.</summary>
public sealed class SandwichConv2d : Module, ILipschitz
{
    static readonly Cayley cayley = new();

    readonly Cached<(int Height, int Width)> frames;
    (int Height, int Width)? lastSize;

    /// <summary>A layer with normal free numbers of variance 1 / ((inChannels + outChannels) k^2), P = I and zero bias.</summary>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernelSize">Height and width of the free kernel; those of A and B are as large as the images.</param>
    /// <param name="generator">Source of the free kernel.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    public SandwichConv2d(int inChannels, int outChannels, Extent2 kernelSize, Generator generator, DType dtype = DType.Float32)
    {
        ConvolutionParameters.Check(inChannels, outChannels, kernelSize, 1, 1, 1);
        Shape shape = [outChannels + inChannels, outChannels, kernelSize.Height, kernelSize.Width];
        var deviation = 1 / Math.Sqrt((double)shape[0] * kernelSize.Height * kernelSize.Width);
        Free = Register("free", Tensor.Normal(shape, generator, deviation: deviation, dtype: dtype), ParameterRole.Convolution);
        Psi = Register("psi", Tensor.Zeros([outChannels], dtype), ParameterRole.Vector);
        Bias = Register("bias", Tensor.Zeros([outChannels], dtype), ParameterRole.Vector);
        frames = new([Free], size => cayley.Forward(Tensor.ConvolutionSymbol(Free, size.Height, size.Width)));
    }

    /// <summary>The free kernel [outChannels + inChannels, outChannels, k, k].</summary>
    public Parameter Free { get; }

    /// <summary>Logarithms of P's diagonal [outChannels].</summary>
    public Parameter Psi { get; }

    /// <summary>b [outChannels].</summary>
    public Parameter Bias { get; }

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">The channels differ, or the image is smaller than the kernel.</exception>
    public override Tensor Forward(Tensor x)
    {
        var (outputs, inputs) = (Free.Value.Shape[1], Free.Value.Shape[0] - Free.Value.Shape[1]);
        if (x.Rank != 4 || x.Shape[1] != inputs)
            throw new TensorArgumentException("SandwichConv2d", nameof(x), $"{x.Shape}", $"[batch, {inputs}, height, width]");
        var size = (x.Shape[2], x.Shape[3]);
        var (q, p) = (frames.Of(size), (Psi.Value.Exp() * Math.Sqrt(2)).Reshape(-1, 1, 1));
        var inner = Tensor.ApplySymbol(q.Narrow(1, outputs, inputs).H.Contiguous(), x) * (2.0 / p) + Bias.Value.Reshape(-1, 1, 1);
        var y = Tensor.ApplySymbol(q.Narrow(1, 0, outputs).Contiguous(), inner.Relu() * p);
        lastSize = size;
        return y;
    }

    /// <summary>The largest |[A B]|^2 of all frequencies of the last image size seen, in float64 on the host: 1, but for
    /// rounding.</summary>
    /// <exception cref="InvalidOperationException">No image has been seen.</exception>
    public double LipschitzBound()
    {
        var size = lastSize ?? throw new InvalidOperationException(
            "SandwichConv2d.LipschitzBound: it depends on the image size, and no image has passed yet.");
        using var pause = Graph.NoGrad();
        return Math.Pow(Spectrum.OfMatrix(frames.Of(size)).Largest, 2);
    }
}
