using System.Text.Json;
using System.Text.RegularExpressions;
using NUnit.Framework;
using Ortho.Bench;
using Ortho.Bench.Gpu;
using Ortho.Bench.Microbenchmarks;
using Ortho.Tensors;
using Ortho.Tests.Data;
using Ortho.Tests.Support;

namespace Ortho.Tests.Bench;

/// <summary>The report on a GPU, made of the simulator.</summary>
[NonParallelizable]
public class GpuCommandTests
{
    static BenchRun Run(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        return new(new Application(Services.Product, new Terminal(output, error, IsInteractive: false)).Run(["gpu", .. arguments]), output.ToString(), error.ToString());
    }

    [Test]
    public void Kernels_are_shares_of_what_the_device_can_do()
    {
        using var folder = new TemporaryFolder();
        var json = Path.Combine(folder.Path, "report.json");
        var run = Run("--device", "simulator", "--only", "kernels", "--filter", "pointwise", "--json", json);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")), run.Output);
        using var document = JsonDocument.Parse(File.ReadAllBytes(json));
        var report = document.RootElement;
        Assert.That(report.GetProperty("device").GetProperty("kind").GetString(), Is.EqualTo("simulator"));
        var limits = report.GetProperty("limits");
        var copy = limits.GetProperty("copy_gigabytes_per_second").GetDouble();
        Assert.That(limits.GetProperty("b_float16_gflops").ValueKind, Is.EqualTo(JsonValueKind.Null), "no tensor cores");
        var kernels = report.GetProperty("kernels").EnumerateArray().ToList();
        Assert.That(kernels, Has.Count.EqualTo(5));
        Assert.That(kernels.Select(kernel => kernel.GetProperty("error").GetString()), Is.All.Null);
        var add = kernels[0];
        var seconds = add.GetProperty("us").GetDouble() / 1e6;
        Assert.That(add.GetProperty("gigabytes_per_second").GetDouble(), Is.EqualTo(12 * 256 / seconds / 1e9).Within(1e-6).Percent);
        Assert.That(add.GetProperty("copy_share").GetDouble(), Is.EqualTo(12 * 256 / seconds / 1e9 / copy).Within(1e-6).Percent);
        Assert.That(run.Output, Does.Contain("limits: copy").And.Contain("of roofline").And.Contain("all is as it should be"));
        foreach (var section in new[] { "accuracy", "pytorch", "tests" })
            Assert.That(report.GetProperty("skipped").GetProperty(section).GetString(), Is.EqualTo("not asked for"));
    }

    [Test]
    public void The_functions_are_swept_and_what_is_missing_is_skipped_with_a_reason()
    {
        using var folder = new TemporaryFolder();
        var json = Path.Combine(folder.Path, "report.json");
        var run = Run("--device", "simulator", "--only", "accuracy", "pytorch", "tests", "--python", "/no/such/python", "--tests", "/no/such/tests", "--json", json);
        Assert.That(run.ExitCode, Is.Zero, run.Output + run.Error);
        using var document = JsonDocument.Parse(File.ReadAllBytes(json));
        Assert.That(document.RootElement.GetProperty("accuracy").EnumerateArray().Select(entry => entry.GetProperty("same_bits").GetBoolean()), Is.Not.Empty.And.All.True);
        Assert.That(run.Output, Does.Contain("pytorch: skipped, no /no/such/python on PATH").And.Contain("tests: skipped, there is no /no/such/tests").And.Contain("same bits"));
    }

    [Test]
    public void The_tests_are_run_by_a_program_of_their_own()
    {
        if (!OperatingSystem.IsLinux()) Assert.Ignore("the test program of this test is a shell script");
        using var folder = new TemporaryFolder();
        var (program, json) = (Path.Combine(folder.Path, "program"), Path.Combine(folder.Path, "report.json"));
        Write("echo \"devices: $ORTHO_TEST_DEVICES $*\"; printf 'Test run summary:\\n  total: 7\\n  failed: 1\\n  succeeded: 4\\n  skipped: 2\\n'; exit 2");
        var run = Run("--device", "simulator", "--only", "tests", "--tests", program, "--tests-filter", "Name=x", "--json", json);
        Assert.That(run.ExitCode, Is.EqualTo(1), "a test failed");
        using (var document = JsonDocument.Parse(File.ReadAllBytes(json)))
        {
            var tests = document.RootElement.GetProperty("tests");
            int Number(string name) => tests.GetProperty(name).GetInt32();
            Assert.That((Number("passed"), Number("failed"), Number("skipped"), Number("exit_code")), Is.EqualTo((4, 1, 2, 2)));
            Assert.That(File.ReadAllText(tests.GetProperty("log").GetString()!), Does.Contain("devices: Simulator --progress off --no-ansi --filter Name=x"));
        }
        Write("printf 'Test run summary:\\n  total: 1\\n  failed: 0\\n  succeeded: 1\\n  skipped: 0\\n'");
        Assert.That(Run("--device", "simulator", "--only", "tests", "--tests", program, "--json", json).ExitCode, Is.Zero);

        void Write(string script)
        {
            File.WriteAllText(program, $"#!/bin/sh\n{script}\n");
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }
    }

    [Test]
    public void A_program_is_stopped_when_time_is_over()
    {
        if (!OperatingSystem.IsLinux()) Assert.Ignore("sleep is a program of Unix");
        var outcome = ChildProgram.Run("/bin/sleep", ["60"], [], TimeSpan.FromMilliseconds(100), new Dictionary<string, string>(), CancellationToken.None);
        Assert.That(outcome, Is.EqualTo(new ChildProgram.Outcome(null, "", "")));
    }

