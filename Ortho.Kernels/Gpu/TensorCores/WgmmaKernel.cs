using System.Globalization;

namespace Ortho.Kernels.Gpu.TensorCores;

/// <summary>A product on Hopper's tensor cores by <c>wgmma.mma_async</c>: <c>sm_90a</c>, which no later architecture runs.</summary>
/// <remarks>
/// <para>Four warps, a warpgroup, multiply 64 rows of a by a whole tile of b, both from shared memory, which they name by descriptors (PTX
/// ISA, "Asynchronous warpgroup-level matrix instructions"): rows of 128 bytes that lie as the copies put them, which is the 128-byte
/// swizzle.</para>
/// <para>The tensor cores work beside the threads. So a thread first makes what has come for it visible to them (the proxy fence) and all
/// meet; then a tile's products are handed over and only those of the tile before waited for. That tile's stage may be written once more
/// when all have met again: copies go two stages back, and <see cref="Ahead"/> is two less than the stages.</para>
/// </remarks>
/// <param name="Type">See <see cref="TensorCoreKernel"/>, as for all others.</param>
/// <param name="TileM">Rows of a tile, a multiple of 64.</param>
/// <param name="TileN">Columns of a tile, at most 256.</param>
/// <param name="Stages">Tiles in shared memory.</param>
sealed record WgmmaKernel(MmaType Type, int TileM, int TileN, int Stages)
    : TensorCoreKernel(Type, TileM, TileN, SwizzledBytes, 16, TileN, Stages)
{
    const int SwizzledBytes = 128, GroupRows = 64, WarpsOfGroup = 4, StepBytes = 2 * Chunk;

    /// <summary>A matrix of rows of 128 bytes, without its place in bits 0-13. Bits 16-29: 1, which is not used; bits 32-45: from eight
    /// rows to the next, 1,024 bytes in chunks; bits 62-63: 1, the 128-byte swizzle.</summary>
    public const ulong Descriptor = 1UL << 16 | (8 * SwizzledBytes / Chunk) * 1UL << 32 | 1UL << 62;

    /// <summary>The kernels that products run by, the one for large products first in each type.</summary>
    public static IReadOnlyList<WgmmaKernel> Used { get; } =
    [
        new(MmaType.BFloat16, 128, 256, 4), new(MmaType.BFloat16, 64, 128, 4),
        new(MmaType.TensorFloat32, 128, 256, 4), new(MmaType.TensorFloat32, 64, 128, 4),
    ];

    /// <inheritdoc/>
    protected override string Isa => "8.0";

    /// <inheritdoc/>
    protected override int Ahead => Stages - 2;

    /// <inheritdoc/>
    public override string Target(string architecture) => architecture == "sm_90" ? "sm_90a" : throw new InvalidOperationException($"{this}: for sm_90, not {architecture}");

    string Instruction
    {
        get
        {
            var type = Type switch
            {
                MmaType.BFloat16 => "bf16",
                MmaType.Half => "f16",
                _ => "tf32",
            };
            return string.Create(CultureInfo.InvariantCulture, $"wgmma.mma_async.sync.aligned.m64n{TileN}k{StepBytes / ElementBytes}.f32.{type}.{type}");
        }
    }

    // Both operands as they are: not negated, and, of 16-bit numbers, which could be, not transposed.
    string Signs => Type == MmaType.TensorFloat32 ? "1, 1" : "1, 1, 0, 0";

    /// <inheritdoc/>
    protected override void Registers(PtxWriter text)
        => text.Line(".reg .u32 group, aTile, bTile;", ".reg .u64 aPlace, bPlace, aStep, bStep;", ".reg .pred sums;");

    /// <inheritdoc/>
    protected override void Begin(PtxWriter text)
        => text.Line($"shr.u32 group, warp, {int.Log2(WarpsOfGroup)};", $"mad.lo.u32 aTile, group, {GroupRows * RowBytes}, shared;",
            $"add.u32 bTile, shared, {TileM * RowBytes};",
            // Sums are added to what the registers hold.
            "setp.eq.u32 sums, 0, 0;");

    /// <inheritdoc/>
    protected override void Loop(PtxWriter text)
    {
        text.Label("LOOP");
        text.Line($"cp.async.wait_group {Ahead - 1};", "fence.proxy.async.shared::cta;", "bar.sync 0;");
        Place("aPlace", "aTile");
        Place("bPlace", "bTile");
        text.Line("wgmma.fence.sync.aligned;");
        for (var step = 0; step < Steps; step++)
        {
            var offset = step * StepBytes / Chunk;
            text.Line($"add.u64 aStep, aPlace, {offset};", $"add.u64 bStep, bPlace, {offset};",
                $"{Instruction} {PtxWriter.Registers("c", 0, FragmentsN * 4)}, aStep, bStep, sums, {Signs};");
        }
        text.Line("wgmma.commit_group.sync.aligned;");
        CopyAhead(text);
        text.Line("wgmma.wait_group.sync.aligned 1;");
        NextTile(text);
        text.Line("wgmma.wait_group.sync.aligned 0;");

        // Bits 0-13: the address in chunks, below 256 KB.
        void Place(string place, string tile)
            => text.Line($"add.u32 at, {tile}, readAt;", "shr.u32 at, at, 4;", $"cvt.u64.u32 {place}, at;",
                $"add.u64 {place}, {place}, {Descriptor};");
    }
}
