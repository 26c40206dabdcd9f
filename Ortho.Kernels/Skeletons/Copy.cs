using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Skeletons;

/// <summary>Copies elements from any layout to any layout of the same shape, on one device or between devices.</summary>
public static class Copy
{
    /// <summary>A new dense tensor with the same elements.</summary>
    public static Tensor Dense(Tensor x)
    {
        var y = Tensor.Empty(x.Shape, x.DType, x.Device);
        Into(y, x);
        return y;
    }

    /// <summary>The tensor itself when it is dense, else a dense copy.</summary>
    public static Tensor Contiguous(Tensor x) => x.IsContiguous ? x : Dense(x);

    /// <summary>The tensor itself when no dimension is reversed, else a dense copy: for device kernels with strides of their own.</summary>
    public static Tensor Forward(Tensor x) => x.Layout.Lowest == x.Layout.Offset ? x : Dense(x);

    /// <summary>The tensor on another device; itself when it is there already.</summary>
    public static Tensor To(Tensor x, Tensors.Device device)
    {
        if (x.Device == device)
            return x;
        // Through host memory: the only road between two devices of different makers.
        var dense = Contiguous(x);
        var bytes = new byte[dense.ElementCount * dense.DType.Size];
        var y = Tensor.Empty(x.Shape, x.DType, device);
        if (bytes.Length > 0)
        {
            x.Device.Download(dense.Storage.Block, dense.Layout.Offset * dense.DType.Size, bytes);
            GC.KeepAlive(dense);
            device.Upload(bytes, y.Storage.Block, 0);
        }
        return y;
    }

    /// <summary>destination = source, element by element; the source broadcasts to the destination's shape.</summary>
    /// <exception cref="TensorArgumentException">Dtypes, devices or shapes do not fit.</exception>
    public static void Into(Tensor destination, Tensor source)
    {
        if (destination.DType != source.DType || destination.Device != source.Device)
            throw new TensorArgumentException("Copy", nameof(source), $"{source.DType} on {source.Device}", $"{destination.DType} on {destination.Device}");
        var loops = Iteration.Over(destination.Shape, [destination.Layout, source.Layout], "Copy");
        if (destination.ElementCount == 0)
            return;
        switch (destination.Device is GpuDevice ? Unit(destination, source, loops) : destination.DType.Size)
        {
            case 1: Run<byte>(destination, source, loops); break;
            case 2: Run<short>(destination, source, loops); break;
            case 4: Run<int>(destination, source, loops); break;
            case 8: Run<long>(destination, source, loops); break;
            default: Run<Pair>(destination, source, loops); break;
        }
        destination.Storage.Version++;
    }

    internal struct Pair
    {
        public long First, Second;
    }

    static void Run<E>(Tensor destination, Tensor source, Iteration loops) where E : unmanaged
    {
        if (destination.Device is GpuDevice gpu)
            OnDevice<E>(gpu, destination, source, loops);
        else
            OnHost<E>(destination, source, loops);
    }

    // ---- host

    // A copy between strides reads or writes a line for each element; in tiles of this many elements a side both stay in cache.
    const int Tile = 32;

    // Rows that go along every column before the next strip: each step of a long column is a page of its own, and looking pages up costs
    // more than copying a line.
    const int Strip = 128;

