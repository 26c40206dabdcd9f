using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>A linear map between channels that 1-Lipschitz layers are made of: a matrix, or a convolution of stride 1.</summary>
abstract class ChannelOperator
{
    /// <summary>V x.</summary>
    public abstract Tensor Apply(Tensor weight, Tensor x);

    /// <summary>V^T y.</summary>
    public abstract Tensor ApplyAdjoint(Tensor weight, Tensor y);

    /// <summary>A number for each channel, so shaped that it multiplies x or y.</summary>
    public abstract Tensor PerChannel(Tensor vector);

    /// <summary>The weight with a factor for each output channel.</summary>
    public abstract Tensor Scaled(Tensor weight, Tensor rows);

    /// <summary>|V V^T| [outputs, outputs], summed over the taps of a convolution.</summary>
    public abstract Tensor AbsoluteRowGram(Tensor weight);

    /// <summary>An upper bound of |V| for inputs of this size, on the weight's device; differentiable.</summary>
    public abstract Tensor NormBound(Tensor weight, (int Height, int Width) size);

    /// <summary>|V| for inputs of this size (of a convolution with zeros around the images, a bound of it), in float64 on the
    /// host.</summary>
    public abstract double Norm(Tensor weight, (int Height, int Width) size);

    /// <summary>Height and width of x.</summary>
    public abstract (int Height, int Width) Size(Tensor x);

    /// <summary>Refuses an x of other channels.</summary>
    public abstract void Check(string operation, Tensor weight, Tensor x);
}

/// <summary>A matrix [outputs, inputs] that acts on the last dimension.</summary>
sealed class MatrixOperator : ChannelOperator
{
    public override Tensor Apply(Tensor weight, Tensor x) => x.MatMul(weight.T);

    public override Tensor ApplyAdjoint(Tensor weight, Tensor y) => y.MatMul(weight);

    public override Tensor PerChannel(Tensor vector) => vector;

    public override Tensor Scaled(Tensor weight, Tensor rows) => weight * rows.Unsqueeze(1);

    public override Tensor AbsoluteRowGram(Tensor weight) => weight.MatMul(weight.T).Abs();

    public override Tensor NormBound(Tensor weight, (int Height, int Width) size) => GramIteration.Bound(weight);

    public override double Norm(Tensor weight, (int Height, int Width) size) => Spectrum.OfMatrix(weight).Largest;

    public override (int Height, int Width) Size(Tensor x) => default;

    public override void Check(string operation, Tensor weight, Tensor x)
    {
        if (x.Rank < 2 || x.Shape[^1] != weight.Shape[1])
            throw new TensorArgumentException(operation, nameof(x), $"{x.Shape}", $"[..., {weight.Shape[1]}] of two dimensions or more");
    }
}

/// <summary>A convolution by a kernel [outputs, inputs, kernel height, kernel width] that leaves the extents as they are.</summary>
sealed class KernelOperator(ConvolutionShape shape) : ChannelOperator
{
    public override Tensor Apply(Tensor weight, Tensor x) => ExplicitConvolution.Apply(shape, weight, x);

    public override Tensor ApplyAdjoint(Tensor weight, Tensor y) => ExplicitConvolution.ApplyAdjoint(shape, weight, y);

    public override Tensor PerChannel(Tensor vector) => vector.Reshape(-1, 1, 1);

    public override Tensor Scaled(Tensor weight, Tensor rows) => weight * rows.Reshape(-1, 1, 1, 1);

    public override Tensor AbsoluteRowGram(Tensor weight) => KernelGram.OfRows(weight).Abs().Sum([2, 3]);

    // With zeros around the images the convolution is a part of that on a larger torus.
    /// <summary>The torus on which the convolution is to be judged for images of this size.</summary>
    public (int Height, int Width) Torus((int Height, int Width) size) => shape.Padding == ConvolutionPadding.Circular
        ? size
        : (size.Height + shape.Kernel.Height - 1, size.Width + shape.Kernel.Width - 1);

    public override Tensor NormBound(Tensor weight, (int Height, int Width) size)
    {
        var (height, width) = Torus(size);
        return ConvolutionSpectrum.GramBound(weight, height, width);
    }

    public override double Norm(Tensor weight, (int Height, int Width) size)
    {
        var (height, width) = Torus(size);
        return ConvolutionSpectrum.SingularValues(weight, height, width).ToArray<double>().Max();
    }

    public override (int Height, int Width) Size(Tensor x) => (x.Shape[2], x.Shape[3]);

    public override void Check(string operation, Tensor weight, Tensor x)
    {
        if (x.Rank != 4 || x.Shape[1] != weight.Shape[1])
            throw new TensorArgumentException(operation, nameof(x), $"{x.Shape}", $"[batch, {weight.Shape[1]}, height, width]");
    }

    /// <summary>The architecture of such a convolution.</summary>
    public static ConvolutionShape Shape(int inputs, int outputs, Extent2 kernel, ConvolutionPadding padding)
    {
        ConvolutionParameters.Check(inputs, outputs, kernel, 1, 1, 1);
        return padding != ConvolutionPadding.Valid
            ? new(inputs, outputs, kernel, 1, 1, 1, padding)
            : throw new ArgumentOutOfRangeException(nameof(padding), padding, "Circular or Zeros: the extents remain.");
    }
}
