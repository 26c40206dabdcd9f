using System.Numerics;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Fourier;

/// <summary>Discrete Fourier transforms of any length along any dimension: X_k = scale sum_j x_j exp(-+ 2 pi i j k / n).</summary>
/// <remarks>
/// Stockham passes of radix 8, 4, 2, 3, 5 and odd primes up to 31, Bluestein's convolution for other lengths, real signals through complex
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
        var side = new Packing.Side(n, 2, inverse ? 1 : 0, 1);
        return Run(x, Tensor.Empty(x.Shape, x.DType, x.Device), axis, TransformKind.Complex, n, side, side, scale);
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
        return Run(x, y, axis, TransformKind.RealToComplex, n, new(n, 1, 0, 1 + n % 2), new(n / 2 + 1, 2, 0, 1), scale);
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
        return Run(x, y, axis, TransformKind.ComplexToReal, n, new(half, 2, 0, 1), new(n, 1, 1, 1 + n % 2), scale);
    }

    static int Length(string operation, Tensor x, int dimension, out int axis)
    {
        axis = x.Shape.Axis(dimension, operation);
        var n = x.Shape.Span[axis];
        return n > 0 ? n : throw new TensorArgumentException(operation, nameof(x), $"{x.Shape}", $"at least one element along dimension {axis}");
    }

    /// <summary>One call: the plan, and tensors seen as [outer, length, inner].</summary>
    internal sealed record Job(FftPlan Plan, int Outer, int Inner, Packing.Side X, Packing.Side Y, double Scale);

    static Tensor Run(Tensor x, Tensor y, int axis, TransformKind kind, int n, Packing.Side from, Packing.Side to, double scale)
    {
        if (y.ElementCount == 0)
            return y;
        x = Copy.Contiguous(x);
        var job = new Job(FftPlan.Of(kind, n), checked((int)x.Shape[..axis].ElementCount), checked((int)x.Shape[(axis + 1)..].ElementCount), from, to, scale);
        switch (x.DType.RealType, x.Device)
        {
            case (DType.Float32, GpuDevice gpu): DeviceFft.Run<F32, Complex64, Complex64Cell, float, SingleCell>(gpu, job, x, y); break;
            case (_, GpuDevice gpu): DeviceFft.Run<F64, Complex, Complex128Cell, double, DoubleCell>(gpu, job, x, y); break;
            case (DType.Float32, _): HostFft.Run<F32, float, SingleCell>(job, x, y); break;
            default: HostFft.Run<F64, double, DoubleCell>(job, x, y); break;
        }
        return y;
    }
}
