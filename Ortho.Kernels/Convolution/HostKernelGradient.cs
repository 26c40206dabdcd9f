using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Convolution;

/// <summary>The host half of <see cref="Convolution.Weights"/>: sums over pixels, in vectors of channels, of taps or of groups.</summary>
/// <remarks>
/// A piece of work is a segment's gradient of some channels of the result. Image after image, a copy is made of the rows that some pixels of
/// the result meet, in planes of vectors (<see cref="Lanes"/>), so that each step reads the vector beside the last one, and of the result's gradient with
/// the rows of the register tile beside each other. Sums stay in the tile for one chain, and in the second-level cache for the segment.
/// </remarks>
static unsafe class HostKernelGradient
{
    // Numbers of the copy of an image's rows: half of the second-level cache in float32.
    const int MostElements = 1 << 17;

    // Channels of the result that are worth a copy of their own, and vectors of groups that are.
    const int ResultBlock = 64;
    const int GroupVectors = 4;

    /// <summary>What the positions of a vector are.</summary>
    internal enum Lanes
    {
        /// <summary>Channels of a pixel: a tap is a distance in the copy.</summary>
        Channels,

        /// <summary>Products of a pixel of the result, in the order of the kernel: where there are too few channels.</summary>
        Products,

        /// <summary>The same channel of neighbouring groups, whose results are vectors too: where groups have few channels.</summary>
        Groups,
    }

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
    sealed class Job
    {
        public readonly ConvolutionGeometry Geometry;
        public readonly nint Parts, X, Y;
        public readonly int Width, ChannelVectors, Vectors, RowPitch, PixelBlock, PlanePixels;
        public readonly Lanes Lanes;

        /// <summary>Whether rows of the result are so long that a chain is a part of one.</summary>
        public readonly bool IsCut;

        public Job(ConvolutionGeometry geometry, nint parts, nint x, nint y, int width)
        {
            (Geometry, Parts, X, Y, Width) = (geometry, parts, x, y, width);
            var (taps, inputs, outputs, groups) = (geometry.Taps, geometry.Inputs, geometry.Outputs, geometry.Groups);
            ChannelVectors = Over(inputs, width);
            var (byChannel, byProduct) = (taps * ChannelVectors, Over(taps * inputs, width));
            // Vectors of products take a longer copy; a product of two vectors takes a load more.
            Lanes = byChannel * 4 <= byProduct * 5 ? Lanes.Channels : Lanes.Products;
            var least = Lanes == Lanes.Channels ? byChannel : byProduct;
            var work = (long)groups * (outputs == 1 ? Math.Max(least, RegisterTile.RowVectors) : (long)least * Over(outputs, 4) * 4);
            if (groups > 1 && (long)outputs * inputs * taps * Over(groups, width) * 3 <= work * 2)
                Lanes = Lanes.Groups;
            Vectors = Lanes == Lanes.Groups ? taps * inputs : least;
            // Whole chains: rows, or parts of one.
            IsCut = geometry.PixelChain < geometry.Columns.Output;
            var most = IsCut ? geometry.Columns.Output : geometry.OutputPixels;
            PixelBlock = geometry.PixelChain;
            while (PixelBlock < most && (long)Planes * Pixels(2 * PixelBlock) * width <= MostElements)
                PixelBlock *= 2;
            PixelBlock = Math.Min(PixelBlock, most);
            (PlanePixels, RowPitch) = (Pixels(PixelBlock), Pitch(PixelBlock));
        }

        // Pixels of a row of a plane, for so many of the result.
        int Pitch(int count) => (Math.Min(count, Geometry.Columns.Output) - 1) * Geometry.Columns.Stride + (Geometry.Columns.Kernel - 1) * Geometry.Columns.Dilation + 1;

        /// <summary>Planes of the copy.</summary>
        public int Planes => Lanes switch
        {
            Lanes.Channels => ChannelVectors,
            Lanes.Products => Vectors,
            _ => Math.Min(GroupVectors, Over(Geometry.Groups, Width)) * Geometry.Inputs,
        };

        // Pixels of a plane for so many of the result.
        int Pixels(int count)
        {
            if (Lanes == Lanes.Products)
                return count;
            var rows = Over(count, Geometry.Columns.Output);
            return checked(((rows - 1) * Geometry.Rows.Stride + (Geometry.Rows.Kernel - 1) * Geometry.Rows.Dilation + 1) * Pitch(count));
        }

        /// <summary>Pixels of the result from n on for which an image is copied at once.</summary>
        public int Count(int n) => Math.Min(PixelBlock, IsCut ? Geometry.Columns.Output - n % Geometry.Columns.Output : Geometry.OutputPixels - n);

