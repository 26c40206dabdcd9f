using System.Numerics;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Indexing;

/// <summary>Reading elements at given positions of one dimension, and adding into them.</summary>
/// <remarks>Tensors are seen as [outer, extent, inner]. On the CPU an index outside the extent is an exception; a device, which cannot
/// report it without waiting, reads 0 there and adds nothing.</remarks>
public static class Gather
{
    /// <summary>y[o, j, i] = x[o, index[o, j, i], i].</summary>
    /// <param name="x">Any dtype.</param>
    /// <param name="axis">The dimension.</param>
    /// <param name="index">Int64, of x's shape but for the dimension.</param>
    /// <exception cref="TensorArgumentException">The index has another dtype, device or shape, or points outside (CPU).</exception>
    public static Tensor Run(Tensor x, int axis, Tensor index)
    {
        Check("Gather", x, axis, index, x.Shape[axis]);
        var y = Tensor.Empty(index.Shape, x.DType, x.Device);
        if (y.ElementCount == 0)
            return y;
        (x, index) = (Copy.Contiguous(x), Copy.Contiguous(index));
        switch (x.DType.Size)
        {
            case 1: Read<byte>(x, axis, index, y); break;
            case 2: Read<short>(x, axis, index, y); break;
            case 4: Read<int>(x, axis, index, y); break;
            case 8: Read<long>(x, axis, index, y); break;
            default: Read<Copy.Pair>(x, axis, index, y); break;
        }
        return y;
    }

    /// <summary>y[o, k, i] = sum of x[o, j, i] over the j with index[o, j, i] = k, in order of j: the adjoint of <see cref="Run"/>.</summary>
    /// <param name="x">Floating-point or complex.</param>
    /// <param name="axis">The dimension.</param>
    /// <param name="index">Int64, of x's shape.</param>
    /// <param name="extent">Extent of the dimension in the result.</param>
    /// <exception cref="TensorArgumentException">The index does not fit, or x is not floating-point or complex.</exception>
    public static Tensor ScatterAdd(Tensor x, int axis, Tensor index, int extent)
    {
        Check("ScatterAdd", x, axis, index, extent);
        if (index.Shape != x.Shape)
            throw new TensorArgumentException("ScatterAdd", nameof(index), $"{index.Shape}", $"{x.Shape}");
        var y = Tensor.Empty(x.Shape.With(axis, extent), x.DType, x.Device);
        if (y.ElementCount == 0)
            return y;
        (x, index) = (Copy.Contiguous(x), Copy.Contiguous(index));
        switch (x.DType)
        {
            case DType.Float32: Add<F32, float, SingleCell>(x, axis, index, y); break;
            case DType.Float64: Add<F64, double, DoubleCell>(x, axis, index, y); break;
            case DType.Complex64: Add<Cx<F32>, Complex64, Complex64Cell>(x, axis, index, y); break;
            case DType.Complex128: Add<Cx<F64>, Complex, Complex128Cell>(x, axis, index, y); break;
            default: throw new TensorArgumentException("ScatterAdd", nameof(x), $"{x.DType}", "a floating-point or complex tensor");
        }
        return y;
    }

