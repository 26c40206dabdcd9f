using System.Text.Json;
using NUnit.Framework;
using Ortho.Bench.Experiments;
using Ortho.Tests.Data;

namespace Ortho.Tests.Bench;

public class MemoryCommandTests
{
    [Test]
    public void Memory_of_a_loop_without_a_dispose_is_flat()
    {
        var curve = MemorySoak.Run(steps: 3000);
        Assert.That(curve.Samples, Has.Count.EqualTo(100));
        // When the collector runs depends on the machine's load: a loss of 20 KB a step would be seen.
        Assert.That(curve.Growth, Is.LessThan(1.25), "resident size of the second half over the second quarter");
        Assert.That(curve.Samples[^1].Allocations - curve.Samples[50].Allocations, Is.LessThan(1500), "blocks asked for in 1500 steps of the steady state, of a hundred tensors each");
    }

    [Test]
    public void Growth_is_that_of_the_resident_size()
    {
        static MemoryCurve Of(Func<int, long> resident) => new([.. Enumerable.Range(1, 100).Select(step => new MemorySample(step, resident(step), 0, 0, 0))]);
        Assert.That(Of(_ => 100).Growth, Is.EqualTo(1));
        Assert.That(Of(step => step).Growth, Is.EqualTo(2), "a leak");
        Assert.That(Of(step => Math.Min(step, 25)).Growth, Is.EqualTo(1), "a warm-up");
    }

    [Test]
    public void The_command_writes_the_curve_and_the_page()
    {
        using var folder = new TemporaryFolder();
        var json = Path.Combine(folder.Path, "curve.json");
        var run = BenchRun.Of("memory", "--steps", "100", "--out", folder.Path, "--json", json);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        Assert.That(run.Output, Does.Contain("second half over second quarter"));
        Assert.That(File.ReadAllText(Path.Combine(folder.Path, "memory.html")), Does.Contain("<svg").And.Contain("resident"));
        using var document = JsonDocument.Parse(File.ReadAllBytes(json));
        var last = document.RootElement.GetProperty("samples").EnumerateArray().Last();
        Assert.That(last.GetProperty("step").GetInt32(), Is.EqualTo(100));
        Assert.That(last.GetProperty("resident").GetInt64(), Is.Positive);
    }

    [Test]
    public void Too_few_steps_are_refused()
    {
        var run = BenchRun.Of("memory", "--steps", "5");
        Assert.That(run.ExitCode, Is.EqualTo(2));
        Assert.That(run.Error, Does.Contain("--steps is 5"));
    }
}
