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
    // Numbers of one piece's copy: half of the second-level cache in float32. Copies for each tap are read in order and may fill it (measured).
    const int MostElements = 1 << 17;
    const int MostPatchElements = 1 << 18;

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
        // Vectors that begin early are work done twice; a copy for each tap is about a cycle a number (measured).
        var isWide = columns.Count >= lanes && (long)(rowVectors * lanes - columns.Count) * job.Results <= (long)lanes * columns.Count;
        Form = !isWide ? PanelForm.Patches : rows.IsInside && columns.IsInside ? PanelForm.InPlace : PanelForm.Planes;
        (rowPhases, columnPhases) = (rows.Phases, columns.Phases);
        var images = job.Geometry.Batch * job.Geometry.Groups;
        switch (Form)
        {
            case PanelForm.Patches:
                pitch = Even((long)job.Geometry.Batch * rows.Count * columns.Count, MostPatchElements / job.Steps, job.Geometry.Groups, RegisterTile.Vectors * lanes);
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

    // The size of nearly equal blocks of `count` things: whole units, at most `most` things but at least one unit, and so small that `times` as
    // many blocks are not too few.
    static int Even(long count, long most, int times, int unit)
    {
        most = Math.Max(most / unit, 1) * unit;
        var blocks = Math.Max((count + most - 1) / most, Math.Min(FewPieces / Math.Max(1, times), count / unit));
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

    long CopyElements => Form switch
    {
        PanelForm.InPlace => 0,
        PanelForm.Planes => (long)job.Channels * rowPhases.Length * columnPhases.Length * planeRows * pitch + lanes,
        _ => (long)job.Steps * pitch + PaddedElements,
    };

    /// <summary>Scratch memory of a piece: sums, the copy, and where pixels go to when each piece has places of its own.</summary>
    public nuint ScratchBytes(long sums, int size)
        => checked((nuint)((sums + CopyElements) * size + (Form == PanelForm.Patches ? pitch * sizeof(nint) + sizeof(nint) : 0)));

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

    /// <summary>Vectors of all pieces of one image, or of one piece where pieces run across images.</summary>
    public int TableVectors => Form == PanelForm.Patches ? MostVectors : job.Rows.Count * rowVectors;

    /// <summary>For each vector where its first pixel reads, in its piece, and where it goes to (or each of its pixels) from the first pixel of
    /// a channel on.</summary>
    public void Places(int* at, nint* to)
    {
        for (var v = 0; v < TableVectors; v++)
        {
            if (Form == PanelForm.Patches)
            {
                at[v] = v * lanes;
                continue;
            }
            var (i, k) = Math.DivRem(v, rowVectors);
            var j = Math.Min(k * lanes, job.Columns.Count - lanes);
            at[v] = Form == PanelForm.Planes ? i % block * pitch + j : i * job.Columns.Extent + j;
            if (!IsScattered)
                to[v] = Goal(i, j);
            else
            {
                for (var lane = 0; lane < lanes; lane++)
                    to[v * lanes + lane] = Goal(i, j + lane);
            }
        }
        // A tile of one row reads more vectors than are left.
        for (var v = 0; v < RegisterTile.RowVectors; v++)
            at[TableVectors + v] = 0;
    }

    nint Goal(int i, int j) => (nint)(job.Rows.Start + i * job.Rows.Step) * job.ToWidth + job.Columns.Start + j * job.Columns.Step;

    /// <summary>The first vector of a piece in the tables.</summary>
    public int FirstVector(Piece piece) => Form switch
    {
        PanelForm.Patches => 0,
        PanelForm.Planes => piece.Block * block * rowVectors,
        _ => piece.Block * block,
    };

    /// <summary>Vectors of a piece.</summary>
    public int Vectors(Piece piece)
        => Form == PanelForm.Patches ? (int)((Pixels(piece) + lanes - 1) / lanes) : Math.Min(MostVectors, TableVectors - FirstVector(piece));

    // Pixels of a piece that runs across images.
    long Pixels(Piece piece) => Math.Min(block, (long)job.Geometry.Batch * job.Rows.Count * job.Columns.Count - (long)piece.Block * block);

    /// <summary>Where a piece's pixels go to, -1 for nowhere: the table's places, or those of a piece that runs across images, made behind its
    /// copy.</summary>
    public nint* Goals(Piece piece, nint* table, void* copy, int size)
    {
        if (Form != PanelForm.Patches)
            return table;
        var to = (nint*)(((nint)copy + (nint)CopyElements * size + sizeof(nint) - 1) & -sizeof(nint));
        var pixels = Pixels(piece);
        var (image, pixel) = Math.DivRem((long)piece.Block * block, job.Rows.Count * job.Columns.Count);
        var (i, j) = Math.DivRem((int)pixel, job.Columns.Count);
        for (var n = 0; n < pitch; n++)
        {
            to[n] = n < pixels ? Goal(i, j) + (nint)image * job.Geometry.Groups * job.Results * job.ToPlane : -1;
            if (++j < job.Columns.Count)
                continue;
            j = 0;
            if (++i < job.Rows.Count)
                continue;
            i = 0;
            image++;
        }
        return to;
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

    // Behind the last of the images' numbers.
    E* End<E>() where E : unmanaged => (E*)job.From + (nint)job.Geometry.Batch * job.Geometry.Groups * job.Channels * job.FromPlane;

    [MethodImpl(Inline.Step)]
    void FillPlanes<E, V, FV>(E* from, int firstRow, E* to) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var (rows, columns) = (job.Rows, job.Columns);
        var (low, stride, limit, plane) = (columns.Low, columns.Stride, (nint)End<E>(), planeRows * pitch);
        for (var c = 0; c < job.Channels; c++)
        {
            foreach (var a in rowPhases)
            {
                foreach (var b in columnPhases)
                {
                    var begin = Math.Clamp(-low, 0, pitch);
                    var end = Math.Clamp((columns.Extent - b + stride - 1) / stride - low, begin, pitch);
                    // Pairs that are there.
                    var pairs = stride == 2 ? Math.Clamp(columns.Extent / 2 - low, begin, pitch) - begin : 0;
                    for (var m = 0; m < planeRows; m++)
                    {
                        var row = (firstRow + m + rows.Low) * rows.Stride + a;
                        if ((uint)row >= (uint)rows.Extent)
                            Clear<E, V, FV>(to, pitch);
                        else
                        {
                            var source = from + (nint)row * columns.Extent + (begin + low) * stride + b;
                            Clear<E, V, FV>(to, begin);
                            var done = b == 0 ? Split.Even(to + begin, source, pairs) : Split.Odd(to + begin, source - b, pairs);
                            Copy<E, V, FV>(to + begin + done, source + done * stride, end - begin - done, stride, (E*)limit);
                            Clear<E, V, FV>(to + end, pitch - end);
                        }
                        to += pitch;
                    }
                }
            }
            from += job.FromPlane;
        }
    }

    // Rows and columns of one channel of an image that some pixels of the result meet, zeros included.
    static int Span(Taps taps, int count) => (count - 1) * taps.Stride + taps.LastPlace - taps.FirstPlace + 1;

    int PaddedElements => Span(job.Rows, Math.Min(job.Rows.Count, block / job.Columns.Count + 2)) * Span(job.Columns, job.Columns.Count) + lanes;

    [MethodImpl(Inline.Step)]
    void FillPatches<E, V, FV>(E* from, long first, E* to) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var (rows, columns) = (job.Rows, job.Columns);
        var (plane, width) = (rows.Count * columns.Count, Span(columns, columns.Count));
        var pixels = (int)Math.Min(block, (long)job.Geometry.Batch * plane - first);
        var (firstImage, firstPixel) = Math.DivRem(first, plane);
        var imageStride = (nint)job.Geometry.Groups * job.Channels * job.FromPlane;
        var padded = to + (nint)job.Steps * pitch;
        for (var c = 0; c < job.Channels; c++)
        {
            var image = from + (nint)firstImage * imageStride;
            var (i, j) = Math.DivRem((int)firstPixel, columns.Count);
            for (var n = 0; n < pixels;)
            {
                // Up to the end of the image: its rows with their zeros, and from them a run of each tap for each row.
                var end = Math.Min(pixels, n + plane - (i * columns.Count + j));
                Pad<E, V, FV>(image, i, (j + end - n - 1) / columns.Count + 1, width, padded);
                var tap = to;
                for (var p = 0; p < rows.All.Length; p++)
                {
                    for (var q = 0; q < columns.All.Length; q++)
                    {
                        var source = padded + (nint)(rows.Place(p) - rows.FirstPlace) * width + columns.Place(q) - columns.FirstPlace;
                        for (var (m, column) = (n, j); m < end; column = 0)
                        {
                            var count = Math.Min(columns.Count - column, end - m);
                            CopyRun<E, V, FV>(tap + m, source + column * columns.Stride, count, pitch - m, columns.Stride);
                            m += count;
                            source += rows.Stride * width;
                        }
                        tap += pitch;
                    }
                }
                (n, i, j) = (end, 0, 0);
                image += imageStride;
            }
            from += job.FromPlane;
            to += (nint)job.TapsPerChannel * pitch;
        }
    }

    // What `count` rows of the result from row i on meet of a channel, zeros included.
    [MethodImpl(Inline.Always)]
    void Pad<E, V, FV>(E* image, int i, int count, int width, E* to) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var (rows, columns) = (job.Rows, job.Columns);
        var left = Math.Clamp(-columns.FirstPlace, 0, width);
        var right = Math.Clamp(columns.Extent - columns.FirstPlace, left, width);
        for (var (r, row) = (0, i * rows.Stride + rows.FirstPlace); r < Span(rows, count); (r, row) = (r + 1, row + 1))
        {
            if ((uint)row >= (uint)rows.Extent)
                Clear<E, V, FV>(to, width);
            else
            {
                Clear<E, V, FV>(to, left);
                Copy<E, V, FV>(to + left, image + (nint)row * columns.Extent + left + columns.FirstPlace, right - left, 1, End<E>());
                Clear<E, V, FV>(to + right, width - right);
            }
            to += width;
        }
    }

    // Whole vectors are written as long as there is room for them: the runs behind come later.
    [MethodImpl(Inline.Always)]
    static void CopyRun<E, V, FV>(E* to, E* from, int count, int room, int stride) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var i = 0;
        if (stride == 1)
        {
            for (; i < count && i + FV.Width <= room; i += FV.Width)
                FV.Store(to + i, FV.Load(from + i));
        }
        for (; i < count; i++)
            to[i] = from[(nint)i * stride];
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

    // Whole vectors are written, where that many can be read: what lies behind is written later, or is nobody's.
    [MethodImpl(Inline.Always)]
    static void Copy<E, V, FV>(E* to, E* from, int count, int stride, E* limit) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var i = 0;
        if (stride == 1)
        {
            for (; i < count && from + i + FV.Width <= limit; i += FV.Width)
                FV.Store(to + i, FV.Load(from + i));
        }
        for (; i < count; i++)
            to[i] = from[(nint)i * stride];
    }
}
