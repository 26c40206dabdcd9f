using System.Runtime.InteropServices;

namespace Ortho.Kernels.Gpu.TensorCores;

/// <summary>A CUDA kernel on tensor cores, generated as PTX text: y[i, j] = alpha (sum over k of a[i, k] b[j, k]) + beta c[i, j].</summary>
/// <remarks>
/// <para>A block of threads makes a tile of y. Tiles of a and b, of <see cref="RowBytes"/> bytes of each row, come into shared memory by
/// asynchronous copies, <see cref="Stages"/> deep. A row's 16-byte chunks change places by its number, chunk ^= row, so that neither the
/// copies nor what reads them meet in one bank. Steps of 16-bit and of 32-bit numbers place bytes alike: one text serves both.</para>
/// <para>a is [batch, m up to whole tiles, k up to whole rows], b likewise with n; what lies beyond is zero. y is [batch, m, n], float32. A
/// warp's part of y lies in its lanes' registers as 16 x 8 fragments, however it was made.</para>
/// </remarks>
/// <param name="Type">Type of a and b.</param>
/// <param name="TileM">Rows of a tile of y.</param>
/// <param name="TileN">Columns of a tile of y.</param>
/// <param name="RowBytes">Bytes of a row of a or b in one stage: 64 or 128.</param>
/// <param name="WarpM">Rows of the part that one warp has; a multiple of 16.</param>
/// <param name="WarpN">Columns of that part; a multiple of 16.</param>
/// <param name="Stages">Tiles of a and b in shared memory.</param>
abstract partial record TensorCoreKernel(MmaType Type, int TileM, int TileN, int RowBytes, int WarpM, int WarpN, int Stages)
{
    /// <summary>Name of the entry.</summary>
    public const string Entry = "product";

    /// <summary>Bytes that are copied at once, and threads of a warp.</summary>
    protected const int Chunk = 16, Warp = 32;

    /// <summary>The kernels of an architecture, the one for large products first in each type; none where there are no tensor cores for
    /// them.</summary>
    public static IReadOnlyList<TensorCoreKernel> For((int Major, int Minor) architecture) => architecture switch
    {
        // sm_90a is of this architecture alone: later ones do not know its instructions.
        (9, 0) => WgmmaKernel.Used,
        ( >= 8, _) => MmaKernel.Used,
        _ => [],
    };

    /// <summary>The parameters of <see cref="Ptx"/>, as PTX lays them out.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Arguments
    {
        /// <summary>Addresses; no c is 0, and then beta must be -0: the formula leaves the product as it is.</summary>
        public long A, B, Y, C;

        /// <summary>Rows and columns of y, bytes of a row of a and b, and of c.</summary>
        public int Rows, Columns, RowBytes, CRowBytes;

        /// <summary>Bytes from one matrix to the next, 0 for one that all share.</summary>
        public long ABatch, BBatch, YBatch, CBatch;

        /// <summary>Factors of the product and of c.</summary>
        public float Alpha, Beta;

        /// <summary>1 for a symmetric y: its lower triangle is made, from that of c, and mirrored.</summary>
        public int IsSymmetric;

        /// <summary>1 where two neighbouring numbers of y, and of c, are aligned.</summary>
        public int HasPairs;
    }

    /// <summary>Bytes of a number of a or b.</summary>
    public int ElementBytes => Type == MmaType.TensorFloat32 ? 4 : 2;

    /// <summary>Numbers of a row of a or b in one stage.</summary>
    public int TileK => RowBytes / ElementBytes;

    /// <summary>Threads of a block.</summary>
    public int Threads => TileM / WarpM * WarpsAcross * Warp;

    /// <summary>Dynamic shared memory of a block in bytes.</summary>
    public int SharedBytes => StageBytes * Stages;

    /// <summary>Warps side by side.</summary>
    protected int WarpsAcross => TileN / WarpN;

    /// <summary>Bytes of one tile of a and one of b.</summary>
    protected int StageBytes => (TileM + TileN) * RowBytes;

    /// <summary>Chunks of a row.</summary>
    protected int ChunksOfRow => RowBytes / Chunk;

    /// <summary>Fragments of a warp along the rows of y.</summary>
    protected int FragmentsM => WarpM / 16;

    /// <summary>Fragments of a warp along the columns of y.</summary>
    protected int FragmentsN => WarpN / 8;

    /// <summary>Steps of a stage: each takes two chunks of a row.</summary>
    protected int Steps => ChunksOfRow / 2;

    // Rows that the threads of a block copy at once.
    int RowsAtOnce => Threads / ChunksOfRow;

