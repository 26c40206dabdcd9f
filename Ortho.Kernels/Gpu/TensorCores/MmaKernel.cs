namespace Ortho.Kernels.Gpu.TensorCores;

/// <summary>A product on tensor cores by <c>mma.sync</c>, for <c>sm_80</c> and later.</summary>
/// <remarks>Each warp takes its fragments from shared memory by <c>ldmatrix</c> and multiplies them (PTX ISA, "Warp-level matrix
/// instructions"). m16n8k16 of 16-bit numbers and m16n8k8 of 32-bit numbers place bytes alike.</remarks>
/// <param name="Type">See <see cref="TensorCoreKernel"/>, as for all others.</param>
/// <param name="TileM">Rows of a tile.</param>
/// <param name="TileN">Columns of a tile.</param>
/// <param name="RowBytes">Bytes of a row in one stage.</param>
/// <param name="WarpM">Rows of a warp.</param>
/// <param name="WarpN">Columns of a warp.</param>
/// <param name="Stages">Tiles in shared memory.</param>
sealed record MmaKernel(MmaType Type, int TileM, int TileN, int RowBytes, int WarpM, int WarpN, int Stages)
    : TensorCoreKernel(Type, TileM, TileN, RowBytes, WarpM, WarpN, Stages)
{
    /// <summary>The kernels that products run by, the one for large products first in each type.</summary>
    public static IReadOnlyList<MmaKernel> Used { get; } =
    [
        new(MmaType.BFloat16, 128, 256, 64, 64, 64, 4), new(MmaType.BFloat16, 128, 128, 64, 64, 32, 4),
        new(MmaType.TensorFloat32, 128, 256, 64, 64, 64, 4), new(MmaType.TensorFloat32, 128, 128, 64, 64, 32, 4),
    ];

    /// <inheritdoc/>
    protected override string Isa => "7.8";

    /// <inheritdoc/>
    protected override int Ahead => Stages - 1;

    /// <inheritdoc/>
    public override string Target(string architecture) => architecture;

    string Instruction => Type switch
    {
        MmaType.BFloat16 => "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32",
        MmaType.Half => "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32",
        _ => "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32",
    };

    /// <inheritdoc/>
    protected override void Registers(PtxWriter text)
    {
        // Two sets of fragments: the next step's are read while this one's are multiplied.
        text.Line($".reg .b32 a<{2 * FragmentsM * 4}>;");
        text.Line($".reg .b32 b<{2 * FragmentsN * 2}>;");
        text.Line(".reg .u32 from, aRow, aSwap, aChunk, aBase, bRow, bSwap, bChunk, bBase;");
    }

    // ldmatrix.x4 takes the row addresses of its matrix i from lanes 8 i to 8 i + 7. For a the matrices are rows 0-7 and 8-15 of chunk 0,
    // then of chunk 1; for b, where two fragments of 8 columns are read at once, chunks 0 and 1 of columns 0-7, then of columns 8-15.
    /// <inheritdoc/>
    protected override void Begin(PtxWriter text)
    {
        text.Line("and.b32 aRow, lane, 15;", "shr.u32 aChunk, lane, 4;", $"mad.lo.u32 aRow, warpRow, {WarpM}, aRow;");
        Swap(text, "aSwap", "aRow");
        text.Line($"mad.lo.u32 aBase, aRow, {RowBytes}, shared;");
        text.Line("and.b32 bRow, lane, 7;", "and.b32 at, lane, 16;", "shr.u32 at, at, 1;", "add.u32 bRow, bRow, at;",
            "shr.u32 bChunk, lane, 3;", "and.b32 bChunk, bChunk, 1;");
        text.Line($"mad.lo.u32 bRow, warpColumn, {WarpN}, bRow;");
        Swap(text, "bSwap", "bRow");
        text.Line($"mad.lo.u32 bBase, bRow, {RowBytes}, shared;", $"add.u32 bBase, bBase, {TileM * RowBytes};");
    }

    /// <inheritdoc/>
    protected override void Loop(PtxWriter text)
    {
        text.Label("LOOP");
        // All copies but those of the last Stages - 2 groups are there, for every thread; and no thread still reads the stage that is
        // written next.
        text.Line($"cp.async.wait_group {Stages - 2};", "bar.sync 0;");
        CopyAhead(text);
        Fragments(text, 0);
        for (var step = 0; step < Steps; step++)
        {
            if (step + 1 < Steps)
                Fragments(text, step + 1);
            Multiply(text, step & 1);
        }
        NextTile(text);
    }

    void Fragments(PtxWriter text, int step)
    {
        var set = step & 1;
        Address("aChunk", "aSwap", "aBase");
        for (var i = 0; i < FragmentsM; i++)
            text.Line($"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {PtxWriter.Registers("a", (set * FragmentsM + i) * 4, 4)}, [from+{i * 16 * RowBytes}];");
        Address("bChunk", "bSwap", "bBase");
        for (var j = 0; j < FragmentsN; j += 2)
            text.Line($"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {PtxWriter.Registers("b", (set * FragmentsN + j) * 2, 4)}, [from+{j * 8 * RowBytes}];");

        void Address(string chunk, string swap, string start)
            => text.Line($"add.u32 from, {chunk}, {step * 2};", $"xor.b32 from, from, {swap};", "shl.b32 from, from, 4;",
                $"add.u32 from, from, {start};", "add.u32 from, from, readAt;");
    }

    void Multiply(PtxWriter text, int set)
    {
        for (var i = 0; i < FragmentsM; i++)
        {
            for (var k = 0; k < FragmentsN; k++)
            {
                // Back and forth, so that neighbouring instructions share a fragment.
                var j = i % 2 == 0 ? k : FragmentsN - 1 - k;
                var sums = PtxWriter.Registers("c", (i * FragmentsN + j) * 4, 4);
                text.Line($"{Instruction} {sums}, {PtxWriter.Registers("a", (set * FragmentsM + i) * 4, 4)}, {PtxWriter.Registers("b", (set * FragmentsN + j) * 2, 2)}, {sums};");
            }
        }
    }
}
