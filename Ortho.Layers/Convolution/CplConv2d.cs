using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>Convex potential layer of images: x [batch, channels, height, width] to the same shape; see
/// <see cref="ConvexPotentialBlock"/>.</summary>
public sealed class CplConv2d : ConvexPotentialBlock
{
    /// <summary>A block with normal numbers of variance 1 / (channels k^2) and zero bias.</summary>
    /// <param name="channels">Channels of x.</param>
    /// <param name="hidden">Channels within.</param>
    /// <param name="kernelSize">Height and width of the kernel.</param>
    /// <param name="generator">Source of the initial kernel.</param>
    /// <param name="padding">Circular or zeros.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or no padding.</exception>
    public CplConv2d(int channels, int hidden, Extent2 kernelSize, Generator generator,
        ConvolutionPadding padding = ConvolutionPadding.Circular, DType dtype = DType.Float32)
        : base("CplConv2d", new KernelOperator(KernelOperator.Shape(channels, hidden, kernelSize, padding)),
            Initial([hidden, channels, kernelSize.Height, kernelSize.Width], generator, dtype), ParameterRole.Convolution)
    {
    }
}
