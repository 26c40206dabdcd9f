using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Random;

/// <summary>What is made of the uniform numbers of a Philox block.</summary>
public interface IDistribution
{
    /// <summary>Two independent numbers from two uniform ones in [0, 1).</summary>
    static abstract (T First, T Second) Draw<T>(T u, T v) where T : struct, ILane<T>;
}

/// <summary>Uniform in [0, 1).</summary>
public readonly struct Uniform : IDistribution
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static (T First, T Second) Draw<T>(T u, T v) where T : struct, ILane<T> => (u, v);
}

/// <summary>Standard normal, by Box and Muller's transformation.</summary>
public readonly struct Normal : IDistribution
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static (T First, T Second) Draw<T>(T u, T v) where T : struct, ILane<T>
    {
        // 1 - u lies in (0, 1]: the logarithm is finite.
        var radius = T.Sqrt(T.Log(T.Of(1) - u) * T.Of(-2));
        var angle = v * T.Of(2 * Math.PI);
        return (radius * T.Cos(angle), radius * T.Sin(angle));
    }
}

/// <summary>Fills tensors with random numbers: a float32 tensor takes four from each Philox block, a float64 tensor two.</summary>
public static class RandomFill
{
    /// <summary>A new dense tensor of shift + scale x with x drawn from the distribution. In half precision, the float32 numbers rounded.</summary>
    /// <exception cref="TensorArgumentException">The dtype is not floating-point.</exception>
    public static Tensor Run<D>(string operation, Shape shape, double scale, double shift, Generator generator, DType dtype, Tensors.Device device)
        where D : struct, IDistribution
    {
        if (!dtype.IsFloatingPoint)
            throw new TensorArgumentException(operation, nameof(dtype), $"{dtype}", "a floating-point type");
        if (dtype.IsHalfPrecision)
            return Cast.To(Run<D>(operation, shape, scale, shift, generator, DType.Float32, device), dtype);
        var y = Tensor.Empty(shape, dtype, device);
        if (dtype == DType.Float32)
            Typed<D, F32, float, SingleCell, FourSingles>(y, (float)scale, (float)shift, generator);
        else
            Typed<D, F64, double, DoubleCell, TwoDoubles>(y, scale, shift, generator);
        return y;
    }

    // How the words of a block become uniform numbers.
    internal interface IBlock<T> where T : struct, ILane<T>
    {
        static abstract int Count { get; }

        static abstract (T U, T V) Pair(PhiloxBlock block, int pair);
    }

    internal readonly struct FourSingles : IBlock<F32>
    {
        public static int Count => 4;

        [MethodImpl(Inline.Always)]
        public static (F32 U, F32 V) Pair(PhiloxBlock block, int pair)
            => pair == 0 ? (new(Philox.ToSingle(block.X)), new(Philox.ToSingle(block.Y))) : (new(Philox.ToSingle(block.Z)), new(Philox.ToSingle(block.W)));
    }

    internal readonly struct TwoDoubles : IBlock<F64>
    {
        public static int Count => 2;

        [MethodImpl(Inline.Always)]
        public static (F64 U, F64 V) Pair(PhiloxBlock block, int pair)
            => (new(Philox.ToDouble(block.X, block.Y)), new(Philox.ToDouble(block.Z, block.W)));
    }

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> Y;
        public ulong Key, Counter;
        public E Scale, Shift;
        public int Count;
    }

    static unsafe void Typed<D, T, E, F, B>(Tensor y, E scale, E shift, Generator generator)
        where D : struct, IDistribution where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where B : struct, IBlock<T>
    {
        var count = y.ElementCount;
        var blocks = (count + B.Count - 1) / B.Count;
        var (key, counter) = (generator.Seed, generator.Take(blocks));
        if (y.Device is GpuDevice gpu)
        {
            gpu.Launch(Kernel<D, T, E, F, B>, blocks,
                new Arguments<E> { Y = GpuDevice.View<E>(y), Key = key, Counter = counter, Scale = scale, Shift = shift, Count = checked((int)count) });
            return;
        }
        var to = (nint)HostMemory.Pointer<E>(y);
        HostThreads.Range(blocks, HostThreads.Grain / 16, (begin, end) =>
        {
            for (var i = begin; i < end; i++)
            {
                var block = Philox.Block(key, counter + (ulong)i);
                for (var pair = 0; pair < B.Count / 2; pair++)
                {
                    var (u, v) = B.Pair(block, pair);
                    var (first, second) = D.Draw(u, v);
                    var at = i * B.Count + 2 * pair;
                    if (at < count)
                        ((E*)to)[at] = F.Pack(T.Fma(first, F.Splat(scale), F.Splat(shift)));
                    if (at + 1 < count)
                        ((E*)to)[at + 1] = F.Pack(T.Fma(second, F.Splat(scale), F.Splat(shift)));
                }
            }
        });
        GC.KeepAlive(y);
    }

    internal static void Kernel<D, T, E, F, B>(Index1D i, Arguments<E> x)
        where D : struct, IDistribution where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where B : struct, IBlock<T>
    {
        var block = Philox.Block(x.Key, x.Counter + (ulong)(int)i);
        for (var pair = 0; pair < B.Count / 2; pair++)
        {
            var uniform = B.Pair(block, pair);
            var drawn = D.Draw(uniform.U, uniform.V);
            var at = i * B.Count + 2 * pair;
            if (at < x.Count)
                x.Y[at] = F.Pack(T.Fma(drawn.First, F.Splat(x.Scale), F.Splat(x.Shift)));
            if (at + 1 < x.Count)
                x.Y[at + 1] = F.Pack(T.Fma(drawn.Second, F.Splat(x.Scale), F.Splat(x.Shift)));
        }
    }
}
