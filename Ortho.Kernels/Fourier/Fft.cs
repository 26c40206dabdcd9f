using System.Numerics;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Fourier;

/// <summary>Discrete Fourier transforms of any length along any dimension: X_k = scale sum_j x_j exp(-+ 2 pi i j k / n).</summary>
/// <remarks>
/// Stockham passes of radix 8, 4, 2, 3, 5, 7 and odd primes up to 31, Bluestein's convolution for other lengths, real signals through complex
/// ones of half the length. Butterflies are written once over lanes and read the same constants everywhere: the same bits on every vector
/// width and device. The error in float32 stays below about 1e-7 log2(n) of the result's norm.
/// </remarks>
public static class Fft
{
    /// <summary>Transforms complex signals.</summary>
    /// <param name="operation">Name for error messages.</param>
    /// <param name="x">Complex64 or Complex128, in any layout.</param>
    /// <param name="dimension">The dimension that is transformed.</param>
    /// <param name="inverse">exp(+2 pi i j k / n) instead of exp(-2 pi i j k / n); nothing is divided by n.</param>
    /// <param name="scale">Factor of the result.</param>
    /// <exception cref="TensorArgumentException">Not complex, or no element along the dimension.</exception>
    public static Tensor Complex(string operation, Tensor x, int dimension, bool inverse, double scale = 1)
    {
        if (!x.DType.IsComplex)
            throw new TensorArgumentException(operation, nameof(x), $"{x.DType}", "a complex tensor");
        var n = Length(operation, x, dimension, out var axis);
        return Run(x, Tensor.Empty(x.Shape, x.DType, x.Device), axis, TransformKind.Complex, n, inverse, scale);
    }

    /// <summary>The first n/2 + 1 elements of the transform of real signals of length n; the others are their conjugates.</summary>
    /// <param name="operation">Name for error messages.</param>
    /// <param name="x">Float32 or Float64, in any layout.</param>
    /// <param name="dimension">The dimension that is transformed.</param>
    /// <param name="scale">Factor of the result.</param>
    /// <exception cref="TensorArgumentException">Not real floating-point, or no element along the dimension.</exception>
    public static Tensor RealToComplex(string operation, Tensor x, int dimension, double scale = 1)
    {
        if (x.DType is not (DType.Float32 or DType.Float64))
            throw new TensorArgumentException(operation, nameof(x), $"{x.DType}", "a real floating-point tensor");
        var n = Length(operation, x, dimension, out var axis);
        var y = Tensor.Empty(x.Shape.With(axis, n / 2 + 1), x.DType.ComplexType, x.Device);
        return Run(x, y, axis, TransformKind.RealToComplex, n, inverse: false, scale);
    }

    /// <summary>Real signals of length n from the first n/2 + 1 elements of their transforms, nothing divided by n. The imaginary parts
    /// of element 0 and (n even) n/2, which such a transform does not have, are ignored.</summary>
    /// <param name="operation">Name for error messages.</param>
    /// <param name="x">Complex64 or Complex128, in any layout.</param>
    /// <param name="n">Length of the real signals.</param>
    /// <param name="dimension">The dimension that is transformed.</param>
    /// <param name="scale">Factor of the result.</param>
    /// <exception cref="TensorArgumentException">Not complex, or not n/2 + 1 elements along the dimension.</exception>
    public static Tensor ComplexToReal(string operation, Tensor x, int n, int dimension, double scale = 1)
    {
        if (!x.DType.IsComplex)
            throw new TensorArgumentException(operation, nameof(x), $"{x.DType}", "a complex tensor");
        var half = Length(operation, x, dimension, out var axis);
        if (n < 1 || n / 2 + 1 != half)
            throw new TensorArgumentException(operation, nameof(n), $"{n}", half == 1 ? "1, for a spectrum of one element"
                : $"{2 * half - 2} or {2 * half - 1}, for a half spectrum of {half} elements in {x.Shape}");
        var y = Tensor.Empty(x.Shape.With(axis, n), x.DType.RealType, x.Device);
        return Run(x, y, axis, TransformKind.ComplexToReal, n, inverse: true, scale);
    }

    static int Length(string operation, Tensor x, int dimension, out int axis)
    {
        axis = x.Shape.Axis(dimension, operation);
        var n = x.Shape.Span[axis];
        return n > 0 ? n : throw new TensorArgumentException(operation, nameof(x), $"{x.Shape}", $"at least one element along dimension {axis}");
    }

    /// <summary>One call: the plan, and tensors seen as [outer, length, inner].</summary>
    internal sealed record Job(FftPlan Plan, int Outer, int Inner, Packing.Side X, Packing.Side Y, double Scale);

    /// <summary>A signal of length <paramref name="n"/> (a real one, unless both sides are complex) as a transform reads it.</summary>
    internal static Packing.Side Source(TransformKind kind, int n, bool inverse) => kind switch
    {
        TransformKind.Complex => new(n, 2, inverse ? 1 : 0, 1),
        TransformKind.RealToComplex => new(n, 1, 0, 1 + n % 2),
        _ => new(n / 2 + 1, 2, 0, 1),
    };

    /// <summary>What a transform makes of it.</summary>
    internal static Packing.Side Result(TransformKind kind, int n, bool inverse) => kind switch
    {
        TransformKind.Complex => new(n, 2, inverse ? 1 : 0, 1),
        TransformKind.RealToComplex => new(n / 2 + 1, 2, 0, 1),
        _ => new(n, 1, 1, 1 + n % 2),
    };

