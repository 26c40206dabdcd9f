using Ortho.Kernels.Fourier;
using Ortho.Tensors;
using Complex = System.Numerics.Complex;
using FftKernel = Ortho.Kernels.Fourier.Fft;

namespace Ortho.Autograd;

/// <summary>Discrete Fourier transforms, normalised as NumPy's: forward transforms are plain sums, inverse ones carry 1/n.</summary>
/// <remarks>
/// Every length has a fast algorithm. Forward transforms use exp(-2 pi i j k / n). Gradients of complex tensors are dL/dRe + i dL/dIm, so
/// the gradient of y = A x passes through the conjugate transpose of A, which is again one of these transforms: all are differentiable to
/// any order. BFloat16 and Half are transformed in float32: spectra are Complex64 (there is no complex type of 16 bits) and what comes back
/// from them Float32, but convolutions give the dtype of the images.
/// </remarks>
[OpFamily("fourier")]
public static class FourierOps
{
    // A = scale exp(-+ 2 pi i j k / n) is symmetric: its conjugate transpose is the transform of the other direction, same scale.
    static Tensor Transform(string operation, Tensor x, int axis, bool inverse, double scale)
        => Graph.Record(operation, FftKernel.Complex(operation, x, axis, inverse, scale), (x, g => Transform(operation, g, axis, !inverse, scale)));

    // Adjoint of x -> X_k = sum_j x_j w^(jk), k <= n/2, for real x: Re sum_k G_k w^(-jk) over these k only. The real inverse transform
    // counts every interior k twice (for its conjugate partner), hence the weight 1/2 there.
    static Tensor RealToHalf(string operation, Tensor x, int axis, double scale)
    {
        x = x.Wide;
        var n = x.Shape[axis];
        return Graph.Record(operation, FftKernel.RealToComplex(operation, x, axis, scale),
            (x, g => HalfToReal(operation, g * InteriorWeights(g, n, axis, 0.5), n, axis, scale)));
    }

    // And its adjoint in turn: twice the transform at interior k, once at the bins without a partner.
    static Tensor HalfToReal(string operation, Tensor x, int n, int axis, double scale)
        => Graph.Record(operation, FftKernel.ComplexToReal(operation, x, n, axis, scale), (x, g =>
        {
            var half = RealToHalf(operation, g, axis, scale);
            return half * InteriorWeights(half, n, axis, 2);
        }));

    // The same over the last two dimensions, in one.

    static Tensor Transform2(string operation, Tensor x, bool inverse, double scale)
        => Graph.Record(operation, FftKernel.Complex2(operation, x, inverse, scale), (x, g => Transform2(operation, g, !inverse, scale)));

    static Tensor RealToHalf2(string operation, Tensor x, double scale)
    {
        x = x.Wide;
        var n = x.Shape[^1];
        return Graph.Record(operation, FftKernel.RealToComplex2(operation, x, scale),
            (x, g => HalfToReal2(operation, g * InteriorWeights(g, n, g.Rank - 1, 0.5), n, scale)));
    }

    static Tensor HalfToReal2(string operation, Tensor x, int w, double scale)
        => Graph.Record(operation, FftKernel.ComplexToReal2(operation, x, w, scale), (x, g =>
        {
            var half = RealToHalf2(operation, g, scale);
            return half * InteriorWeights(half, w, half.Rank - 1, 2);
        }));

    // The weight at bins that have a conjugate partner, 1 at bin 0 and, for even n, n/2; shaped to broadcast along the axis.
    static Tensor InteriorWeights(Tensor like, int n, int axis, double weight)
    {
        var weights = new Complex[n / 2 + 1];
        for (var k = 0; k < weights.Length; k++)
            weights[k] = k == 0 || 2 * k == n ? 1 : weight;
        var shape = Enumerable.Repeat(1, like.Rank - axis).ToArray();
        shape[0] = weights.Length;
        return Tensor.From(weights, shape, like.Device).To(like.DType);
    }

    static Tensor AsComplex(string operation, Tensor x) => x.DType.IsDifferentiable
        ? x.Wide.To(x.Wide.DType.ComplexType)
        : throw new TensorArgumentException(operation, nameof(x), $"{x.DType}", "a complex or real floating-point tensor");

    static void CheckReal(string operation, string argument, Tensor x)
    {
        if (!x.DType.IsFloatingPoint)
            throw new TensorArgumentException(operation, argument, $"{x.DType}", "a real floating-point tensor");
    }

