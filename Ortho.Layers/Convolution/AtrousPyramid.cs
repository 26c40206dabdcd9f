using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>One place seen at several scales: a 1x1 convolution, 3x3 convolutions of several dilations, and the image's mean (through a 1x1
/// convolution and ReLU), side by side, then a 1x1 convolution and ReLU. Chen et al. 2017 (ASPP), in the form of Yang et al.
/// 2021.</summary>
/// <remarks>x [batch, inChannels, height, width] to [batch, outChannels, height, width].</remarks>
public sealed class AtrousPyramid : Module
{
    readonly Conv2d point, pooled, output;
    readonly Conv2d[] dilated;

    /// <summary>A pyramid with the initial weights of <see cref="Conv2d"/>.</summary>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="branchChannels">Channels of each branch.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="generator">Source of the initial weights.</param>
    /// <param name="dilations">Of the 3x3 convolutions; 6, 12 and 18 when null.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive.</exception>
    public AtrousPyramid(int inChannels, int branchChannels, int outChannels, Generator generator, IReadOnlyList<int>? dilations = null,
        DType dtype = DType.Float32)
    {
        dilations ??= [6, 12, 18];
        point = Register("point", new Conv2d(inChannels, branchChannels, 1, generator, dtype: dtype));
        dilated = [.. dilations.Select((d, k) => Register($"dilated{k}",
            new Conv2d(inChannels, branchChannels, 3, generator, padding: d, dilation: d, dtype: dtype)))];
        pooled = Register("pooled", new Conv2d(inChannels, branchChannels, 1, generator, dtype: dtype));
        output = Register("output", new Conv2d((dilations.Count + 2) * branchChannels, outChannels, 1, generator, dtype: dtype));
    }

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">x has other channels, or is no batch of images.</exception>
    public override Tensor Forward(Tensor x)
    {
        var places = point.Forward(x);
        // The mean is one place for the whole image: to enlarge it is to repeat it.
        var mean = pooled.Forward(x.Mean([2, 3], keepDimensions: true)).Relu().Expand([.. places.Shape]);
        return output.Forward(Tensor.Concat([places, .. dilated.Select(branch => branch.Forward(x)), mean], 1)).Relu();
    }
}