    static void Check(string operation, Tensor x, int axis, Tensor index, int extent)
    {
        if (index.DType != DType.Int64)
            throw new TensorArgumentException(operation, nameof(index), $"{index.DType}", "Int64");
        if (index.Device != x.Device)
            throw new TensorArgumentException(operation, nameof(index), $"on {index.Device}", $"on {x.Device}");
        if (index.Rank != x.Rank || index.Shape.With(axis, 0) != x.Shape.With(axis, 0))
            throw new TensorArgumentException(operation, nameof(index), $"{index.Shape}", $"{x.Shape} but for dimension {axis}");
        if (index.Device.Kind != DeviceKind.Cpu)
            return;
        foreach (var position in Copy.Contiguous(index).AsSpan<long>())
        {
            if (position < 0 || position >= extent)
                throw new TensorArgumentException(operation, nameof(index), $"{position}", $"0 to {extent - 1}");
        }
    }

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> X, Y;
        public ArrayView<long> Index;
        public int Extent, Count, Inner;
    }

    static (int Count, int Inner) Sizes(Tensor t, int axis) => (t.Shape[axis], (int)t.Shape[(axis + 1)..].ElementCount);

    static unsafe void Read<E>(Tensor x, int axis, Tensor index, Tensor y) where E : unmanaged
    {
        var (extent, inner) = Sizes(x, axis);
        var count = index.Shape[axis];
        if (x.Device is GpuDevice gpu)
        {
            gpu.Launch(ReadKernel, y.ElementCount, new Arguments<E>
            {
                X = GpuDevice.View<E>(x), Y = GpuDevice.View<E>(y), Index = GpuDevice.View<long>(index), Extent = extent, Count = count, Inner = inner,
            });
            return;
        }
        var (from, to, at) = ((nint)HostMemory.Pointer<E>(x), (nint)HostMemory.Pointer<E>(y), (nint)HostMemory.Pointer<long>(index));
        HostThreads.Range(y.ElementCount, HostThreads.Grain, (begin, end) =>
        {
            for (var i = begin; i < end; i++)
                ((E*)to)[i] = ((E*)from)[(i / ((long)count * inner) * extent + ((long*)at)[i]) * inner + i % inner];
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
        GC.KeepAlive(index);
    }

    internal static void ReadKernel<E>(Index1D i, Arguments<E> x) where E : unmanaged
    {
        var position = (int)x.Index[i];
        var inside = position >= 0 && position < x.Extent;
        var from = (i / (x.Count * x.Inner) * x.Extent + (inside ? position : 0)) * x.Inner + i % x.Inner;
        var value = x.X[from];
        if (!inside)
            value = default;
        x.Y[i] = value;
    }

    static unsafe void Add<T, E, F>(Tensor x, int axis, Tensor index, Tensor y)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (count, inner) = Sizes(x, axis);
        var extent = y.Shape[axis];
        if (x.Device is GpuDevice gpu)
        {
            gpu.Launch(AddKernel<T, E, F>, y.ElementCount, new Arguments<E>
            {
                X = GpuDevice.View<E>(x), Y = GpuDevice.View<E>(y), Index = GpuDevice.View<long>(index), Extent = extent, Count = count, Inner = inner,
            });
            return;
        }
        var (from, to, at) = ((nint)HostMemory.Pointer<E>(x), (nint)HostMemory.Pointer<E>(y), (nint)HostMemory.Pointer<long>(index));
        var outer = y.ElementCount / ((long)extent * inner);
        new Span<byte>((void*)to, checked((int)(y.ElementCount * sizeof(E)))).Clear();
        HostThreads.Range(outer, Math.Max(1, HostThreads.Grain / Math.Max(1, (long)count * inner)), (begin, end) =>
        {
            for (var o = begin; o < end; o++)
            {
                for (long i = o * count * inner; i < (o + 1) * count * inner; i++)
                {
                    var target = (E*)to + (o * extent + ((long*)at)[i]) * inner + i % inner;
                    *target = F.Pack(F.Splat(*target) + F.Splat(((E*)from)[i]));
                }
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
        GC.KeepAlive(index);
    }

    // Each element of the result looks through the indices of its line: no atomic additions, so the order of summation is fixed.
    internal static void AddKernel<T, E, F>(Index1D i, Arguments<E> x)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (outer, position, inner) = (i / (x.Extent * x.Inner), i / x.Inner % x.Extent, i % x.Inner);
        var sum = T.Of(0);
        for (var j = 0; j < x.Count; j++)
        {
            var from = (outer * x.Count + j) * x.Inner + inner;
            if (x.Index[from] == position)
                sum += F.Splat(x.X[from]);
        }
        x.Y[i] = F.Pack(sum);
    }
}
