using NUnit.Framework;
using Ortho.Kernels.Gpu.TensorCores;
using Ortho.Tests.Support;

namespace Ortho.Tests.Gpu;

/// <summary>Generated tensor-core kernels, assembled for the architectures that they are for.</summary>
[TestFixture, Category("Lowering")]
public class TensorCoreBudgetTests
{
    static IEnumerable<TestCaseData> Cases
        => from kernel in TensorCoreKernelTests.Names
           from architecture in TensorCoreKernelTests.Find(kernel) is WgmmaKernel ? new[] { "sm_90" } : ["sm_80", "sm_90"]
           select new TestCaseData(kernel, architecture);

    [TestCaseSource(nameof(Cases))]
    public void Kernels_stay_within_their_budget(string name, string architecture)
    {
        var kernel = TensorCoreKernelTests.Find(name);
        Ptxas.Require();
        var (usage, code) = Ptxas.Inspect(kernel.Ptx(architecture), kernel.Target(architecture), readsCode: true);
        var loop = code is null ? null : Ptxas.LongestLoop(code);
        TestContext.Progress.WriteLine($"budget: {name}, {kernel.SharedBytes} bytes of dynamic shared memory: {kernel.Target(architecture)} {usage.Registers}{loop}");
        Assert.That((usage.SpillLoads, usage.SpillStores, usage.Stack), Is.EqualTo((0, 0, 0)));
        // All threads of a block must find registers: 65,536 of a multiprocessor, at most 255 each.
        Assert.That(usage.Registers * kernel.Threads, Is.AtMost(65_536));
        Assert.That(kernel.SharedBytes, Is.AtMost((kernel is WgmmaKernel ? 227 : 163) << 10), "shared memory of a block");
        Assert.That(usage.Warnings, Is.Empty);
        if (budgets.TryGetValue(kernel with { Type = MmaType.BFloat16 }, out var budget))
        {
            Assert.That(usage.Registers, Is.AtMost(budget.Registers), "registers");
            Assert.That(loop?.Instructions ?? 0, Is.AtMost(budget.Instructions), "instructions of the loop");
            Assert.That(loop?.Products ?? budget.Products, Is.EqualTo(budget.Products), "products in the loop");
        }
    }

    // Of those that are used, of 16-bit and of 32-bit numbers alike: registers, instructions of the loop, products among them.
    static readonly Dictionary<TensorCoreKernel, (int Registers, int Instructions, int Products)> budgets = new()
    {
        [new MmaKernel(MmaType.BFloat16, 128, 256, 64, 64, 64, 4)] = (208, 116, 64),
        [new MmaKernel(MmaType.BFloat16, 128, 128, 64, 64, 32, 4)] = (136, 76, 32),
        [new WgmmaKernel(MmaType.BFloat16, 128, 256, 4)] = (168, 100, 4),
        [new WgmmaKernel(MmaType.BFloat16, 64, 128, 4)] = (120, 104, 4),
    };

    [Test]
    public void Every_kernel_that_is_used_has_a_budget()
        => Assert.That(MmaKernel.Used.Concat<TensorCoreKernel>(WgmmaKernel.Used).Select(kernel => kernel with { Type = MmaType.BFloat16 }).Distinct(), Is.SubsetOf(budgets.Keys));

    [Test]
    public void Products_that_wait_for_each_other_are_warned_of()
    {
        Ptxas.Require();
        // A register of the sums is read between two of them.
        var kernel = WgmmaKernel.Used[1];
        var text = kernel.Ptx("sm_90").Replace("wgmma.commit_group.sync.aligned;",
            "add.f32 c0, c0, c1;\n\twgmma.commit_group.sync.aligned;", StringComparison.Ordinal);
        Assert.That(Ptxas.Inspect(text, "sm_90a", readsCode: false).Usage.Warnings, Does.Contain("wgmma"));
    }
}
