using Ortho.Kernels.Gpu;
using Ortho.Kernels.Gpu.TensorCores;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.MatMul;

/// <summary>Products of float32 matrices whose operands are rounded first: on the tensor cores of CUDA devices that have them (sm_80 and
/// later), elsewhere by the ordinary product of the rounded operands.</summary>
/// <remarks>All devices round alike, and round once; tensor cores then add in an order of their own, so their last bits differ. Operands that
/// are BFloat16 are rounded already: tensor cores read them where they lie, if that is whole tiles.</remarks>
public static class ReducedMatMul
{
    /// <summary>a b, or alpha a b + beta c, as <see cref="MatMul.Run(string, Tensor, Tensor, Tensor, double, double, bool)"/>; Float32.</summary>
    /// <param name="operation">Who asks, for messages.</param>
    /// <param name="a">[..., rows, inner], Float32, or BFloat16 where that is the precision.</param>
    /// <param name="b">[..., inner, columns], likewise, on a's device; leading dimensions broadcast.</param>
    /// <param name="precision">Of the operands.</param>
    /// <param name="c">Float32, broadcast to the result; the product itself is the result when null.</param>
    /// <param name="alpha">Factor of the product where there is a c.</param>
    /// <param name="beta">Factor of c.</param>
    /// <param name="isSymmetric">Whether the result is known to be symmetric but for rounding: elements above the diagonal are those below.</param>
    /// <exception cref="TensorArgumentException">Other dtypes, or shapes or devices that do not fit.</exception>
    public static Tensor Run(string operation, Tensor a, Tensor b, MatMulPrecision precision, Tensor? c = null, double alpha = 1, double beta = 1, bool isSymmetric = false)
    {
        Require(operation, nameof(a), a, precision);
        Require(operation, nameof(b), b, precision);
        if (precision == MatMulPrecision.Float32)
            return MatMul.Run(operation, a, b, c, alpha, beta, isSymmetric);
        // Sums are float32, whatever they are sums of.
        var left = Rounded(a, precision);
        return Multiply(operation, left, IsTranspose(a, b) ? Linalg.Matrices.H(left) : Rounded(b, precision), c, alpha, beta, isSymmetric);
    }

    static void Require(string operation, string argument, Tensor x, MatMulPrecision precision)
    {
        if (x.DType != DType.Float32 && !(x.DType == DType.BFloat16 && precision == MatMulPrecision.BFloat16))
            throw new TensorArgumentException(operation, argument, $"{x.DType}", $"Float32{(precision == MatMulPrecision.BFloat16 ? " or BFloat16" : "")}, which a precision is asked for");
    }

    // x x^T.
    static bool IsTranspose(Tensor a, Tensor b) => a.Rank == b.Rank && a.Rank >= 2 && a.Storage == b.Storage && a.Layout.IsSame(Linalg.Matrices.H(b).Layout);

    /// <summary>The same of operands that <see cref="Rounded"/> has made.</summary>
    internal static Tensor Multiply(string operation, Tensor a, Tensor b, Tensor? c = null, double alpha = 1, double beta = 1, bool isSymmetric = false)
    {
        if (a.Device is not GpuDevice { HasTensorCores: true } gpu || b.Device != gpu || a.Rank < 2 || b.Rank < 2 || a.Shape[^1] != b.Shape[^2]
            || a.ElementCount == 0 || b.ElementCount == 0)
            return MatMul.Run(operation, Cast.Widened(a), Cast.Widened(b), c, alpha, beta, isSymmetric);
        if (c is not null)
            c = MatMul.Added(operation, c, DType.Float32, gpu, Shape.Broadcast(a.Shape[..^2], b.Shape[..^2], operation).Concat([a.Shape[^2], b.Shape[^1]]));
        return TensorCoreMatMul.Run(gpu, operation, a, b, c, alpha, beta, isSymmetric && MatMul.IsHalved(a.Shape[^2]));
    }

    /// <summary>A tensor rounded to a precision: BFloat16, or Float32 with zeros at the end.</summary>
    internal static Tensor Rounded(Tensor x, MatMulPrecision precision) => precision switch
    {
        MatMulPrecision.BFloat16 => Cast.To(x, DType.BFloat16),
        MatMulPrecision.TensorFloat32 => Skeletons.Pointwise.Run<Unary<RoundToTensorFloat32>>("MatMul", x),
        _ => x,
    };
}
