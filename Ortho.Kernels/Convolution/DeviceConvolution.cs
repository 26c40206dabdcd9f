using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.MatMul;
using Ortho.Tensors;

namespace Ortho.Kernels.Convolution;

/// <summary>The device half of <see cref="Convolution"/>: products of tiles (<see cref="TiledConvolution"/>), or where tiles would be mostly empty,
/// one thread for each element of the result.</summary>
static class DeviceConvolution
{
    /// <summary>A <see cref="ConvolutionAxis"/>.</summary>
    internal struct Axis
    {
        public int Input, Kernel, Output, Stride, Before, Dilation;

        public static Axis Of(ConvolutionAxis axis)
            => new() { Input = axis.Input, Kernel = axis.Kernel, Output = axis.Output, Stride = axis.Stride, Before = axis.Before, Dilation = axis.Dilation };
    }

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> X, W, Y, Bias;
        public Axis Rows, Columns;
        public int HasBias, Batch, Groups, Inputs, Outputs, ChannelBlock, PixelChain, SegmentImages;
    }

    static Arguments<E> Pack<E>(ConvolutionGeometry geometry, Tensor x, Tensor w, Tensor y, Tensor? bias) where E : unmanaged => new()
    {
        X = GpuDevice.View<E>(x), W = GpuDevice.View<E>(w), Y = GpuDevice.View<E>(y), Bias = GpuDevice.View<E>(bias ?? w),
        Rows = Axis.Of(geometry.Rows), Columns = Axis.Of(geometry.Columns), HasBias = bias is null ? 0 : 1,
        Batch = geometry.Batch, Groups = geometry.Groups, Inputs = geometry.Inputs, Outputs = geometry.Outputs,
        ChannelBlock = geometry.ChannelBlock, PixelChain = geometry.PixelChain, SegmentImages = geometry.SegmentImages,
    };

    public static void Run<T, E, F, U>(GpuDevice gpu, ConvolutionGeometry geometry, Tensor to, Tensor from, Tensor w, Tensor? bias, bool isAdjoint)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E>
    {
        var (lines, pixels) = isAdjoint ? (geometry.Inputs, geometry.InputPixels) : (geometry.Outputs, geometry.OutputPixels);
        if (TiledConvolution.Takes(geometry, lines, (long)geometry.Batch * pixels))
            TiledConvolution.Run<T, E, U, F>(gpu, geometry, to, from, w, bias, isAdjoint);
        else if (isAdjoint)
            gpu.Launch(ImagesKernel<T, E, F>, to.ElementCount, Pack<E>(geometry, to, w, from, bias));
        else
            gpu.Launch(ForwardKernel<T, E, F>, to.ElementCount, Pack<E>(geometry, from, w, to, bias));
    }

    public static void Weights<T, E, F, U>(GpuDevice gpu, ConvolutionGeometry geometry, Tensor parts, Tensor x, Tensor y)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E>
    {
        if (TiledConvolution.Takes(geometry, geometry.Outputs, (long)geometry.Inputs * geometry.Taps))
            TiledConvolution.Weights<T, E, U, F>(gpu, geometry, parts, x, y);
        else
            gpu.Launch(WeightsKernel<T, E, F>, parts.ElementCount, Pack<E>(geometry, x, parts, y, null));
    }

    [Budget(32, 0, typeof(F32), typeof(float), typeof(SingleCell))]
    internal static void ForwardKernel<T, E, F>(Index1D index, Arguments<E> x) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (j, i) = (index % x.Columns.Output, index / x.Columns.Output % x.Rows.Output);
        var plane = index / (x.Columns.Output * x.Rows.Output);
        var (output, image) = (plane % (x.Groups * x.Outputs), plane / (x.Groups * x.Outputs));
        var group = output / x.Outputs;
        var (total, chain) = (T.Of(0), T.Of(0));
        var weight = output * x.Inputs * x.Rows.Kernel * x.Columns.Kernel;
        for (var c = 0; c < x.Inputs; c++)
        {
            var from = (image * x.Groups * x.Inputs + group * x.Inputs + c) * x.Rows.Input * x.Columns.Input;
            for (var p = 0; p < x.Rows.Kernel; p++)
            {
                var row = i * x.Rows.Stride + p * x.Rows.Dilation - x.Rows.Before;
                for (var q = 0; q < x.Columns.Kernel; q++)
                {
                    var column = j * x.Columns.Stride + q * x.Columns.Dilation - x.Columns.Before;
                    var pixel = T.Of(0);
                    if (row >= 0 && row < x.Rows.Input && column >= 0 && column < x.Columns.Input)
                        pixel = Cells.Read<T, E, F>(x.X, from + row * x.Columns.Input + column);
                    chain = T.Fma(Cells.Read<T, E, F>(x.W, weight), pixel, chain);
                    weight++;
                }
            }
            (total, chain) = Break(c, x.ChannelBlock, x.Inputs, total, chain);
        }
        if (x.HasBias != 0)
            total += Cells.Read<T, E, F>(x.Bias, output);
        Cells.Write<T, E, F>(x.Y, index, total);
    }

    // After the last channel of a block, and after the last of all, the chain goes into the total.
    static (T Total, T Chain) Break<T>(int channel, int block, int channels, T total, T chain) where T : struct, ILane<T>
    {
        if ((channel + 1) % block != 0 && channel + 1 != channels)
            return (total, chain);
        return (channel < block ? chain : total + chain, T.Of(0));
    }

    [Budget(32, 0, typeof(F32), typeof(float), typeof(SingleCell))]
    internal static void ImagesKernel<T, E, F>(Index1D index, Arguments<E> x) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (column, row) = (index % x.Columns.Input, index / x.Columns.Input % x.Rows.Input);
        var plane = index / (x.Columns.Input * x.Rows.Input);
        var (input, image) = (plane % (x.Groups * x.Inputs), plane / (x.Groups * x.Inputs));
        var group = input / x.Inputs;
        var (total, chain) = (T.Of(0), T.Of(0));
        for (var o = 0; o < x.Outputs; o++)
        {
            var output = group * x.Outputs + o;
            var from = (image * x.Groups * x.Outputs + output) * x.Rows.Output * x.Columns.Output;
            var weight = (output * x.Inputs + input % x.Inputs) * x.Rows.Kernel * x.Columns.Kernel;
            for (var p = 0; p < x.Rows.Kernel; p++)
            {
                var i = row + x.Rows.Before - p * x.Rows.Dilation;
                for (var q = 0; q < x.Columns.Kernel; q++)
                {
                    var j = column + x.Columns.Before - q * x.Columns.Dilation;
                    if (i % x.Rows.Stride != 0 || j % x.Columns.Stride != 0)
                        continue;
                    var (down, across) = (i / x.Rows.Stride, j / x.Columns.Stride);
                    var pixel = T.Of(0);
                    if (down >= 0 && down < x.Rows.Output && across >= 0 && across < x.Columns.Output)
                        pixel = Cells.Read<T, E, F>(x.Y, from + down * x.Columns.Output + across);
                    chain = T.Fma(Cells.Read<T, E, F>(x.W, weight + p * x.Columns.Kernel + q), pixel, chain);
                }
            }
            (total, chain) = Break(o, x.ChannelBlock, x.Outputs, total, chain);
        }
        if (x.HasBias != 0)
            total += Cells.Read<T, E, F>(x.Bias, input);
        Cells.Write<T, E, F>(x.X, index, total);
    }

    [Budget(32, 0, typeof(F32), typeof(float), typeof(SingleCell))]
    internal static void WeightsKernel<T, E, F>(Index1D index, Arguments<E> x) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (q, p) = (index % x.Columns.Kernel, index / x.Columns.Kernel % x.Rows.Kernel);
        var rest = index / (x.Columns.Kernel * x.Rows.Kernel);
        var c = rest % x.Inputs;
        var (output, segment) = (rest / x.Inputs % (x.Groups * x.Outputs), rest / x.Inputs / (x.Groups * x.Outputs));
        var group = output / x.Outputs;
        var pixels = x.Rows.Output * x.Columns.Output;
        var total = T.Of(0);
        var first = segment * x.SegmentImages;
        var last = IntrinsicMath.Min(x.Batch, first + x.SegmentImages);
        for (var image = first; image < last; image++)
        {
            var from = (image * x.Groups * x.Inputs + group * x.Inputs + c) * x.Rows.Input * x.Columns.Input;
            var gradient = (image * x.Groups * x.Outputs + output) * pixels;
            var end = 0;
            for (var start = 0; start < pixels; start = end)
            {
                var chain = T.Of(0);
                end = IntrinsicMath.Min(pixels, start + x.PixelChain);
                if (x.PixelChain < x.Columns.Output)
                    end = IntrinsicMath.Min(end, (start / x.Columns.Output + 1) * x.Columns.Output);
                for (var n = start; n < end; n++)
                {
                    var row = n / x.Columns.Output * x.Rows.Stride + p * x.Rows.Dilation - x.Rows.Before;
                    var column = n % x.Columns.Output * x.Columns.Stride + q * x.Columns.Dilation - x.Columns.Before;
                    var pixel = T.Of(0);
                    if (row >= 0 && row < x.Rows.Input && column >= 0 && column < x.Columns.Input)
                        pixel = Cells.Read<T, E, F>(x.X, from + row * x.Columns.Input + column);
                    chain = T.Fma(Cells.Read<T, E, F>(x.Y, gradient + n), pixel, chain);
                }
                total = image == first && start == 0 ? chain : total + chain;
            }
        }
        Cells.Write<T, E, F>(x.W, index, total);
    }
}