    static unsafe void OnHost<E>(Tensor destination, Tensor source, Iteration loops) where E : unmanaged
    {
        var (to, from) = ((nint)HostMemory.Pointer<E>(destination), (nint)HostMemory.Pointer<E>(source));
        // In any order of the loops the copy is the same: innermost the one along which the destination is dense, before it the one along
        // which the source is.
        loops.MoveUnitStride(0, ^1);
        if (loops.Extents.Length > 1 && loops.Strides[1][^1] is not (1 or -1))
            loops.MoveUnitStride(1, ^2);
        var (toInner, fromInner) = ((nint)loops.Strides[0][^1], (nint)loops.Strides[1][^1]);
        var n = loops.Inner;
        if (loops.Extents.Length > 1 && (toInner != 1 || fromInner is not (1 or -1)))
        {
            var rows = loops.Extents[^2];
            var planes = loops.Rows / rows;
            var (toRow, fromRow) = ((nint)loops.Strides[0][^2], (nint)loops.Strides[1][^2]);
            var isTranspose = toInner == 1 && fromRow == 1;
            var side = isTranspose ? Transposition.Side<E>() : Tile;
            var strips = (rows + Strip - 1) / Strip;
            var past = isTranspose && HostMemory.IsPastCache(destination) && HostMemory.AreAligned(to, toRow * sizeof(E));
            HostThreads.Range(planes * strips, Math.Max(1, HostThreads.Grain / ((long)Strip * n)), (begin, end) =>
            {
                for (var strip = begin; strip < end; strip++)
                {
                    var (plane, first) = (strip / strips, (int)(strip % strips) * Strip);
                    var y = (E*)to + loops.RowOffset(0, plane * rows);
                    var x = (E*)from + loops.RowOffset(1, plane * rows);
                    var last = Math.Min(rows, first + Strip);
                    for (var j0 = 0; j0 < n; j0 += side)
                    {
                        for (var i0 = first; i0 < last; i0 += side)
                        {
                            var target = y + i0 * toRow + j0 * toInner;
                            var origin = x + i0 * fromRow + j0 * fromInner;
                            var (height, width) = (Math.Min(side, last - i0), Math.Min(side, n - j0));
                            if (isTranspose && height == side && width == side)
                                Transposition.Square(target, origin, toRow, fromInner, past && HostMemory.AreAligned((nint)y, 0));
                            else
                                Block(target, origin, height, width, toRow, toInner, fromRow, fromInner);
                        }
                    }
                }
                if (past)
                    HostMemory.Fence();
            });
        }
        else
        {
            // Neighbouring rows are a step apart; runs of them are walked without a division.
            var (rows, toRow, fromRow) = loops.Extents.Length > 1 ? (loops.Extents[^2], (nint)loops.Strides[0][^2], (nint)loops.Strides[1][^2]) : (1, 0, 0);
            HostThreads.Range(loops.Rows, Math.Max(1, HostThreads.Grain / n), (begin, end) =>
            {
                Span<int> indices = stackalloc int[loops.Extents.Length];
                loops.Indices(begin, indices);
                var y = (E*)to + loops.RowOffset(0, begin);
                var x = (E*)from + loops.RowOffset(1, begin);
                for (var row = begin; row < end;)
                {
                    var count = loops.Extents.Length > 1 ? (int)Math.Min(end - row, rows - indices[^2]) : 1;
                    if (toInner == 1 && fromInner == 1 && n * sizeof(E) is >= 16 and <= 128)
                    {
                        Short(y, x, n * sizeof(E), count, toRow * sizeof(E), fromRow * sizeof(E));
                    }
                    else
                    {
                        for (var i = 0; i < count; i++)
                        {
                            var target = y + i * toRow;
                            var origin = x + i * fromRow;
                            if (toInner == 1 && fromInner == 1)
                                new ReadOnlySpan<E>(origin, n).CopyTo(new Span<E>(target, n));
                            else if (toInner == 1 && fromInner == -1)
                                Reverse(target, origin - (n - 1), n);
                            else
                                Block(target, origin, 1, n, 0, toInner, 0, fromInner);
                        }
                    }
                    row += count;
                    var (yStep, xStep) = loops.NextRun(indices);
                    y += yStep;
                    x += xStep;
                }
            });
        }
        GC.KeepAlive(destination);
        GC.KeepAlive(source);
    }

    // Rows of a few vectors, the last overlapping the one before it: a call for each would cost more than the copy.
    [MethodImpl(Inline.Root)]
    static unsafe void Short(void* y, void* x, int bytes, int rows, nint toRow, nint fromRow)
    {
        var to = (byte*)y;
        var from = (byte*)x;
        var last = bytes - 16;
        for (var i = 0; i < rows; i++, to += toRow, from += fromRow)
        {
            for (var at = 0; at < last; at += 16)
                Vector128.Load(from + at).Store(to + at);
            Vector128.Load(from + last).Store(to + last);
        }
    }