        /// <summary>Pieces of a group's channels of the result, or of the groups.</summary>
        public int Blocks => Lanes == Lanes.Groups ? Over(Geometry.Groups, GroupVectors * Width) : Geometry.Groups * Over(Geometry.Outputs, ResultBlock);
    }

    static int Over(int count, int each) => (count + each - 1) / each;

    static void Pieces<E, V, FV>(ConvolutionGeometry geometry, Tensor parts, Tensor x, Tensor y)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var job = new Job(geometry, (nint)HostMemory.Pointer<E>(parts), (nint)HostMemory.Pointer<E>(x), (nint)HostMemory.Pointer<E>(y), FV.Width);
        HostThreads.For(checked(geometry.Segments * job.Blocks), piece =>
        {
            var (segment, block) = Math.DivRem(piece, job.Blocks);
            if (job.Lanes == Lanes.Groups)
            {
                var first = block * GroupVectors * FV.Width;
                Grouped<E, V, FV>(job, segment, first, Math.Min(geometry.Groups - first, GroupVectors * FV.Width));
                return;
            }
            var (group, results) = Math.DivRem(block, Over(geometry.Outputs, ResultBlock));
            Channeled<E, V, FV>(job, segment, group, results * ResultBlock, Math.Min(geometry.Outputs - results * ResultBlock, ResultBlock));
        });
    }

    // Memory of a piece, one part behind the other.
    static E* Divide<E>(Job job, long sums, long gradient, out E* gradients, out E* copy, out int* at, out int* off) where E : unmanaged
    {
        var copied = (long)job.Planes * job.PlanePixels * job.Width;
        var memory = (E*)Scratch<ConvolutionPiece>.Of<byte>(checked((nuint)((sums + gradient + copied) * sizeof(E) + (job.Vectors + RegisterTile.PairVectors + job.PixelBlock) * sizeof(int))));
        gradients = memory + sums;
        copy = gradients + gradient;
        at = (int*)(copy + copied);
        off = at + job.Vectors + RegisterTile.PairVectors;
        return memory;
    }

    // ---- vectors of channels or of products

    [MethodImpl(Inline.Step)]
    static void Channeled<E, V, FV>(Job job, int segment, int group, int begin, int results) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var (geometry, vectors, block, pixels, width) = (job.Geometry, job.Vectors, job.PixelBlock, job.Geometry.OutputPixels, FV.Width);
        // A row that is left over has a tile of its own, of more vectors; its sums lie behind those of the others.
        var single = results % RegisterTile.Rows<E, V>() == 1;
        var several = single ? results - 1 : results;
        var rows = (several + 7) & ~7;
        var alone = (nint)rows * vectors * width;
        var sums = Divide<E>(job, alone + (vectors + RegisterTile.RowVectors) * width, (long)(results + 7) * block, out var gradients, out var copy, out var at, out var off);
        for (var v = 0; v < vectors + RegisterTile.RowVectors; v++)
        {
            var (plane, tap) = job.Lanes == Lanes.Channels ? Math.DivRem(Math.Min(v, vectors - 1), geometry.Taps) : (Math.Min(v, vectors - 1), 0);
            at[v] = (plane * job.PlanePixels + Distance(job, tap)) * width;
        }
        var first = segment * geometry.SegmentImages;
        for (var image = first; image < Math.Min(geometry.Batch, first + geometry.SegmentImages); image++)
        {
            var x = (E*)job.X + ((nint)image * geometry.Groups + group) * geometry.Inputs * geometry.InputPixels;
            var y = (E*)job.Y + (((nint)image * geometry.Groups + group) * geometry.Outputs + begin) * pixels;
            for (var (n, count) = (0, 0); n < pixels; n += count)
            {
                count = job.Count(n);
                if (job.Lanes == Lanes.Products)
                    CopyProducts(job, x, n, count, copy, off);
                else
                    CopyRows(job, x, geometry.InputPixels, geometry.Inputs, n, count, copy, off);
                for (var o = 0; o < results;)
                {
                    var height = RegisterTile.Rows<E, V>(results - o);
                    Transposition.Run(gradients + (nint)o * count, height, y + n + (nint)o * pixels, pixels, Math.Min(height, results - o), count);
                    o += height;
                }
                // A chain at a time: what its vectors read stays in the first-level cache for all channels of the result.
                for (var step = 0; step < count; step += geometry.PixelChain)
                {
                    var steps = Math.Min(geometry.PixelChain, count - step);
                    var add = image > first || n + step > 0;
                    for (var v = 0; v < vectors && several > 0; v += RegisterTile.Vectors)
                    {
                        var wide = Math.Min(RegisterTile.Vectors, vectors - v);
                        var tile = sums + (nint)v * rows * width;
                        for (var o = 0; o < several;)
                        {
                            var height = RegisterTile.Rows<E, V>(several - o);
                            RegisterTile.Run<E, V, FV>(height, wide, gradients + (nint)o * count + (nint)step * height, copy, at + v, off + step, steps, steps, tile + (nint)o * wide * width, add);
                            o += height;
                        }
                    }
                    for (var v = 0; v < vectors && single; v += RegisterTile.RowVectors)
                        RegisterTile.Run<E, V, FV>(1, RegisterTile.RowVectors, gradients + (nint)several * count + step, copy, at + v, off + step, steps, steps, sums + alone + (nint)v * width, add);
                }
            }
        }
        var to = (E*)job.Parts + ((nint)(segment * geometry.Groups + group) * geometry.Outputs + begin) * geometry.Inputs * geometry.Taps;
        for (var o = 0; o < results; o++)
        {
            // From here on `at` says where the sums of each vector are.
            for (var v = 0; v < vectors; v++)
            {
                var (tile, inner) = Math.DivRem(v, RegisterTile.Vectors);
                var wide = Math.Min(RegisterTile.Vectors, vectors - tile * RegisterTile.Vectors);
                at[v] = checked((int)(o < several ? ((nint)tile * RegisterTile.Vectors * rows + (nint)o * wide + inner) * width : alone + (nint)v * width));
            }
            Unpack(job, sums, at, to + (nint)o * geometry.Inputs * geometry.Taps);
        }
    }

    // How far from a pixel's place a tap reads, in pixels.
    static int Distance(Job job, int tap)
    {
        var (p, q) = Math.DivRem(tap, job.Geometry.Columns.Kernel);
        return p * job.Geometry.Rows.Dilation * job.RowPitch + q * job.Geometry.Columns.Dilation;
    }

    // The kernel of one channel of the result, in its order.
    [MethodImpl(Inline.Step)]
    static void Unpack<E>(Job job, E* sums, int* at, E* to) where E : unmanaged
    {
        var taps = job.Lanes == Lanes.Channels ? job.Geometry.Taps : 1;
        var count = job.Geometry.Inputs * job.Geometry.Taps / taps;
        for (var c = 0; c < count; c++)
        {
            var (plane, lane) = Math.DivRem(c, job.Width);
            var vectors = at + plane * taps;
            for (var tap = 0; tap < taps; tap++)
                *to++ = sums[vectors[tap] + lane];
        }
    }

    // ---- vectors of groups

    [MethodImpl(Inline.Step)]
    static void Grouped<E, V, FV>(Job job, int segment, int firstGroup, int groups) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var (geometry, block, pixels, width) = (job.Geometry, job.PixelBlock, job.Geometry.OutputPixels, FV.Width);
        var (inputs, outputs, taps, parts) = (geometry.Inputs, geometry.Outputs, geometry.Taps, Over(groups, FV.Width));
        var tiles = Over(job.Vectors, RegisterTile.PairVectors);
        var tileElements = RegisterTile.PairVectors * width;
        var sums = Divide<E>(job, (long)parts * outputs * tiles * tileElements, (long)parts * outputs * block * width, out var gradients, out var copy, out var at, out var off);
        for (var v = 0; v < job.Vectors + RegisterTile.PairVectors; v++)
        {
            var (c, tap) = Math.DivRem(Math.Min(v, job.Vectors - 1), taps);
            at[v] = (c * job.PlanePixels + Distance(job, tap)) * width;
        }
        var first = segment * geometry.SegmentImages;
        for (var image = first; image < Math.Min(geometry.Batch, first + geometry.SegmentImages); image++)
        {
            var x = (E*)job.X + ((nint)image * geometry.Groups + firstGroup) * inputs * geometry.InputPixels;
            var y = (E*)job.Y + ((nint)image * geometry.Groups + firstGroup) * outputs * pixels;
            for (var (n, count) = (0, 0); n < pixels; n += count)
            {
                count = job.Count(n);
                for (var c = 0; c < inputs; c++)
                    CopyRows(job, x + (nint)c * geometry.InputPixels, inputs * geometry.InputPixels, groups, n, count, copy + (nint)c * job.PlanePixels * width, off, inputs);
                for (var k = 0; k < parts * outputs; k++)
                {
                    var (part, o) = Math.DivRem(k, outputs);
                    Transposition.Run(gradients + (nint)k * count * width, width, y + n + ((nint)part * width * outputs + o) * pixels, outputs * pixels, Math.Min(width, groups - part * width), count);
                }
                for (var step = 0; step < count; step += geometry.PixelChain)
                {
                    var steps = Math.Min(geometry.PixelChain, count - step);
                    for (var k = 0; k < parts * outputs * tiles; k++)
                    {
                        var (pair, tile) = Math.DivRem(k, tiles);
                        RegisterTile.Pairs<E, V, FV>(gradients + ((nint)pair * count + step) * width, width, copy + (nint)(pair / outputs) * inputs * job.PlanePixels * width,
                            at + tile * RegisterTile.PairVectors, off + step, steps, sums + (nint)k * tileElements, add: image > first || n + step > 0);
                    }
                }
            }
        }
        var to = (E*)job.Parts + ((nint)segment * geometry.Groups + firstGroup) * outputs * inputs * taps;
        for (var g = 0; g < groups; g++)
        {
            for (var o = 0; o < outputs; o++)
            {
                var from = sums + (nint)(g / width * outputs + o) * tiles * tileElements + g % width;
                for (var v = 0; v < job.Vectors; v++)
                    *to++ = from[(nint)v * width];
            }
        }
    }

    // ---- copies

    // The rows of the image that pixels n .. n + count of the result meet, as planes of vectors of some channels (a distance `stride` apart; a
    // plane for each vector, `spread` planes apart), and where each of the pixels is in a plane.
    [MethodImpl(Inline.Step)]
    static void CopyRows<E>(Job job, E* x, nint stride, int channels, int n, int count, E* copy, int* off, int spread = 1) where E : unmanaged
    {
        var (rows, columns, width, pitch) = (job.Geometry.Rows, job.Geometry.Columns, job.Width, job.RowPitch);
        var (firstRow, last) = (n / columns.Output, (n + count - 1) / columns.Output);
        var firstColumn = n - firstRow * columns.Output;
        for (var (t, i, j) = (0, 0, 0); t < count; t++)
        {
            off[t] = (i * rows.Stride * pitch + j * columns.Stride) * width;
            if (firstColumn + ++j == columns.Output)
                (i, j) = (i + 1, 0);
        }
        var place = firstColumn * columns.Stride - columns.Before;
        var (begin, end) = (Math.Clamp(-place, 0, pitch), Math.Clamp(columns.Input - place, 0, pitch));
        var height = (last - firstRow) * rows.Stride + (rows.Kernel - 1) * rows.Dilation + 1;
        for (var part = 0; part * width < channels; part++)
        {
            var line = copy + (nint)part * spread * job.PlanePixels * width;
            for (var r = 0; r < height; r++)
            {
                var row = firstRow * rows.Stride - rows.Before + r;
                if ((uint)row >= (uint)rows.Input)
                    new Span<E>(line, pitch * width).Clear();
                else
                {
                    new Span<E>(line, begin * width).Clear();
                    Transposition.Run(line + begin * width, width, x + part * width * stride + (nint)row * columns.Input + place + begin, stride, Math.Min(width, channels - part * width), end - begin);
                    new Span<E>(line + end * width, (pitch - end) * width).Clear();
                }
                line += pitch * width;
            }
        }
    }

    // All that pixels n .. n + count of the result meet, as planes of vectors in the order of the kernel.
    [MethodImpl(Inline.Step)]
    static void CopyProducts<E>(Job job, E* x, int n, int count, E* copy, int* off) where E : unmanaged
    {
        var (rows, columns, width) = (job.Geometry.Rows, job.Geometry.Columns, job.Width);
        for (var t = 0; t < count; t++)
            off[t] = t * width;
        var (firstI, firstJ) = Math.DivRem(n, columns.Output);
        for (var k = 0; k < job.Geometry.Inputs * job.Geometry.Taps; k++)
        {
            var (c, tap) = Math.DivRem(k, job.Geometry.Taps);
            var (p, q) = Math.DivRem(tap, columns.Kernel);
            var place = q * columns.Dilation - columns.Before;
            // Pixels of a row of the result that meet the image at this tap.
            var begin = Math.Max(0, (columns.Stride - 1 - place) / columns.Stride);
            var end = (columns.Input - place + columns.Stride - 1) / columns.Stride;
            var to = copy + (nint)(k / width) * job.PlanePixels * width + k % width;
            for (var (t, i, j) = (0, firstI, firstJ); t < count; i++)
            {
                var run = Math.Min(columns.Output - j, count - t);
                var row = i * rows.Stride + p * rows.Dilation - rows.Before;
                var isThere = (uint)row < (uint)rows.Input;
                var (left, right) = (Math.Clamp(begin - j, 0, run), isThere ? Math.Clamp(end - j, 0, run) : 0);
                var from = x + (nint)c * job.Geometry.InputPixels + (nint)row * columns.Input + (nint)j * columns.Stride + place;
                var m = 0;
                for (; m < Math.Min(left, right); m++)
                    to[(nint)m * width] = default;
                for (; m < right; m++)
                    to[(nint)m * width] = from[(nint)m * columns.Stride];
                for (; m < run; m++)
                    to[(nint)m * width] = default;
                (t, j) = (t + run, 0);
                to += (nint)run * width;
            }
        }
    }
}
