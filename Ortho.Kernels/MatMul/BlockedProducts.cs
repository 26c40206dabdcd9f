using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.MatMul;

/// <summary>Columns of vectors cut into strips of the micro-kernel's three; two strips of two rather than one of three and one of one.</summary>
readonly struct Strips
{
    readonly int vectors, threes;

    public Strips(int vectors)
    {
        this.vectors = vectors;
        threes = vectors % 3 == 1 && vectors > 1 ? (vectors - 4) / 3 : vectors / 3;
    }

    public int Count => (vectors + 2) / 3;

    /// <summary>The first vector of a strip, and how many it has.</summary>
    public (int First, int Vectors) this[int strip]
    {
        get
        {
            var first = strip <= threes ? 3 * strip : 3 * threes + 2 * (strip - threes);
            return (first, strip < threes ? 3 : Math.Min(2, vectors - first));
        }
    }
}

/// <summary>Products by register tiles, of operands as they lie or of packed panels.</summary>
sealed unsafe class BlockedProducts<E, T, F, V, FV> : HostProducts<E>
    where E : unmanaged where T : struct, ILane<T> where F : struct, ICell<T, E> where V : struct, ILane<V> where FV : struct, IFormat<V, E>
{
    // With 32 vector registers a tile has 24 sums; with 16, 12.
    static int TileRows { [MethodImpl(Inline.Always)] get => Vector512.IsHardwareAccelerated || AdvSimd.IsSupported ? 8 : 4; }

    // Elements of b that stay in the first-level cache, or close to it, while rows of a go by: packing would not pay.
    const int DirectElements = 1 << 14;

    // Bytes of a row of b's columns that are packed at once: with KBlock rows, 3/4 MB of the second-level cache (measured).
    const int ColumnBytes = 3072;

    // Pieces that a product is cut into for threads; rows of a piece, and strips of one, are not fewer than these.
    const int Pieces = 8, LeastRows = 32, MostRows = 128, LeastStrips = 4;

    public override void Run(HostProduct<E> x, bool parallel)
    {
        // What is updated in place must not be finished twice.
        var overlaps = x.Scales && x.C == x.Y && (x.M % TileRows != 0 || x.N % FV.Width != 0);
        var direct = !overlaps && !x.IsComplex && x.A.Half is null && x.B.Half is null && x.B.Column == 1 && x.N >= FV.Width && ((long)x.K * x.N <= DirectElements || x.M <= TileRows);
        if (!direct)
            Pack(x, parallel);
        else if (parallel)
            DirectOnThreads(x);
        else
            Direct(x, 0, x.M);
        if (!x.IsHermitian)
            return;
        if (parallel)
            MirrorOnThreads(x);
        else
            Panels.Mirror(x.Y, x.N, 0, x.N, x.IsComplex);
    }

    // What captures is in methods of its own, so that products on one thread allocate nothing.

    static void DirectOnThreads(HostProduct<E> x) => HostThreads.Range(x.M, RowsOf(x.M), (begin, end) => Direct(x, (int)begin, (int)end));

    static void MirrorOnThreads(HostProduct<E> x) => HostThreads.Range(x.N, 64, (begin, end) => Panels.Mirror(x.Y, x.N, (int)begin, (int)end, x.IsComplex));

    static int RowsOf(int m) => Math.Clamp((m / Pieces + TileRows - 1) / TileRows * TileRows, LeastRows, MostRows);

    // ---- operands where they lie: tiles at the edges overlap their neighbours, which have the same bits

    [SkipLocalsInit]
    static void Direct(in HostProduct<E> x, int first, int last)
    {
        var strips = new Strips(x.N / FV.Width);
        var count = strips.Count + (x.N % FV.Width > 0 ? 1 : 0);
        var aside = stackalloc E[TileRows * 3 * FV.Width];
        var tile = new TileArguments<E> { ARow = x.A.Row, AStep = x.A.Column, BStep = x.B.Row };
        for (var s = 0; s < count; s++)
        {
            var (vector, vectors) = s < strips.Count ? strips[s] : (0, 1);
            var j = s < strips.Count ? vector * FV.Width : x.N - FV.Width;
            for (var i = first; i < last;)
            {
                var (at, height) = RowsFrom(i, first, last);
                i = at + height;
                if (x.IsHermitian && j >= i)
                    continue;
                for (var k0 = 0; k0 == 0 || k0 < x.K; k0 += MatMul.KBlock)
                {
                    tile.Depth = Math.Min(MatMul.KBlock, x.K - k0);
                    tile.A = x.A.Start + at * x.A.Row + k0 * x.A.Column;
                    tile.B = x.B.Start + k0 * x.B.Row + j;
                    var isAside = x.NeedsFinish(k0, tile.Depth);
                    tile.Y = isAside ? aside : x.Y + at * x.YRow + j;
                    tile.YRow = isAside ? vectors * FV.Width : x.YRow;
                    RegisterTile<E, V, FV>.Run(tile, height, vectors);
                    if (isAside)
                        Finishing<E, T, F, V, FV>.Run(x.Finish(aside, tile.YRow, height, vectors * FV.Width, at, j, k0, tile.Depth));
                }
            }
        }
    }

    // The next tile from row i on: where it begins, which may be above i, and its rows.
    static (int At, int Height) RowsFrom(int i, int first, int last)
    {
        var (rest, all) = (last - i, last - first);
        return rest >= TileRows ? (i, TileRows)
            : rest == 1 ? (i, 1)
            : rest <= 4 && all >= 4 ? (last - 4, 4)
            : rest > 4 && all >= TileRows ? (last - TileRows, TileRows)
            : rest > 4 ? (i, 4)
            : (i, 1);
    }

    // ---- packed panels

    static void Pack(HostProduct<E> x, bool parallel)
    {
        var rows = RowsOf(x.M);
        // Blocks of about the same number of columns, whole strips but for the last.
        var strip = 3 * FV.Width;
        var blocks = (int)(((long)x.N * sizeof(E) + ColumnBytes - 1) / ColumnBytes);
        var block = ((x.N + blocks - 1) / blocks + strip - 1) / strip * strip;
        for (var j0 = 0; j0 < x.N; j0 += block)
        {
            var columns = Math.Min(block, x.N - j0);
            var strips = new Strips((columns + FV.Width - 1) / FV.Width);
            for (var k0 = 0; k0 == 0 || k0 < x.K; k0 += MatMul.KBlock)
            {
                var depth = Math.Min(MatMul.KBlock, x.K - k0);
                var b = Panels.OfB<E>((nint)(columns + FV.Width) * MatMul.KBlock);
                if (parallel)
                {
                    PackOnThreads(x, b, k0, depth, j0, columns, strips.Count);
                    continue;
                }
                PackB(x, b, k0, depth, j0, columns, 0, strips.Count);
                for (var i = 0; i < x.M; i += rows)
                    Multiply(x, b, k0, depth, j0, columns, i, Math.Min(x.M, i + rows), 0, strips.Count);
            }
        }
    }

    static void PackOnThreads(HostProduct<E> x, E* b, int k0, int depth, int j0, int columns, int strips)
    {
        var rows = RowsOf(x.M);
        var rowPieces = (x.M + rows - 1) / rows;
        var columnPieces = Math.Clamp(Pieces / rowPieces, 1, (strips + LeastStrips - 1) / LeastStrips);
        var width = (strips + columnPieces - 1) / columnPieces;
        HostThreads.For(strips, s => PackB(x, b, k0, depth, j0, columns, s, s + 1));
        HostThreads.For(rowPieces * columnPieces, piece =>
        {
            // The largest pieces of a triangle first.
            var (row, side) = (rowPieces - 1 - piece / columnPieces, piece % columnPieces);
            Multiply(x, b, k0, depth, j0, columns, row * rows, Math.Min(x.M, (row + 1) * rows), side * width, Math.Min(strips, (side + 1) * width));
        });
    }

    static void PackB(in HostProduct<E> x, E* b, int k0, int depth, int j0, int columns, int firstStrip, int lastStrip)
    {
        var strips = new Strips((columns + FV.Width - 1) / FV.Width);
        for (var s = firstStrip; s < lastStrip; s++)
        {
            var (vector, vectors) = strips[s];
            var (j, width) = (vector * FV.Width, vectors * FV.Width);
            if (x.IsComplex)
                Panels.PackComplexB(x.B, b + (nint)j * depth, k0, depth, j0 + j, Math.Min(width, columns - j), width);
            else
                Panels.PackB(x.B, b + (nint)j * depth, k0, depth, j0 + j, Math.Min(width, columns - j), width);
        }
    }

    [SkipLocalsInit]
    static void Multiply(in HostProduct<E> x, E* b, int k0, int depth, int j0, int columns, int firstRow, int lastRow, int firstStrip, int lastStrip)
    {
        var a = Panels.OfA<E>((nint)MostRows * MatMul.KBlock);
        for (var i = firstRow; i < lastRow; i += TileRows)
        {
            var to = a + (nint)(i - firstRow) * depth;
            var (rows, height) = (Math.Min(TileRows, lastRow - i), HeightOf(lastRow - i));
            if (x.IsComplex)
                Panels.PackComplexA(x.A, to, i, rows, k0, depth, height);
            else
                Panels.PackA(x.A, to, i, rows, k0, depth, height);
        }
        var strips = new Strips((columns + FV.Width - 1) / FV.Width);
        var tile = new TileArguments<E> { ARow = 1, Depth = depth };
        // One tile of sums, and one of joined parts.
        var aside = stackalloc E[2 * TileRows * 3 * FV.Width];
        var joined = aside + TileRows * 3 * FV.Width;
        var step = x.IsComplex ? 2 : 1;
        for (var s = firstStrip; s < lastStrip; s++)
        {
            var (vector, vectors) = strips[s];
            var (j, width) = (vector * FV.Width, vectors * FV.Width);
            tile.B = b + (nint)j * depth;
            tile.BStep = width;
            var real = Math.Min(width, columns - j);
            for (var i = firstRow; i < lastRow; i += TileRows)
            {
                var (rows, height) = (Math.Min(TileRows, lastRow - i), HeightOf(lastRow - i));
                if (x.IsHermitian && j0 + j >= (i + rows + step - 1) / step)
                    continue;
                tile.A = a + (nint)(i - firstRow) * depth;
                tile.AStep = height;
                // At the edges, and where something is to be done with the sums, the tile is made aside.
                var isAside = rows < height || real < width || x.NeedsFinish(k0, depth);
                tile.Y = isAside ? aside : x.Y + i * x.YRow + j0 + j;
                tile.YRow = isAside ? width : x.YRow;
                RegisterTile<E, V, FV>.Run(tile, height, vectors);
                if (!isAside)
                    continue;
                var finish = x.Finish(x.IsComplex ? joined : aside, step * width, rows / step, step * real, i / step, step * (j0 + j), k0, depth);
                if (x.IsComplex)
                {
                    var isPlain = !finish.Adds && !finish.Scales;
                    for (var row = 0; row < rows; row += 2)
                        Panels.Join(isPlain ? finish.Y + row / 2 * finish.YRow : joined + row * width, aside + row * width, aside + (row + 1) * width, real);
                    if (isPlain)
                        continue;
                }
                Finishing<E, T, F, V, FV>.Run(finish);
            }
        }
    }

    static int HeightOf(int rows) => rows <= 4 ? 4 : TileRows;
}
