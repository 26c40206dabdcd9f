using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>
/// An exactly orthogonal convolution with circular padding: the Cayley map applied to the kernel's symbol at every frequency.
/// x [batch, inChannels, height, width] to [batch, outChannels, height / stride, width / stride]. Trockman and Kolter 2021.
/// </summary>
/// <remarks>
/// <para>A circular convolution is one matrix W(xi) [out, in] for each frequency xi, so it is orthogonal exactly when all of these are.
/// The symbol of the kernel, scaled to a learnable Frobenius norm, is mapped by <see cref="Cayley"/>; the resulting filter is as large as
/// the image and depends on its size.</para>
/// <para>With out &gt;= in stride^2 the layer is an isometry; with out &lt;= in stride^2 its adjoint is. A stride is made by
/// <see cref="PixelUnshuffle"/> before a convolution of stride 1, and is orthogonal with it.</para>
/// </remarks>
public sealed class OrthogonalConv2d : Module, ICertifiable
{
    static readonly Cayley cayley = new();

    readonly PixelUnshuffle? unshuffle;
    readonly Cached<(int Height, int Width)> symbol;
    (int Height, int Width)? lastSize;

    /// <summary>A layer with a random kernel and zero bias.</summary>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernelSize">Side of the kernel before orthogonalisation (after down-sampling when there is a stride).</param>
    /// <param name="generator">Source of the initial kernel.</param>
    /// <param name="stride">1 or more; height and width must be divisible by it.</param>
    /// <param name="bias">Whether each output channel has one.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive.</exception>
    public OrthogonalConv2d(int inChannels, int outChannels, int kernelSize, Generator generator, int stride = 1, bool bias = true, DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inChannels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(outChannels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(kernelSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(stride, 1);
        unshuffle = stride > 1 ? new PixelUnshuffle(stride) : null;
        var inner = inChannels * stride * stride;
        var kernel = Tensor.Normal([outChannels, inner, kernelSize, kernelSize], generator, deviation: 1 / Math.Sqrt(inner * kernelSize * kernelSize), dtype: dtype);
        Kernel = Register("weight", kernel, ParameterRole.Convolution);
        using (Graph.NoGrad())
            Scale = Register("scale", Tensor.Ones([], dtype), ParameterRole.Vector);
        symbol = new([Kernel, Scale], size => Compute(size.Height, size.Width));
        Bias = bias ? Register("bias", Tensor.Zeros([outChannels], dtype), ParameterRole.Vector) : null;
    }

    /// <summary>The free kernel [out, in stride^2, k, k].</summary>
    public Parameter Kernel { get; }

    /// <summary>The learnable size of the symbol: the root mean square of its singular values before the Cayley map.</summary>
    public Parameter Scale { get; }

    /// <summary>Bias [out], if there is one.</summary>
    public Parameter? Bias { get; }

    /// <summary>The orthogonal matrices of all frequencies of an image, [frequencies, out, in stride^2], complex.</summary>
    /// <param name="height">Height after the stride.</param>
    /// <param name="width">Width after the stride.</param>
    public Tensor Symbol(int height, int width) => symbol.Of((height, width));

    Tensor Compute(int height, int width)
    {
        var spectrum = Tensor.ConvolutionSymbol(Kernel, height, width);
        // Normalised so that the average squared singular value over the half spectrum is Scale^2, whatever the size of the image.
        var (frequencies, rank) = (spectrum.Shape[0], Math.Min(spectrum.Shape[1], spectrum.Shape[2]));
        var size = spectrum.Norm() / Math.Sqrt((double)frequencies * rank) + 1e-12;
        var free = spectrum * (Scale.Value / size);
        return cayley.Forward(free);
    }

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">The channels differ, the image is smaller than the kernel or not divisible by the stride.</exception>
    public override Tensor Forward(Tensor x)
    {
        if (unshuffle is not null)
            x = unshuffle.Forward(x);
        var channels = Kernel.Value.Shape[1];
        if (x.Rank != 4 || x.Shape[1] != channels)
            throw new TensorArgumentException("OrthogonalConv2d", nameof(x), $"{x.Shape}", $"[batch, {channels}, height, width] (channels after the stride)");
        var y = Tensor.ApplySymbol(Symbol(x.Shape[2], x.Shape[3]), x);
        lastSize = (x.Shape[2], x.Shape[3]);
        return Bias is null ? y : y + Bias.Value.Reshape(1, -1, 1, 1);
    }

    /// <summary>The exact range of singular values on the torus of the last image size seen.</summary>
    /// <exception cref="InvalidOperationException">No image has been seen.</exception>
    public Spectrum Certify()
    {
        var (height, width) = lastSize ?? throw new InvalidOperationException("OrthogonalConv2d.Certify: the spectrum depends on the image size, and no image has passed yet; use Certify(height, width).");
        return Certify(height, width);
    }

    /// <summary>The exact range of singular values for an image size (after the stride).</summary>
    public Spectrum Certify(int height, int width)
    {
        using (Graph.NoGrad())
            return Spectrum.OfMatrix(Symbol(height, width));
    }
}
