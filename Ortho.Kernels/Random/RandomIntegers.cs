using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Random;

/// <summary>Fills tensors with whole numbers, two from each Philox block.</summary>
public static class RandomIntegers
{
    /// <summary>A new dense Int64 tensor of numbers in [low, high): low + floor(w (high - low) / 2^64) of 64 random bits w. No number is more
    /// likely than another by more than 2^-64.</summary>
    public static Tensor Run(Shape shape, long low, long high, Generator generator, Tensors.Device device)
    {
        var y = Tensor.Empty(shape, DType.Int64, device);
        var (count, range) = (y.ElementCount, unchecked((ulong)(high - low)));
        var blocks = (count + 1) / 2;
        var (key, counter) = (generator.Seed, generator.Take(blocks));
        if (device is GpuDevice gpu)
            gpu.Launch(Kernel, blocks, new Arguments
            {
                Y = GpuDevice.View<long>(y), Key = key, Counter = counter, Range = range, Low = low, Count = checked((int)count),
            });
        else
            OnHost(y, blocks, key, counter, range, low);
        return y;
    }

    internal struct Arguments
    {
        public ArrayView<long> Y;
        public ulong Key, Counter, Range;
        public long Low;
        public int Count;
    }

    static unsafe void OnHost(Tensor y, long blocks, ulong key, ulong counter, ulong range, long low)
    {
        var (to, count) = ((nint)HostMemory.Pointer<long>(y), y.ElementCount);
        HostThreads.Range(blocks, HostThreads.Grain / 16, (begin, end) =>
        {
            for (var i = begin; i < end; i++)
            {
                var (first, second) = Pair(key, counter + (ulong)i, range, low);
                ((long*)to)[2 * i] = first;
                if (2 * i + 1 < count)
                    ((long*)to)[2 * i + 1] = second;
            }
        });
        GC.KeepAlive(y);
    }

    internal static void Kernel(Index1D i, Arguments x)
    {
        var pair = Pair(x.Key, x.Counter + (ulong)(int)i, x.Range, x.Low);
        x.Y[2 * i] = pair.First;
        if (2 * i + 1 < x.Count)
            x.Y[2 * i + 1] = pair.Second;
    }

    [MethodImpl(Inline.Always)]
    static (long First, long Second) Pair(ulong key, ulong counter, ulong range, long low)
    {
        var block = Philox.Block(key, counter);
        var (first, second) = (block.X | ((ulong)block.Y << 32), block.Z | ((ulong)block.W << 32));
        return (low + (long)HighHalf(first, range), low + (long)HighHalf(second, range));
    }

    // The upper 64 of the 128 bits of a product, from four products of halves: not Math.BigMul, so that a GPU can compile it.
    [MethodImpl(Inline.Always)]
    internal static ulong HighHalf(ulong a, ulong b)
    {
        ulong lowA = (uint)a, highA = a >> 32, lowB = (uint)b, highB = b >> 32;
        ulong cross = highA * lowB, other = lowA * highB;
        var middle = (lowA * lowB >> 32) + (uint)cross + (uint)other;
        return highA * highB + (cross >> 32) + (other >> 32) + (middle >> 32);
    }
}
