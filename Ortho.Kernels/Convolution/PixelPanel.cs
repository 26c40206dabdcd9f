using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Convolution;

/// <summary>How the operand of a convolution lies while vectors of pixels are read from it; see <see cref="HostConvolution"/>.</summary>
enum PanelForm
{
    /// <summary>The images themselves.</summary>
    InPlace,

    /// <summary>A copy of some rows, zeros around it, one plane for each residue modulo the stride.</summary>
    Planes,

    /// <summary>A copy for each tap.</summary>
    Patches,
}

/// <summary>The operand of one <see cref="HostConvolution.Job"/>, cut into pieces.</summary>
sealed unsafe class PixelPanel
{
    // Numbers of one piece's copy: half of the second-level cache in float32.
    const int MostElements = 1 << 17;

    // Pieces of a call, so that several threads have some each, and channels of the result that are worth a copy of their own.
    const int FewPieces = 16;
    const int FewResults = 64;

    readonly HostConvolution.Job job;
    readonly int lanes, rowVectors;

    // What a piece has: rows (Planes), vectors (InPlace) or pixels (Patches), and how many blocks of them there are.
    readonly int block, blocks, resultBlock, resultBlocks;
    readonly int[] rowPhases, columnPhases;
    readonly int pitch, planeRows;

    public PixelPanel(HostConvolution.Job job, int lanes)
    {
        (this.job, this.lanes) = (job, lanes);
        var (rows, columns) = (job.Rows, job.Columns);
        rowVectors = (columns.Count + lanes - 1) / lanes;
        // Vectors that begin early are work done twice; a copy for each tap is about half a cycle a number (measured).
        var isWide = columns.Count >= lanes && (long)(rowVectors * lanes - columns.Count) * job.Results * 2 <= (long)lanes * columns.Count;
        Form = !isWide ? PanelForm.Patches : rows.IsInside && columns.IsInside ? PanelForm.InPlace : PanelForm.Planes;
        (rowPhases, columnPhases) = (rows.Phases, columns.Phases);
        var images = job.Geometry.Batch * job.Geometry.Groups;
        switch (Form)
        {
            case PanelForm.Patches:
                pitch = Even((long)job.Geometry.Batch * rows.Count * columns.Count, MostElements / job.Steps, job.Geometry.Groups, RegisterTile.Vectors * lanes);
                block = pitch;
                blocks = (int)(((long)job.Geometry.Batch * rows.Count * columns.Count + block - 1) / block);
                images = job.Geometry.Groups;
                MostVectors = pitch / lanes;
                PiecePixels = pitch;
                break;
            case PanelForm.Planes:
                pitch = columns.Reach;
                var line = (long)job.Channels * rowPhases.Length * columnPhases.Length * pitch;
                block = Even(rows.Count, (int)Math.Min(rows.Count, MostElements / line - (rows.Reach - rows.Count)), images, 1);
                blocks = (rows.Count + block - 1) / block;
                planeRows = block + rows.Reach - rows.Count;
                MostVectors = block * rowVectors;
                PiecePixels = block * columns.Count;
                break;
            default:
                // Vectors of a piece: many enough for its other costs not to count.
                const int FewVectors = 96;
                block = Even((long)rows.Count * rowVectors, FewVectors, images, RegisterTile.Vectors);
                blocks = (rows.Count * rowVectors + block - 1) / block;
                MostVectors = block;
                PiecePixels = block * lanes;
                break;
        }
        var few = (int)Math.Min(FewPieces / Math.Min((long)images * blocks, FewPieces), Math.Max(1, job.Results / FewResults));
        resultBlock = ((job.Results + few - 1) / few + 7) & ~7;
        resultBlocks = (job.Results + resultBlock - 1) / resultBlock;
        Pieces = (long)images * blocks * resultBlocks;
        PieceResults = Math.Min(resultBlock, job.Results);
    }

    /// <summary>How the operand lies.</summary>
    public PanelForm Form { get; }

    /// <summary>Pieces of the work.</summary>
    public long Pieces { get; }

    /// <summary>Pixels of a piece, about.</summary>
    public int PiecePixels { get; }

    /// <summary>Channels of the result in a piece.</summary>
    public int PieceResults { get; }

    /// <summary>Vectors of pixels in a piece, at most.</summary>
    public int MostVectors { get; }

    /// <summary>Whether every pixel of the result has a place of its own to go to, rather than every vector.</summary>
    public bool IsScattered => Form == PanelForm.Patches || job.Columns.Step != 1;

