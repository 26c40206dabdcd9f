using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>What the layers of plain convolutions have in common.</summary>
static class ConvolutionParameters
{
    /// <summary>Refuses sizes that no convolution has.</summary>
    public static void Check(int inChannels, int outChannels, Extent2 kernelSize, Extent2 stride, Extent2 dilation, int groups)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inChannels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(outChannels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Math.Min(kernelSize.Height, kernelSize.Width), 1, nameof(kernelSize));
        ArgumentOutOfRangeException.ThrowIfLessThan(Math.Min(stride.Height, stride.Width), 1, nameof(stride));
        ArgumentOutOfRangeException.ThrowIfLessThan(Math.Min(dilation.Height, dilation.Width), 1, nameof(dilation));
        ArgumentOutOfRangeException.ThrowIfLessThan(groups, 1);
        if (inChannels % groups != 0 || outChannels % groups != 0)
            throw new ArgumentOutOfRangeException(nameof(groups), groups, $"Groups divide the {inChannels} and {outChannels} channels.");
    }

    /// <summary>Numbers uniform within 1 / sqrt(fan) for a kernel of shape [*, ...] with fan the product of the other extents: PyTorch's
    /// Kaiming-uniform with slope sqrt 5.</summary>
    public static Tensor Initial(Shape shape, Shape kernel, Generator generator, DType dtype)
    {
        var bound = 1 / Math.Sqrt(kernel[1..].ElementCount);
        return Tensor.Uniform(shape, generator, -bound, bound, dtype);
    }
}