    [Test]
    public void PyTorch_times_are_put_beside_ours()
    {
        var work = KernelWork.Of("gemm", "a b, 2", 48, 16, () => () => null);
        var ours = DeviceKernel.Of(work, 1e-3, new(100, 10, 5, null));
        Assert.That((ours.Us, ours.Gflops, ours.GigabytesPerSecond), Is.EqualTo((1000, 16e-6, 48e-6)));
        // 48 bytes at 100 GB/s take 0.48 ns, 16 operations at 10 GFLOP/s 1.6 ns.
        Assert.That(ours.Share, Is.EqualTo(1.6e-6).Within(1e-9).Percent);
        Assert.That(ours.CopyShare, Is.EqualTo(0.48e-6).Within(1e-9).Percent);
        var beside = ours.Beside(new("2", "card", [new("gemm: other", 1, null), new("gemm: a b, 2", 2e-3, null)]));
        Assert.That((beside.PyTorchUs, beside.Ratio), Is.EqualTo((2000, 0.5)));
        Assert.That(ours.Beside(new("2", "card", [new("gemm: a b, 2", null, "out of memory")])), Is.EqualTo(ours));
    }

    [Test]
    public void Peaks_bound_what_they_are_the_peaks_of()
    {
        var limits = new DeviceLimits(1000, 200, 100, 400);
        Assert.That(limits.Bound(Work(Arithmetic.Single)), Is.EqualTo(5e-3).Within(1e-9).Percent);
        Assert.That(limits.Bound(Work(Arithmetic.Double)), Is.EqualTo(1e-2).Within(1e-9).Percent);
        Assert.That(limits.Bound(Work(Arithmetic.BFloat16)), Is.EqualTo(2.5e-3).Within(1e-9).Percent);
        Assert.That((limits with { BFloat16Gflops = null }).Bound(Work(Arithmetic.BFloat16)), Is.Null);

        static KernelWork Work(Arithmetic arithmetic) => KernelWork.Of("gemm", "x", 8, 1e9, () => () => null, arithmetic);
    }

    [Test]
    public void A_device_that_is_none_or_not_here_is_refused()
    {
        Assert.That(Run("--device", "cpu") is { ExitCode: 2, Error: var cpu } ? cpu : "", Does.Contain("'cpu' is no GPU"));
        Assert.That(Run("--device", "cuda:9") is { ExitCode: 2, Error: var absent } ? absent : "", Does.Contain("no device 'cuda:9' here"));
        Assert.That(Run("--device", "simulator", "--only", "nothing").ExitCode, Is.EqualTo(2));
        Assert.That(Run("--device", "simulator", "--filter", "no such kernel") is { ExitCode: 2, Error: var key } ? key : "", Does.Contain("families are pointwise, rows"));
    }

    [Test, Category("Devices")]
    public void Every_work_runs_and_has_a_name_of_its_own()
    {
        var real = Devices.Gpus.Where(device => device.Kind != DeviceKind.Simulator).ToList();
        if (real.Count == 0) Assert.Ignore($"No OpenCL or CUDA device takes part. Devices: {string.Join("; ", Devices.Present)}.");
        foreach (var gpu in real)
        {
            var works = DeviceWork.All(gpu, WorkScale.Tiny);
            Assert.That(works.Select(work => work.Kernel.ToString()), Is.Unique);
            foreach (var work in works)
            {
                using var scope = new TensorScope();
                Assert.That(() => work.Kernel.Prepare()(), Throws.Nothing, $"{gpu}: {work.Kernel}");
            }
        }
    }

    [Test, Category("Lowering")]
    public void The_tensor_core_peak_is_products_alone([Values("sm_80", "sm_90")] string architecture)
    {
        var ptx = TensorCorePeak.Ptx(architecture);
        var products = Regex.Matches(ptx, @"mma(?:_async)?\.sync\.aligned\.m(\d+)n(\d+)k(\d+)").ToList();
        var (threads, flops) = architecture == "sm_90" ? (128, 64.0 * 256 * 16) : (32, 16.0 * 8 * 16);
        Assert.That(products.Select(product => product.Groups.Values.Skip(1).Aggregate(1.0, (all, number) => all * int.Parse(number.Value))), Is.All.EqualTo(flops));
        Assert.That(2 * flops * products.Count * TensorCorePeak.Threads / threads, Is.EqualTo(TensorCorePeak.FlopsOfRound(architecture)));
        Ptxas.Require();
        var (usage, code) = Ptxas.Inspect(ptx, TensorCorePeak.Target(architecture), readsCode: true);
        Assert.That((usage.SpillLoads, usage.SpillStores, usage.Stack, usage.Warnings), Is.EqualTo((0, 0, 0, "")));
        Assert.That(usage.Registers, Is.LessThan(architecture == "sm_90" ? 168 : 128));
        if (code is not null)
        {
            var loop = Ptxas.LongestLoop(code)!;
            TestContext.Out.WriteLine($"{usage}{loop}");
            // Some rounds written out; wgmma takes 128 clocks, mma.sync some 16 on each quarter.
            Assert.That(loop.Products, Is.GreaterThan(0).And.Matches<int>(count => count % products.Count == 0));
            Assert.That(loop.Instructions, Is.AtMost((architecture == "sm_90" ? 10 : 1.25) * loop.Products));
        }
    }
}
