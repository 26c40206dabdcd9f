using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Indexing;

/// <summary>Where the largest element of a dimension is: the first one of equals; a NaN counts as largest.</summary>
public static class ArgMax
{
    // Positions are carried in a lane beside the values; float32 counts exactly to 2^24.
    const int LongestSingle = 1 << 24;

    /// <summary>Int64 positions, of x's shape without the dimension.</summary>
    /// <exception cref="TensorArgumentException">The dtype is not floating-point, or the dimension is empty (or, in Float32, longer than
    /// 2^24).</exception>
    public static Tensor Run(Tensor x, int axis)
    {
        if (x.DType is not (DType.Float32 or DType.Float64))
            throw new TensorArgumentException("ArgMax", nameof(x), $"{x.DType}", "a floating-point tensor");
        if (x.Shape[axis] == 0 || (x.DType == DType.Float32 && x.Shape[axis] > LongestSingle))
            throw new TensorArgumentException("ArgMax", nameof(x), $"{x.Shape}", $"1 to {LongestSingle} elements along dimension {axis}");
        var y = Tensor.Empty([.. x.Shape[..axis], .. x.Shape[(axis + 1)..]], x.DType, x.Device);
        x = Copy.Contiguous(x);
        if (x.DType == DType.Float32)
            Typed<F32, float, SingleCell>(x, axis, y);
        else
            Typed<F64, double, DoubleCell>(x, axis, y);
        return Cast.To(y, DType.Int64);
    }

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> X, Y;
        public int Extent, Inner;
    }

    static unsafe void Typed<T, E, F>(Tensor x, int axis, Tensor y) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (extent, inner) = (x.Shape[axis], (int)x.Shape[(axis + 1)..].ElementCount);
        if (x.Device is GpuDevice gpu)
        {
            gpu.Launch(Kernel<T, E, F>, y.ElementCount, new Arguments<E> { X = GpuDevice.View<E>(x), Y = GpuDevice.View<E>(y), Extent = extent, Inner = inner });
            return;
        }
        var (from, to) = ((nint)HostMemory.Pointer<E>(x), (nint)HostMemory.Pointer<E>(y));
        HostThreads.Range(y.ElementCount, Math.Max(1, HostThreads.Grain / extent), (begin, end) =>
        {
            for (var i = begin; i < end; i++)
            {
                var line = (E*)from + i / inner * extent * inner + i % inner;
                var found = new State<T>(F.Splat(line[0]), T.Of(0));
                var position = T.Of(0);
                for (var j = 1; j < extent; j++)
                    found = Better(found, F.Splat(line[(nint)j * inner]), position += T.Of(1));
                ((E*)to)[i] = F.Pack(found.B);
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    internal static void Kernel<T, E, F>(Index1D i, Arguments<E> x) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var line = i / x.Inner * x.Extent * x.Inner + i % x.Inner;
        var found = new State<T>(F.Splat(x.X[line]), T.Of(0));
        var position = T.Of(0);
        for (var j = 1; j < x.Extent; j++)
        {
            position += T.Of(1);
            found = Better(found, F.Splat(x.X[line + j * x.Inner]), position);
        }
        x.Y[i] = F.Pack(found.B);
    }

    // (value, position), replaced by a larger value, or by the first NaN.
    [MethodImpl(Inline.Always)]
    static State<T> Better<T>(State<T> found, T value, T position) where T : struct, ILane<T>
    {
        T one = T.Of(1), zero = T.Of(0);
        var replace = T.SelectEqual(found.A, found.A, T.SelectEqual(value, value, T.SelectLess(found.A, value, one, zero), one), zero);
        return new(T.SelectEqual(replace, one, value, found.A), T.SelectEqual(replace, one, position, found.B));
    }

}
