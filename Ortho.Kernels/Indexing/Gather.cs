using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Indexing;

/// <summary>Reading elements at given positions of one dimension; see <see cref="Positions"/> for negative ones and those
/// outside.</summary>
public static class Gather
{
    /// <summary>y[o, j, i] = x[o, index[o, j, i], i], or x[o, index[j], i] when the index is a vector.</summary>
    /// <param name="x">Any dtype.</param>
    /// <param name="axis">The dimension.</param>
    /// <param name="index">Int64, of x's shape but for the dimension, or a vector.</param>
    /// <param name="operation">Name for messages.</param>
    /// <exception cref="TensorArgumentException">The index has another dtype, device or shape, or points outside (CPU).</exception>
    public static Tensor Run(Tensor x, int axis, Tensor index, string operation = "Gather")
    {
        index = Lines.Prepare(operation, x, axis, index);
        var lines = Lines.Of(x, axis, index);
        var y = Tensor.Empty(x.Shape.With(axis, lines.Count), x.DType, x.Device);
        if (y.ElementCount == 0)
            return y;
        x = Copy.Contiguous(x);
        switch (x.DType.Size)
        {
            case 1: Read<byte>(x, lines, index, y); break;
            case 2: Read<short>(x, lines, index, y); break;
            case 4: Read<int>(x, lines, index, y); break;
            case 8: Read<long>(x, lines, index, y); break;
            default: Read<Copy.Pair>(x, lines, index, y); break;
        }
        return y;
    }

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> X, Y;
        public ArrayView<long> Index;
        public Lines Lines;
    }

    static unsafe void Read<E>(Tensor x, Lines lines, Tensor index, Tensor y) where E : unmanaged
    {
        if (x.Device is GpuDevice gpu)
        {
            gpu.Launch(Kernel, y.ElementCount, new Arguments<E>
            {
                X = GpuDevice.View<E>(x), Y = GpuDevice.View<E>(y), Index = GpuDevice.View<long>(index), Lines = lines,
            });
            return;
        }
        var (from, to, at) = ((nint)HostMemory.Pointer<E>(x), (nint)HostMemory.Pointer<E>(y), (nint)HostMemory.Pointer<long>(index));
        HostThreads.Range((long)lines.Outer * lines.Count, Math.Max(1, HostThreads.Grain / lines.Inner), (begin, end) =>
        {
            for (var row = begin; row < end; row++)
            {
                var (outer, j) = Math.DivRem(row, lines.Count);
                var target = (E*)to + row * lines.Inner;
                var line = (E*)from + outer * lines.Extent * lines.Inner;
                var positions = (long*)at + outer * lines.IndexOuter + j * lines.IndexStep;
                if (lines.IndexInner == 0 || lines.Inner == 1)
                {
                    var source = line + Positions.Wrap(*positions, lines.Extent) * lines.Inner;
                    new ReadOnlySpan<E>(source, lines.Inner).CopyTo(new Span<E>(target, lines.Inner));
                    continue;
                }
                for (var i = 0; i < lines.Inner; i++)
                    target[i] = line[Positions.Wrap(positions[i], lines.Extent) * lines.Inner + i];
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
        GC.KeepAlive(index);
    }

    internal static void Kernel<E>(Index1D index, Arguments<E> x) where E : unmanaged
    {
        int i = index;
        var (row, inner) = (i / x.Lines.Inner, i % x.Lines.Inner);
        var (outer, j) = (row / x.Lines.Count, row % x.Lines.Count);
        var at = outer * x.Lines.IndexOuter + j * x.Lines.IndexStep + inner * x.Lines.IndexInner;
        var position = Positions.Wrap(x.Index[at], x.Lines.Extent);
        E value = default;
        if (position != Positions.Outside)
            value = x.X[(outer * x.Lines.Extent + (int)position) * x.Lines.Inner + inner];
        x.Y[i] = value;
    }
}
