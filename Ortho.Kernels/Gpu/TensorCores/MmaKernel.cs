using System.Globalization;
using System.Text;

namespace Ortho.Kernels.Gpu.TensorCores;

/// <summary>Numbers that tensor cores multiply; sums are float32.</summary>
enum MmaType
{
    /// <summary>16 bits, 8 of them significant.</summary>
    BFloat16,

    /// <summary>16 bits, 11 of them significant.</summary>
    Half,

    /// <summary>float32 whose last 13 bits are zero.</summary>
    TensorFloat32,
}

/// <summary>A CUDA kernel on tensor cores, generated as PTX text: y[i, j] = sum over k of a[i, k] b[j, k].</summary>
/// <remarks>
/// <para>A block of threads makes a tile of y. Tiles of a and b, of <see cref="RowBytes"/> bytes of each row, come into shared memory by
/// asynchronous copies, <see cref="Stages"/> deep; each warp takes its fragments from there by <c>ldmatrix</c> and multiplies them by
/// <c>mma.sync</c> (PTX ISA, "Warp-level matrix instructions"). A row's 16-byte chunks change places by its number, chunk ^= row, so that
/// neither the copies nor <c>ldmatrix</c> meet in one bank. m16n8k16 of 16-bit numbers and m16n8k8 of 32-bit numbers place bytes alike: one
/// text serves both.</para>
/// <para>a is [batch, m up to whole tiles, k up to whole rows], b likewise with n; what lies beyond is zero. y is [batch, m, n], float32.</para>
/// </remarks>
/// <param name="Type">Type of a and b.</param>
/// <param name="TileM">Rows of a tile of y.</param>
/// <param name="TileN">Columns of a tile of y.</param>
/// <param name="RowBytes">Bytes of a row of a or b in one stage: 64 or 128.</param>
/// <param name="WarpM">Rows of the part that one warp makes; a multiple of 16.</param>
/// <param name="WarpN">Columns of that part; a multiple of 16.</param>
/// <param name="Stages">Tiles of a and b in shared memory.</param>
sealed record MmaKernel(MmaType Type, int TileM, int TileN, int RowBytes, int WarpM, int WarpN, int Stages)
{
    /// <summary>Name of the entry.</summary>
    public const string Entry = "mma";

    const int Chunk = 16, Warp = 32;

    /// <summary>The kernels that products run by, the one for large products first in each type.</summary>
    public static IReadOnlyList<MmaKernel> Used { get; } =
    [
        new(MmaType.BFloat16, 128, 256, 64, 64, 64, 4), new(MmaType.BFloat16, 128, 128, 64, 64, 32, 4),
        new(MmaType.TensorFloat32, 128, 256, 64, 64, 64, 4), new(MmaType.TensorFloat32, 128, 128, 64, 64, 32, 4),
    ];

    /// <summary>Bytes of a number of a or b.</summary>
    public int ElementBytes => Type == MmaType.TensorFloat32 ? 4 : 2;

    /// <summary>Numbers of a row of a or b in one stage.</summary>
    public int TileK => RowBytes / ElementBytes;

    /// <summary>Threads of a block.</summary>
    public int Threads => TileM / WarpM * WarpsAcross * Warp;

    /// <summary>Dynamic shared memory of a block in bytes.</summary>
    public int SharedBytes => StageBytes * Stages;

    int WarpsAcross => TileN / WarpN;

    int StageBytes => (TileM + TileN) * RowBytes;

    int ChunksOfRow => RowBytes / Chunk;

    // Rows that the threads of a block copy at once.
    int RowsAtOnce => Threads / ChunksOfRow;

    // Fragments of a warp: 16 rows of a, 8 columns of b.
    int FragmentsM => WarpM / 16;

    int FragmentsN => WarpN / 8;

    // Steps of mma in a stage: each takes two chunks of a row.
    int Steps => ChunksOfRow / 2;

    string Instruction => Type switch
    {
        MmaType.BFloat16 => "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32",
        MmaType.Half => "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32",
        _ => "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32",
    };

