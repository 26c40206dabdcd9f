using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Tensors;

namespace Ortho.Kernels.Indexing;

/// <summary>The order of an index on a device: which entries lead to each position.</summary>
/// <remarks>Entry j with position k becomes the key k padded + j; keys are all different, so that any sort gives the same order and it is
/// that of j within a position. The sort is Batcher's bitonic network, one launch for each of its stages.</remarks>
static class Ordering
{
    internal struct Arguments
    {
        public ArrayView<long> Keys, Index;
        public Lines Lines;
        public int Padded, Block, Distance;
    }

    // Behind every key: entries that lead nowhere, and those that fill the network.
    const long Nowhere = long.MaxValue;

    /// <summary>Sorted keys [lines, padded]; one line when all lines share a vector. Entries outside and padding are last.</summary>
    public static Tensor Of(GpuDevice gpu, Lines lines, Tensor index)
    {
        var padded = checked((int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)lines.Count));
        var count = lines.IndexInner == 0 ? 1 : lines.Outer * lines.Inner;
        var keys = Tensor.Empty([count, padded], DType.Int64, gpu);
        var arguments = new Arguments
        {
            Keys = GpuDevice.View<long>(keys), Index = GpuDevice.View<long>(index), Lines = lines, Padded = padded,
        };
        gpu.Launch(KeyKernel, keys.ElementCount, arguments);
        for (arguments.Block = 2; arguments.Block > 0 && arguments.Block <= padded; arguments.Block *= 2)
        {
            for (arguments.Distance = arguments.Block / 2; arguments.Distance > 0; arguments.Distance /= 2)
                gpu.Launch(ExchangeKernel, keys.ElementCount / 2, arguments);
        }
        return keys;
    }

    internal static void KeyKernel(Index1D index, Arguments x)
    {
        int i = index;
        var (line, j) = (i / x.Padded, i % x.Padded);
        var key = Nowhere;
        if (j < x.Lines.Count)
        {
            var (outer, inner) = (line / x.Lines.Inner, line % x.Lines.Inner);
            var at = outer * x.Lines.IndexOuter + j * x.Lines.IndexStep + inner * x.Lines.IndexInner;
            var position = Positions.Wrap(x.Index[at], x.Lines.Extent);
            if (position != Positions.Outside)
                key = position * x.Padded + j;
        }
        x.Keys[i] = key;
    }

    internal static void ExchangeKernel(Index1D index, Arguments x)
    {
        int i = index;
        var low = i / x.Distance * 2 * x.Distance + i % x.Distance;
        var high = low + x.Distance;
        var (a, b) = (x.Keys[low], x.Keys[high]);
        var ascending = (low % x.Padded & x.Block) == 0;
        if (ascending == (a > b))
        {
            x.Keys[low] = b;
            x.Keys[high] = a;
        }
    }
}
