using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.ConvolutionMethods;

/// <summary>Explicitly constructed orthogonal convolution: unitary matrices on a grid of k x k frequencies, whose kernel is applied with
/// the dilation n / k, so that the spectrum on n x n repeats them. Yu et al. 2022.</summary>
/// <remarks>
/// <para>The matrices are exponentials of skew-Hermitian ones, real where a frequency is its own negative, conjugates of one another where
/// two are negatives. Exactly orthogonal, at the price of taps that lie n / k apart whatever n is: k divides the extents of the images,
/// after the stride. Channels are filled up, or left out after; a stride is made by <see cref="PixelUnshuffle"/>.</para>
/// <para>Only pixels a multiple of n / k apart meet, so an image is (n / k)^2 images of k x k pixels, whose Fourier transform the matrices
/// are applied to: a product with the k^2 x k^2 matrix of the real Fourier basis before them, and one after. For k = 3 that is a fifth of
/// the multiplications of the dilated convolution.</para>
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

    // Frequencies that are their own negatives, and of two that are negatives the first in the half spectrum.
    static ((int I, int J)[] Real, (int I, int J)[] Pairs) Grid(Extent2 kernel)
    {
        List<(int I, int J)> real = [], pairs = [];
        foreach (var at in Half(kernel))
        {
            if (Negative(kernel, at) == at)
                real.Add(at);
            else if (!pairs.Contains(Negative(kernel, at)))
                pairs.Add(at);
        }
        return ([.. real], [.. pairs]);
    }

    static IEnumerable<(int I, int J)> Half(Extent2 kernel)
        => from i in Enumerable.Range(0, kernel.Height) from j in Enumerable.Range(0, kernel.Width / 2 + 1) select (i, j);

    static (int I, int J) Negative(Extent2 kernel, (int I, int J) at)
        => ((kernel.Height - at.I) % kernel.Height, (kernel.Width - at.J) % kernel.Width);

    static int Channels(ConvolutionShape shape) => Math.Max(shape.Outputs, shape.Inputs * shape.Block);

    /// <summary>Normal numbers of variance 1 / channels: <c>real</c> [frequencies, c, c] and, where there are pairs, the real and the
    /// imaginary part <c>complex</c> [2, pairs, c, c].</summary>
    public IReadOnlyList<FreeNumbers> Initial(ConvolutionShape shape, Generator generator, DType dtype)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var ((real, pairs), c) = (Grid(shape.Kernel), Channels(shape));
        FreeNumbers Numbers(string name, Shape extents)
            => new(name, Tensor.Normal(extents, generator, deviation: 1 / Math.Sqrt(c), dtype: dtype), ParameterRole.Matrix);
        var own = Numbers("real", [real.Length, c, c]);
        return pairs.Length == 0 ? [own] : [own, Numbers("complex", [2, pairs.Length, c, c])];
    }

    /// <summary>The matrices [frequencies, outputs, inputs stride^2], real ones first, then one of each pair; complex where there are
    /// pairs.</summary>
    public Tensor Filter(ConvolutionShape shape, IReadOnlyList<Tensor> free, FilterUse? use)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(free);
        var unitary = (free[0] - free[0].T).MatrixExp();
        if (free.Count > 1)
        {
            var complex = Tensor.Complex(free[1].Select(0, 0), free[1].Select(0, 1));
            unitary = Tensor.Concat([unitary.To(unitary.DType.ComplexType), (complex - complex.H).MatrixExp()]);
        }
        return unitary.Narrow(1, 0, shape.Outputs).Narrow(2, 0, shape.Inputs * shape.Block);
    }

    /// <summary>The kernel [outputs, inputs, k, k], of which the layer is the convolution with dilation n / k; null under a stride, where
    /// it applies to pixels that have become channels.</summary>
    public Tensor? Kernel(ConvolutionShape shape, Tensor filter)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(filter);
        if (shape.Stride != 1)
            return null;
        var ((real, pairs), kernel) = (Grid(shape.Kernel), shape.Kernel);
        (int, int)[] first = [.. real, .. pairs];
        long[] order = [.. Half(kernel).Select(at => (long)(Array.IndexOf(first, at) is var k and >= 0
            ? k : first.Length + Array.IndexOf(pairs, Negative(kernel, at))))];
        var matrices = filter.DType.IsComplex ? filter : filter.To(filter.DType.ComplexType);
        matrices = Tensor.Concat([matrices, matrices.Narrow(0, real.Length, pairs.Length).Conj()]);
        var spectrum = matrices.IndexSelect(0, Tensor.From(order, [order.Length], filter.Device))
            .Reshape(kernel.Height, kernel.Width / 2 + 1, shape.Outputs, shape.Inputs);
        return spectrum.Permute(2, 3, 0, 1).Irfft2(kernel.Height, kernel.Width);
    }

    static void RequireDivisible(ConvolutionShape shape, int height, int width)
    {
        var kernel = shape.Kernel;
        if (height % kernel.Height != 0 || width % kernel.Width != 0)
            throw new TensorArgumentException("Eco", "x", $"{height} x {width} after the stride",
                $"extents divisible by the kernel's {kernel.Height} x {kernel.Width}");
    }

    // Orthonormal rows for the parts of each frequency, cosines and, beside complex matrices, sines: [frequencies parts, k^2]. Turned round
    // the torus by the kernel's middle.
    static Tensor Basis(ConvolutionShape shape, Tensor like, bool fromMiddle)
    {
        var ((real, pairs), (h, w)) = (Grid(shape.Kernel), (shape.Kernel.Height, shape.Kernel.Width));
        var (top, left) = fromMiddle ? (h / 2, w / 2) : (0, 0);
        var rows = new List<double>();
        foreach (var (index, (i, j)) in real.Concat(pairs).Index())
        {
            var size = Math.Sqrt((index < real.Length ? 1.0 : 2.0) / (h * w));
            foreach (var part in pairs.Length == 0 ? [0] : new[] { 0, 1 })
            {
                for (var pixel = 0; pixel < h * w; pixel++)
                {
                    // Of a whole turn, so that a frequency that is its own negative has sines of 0.
                    var (row, column) = (i * (pixel / w - top + h) % h, j * (pixel % w - left + w) % w);
                    var (sine, cosine) = Math.SinCos(2 * Math.PI * ((double)row / h + (double)column / w));
                    rows.Add(part == 0 ? size * cosine : index < real.Length ? 0 : size * sine);
                }
            }
        }
        return Tensor.From([.. rows], [rows.Count / (h * w), h * w], like.Device).To(like.DType);
    }

    // x in one basis, the matrices, and out of the other.
    static Tensor Mixed(ConvolutionShape shape, Tensor matrices, Tensor x, Tensor analysis, Tensor synthesis)
    {
        var (batch, channels, kh, kw) = (x.Shape[0], x.Shape[1], shape.Kernel.Height, shape.Kernel.Width);
        RequireDivisible(shape, x.Shape[2], x.Shape[3]);
        var (rows, columns) = (x.Shape[2] / kh, x.Shape[3] / kw);
        var (frequencies, outputs) = (matrices.Shape[0], matrices.Shape[1]);
        if (matrices.DType.IsComplex)
        {
            // (R + i I) (u + i v), the parts one below the other.
            var (re, im) = (matrices.Real(), matrices.Imag());
            matrices = Tensor.Concat([Tensor.Concat([re, -im], 2), Tensor.Concat([im, re], 2)], 1);
        }
        var pixels = x.Reshape(batch, channels, kh, rows, kw, columns).Permute(0, 2, 4, 1, 3, 5)
            .Reshape(batch, kh * kw, channels * rows * columns);
        var parts = analysis.MatMul(pixels).Reshape(batch, frequencies, matrices.Shape[2], rows * columns);
        parts = matrices.MatMul(parts).Reshape(batch, synthesis.Shape[1], outputs * rows * columns);
        return synthesis.MatMul(parts).Reshape(batch, kh, kw, outputs, rows, columns).Permute(0, 3, 1, 4, 2, 5)
            .Reshape(batch, outputs, kh * rows, kw * columns);
    }

    /// <inheritdoc/>
    public Tensor Apply(ConvolutionShape shape, Tensor filter, Tensor x, bool isTraining)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(x);
        return Mixed(shape, filter, Circular.Unshuffle(shape, x), Basis(shape, x, fromMiddle: false), Basis(shape, x, fromMiddle: true).T);
    }

    /// <inheritdoc/>
    public Tensor ApplyAdjoint(ConvolutionShape shape, Tensor filter, Tensor y, bool isTraining)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentNullException.ThrowIfNull(y);
        return Circular.Shuffle(shape, Mixed(shape, filter.H, y, Basis(shape, y, fromMiddle: true), Basis(shape, y, fromMiddle: false).T));
    }

    /// <inheritdoc/>
    public Tensor Symbol(ConvolutionShape shape, Tensor filter, int height, int width)
    {
        ArgumentNullException.ThrowIfNull(shape);
        RequireDivisible(shape, height / shape.Stride.Height, width / shape.Stride.Width);
        return filter;
    }
}