    /// <summary>The kernel's text.</summary>
    /// <param name="target">Architecture, <c>sm_80</c> or later.</param>
    /// <exception cref="InvalidOperationException">The sizes do not divide each other.</exception>
    public string Ptx(string target)
    {
        if (RowBytes is not (64 or 128) || WarpM % 16 != 0 || WarpN % 16 != 0 || TileM % WarpM != 0 || TileN % WarpN != 0
            || TileM % RowsAtOnce != 0 || TileN % RowsAtOnce != 0 || RowsAtOnce % 8 != 0 || Stages < 2)
            throw new InvalidOperationException($"{this}: the sizes do not divide each other");
        var text = new PtxText();
        text.Raw($$"""
            .version 7.8
            .target {{target}}
            .address_size 64
            .extern .shared .align 128 .b8 tiles[];
            .visible .entry {{Entry}}(.param .u64 aStart, .param .u64 bStart, .param .u64 yStart, .param .u32 rowsOfY, .param .u32 columnsOfY,
                .param .u32 bytesOfRow, .param .u64 aBatch, .param .u64 bBatch, .param .u64 yBatch) .maxntid {{Threads}}, 1, 1 .minnctapersm 1
            {
            """);
        Registers(text);
        Places(text);
        CopyAddresses(text);
        FragmentAddresses(text);
        Prologue(text);
        Loop(text);
        Store(text);
        text.Line("ret;");
        text.Raw("}");
        return text.ToString();
    }

    void Registers(PtxText text)
    {
        text.Line($".reg .f32 c<{FragmentsM * FragmentsN * 4}>;");
        // Two sets of fragments: the next step's are read while this one's are multiplied.
        text.Line($".reg .b32 a<{2 * FragmentsM * 4}>;");
        text.Line($".reg .b32 b<{2 * FragmentsN * 2}>;");
        text.Line(".reg .u32 m, n, rowBytes, thread, lane, warp, warpRow, warpColumn, tileRow, tileColumn, batch, shared;");
        text.Line(".reg .u32 copyChunk, copyRow, copyTo, row, column, swap, at, from, to, writeAt, readAt, tile, tileCount, ahead;");
        text.Line(".reg .u32 aRow, aSwap, aChunk, aBase, bRow, bSwap, bChunk, bBase;");
        text.Line(".reg .u64 aAt, bAt, yAt, batch64, stride, aCopy, bCopy, aNext, bNext, rowsStep, wide, yRow;");
        text.Line(".reg .pred go, wrap, upper, inside;");
    }

    void Places(PtxText text)
    {
        text.Line("ld.param.u64 aAt, [aStart];", "ld.param.u64 bAt, [bStart];", "ld.param.u64 yAt, [yStart];");
        text.Line("ld.param.u32 m, [rowsOfY];", "ld.param.u32 n, [columnsOfY];", "ld.param.u32 rowBytes, [bytesOfRow];");
        text.Line("cvta.to.global.u64 aAt, aAt;", "cvta.to.global.u64 bAt, bAt;", "cvta.to.global.u64 yAt, yAt;");
        text.Line("mov.u32 tileColumn, %ctaid.x;", "mov.u32 tileRow, %ctaid.y;", "mov.u32 batch, %ctaid.z;", "cvt.u64.u32 batch64, batch;");
        foreach (var operand in new[] { "a", "b", "y" })
            text.Line($"ld.param.u64 stride, [{operand}Batch];", $"mad.lo.u64 {operand}At, batch64, stride, {operand}At;");
        text.Line("mov.u32 thread, %tid.x;", $"and.b32 lane, thread, {Warp - 1};", $"shr.u32 warp, thread, {int.Log2(Warp)};");
        text.Line($"rem.u32 warpColumn, warp, {WarpsAcross};", $"div.u32 warpRow, warp, {WarpsAcross};", "mov.u32 shared, tiles;");
        for (var i = 0; i < FragmentsM * FragmentsN * 4; i++)
            text.Line($"mov.f32 c{i}, 0f00000000;");
    }

    // Shared places of rows: row * RowBytes + (chunk ^ f(row)) * 16. Eight rows of ldmatrix, 128 bytes of banks: rows of 64 bytes lie in pairs.
    int SwapShift => RowBytes == 64 ? 1 : 0;

    void Swap(PtxText text, string swap, string row)
        => text.Line($"shr.u32 {swap}, {row}, {SwapShift};", $"and.b32 {swap}, {swap}, {ChunksOfRow - 1};");

