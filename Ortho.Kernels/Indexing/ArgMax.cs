using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Indexing;

/// <summary>Which of two numbers is sought.</summary>
public interface IExtreme
{
    /// <summary>1 where <paramref name="value"/> is better than <paramref name="found"/>, else 0; numbers, not NaN.</summary>
    static abstract T IsBetter<T>(T found, T value) where T : struct, ILane<T>;
}

/// <summary>The largest number.</summary>
public readonly struct Largest : IExtreme
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T IsBetter<T>(T found, T value) where T : struct, ILane<T> => T.SelectLess(found, value, T.Of(1), T.Of(0));
}

/// <summary>The smallest number.</summary>
public readonly struct Smallest : IExtreme
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T IsBetter<T>(T found, T value) where T : struct, ILane<T> => T.SelectLess(value, found, T.Of(1), T.Of(0));
}

/// <summary>Where the largest (or smallest) element of a dimension is: the first one of equals; a NaN comes before all numbers.</summary>
public static class ArgMax
{
    // Positions are carried in a lane beside the values; float32 counts exactly to 2^24.
    const int LongestSingle = 1 << 24;

    /// <summary>Int64 positions, of x's shape without the dimension.</summary>
    /// <exception cref="TensorArgumentException">The dtype is complex or Bool, or the dimension is empty (or, in Float32, longer than
    /// 2^24).</exception>
    public static Tensor Run<X>(string operation, Tensor x, int axis) where X : struct, IExtreme
    {
        if (x.DType.IsHalfPrecision)
            x = Cast.To(x, DType.Float32);
        if (x.DType.IsComplex || x.DType == DType.Bool)
            throw new TensorArgumentException(operation, nameof(x), $"{x.DType}", "real or integer numbers");
        if (x.Shape[axis] == 0 || (x.DType == DType.Float32 && x.Shape[axis] > LongestSingle))
            throw new TensorArgumentException(operation, nameof(x), $"{x.Shape}", $"1 to {LongestSingle} elements along dimension {axis}");
        var y = Tensor.Empty([.. x.Shape[..axis], .. x.Shape[(axis + 1)..]], x.DType, x.Device);
        x = Copy.Contiguous(x);
        switch (x.DType)
        {
            case DType.Float32: Typed<X, F32, float, SingleCell>(x, axis, y); break;
            case DType.Float64: Typed<X, F64, double, DoubleCell>(x, axis, y); break;
            case DType.Int32: Typed<X, I32, int, Int32Cell>(x, axis, y); break;
            default: Typed<X, I64, long, Int64Cell>(x, axis, y); break;
        }
        return Cast.To(y, DType.Int64);
    }

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> X, Y;
        public int Extent, Inner;
    }

    static unsafe void Typed<X, T, E, F>(Tensor x, int axis, Tensor y)
        where X : struct, IExtreme where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (extent, inner) = (x.Shape[axis], (int)x.Shape[(axis + 1)..].ElementCount);
        if (x.Device is GpuDevice gpu)
        {
            gpu.Launch(Kernel<X, T, E, F>, y.ElementCount, new Arguments<E> { X = GpuDevice.View<E>(x), Y = GpuDevice.View<E>(y), Extent = extent, Inner = inner });
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
                    found = Better<X, T>(found, F.Splat(line[(nint)j * inner]), position += T.Of(1));
                ((E*)to)[i] = F.Pack(found.B);
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    internal static void Kernel<X, T, E, F>(Index1D i, Arguments<E> x)
        where X : struct, IExtreme where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var line = i / x.Inner * x.Extent * x.Inner + i % x.Inner;
        var found = new State<T>(F.Splat(x.X[line]), T.Of(0));
        var position = T.Of(0);
        for (var j = 1; j < x.Extent; j++)
        {
            position += T.Of(1);
            found = Better<X, T>(found, F.Splat(x.X[line + j * x.Inner]), position);
        }
        x.Y[i] = F.Pack(found.B);
    }

    // (value, position), replaced by a better value, or by the first NaN.
    [MethodImpl(Inline.Always)]
    static State<T> Better<X, T>(State<T> found, T value, T position) where X : struct, IExtreme where T : struct, ILane<T>
    {
        var (one, zero) = (T.Of(1), T.Of(0));
        var replace = T.SelectEqual(found.A, found.A, T.SelectEqual(value, value, X.IsBetter(found.A, value), one), zero);
        return new(T.SelectEqual(replace, one, value, found.A), T.SelectEqual(replace, one, position, found.B));
    }
}
