using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers.ConvolutionMethods;

/// <summary>Skew orthogonal convolution: the exponential of a skew-symmetric convolution L, summed by applying L again and again,
/// z = x + L x + L^2 x / 2 + ... Singla and Feizi 2021.</summary>
/// <remarks>
/// <para>The kernel of L is scaled to 0.7 / (the least of four matrix norms), which leaves |L| &lt;= 0.7 sqrt(h w). The sum to degree T is
/// orthogonal up to |L|^(T+1) e^|L| / (T+1)!. Zeros around the images keep L skew, hence the layer orthogonal: it is the one method that
/// has them. Channels are filled up with zeros before, or left out after; a stride is made by <see cref="PixelUnshuffle"/>.</para>
/// <para>On a torus L is one skew-Hermitian matrix for each frequency. Where that is less work, the same sum is made of these once for a
/// batch, in about T / 2 products, and applied to all of its images: multiplications are counted (<see cref="UseFor"/>), alike on every
/// device.</para>
/// </remarks>
/// <param name="terms">T in use.</param>
/// <param name="trainingTerms">T while training.</param>
public sealed class Soc(int terms = 12, int trainingTerms = 5) : IConvolutionMethod
{
    const double Norm = 0.7;

    readonly int terms = terms > 0 ? terms : throw new ArgumentOutOfRangeException(nameof(terms), terms, "Soc: at least one term.");
    readonly int trainingTerms = trainingTerms > 0
        ? trainingTerms : throw new ArgumentOutOfRangeException(nameof(trainingTerms), trainingTerms, "Soc: at least one term.");

    // Small complex matrices, with what is added to them, take about four times as long as the multiplications of a convolution (measured).
    const double Small = 4;

    /// <inheritdoc/>
    public FilterUse? UseFor(ConvolutionShape shape, int batch, int height, int width, bool isTraining)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var (h, w, c) = (height / shape.Stride.Height, width / shape.Stride.Width, (double)Channels(shape));
        if (shape.Padding != ConvolutionPadding.Circular || shape.Kernel.Height > h || shape.Kernel.Width > w)
            return null;
        var (count, frequencies, pixels) = (isTraining ? trainingTerms : terms, h * (w / 2 + 1.0), (double)h * w);
        // Real multiplications: a complex one is four; a transform takes 2.5 log2(pixels) for each of them.
        var direct = batch * pixels * count * shape.Kernel.Height * shape.Kernel.Width * c * c;
        var exponential = frequencies * 4 * c * c * c * (count / 2 + count % 2);
        var (outputs, inputs) = (shape.Outputs, shape.Inputs * shape.Block);
        var application = batch * (frequencies * 4 * outputs * inputs + pixels * 2.5 * Math.Log2(pixels) * (outputs + inputs));
        return Small * exponential + application < direct ? new(height, width, isTraining) : null;
    }

    /// <inheritdoc/>
    public void Require(ConvolutionShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        Circular.Require("Soc", shape, takesZeros: true);
        SkewKernels.RequireOdd("Soc", shape);
    }

    static int Channels(ConvolutionShape shape) => Math.Max(shape.Outputs, shape.Inputs * shape.Block);

    static ConvolutionShape Inner(ConvolutionShape shape) => shape with { Inputs = Channels(shape), Outputs = Channels(shape), Stride = 1 };

    /// <inheritdoc/>
    public IReadOnlyList<FreeNumbers> Initial(ConvolutionShape shape, Generator generator, DType dtype)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return [SkewKernels.Initial(Channels(shape), shape.Kernel, generator, dtype)];
    }

    /// <summary>The kernel of L, or for a use the exponential's matrix at each frequency of the half spectrum [frequencies, outputs,
    /// inputs stride^2].</summary>
    public Tensor Filter(ConvolutionShape shape, IReadOnlyList<Tensor> free, FilterUse? use)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(free);
        var kernel = SkewKernels.Of(free[0]);
        kernel = kernel * (Norm / SkewKernels.FourNorms(kernel));
        if (use is not var (height, width, isTraining))
            return kernel;
        var symbol = Tensor.ConvolutionSymbol(kernel, height / shape.Stride.Height, width / shape.Stride.Width);
        return Needed(shape, Exponential(symbol, isTraining ? trainingTerms : terms));
    }

    static Tensor Needed(ConvolutionShape shape, Tensor symbol)
        => symbol.Narrow(1, 0, shape.Outputs).Narrow(2, 0, shape.Inputs * shape.Block);

    // The sum over j <= T of L^j / j!, in pairs of powers: Horner's scheme in L^2.
    static Tensor Exponential(Tensor l, int terms)
    {
        var eye = Tensor.Eye(l.Shape[^1], dtype: l.DType, device: l.Device);
        var coefficients = new double[terms + 1];
        coefficients[0] = 1;
        for (var j = 1; j <= terms; j++)
            coefficients[j] = coefficients[j - 1] / j;
        Tensor Pair(int j) => l * coefficients[j + 1] + eye * coefficients[j];
        if (terms == 1)
            return Pair(0);
        var square = l.MatMul(l);
        var last = (terms - 1) / 2 * 2;
        // Without an odd power to go with it, the last even one needs no product.
        var sum = terms % 2 == 0 ? Pair(last) + square * coefficients[terms] : Pair(last);
        for (var j = last - 2; j >= 0; j -= 2)
            sum = Pair(j).Addmm(square, sum);
        return sum;
    }

    /// <summary>None: that of the exponential has no end.</summary>
    public Tensor? Kernel(ConvolutionShape shape, Tensor filter) => null;

    /// <inheritdoc/>
    public Tensor Apply(ConvolutionShape shape, Tensor filter, Tensor x, bool isTraining)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(filter);
        x = Circular.Unshuffle(shape, x);
        return filter.DType.IsComplex
            ? Tensor.ApplySymbol(filter, x)
            : Sum(shape, filter, Filled(x, Channels(shape)), 1, isTraining).Narrow(1, 0, shape.Outputs);
    }

    /// <inheritdoc/>
    public Tensor ApplyAdjoint(ConvolutionShape shape, Tensor filter, Tensor y, bool isTraining)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(filter);
        return Circular.Shuffle(shape, filter.DType.IsComplex
            ? Tensor.ApplySymbol(filter.H.Contiguous(), y)
            : Sum(shape, filter, Filled(y, Channels(shape)), -1, isTraining).Narrow(1, 0, shape.Inputs * shape.Block));
    }

    static Tensor Filled(Tensor x, int channels) => x.Pad([(0, channels - x.Shape[1]), (0, 0), (0, 0)]);

    // The adjoint of L is -L.
    Tensor Sum(ConvolutionShape shape, Tensor filter, Tensor x, int sign, bool isTraining)
    {
        // Horner: x + L (x + L / 2 (x + L / 3 (...))), the kernel divided and not the images.
        var (inner, sum) = (Inner(shape), x);
        for (var j = isTraining ? trainingTerms : terms; j > 0; j--)
            sum = x + ExplicitConvolution.Apply(inner, filter * ((double)sign / j), sum);
        return sum;
    }

    /// <inheritdoc/>
    public Tensor Symbol(ConvolutionShape shape, Tensor filter, int height, int width)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(filter);
        if (filter.DType.IsComplex)
            return filter;
        var (h, w) = (height / shape.Stride.Height, width / shape.Stride.Width);
        return Needed(shape, Exponential(ConvolutionSpectrum.Symbol(filter, h, w), terms));
    }
}