    // In pieces that stay in the first cache: copied, then turned round by the processor's shuffles.
    static unsafe void Reverse<E>(E* y, E* x, int n) where E : unmanaged
    {
        const int Piece = 1024;
        for (var i = 0; i < n; i += Piece)
        {
            var count = Math.Min(Piece, n - i);
            var target = new Span<E>(y + i, count);
            new ReadOnlySpan<E>(x + (n - i - count), count).CopyTo(target);
            target.Reverse();
        }
    }

    [MethodImpl(Inline.Root)]
    static unsafe void Block<E>(E* y, E* x, int rows, int columns, nint toRow, nint toColumn, nint fromRow, nint fromColumn) where E : unmanaged
    {
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < columns; j++)
                y[i * toRow + j * toColumn] = x[i * fromRow + j * fromColumn];
        }
    }

    // ---- device

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> Destination, Source;
        public Index6 Extents;
        public Steps6 To, From;
    }

    internal struct FlatArguments<E> where E : unmanaged
    {
        public ArrayView<E> Destination, Source;
    }

    // Bytes that a thread copies at once: as many neighbours of both tensors as make an aligned unit everywhere, 16 bytes at most.
    static int Unit(Tensor destination, Tensor source, Iteration loops)
    {
        var size = destination.DType.Size;
        if (loops.Strides[0][^1] != 1 || loops.Strides[1][^1] != 1)
            return size;
        long multiples = loops.Inner;
        multiples |= destination.Layout.Offset | source.Layout.Offset;
        foreach (var strides in loops.Strides)
        {
            foreach (var stride in strides.AsSpan(..^1))
                multiples |= stride;
        }
        // The largest power of two that divides all of them.
        return (int)Math.Min(16, size * (multiples & -multiples));
    }

    static unsafe void OnDevice<E>(GpuDevice gpu, Tensor destination, Tensor source, Iteration loops) where E : unmanaged
    {
        // From here on everything counts units.
        var elements = sizeof(E) / destination.DType.Size;
        int[] extents = [.. loops.Extents[..^1], loops.Inner / elements];
        var (target, origin) = (GpuDevice.Reach<E>(destination, elements), GpuDevice.Reach<E>(source, elements));
        if (extents.Length == 1 && loops.Strides[0][0] == 1 && loops.Strides[1][0] == 1)
        {
            gpu.Launch(FlatKernel<E>, extents[0], new FlatArguments<E> { Destination = target, Source = origin });
            return;
        }
        // Loops that a kernel does not have are the host's.
        var outer = Math.Max(0, extents.Length - Index6.Loops);
        var (to, from) = (Units(0), Units(1));
        var arguments = new Arguments<E>
        {
            Destination = target,
            Source = origin,
            Extents = Index6.Of(extents[outer..], 1),
            To = Steps6.Of(to[outer..], destination.Layout, elements),
            From = Steps6.Of(from[outer..], source.Layout, elements),
        };
        var count = extents[outer..].Aggregate(1L, (product, extent) => product * extent);
        Walk(0, arguments);

        long[] Units(int operand) => [.. loops.Strides[operand][..^1].Select(stride => stride / elements), loops.Strides[operand][^1]];

        void Walk(int loop, Arguments<E> at)
        {
            if (loop == outer)
            {
                gpu.Launch(Kernel<E>, count, at);
                return;
            }
            for (var i = 0; i < extents[loop]; i++)
            {
                Walk(loop + 1, at);
                at.To.Start += checked((int)to[loop]);
                at.From.Start += checked((int)from[loop]);
            }
        }
    }

    [Budget(32, 0, typeof(float))]
    [Budget(32, 0, typeof(Pair), LoadsWide = true, StoresWide = true)]
    internal static void Kernel<E>(Index1D index, Arguments<E> x) where E : unmanaged
    {
        var at = Index6.Split(index, x.Extents);
        x.Destination[Steps6.Dot(at, x.To)] = x.Source[Steps6.Dot(at, x.From)];
    }

    [Budget(16, 0, typeof(Pair), LoadsWide = true, StoresWide = true)]
    internal static void FlatKernel<E>(Index1D index, FlatArguments<E> x) where E : unmanaged => x.Destination[index] = x.Source[index];
}
