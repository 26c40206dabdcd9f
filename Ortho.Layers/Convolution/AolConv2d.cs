using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>Almost-orthogonal convolution: each input channel of the kernel K divided by the root of the sum of all |K^T K| in its row,
/// which leaves the convolution 1-Lipschitz for images of any size. Prach and Lampert 2022, theorem 2.</summary>
public sealed class AolConv2d : Module, ICertifiable
{
    readonly KernelOperator map;
    readonly Cached<bool> kernel;
    (int Height, int Width)? lastSize;

    /// <summary>A layer with normal numbers of variance 1 / (inChannels k^2) and zero bias.</summary>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernelSize">Height and width of the kernel.</param>
    /// <param name="generator">Source of the initial kernel.</param>
    /// <param name="padding">Circular or zeros; the extents remain.</param>
    /// <param name="bias">Whether each output channel has one.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or no padding.</exception>
    public AolConv2d(int inChannels, int outChannels, Extent2 kernelSize, Generator generator,
        ConvolutionPadding padding = ConvolutionPadding.Circular, bool bias = true, DType dtype = DType.Float32)
    {
        map = new(KernelOperator.Shape(inChannels, outChannels, kernelSize, padding));
        Shape shape = [outChannels, inChannels, kernelSize.Height, kernelSize.Width];
        var start = Tensor.Normal(shape, generator, deviation: 1 / Math.Sqrt(shape[1..].ElementCount), dtype: dtype);
        Free = Register("weight", start, ParameterRole.Convolution);
        Bias = bias ? Register("bias", Tensor.Zeros([outChannels], dtype), ParameterRole.Vector) : null;
        kernel = new([Free], _ => Free.Value / (KernelGram.ColumnSums(Free) + 1e-12).Sqrt().Reshape(1, -1, 1, 1));
    }

    /// <summary>K [out, in, k, k], free.</summary>
    public Parameter Free { get; }

    /// <summary>Bias [out], if there is one.</summary>
    public Parameter? Bias { get; }

    /// <summary>The kernel that is applied.</summary>
    public Tensor Kernel => kernel.Of(true);

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">The channels differ.</exception>
    public override Tensor Forward(Tensor x)
    {
        map.Check("AolConv2d", Free, x);
        var y = map.Apply(Kernel, x);
        lastSize = map.Size(x);
        return Bias is null ? y : y + Bias.Value.Reshape(1, -1, 1, 1);
    }

    /// <summary>The range of singular values on the torus of the last image size seen; with zeros around the images, on the torus of which
    /// that convolution is a part, so that the largest is a bound.</summary>
    /// <exception cref="InvalidOperationException">No image has been seen.</exception>
    public Spectrum Certify()
    {
        var (height, width) = map.Torus(lastSize ?? throw new InvalidOperationException(
            "AolConv2d.Certify: the spectrum depends on the image size, and no image has passed yet."));
        using var pause = Graph.NoGrad();
        var values = ConvolutionSpectrum.SingularValues(Kernel, height, width).ToArray<double>();
        return new(values.Min(), values.Max());
    }
}
