using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Util;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Ortho.Kernels.Skeletons;

/// <summary>Conversion between real dtypes, to the nearest number. Integers pass through float64, exact up to 2^53. To an integer, numbers are truncated towards
/// zero, NaN becomes 0 and numbers beyond the range its nearest end; to Bool, every non-zero is true.</summary>
public static class Cast
{
    /// <summary>A dense tensor of another real dtype; the tensor itself when it has that dtype.</summary>
    /// <exception cref="TensorArgumentException">Either dtype is complex.</exception>
    public static Tensor To(Tensor x, DType dtype)
    {
        if (x.DType == dtype)
            return x;
        if (x.DType.IsComplex || dtype.IsComplex)
            throw new TensorArgumentException("To", nameof(dtype), $"{x.DType} to {dtype}", "real dtypes; Real, Imag and Complex convert complex tensors");
        x = Copy.Contiguous(x);
        var y = Tensor.Empty(x.Shape, dtype, x.Device);
        switch (x.DType)
        {
            case DType.Float32: From<float, SingleElement>(x, y); break;
            case DType.Float64: From<double, DoubleElement>(x, y); break;
            case DType.Int32: From<int, Int32Element>(x, y); break;
            case DType.Int64: From<long, Int64Element>(x, y); break;
            case DType.BFloat16: From<ushort, HalfElement<BFloat16Cell>>(x, y); break;
            case DType.Half: From<ushort, HalfElement<HalfCell>>(x, y); break;
            default: From<byte, BoolElement>(x, y); break;
        }
        return y;
    }

    /// <summary>Half precision as float32; any other tensor itself.</summary>
    internal static Tensor Widened(Tensor x) => x.DType.IsHalfPrecision ? To(x, DType.Float32) : x;

    static void From<A, FA>(Tensor x, Tensor y) where A : unmanaged where FA : struct, IElement<A>
    {
        switch (y.DType)
        {
            case DType.Float32: Run<A, FA, float, SingleElement>(x, y); break;
            case DType.Float64: Run<A, FA, double, DoubleElement>(x, y); break;
            case DType.Int32: Run<A, FA, int, Int32Element>(x, y); break;
            case DType.Int64: Run<A, FA, long, Int64Element>(x, y); break;
            case DType.BFloat16: Run<A, FA, ushort, HalfElement<BFloat16Cell>>(x, y); break;
            case DType.Half: Run<A, FA, ushort, HalfElement<HalfCell>>(x, y); break;
            default: Run<A, FA, byte, BoolElement>(x, y); break;
        }
    }

    internal struct Arguments<A, B> where A : unmanaged where B : unmanaged
    {
        public ArrayView<A> X;
        public ArrayView<B> Y;
        public int Count;

        /// <summary>1 when four elements of either are aligned.</summary>
        public int IsWhole;
    }

