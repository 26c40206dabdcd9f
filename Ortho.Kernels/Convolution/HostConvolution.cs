using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Convolution;

/// <summary>The host half of <see cref="Convolution"/>, but for gradients of kernels: sums over channels and taps, in vectors of pixels.</summary>
/// <remarks>
/// The adjoint of a convolution with stride s is s x s convolutions with stride 1, one for each residue of the place modulo s, by those taps
/// of the kernel that meet it: nothing is scattered. So both directions are one job, described by <see cref="Taps"/>.
/// <para>
/// A piece of work is some rows of the result of one image and group. Its operand is brought into one of three forms, in all of which
/// neighbouring pixels of the result read neighbouring numbers at every tap:
/// the images as they are, when no place beyond their edge is read (<see cref="PanelForm.InPlace"/>); a copy with its zeros, one plane for each
/// residue modulo the stride that is read (<see cref="PanelForm.Planes"/>); or, where both waste too many lanes, a
/// copy for each tap (<see cref="PanelForm.Patches"/>), whose vectors run across rows and images. In the first two forms vectors run along a row, or, where
/// fewer do, on across rows: what they make of the places between rows is dropped. The last vector of a line begins early rather than
/// end late: what it makes again is the same. The copy stays in the second-level cache while all channels of the result are made of it.
/// </para>
/// </remarks>
static unsafe class HostConvolution
{
    // Work, in multiply-adds, that is worth a thread's attention.
    const long Grain = 1 << 18;

    /// <summary>One sum of products: where the operands lie, strides of the kernel, and the taps of both dimensions.</summary>
    public sealed record Job(nint From, nint To, nint Bias, ConvolutionGeometry Geometry, Taps Rows, Taps Columns, int Channels, int Results, int FromPlane, int ToPlane, int ToWidth)
    {
        public int TapsPerChannel => Rows.All.Length * Columns.All.Length;

        public int Steps => Channels * TapsPerChannel;

        public int Chain => Math.Max(1, Geometry.ChannelBlock * TapsPerChannel);
    }

    public static void Run<E, T, F>(ConvolutionGeometry geometry, Tensor to, Tensor from, Tensor w, Tensor? bias, bool isAdjoint)
        where E : unmanaged where T : struct, ILane<T> where F : struct, ICell<T, E>
    {
        if (Vector512.IsHardwareAccelerated)
            Directed<E, Vec512<E>, Packed512<E>>(geometry, to, from, w, bias, isAdjoint);
        else if (Vector256.IsHardwareAccelerated)
            Directed<E, Vec256<E>, Packed256<E>>(geometry, to, from, w, bias, isAdjoint);
        else if (Vector128.IsHardwareAccelerated)
            Directed<E, Vec128<E>, Packed128<E>>(geometry, to, from, w, bias, isAdjoint);
        else
            Directed<E, T, F>(geometry, to, from, w, bias, isAdjoint);
    }

