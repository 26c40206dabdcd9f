using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.MatMul;
using Ortho.Kernels.Reductions;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Convolution;

/// <summary>Convolutions of images by kernels of a few taps, summed directly, and their two adjoints.</summary>
/// <remarks>
/// One trilinear form, sum over b, o, i, j, c, p, q of y[b, o, i, j] w[o, c, p, q] x[b, c, i s + p d - before, j s + q d - before], gives three
/// maps, each linear in two tensors: <see cref="Forward"/> leaves y open, <see cref="Images"/> x, <see cref="Weights"/> w. Each is the
/// derivative of the others, so the three are closed under differentiation. (With several groups the sum is over channels of one group.)
/// <para>
/// An element of y is a sum over (c, p, q), in this order, of fused multiply-adds that begin at zero; of x over (o, p, q), those taps whose
/// place lies on the grid of the stride; of w over (b, i, j). The chain is broken where a channel ends after at most 192 taps of whole
/// channels (w: after as many whole rows of an image as have at most 256 places, or
/// 256 places of a longer row), and the sums of its parts are added one to the other in order. A place beyond the edge is a
/// zero like any other and takes part in the chain: a weight that is not finite makes NaN there. Gradients of kernels are summed over at
/// most 16 parts of the batch, whose sums are a tensor that <see cref="Reduce"/> sums. So shapes alone fix the order of arithmetic, and all
/// devices, vector widths and numbers of threads give the same bits.
/// </para>
/// <para>
/// The host runs all three by one register tile, c[r][v] += a[t][r] * b[at[v] + off[t]]: numbers of a are broadcast, vectors of b are read
/// at places that tables give, so that one loop serves every kernel size, stride and dilation. For y and x the t are (channel, tap), the
/// r channels, and the vectors run over pixels; for w the t are pixels, and the vectors run over channels or taps.
/// <see cref="HostConvolution"/> says how b is laid out. Devices make products of tiles of them (<see cref="TiledConvolution"/>); where there are few
/// channels, one thread runs for each element.
/// </para>
/// </remarks>
public static class Convolution
{
    /// <summary>The convolution y of images x by kernel w, plus one number for each of its channels.</summary>
    /// <param name="geometry">The sizes.</param>
    /// <param name="x">Images, of the geometry's shape; Float32 or Float64.</param>
    /// <param name="w">The kernel, of x's dtype and device, as the following.</param>
    /// <param name="bias">[groups * outputs], or null.</param>
    public static Tensor Forward(ConvolutionGeometry geometry, Tensor x, Tensor w, Tensor? bias)
    {
        var y = Tensor.Empty([geometry.Batch, geometry.Groups * geometry.Outputs, geometry.Rows.Output, geometry.Columns.Output], x.DType, x.Device);
        if (y.ElementCount > 0)
            Run(geometry, y, x, w, bias, isAdjoint: false);
        return y;
    }

    /// <summary>The images that the adjoint of the convolution makes of y, plus one number for each of their channels.</summary>
    /// <param name="geometry">The sizes of the convolution.</param>
    /// <param name="y">Of the shape of its result; Float32 or Float64.</param>
    /// <param name="w">The kernel.</param>
    /// <param name="bias">[groups * inputs], or null.</param>
    public static Tensor Images(ConvolutionGeometry geometry, Tensor y, Tensor w, Tensor? bias)
    {
        var x = Tensor.Empty([geometry.Batch, geometry.Groups * geometry.Inputs, geometry.Rows.Input, geometry.Columns.Input], y.DType, y.Device);
        if (x.ElementCount > 0)
            Run(geometry, x, y, w, bias, isAdjoint: true);
        return x;
    }

    static void Run(ConvolutionGeometry geometry, Tensor to, Tensor from, Tensor w, Tensor? bias, bool isAdjoint)
    {
        geometry = geometry.Flattened();
        (from, w, bias) = (Copy.Contiguous(from), Copy.Contiguous(w), bias is null ? null : Copy.Contiguous(bias));
        switch (to.DType, to.Device)
        {
            case (DType.Float32, GpuDevice gpu): DeviceConvolution.Run<F32, float, SingleCell, Quad<float>>(gpu, geometry, to, from, w, bias, isAdjoint); break;
            case (_, GpuDevice gpu): DeviceConvolution.Run<F64, double, DoubleCell, Twin<double>>(gpu, geometry, to, from, w, bias, isAdjoint); break;
            case (DType.Float32, _): HostConvolution.Run<float, F32, SingleCell>(geometry, to, from, w, bias, isAdjoint); break;
            default: HostConvolution.Run<double, F64, DoubleCell>(geometry, to, from, w, bias, isAdjoint); break;
        }
        GC.KeepAlive(to);
        GC.KeepAlive(from);
        GC.KeepAlive(w);
        GC.KeepAlive(bias);
    }

    /// <summary>The kernel that the convolution's adjoint in its kernel makes of images x and y.</summary>
    /// <param name="geometry">The sizes of the convolution.</param>
    /// <param name="x">Images; Float32 or Float64.</param>
    /// <param name="y">Of the shape of its result, of x's dtype and device.</param>
    public static Tensor Weights(ConvolutionGeometry geometry, Tensor x, Tensor y)
    {
        Shape shape = [geometry.Groups * geometry.Outputs, geometry.Inputs, geometry.Rows.Kernel, geometry.Columns.Kernel];
        if (x.ElementCount == 0 || y.ElementCount == 0)
            return Zeros(shape, x);
        var flat = geometry.Flattened();
        (x, y) = (Copy.Contiguous(x), Copy.Contiguous(y));
        var parts = Tensor.Empty([flat.Segments, .. shape], x.DType, x.Device);
        switch (x.DType, x.Device)
        {
            case (DType.Float32, GpuDevice gpu): DeviceConvolution.Weights<F32, float, SingleCell, Quad<float>>(gpu, flat, parts, x, y); break;
            case (_, GpuDevice gpu): DeviceConvolution.Weights<F64, double, DoubleCell, Twin<double>>(gpu, flat, parts, x, y); break;
            case (DType.Float32, _): HostKernelGradient.Run<float, F32, SingleCell>(flat, parts, x, y); break;
            default: HostKernelGradient.Run<double, F64, DoubleCell>(flat, parts, x, y); break;
        }
        GC.KeepAlive(x);
        GC.KeepAlive(y);
        return Reduce.Over<Sum>("Convolution", parts, 0, 1);
    }

    // The sum of nothing.
    static Tensor Zeros(Shape shape, Tensor like) => Reduce.Over<Sum>("Convolution", Tensor.Empty([0, .. shape], like.DType, like.Device), 0, 1);
}
