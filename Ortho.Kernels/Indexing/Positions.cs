using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Indexing;

/// <summary>Positions along a dimension, as index tensors give them: negative ones count from the end.</summary>
/// <remarks>On the CPU a position outside the extent is an exception before anything is written. A device cannot report it without
/// waiting: there nothing is read or written outside, an element read from such a position is 0, and one written to it is
/// dropped.</remarks>
public static class Positions
{
    /// <summary>What stands for a position outside; no extent makes it valid.</summary>
    internal const long Outside = long.MinValue;

    /// <summary>A position in 0 .. extent - 1, or <see cref="Outside"/>.</summary>
    [MethodImpl(Inline.Always)]
    internal static long Wrap(long position, int extent)
    {
        var wrapped = position < 0 ? position + extent : position;
        return wrapped >= 0 && wrapped < extent ? wrapped : Outside;
    }

    /// <summary>Refuses an index that is not Int64, is on another device, or (on the CPU) leaves the extent.</summary>
    internal static void Check(string operation, Tensor index, int extent, Tensors.Device device)
    {
        if (index.DType != DType.Int64)
            throw new TensorArgumentException(operation, nameof(index), $"{index.DType}", "Int64");
        if (index.Device != device)
            throw new TensorArgumentException(operation, nameof(index), $"on {index.Device}", $"on {device}");
        if (device.Kind != DeviceKind.Cpu)
            return;
        var dense = Copy.Contiguous(index);
        foreach (var position in dense.AsSpan<long>())
        {
            if (Wrap(position, extent) == Outside)
                throw new TensorArgumentException(operation, nameof(index), $"{position}", $"-{extent} to {extent - 1}");
        }
        // A temporary may be collected while its memory is read.
        GC.KeepAlive(dense);
    }

    internal struct Arguments
    {
        public ArrayView<long> Outer, Inner, Y;
        public int OuterExtent, InnerExtent;
    }

    /// <summary>Positions in two dimensions as one in the dimension that both make together, row-major.</summary>
    /// <param name="operation">Name for messages.</param>
    /// <param name="outer">Int64 positions in the outer dimension.</param>
    /// <param name="outerExtent">Its extent.</param>
    /// <param name="inner">Int64 positions in the inner dimension, of the same shape.</param>
    /// <param name="innerExtent">Its extent.</param>
    /// <exception cref="TensorArgumentException">An index does not fit, or (CPU) leaves its extent.</exception>
    public static Tensor Join(string operation, Tensor outer, int outerExtent, Tensor inner, int innerExtent)
    {
        Check(operation, outer, outerExtent, outer.Device);
        Check(operation, inner, innerExtent, outer.Device);
        var y = Tensor.Empty(outer.Shape, DType.Int64, outer.Device);
        (outer, inner) = (Copy.Contiguous(outer), Copy.Contiguous(inner));
        if (outer.Device is GpuDevice gpu)
        {
            gpu.Launch(Kernel, y.ElementCount, new Arguments
            {
                Outer = GpuDevice.View<long>(outer), Inner = GpuDevice.View<long>(inner), Y = GpuDevice.View<long>(y),
                OuterExtent = outerExtent, InnerExtent = innerExtent,
            });
            return y;
        }
        var a = outer.AsSpan<long>();
        var b = inner.AsSpan<long>();
        var to = y.AsSpan<long>();
        for (var i = 0; i < to.Length; i++)
            to[i] = Joined(a[i], outerExtent, b[i], innerExtent);
        GC.KeepAlive(outer);
        GC.KeepAlive(inner);
        return y;
    }

    internal static void Kernel(Index1D i, Arguments x) => x.Y[i] = Joined(x.Outer[i], x.OuterExtent, x.Inner[i], x.InnerExtent);

    [MethodImpl(Inline.Always)]
    static long Joined(long outer, int outerExtent, long inner, int innerExtent)
    {
        var (a, b) = (Wrap(outer, outerExtent), Wrap(inner, innerExtent));
        return a == Outside || b == Outside ? Outside : a * innerExtent + b;
    }
}

/// <summary>How an index tensor addresses the lines of a dimension: a tensor is seen as [outer, extent, inner], and the index either has
/// a position for each of [outer, count, inner] or is one vector for all lines.</summary>
struct Lines
{
    public int Outer, Extent, Inner, Count;
    public int IndexOuter, IndexStep, IndexInner;

    /// <summary>Elements [outer, count, inner] along the dimension <paramref name="axis"/> of <paramref name="x"/>.</summary>
    public static Lines Of(Tensor x, int axis, Tensor index)
    {
        var (outer, inner) = (checked((int)x.Shape[..axis].ElementCount), checked((int)x.Shape[(axis + 1)..].ElementCount));
        var isVector = IsVector(x, index);
        var count = index.Shape[isVector ? 0 : axis];
        return new()
        {
            Outer = outer, Extent = x.Shape[axis], Inner = inner, Count = count,
            IndexOuter = isVector ? 0 : count * inner, IndexStep = isVector ? 1 : inner, IndexInner = isVector ? 0 : 1,
        };
    }

    static bool IsVector(Tensor x, Tensor index) => index.Rank == 1 && x.Rank != 1;

    /// <summary>The index in the smallest form: a vector when all lines share it. Checked against the tensor it addresses.</summary>
    public static Tensor Prepare(string operation, Tensor x, int axis, Tensor index)
    {
        if (!IsVector(x, index))
        {
            if (index.Rank != x.Rank || index.Shape.With(axis, 0) != x.Shape.With(axis, 0))
                throw new TensorArgumentException(operation, nameof(index), $"{index.Shape}", $"{x.Shape} but for dimension {axis}");
            var layout = index.Layout;
            if (Enumerable.Range(0, x.Rank).All(d => d == axis || layout.Strides[d] == 0 || layout.Shape[d] == 1) && x.Rank > 1)
                index = index.View(Layout.Strided([index.Shape[axis]], [layout.Strides[axis]], layout.Offset));
        }
        Positions.Check(operation, index, x.Shape[axis], x.Device);
        return Copy.Contiguous(index);
    }
}