    /// <summary>Version of PTX that the text needs.</summary>
    protected abstract string Isa { get; }

    /// <summary>Tiles that are on their way while one is multiplied.</summary>
    protected abstract int Ahead { get; }

    /// <summary>The target that a device's architecture is addressed by, such as <c>sm_80</c>.</summary>
    /// <exception cref="InvalidOperationException">It does not run the kernel.</exception>
    public abstract string Target(string architecture);

    /// <summary>Registers of its own.</summary>
    protected abstract void Registers(PtxWriter text);

    /// <summary>What is computed once, before the first copy.</summary>
    protected abstract void Begin(PtxWriter text);

    /// <summary>Multiplies the tiles, one after the other.</summary>
    protected abstract void Loop(PtxWriter text);

    /// <summary>The kernel's text.</summary>
    /// <param name="architecture">Such as <c>sm_80</c>.</param>
    /// <exception cref="InvalidOperationException">The sizes do not divide each other, or the architecture does not run it.</exception>
    public string Ptx(string architecture)
    {
        if (RowBytes is not (64 or 128) || WarpM % 16 != 0 || WarpN % 16 != 0 || TileM % WarpM != 0 || TileN % WarpN != 0
            || TileM % RowsAtOnce != 0 || TileN % RowsAtOnce != 0 || RowsAtOnce % 8 != 0 || Stages <= Ahead || Ahead < 1)
            throw new InvalidOperationException($"{this}: the sizes do not divide each other");
        var text = new PtxWriter();
        text.Raw($$"""
            .version {{Isa}}
            .target {{Target(architecture)}}
            .address_size 64
            .extern .shared .align 1024 .b8 tiles[];
            .visible .entry {{Entry}}(.param .u64 aStart, .param .u64 bStart, .param .u64 yStart, .param .u64 cStart, .param .u32 rowsOfY,
                .param .u32 columnsOfY, .param .u32 bytesOfRow, .param .u32 bytesOfCRow, .param .u64 aBatch, .param .u64 bBatch, .param .u64 yBatch,
                .param .u64 cBatch, .param .f32 alphaOfY, .param .f32 betaOfC, .param .u32 isSymmetric, .param .u32 hasPairs)
                .maxntid {{Threads}}, 1, 1 .minnctapersm 1
            {
            """);
        text.Line($".reg .f32 c<{FragmentsM * FragmentsN * 4}>;");
        text.Line(".reg .u32 m, n, rowBytes, thread, lane, warp, warpRow, warpColumn, tileRow, tileColumn, batch, shared;");
        text.Line(".reg .u32 copyChunk, copyRow, copyTo, row, column, swap, at, to, writeAt, readAt, tile, tileCount, ahead;");
        text.Line(".reg .u64 aAt, bAt, yAt, batch64, stride, aCopy, bCopy, aNext, bNext, rowsStep, wide;");
        text.Line(".reg .pred go, wrap, symmetric;");
        Registers(text);
        Places(text);
        CopyAddresses(text);
        Begin(text);
        Prologue(text);
        Loop(text);
        Store(text);
        text.Line("ret;");
        text.Raw("}");
        return text.ToString();
    }

    void Places(PtxWriter text)
    {
        text.Line("ld.param.u64 aAt, [aStart];", "ld.param.u64 bAt, [bStart];", "ld.param.u64 yAt, [yStart];");
        text.Line("ld.param.u32 m, [rowsOfY];", "ld.param.u32 n, [columnsOfY];", "ld.param.u32 rowBytes, [bytesOfRow];");
        text.Line("mov.u32 tileColumn, %ctaid.x;", "mov.u32 tileRow, %ctaid.y;", "mov.u32 batch, %ctaid.z;", "cvt.u64.u32 batch64, batch;");
        // Tiles of a symmetric y that lie above its diagonal are mirrored from below.
        text.Line("ld.param.u32 at, [isSymmetric];", "setp.gt.u32 symmetric, at, 0;", $"mad.lo.u32 row, tileRow, {TileM}, {TileM - 1};",
            $"mad.lo.u32 column, tileColumn, {TileN}, 0;", "setp.lt.and.u32 go, row, column, symmetric;", "@go ret;");
        text.Line("cvta.to.global.u64 aAt, aAt;", "cvta.to.global.u64 bAt, bAt;", "cvta.to.global.u64 yAt, yAt;");
        foreach (var operand in new[] { "a", "b", "y" })
            text.Line($"ld.param.u64 stride, [{operand}Batch];", $"mad.lo.u64 {operand}At, batch64, stride, {operand}At;");
        text.Line("mov.u32 thread, %tid.x;", $"and.b32 lane, thread, {Warp - 1};", $"shr.u32 warp, thread, {int.Log2(Warp)};");
        text.Line($"rem.u32 warpColumn, warp, {WarpsAcross};", $"div.u32 warpRow, warp, {WarpsAcross};", "mov.u32 shared, tiles;");
        for (var i = 0; i < FragmentsM * FragmentsN * 4; i++)
            text.Line($"mov.f32 c{i}, 0f00000000;");
    }