    // The size of equal blocks of `count` things, each of at most `most` but at least one unit, so that `times` as many are not too few.
    static int Even(long count, long most, int times, int unit)
    {
        var blocks = Math.Max((count + Math.Max(most, unit) - 1) / Math.Max(most, unit), Math.Min(FewPieces / Math.Max(1, times), count / unit));
        var block = (count + Math.Max(1, blocks) - 1) / Math.Max(1, blocks);
        return (int)((block + unit - 1) / unit * unit);
    }

    /// <summary>One piece: the image, the group of channels, which block of pixels, and which channels of the result.</summary>
    public readonly record struct Piece(int Image, int Group, int Block, int Begin, int End);

    /// <summary>The piece of an index.</summary>
    public Piece Part(int index)
    {
        (index, var results) = Math.DivRem(index, resultBlocks);
        (index, var place) = Math.DivRem(index, blocks);
        var (image, group) = Form == PanelForm.Patches ? (0, index) : Math.DivRem(index, job.Geometry.Groups);
        return new(image, group, place, results * resultBlock, Math.Min(job.Results, (results + 1) * resultBlock));
    }

    /// <summary>Scratch memory of a piece: the tile, where vectors go to and are read at, and the copy.</summary>
    public nuint ScratchBytes(int size)
    {
        long copy = Form switch
        {
            PanelForm.InPlace => 0,
            PanelForm.Planes => (long)job.Channels * rowPhases.Length * columnPhases.Length * planeRows * pitch,
            _ => (long)job.Steps * pitch,
        };
        return checked((nuint)((copy + RegisterTile.MostVectors * lanes) * size + (long)MostVectors * lanes * sizeof(nint)
            + (MostVectors + RegisterTile.RowVectors) * sizeof(int) + 64));
    }

    /// <summary>Where each step reads, from where the vector's first pixel reads at the lowest shift (in place: at shift 0).</summary>
    public void Offsets(int* off)
    {
        for (var (step, c) = (0, 0); c < job.Channels; c++)
        {
            foreach (var p in job.Rows.All)
            {
                foreach (var q in job.Columns.All)
                {
                    off[step] = checked(Form switch
                    {
                        PanelForm.Patches => step * pitch,
                        PanelForm.InPlace => c * job.FromPlane + p.Shift * job.Columns.Extent + q.Shift,
                        _ => (((c * rowPhases.Length + rowPhases.IndexOf(p.Phase)) * columnPhases.Length + columnPhases.IndexOf(q.Phase)) * planeRows
                            + p.Shift - job.Rows.Low) * pitch + q.Shift - job.Columns.Low,
                    });
                    step++;
                }
            }
        }
    }

    /// <summary>For each vector of a piece where its first pixel reads, and where it goes to (or each of its pixels, -1 for nowhere), from the
    /// first pixel of the first channel on.</summary>
    /// <returns>The number of vectors; the places that are read continue with the last one.</returns>
    public int Places(Piece piece, int* at, nint* to)
    {
        var (rows, columns) = (job.Rows, job.Columns);
        int vectors;
        if (Form == PanelForm.Patches)
        {
            var plane = rows.Count * columns.Count;
            var first = (long)piece.Block * block;
            var last = Math.Min((long)job.Geometry.Batch * plane, first + block);
            vectors = (int)((last - first + lanes - 1) / lanes);
            for (var n = first; n < first + vectors * lanes; n++)
            {
                var (image, pixel) = Math.DivRem(n, plane);
                var (i, j) = Math.DivRem((int)pixel, columns.Count);
                to[n - first] = n < last ? Goal(i, j) + (nint)image * job.Geometry.Groups * job.Results * job.ToPlane : -1;
            }
            for (var v = 0; v < vectors; v++)
                at[v] = v * lanes;
        }
        else
        {
            var unit = Form == PanelForm.Planes ? rowVectors : 1;
            var first = piece.Block * block * unit;
            vectors = Math.Min(rows.Count * rowVectors - first, block * unit);
            for (var v = 0; v < vectors; v++)
            {
                var (i, k) = Math.DivRem(first + v, rowVectors);
                var j = Math.Min(k * lanes, columns.Count - lanes);
                at[v] = Form == PanelForm.Planes ? (i - piece.Block * block) * pitch + j : i * columns.Extent + j;
                if (!IsScattered)
                    to[v] = Goal(i, j);
                else
                {
                    for (var lane = 0; lane < lanes; lane++)
                        to[v * lanes + lane] = Goal(i, j + lane);
                }
            }
        }
        for (var v = 0; v < RegisterTile.RowVectors; v++)
            at[vectors + v] = at[vectors - 1];
        return vectors;

        nint Goal(int i, int j) => (nint)(rows.Start + i * rows.Step) * job.ToWidth + columns.Start + j * columns.Step;
    }

