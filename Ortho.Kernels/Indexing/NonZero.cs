using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Indexing;

/// <summary>Where truth values are true.</summary>
public static class NonZero
{
    /// <summary>The row-major positions of the true elements, ascending, as an Int64 vector. Their number is its shape, so a device is
    /// waited for.</summary>
    /// <param name="operation">Name for messages.</param>
    /// <param name="mask">Bool.</param>
    /// <exception cref="TensorArgumentException">The mask is not Bool.</exception>
    public static Tensor Run(string operation, Tensor mask)
    {
        if (mask.DType != DType.Bool)
            throw new TensorArgumentException(operation, nameof(mask), $"{mask.DType}", "Bool");
        mask = Copy.Contiguous(mask);
        return mask.Device is GpuDevice gpu ? OnDevice(gpu, mask) : OnHost(mask);
    }

    static Tensor OnHost(Tensor mask)
    {
        var truth = mask.AsSpan<bool>();
        var y = Tensor.Empty([truth.Count(true)], DType.Int64);
        var positions = y.AsSpan<long>();
        var next = 0;
        // Without a branch, which no processor predicts: what is written where nothing is true is overwritten.
        for (var i = 0; next < positions.Length; i++)
        {
            positions[next] = i;
            next += truth[i] ? 1 : 0;
        }
        // A temporary may be collected while its memory is read.
        GC.KeepAlive(mask);
        return y;
    }

    // Each thread counts and later lists one stretch of the mask; stretches are as many as they are long, so that the one thread that
    // adds up their counts has no more to do than the others.

    internal struct Arguments
    {
        public ArrayView<byte> Mask;
        public ArrayView<int> Starts;
        public ArrayView<long> Y;
        public int Length, Stretch, Stretches;
    }

    static Tensor OnDevice(GpuDevice gpu, Tensor mask)
    {
        var length = checked((int)mask.ElementCount);
        if (length == 0)
            return Tensor.Empty([0], DType.Int64, gpu);
        var stretch = (int)Math.Ceiling(Math.Sqrt(length));
        var stretches = (length + stretch - 1) / stretch;
        var starts = Tensor.Empty([stretches + 1], DType.Int32, gpu);
        var arguments = new Arguments
        {
            Mask = GpuDevice.View<byte>(mask), Starts = GpuDevice.View<int>(starts),
            Length = length, Stretch = stretch, Stretches = stretches,
        };
        gpu.Launch(CountKernel, stretches, arguments);
        gpu.Launch(SumKernel, 1, arguments);
        var total = starts.View(starts.Layout.Slice(0, stretches, 1, 1)).ToArray<int>()[0];
        var y = Tensor.Empty([total], DType.Int64, gpu);
        arguments.Y = GpuDevice.View<long>(y);
        if (total > 0)
            gpu.Launch(ListKernel, stretches, arguments);
        starts.Dispose();
        return y;
    }

    internal static void CountKernel(Index1D index, Arguments x)
    {
        int k = index;
        var count = 0;
        for (var i = k * x.Stretch; i < IntrinsicMath.Min((k + 1) * x.Stretch, x.Length); i++)
            count += x.Mask[i];
        x.Starts[k] = count;
    }

    internal static void SumKernel(Index1D index, Arguments x)
    {
        var sum = 0;
        for (var k = 0; k < x.Stretches; k++)
        {
            var count = x.Starts[k];
            x.Starts[k] = sum;
            sum += count;
        }
        x.Starts[x.Stretches] = sum;
    }

    internal static void ListKernel(Index1D index, Arguments x)
    {
        int k = index;
        var next = x.Starts[k];
        for (var i = k * x.Stretch; i < IntrinsicMath.Min((k + 1) * x.Stretch, x.Length); i++)
        {
            if (x.Mask[i] != 0)
                x.Y[next++] = i;
        }
    }

    internal struct CoordinateArguments
    {
        public ArrayView<long> Positions, Y;
        public int Apart, Extent;
    }

    /// <summary>The index along each dimension of row-major positions in a shape: Int64 [rank, count].</summary>
    public static Tensor Coordinates(Tensor positions, Shape shape)
    {
        var (y, apart) = (Tensor.Empty([shape.Rank, positions.Shape[0]], DType.Int64, positions.Device), shape.DenseStrides());
        for (var d = 0; d < shape.Rank; d++)
        {
            var (row, stride, extent) = (y.View(Layout.Strided(positions.Shape, [1], d * positions.ElementCount)), apart[d], shape.Span[d]);
            if (y.Device is GpuDevice gpu)
            {
                gpu.Launch(CoordinateKernel, positions.ElementCount, new CoordinateArguments
                {
                    Positions = GpuDevice.View<long>(positions), Y = GpuDevice.View<long>(row),
                    Apart = checked((int)stride), Extent = extent,
                });
                continue;
            }
            var from = positions.AsSpan<long>();
            var to = row.AsSpan<long>();
            for (var i = 0; i < to.Length; i++)
                to[i] = from[i] / stride % extent;
            GC.KeepAlive(row);
        }
        GC.KeepAlive(positions);
        return y;
    }

    internal static void CoordinateKernel(Index1D i, CoordinateArguments x) => x.Y[i] = x.Positions[i] / x.Apart % x.Extent;
}
