using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Util;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Sorting;

/// <summary>Numbers of every real dtype as Int64 in the same order: -0 like 0, and NaN, of either sign, above infinity.</summary>
public static class SortKeys
{
    /// <summary>The keys, dense, of x's shape.</summary>
    /// <param name="operation">Name, for messages.</param>
    /// <param name="x">Any dtype but the complex ones.</param>
    /// <param name="descending">Turns the order round.</param>
    /// <exception cref="TensorArgumentException">The dtype is complex.</exception>
    public static Tensor Of(string operation, Tensor x, bool descending)
    {
        if (x.DType.IsHalfPrecision)
            x = Cast.To(x, DType.Float32);
        x = Copy.Contiguous(x);
        var y = Tensor.Empty(x.Shape, DType.Int64, x.Device);
        switch (x.DType)
        {
            case DType.Float32: Run<float, SingleKey>(x, y, descending); break;
            case DType.Float64: Run<double, DoubleKey>(x, y, descending); break;
            case DType.Int32: Run<int, IntKey>(x, y, descending); break;
            case DType.Int64: Run<long, LongKey>(x, y, descending); break;
            case DType.Bool: Run<byte, BoolKey>(x, y, descending); break;
            default: throw new TensorArgumentException(operation, nameof(x), $"{x.DType}", "real numbers; complex ones have no order");
        }
        return y;
    }

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> X;
        public ArrayView<long> Y;
        public long Flip;
    }

    static unsafe void Run<E, K>(Tensor x, Tensor y, bool descending) where E : unmanaged where K : struct, IKey<E>
    {
        // Complementing turns the order of all keys round.
        var flip = descending ? -1L : 0;
        if (x.Device is GpuDevice gpu)
        {
            gpu.Launch(Kernel<E, K>, x.ElementCount, new Arguments<E> { X = GpuDevice.View<E>(x), Y = GpuDevice.View<long>(y), Flip = flip });
            return;
        }
        var (from, to) = ((nint)HostMemory.Pointer<E>(x), (nint)HostMemory.Pointer<long>(y));
        HostThreads.Range(x.ElementCount, HostThreads.Grain, (begin, end) =>
        {
            for (var i = begin; i < end; i++)
                ((long*)to)[i] = K.Of(((E*)from)[i]) ^ flip;
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    internal static void Kernel<E, K>(Index1D i, Arguments<E> x) where E : unmanaged where K : struct, IKey<E>
        => x.Y[i] = K.Of(x.X[i]) ^ x.Flip;

    internal interface IKey<E> where E : unmanaged
    {
        static abstract long Of(E value);
    }

    internal readonly struct SingleKey : IKey<float>
    {
        // Widening is exact and keeps the order.
        [MethodImpl(Inline.Always)] public static long Of(float value) => DoubleKey.Of(value);
    }

    internal readonly struct DoubleKey : IKey<double>
    {
        const long Infinity = 0x7ff0000000000000;

        // As integers, the bits of positive numbers are in order, and those of negative ones in the opposite.
        [MethodImpl(Inline.Always)]
        public static long Of(double value)
        {
            var bits = BitConverter.DoubleToInt64Bits(value);
            var key = bits ^ ((bits >> 63) & long.MaxValue);
            key = Utilities.Select(value == 0, 0L, key);
            return Utilities.Select((bits & long.MaxValue) > Infinity, long.MaxValue, key);
        }
    }

    internal readonly struct IntKey : IKey<int>
    {
        [MethodImpl(Inline.Always)] public static long Of(int value) => value;
    }

    internal readonly struct LongKey : IKey<long>
    {
        [MethodImpl(Inline.Always)] public static long Of(long value) => value;
    }

    internal readonly struct BoolKey : IKey<byte>
    {
        [MethodImpl(Inline.Always)] public static long Of(byte value) => value;
    }
}
