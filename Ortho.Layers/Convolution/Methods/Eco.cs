using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers.ConvolutionMethods;

/// <summary>Explicitly constructed orthogonal convolution: unitary matrices on a grid of k x k frequencies, whose kernel is applied with
/// the dilation n / k, so that the spectrum on n x n repeats them. Yu et al. 2022.</summary>
/// <remarks>
/// The matrices are exponentials of skew-Hermitian ones, real where a frequency is its own negative, conjugates of one another where
/// two are negatives. Exactly orthogonal, at the price of taps that lie n / k apart whatever n is: k divides the extents of the images,
/// after the stride. Channels are filled up, or left out after; a stride is made by <see cref="PixelUnshuffle"/>. The exponential waits for
/// the device once.
/// </remarks>
public sealed class Eco : IConvolutionMethod
{
    /// <inheritdoc/>
    public FilterUse? UseFor(ConvolutionShape shape, int batch, int height, int width, bool isTraining) => null;

    /// <inheritdoc/>
    public void Require(ConvolutionShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        Circular.Require("Eco", shape);
    }

    // For each frequency of the half spectrum, the number of its matrix: real ones first, then one of each pair, then their conjugates.
    static (int Real, int Pairs, long[] Order) Grid(Extent2 kernel)
    {
        var (h, w) = (kernel.Height, kernel.Width);
        List<(int I, int J)> real = [], pairs = [];
        (int I, int J) Negative((int I, int J) at) => ((h - at.I) % h, (w - at.J) % w);
        (int I, int J)[] half = [.. from i in Enumerable.Range(0, h) from j in Enumerable.Range(0, w / 2 + 1) select (i, j)];
        foreach (var at in half)
        {
            if (Negative(at) == at)
                real.Add(at);
            else if (!pairs.Contains(Negative(at)))
                pairs.Add(at);
        }
        return (real.Count, pairs.Count, [.. half.Select(at => (long)(
            real.IndexOf(at) is var r and >= 0 ? r
            : pairs.IndexOf(at) is var p and >= 0 ? real.Count + p
            : real.Count + pairs.Count + pairs.IndexOf(Negative(at))))]);
    }

    static int Channels(ConvolutionShape shape) => Math.Max(shape.Outputs, shape.Inputs * shape.Block);

    /// <summary>Normal numbers of variance 1 / channels: <c>real</c> [frequencies, c, c] and, where there are pairs, the real and the
    /// imaginary part <c>complex</c> [2, pairs, c, c].</summary>
    public IReadOnlyList<FreeNumbers> Initial(ConvolutionShape shape, Generator generator, DType dtype)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var ((real, pairs, _), c) = (Grid(shape.Kernel), Channels(shape));
        FreeNumbers Numbers(string name, Shape extents)
            => new(name, Tensor.Normal(extents, generator, deviation: 1 / Math.Sqrt(c), dtype: dtype), ParameterRole.Matrix);
        var own = Numbers("real", [real, c, c]);
        return pairs == 0 ? [own] : [own, Numbers("complex", [2, pairs, c, c])];
    }

    /// <summary>The kernel [outputs, inputs stride^2, k, k], before its dilation.</summary>
    public Tensor Filter(ConvolutionShape shape, IReadOnlyList<Tensor> free, FilterUse? use)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(free);
        var ((_, _, order), h, w) = (Grid(shape.Kernel), shape.Kernel.Height, shape.Kernel.Width);
        var real = (free[0] - free[0].T).MatrixExp();
        var unitary = real.To(real.DType.ComplexType);
        if (free.Count > 1)
        {
            var complex = Tensor.Complex(free[1].Select(0, 0), free[1].Select(0, 1));
            var paired = (complex - complex.H).MatrixExp();
            unitary = Tensor.Concat([unitary, paired, paired.Conj()]);
        }
        var c = unitary.Shape[^1];
        var spectrum = unitary.IndexSelect(0, Tensor.From(order, [order.Length], real.Device)).Reshape(h, w / 2 + 1, c, c);
        return spectrum.Permute(2, 3, 0, 1).Narrow(0, 0, shape.Outputs).Narrow(1, 0, shape.Inputs * shape.Block).Irfft2(h, w);
    }

    /// <summary>The kernel, of which the layer is the convolution with dilation n / k; null under a stride, where it applies to pixels that
    /// have become channels.</summary>
    public Tensor? Kernel(ConvolutionShape shape, Tensor filter)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return shape.Stride == 1 ? filter : null;
    }

    // After the stride, for images of this size.
    static ConvolutionShape Dilated(ConvolutionShape shape, int height, int width)
    {
        var kernel = shape.Kernel;
        if (height % kernel.Height != 0 || width % kernel.Width != 0)
            throw new TensorArgumentException("Eco", "x", $"{height} x {width} after the stride",
                $"extents divisible by the kernel's {kernel.Height} x {kernel.Width}");
        return shape with { Inputs = shape.Inputs * shape.Block, Stride = 1, Dilation = new(height / kernel.Height, width / kernel.Width) };
    }

    /// <inheritdoc/>
    public Tensor Apply(ConvolutionShape shape, Tensor filter, Tensor x, bool isTraining)
    {
        var inner = Circular.Unshuffle(shape, x);
        return ExplicitConvolution.Apply(Dilated(shape, inner.Shape[2], inner.Shape[3]), filter, inner);
    }

    /// <inheritdoc/>
    public Tensor ApplyAdjoint(ConvolutionShape shape, Tensor filter, Tensor y, bool isTraining)
    {
        ArgumentNullException.ThrowIfNull(y);
        return Circular.Shuffle(shape, ExplicitConvolution.ApplyAdjoint(Dilated(shape, y.Shape[2], y.Shape[3]), filter, y));
    }

    /// <inheritdoc/>
    public Tensor Symbol(ConvolutionShape shape, Tensor filter, int height, int width)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var (h, w) = (height / shape.Stride.Height, width / shape.Stride.Width);
        return ConvolutionSpectrum.Symbol(filter, h, w, dilation: Dilated(shape, h, w).Dilation);
    }
}
