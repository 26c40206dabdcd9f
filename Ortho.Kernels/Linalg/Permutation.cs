using System.Runtime.CompilerServices;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Indexing;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>Rows and columns of matrices [batch, m, n] in another order, [batch, m or n, 1], Int64.</summary>
static class Permutation
{
    /// <summary>Row i of the result is row order[i] of x.</summary>
    public static Tensor Rows(Tensor x, Tensor order) => Gather.Run(x, 1, Index(x, order));

    /// <summary>As <see cref="Rows"/>, in place. On the host only the rows that move are touched: of an elimination's block, few do.</summary>
    public static void MoveRows(Tensor x, Tensor order)
    {
        if (x.Device is GpuDevice || x.Layout.Strides[^1] != 1)
        {
            var moved = Rows(x, order);
            Copy.Into(x, moved);
            moved.Dispose();
            return;
        }
        order = Copy.Contiguous(order);
        switch (x.DType.Size)
        {
            case 4: MoveRows<float>(x, order); break;
            case 8: MoveRows<double>(x, order); break;
            default: MoveRows<Copy.Pair>(x, order); break;
        }
    }

    static unsafe void MoveRows<E>(Tensor x, Tensor order) where E : unmanaged
    {
        var (rows, columns, matrix, stride) = (x.Shape[1], x.Shape[2], x.Layout.Strides[0], x.Layout.Strides[1]);
        for (var k = 0; k < x.Shape[0]; k++)
        {
            var to = HostMemory.Pointer<E>(x) + k * matrix;
            var at = HostMemory.Pointer<long>(order) + (nint)k * rows;
            int[] moving = [.. Enumerable.Range(0, rows).Where(i => at[i] != i)];
            var room = Scratch<MovingRows>.Of<E>((nuint)((long)moving.Length * columns));
            for (var i = 0; i < moving.Length; i++)
                new ReadOnlySpan<E>(to + at[moving[i]] * stride, columns).CopyTo(new(room + (nint)i * columns, columns));
            for (var i = 0; i < moving.Length; i++)
                new ReadOnlySpan<E>(room + (nint)i * columns, columns).CopyTo(new(to + moving[i] * stride, columns));
        }
        GC.KeepAlive(x);
        GC.KeepAlive(order);
    }

    readonly struct MovingRows;

    /// <summary>Column order[i] of the result is column i of x.</summary>
    public static Tensor Columns(Tensor x, Tensor order)
    {
        if (x.Device is GpuDevice)
            return Scatter.Replace("Inverse", x, 2, Index(x, order.View(order.Layout.Permute([0, 2, 1], "Inverse"))), x);
        x = Copy.Contiguous(x);
        order = Copy.Contiguous(order);
        var y = Tensor.Empty(x.Shape, x.DType, x.Device);
        switch (x.DType.Size)
        {
            case 4: Move<float>(x, order, y); break;
            case 8: Move<double>(x, order, y); break;
            default: Move<Copy.Pair>(x, order, y); break;
        }
        return y;
    }

    // One order for all lines is a vector, which is read once.
    static Tensor Index(Tensor x, Tensor order)
        => x.Shape[0] == 1 ? Copy.Contiguous(order).View(Layout.Dense([checked((int)order.ElementCount)])) : order.View(order.Layout.Expand(x.Shape, "Inverse"));

    static unsafe void Move<E>(Tensor x, Tensor order, Tensor y) where E : unmanaged
    {
        var (rows, columns) = (x.Shape[1], x.Shape[2]);
        var (from, to, at) = ((nint)HostMemory.Pointer<E>(x), (nint)HostMemory.Pointer<E>(y), (nint)HostMemory.Pointer<long>(order));
        HostThreads.Range((long)x.Shape[0] * rows, Math.Max(1, HostThreads.Grain / Math.Max(1, columns)), (begin, end) =>
        {
            for (var row = begin; row < end; row++)
                Line((E*)from + row * columns, (long*)at + row / rows * columns, (E*)to + row * columns, columns);
        });
        GC.KeepAlive(x);
        GC.KeepAlive(order);
        GC.KeepAlive(y);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static unsafe void Line<E>(E* from, long* order, E* to, int count) where E : unmanaged
    {
        for (var i = 0; i < count; i++)
            to[order[i]] = from[i];
    }
}