    static void CheckRank(string operation, string argument, Tensor x, int rank, string form)
    {
        if (x.Rank < rank || (form[0] != '.' && x.Rank != rank))
            throw new TensorArgumentException(operation, argument, $"{x.Shape}", $"shape [{form}]");
    }

    // Before a transform of two dimensions does the first of them.
    static void CheckPlane(string operation, Tensor x)
    {
        CheckRank(operation, nameof(x), x, 2, "..., h, w");
        if (x.Shape[^2] == 0 || x.Shape[^1] == 0)
            throw new TensorArgumentException(operation, nameof(x), $"{x.Shape}", "at least one row and column");
    }

    extension(Tensor x)
    {
        /// <summary>X_k = sum_j x_j exp(-2 pi i j k / n) along a dimension. Real tensors are taken as complex ones.</summary>
        /// <exception cref="TensorArgumentException">Neither floating-point nor complex, or nothing along the dimension.</exception>
        [Op(Takes = Numbers.Complex)]
        public Tensor Fft(int dimension = -1) => Transform("Fft", AsComplex("Fft", x), x.Shape.Axis(dimension, "Fft"), inverse: false, 1);

        /// <summary>x_j = 1/n sum_k X_k exp(2 pi i j k / n) along a dimension: the inverse of <c>Fft</c>.</summary>
        /// <exception cref="TensorArgumentException">Neither floating-point nor complex, or nothing along the dimension.</exception>
        [Op(Takes = Numbers.Complex)]
        public Tensor Ifft(int dimension = -1)
        {
            var axis = x.Shape.Axis(dimension, "Ifft");
            return Transform("Ifft", AsComplex("Ifft", x), axis, inverse: true, 1.0 / Math.Max(1, x.Shape[axis]));
        }

        /// <summary>Elements 0 .. n/2 of <c>Fft</c> of a real tensor; the others are their conjugates.</summary>
        /// <exception cref="TensorArgumentException">Not real floating-point, or nothing along the dimension.</exception>
        [Op]
        public Tensor Rfft(int dimension = -1) => RealToHalf("Rfft", x, x.Shape.Axis(dimension, "Rfft"), 1);

        /// <summary>The real signals of length <paramref name="n"/> with this half spectrum: the inverse of <c>Rfft</c>. The imaginary
        /// parts of bin 0 and (n even) n/2 are ignored.</summary>
        /// <exception cref="TensorArgumentException">The dimension does not have n/2 + 1 elements.</exception>
        [Op(Takes = Numbers.Complex)]
        public Tensor Irfft(int n, int dimension = -1)
            => HalfToReal("Irfft", AsComplex("Irfft", x), n, x.Shape.Axis(dimension, "Irfft"), 1.0 / Math.Max(1, n));

        /// <summary><c>Fft</c> over the last two dimensions.</summary>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, or as for <c>Fft</c>.</exception>
        [Op(Takes = Numbers.Complex)]
        public Tensor Fft2()
        {
            CheckPlane("Fft2", x);
            return Transform2("Fft2", AsComplex("Fft2", x), inverse: false, 1);
        }

        /// <summary><c>Ifft</c> over the last two dimensions.</summary>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, or as for <c>Ifft</c>.</exception>
        [Op(Takes = Numbers.Complex)]
        public Tensor Ifft2()
        {
            CheckPlane("Ifft2", x);
            return Transform2("Ifft2", AsComplex("Ifft2", x), inverse: true, 1.0 / ((double)x.Shape[^2] * x.Shape[^1]));
        }

        /// <summary>Over the last two dimensions [h, w] of a real tensor: <c>Rfft</c> along rows, <c>Fft</c> along columns; [h, w/2 + 1].</summary>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, or as for <c>Rfft</c>.</exception>
        [Op]
        public Tensor Rfft2()
        {
            CheckPlane("Rfft2", x);
            CheckReal("Rfft2", nameof(x), x);
            return RealToHalf2("Rfft2", x, 1);
        }

        /// <summary>The real images [h, w] with this half spectrum [h, w/2 + 1]: the inverse of <c>Rfft2</c>.</summary>
        /// <exception cref="TensorArgumentException">The last two dimensions are not [h, w/2 + 1].</exception>
        [Op(Takes = Numbers.Complex)]
        public Tensor Irfft2(int h, int w)
        {
            CheckPlane("Irfft2", x);
            if (h < 1 || w < 1 || x.Shape[^2] != h || x.Shape[^1] != w / 2 + 1)
                throw new TensorArgumentException("Irfft2", $"{nameof(h)}, {nameof(w)}", $"{h}, {w} for a spectrum {x.Shape}", "a spectrum [..., h, w/2 + 1]");
            return HalfToReal2("Irfft2", AsComplex("Irfft2", x), w, 1.0 / ((double)h * w));
        }
    }

