using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers.ConvolutionMethods;

/// <summary>Skew orthogonal convolution: the exponential of a skew-symmetric convolution L, summed by applying L again and again,
/// z = x + L x + L^2 x / 2 + ... Singla and Feizi 2021.</summary>
/// <remarks>
/// The kernel of L is scaled to 0.7 / (the least of four matrix norms), which leaves |L| &lt;= 0.7 sqrt(h w). The sum to degree T is
/// orthogonal up to |L|^(T+1) e^|L| / (T+1)!. Zeros around the images keep L skew, hence the layer orthogonal: it is the one method that
/// has them. Channels are filled up with zeros before, or left out after; a stride is made by <see cref="PixelUnshuffle"/>.
/// </remarks>
/// <param name="terms">T in use.</param>
/// <param name="trainingTerms">T while training.</param>
public sealed class Soc(int terms = 12, int trainingTerms = 5) : IConvolutionMethod
{
    const double Norm = 0.7;

    readonly int terms = terms > 0 ? terms : throw new ArgumentOutOfRangeException(nameof(terms), terms, "Soc: at least one term.");
    readonly int trainingTerms = trainingTerms > 0
        ? trainingTerms : throw new ArgumentOutOfRangeException(nameof(trainingTerms), trainingTerms, "Soc: at least one term.");

    /// <inheritdoc/>
    public bool DependsOnImage => false;

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

    /// <summary>The kernel of L.</summary>
    public Tensor Filter(ConvolutionShape shape, IReadOnlyList<Tensor> free, int height, int width)
    {
        ArgumentNullException.ThrowIfNull(free);
        var kernel = SkewKernels.Of(free[0]);
        return kernel * (Norm / SkewKernels.FourNorms(kernel));
    }

    /// <summary>None: that of the exponential has no end.</summary>
    public Tensor? Kernel(ConvolutionShape shape, Tensor filter) => null;

    /// <inheritdoc/>
    public Tensor Apply(ConvolutionShape shape, Tensor filter, Tensor x, bool isTraining)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return Exponential(shape, filter, Filled(Circular.Unshuffle(shape, x), Channels(shape)), 1, isTraining).Narrow(1, 0, shape.Outputs);
    }

    /// <inheritdoc/>
    public Tensor ApplyAdjoint(ConvolutionShape shape, Tensor filter, Tensor y, bool isTraining)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var x = Exponential(shape, filter, Filled(y, Channels(shape)), -1, isTraining).Narrow(1, 0, shape.Inputs * shape.Block);
        return Circular.Shuffle(shape, x);
    }

    static Tensor Filled(Tensor x, int channels) => x.Pad([(0, channels - x.Shape[1]), (0, 0), (0, 0)]);

    // The adjoint of L is -L.
    Tensor Exponential(ConvolutionShape shape, Tensor filter, Tensor x, int sign, bool isTraining)
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
        var symbol = ConvolutionSpectrum.Symbol(filter, height / shape.Stride.Height, width / shape.Stride.Width);
        var term = Tensor.Eye(symbol.Shape[^1], dtype: symbol.DType).Expand([.. symbol.Shape]);
        var sum = term;
        for (var j = 1; j <= terms; j++)
        {
            term = symbol.MatMul(term) * (1.0 / j);
            sum += term;
        }
        return sum.Narrow(1, 0, shape.Outputs).Narrow(2, 0, shape.Inputs * shape.Block);
    }
}
