using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.ConvolutionMethods;

/// <summary>A method whose filter is one matrix for each frequency of the images, made orthogonal for itself.</summary>
/// <remarks>A circular convolution is one complex matrix W(xi) [outputs, inputs] for each frequency xi, so it is orthogonal exactly when
/// all of these are. The resulting kernel is as large as the image and depends on its size. A stride is made by
/// <see cref="PixelUnshuffle"/>
/// before a convolution of stride 1, and is orthogonal with it; the size of the kernel is meant after it.</remarks>
public abstract class SymbolMethod : IConvolutionMethod
{
    /// <inheritdoc/>
    public FilterUse? UseFor(ConvolutionShape shape, int batch, int height, int width, bool isTraining) => new(height, width, false);

    /// <inheritdoc/>
    public void Require(ConvolutionShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        Circular.Require(GetType().Name, shape);
    }

    /// <summary>The free kernel [outputs, inputs stride^2, kernel height, kernel width] <c>weight</c>, and what the method needs beside
    /// it.</summary>
    public abstract IReadOnlyList<FreeNumbers> Initial(ConvolutionShape shape, Generator generator, DType dtype);

    /// <summary>Orthogonal matrices from those of the free kernel.</summary>
    /// <param name="symbol">Complex [frequencies, outputs, inputs stride^2].</param>
    /// <param name="free">The free numbers, the kernel first.</param>
    protected abstract Tensor Orthogonalize(Tensor symbol, IReadOnlyList<Tensor> free);

    /// <inheritdoc/>
    public Tensor Filter(ConvolutionShape shape, IReadOnlyList<Tensor> free, FilterUse? use)
    {
        var (height, width, _) = use ?? throw new ArgumentNullException(nameof(use));
        return Orthogonalize(Tensor.ConvolutionSymbol(free[0], height / shape.Stride.Height, width / shape.Stride.Width), free);
    }

    /// <inheritdoc/>
    public Tensor? Kernel(ConvolutionShape shape, Tensor filter) => null;

    /// <inheritdoc/>
    public Tensor Apply(ConvolutionShape shape, Tensor filter, Tensor x, bool isTraining)
        => Tensor.ApplySymbol(filter, Circular.Unshuffle(shape, x));

    /// <inheritdoc/>
    public Tensor ApplyAdjoint(ConvolutionShape shape, Tensor filter, Tensor y, bool isTraining)
        => Circular.Shuffle(shape, Tensor.ApplySymbol(filter.H.Contiguous(), y));

    /// <inheritdoc/>
    public Tensor Symbol(ConvolutionShape shape, Tensor filter, int height, int width) => filter;
}

/// <summary>What methods that make a stride by a permutation of pixels have in common.</summary>
static class Circular
{
    public static void Require(string method, ConvolutionShape shape, bool takesZeros = false)
    {
        if (shape.Padding != ConvolutionPadding.Circular && !(takesZeros && shape.Padding == ConvolutionPadding.Zeros))
            throw new TensorArgumentException(method, "padding", $"{shape.Padding}", takesZeros ? "Circular or Zeros" : "Circular");
        if (shape.Dilation != 1 || shape.Groups != 1)
        {
            var (argument, given) = shape.Groups != 1 ? ("groups", $"{shape.Groups}") : ("dilation", $"{shape.Dilation}");
            throw new TensorArgumentException(method, argument, given, "1; Bcop and Aoc have others");
        }
    }

    public static Tensor Unshuffle(ConvolutionShape shape, Tensor x) => shape.Stride == 1 ? x : new PixelUnshuffle(shape.Stride).Forward(x);

    public static Tensor Shuffle(ConvolutionShape shape, Tensor x) => shape.Stride == 1 ? x : new PixelShuffle(shape.Stride).Forward(x);
}
