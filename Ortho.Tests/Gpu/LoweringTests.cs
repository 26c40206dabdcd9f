using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using NUnit.Framework;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Tests.Support;

namespace Ortho.Tests.Gpu;

/// <summary>Every kernel as the CUDA driver would get it: lowered to PTX, and assembled where there is an assembler.</summary>
[TestFixture, Category("Lowering")]
public class LoweringTests
{
    // The limit for static allocations of every architecture; ptxas itself accepts more, the driver does not.
    const int StaticSharedLimit = 49_152;

    static readonly Dictionary<string, PtxLowering> lowerings = new[] { new CudaArchitecture(8, 0), new CudaArchitecture(9, 0) }
        .Select(architecture => new PtxLowering(architecture))
        .ToDictionary(lowering => lowering.Target);

    static IEnumerable<string> Targets => lowerings.Keys;

    static IEnumerable<LoweredKernel> Kernels => LoweredKernel.All;

    [OneTimeTearDown]
    public void Free()
    {
        foreach (var lowering in lowerings.Values)
            lowering.Dispose();
    }

    static string Lower(LoweredKernel kernel, string target) => lowerings[target].Lower(kernel.Method, kernel.IsGrouped);

    [TestCaseSource(nameof(Kernels))]
    public void Ptx_calls_no_missing_function_and_approximates_nothing(LoweredKernel kernel)
    {
        var ptx = Lower(kernel, "sm_90");
        Assert.Multiple(() =>
        {
            // A function that ILGPU could not resolve: the driver would refuse to load the module.
            Assert.That(ptx, Does.Not.Contain(".extern .func"));
            // Hardware approximations (ex2, sin, rcp ...) differ from every other device.
            Assert.That(ptx, Does.Not.Contain(".approx"));
            // `x < y ? 1 : 0` converted to a floating type, in optimised builds: ILGPU keeps the bits of the integer 1, on every real
            // device. Only the simulator computes it rightly.
            Assert.That(ptx, Does.Not.Contain("0f00000001").And.Not.Contain("0d0000000000000001"), "a comparison turned into a number");
        });
    }

    [Test]
    public void Ptx_assembles_without_spills([ValueSource(nameof(Kernels))] LoweredKernel kernel, [ValueSource(nameof(Targets))] string target)
    {
        Ptxas.Require();
        var usage = Ptxas.Assemble(Lower(kernel, target), target);
        TestContext.Out.WriteLine($"{kernel} {target}: {usage}");
        Assert.Multiple(() =>
        {
            Assert.That(usage.SpillStores + usage.SpillLoads, Is.Zero, "bytes spilled");
            Assert.That(usage.Shared, Is.AtMost(StaticSharedLimit), "bytes of static shared memory");
        });
    }

    [Test]
    public void A_product_is_never_contracted_with_the_sum_that_follows()
    {
        var ptx = Lower(LoweredKernel.Sample, "sm_90");
        Assert.That(ptx, Does.Contain("mul.rn.f32").And.Contain("fma.rn.f32").And.Not.Contain("mul.f32"));
    }

    static void Unsupported(Index1D i, ArrayView<float> x) => x[i] = float.Parse("1", null);

    [Test]
    public void A_kernel_that_cannot_be_compiled_does_not_spoil_the_next()
    {
        using var lowering = new PtxLowering(new(9, 0));
        var unsupported = new Action<Index1D, ArrayView<float>>(Unsupported).Method;
        Assert.That(() => lowering.Lower(unsupported, isGrouped: false), Throws.TypeOf<NotSupportedException>().With.Message.Contains(nameof(Unsupported)));
        Assert.That(() => lowering.Lower(LoweredKernel.Sample.Method, isGrouped: false), Throws.Nothing);
    }

    [Test]
    public void An_assembler_report_is_read()
    {
        const string report = """
            ptxas info    : 0 bytes gmem
            ptxas info    : Compiling entry function 'k' for 'sm_90'
            ptxas info    : Function properties for k
                16 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads
            ptxas info    : Used 40 registers, 2048 bytes smem, 552 bytes cmem[0]
            """;
        Assert.That(Ptxas.Parse(report), Is.EqualTo(new Ptxas.Usage(Registers: 40, SpillStores: 8, SpillLoads: 12, Stack: 16, Shared: 2048)));
    }

    static void Cast<From, To>(Index1D i, ArrayView<From> x, ArrayView<To> y) where From : unmanaged where To : unmanaged => _ = y[i];

    static IEnumerable<LoweredKernel> Recorded =>
    [
        LoweredKernel.Sample,
        new(new Action<Index1D, ArrayView<float>, ArrayView<Cx<F64>>>(Cast).Method, IsGrouped: true),
    ];

    [TestCaseSource(nameof(Recorded))]
    public void A_recorded_kernel_is_found_again(LoweredKernel kernel)
        => Assert.That(LoweredKernel.Parse(kernel.Line), Is.EqualTo(kernel));
}