    // ---- circular convolution: one complex matrix for each frequency

    extension(Tensor)
    {
        /// <summary>The matrices of a circular convolution in the Fourier domain: y-hat(f) = K-hat(f) x-hat(f) over the half spectrum of
        /// h x w images.</summary>
        /// <remarks>
        /// For the cross-correlation y[m, p] = sum over c, t of K[m, c, t] x[c, (p + t - r) mod n], r = floor(k/2) in each dimension:
        /// K-hat(f) = conj(DFT(K))(f) exp(-2 pi i (r1 f1 / h + r2 f2 / w)). The layer's singular values are those of all these matrices.
        /// </remarks>
        /// <param name="kernel">A real kernel [M, C, kh, kw].</param>
        /// <param name="h">Height of the images.</param>
        /// <param name="w">Width of the images.</param>
        /// <returns>[F, M, C] for a kernel [M, C, kh, kw], F = h (w/2 + 1), frequencies in the order of <c>Rfft2</c>.</returns>
        /// <exception cref="TensorArgumentException">Not a real kernel [M, C, kh, kw] with 1 &lt;= kh &lt;= h and 1 &lt;= kw &lt;= w.</exception>
        [Op]
        public static Tensor ConvolutionSymbol(Tensor kernel, int h, int w) => Symbol("ConvolutionSymbol", kernel, h, w);
    }

    static Tensor Symbol(string operation, Tensor kernel, int h, int w)
    {
        CheckReal(operation, nameof(kernel), kernel);
        CheckRank(operation, nameof(kernel), kernel, 4, "M, C, kh, kw");
        var (outputs, inputs) = (kernel.Shape[0], kernel.Shape[1]);
        CheckKernel(operation, kernel, h, w);
        return ToSymbol(operation, KernelSpectra(operation, kernel.Wide, h, w), [h * (w / 2 + 1), outputs, inputs], w).Conj();
    }

    // The kernel's middle lies at (0, 0); a cross-correlation multiplies by the conjugates.
    static Tensor KernelSpectra(string operation, Tensor kernel, int h, int w)
    {
        var (kh, kw) = (kernel.Shape[2], kernel.Shape[3]);
        return Spectrum(operation, kernel, new(h, w, kh, kw, (h - kh / 2) % h, (w - kw / 2) % w), swap: false);
    }

    static void CheckKernel(string operation, Tensor kernel, int h, int w)
    {
        var (kh, kw) = (kernel.Shape[2], kernel.Shape[3]);
        if (kh < 1 || kw < 1 || kh > h || kw > w)
            throw new TensorArgumentException(operation, nameof(kernel), $"{kernel.Shape}", $"1 <= kh <= {h} and 1 <= kw <= {w}: a kernel no larger than the image");
    }

    extension(Tensor)
    {
        /// <summary>Applies one complex matrix for each frequency of the half spectrum to the channels of images: a circular convolution.</summary>
        /// <param name="symbol">Complex [F, M, C].</param>
        /// <param name="x">Images [B, C, h, w].</param>
        /// <returns>[B, M, h, w] for a symbol [F, M, C], F = h (w/2 + 1), frequencies in the order of <c>Rfft2</c>. The imaginary part
        /// that a symbol without the symmetry of real convolutions gives to the self-conjugate bins of a row is ignored.</returns>
        /// <exception cref="TensorArgumentException">The symbol is not [h (w/2 + 1), M, C] complex, or x not [B, C, h, w] of the same precision.</exception>
        [Op]
        public static Tensor ApplySymbol(Tensor symbol, Tensor x) => Convolve("ApplySymbol", symbol, x);
    }

    // ---- spectra as they are multiplied: linear maps, their adjoints, and products, closed under differentiation (Kernels.Fourier.Spectra)

    // Kept until the gradient has passed, they are what backward needs of the inputs: nothing is transformed twice.
    static Tensor Spectrum(string operation, Tensor x, Plane plane, bool swap, double scale = 1)
    {
        var (p, q) = (x.Shape[0], x.Shape[1]);
        return Graph.Record(operation, Spectra.Forward(x, plane, swap, scale), (x, g => Images(operation, g, p, q, plane, swap, scale)));
    }

    static Tensor Images(string operation, Tensor spectra, int p, int q, Plane plane, bool swap, double scale)
        => Graph.Record(operation, Spectra.Inverse(spectra, p, q, plane, swap, scale), (spectra, g => Spectrum(operation, g, plane, swap, scale)));

