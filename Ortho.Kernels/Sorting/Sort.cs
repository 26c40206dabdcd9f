using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Sorting;

/// <summary>Sorting of lines: where each element of the sorted line comes from.</summary>
/// <remarks>
/// Pairs of key and position are sorted. No two are equal, so every correct algorithm gives the same, stable result: the host sorts by
/// .NET, devices by Batcher's bitonic network (1968), in shared memory as far as <see cref="Block"/> pairs go.
/// </remarks>
public static class Sort
{
    // Pairs that one group sorts in shared memory: 12 bytes each.
    const int Block = 1024;

    /// <summary>Int64 positions in the order of the sorted last dimension, equal keys in their order of before.</summary>
    /// <param name="keys">Int64, dense; see <see cref="SortKeys"/>.</param>
    public static Tensor Positions(Tensor keys)
    {
        var y = Tensor.Empty(keys.Shape, DType.Int64, keys.Device);
        if (y.ElementCount == 0)
            return y;
        var n = keys.Shape[^1];
        if (keys.Device is GpuDevice gpu)
            OnDevice(gpu, keys, y, n);
        else
            OnHost(keys, y, n);
        return y;
    }

    static unsafe void OnHost(Tensor keys, Tensor y, int n)
    {
        var (from, to) = ((nint)HostMemory.Pointer<long>(keys), (nint)HostMemory.Pointer<long>(y));
        HostThreads.Range(keys.ElementCount / n, Math.Max(1, HostThreads.Grain / 16 / n), (begin, end) =>
        {
            var sorted = new long[n];
            for (var line = begin; line < end; line++)
            {
                new ReadOnlySpan<long>((long*)from + line * n, n).CopyTo(sorted);
                var positions = new Span<long>((long*)to + line * n, n);
                for (var i = 0; i < n; i++)
                    positions[i] = i;
                sorted.AsSpan().Sort(positions);
                // .NET's sort is not stable: the positions of equal keys are put in order.
                for (var first = 0; first < n;)
                {
                    var last = first + 1;
                    while (last < n && sorted[last] == sorted[first])
                        last++;
                    positions[first..last].Sort();
                    first = last;
                }
            }
        });
        GC.KeepAlive(keys);
        GC.KeepAlive(y);
    }

    // ---- devices: lines are padded to a power of two by pairs that come last

    internal struct Arguments
    {
        public ArrayView<long> Keys, Source, Result;
        public ArrayView<int> Positions;
        public int N, Padded, Block, Stage, FirstStage, LastStage, Stride;
    }

    static void OnDevice(GpuDevice gpu, Tensor keys, Tensor y, int n)
    {
        var padded = (int)BitOperations.RoundUpToPowerOf2((uint)n);
        var lines = (int)(keys.ElementCount / n);
        var (k, p) = (Tensor.Empty([lines, padded], DType.Int64, gpu), Tensor.Empty([lines, padded], DType.Int32, gpu));
        var x = new Arguments
        {
            Keys = GpuDevice.View<long>(k), Positions = GpuDevice.View<int>(p), Source = GpuDevice.View<long>(keys), Result = GpuDevice.View<long>(y),
            N = n, Padded = padded, Block = Math.Min(padded, Block),
        };
        var (groups, threads) = (checked(lines * (padded / x.Block)), Math.Min(gpu.GroupSize, Math.Max(1, x.Block / 2)));
        gpu.Launch(FillKernel, (long)lines * padded, x);
        // Stage s makes sorted runs of 2^s out of runs of 2^(s-1); exchanges over distances beyond a block go through global memory.
        gpu.LaunchGroups(BlockKernel, groups, threads, x with { FirstStage = 1, LastStage = BitOperations.Log2((uint)x.Block) });
        for (var stage = BitOperations.Log2((uint)x.Block) + 1; 1 << stage <= padded; stage++)
        {
            for (var stride = 1 << (stage - 1); stride >= x.Block; stride /= 2)
                gpu.Launch(ExchangeKernel, (long)lines * padded / 2, x with { Stage = stage, Stride = stride });
            gpu.LaunchGroups(BlockKernel, groups, threads, x with { FirstStage = stage, LastStage = stage });
        }
        gpu.Launch(ResultKernel, keys.ElementCount, x);
        k.Dispose();
        p.Dispose();
    }

    internal static void FillKernel(Index1D i, Arguments x)
    {
        var (line, position) = (i / x.Padded, i % x.Padded);
        var key = long.MaxValue;
        if (position < x.N)
            key = x.Source[line * x.N + position];
        x.Keys[i] = key;
        x.Positions[i] = position;
    }

    internal static void ResultKernel(Index1D i, Arguments x) => x.Result[i] = x.Positions[i / x.N * x.Padded + i % x.N];

    // The first of the pair of places that exchange number i compares.
    [MethodImpl(Inline.Always)]
    static int First(int i, int stride) => i / stride * stride * 2 + i % stride;

    // Whether the pair at the first place comes after that at the second.
    [MethodImpl(Inline.Always)]
    static bool IsAfter(long key, int position, long otherKey, int otherPosition)
        => key > otherKey || (key == otherKey && position > otherPosition);

    // Runs of 2^stage are sorted upwards and downwards in turn, so that two of them together are bitonic. The whole line goes upwards.
    [MethodImpl(Inline.Always)]
    static bool GoesUp(int place, int stage) => (place >> stage & 1) == 0;

    internal static void ExchangeKernel(Index1D index, Arguments x)
    {
        var (line, i) = (index / (x.Padded / 2), index % (x.Padded / 2));
        var place = First(i, x.Stride);
        var a = line * x.Padded + place;
        var b = a + x.Stride;
        if (IsAfter(x.Keys[a], x.Positions[a], x.Keys[b], x.Positions[b]) == GoesUp(place, x.Stage))
        {
            (var key, x.Keys[a]) = (x.Keys[a], x.Keys[b]);
            x.Keys[b] = key;
            (var position, x.Positions[a]) = (x.Positions[a], x.Positions[b]);
            x.Positions[b] = position;
        }
    }

    // One group takes one block through the exchanges of some stages over distances within the block.
    internal static void BlockKernel(Arguments x)
    {
        var keys = SharedMemory.Allocate<long>(Block);
        var positions = SharedMemory.Allocate<int>(Block);
        var start = Grid.IdxX * x.Block;
        for (var i = Group.IdxX; i < x.Block; i += Group.DimX)
        {
            keys[i] = x.Keys[start + i];
            positions[i] = x.Positions[start + i];
        }
        Group.Barrier();
        for (var stage = x.FirstStage; stage <= x.LastStage; stage++)
        {
            for (var stride = IntrinsicMath.Min(1 << (stage - 1), x.Block / 2); stride > 0; stride /= 2)
            {
                for (var i = Group.IdxX; i < x.Block / 2; i += Group.DimX)
                {
                    var a = First(i, stride);
                    var b = a + stride;
                    var (keyA, keyB, positionA, positionB) = (keys[a], keys[b], positions[a], positions[b]);
                    if (IsAfter(keyA, positionA, keyB, positionB) == GoesUp((start + a) % x.Padded, stage))
                    {
                        keys[a] = keyB;
                        keys[b] = keyA;
                        positions[a] = positionB;
                        positions[b] = positionA;
                    }
                }
                Group.Barrier();
            }
        }
        for (var i = Group.IdxX; i < x.Block; i += Group.DimX)
        {
            x.Keys[start + i] = keys[i];
            x.Positions[start + i] = positions[i];
        }
    }
}