    static unsafe void Run<A, FA, B, FB>(Tensor x, Tensor y)
        where A : unmanaged where FA : struct, IElement<A> where B : unmanaged where FB : struct, IElement<B>
    {
        if (x.Device is GpuDevice gpu)
        {
            gpu.Launch(Kernel<A, FA, B, FB>, (x.ElementCount + Quad<A>.Count - 1) / Quad<A>.Count, new Arguments<A, B>
            {
                X = GpuDevice.View<A>(x), Y = GpuDevice.View<B>(y), Count = checked((int)x.ElementCount),
                IsWhole = (x.Layout.Offset | y.Layout.Offset) % Quad<A>.Count == 0 ? 1 : 0,
            });
            return;
        }
        var (from, to) = ((nint)HostMemory.Pointer<A>(x), (nint)HostMemory.Pointer<B>(y));
        HostThreads.Range(x.ElementCount, HostThreads.Grain, (begin, end) =>
        {
            var source = new ReadOnlySpan<A>((A*)from + begin, (int)(end - begin));
            var target = new Span<B>((B*)to + begin, (int)(end - begin));
            if (typeof(B) == typeof(float) && FA.IsHalf)
                FA.Widen(source, MemoryMarshal.Cast<B, float>(target));
            else if (typeof(A) == typeof(float) && FB.IsHalf)
                FB.Round(MemoryMarshal.Cast<A, float>(source), target);
            else if (typeof(A) == typeof(float) && typeof(B) == typeof(double))
                TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<A, float>(source), MemoryMarshal.Cast<B, double>(target));
            else if (typeof(A) == typeof(double) && typeof(B) == typeof(float))
                TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<A, double>(source), MemoryMarshal.Cast<B, float>(target));
            else
                OneByOne<A, FA, B, FB>(source, target);
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    static void OneByOne<A, FA, B, FB>(ReadOnlySpan<A> source, Span<B> target)
        where A : unmanaged where FA : struct, IElement<A> where B : unmanaged where FB : struct, IElement<B>
    {
        for (var i = 0; i < source.Length; i++)
            target[i] = FB.FromDouble(FA.ToDouble(source[i]));
    }

    // One thread for four neighbours.
    [Budget(32, 0, typeof(float), typeof(SingleElement), typeof(ushort), typeof(HalfElement<BFloat16Cell>), LoadsWide = true)]
    [Budget(32, 0, typeof(ushort), typeof(HalfElement<BFloat16Cell>), typeof(float), typeof(SingleElement), StoresWide = true)]
    internal static void Kernel<A, FA, B, FB>(Index1D index, Arguments<A, B> x)
        where A : unmanaged where FA : struct, IElement<A> where B : unmanaged where FB : struct, IElement<B>
    {
        int piece = index;
        var begin = piece * Quad<A>.Count;
        if (x.IsWhole != 0 && begin <= x.Count - Quad<A>.Count)
        {
            var from = x.X.Cast<Quad<A>>()[piece];
            Quad<B> to = default;
            for (var k = 0; k < Quad<A>.Count; k++)
                to = Quad<B>.With(to, k, FB.FromDouble(FA.ToDouble(Quad<A>.Get(from, k))));
            x.Y.Cast<Quad<B>>()[piece] = to;
        }
        else
        {
            for (var i = begin; i < IntrinsicMath.Min(begin + Quad<A>.Count, x.Count); i++)
                x.Y[i] = FB.FromDouble(FA.ToDouble(x.X[i]));
        }
    }

    // The largest float64 below 2^63.
    const double LargestLong = 9223372036854774784;

    // Devices differ in what they convert NaN and numbers out of range to, so these are settled before. Selects, not branches: OpenCL's
    // branches on comparisons with NaN go the wrong way.
    [MethodImpl(Inline.Always)]
    static double Limit(double value, double low, double high)
    {
        value = Utilities.Select(value < low, low, value);
        value = Utilities.Select(value > high, high, value);
        return Utilities.Select(value >= low, value, 0.0);
    }

    internal interface IElement<E> where E : unmanaged
    {
        static abstract double ToDouble(E value);

        static abstract E FromDouble(double value);

        /// <summary>Whether the next two do something.</summary>
        static virtual bool IsHalf => false;

        /// <summary>Half precision to float32, on the host.</summary>
        static virtual void Widen(ReadOnlySpan<E> source, Span<float> target)
        {
        }

        /// <summary>Float32 to half precision, on the host.</summary>
        static virtual void Round(ReadOnlySpan<float> source, Span<E> target)
        {
        }
    }

    internal readonly struct SingleElement : IElement<float>
    {
        [MethodImpl(Inline.Always)] public static double ToDouble(float value) => value;

        [MethodImpl(Inline.Always)] public static float FromDouble(double value) => (float)value;
    }

    internal readonly struct DoubleElement : IElement<double>
    {
        [MethodImpl(Inline.Always)] public static double ToDouble(double value) => value;

        [MethodImpl(Inline.Always)] public static double FromDouble(double value) => value;
    }

    internal readonly struct Int32Element : IElement<int>
    {
        [MethodImpl(Inline.Always)] public static double ToDouble(int value) => value;

        [MethodImpl(Inline.Always)] public static int FromDouble(double value) => (int)Limit(value, int.MinValue, int.MaxValue);
    }

    internal readonly struct Int64Element : IElement<long>
    {
        [MethodImpl(Inline.Always)] public static double ToDouble(long value) => value;

        [MethodImpl(Inline.Always)] public static long FromDouble(double value) => (long)Limit(value, long.MinValue, LargestLong);
    }

    internal readonly struct BoolElement : IElement<byte>
    {
        [MethodImpl(Inline.Always)] public static double ToDouble(byte value) => value;

        [MethodImpl(Inline.Always)] public static byte FromDouble(double value) => (byte)Utilities.Select(value == 0, 0, 1);
    }

    // Rounded to float32 first: float64 to half precision in two steps, as PyTorch does.
    internal readonly struct HalfElement<F> : IElement<ushort> where F : struct, IHalfCell
    {
        [MethodImpl(Inline.Always)] public static double ToDouble(ushort value) => F.Splat(value).Value;

        [MethodImpl(Inline.Always)] public static ushort FromDouble(double value) => F.Pack(new((float)value));

        public static bool IsHalf => true;

        public static void Widen(ReadOnlySpan<ushort> source, Span<float> target) => F.Widen(source, target);

        public static void Round(ReadOnlySpan<float> source, Span<ushort> target) => F.Round(source, target);
    }
}
