using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Convolution;

/// <summary>The host half of <see cref="Convolution.Kernel"/>: sums over pixels, in vectors of channels or of taps.</summary>
/// <remarks>
/// A piece of work is some rows of a segment's gradient of one group. Image after image, some rows of it are copied with their zeros, either with the
/// channels of a pixel beside each other, so that a tap is an offset and a vector some channels; or, when there are too few channels for
/// that, with all that a pixel of the result meets beside each other: a vector is some of these products. The result's gradient is copied
/// with the rows of the register tile beside each other. Sums stay in the tile for one chain, and in the second-level cache for the segment.
/// </remarks>
static unsafe class HostKernelGradient
{
    // Numbers of the copy of an image's rows: half of the second-level cache in float32.
    const int MostElements = 1 << 17;

    // Channels of the result that are worth a copy of their own.
    const int ResultBlock = 64;

    public static void Run<E, T, F>(ConvolutionGeometry geometry, Tensor parts, Tensor x, Tensor y)
        where E : unmanaged where T : struct, ILane<T> where F : struct, ICell<T, E>
    {
        if (Vector512.IsHardwareAccelerated)
            Pieces<E, Vec512<E>, Packed512<E>>(geometry, parts, x, y);
        else if (Vector256.IsHardwareAccelerated)
            Pieces<E, Vec256<E>, Packed256<E>>(geometry, parts, x, y);
        else if (Vector128.IsHardwareAccelerated)
            Pieces<E, Vec128<E>, Packed128<E>>(geometry, parts, x, y);
        else
            Pieces<E, T, F>(geometry, parts, x, y);
    }

    /// <summary>Pointers, and how an image is copied.</summary>
    sealed class Job(ConvolutionGeometry geometry, nint parts, nint x, nint y, int lanes)
    {
        public readonly ConvolutionGeometry Geometry = geometry;
        public readonly nint Parts = parts, X = x, Y = y;
        public readonly int Lanes = lanes;

        // Vectors of channels for each tap, unless vectors of all products take much fewer.
        public readonly bool IsByChannel = geometry.Taps * ((geometry.Inputs + lanes - 1) / lanes) * 4
            <= (geometry.Taps * geometry.Inputs + lanes - 1) / lanes * 5;

        public int ChannelVectors => (Geometry.Inputs + Lanes - 1) / Lanes;

        public int Vectors => IsByChannel ? Geometry.Taps * ChannelVectors : (Geometry.Taps * Geometry.Inputs + Lanes - 1) / Lanes;

        // Numbers from one pixel of the copy to the next, pixels from one row to the next.
        public int PixelPitch => (IsByChannel ? ChannelVectors : Vectors) * Lanes;

        public int RowPitch => (Geometry.Columns.Output - 1) * Geometry.Columns.Stride + (Geometry.Columns.Kernel - 1) * Geometry.Columns.Dilation + 1;

        // Rows of the image that so many pixels of the result meet.
        public int RowsOf(int pixels)
        {
            var rows = Math.Min(Geometry.Rows.Output, (pixels + Geometry.Columns.Output - 2) / Geometry.Columns.Output + 1);
            return (rows - 1) * Geometry.Rows.Stride + (Geometry.Rows.Kernel - 1) * Geometry.Rows.Dilation + 1;
        }

        public long CopyElements(int pixels) => IsByChannel ? (long)RowsOf(pixels) * RowPitch * PixelPitch : (long)pixels * PixelPitch;

        // Pixels of the result for which an image is copied at once: whole chains.
        public int PixelBlock
        {
            get
            {
                var block = ConvolutionGeometry.PixelBlock;
                while (block < Geometry.OutputPixels && CopyElements(2 * block) <= MostElements)
                    block *= 2;
                return Math.Min(block, Geometry.OutputPixels);
            }
        }
    }