    /// <summary>By what the chunks of a row change places: eight rows of one chunk, 128 bytes of banks; rows of 64 bytes lie in
    /// pairs.</summary>
    protected void Swap(PtxWriter text, string swap, string row)
        => text.Line($"shr.u32 {swap}, {row}, {(RowBytes == 64 ? 1 : 0)};", $"and.b32 {swap}, {swap}, {ChunksOfRow - 1};");

    // A thread copies one chunk of rows copyRow, copyRow + RowsAtOnce, ...
    void CopyAddresses(PtxWriter text)
    {
        text.Line($"and.b32 copyChunk, thread, {ChunksOfRow - 1};", $"shr.u32 copyRow, thread, {int.Log2(ChunksOfRow)};",
            "mul.wide.u32 wide, copyChunk, 16;");
        text.Line($"mad.lo.u32 row, tileRow, {TileM}, copyRow;", "mul.wide.u32 aCopy, row, rowBytes;", "add.u64 aCopy, aCopy, aAt;",
            "add.u64 aCopy, aCopy, wide;");
        text.Line($"mad.lo.u32 row, tileColumn, {TileN}, copyRow;", "mul.wide.u32 bCopy, row, rowBytes;", "add.u64 bCopy, bCopy, bAt;",
            "add.u64 bCopy, bCopy, wide;");
        text.Line($"mul.wide.u32 rowsStep, rowBytes, {RowsAtOnce};");
        // RowsAtOnce is a multiple of the swap's period: all rows of a thread have its swap.
        Swap(text, "swap", "copyRow");
        text.Line("xor.b32 swap, swap, copyChunk;", "shl.b32 swap, swap, 4;", $"mad.lo.u32 copyTo, copyRow, {RowBytes}, swap;",
            "add.u32 copyTo, copyTo, shared;");
    }

    void Prologue(PtxWriter text)
    {
        text.Line($"div.u32 tileCount, rowBytes, {RowBytes};", "mov.u32 tile, 0;", "mov.u32 readAt, 0;", "mov.u32 writeAt, 0;");
        for (var stage = 0; stage < Ahead; stage++)
        {
            text.Line($"setp.gt.u32 go, tileCount, {stage};");
            Copy(text);
            text.Line($"add.u32 writeAt, writeAt, {StageBytes};");
        }
    }

    /// <summary>Copies the tiles that come <see cref="Ahead"/> after this one, if there are any, to the stage at writeAt.</summary>
    protected void CopyAhead(PtxWriter text)
    {
        text.Line($"add.u32 ahead, tile, {Ahead};", "setp.lt.u32 go, ahead, tileCount;");
        Copy(text);
    }

    // The next tiles of a and b.
    void Copy(PtxWriter text)
    {
        text.Line("add.u32 to, copyTo, writeAt;", "mov.u64 aNext, aCopy;", "mov.u64 bNext, bCopy;");
        Rows("aNext", TileM, 0);
        Rows("bNext", TileN, TileM * RowBytes);
        text.Line($"add.u64 aCopy, aCopy, {RowBytes};", $"add.u64 bCopy, bCopy, {RowBytes};", "cp.async.commit_group;");

        void Rows(string next, int rows, int offset)
        {
            for (var row = 0; row < rows; row += RowsAtOnce)
            {
                text.Line($"@go cp.async.cg.shared.global [to+{offset + row * RowBytes}], [{next}], 16;");
                if (row + RowsAtOnce < rows)
                    text.Line($"add.u64 {next}, {next}, rowsStep;");
            }
        }
    }

    /// <summary>On to the next tile, back to LOOP if there is one.</summary>
    protected void NextTile(PtxWriter text)
    {
        Advance("readAt");
        Advance("writeAt");
        text.Line("add.u32 tile, tile, 1;", "setp.lt.u32 go, tile, tileCount;", "@go bra LOOP;");

        void Advance(string offset)
            => text.Line($"add.u32 {offset}, {offset}, {StageBytes};", $"setp.eq.u32 wrap, {offset}, {SharedBytes};",
                $"selp.u32 {offset}, 0, {offset}, wrap;");
    }
}
