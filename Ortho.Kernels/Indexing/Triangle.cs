using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Indexing;

/// <summary>The part of a matrix on one side of a diagonal; zeros elsewhere.</summary>
public static class Triangle
{
    /// <summary>Elements (i, j) of the last two dimensions with j - i &lt;= diagonal, or, for the upper part, &gt;= diagonal.</summary>
    /// <exception cref="TensorArgumentException">There are fewer than two dimensions.</exception>
    public static Tensor Run(string operation, Tensor x, int diagonal, bool upper)
    {
        if (x.Rank < 2)
            throw new TensorArgumentException(operation, nameof(x), $"{x.Shape}", "at least two dimensions");
        var y = Tensor.Empty(x.Shape, x.DType, x.Device);
        if (y.ElementCount == 0)
            return y;
        x = Copy.Contiguous(x);
        switch (x.DType.Size)
        {
            case 1: Typed<byte>(x, y, diagonal, upper); break;
            case 2: Typed<short>(x, y, diagonal, upper); break;
            case 4: Typed<int>(x, y, diagonal, upper); break;
            case 8: Typed<long>(x, y, diagonal, upper); break;
            default: Typed<Copy.Pair>(x, y, diagonal, upper); break;
        }
        return y;
    }

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> X, Y;
        public int Rows, Columns, Diagonal, Upper;
    }

    static unsafe void Typed<E>(Tensor x, Tensor y, int diagonal, bool upper) where E : unmanaged
    {
        var (rows, columns) = (x.Shape[^2], x.Shape[^1]);
        // Beyond the corners nothing changes, and j - i - diagonal stays within an int.
        diagonal = Math.Clamp(diagonal, -rows, columns);
        if (x.Device is GpuDevice gpu)
        {
            gpu.Launch(Kernel<E>, y.ElementCount, new Arguments<E>
            {
                X = GpuDevice.View<E>(x), Y = GpuDevice.View<E>(y),
                Rows = rows, Columns = columns, Diagonal = diagonal, Upper = upper ? 1 : 0,
            });
            return;
        }
        var (from, to) = ((nint)HostMemory.Pointer<E>(x), (nint)HostMemory.Pointer<E>(y));
        HostThreads.Range(y.ElementCount / columns, Math.Max(1, HostThreads.Grain / columns), (begin, end) =>
        {
            for (var row = begin; row < end; row++)
            {
                var source = new ReadOnlySpan<E>((E*)from + row * columns, columns);
                var target = new Span<E>((E*)to + row * columns, columns);
                // The lower part ends behind the diagonal, the upper one begins on it.
                var edge = (int)Math.Clamp(row % rows + diagonal + (upper ? 0 : 1), 0, columns);
                var kept = upper ? edge..columns : 0..edge;
                target.Clear();
                source[kept].CopyTo(target[kept]);
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    internal static void Kernel<E>(Index1D index, Arguments<E> x) where E : unmanaged
    {
        int i = index;
        var side = i % x.Columns - i / x.Columns % x.Rows - x.Diagonal;
        E value = default;
        if (x.Upper != 0 ? side >= 0 : side <= 0)
            value = x.X[i];
        x.Y[i] = value;
    }
}
