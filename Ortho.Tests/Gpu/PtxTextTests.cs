using System.Text.RegularExpressions;
using NUnit.Framework;
using Ortho.Kernels.Gpu;
using Ortho.Tests.Support;

namespace Ortho.Tests.Gpu;

/// <summary>What is edited of a kernel's PTX, and what is not.</summary>
[TestFixture, Category("Lowering")]
public class PtxTextTests
{
    const string Text = """
        .version 8.4
        .target sm_80
        .visible .func (.param .f32 retval_1439) Twice_1439(
        	.param .f32 _a_1440
        )
        .visible .entry Kernel_Each_2(
        	.param .b32 _index_347,
        	.param .align 8 .b8 _x_348[16]
        )
        {
        	.shared .align 4 .b8 __shared_alloca0[256];
        	ld.param.b32	%r2, [_index_347];
        	ld.param.b64	%rd1, [_x_348+8];
        	@%p1 ld.f32	%f1, [%rd6];
        	ld.v4.f32	{%f1, %f2, %f3, %f4}, [%rd6];
        	ld.volatile.f32	%f1, [%rd6];
        	ld.shared.v2.f32	{%f1, %f2}, [%rd7];
        	ld.volatile.shared.f32	%f1, [%rd7];
        	atom.add.f32	%f1, [%rd6], %f2;
        	atom.shared.add.u32	%r1, [%rd7], %r2;
        	red.add.f32	[%rd6], %f2;
        	st.param.f32	[retval_1439], %f1;
        	bra	L_3470;
        	L_3470:
        	@!%p1 st.v2.f32	[%rd6], {%f1, %f2};
        	bra.uni	L_34711;
        	L_34711:
        	ret;
        }
        """;

    const string Edited = """
        .version 8.4
        .target sm_80
        .visible .func (.param .f32 retval_0) Twice_1(
        	.param .f32 _a_2
        )
        .visible .entry Kernel_Each_2(
        	.param .b32 _index_3,
        	.param .align 8 .b8 _x_4[16]
        )
        {
        	.shared .align 4 .b8 __shared_alloca0[256];
        	ld.param.b32	%r2, [_index_3];
        	ld.param.b64	%rd1, [_x_4+8];
        	@%p1 ld.global.f32	%f1, [%rd6];
        	ld.global.v4.f32	{%f1, %f2, %f3, %f4}, [%rd6];
        	ld.volatile.global.f32	%f1, [%rd6];
        	ld.shared.v2.f32	{%f1, %f2}, [%rd7];
        	ld.volatile.shared.f32	%f1, [%rd7];
        	atom.global.add.f32	%f1, [%rd6], %f2;
        	atom.shared.add.u32	%r1, [%rd7], %r2;
        	red.global.add.f32	[%rd6], %f2;
        	st.param.f32	[retval_0], %f1;
        	bra	L_5;
        	L_5:
        	@!%p1 st.global.v2.f32	[%rd6], {%f1, %f2};
        	bra.uni	L_6;
        	L_6:
        	ret;
        }
        """;

    [Test]
    public void Accesses_become_global_and_numbers_count_from_0() => Assert.That(PtxText.Edit(Text), Is.EqualTo(Edited));

    [Test]
    public void An_edited_text_stays_as_it_is() => Assert.That(PtxText.Edit(Edited), Is.EqualTo(Edited));

    [TestCase("cvta.shared.u64"), TestCase("cvta.local.u64")]
    public void Generic_addresses_of_other_memory_keep_every_access_generic(string instruction)
    {
        var edited = PtxText.Edit(Text.Replace("\tret;", $"\t{instruction}\t%rd8, %rd7;\n\tret;"));
        Assert.That(edited, Does.Contain("ld.v4.f32").And.Contain("atom.add.f32").And.Contain("L_6:").And.Not.Contain(".global"));
    }

    [Test]
    public void A_kernel_has_the_same_text_whatever_was_compiled_before()
    {
        var (sample, other) = (LoweredKernel.Sample, new Action<ILGPU.Index1D, ILGPU.ArrayView<double>>(Other).Method);
        using PtxLowering first = new(new(9, 0)), second = new(new(9, 0));
        var text = first.Lower(sample.Method, sample.IsGrouped);
        _ = second.Lower(other, isGrouped: false);
        Assert.That(second.Lower(sample.Method, sample.IsGrouped), Is.EqualTo(text));
        Assert.That(text, Does.Contain("ld.global.f32").And.Contain("st.global.f32"));
        Assert.That(Regex.IsMatch(text, @"\b(ld|st)\.[bfsuv]\d"), Is.False, "generic accesses");
    }

    static void Other(ILGPU.Index1D i, ILGPU.ArrayView<double> x) => x[i] += 1;
}
