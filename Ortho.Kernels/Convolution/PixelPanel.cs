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

/// <summary>Neighbouring sums and where they go to.</summary>
/// <param name="From">The first sum, from those of the first vector on.</param>
/// <param name="Count">Sums; 0 where a whole vector is written: what lies behind the sums is written later.</param>
/// <param name="To">Its place, from the first pixel of a channel on.</param>
readonly record struct Segment(int From, int Count, nint To);

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

    // What a piece has: rows (Planes), vectors (InPlace) or pixels (Patches), and how many blocks of them there are. Long rows are cut too: how
    // many vectors a piece has of each, and how many pieces there are of a row.
    readonly int block, blocks, rowBlock, rowBlocks = 1, resultBlock, resultBlocks;
    readonly int[] rowPhases, columnPhases;
    readonly int pitch, planeRows;

    // Vectors run along lines: a row, or several with what lies between them.
    readonly int lineRows = 1;

    public PixelPanel(HostConvolution.Job job, int lanes)
    {
        (this.job, this.lanes, rowPhases, columnPhases) = (job, lanes, job.Rows.Phases, job.Columns.Phases);
        var (rows, columns) = (job.Rows, job.Columns);
        rowVectors = Over(columns.Count, lanes);
        // A vector that is longer than an image's line would read beyond the last one.
        var isInside = rows.IsInside && columns.IsInside && (rows.Count - 1) * (long)columns.Extent + columns.Count >= lanes;
        var pixels = (long)rows.Count * columns.Count;
        var byRows = columns.Count >= lanes ? (long)rows.Count * rowVectors : long.MaxValue / lanes / job.Results;
        // A copy of which a piece has but a part of a row has no lines of several.
        var hasLines = isInside || !IsCut(rows, columns);
        pitch = isInside ? columns.Extent : columns.Reach;
        var byLines = hasLines ? Over(Length(rows.Count), lanes) : byRows;
        // Lanes that make nothing are work; a copy for each tap is half a cycle a number, and twenty a row (measured).
        var isWide = (Math.Min(byRows, byLines) * lanes - pixels) * job.Results <= lanes * (pixels + 40L * rows.Count);
        var isRunning = isWide && byLines < byRows;
        Form = !isWide ? PanelForm.Patches : isInside ? PanelForm.InPlace : PanelForm.Planes;
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
                var (halo, margin) = (rows.Reach - rows.Count, columns.Reach - columns.Count);
                rowBlock = IsCut(rows, columns) ? Even(rowVectors, (MostElements / (CopiedPlanes * (halo + 1)) - margin) / lanes, images * rows.Count, RegisterTile.Vectors) : rowVectors;
                rowBlocks = Over(rowVectors, rowBlock);
                pitch = rowBlocks > 1 ? rowBlock * lanes + margin : columns.Reach;
                block = rowBlocks > 1 ? 1 : Even(rows.Count, MostElements / (CopiedPlanes * pitch) - halo, images, 1);
                blocks = Over(rows.Count, block) * rowBlocks;
                planeRows = block + halo;
                lineRows = isRunning ? block : 1;
                MostVectors = isRunning ? Over(Length(block), lanes) : block * Math.Min(rowBlock, rowVectors);
                PiecePixels = MostVectors * lanes;
                break;
            default:
                // Vectors of a piece: many enough for its other costs not to count.
                const int FewVectors = 96;
                lineRows = isRunning ? rows.Count : 1;
                block = Even(TableVectors, FewVectors, images, RegisterTile.Vectors);
                blocks = Over(TableVectors, block);
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

    static int Over(int count, int each) => (count + each - 1) / each;

    // Planes of a copy: of each channel one for each residue.
    long CopiedPlanes => (long)job.Channels * rowPhases.Length * columnPhases.Length;

    // Whether a copy of a few whole rows would be too large.
    bool IsCut(Taps rows, Taps columns) => rows.Count == 1 || CopiedPlanes * (rows.Reach - rows.Count + 1) * columns.Reach > MostElements;

    // Places from the first pixel of so many rows to the last.
    int Length(int rows) => checked((rows - 1) * pitch + job.Columns.Count);

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
        PanelForm.Planes => CopiedPlanes * planeRows * pitch + lanes,
        _ => (long)job.Steps * pitch + PaddedElements,
    };

    /// <summary>Scratch memory of a piece: sums, the copy, and where sums go to when each piece has places of its own.</summary>
    public nuint ScratchBytes(long sums, int size)
        => checked((nuint)((sums + CopyElements) * size + (Form == PanelForm.Patches ? MostSegments * sizeof(Segment) + (MostVectors + 1) * sizeof(int) + sizeof(Segment) : 0)));

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
    public int TableVectors => Form == PanelForm.Patches ? MostVectors : job.Rows.Count / lineRows * Over(Length(lineRows), lanes)
        + (job.Rows.Count % lineRows == 0 ? 0 : Over(Length(job.Rows.Count % lineRows), lanes));

    /// <summary>Segments of these vectors, at most.</summary>
    public int MostSegments => TableVectors * (2 + lanes / (Form != PanelForm.Patches ? pitch : IsDense ? job.Rows.Count * job.Columns.Count : job.Columns.Count));

    // Whether the result's pixels are neighbours across rows.
    bool IsDense => job.Rows.Step == 1 && job.Columns.Step == 1;

    /// <summary>For each vector where its first pixel reads, in its piece, and, but for pieces that run across images, its first segment.</summary>
    public void Places(int* at, int* first, Segment* segments)
    {
        var (v, n) = (0, 0);
        var width = lineRows > 1 ? pitch : job.Columns.Count;
        for (var row = 0; row < job.Rows.Count && Form != PanelForm.Patches; row += lineRows)
        {
            var length = Length(Math.Min(lineRows, job.Rows.Count - row));
            for (var k = 0; k < Over(length, lanes); k++, v++)
            {
                // The last vector of a line begins early rather than end late.
                var place = Math.Max(0, Math.Min(k * lanes, length - lanes));
                at[v] = Form == PanelForm.InPlace ? row * pitch + place : lineRows > 1 ? place : row % block * pitch + place - FirstColumn(k / rowBlock);
                first[v] = n;
                // Where the piece ends: what is behind is another's.
                var last = Math.Min(length, Form == PanelForm.InPlace && lineRows > 1 ? (k / block + 1) * block * lanes : length) - 1;
                last -= Math.Max(0, last % width - job.Columns.Count + 1);
                for (var lane = 0; lane < lanes && place + lane < length;)
                {
                    var (i, j) = Math.DivRem(place + lane, width);
                    var count = Math.Min(job.Columns.Count - j, lanes - lane);
                    if (count > 0)
                        segments[n++] = Cut(v * lanes + lane, count, Goal(row + i, j), IsDense ? Goal(row + last / width, last % width) + 1 : 0);
                    lane += Math.Min(width - j, lanes - lane);
                }
            }
        }
        for (; v < TableVectors; v++)
            at[v] = v * lanes;
        if (Form != PanelForm.Patches)
            first[v] = n;
        // A tile of one row reads more vectors than are left.
        for (var more = 0; more < RegisterTile.RowVectors; more++)
            at[v + more] = 0;
    }

    // `count` sums from one on, which may be followed by numbers that come later as long as they are before a place.
    Segment Cut(int from, int count, nint to, nint end)
        => new(from, job.Columns.Step == 1 && (count == lanes || to + lanes <= end) ? 0 : count, to);

    nint Goal(int i, int j) => (nint)(job.Rows.Start + i * job.Rows.Step) * job.ToWidth + job.Columns.Start + j * job.Columns.Step;

    // Where a part of a row begins: the last vector of a row may begin before its place.
    int FirstColumn(int part) => Math.Max(0, Math.Min(part * rowBlock * lanes, job.Columns.Count - lanes));

    /// <summary>The first vector of a piece in the tables.</summary>
    public int FirstVector(Piece piece) => Form switch
    {
        PanelForm.Patches => 0,
        PanelForm.Planes when rowBlocks > 1 => piece.Block / rowBlocks * rowVectors + piece.Block % rowBlocks * rowBlock,
        _ => piece.Block * MostVectors,
    };

    /// <summary>Vectors of a piece.</summary>
    public int Vectors(Piece piece)
        => Form == PanelForm.Patches ? (int)((Pixels(piece) + lanes - 1) / lanes)
            : rowBlocks > 1 ? Math.Min(rowBlock, rowVectors - piece.Block % rowBlocks * rowBlock)
            : Math.Min(MostVectors, TableVectors - FirstVector(piece));

    // Pixels of a piece that runs across images.
    long Pixels(Piece piece) => Math.Min(block, (long)job.Geometry.Batch * job.Rows.Count * job.Columns.Count - (long)piece.Block * block);

    /// <summary>Where the sums of a piece that runs across images go to, and the first segment of each vector; made behind its copy.</summary>
    public Segment* Segments(Piece piece, void* copy, int size, out int* first)
    {
        var segments = (Segment*)(((nint)copy + (nint)CopyElements * size + sizeof(Segment) - 1) & -sizeof(Segment));
        first = (int*)(segments + MostSegments);
        var (plane, pixels) = (job.Rows.Count * job.Columns.Count, Pixels(piece));
        var (image, begin) = Math.DivRem((long)piece.Block * block, plane);
        var (n, pixel) = (0, (int)begin);
        for (var k = 0; k < pixels;)
        {
            if (k % lanes == 0)
                first[k / lanes] = n;
            var (i, j) = Math.DivRem(pixel, job.Columns.Count);
            var more = IsDense ? plane - pixel : job.Columns.Count - j;
            var count = (int)Math.Min(Math.Min(more, lanes - k % lanes), pixels - k);
            var to = Goal(i, j) + (nint)image * job.Geometry.Groups * job.Results * job.ToPlane;
            segments[n++] = Cut(k, count, to, IsDense ? to + (nint)Math.Min(more, pixels - k) : 0);
            k += count;
            pixel += count;
            if (pixel < plane)
                continue;
            pixel = 0;
            image++;
        }
        first[Vectors(piece)] = n;
        return segments;
    }

    /// <summary>Makes the copy of a piece.</summary>
    /// <returns>What is to be read: the copy, or the images themselves.</returns>
    public E* Fill<E, V, FV>(Piece piece, E* copy) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var from = (E*)job.From + ((nint)piece.Image * job.Geometry.Groups + piece.Group) * job.Channels * job.FromPlane;
        switch (Form)
        {
            case PanelForm.InPlace: return from;
            case PanelForm.Planes: FillPlanes<E, V, FV>(from, piece.Block / rowBlocks * block, FirstColumn(piece.Block % rowBlocks), copy); break;
            default: FillPatches<E, V, FV>(from, (long)piece.Block * block, copy); break;
        }
        return copy;
    }

    // Behind the last of the images' numbers.
    E* End<E>() where E : unmanaged => (E*)job.From + (nint)job.Geometry.Batch * job.Geometry.Groups * job.Channels * job.FromPlane;

    [MethodImpl(Inline.Step)]
    void FillPlanes<E, V, FV>(E* from, int firstRow, int firstColumn, E* to) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        var (rows, columns) = (job.Rows, job.Columns);
        var (low, stride, limit) = (columns.Low + firstColumn, columns.Stride, (nint)End<E>());
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
