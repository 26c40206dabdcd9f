using System.Numerics;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Indexing;

/// <summary>Where the largest element of a dimension is: the first one of equals; a NaN counts as largest.</summary>
public static class ArgMax
{
    /// <summary>Int64 positions, of x's shape without the dimension.</summary>
    /// <exception cref="TensorArgumentException">The dtype is not floating-point, or the dimension is empty.</exception>
    public static Tensor Run(Tensor x, int axis)
    {
        if (!x.DType.IsFloatingPoint)
            throw new TensorArgumentException("ArgMax", nameof(x), $"{x.DType}", "a floating-point tensor");
        if (x.Shape[axis] == 0)
            throw new TensorArgumentException("ArgMax", nameof(x), $"{x.Shape}", $"at least one element along dimension {axis}");
        var y = Tensor.Empty([.. x.Shape[..axis], .. x.Shape[(axis + 1)..]], DType.Int64, x.Device);
        x = Copy.Contiguous(x);
        if (x.DType == DType.Float32)
            Typed<float>(x, axis, y);
        else
            Typed<double>(x, axis, y);
        return y;
    }

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> X;
        public ArrayView<long> Y;
        public int Extent, Inner;
    }

    static unsafe void Typed<E>(Tensor x, int axis, Tensor y) where E : unmanaged, INumber<E>
    {
        var (extent, inner) = (x.Shape[axis], (int)x.Shape[(axis + 1)..].ElementCount);
        if (x.Device is GpuDevice gpu)
        {
            gpu.Launch(Kernel, y.ElementCount, new Arguments<E> { X = GpuDevice.View<E>(x), Y = GpuDevice.View<long>(y), Extent = extent, Inner = inner });
            return;
        }
        var (from, to) = ((nint)HostMemory.Pointer<E>(x), (nint)HostMemory.Pointer<long>(y));
        HostThreads.Range(y.ElementCount, Math.Max(1, HostThreads.Grain / extent), (begin, end) =>
        {
            for (var i = begin; i < end; i++)
            {
                var line = (E*)from + i / inner * extent * inner + i % inner;
                var (best, at) = (line[0], 0);
                for (var j = 1; j < extent && IsNumber(best); j++)
                {
                    // Not less or equal: larger, or NaN.
                    if (!(line[(nint)j * inner] <= best))
                        (best, at) = (line[(nint)j * inner], j);
                }
                ((long*)to)[i] = at;
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    static bool IsNumber<E>(E x) where E : unmanaged, INumber<E> => x <= E.Zero || x > E.Zero;

    internal static void Kernel<E>(Index1D i, Arguments<E> x) where E : unmanaged, INumber<E>
    {
        var line = i / x.Inner * x.Extent * x.Inner + i % x.Inner;
        var (best, at) = (x.X[line], 0);
        for (var j = 1; j < x.Extent; j++)
        {
            var next = x.X[line + j * x.Inner];
            if (IsNumber(best) && !(next <= best))
            {
                best = next;
                at = j;
            }
        }
        x.Y[i] = at;
    }
}