    // A thread copies one chunk of rows copyRow, copyRow + RowsAtOnce, ...
    void CopyAddresses(PtxText text)
    {
        text.Line($"and.b32 copyChunk, thread, {ChunksOfRow - 1};", $"shr.u32 copyRow, thread, {int.Log2(ChunksOfRow)};", "mul.wide.u32 wide, copyChunk, 16;");
        text.Line($"mad.lo.u32 row, tileRow, {TileM}, copyRow;", "mul.wide.u32 aCopy, row, rowBytes;", "add.u64 aCopy, aCopy, aAt;", "add.u64 aCopy, aCopy, wide;");
        text.Line($"mad.lo.u32 row, tileColumn, {TileN}, copyRow;", "mul.wide.u32 bCopy, row, rowBytes;", "add.u64 bCopy, bCopy, bAt;", "add.u64 bCopy, bCopy, wide;");
        text.Line($"mul.wide.u32 rowsStep, rowBytes, {RowsAtOnce};");
        // RowsAtOnce is a multiple of the swap's period: all rows of a thread have its swap.
        Swap(text, "swap", "copyRow");
        text.Line("xor.b32 swap, swap, copyChunk;", "shl.b32 swap, swap, 4;", $"mad.lo.u32 copyTo, copyRow, {RowBytes}, swap;", "add.u32 copyTo, copyTo, shared;");
    }

    // ldmatrix.x4 takes the row addresses of its matrix i from lanes 8 i to 8 i + 7. For a the matrices are rows 0-7 and 8-15 of chunk 0, then
    // of chunk 1; for b, where two fragments of 8 columns are read at once, chunks 0 and 1 of columns 0-7, then of columns 8-15.
    void FragmentAddresses(PtxText text)
    {
        text.Line("and.b32 aRow, lane, 15;", "shr.u32 aChunk, lane, 4;", $"mad.lo.u32 aRow, warpRow, {WarpM}, aRow;");
        Swap(text, "aSwap", "aRow");
        text.Line($"mad.lo.u32 aBase, aRow, {RowBytes}, shared;");
        text.Line("and.b32 bRow, lane, 7;", "and.b32 at, lane, 16;", "shr.u32 at, at, 1;", "add.u32 bRow, bRow, at;", "shr.u32 bChunk, lane, 3;", "and.b32 bChunk, bChunk, 1;");
        text.Line($"mad.lo.u32 bRow, warpColumn, {WarpN}, bRow;");
        Swap(text, "bSwap", "bRow");
        text.Line($"mad.lo.u32 bBase, bRow, {RowBytes}, shared;", $"add.u32 bBase, bBase, {TileM * RowBytes};");
    }

    // Copies the next tiles of a and b to the stage at writeAt.
    void Issue(PtxText text)
    {
        text.Line("add.u32 to, copyTo, writeAt;", "mov.u64 aNext, aCopy;", "mov.u64 bNext, bCopy;");
        Rows("aNext", TileM, 0);
        Rows("bNext", TileN, TileM * RowBytes);
        text.Line($"add.u64 aCopy, aCopy, {RowBytes};", $"add.u64 bCopy, bCopy, {RowBytes};");

        void Rows(string next, int rows, int offset)
        {
            for (var row = 0; row < rows; row += RowsAtOnce)
            {
                text.Line($"cp.async.cg.shared.global [to+{offset + row * RowBytes}], [{next}], 16;");
                if (row + RowsAtOnce < rows)
                    text.Line($"add.u64 {next}, {next}, rowsStep;");
            }
        }
    }

    void Prologue(PtxText text)
    {
        text.Line($"div.u32 tileCount, rowBytes, {RowBytes};", "mov.u32 writeAt, 0;");
        for (var stage = 0; stage < Stages - 1; stage++)
        {
            text.Line($"setp.gt.u32 go, tileCount, {stage};", $"@!go bra FILLED{stage};");
            Issue(text);
            text.Label($"FILLED{stage}");
            text.Line("cp.async.commit_group;", $"add.u32 writeAt, writeAt, {StageBytes};");
        }
    }

    void Loop(PtxText text)
    {
        text.Line("mov.u32 tile, 0;", "mov.u32 readAt, 0;");
        text.Label("LOOP");
        // All copies but those of the last Stages - 2 groups are there, for every thread; and no thread still reads the stage that is written next.
        text.Line($"cp.async.wait_group {Stages - 2};", "bar.sync 0;");
        text.Line($"add.u32 ahead, tile, {Stages - 1};", "setp.lt.u32 go, ahead, tileCount;", "@!go bra ISSUED;");
        Issue(text);
        text.Label("ISSUED");
        text.Line("cp.async.commit_group;");
        Fragments(text, 0);
        for (var step = 0; step < Steps; step++)
        {
            if (step + 1 < Steps)
                Fragments(text, step + 1);
            Multiply(text, step & 1);
        }
        Advance(text, "readAt");
        Advance(text, "writeAt");
        text.Line("add.u32 tile, tile, 1;", "setp.lt.u32 go, tile, tileCount;", "@go bra LOOP;");
    }

