using System.Collections.Concurrent;
using System.Reflection;
using NUnit.Framework;
using Ortho.Kernels.Gpu;
using Ortho.Tests.Support;

namespace Ortho.Tests.Gpu;

/// <summary>The heavy kernels within their <see cref="BudgetAttribute"/>, whether or not a test has launched them.</summary>
[TestFixture, Category("Lowering")]
public class BudgetTests
{
    static readonly Dictionary<string, PtxLowering> lowerings = new PtxLowering[] { new(new(7, 5)), new(new(8, 0)), new(new(9, 0)) }.ToDictionary(lowering => lowering.Target);

    static IEnumerable<string> Targets => lowerings.Keys;

    static IEnumerable<TestCaseData> Kernels
        => from type in typeof(GpuDevice).Assembly.GetTypes()
           from method in type.GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly)
           from budget in method.GetCustomAttributes<BudgetAttribute>()
           let kernel = Close(method, budget)
           from target in Targets
           select new TestCaseData(kernel, budget, target).SetArgDisplayNames($"{kernel}", target);

    // Kernels that are given an index have it as their first argument.
    static LoweredKernel Close(MethodInfo method, BudgetAttribute budget)
        => new(method.MakeGenericMethod([.. budget.Types]), IsGrouped: method.GetParameters()[0].ParameterType != typeof(ILGPU.Index1D));

    // What each kernel took, target by target.
    readonly ConcurrentDictionary<(string Kernel, int Registers), SortedDictionary<string, string>> taken = [];

    [OneTimeTearDown]
    public void ReportAndFree()
    {
        foreach (var ((kernel, registers), targets) in taken.OrderBy(line => line.Key))
            TestContext.Progress.WriteLine($"budget: {kernel}, {registers} registers: {string.Join(", ", targets.Select(target => $"{target.Key} {target.Value}"))}");
        foreach (var lowering in lowerings.Values)
            lowering.Dispose();
    }

    [TestCaseSource(nameof(Kernels))]
    public void A_kernel_stays_within_its_budget(object lowered, object allowed, string target)
    {
        var (kernel, budget) = ((LoweredKernel)lowered, (BudgetAttribute)allowed);
        Ptxas.Require();
        var ptx = lowerings[target].Lower(kernel.Method, kernel.IsGrouped);
        var (usage, code) = Ptxas.Inspect(ptx, target, readsCode: budget.MultiplyAdds > 0 || budget.LoadsWide || budget.StoresWide);
        var loop = code is null || budget.MultiplyAdds == 0 ? null : Ptxas.LongestLoop(code);
        var targets = taken.GetOrAdd(($"{kernel}", budget.Registers), _ => []);
        lock (targets)
            targets[target] = $"{usage.Registers}{(usage.Shared > 0 ? $" and {usage.Shared} bytes shared" : "")}{loop}";
        Assert.Multiple(() =>
        {
            Assert.That((usage.SpillLoads, usage.SpillStores, usage.Stack), Is.EqualTo((0, 0, 0)), "bytes spilled and of stack");
            Assert.That(usage.Registers, Is.AtMost(budget.Registers), "registers");
            Assert.That(usage.Shared, Is.AtMost(budget.SharedBytes), "bytes of shared memory");
            Assert.That(loop?.MultiplyAdds ?? 1, Is.AtLeast(budget.MultiplyAdds), "share of multiply-adds in the longest innermost loop");
            if (code is not null && budget.LoadsWide)
                Assert.That(code, Does.Contain("LDG.E.128"), "loads of 16 bytes");
            if (code is not null && budget.StoresWide)
                Assert.That(code, Does.Contain("STG.E.128"), "stores of 16 bytes");
        });
    }

    [Test]
    public void Loops_are_found_in_machine_code()
    {
        // The outer loop, 0010 to 0060, holds the inner one, 0020 to 0050.
        const string code = """
                    /*0000*/                   MOV R1, c[0x0][0x28] ;                     /* 0x00000a0000017a02 */
                    /*0010*/                   IADD3 R2, R2, 0x1, RZ ;                    /* 0x0000000102027810 */
                    /*0020*/                   FFMA R3, R4, R5, R3 ;                      /* 0x0000000504037223 */
                    /*0030*/               @P1 FFMA R3, R4, R5, R3 ;                      /* 0x0000000504037223 */
                    /*0040*/                   LDS.U.128 R4, [R0] ;                       /* 0x0000000000047984 */
                    /*0050*/               @P0 BRA 0x20 ;                                 /* 0xffffffc000000947 */
                    /*0060*/              @!P0 BRA 0x10 ;                                 /* 0xffffffa000008947 */
                    /*0070*/                   EXIT ;                                     /* 0x000000000000794d */
            """;
        Assert.That(Ptxas.LongestLoop(code), Is.EqualTo(new Ptxas.Loop(Instructions: 4, Fma: 2)));
        Assert.That(Ptxas.LongestLoop("        /*0000*/                   EXIT ;"), Is.Null);
    }
}