    /// <summary>Makes the copy of a piece.</summary>
    /// <returns>What is to be read: the copy, or the images themselves.</returns>
    public E* Fill<E, V, FV>(Piece piece, E* copy) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var from = (E*)job.From + ((nint)piece.Image * job.Geometry.Groups + piece.Group) * job.Channels * job.FromPlane;
        switch (Form)
        {
            case PanelForm.InPlace: return from;
            case PanelForm.Planes: FillPlanes<E, V, FV>(from, piece.Block * block, copy); break;
            default: FillPatches<E, V, FV>(from, (long)piece.Block * block, copy); break;
        }
        return copy;
    }

    [MethodImpl(Inline.Step)]
    void FillPlanes<E, V, FV>(E* from, int firstRow, E* to) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var (rows, columns) = (job.Rows, job.Columns);
        var (low, stride) = (columns.Low, columns.Stride);
        for (var c = 0; c < job.Channels; c++)
        {
            foreach (var a in rowPhases)
            {
                foreach (var b in columnPhases)
                {
                    var begin = Math.Clamp(-low, 0, pitch);
                    var end = Math.Clamp((columns.Extent - b + stride - 1) / stride - low, begin, pitch);
                    for (var m = 0; m < planeRows; m++)
                    {
                        var row = (firstRow + m + rows.Low) * rows.Stride + a;
                        if ((uint)row >= (uint)rows.Extent)
                            Clear<E, V, FV>(to, pitch);
                        else
                        {
                            Clear<E, V, FV>(to, begin);
                            Copy<E, V, FV>(to + begin, from + (nint)row * columns.Extent + (begin + low) * stride + b, end - begin, stride);
                            Clear<E, V, FV>(to + end, pitch - end);
                        }
                        to += pitch;
                    }
                }
            }
            from += job.FromPlane;
        }
    }

    [MethodImpl(Inline.Step)]
    void FillPatches<E, V, FV>(E* from, long first, E* to) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var (rows, columns) = (job.Rows, job.Columns);
        var plane = rows.Count * columns.Count;
        var pixels = (int)Math.Min(block, (long)job.Geometry.Batch * plane - first);
        var (firstImage, firstPixel) = ((int)(first / plane), (int)(first % plane));
        var (firstI, firstJ) = Math.DivRem(firstPixel, columns.Count);
        var imageStride = (nint)job.Geometry.Groups * job.Channels * job.FromPlane;
        for (var c = 0; c < job.Channels; c++)
        {
            foreach (var p in rows.All)
            {
                foreach (var q in columns.All)
                {
                    // Places of a row of the result whose source is there.
                    var begin = Math.Max(0, -q.Shift);
                    var end = (columns.Extent - q.Phase + columns.Stride - 1) / columns.Stride - q.Shift;
                    var image = from + firstImage * imageStride;
                    var (i, j) = (firstI, firstJ);
                    for (var n = 0; n < pixels;)
                    {
                        var count = Math.Min(columns.Count - j, pixels - n);
                        var row = (i + p.Shift) * rows.Stride + p.Phase;
                        var (left, right) = (Math.Clamp(begin - j, 0, count), Math.Clamp(end - j, 0, count));
                        if ((uint)row >= (uint)rows.Extent || right <= left)
                            Clear<E, V, FV>(to + n, count);
                        else
                        {
                            Clear<E, V, FV>(to + n, left);
                            Copy<E, V, FV>(to + n + left, image + (nint)row * columns.Extent + (j + left + q.Shift) * columns.Stride + q.Phase, right - left, columns.Stride);
                            Clear<E, V, FV>(to + n + right, count - right);
                        }
                        n += count;
                        j = 0;
                        if (++i < rows.Count)
                            continue;
                        i = 0;
                        image += imageStride;
                    }
                    Clear<E, V, FV>(to + pixels, pitch - pixels);
                    to += pitch;
                }
            }
            from += job.FromPlane;
        }
    }

    [MethodImpl(Inline.Always)]
    static void Clear<E, V, FV>(E* to, int count) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var i = 0;
        for (; i + FV.Width <= count; i += FV.Width)
            FV.Store(to + i, V.Of(0));
        for (; i < count; i++)
            to[i] = default;
    }

    [MethodImpl(Inline.Always)]
    static void Copy<E, V, FV>(E* to, E* from, int count, int stride) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var i = 0;
        if (stride == 1)
        {
            for (; i + FV.Width <= count; i += FV.Width)
                FV.Store(to + i, FV.Load(from + i));
        }
        for (; i < count; i++)
            to[i] = from[(nint)i * stride];
    }
}