    void Advance(PtxText text, string offset)
        => text.Line($"add.u32 {offset}, {offset}, {StageBytes};", $"setp.eq.u32 wrap, {offset}, {SharedBytes};", $"selp.u32 {offset}, 0, {offset}, wrap;");

    void Fragments(PtxText text, int step)
    {
        var set = step & 1;
        Address("aChunk", "aSwap", "aBase");
        for (var i = 0; i < FragmentsM; i++)
            text.Line($"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {Registers("a", (set * FragmentsM + i) * 4, 4)}, [from+{i * 16 * RowBytes}];");
        Address("bChunk", "bSwap", "bBase");
        for (var j = 0; j < FragmentsN; j += 2)
            text.Line($"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {Registers("b", (set * FragmentsN + j) * 2, 4)}, [from+{j * 8 * RowBytes}];");

        void Address(string chunk, string swap, string start)
            => text.Line($"add.u32 from, {chunk}, {step * 2};", $"xor.b32 from, from, {swap};", "shl.b32 from, from, 4;", $"add.u32 from, from, {start};", "add.u32 from, from, readAt;");
    }

    void Multiply(PtxText text, int set)
    {
        for (var i = 0; i < FragmentsM; i++)
        {
            for (var k = 0; k < FragmentsN; k++)
            {
                // Back and forth, so that neighbouring instructions share a fragment.
                var j = i % 2 == 0 ? k : FragmentsN - 1 - k;
                var sums = Registers("c", (i * FragmentsN + j) * 4, 4);
                text.Line($"{Instruction} {sums}, {Registers("a", (set * FragmentsM + i) * 4, 4)}, {Registers("b", (set * FragmentsN + j) * 2, 2)}, {sums};");
            }
        }
    }

    // A lane holds elements (g, 2 q), (g, 2 q + 1), (g + 8, 2 q), (g + 8, 2 q + 1) of each 16 x 8 fragment, g = lane / 4, q = lane % 4.
    void Store(PtxText text)
    {
        text.Line("shr.u32 row, lane, 2;", $"mad.lo.u32 row, warpRow, {WarpM}, row;", $"mad.lo.u32 row, tileRow, {TileM}, row;");
        text.Line("and.b32 column, lane, 3;", "shl.b32 column, column, 1;", $"mad.lo.u32 column, warpColumn, {WarpN}, column;", $"mad.lo.u32 column, tileColumn, {TileN}, column;");
        for (var i = 0; i < FragmentsM; i++)
        {
            for (var half = 0; half < 2; half++)
            {
                text.Line($"add.u32 at, row, {i * 16 + half * 8};", "setp.lt.u32 upper, at, m;", "mul.wide.u32 yRow, at, n;", "cvt.u64.u32 wide, column;", "add.u64 yRow, yRow, wide;",
                    "shl.b64 yRow, yRow, 2;", "add.u64 yRow, yRow, yAt;");
                for (var j = 0; j < FragmentsN; j++)
                {
                    for (var e = 0; e < 2; e++)
                    {
                        text.Line($"add.u32 at, column, {j * 8 + e};", "setp.lt.and.u32 inside, at, n, upper;",
                            $"@inside st.global.f32 [yRow+{(j * 8 + e) * 4}], c{(i * FragmentsN + j) * 4 + half * 2 + e};");
                    }
                }
            }
        }
    }

    static string Registers(string name, int first, int count)
        => $"{{{string.Join(", ", Enumerable.Range(first, count).Select(i => string.Create(CultureInfo.InvariantCulture, $"{name}{i}")))}}}";

    // Lines of a kernel.
    sealed class PtxText
    {
        readonly StringBuilder text = new();

        public void Raw(string lines) => text.Append(lines).Append('\n');

        public void Label(string name) => text.Append(name).Append(":\n");

        public void Line(params ReadOnlySpan<string> instructions)
        {
            foreach (var instruction in instructions)
                text.Append('\t').Append(instruction).Append('\n');
        }

        public override string ToString() => text.ToString();
    }
}
