using Ortho.Kernels.Gpu.TensorCores;

namespace Ortho.Bench.Gpu;

/// <summary>A kernel that does nothing but products of bfloat16 on tensor cores: how fast they go. On Hopper that is <c>wgmma</c> from
/// shared memory, elsewhere <c>mma.sync</c> in independent chains.</summary>
static class TensorCorePeak
{
    /// <summary>Threads of a block.</summary>
    public const int Threads = 256;

    /// <summary>Name of the entry; its parameters are the address of a float for each thread, and the rounds.</summary>
    public const string Entry = "tensor_core_peak";

    // Two numbers 1.
    const string Ones = "0x3f803f80";

    const int Chains = 8, Warps = Threads / 32, WarpsOfGroup = 4, Columns = 256, Steps = 4, StepBytes = 32, TileBytes = (64 + Columns) * Steps * StepBytes;

    /// <summary>Operations of a block in a round: m16n8k16 is 16 x 8 sums of 16 products, m64n256k16 is 64 x 256 of them.</summary>
    public static double FlopsOfRound(string architecture)
        => IsHopper(architecture) ? 2.0 * 64 * Columns * 16 * Steps * (Warps / WarpsOfGroup) : 2.0 * 16 * 8 * 16 * Chains * Warps;

    /// <summary>What the assembler calls it.</summary>
    public static string Target(string architecture) => IsHopper(architecture) ? "sm_90a" : architecture;

    static bool IsHopper(string architecture) => architecture == "sm_90";

    /// <summary>The text for an architecture from sm_80 on.</summary>
    public static string Ptx(string architecture)
    {
        var (isHopper, sums) = (IsHopper(architecture), IsHopper(architecture) ? Columns / 2 : 4 * Chains);
        var text = new PtxWriter();
        text.Raw($$"""
            .version {{(isHopper ? "8.0" : "7.8")}}
            .target {{Target(architecture)}}
            .address_size 64
            .visible .entry {{Entry}}(.param .u64 y, .param .u32 rounds) .maxntid {{Threads}}, 1, 1
            {
            """);
        text.Line(".reg .b32 a, left, thread, block, at;", ".reg .b64 address, aPlace, bPlace, aStep, bStep;", $".reg .f32 c<{sums}>, sum;",
            ".reg .pred go;");
        text.Line("ld.param.u32 left, [rounds];", "ld.param.u64 address, [y];", "mov.u32 thread, %tid.x;", $"mov.b32 a, {Ones};");
        for (var i = 0; i < sums; i++)
            text.Line($"mov.f32 c{i}, 0f00000000;");
        if (isHopper)
            Tiles(text);
        text.Label("again");
        if (isHopper)
            WarpgroupProducts(text);
        else
            WarpProducts(text);
        text.Line("sub.u32 left, left, 1;", "setp.ne.u32 go, left, 0;", "@go bra again;");
        if (isHopper)
            text.Line("wgmma.wait_group.sync.aligned 0;");
        text.Line("mov.f32 sum, 0f00000000;");
        // All of them are wanted: none is left out.
        for (var i = 0; i < sums; i++)
            text.Line($"add.f32 sum, sum, c{i};");
        text.Line("mov.u32 block, %ctaid.x;", $"mad.lo.u32 thread, block, {Threads}, thread;", "mad.wide.u32 address, thread, 4, address;",
            "st.global.f32 [address], sum;", "ret;");
        text.Raw("}");
        return text.ToString();
    }

    static void WarpProducts(PtxWriter text)
    {
        for (var chain = 0; chain < Chains; chain++)
        {
            var sums = PtxWriter.Registers("c", 4 * chain, 4);
            text.Line($"mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {sums}, {{a, a, a, a}}, {{a, a}}, {sums};");
        }
    }

    // Operands of ones in shared memory: 64 rows of a, which both warpgroups read, and b.
    static void Tiles(PtxWriter text)
    {
        text.Line($".shared .align 1024 .b8 tiles[{TileBytes}];", "mov.u32 at, tiles;", "shr.u32 at, at, 4;", "cvt.u64.u32 aPlace, at;",
            $"add.u64 aPlace, aPlace, {WgmmaKernel.Descriptor};",
            $"add.u64 bPlace, aPlace, {64 * Steps * StepBytes / 16};", "mov.u32 at, tiles;", "mad.lo.u32 at, thread, 16, at;");
        for (var offset = 0; offset < TileBytes; offset += Threads * 16)
            text.Line($"st.shared.v4.b32 [at+{offset}], {{a, a, a, a}};");
        text.Line("fence.proxy.async.shared::cta;", "bar.sync 0;");
    }

    static void WarpgroupProducts(PtxWriter text)
    {
        text.Line("wgmma.fence.sync.aligned;");
        for (var step = 0; step < Steps; step++)
        {
            text.Line($"add.u64 aStep, aPlace, {step * StepBytes / 16};", $"add.u64 bStep, bPlace, {step * StepBytes / 16};",
                $"wgmma.mma_async.sync.aligned.m64n{Columns}k16.f32.bf16.bf16 {PtxWriter.Registers("c", 0, Columns / 2)}, aStep, bStep, 1, 1, 1, 0, 0;");
        }
        text.Line("wgmma.commit_group.sync.aligned;", "wgmma.wait_group.sync.aligned 1;");
    }
}