    static void Directed<E, V, FV>(ConvolutionGeometry geometry, Tensor to, Tensor from, Tensor w, Tensor? bias, bool isAdjoint)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var (rows, columns) = (geometry.Rows, geometry.Columns);
        var (x, y, kernel, start) = ((nint)HostMemory.Pointer<E>(from), (nint)HostMemory.Pointer<E>(to), (nint)HostMemory.Pointer<E>(w),
            bias is null ? 0 : (nint)HostMemory.Pointer<E>(bias));
        if (!isAdjoint)
        {
            Correlate<E, V, FV>(new(x, y, start, geometry, Taps.Forward(rows), Taps.Forward(columns), geometry.Inputs, geometry.Outputs,
                geometry.InputPixels, geometry.OutputPixels, columns.Output), (E*)kernel, geometry.Inputs * geometry.Taps, geometry.Taps);
            return;
        }
        for (var i = 0; i < Math.Min(rows.Stride, rows.Input); i++)
        {
            for (var j = 0; j < Math.Min(columns.Stride, columns.Input); j++)
            {
                Correlate<E, V, FV>(new(x, y, start, geometry, Taps.Adjoint(rows, i), Taps.Adjoint(columns, j), geometry.Outputs, geometry.Inputs,
                    geometry.OutputPixels, geometry.InputPixels, columns.Input), (E*)kernel, geometry.Taps, geometry.Inputs * geometry.Taps);
            }
        }
    }

    static void Correlate<E, V, FV>(Job job, E* kernel, int resultStride, int channelStride)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        if (job.Steps == 0)
        {
            Untouched<E, V, FV>(job);
            return;
        }
        // What all pieces share lives as long as the call.
        using var scope = new TensorScope();
        var geometry = job.Geometry;
        var padded = (job.Results + RegisterTile.Rows<E, V>() - 1) / RegisterTile.Rows<E, V>() * RegisterTile.Rows<E, V>();
        var weights = Shared<E>((long)geometry.Groups * padded * job.Steps);
        for (var group = 0; group < geometry.Groups; group++)
            PackKernel<E, V>(job, kernel + (nint)group * geometry.Outputs * geometry.Inputs * geometry.Taps, resultStride, channelStride, (E*)weights + (nint)group * padded * job.Steps);

        var panel = new PixelPanel(job, FV.Width);
        var off = Shared<int>(job.Steps);
        panel.Offsets((int*)off);
        var (at, first, segments) = (Shared<int>(panel.TableVectors + RegisterTile.RowVectors), Shared<int>(panel.TableVectors + 1), Shared<Segment>(panel.MostSegments));
        panel.Places((int*)at, (int*)first, (Segment*)segments);
        var work = (long)job.Steps * panel.PieceResults * panel.PiecePixels;
        HostThreads.Range(panel.Pieces, Math.Max(1, Grain / Math.Max(1, work)), (begin, end) =>
        {
            for (var piece = begin; piece < end; piece++)
                Piece<E, V, FV>(job, panel, panel.Part((int)piece), (E*)weights, padded, (int*)off, (int*)at, (int*)first, (Segment*)segments);
        });
    }

    static nint Shared<E>(long count) where E : unmanaged
        => (nint)HostMemory.Pointer<byte>(Tensor.Empty([checked((int)((count * sizeof(E) + sizeof(long) - 1) / sizeof(long)))], DType.Int64));

    // Rows of the register tile beside each other for each step, zeros beyond the last.
    static void PackKernel<E, V>(Job job, E* from, int resultStride, int channelStride, E* to) where E : unmanaged where V : struct, ILane<V>
    {
        for (var o = 0; o < job.Results;)
        {
            var height = RegisterTile.Rows<E, V>(job.Results - o);
            var rows = Math.Min(height, job.Results - o);
            for (var c = 0; c < job.Channels; c++)
            {
                foreach (var p in job.Rows.All)
                {
                    foreach (var q in job.Columns.All)
                    {
                        var tap = from + (nint)o * resultStride + (nint)c * channelStride + p.Index * job.Geometry.Columns.Kernel + q.Index;
                        for (var r = 0; r < height; r++)
                            to[r] = r < rows ? tap[(nint)r * resultStride] : default;
                        to += height;
                    }
                }
            }
            o += height;
        }
    }

    [MethodImpl(Inline.Step)]
    static void Piece<E, V, FV>(Job job, PixelPanel panel, PixelPanel.Piece part, E* weights, int padded, int* off, int* at, int* first, Segment* segments)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var tiles = (panel.PieceResults + RegisterTile.RowVectors) * RegisterTile.Vectors * FV.Width;
        var scratch = (E*)Scratch<ConvolutionPiece>.Of<byte>(panel.ScratchBytes(tiles, sizeof(E)));
        var b = panel.Fill<E, V, FV>(part, scratch + tiles);
        var begins = panel.FirstVector(part);
        at += begins;
        first += begins;
        if (panel.Form == PanelForm.Patches)
            segments = panel.Segments(part, scratch + tiles, sizeof(E), out first);
        var y = (E*)job.To + ((nint)part.Image * job.Geometry.Groups + part.Group) * job.Results * job.ToPlane;
        var a = weights + (nint)part.Group * padded * job.Steps;
        var bias = job.Bias == 0 ? null : (E*)job.Bias + part.Group * job.Results;
        var vectors = panel.Vectors(part);
        for (var begin = part.Begin; begin < part.End;)
        {
            // A row that is left over has a tile of its own, of more vectors.
            var end = part.End - ((part.End - begin) % RegisterTile.Rows<E, V>() == 1 ? 1 : 0);
            if (end == begin)
                end = part.End;
            var width = RegisterTile.Width(end - begin);
            for (var v = 0; v < vectors; v += width)
            {
                var count = Math.Min(width, vectors - v);
                Sums<E, V, FV>(job, begin, end, count, a, b, at + v, off, scratch);
                for (var o = begin; o < end; o++)
                {
                    // The segments count from the first vector of all.
                    var sums = scratch + ((nint)(o - begin) * count - begins - v) * FV.Width;
                    Store<E, V, FV>(sums, bias is null ? V.Of(0) : FV.Splat(bias[o]), bias is not null, y + (nint)o * job.ToPlane, job.Columns.Step, scratch + tiles - FV.Width,
                        segments + first[v], segments + first[v + count]);
                }
            }
            begin = end;
        }
    }

    // A chain at a time: what its vectors read stays in the first-level cache for all channels of the result.
    [MethodImpl(Inline.Step)]
    static void Sums<E, V, FV>(Job job, int begin, int end, int vectors, E* a, E* b, int* at, int* off, E* sums)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        for (var step = 0; step < job.Steps; step += job.Chain)
        {
            var steps = Math.Min(job.Chain, job.Steps - step);
            for (var o = begin; o < end;)
            {
                var height = RegisterTile.Rows<E, V>(end - o);
                RegisterTile.Run<E, V, FV>(height, vectors, a + (nint)o * job.Steps + (nint)step * height, b, at, off + step, steps, steps,
                    sums + (nint)(o - begin) * vectors * FV.Width, add: step > 0);
                o += height;
            }
        }
    }

    [MethodImpl(Inline.Root)]
    static void Store<E, V, FV>(E* sums, V bias, bool hasBias, E* y, nint step, E* part, Segment* segment, Segment* end)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        for (; segment < end; segment++)
        {
            var sum = FV.Load(sums + segment->From);
            sum = hasBias ? sum + bias : sum;
            if (segment->Count == 0)
            {
                FV.Store(y + segment->To, sum);
                continue;
            }
            FV.Store(part, sum);
            var to = y + segment->To;
            for (var k = 0; k < segment->Count; k++, to += step)
                *to = part[k];
        }
    }

    // Places that no tap meets: the sum of nothing, plus the bias.
    static void Untouched<E, V, FV>(Job job) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var (count, results) = (job.Geometry.Batch * job.Geometry.Groups, job.Results);
        var one = stackalloc E[FV.Width];
        for (var plane = 0; plane < count * results; plane++)
        {
            FV.Store(one, job.Bias == 0 ? V.Of(0) : V.Of(0) + FV.Splat(((E*)job.Bias)[plane % (job.Geometry.Groups * results)]));
            for (var i = 0; i < job.Rows.Count; i++)
            {
                var row = (E*)job.To + (nint)plane * job.ToPlane + (nint)(job.Rows.Start + i * job.Rows.Step) * job.ToWidth + job.Columns.Start;
                for (var j = 0; j < job.Columns.Count; j++)
                    row[(nint)j * job.Columns.Step] = one[0];
            }
        }
    }
}

/// <summary>The purpose of a thread's memory for the piece of a convolution that it works on.</summary>
readonly struct ConvolutionPiece;