    static Tensor Multiply(string operation, Tensor x, Tensor y, SpectralProduct product)
        => Graph.Record(operation, Spectra.Product(x, y, product),
            (x, g => Multiply(operation, g, y, product.OfX)),
            (y, g => Multiply(operation, x, g, product.OfY)));

    // Between a symbol, whose gradient counts what is stored, and spectra, whose gradient is that of the whole: an interior frequency
    // of the half spectrum stands for two.
    static Tensor FromSymbol(string operation, Tensor symbol, int w)
    {
        var shape = symbol.Shape;
        return Graph.Record(operation, Spectra.FromComplex(symbol), (symbol, g => ToSymbol(operation, g, shape, w) * SymbolWeights(symbol, w, 2)));
    }

    static Tensor ToSymbol(string operation, Tensor spectra, Shape shape, int w)
        => Graph.Record(operation, Spectra.ToComplex(spectra, shape), (spectra, g => FromSymbol(operation, g * SymbolWeights(g, w, 0.5), w)));

    static Tensor SymbolWeights(Tensor symbol, int w, double weight)
    {
        var (frequencies, bins) = (symbol.Shape[0], w / 2 + 1);
        return InteriorWeights(symbol, w, symbol.Rank - 1, weight).Reshape(1, bins).Expand(frequencies / bins, bins).Reshape(frequencies, 1, 1);
    }

    static Tensor Convolve(string operation, Tensor symbol, Tensor x)
    {
        CheckReal(operation, nameof(x), x);
        CheckRank(operation, nameof(x), x, 4, "B, C, h, w");
        CheckRank(operation, nameof(symbol), symbol, 3, "F, M, C");
        if (x.IsHalf)
            return Convolve(operation, symbol, x.Wide).To(x.DType);
        var (channels, h, w) = (x.Shape[1], x.Shape[2], x.Shape[3]);
        if (symbol.DType != x.DType.ComplexType)
            throw new TensorArgumentException(operation, nameof(symbol), $"{symbol.DType} beside {x.DType} images", $"{x.DType.ComplexType}");
        if (h < 1 || w < 1 || symbol.Shape[0] != h * (w / 2 + 1) || symbol.Shape[2] != channels)
            throw new TensorArgumentException(operation, nameof(symbol), $"{symbol.Shape} beside images {x.Shape}", $"[{h * (w / 2 + 1)}, M, {channels}]");
        return Convolve(operation, FromSymbol(operation, symbol, w), symbol.Shape[1], x, conjugate: false);
    }

