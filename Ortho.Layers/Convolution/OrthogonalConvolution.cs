using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Layers.ConvolutionMethods;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>What orthogonal convolutions of images and signals, and their adjoints, have in common: free numbers, a method that makes a
/// convolution of them, and a certificate.</summary>
/// <remarks>
/// With outputs &gt;= inputs stride^2 the convolution is an isometry; with outputs &lt;= inputs stride^2 its adjoint is. What the method
/// makes of the free numbers is computed once for each training step and forward pass, and kept while they do not change.
/// </remarks>
public abstract class OrthogonalConvolution : Module, ICertifiable
{
    readonly Cached<FilterUse?> filter;
    readonly string name;
    (int Height, int Width)? lastSize;

    private protected OrthogonalConvolution(string name, ConvolutionShape shape, int biases, Generator generator,
        IConvolutionMethod? method, DType dtype)
    {
        this.name = name;
        Method = method ?? new FourierCayley();
        ConvolutionParameters.Check(shape.Inputs, shape.Outputs, shape.Kernel, shape.Stride, shape.Dilation, shape.Groups);
        Method.Require(shape);
        Architecture = shape;
        using (Graph.NoGrad())
            Free = [.. Method.Initial(shape, generator, dtype).Select(numbers => Register(numbers.Name, numbers.Value, numbers.Role))];
        filter = new(Free, use => Method.Filter(shape, [.. Free.Select(parameter => parameter.Value)], use));
        Bias = biases > 0 ? Register("bias", Tensor.Zeros([biases], dtype), ParameterRole.Vector) : null;
    }

    /// <summary>How free numbers become a convolution.</summary>
    public IConvolutionMethod Method { get; }

    /// <summary>Channels, taps, stride and the rest; of a transposed layer, those of the convolution whose adjoint it is.</summary>
    public ConvolutionShape Architecture { get; }

    /// <summary>The free numbers, by the method.</summary>
    public IReadOnlyList<Parameter> Free { get; }

    /// <summary>Bias, one for each channel of the output, if there is one.</summary>
    public Parameter? Bias { get; }

    /// <summary>The kernel [outputs, inputs / groups, kernel height, kernel width] of the convolution; null for methods whose kernel is as
    /// large as the images. The height is 1 for signals.</summary>
    public Tensor? Kernel
        => Method.UseFor(Architecture, 1, 0, 0, isTraining: false) is null ? Method.Kernel(Architecture, filter.Of(null)) : null;

    /// <summary>What the method makes of the free numbers for an image of this size, in use: a kernel, or a complex matrix for each
    /// frequency of a half spectrum (after the stride).</summary>
    public Tensor Filter(int height, int width) => Filter(1, height, width, isTraining: false);

    Tensor Filter(int batch, int height, int width, bool isTraining)
        => filter.Of(Method.UseFor(Architecture, batch, height, width, isTraining));

    /// <summary>The convolution of images.</summary>
    private protected Tensor Convolve(Tensor x)
    {
        var stride = Architecture.Stride;
        if (x.Rank != 4 || x.Shape[1] != Architecture.Inputs)
            throw Misfit(x, $"[batch, {Architecture.Inputs}, height, width]");
        var (height, width) = (x.Shape[2], x.Shape[3]);
        var isValid = Architecture.Padding == ConvolutionPadding.Valid;
        var (down, across) = isValid ? (height - Span.Height, width - Span.Width) : (height, width);
        if (down % stride.Height != 0 || across % stride.Width != 0)
        {
            var divisors = stride.Height == stride.Width ? $"{stride.Width}" : $"{stride.Height} and {stride.Width}";
            throw Misfit(x, $"{(isValid ? $"extents less {Span.Height} and {Span.Width}" : "extents")} divisible by {divisors}");
        }
        CheckSize(x, height, width);
        var y = Method.Apply(Architecture, Filter(x.Shape[0], height, width, IsTraining), x, IsTraining);
        lastSize = (height, width);
        return WithBias(y);
    }

    /// <summary>The adjoint, which makes images.</summary>
    private protected Tensor ConvolveAdjoint(Tensor x)
    {
        if (x.Rank != 4 || x.Shape[1] != Architecture.Outputs)
            throw Misfit(x, $"[batch, {Architecture.Outputs}, height, width]");
        var stride = Architecture.Stride;
        var (height, width) = Architecture.Padding == ConvolutionPadding.Valid
            ? ((x.Shape[2] - 1) * stride.Height + Span.Height, (x.Shape[3] - 1) * stride.Width + Span.Width)
            : (x.Shape[2] * stride.Height, x.Shape[3] * stride.Width);
        CheckSize(x, height, width);
        var y = Method.ApplyAdjoint(Architecture, Filter(x.Shape[0], height, width, IsTraining), x, IsTraining);
        lastSize = (height, width);
        return WithBias(y);
    }

    /// <summary>Signals [batch, channels, length] as images of one row.</summary>
    private protected Tensor Row(Tensor x, int channels)
        => x.Rank == 3 && x.Shape[1] == channels ? x.Unsqueeze(2) : throw Misfit(x, $"[batch, {channels}, length]");

    // From the first tap to the last.
    Extent2 Span => new(Architecture.Before.Height + Architecture.After.Height + 1,
        Architecture.Before.Width + Architecture.After.Width + 1);

    void CheckSize(Tensor x, int height, int width)
    {
        var least = Architecture.Padding == ConvolutionPadding.Valid ? Span : 1;
        if (height < least.Height || width < least.Width)
            throw Misfit(x, $"extents no smaller than the kernel, {least.Height} x {least.Width}");
    }

    TensorArgumentException Misfit(Tensor x, string expected) => new(name, nameof(x), $"{x.Shape}", expected);

    Tensor WithBias(Tensor y) => Bias is null ? y : y + Bias.Value.Reshape(1, -1, 1, 1);

    /// <summary>The exact range of singular values for the last size of images seen.</summary>
    /// <exception cref="InvalidOperationException">No image has been seen.</exception>
    public Spectrum Certify()
    {
        var (height, width) = lastSize ?? throw new InvalidOperationException(
            $"{name}.Certify: the spectrum depends on the image size, and no image has passed yet; use Certify(height, width).");
        return Certify(height, width);
    }

    /// <summary>The exact range of singular values for images of this size (of the larger ones, where there is a stride), as in use, not in
    /// training.</summary>
    /// <remarks>Circular padding: from the matrices of all frequencies of the torus. Zeros or none: from the answers to all unit
    /// impulses, whose singular values cost the cube of the number of pixels. In float64 on the host.</remarks>
    /// <param name="height">Height; 1 for signals.</param>
    /// <param name="width">Width, or length.</param>
    public Spectrum Certify(int height, int width)
    {
        using (Graph.NoGrad())
        {
            if (Architecture.Padding == ConvolutionPadding.Circular)
                return Spectrum.OfMatrix(Method.Symbol(Architecture, Filter(height, width), height, width));
            var (made, count) = (Filter(height, width), Architecture.Inputs * height * width);
            var impulses = Tensor.Eye(count, dtype: made.DType, device: made.Device).Reshape(count, Architecture.Inputs, height, width);
            return Spectrum.OfMatrix(Method.Apply(Architecture, made, impulses, isTraining: false).Flatten(1));
        }
    }
}