    static Tensor Run(Tensor x, Tensor y, int axis, TransformKind kind, int n, bool inverse, double scale)
    {
        if (y.ElementCount == 0)
            return y;
        x = Copy.Contiguous(x);
        var (outer, inner) = (checked((int)x.Shape[..axis].ElementCount), checked((int)x.Shape[(axis + 1)..].ElementCount));
        var job = new Job(FftPlan.Of(kind, n), outer, inner, Source(kind, n, inverse), Result(kind, n, inverse), scale);
        switch (x.DType.RealType, x.Device)
        {
            case (DType.Float32, GpuDevice gpu): DeviceFft.Run<F32, Complex64, Complex64Cell, float, SingleCell>(gpu, job, x, y); break;
            case (_, GpuDevice gpu): DeviceFft.Run<F64, Complex, Complex128Cell, double, DoubleCell>(gpu, job, x, y); break;
            case (DType.Float32, _): HostFft.Run<F32, float, SingleCell>(job, x, y); break;
            default: HostFft.Run<F64, double, DoubleCell>(job, x, y); break;
        }
        return y;
    }

    /// <summary>The first even length from <paramref name="least"/> on that real signals are transformed fast at.</summary>
    public static int FastLength(int least) => FftPlan.FastLength(least + least % 2, step: 2);

    // ---- two dimensions: rows, then columns; back, columns, then rows

    /// <summary>Transforms complex images over their last two dimensions.</summary>
    /// <param name="operation">Name for error messages.</param>
    /// <param name="x">Complex64 or Complex128 [..., h, w], in any layout.</param>
    /// <param name="inverse">As for <see cref="Complex"/>.</param>
    /// <param name="scale">Factor of the result.</param>
    /// <exception cref="TensorArgumentException">Not complex, or no element along a dimension.</exception>
    public static Tensor Complex2(string operation, Tensor x, bool inverse, double scale = 1)
        => Plane(TransformKind.Complex, x, x.Shape, x.DType, x.Shape[^1], inverse, scale)
            ?? Complex(operation, Complex(operation, x, -1, inverse), -2, inverse, scale);

    /// <summary>Real images to half spectra: <see cref="RealToComplex"/> along rows, <see cref="Complex"/> along columns.</summary>
    /// <param name="operation">Name for error messages.</param>
    /// <param name="x">Float32 or Float64 [..., h, w], in any layout.</param>
    /// <param name="scale">Factor of the result.</param>
    /// <returns>[..., h, w/2 + 1].</returns>
    /// <exception cref="TensorArgumentException">Not real floating-point, or no element along a dimension.</exception>
    public static Tensor RealToComplex2(string operation, Tensor x, double scale = 1)
    {
        if (x.Shape[^2] == 1)
            return RealToComplex(operation, x, -1, scale);
        var spectra = x.Shape.With(-1, x.Shape[^1] / 2 + 1);
        return Plane(TransformKind.RealToComplex, x, spectra, x.DType.ComplexType, x.Shape[^1], inverse: false, scale)
            ?? Complex(operation, RealToComplex(operation, x, -1), -2, inverse: false, scale);
    }

    /// <summary>Half spectra to real images, nothing divided: <see cref="Complex"/> along columns, <see cref="ComplexToReal"/> along rows.</summary>
    /// <param name="operation">Name for error messages.</param>
    /// <param name="x">Complex64 or Complex128 [..., h, w/2 + 1], in any layout.</param>
    /// <param name="w">Width of the images.</param>
    /// <param name="scale">Factor of the result.</param>
    /// <returns>[..., h, w].</returns>
    /// <exception cref="TensorArgumentException">Not complex, or not w/2 + 1 elements along the last dimension.</exception>
    public static Tensor ComplexToReal2(string operation, Tensor x, int w, double scale = 1)
    {
        if (x.Shape[^2] == 1)
            return ComplexToReal(operation, x, w, -1, scale);
        return Plane(TransformKind.ComplexToReal, x, x.Shape.With(-1, w), x.DType.RealType, w, inverse: true, scale)
            ?? ComplexToReal(operation, Complex(operation, x, -2, inverse: true), w, -1, scale);
    }

    // On the host, unless one dimension after the other is better or there is something to refuse.
    static Tensor? Plane(TransformKind kind, Tensor x, Shape shape, DType dtype, int w, bool inverse, double scale)
    {
        var (isReal, bins) = (kind == TransformKind.RealToComplex, kind == TransformKind.ComplexToReal ? w / 2 + 1 : w);
        if (x.Device is GpuDevice || x.ElementCount == 0 || x.Shape[^1] != bins || (isReal ? x.DType is not (DType.Float32 or DType.Float64) : !x.DType.IsComplex))
            return null;
        x = Copy.Contiguous(x);
        var y = Tensor.Empty(shape, dtype, x.Device);
        var job = new HostPlane.Job(kind, x.Shape[^2], w, inverse, scale);
        var isDone = x.DType.RealType == DType.Float32 ? HostPlane.Run<F32, float, SingleCell>(job, x, y) : HostPlane.Run<F64, double, DoubleCell>(job, x, y);
        return isDone ? y : null;
    }
}