    static void Pieces<E, V, FV>(ConvolutionGeometry geometry, Tensor parts, Tensor x, Tensor y)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var job = new Job(geometry, (nint)HostMemory.Pointer<E>(parts), (nint)HostMemory.Pointer<E>(x), (nint)HostMemory.Pointer<E>(y), FV.Width);
        var blocks = (geometry.Outputs + ResultBlock - 1) / ResultBlock;
        HostThreads.For(checked(geometry.Segments * geometry.Groups * blocks), piece =>
        {
            var (rest, block) = Math.DivRem(piece, blocks);
            var (segment, group) = Math.DivRem(rest, geometry.Groups);
            Piece<E, V, FV>(job, segment, group, block * ResultBlock, Math.Min(geometry.Outputs, (block + 1) * ResultBlock));
        });
    }

    static void Piece<E, V, FV>(Job job, int segment, int group, int begin, int end)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var geometry = job.Geometry;
        var (vectors, block, pixels) = (job.Vectors, job.PixelBlock, geometry.OutputPixels);
        var results = (end - begin + 7) & ~7;
        var sumElements = (long)results * (vectors + RegisterTile.RowVectors) * FV.Width;
        var sums = (E*)Scratch.Of(checked((nuint)((sumElements + (long)results * block + job.CopyElements(block) + FV.Width) * sizeof(E)
            + (block + vectors + RegisterTile.RowVectors) * sizeof(int) + 64)));
        var gradient = sums + sumElements;
        var at = (int*)(gradient + (nint)results * block);
        var off = at + vectors + RegisterTile.RowVectors;
        var copy = (E*)(((nint)(off + block) + 63) & ~63);
        Places(job, at);
        var first = segment * geometry.SegmentImages;
        for (var image = first; image < Math.Min(geometry.Batch, first + geometry.SegmentImages); image++)
        {
            var x = (E*)job.X + ((nint)image * geometry.Groups + group) * geometry.Inputs * geometry.InputPixels;
            var y = (E*)job.Y + (((nint)image * geometry.Groups + group) * geometry.Outputs + begin) * pixels;
            for (var n = 0; n < pixels; n += block)
            {
                var count = Math.Min(block, pixels - n);
                Fill<E, V, FV>(job, x, n, count, copy, off);
                PackGradient<E, V>(y + n, pixels, end - begin, count, gradient);
                // A chain at a time: what it reads stays in the first-level cache for all tiles.
                for (var step = 0; step < count; step += ConvolutionGeometry.PixelBlock)
                {
                    var steps = Math.Min(ConvolutionGeometry.PixelBlock, count - step);
                    var tile = sums;
                    for (var o = 0; o < end - begin;)
                    {
                        var height = RegisterTile.Rows<E, V>(end - begin - o);
                        var width = height == 1 ? RegisterTile.RowVectors : RegisterTile.Vectors;
                        for (var v = 0; v < vectors; v += width)
                        {
                            RegisterTile.Run<E, V, FV>(height, gradient + (nint)o * count + (nint)step * height, copy, at + v, off + step, steps,
                                ConvolutionGeometry.PixelBlock, tile, add: image > first || n + step > 0);
                            tile += height * width * FV.Width;
                        }
                        o += height;
                    }
                }
            }
        }
        Unpack<E, V>(job, sums, end - begin, (E*)job.Parts + ((nint)(segment * geometry.Groups + group) * geometry.Outputs + begin) * geometry.Inputs * geometry.Taps);
    }

    // Where each vector reads, from where its pixel is.
    static void Places(Job job, int* at)
    {
        var (vectors, columns, rows) = (job.Vectors, job.Geometry.Columns, job.Geometry.Rows);
        for (var v = 0; v < vectors + RegisterTile.RowVectors; v++)
        {
            var real = Math.Min(v, vectors - 1);
            var (tap, part) = Math.DivRem(real, job.ChannelVectors);
            var (p, q) = Math.DivRem(tap, columns.Kernel);
            at[v] = job.IsByChannel ? (p * rows.Dilation * job.RowPitch + q * columns.Dilation) * job.PixelPitch + part * job.Lanes : real * job.Lanes;
        }
    }

    // The copy for pixels n .. n + count of the result, and where each of them is in it.
    [MethodImpl(Inline.Step)]
    static void Fill<E, V, FV>(Job job, E* x, int n, int count, E* copy, int* off) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var (rows, columns) = (job.Geometry.Rows, job.Geometry.Columns);
        var firstRow = n / columns.Output;
        if (!job.IsByChannel)
        {
            for (var t = 0; t < count; t++)
            {
                off[t] = t * job.PixelPitch;
                var (i, j) = Math.DivRem(n + t, columns.Output);
                FillPatch(job, x, i * rows.Stride - rows.Before, j * columns.Stride - columns.Before, copy + off[t]);
            }
            return;
        }
        for (var t = 0; t < count; t++)
        {
            var (i, j) = Math.DivRem(n + t, columns.Output);
            off[t] = ((i - firstRow) * rows.Stride * job.RowPitch + j * columns.Stride) * job.PixelPitch;
        }
        var (begin, end) = (Math.Min(job.RowPitch, columns.Before), Math.Clamp(columns.Before + columns.Input, 0, job.RowPitch));
        var last = (n + count - 1) / columns.Output;
        var height = (last - firstRow) * rows.Stride + (rows.Kernel - 1) * rows.Dilation + 1;
        for (var r = 0; r < height; r++)
        {
            var line = copy + (nint)r * job.RowPitch * job.PixelPitch;
            var row = firstRow * rows.Stride - rows.Before + r;
            if ((uint)row >= (uint)rows.Input)
            {
                new Span<E>(line, job.RowPitch * job.PixelPitch).Clear();
                continue;
            }
            new Span<E>(line, begin * job.PixelPitch).Clear();
            Transpose(line + begin * job.PixelPitch, job.PixelPitch, x + (nint)row * columns.Input, job.Geometry.InputPixels, job.Geometry.Inputs, end - begin, job.PixelPitch);
            new Span<E>(line + end * job.PixelPitch, (job.RowPitch - end) * job.PixelPitch).Clear();
        }
    }

    // All that a pixel of the result meets, in the order of the kernel.
    static void FillPatch<E>(Job job, E* x, int row, int column, E* to) where E : unmanaged
    {
        var (rows, columns) = (job.Geometry.Rows, job.Geometry.Columns);
        for (var c = 0; c < job.Geometry.Inputs; c++)
        {
            for (var p = 0; p < rows.Kernel; p++)
            {
                var i = row + p * rows.Dilation;
                var line = x + (nint)i * columns.Input;
                var isThere = (uint)i < (uint)rows.Input;
                for (var q = 0; q < columns.Kernel; q++)
                {
                    var j = column + q * columns.Dilation;
                    *to++ = isThere && (uint)j < (uint)columns.Input ? line[j] : default;
                }
            }
            x += job.Geometry.InputPixels;
        }
    }

    // Rows of the register tile beside each other for each pixel, zeros beyond the last.
    [MethodImpl(Inline.Step)]
    static void PackGradient<E, V>(E* y, int stride, int results, int count, E* to) where E : unmanaged where V : struct, ILane<V>
    {
        for (var o = 0; o < results;)
        {
            var height = RegisterTile.Rows<E, V>(results - o);
            Transpose(to, height, y + (nint)o * stride, stride, Math.Min(height, results - o), count, height);
            to += (nint)height * count;
            o += height;
        }
    }

    // Rows beside each other: to[j * pitch + i] = from[i * stride + j], and zeros from the last row up to `filled`.
    [MethodImpl(Inline.Step)]
    static void Transpose<E>(E* to, int pitch, E* from, int stride, int rows, int columns, int filled) where E : unmanaged
    {
        // So many rows at once that planes a power of two apart do not drive each other out of the first-level cache.
        const int Few = 8;
        for (var i0 = 0; i0 < filled; i0 += Few)
        {
            var (count, limit) = (Math.Clamp(rows - i0, 0, Few), Math.Min(Few, filled - i0));
            for (var j = 0; j < columns; j++)
            {
                var target = to + (nint)j * pitch + i0;
                var source = from + (nint)i0 * stride + j;
                var i = 0;
                for (; i < count; i++)
                    target[i] = source[(nint)i * stride];
                for (; i < limit; i++)
                    target[i] = default;
            }
        }
    }

    static void Unpack<E, V>(Job job, E* tile, int results, E* to) where E : unmanaged where V : struct, ILane<V>
    {
        var (taps, inputs, lanes) = (job.Geometry.Taps, job.Geometry.Inputs, job.Lanes);
        for (var o = 0; o < results;)
        {
            var height = RegisterTile.Rows<E, V>(results - o);
            var width = height == 1 ? RegisterTile.RowVectors : RegisterTile.Vectors;
            for (var v = 0; v < job.Vectors; v += width)
            {
                for (var r = 0; r < Math.Min(height, results - o); r++)
                {
                    var row = to + (nint)(o + r) * inputs * taps;
                    for (var k = 0; k < Math.Min(width, job.Vectors - v); k++)
                    {
                        var sum = tile + (r * width + k) * lanes;
                        var (tap, part) = Math.DivRem(v + k, job.ChannelVectors);
                        var first = job.IsByChannel ? part * lanes : (v + k) * lanes;
                        var count = Math.Min(lanes, (job.IsByChannel ? inputs : inputs * taps) - first);
                        for (var lane = 0; lane < count; lane++)
                            row[job.IsByChannel ? (first + lane) * taps + tap : first + lane] = sum[lane];
                    }
                }
                tile += height * width * lanes;
            }
            o += height;
        }
    }
}