    // At every frequency, matrices [M, C] of kernels (or their conjugates) times [C, B] of images.
    static Tensor Convolve(string operation, Tensor kernels, int outputs, Tensor x, bool conjugate)
    {
        var (batch, channels, h, w) = (x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]);
        var plane = new Plane(h, w, h, w, 0, 0);
        var product = Multiply(operation, kernels, Spectrum(operation, x, plane, swap: true), SpectralProduct.Matrices(outputs, channels, batch) with { ConjugateX = conjugate });
        return Images(operation, product, batch, outputs, plane, swap: true, 1.0 / ((double)h * w));
    }

    extension(Tensor x)
    {
        /// <summary>Circular convolution of signals, mixing channels: y[b, m, p] = sum over c, t of K[m, c, t] x[b, c, (p + t - r) mod n] with
        /// r = floor(k/2); through the Fourier domain.</summary>
        /// <param name="kernel">[M, C, k] with k at most n; for signals [B, C, n].</param>
        /// <returns>[B, M, n].</returns>
        /// <exception cref="TensorArgumentException">Shapes or dtypes do not fit, or the kernel is larger than the signal.</exception>
        [Op]
        public Tensor CircularConv1d(Tensor kernel)
        {
            CheckRank("CircularConv1d", nameof(x), x, 3, "B, C, n");
            CheckRank("CircularConv1d", nameof(kernel), kernel, 3, "M, C, k");
            return Convolve("CircularConv1d", x.Unsqueeze(2), kernel.Unsqueeze(2), x.Shape, kernel.Shape).Squeeze(2);
        }

        /// <summary>Circular convolution of images, mixing channels: y[b, m, p] = sum over c, t of K[m, c, t] x[b, c, (p + t - r) mod (h, w)]
        /// with r = (floor(kh/2), floor(kw/2)); through the Fourier domain.</summary>
        /// <param name="kernel">[M, C, kh, kw], at most as large as the images [B, C, h, w].</param>
        /// <returns>[B, M, h, w].</returns>
        /// <exception cref="TensorArgumentException">Shapes or dtypes do not fit, or the kernel is larger than the image.</exception>
        [Op]
        public Tensor CircularConv2d(Tensor kernel)
        {
            CheckRank("CircularConv2d", nameof(x), x, 4, "B, C, h, w");
            CheckRank("CircularConv2d", nameof(kernel), kernel, 4, "M, C, kh, kw");
            return Convolve("CircularConv2d", x, kernel, x.Shape, kernel.Shape);
        }

        /// <summary>Long causal convolution of signals [B, C, n]: y[b, c, t] = sum over s &lt;= t of K[c, s] x[b, c, t - s] for a kernel [C, k];
        /// y[b, m, t] = sum over c and s &lt;= t of K[m, c, s] x[b, c, t - s] for a kernel [M, C, k]; through the Fourier domain, on signals
        /// that zeros lengthen.</summary>
        /// <remarks>The convolution of state-space and long-convolution models, in O(n log n) for kernels as long as the signal: Gu et al.
        /// 2022 (S4), Poli et al. 2023 (Hyena).</remarks>
        /// <param name="kernel">[C, k], one for each channel, or [M, C, k], which mixes them; 1 &lt;= k &lt;= n.</param>
        /// <returns>[B, C, n] or [B, M, n].</returns>
        /// <exception cref="TensorArgumentException">Shapes or dtypes do not fit, or the kernel is longer than the signal.</exception>
        [Op]
        public Tensor CausalConv1d(Tensor kernel) => Causal(x, kernel);
    }

    static Tensor Causal(Tensor x, Tensor kernel)
    {
        const string operation = "CausalConv1d";
        CheckRank(operation, nameof(x), x, 3, "B, C, n");
        if (kernel.Rank is not (2 or 3))
            throw new TensorArgumentException(operation, nameof(kernel), $"{kernel.Shape}", "shape [C, k] or [M, C, k]");
        CheckChannels(operation, x, kernel, kernel.Shape[^2], x.Shape, kernel.Shape);
        var (batch, channels, n, k) = (x.Shape[0], x.Shape[1], x.Shape[2], kernel.Shape[^1]);
        if (k < 1 || k > n)
            throw new TensorArgumentException(operation, nameof(kernel), $"{kernel.Shape} beside {x.Shape}", $"1 <= k <= {n}: a kernel no longer than the signal");
        if (x.IsHalf)
            return Causal(x.Wide, kernel.Wide).To(x.DType);
        // Long enough that what leaves at the end does not come in again at the beginning.
        var length = FftKernel.FastLength(n + k - 1);
        var (signals, taps) = (new Plane(1, length, 1, n, 0, 0), new Plane(1, length, 1, k, 0, 0));
        var mixes = kernel.Rank == 3;
        var outputs = mixes ? kernel.Shape[0] : channels;
        var kernels = Spectrum(operation, kernel.Reshape(mixes ? outputs : 1, channels, 1, k), taps, swap: false);
        var spectra = Spectrum(operation, x.Unsqueeze(2), signals, swap: mixes);
        var product = Multiply(operation, kernels, spectra, mixes ? SpectralProduct.Matrices(outputs, channels, batch) : SpectralProduct.Channels(batch, channels));
        return Images(operation, product, batch, outputs, signals, swap: mixes, 1.0 / length).Squeeze(2);
    }

    static void CheckChannels(string operation, Tensor x, Tensor kernel, int channels, Shape given, Shape givenKernel)
    {
        CheckReal(operation, nameof(x), x);
        if (kernel.DType != x.DType || kernel.Device != x.Device)
            throw new TensorArgumentException(operation, nameof(kernel), $"{kernel.DType} on {kernel.Device}", $"{x.DType} on {x.Device}, as x");
        if (channels != x.Shape[1])
            throw new TensorArgumentException(operation, nameof(kernel), $"{givenKernel} beside {given}", $"{x.Shape[1]} input channels");
    }

    static Tensor Convolve(string operation, Tensor x, Tensor kernel, Shape given, Shape givenKernel)
    {
        CheckChannels(operation, x, kernel, kernel.Shape[1], given, givenKernel);
        var (h, w) = (x.Shape[2], x.Shape[3]);
        CheckKernel(operation, kernel, h, w);
        return x.IsHalf
            ? Convolve(operation, x.Wide, kernel.Wide, given, givenKernel).To(x.DType)
            : Convolve(operation, KernelSpectra(operation, kernel, h, w), kernel.Shape[0], x, conjugate: true);
    }
}
