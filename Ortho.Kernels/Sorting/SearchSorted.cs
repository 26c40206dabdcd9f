using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Tensors;

namespace Ortho.Kernels.Sorting;

/// <summary>Binary search in sorted lines of keys.</summary>
public static class SearchSorted
{
    /// <summary>For each value how many keys of its line are below it (or, with <paramref name="right"/>, not above it), as
    /// Int64.</summary>
    /// <param name="keys">Int64 [lines, n], dense and ascending; see <see cref="SortKeys"/>.</param>
    /// <param name="values">Int64 [lines, m], dense.</param>
    /// <param name="right">Whether equal keys count.</param>
    public static unsafe Tensor Run(Tensor keys, Tensor values, bool right)
    {
        var y = Tensor.Empty(values.Shape, DType.Int64, values.Device);
        var (n, m) = (keys.Shape[^1], values.Shape[^1]);
        if (keys.Device is GpuDevice gpu)
        {
            gpu.Launch(Kernel, y.ElementCount, new Arguments
            {
                Keys = GpuDevice.View<long>(keys), Values = GpuDevice.View<long>(values), Y = GpuDevice.View<long>(y), N = n, M = m, Right = right ? 1 : 0,
            });
            return y;
        }
        var (from, sought, to) = ((nint)HostMemory.Pointer<long>(keys), (nint)HostMemory.Pointer<long>(values), (nint)HostMemory.Pointer<long>(y));
        HostThreads.Range(y.ElementCount, HostThreads.Grain / 16, (begin, end) =>
        {
            for (var i = begin; i < end; i++)
            {
                var line = (long*)from + i / m * n;
                var value = ((long*)sought)[i];
                var (low, high) = (0, n);
                while (low < high)
                {
                    var middle = low + (high - low) / 2;
                    if (line[middle] < value || (right && line[middle] == value))
                        low = middle + 1;
                    else
                        high = middle;
                }
                ((long*)to)[i] = low;
            }
        });
        GC.KeepAlive(keys);
        GC.KeepAlive(values);
        GC.KeepAlive(y);
        return y;
    }

    internal struct Arguments
    {
        public ArrayView<long> Keys, Values, Y;
        public int N, M, Right;
    }

    internal static void Kernel(Index1D i, Arguments x)
    {
        var (line, value) = (i / x.M * x.N, x.Values[i]);
        var (low, high) = (0, x.N);
        while (low < high)
        {
            var middle = low + (high - low) / 2;
            var key = x.Keys[line + middle];
            if (key < value || (x.Right != 0 && key == value))
                low = middle + 1;
            else
                high = middle;
        }
        x.Y[i] = low;
    }
}
