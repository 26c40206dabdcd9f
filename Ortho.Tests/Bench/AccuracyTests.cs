using System.Text.Json;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Bench;
using Ortho.Bench.Experiments;
using Ortho.Tensors;
using Ortho.Tests.Data;

namespace Ortho.Tests.Bench;

/// <summary>The sweep of the elementary functions.</summary>
public class AccuracyTests
{
    static BenchRun Run(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        return new(new Application(Services.Product, new Terminal(output, error, IsInteractive: false)).Run(["accuracy", .. arguments]), output.ToString(), error.ToString());
    }

    [Test]
    public void Every_function_is_swept_on_every_device_that_is_named()
    {
        using var folder = new TemporaryFolder();
        var json = Path.Combine(folder.Path, "accuracy.json");
        var run = Run("--points", "100", "--device", "cpu", "simulator", "--json", json);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        using var document = JsonDocument.Parse(File.ReadAllBytes(json));
        var entries = document.RootElement.EnumerateArray().ToList();
        Assert.That(entries, Has.Count.EqualTo(2 * Accuracy.Functions.Count));
        Assert.That(entries.Select(entry => entry.GetProperty("same_bits").GetBoolean()), Is.All.True);
        Assert.That(entries.Where(entry => entry.GetProperty("function").GetString() == "Exp").Select(entry => entry.GetProperty("single_ulp").GetDouble()), Is.All.InRange(0.4, 1.05));
        Assert.That(run.Output, Does.Contain("Tanh").And.Contain("-262144 .. 262144").And.Contain("same bits"));
    }

    [Test]
    public void An_error_is_found_and_measured()
    {
        // A relative error of 2^-20 is 8 to 16 units in the last place of 24 bits, and 2^32 to 2^33 of 53.
        var entry = Accuracy.Sweep(new("Exp", x => x.Exp() * (x.DType == DType.Float32 ? 1 + Math.ScaleB(1, -20) : 1), -1, 1), Device.Cpu, 2000);
        Assert.That(entry.SingleUlp, Is.InRange(7, 17));
        Assert.That(entry.SameBits, Is.True, "the CPU compared with itself");
        var wrong = Accuracy.Sweep(new("Log", x => (x - 1).Log(), 0, 10, Math.Log), Device.Cpu, 200);
        Assert.That(wrong.DoubleUlp, Is.EqualTo(double.PositiveInfinity), "NaN where a number is due");
    }

    [Test]
    public void A_device_that_is_not_here_is_refused()
        => Assert.That(Run("--device", "cuda:9") is { ExitCode: 2, Error: var error } ? error : "", Does.Contain("no device 'cuda:9' here").And.Contain("cpu"));
}
