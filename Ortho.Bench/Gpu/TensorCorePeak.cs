using System.Globalization;
using System.Text;

namespace Ortho.Bench.Gpu;

/// <summary>A kernel that does nothing but <c>mma.sync</c> of bfloat16 in independent chains: how fast the tensor cores go.</summary>
static class TensorCorePeak
{
    const int Chains = 8;

    /// <summary>Name of the entry; its parameters are the address of a float for each thread, and the rounds.</summary>
    public const string Entry = "tensor_core_peak";

    /// <summary>Operations of a warp in a round: m16n8k16 is 16 x 8 sums of 16 products.</summary>
    public const double FlopsOfRound = 2.0 * 16 * 8 * 16 * Chains;

    /// <summary>The text for an architecture from sm_80 on.</summary>
    public static string Ptx(string target)
    {
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $$"""
            .version 7.8
            .target {{target}}
            .address_size 64
            .visible .entry {{Entry}}(.param .u64 y, .param .u32 rounds)
            {
            .reg .b32 a, b, rounds_left, thread, block, count;
            .reg .b64 address;
            .reg .f32 c<{{4 * Chains}}>, sum;
            .reg .pred go;
            ld.param.u32 rounds_left, [rounds];
            ld.param.u64 address, [y];
            mov.b32 a, 0x3f803f80;
            mov.b32 b, 0x3f803f80;

            """));
        for (var i = 0; i < 4 * Chains; i++) _ = text.Append(CultureInfo.InvariantCulture, $"mov.f32 c{i}, 0f00000000;\n");
        _ = text.Append("again:\n");
        for (var chain = 0; chain < Chains; chain++)
        {
            var c = $"{{c{4 * chain}, c{4 * chain + 1}, c{4 * chain + 2}, c{4 * chain + 3}}}";
            _ = text.Append(CultureInfo.InvariantCulture, $"mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {c}, {{a, a, a, a}}, {{b, b}}, {c};\n");
        }
        _ = text.Append("sub.u32 rounds_left, rounds_left, 1;\nsetp.ne.u32 go, rounds_left, 0;\n@go bra again;\nmov.f32 sum, 0f00000000;\n");
        // All of them are wanted: none is left out.
        for (var i = 0; i < 4 * Chains; i++) _ = text.Append(CultureInfo.InvariantCulture, $"add.f32 sum, sum, c{i};\n");
        return text.Append("""
            mov.u32 thread, %tid.x;
            mov.u32 block, %ctaid.x;
            mov.u32 count, %ntid.x;
            mad.lo.u32 thread, block, count, thread;
            mad.wide.u32 address, thread, 4, address;
            st.global.f32 [address], sum;
            ret;
            }

            """).ToString();
    }
}
