using System.Text.Json;
using NUnit.Framework;
using Ortho.Bench;
using Ortho.Bench.Microbenchmarks;
using Ortho.Kernels.Host;
using Ortho.Tests.Data;

namespace Ortho.Tests.Bench;

/// <summary>The microbenchmarks, run for moments.</summary>
[NonParallelizable]
public class KernelsCommandTests
{
    int threads;

    [SetUp] public void RememberThreads() => threads = HostThreads.Count;

    [TearDown] public void ResetThreads() => HostThreads.Count = threads;

    static BenchRun Run(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        return new(new Application(Services.Product, new Terminal(output, error, IsInteractive: false)).Run(["kernels", .. arguments]), output.ToString(), error.ToString());
    }

    [Test]
    public void A_kernel_is_timed_and_measured_by_the_roofline()
    {
        using var folder = new TemporaryFolder();
        var json = Path.Combine(folder.Path, "kernels.json");
        var run = Run("--quick", "--threads", "1", "--filter", "add, 4K", "--json", json);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        Assert.That(run.Output, Does.Contain("roofline, 1 thread: copies of 16 KiB").And.Contain("GB/s").And.Contain("GFLOP/s").And.Contain("pointwise: add, 4K elements"));
        using var document = JsonDocument.Parse(File.ReadAllBytes(json));
        var result = document.RootElement.EnumerateArray().Single();
        Assert.That(result.EnumerateObject().Select(property => property.Name),
            Is.EqualTo(new[] { "family", "work", "threads", "median_us", "gigabytes_per_second", "gflops", "roofline" }));
        var seconds = result.GetProperty("median_us").GetDouble() / 1e6;
        Assert.That(result.GetProperty("gigabytes_per_second").GetDouble(), Is.EqualTo(3 * 4 * 4096 / seconds / 1e9).Within(1e-6).Percent);
        Assert.That(result.GetProperty("gflops").GetDouble(), Is.EqualTo(4096 / seconds / 1e9).Within(1e-6).Percent);
        Assert.That(result.GetProperty("roofline").GetDouble(), Is.GreaterThan(0));
    }

    [Test]
    public void The_bound_is_traffic_or_arithmetic_whichever_takes_longer()
    {
        var roofline = new Roofline(1, [new(1000, 100), new(1_000_000, 10)], SingleGflops: 200, DoubleGflops: 100);
        Assert.That(roofline.Bound(1000, 0, Arithmetic.Single), Is.EqualTo(1e-8).Within(1e-9).Percent, "fits the first level");
        Assert.That(roofline.Bound(1001, 0, Arithmetic.Single), Is.EqualTo(1001e-10).Within(1e-9).Percent, "does not fit it");
        Assert.That(roofline.Bound(10_000_000, 0, Arithmetic.Single), Is.EqualTo(1e-3).Within(1e-9).Percent, "fits nowhere: the last level's speed");
        Assert.That(roofline.Bound(1000, 1e6, Arithmetic.Single), Is.EqualTo(5e-6).Within(1e-9).Percent);
        Assert.That(roofline.Bound(1000, 1e6, Arithmetic.Double), Is.EqualTo(1e-5).Within(1e-9).Percent);
    }

    [Test]
    public void Every_kernel_runs_and_has_a_name_of_its_own()
    {
        Assert.That(KernelWork.All.Select(work => work.ToString()), Is.Unique);
        foreach (var work in KernelWork.All)
            Assert.That(work.Prepare(), Throws.Nothing, work.ToString());
    }

    [Test]
    public void An_unknown_key_or_no_threads_are_refused()
    {
        Assert.That(Run("--filter", "no such kernel") is { ExitCode: 2, Error: var unknown } ? unknown : "", Does.Contain("families are pointwise, gemm"));
        Assert.That(Run("--threads", "0") is { ExitCode: 2, Error: var few } ? few : "", Does.Contain("at least 1"));
    }
}
