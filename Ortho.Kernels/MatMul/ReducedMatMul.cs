using Ortho.Kernels.Gpu;
using Ortho.Kernels.Gpu.TensorCores;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.MatMul;

/// <summary>Products of float32 matrices whose operands are rounded first: on the tensor cores of CUDA devices that have them (sm_80 and
/// later), elsewhere by the ordinary product of the rounded operands.</summary>
/// <remarks>All devices round alike, and round once; tensor cores then add in an order of their own, so their last bits differ.</remarks>
public static class ReducedMatMul
{
    /// <summary>a [..., rows, inner] times b [..., inner, columns], Float32; leading dimensions broadcast.</summary>
    /// <param name="operation">Who asks, for messages.</param>
    /// <param name="a">Float32.</param>
    /// <param name="b">Float32, on a's device.</param>
    /// <param name="precision">Of the operands.</param>
    /// <exception cref="TensorArgumentException">Not Float32, or shapes or devices that do not fit.</exception>
    public static Tensor Run(string operation, Tensor a, Tensor b, MatMulPrecision precision)
    {
        if (a.DType != DType.Float32 || b.DType != DType.Float32)
            throw new TensorArgumentException(operation, a.DType != DType.Float32 ? nameof(a) : nameof(b), $"{a.DType} and {b.DType}", "Float32, which a precision is asked for");
        if (precision == MatMulPrecision.Float32)
            return MatMul.Run(operation, a, b);
        if (a.Device is GpuDevice { HasTensorCores: true } gpu && b.Device == gpu && a.Rank >= 2 && b.Rank >= 2 && a.Shape[^1] == b.Shape[^2]
            && a.ElementCount > 0 && b.ElementCount > 0)
            return MmaMatMul.Run(gpu, operation, a, b, precision);
        return MatMul.Run(operation, Rounded(a, precision), Rounded(b, precision));
    }

    /// <summary>A tensor rounded to a precision, Float32.</summary>
    internal static Tensor Rounded(Tensor x, MatMulPrecision precision) => precision switch
    {
        MatMulPrecision.BFloat16 => Cast.To(Cast.To(x, DType.BFloat16), DType.Float32),
        MatMulPrecision.TensorFloat32 => Skeletons.Pointwise.Run<Unary<RoundToTensorFloat32>>("MatMul", x),
        _ => x,
    };
}
