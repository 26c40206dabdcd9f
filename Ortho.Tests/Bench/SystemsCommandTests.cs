using System.Text.Json;
using NUnit.Framework;
using Ortho.Bench;
using Ortho.Bench.Systems;
using Ortho.Tensors;
using Ortho.Tests.Data;

namespace Ortho.Tests.Bench;

public class SystemsCommandTests
{
    sealed class Fixed(double obtained) : ISystem
    {
        public string Key => "05";

        public IReadOnlyList<Metric> Run(IReadOnlyList<ulong> seeds, Action<string> say, CancellationToken token)
        {
            say($"{seeds.Count} seeds");
            return [Metric.AtLeast("share", 0.5, obtained), Metric.Report("time", seeds.Sum(seed => (double)seed))];
        }
    }

    static BenchRun Run(double obtained, params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var services = new Services(() => [], _ => Device.Cpu, () => throw new InvalidOperationException()) { Systems = [new Fixed(obtained)] };
        return new(new Application(services, new Terminal(output, error, IsInteractive: false)).Run(["systems", .. arguments]), output.ToString(), error.ToString());
    }

    [Test]
    public void The_list_names_all_systems_and_which_can_be_run()
    {
        var run = Run(1);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Output, Does.Contain("Online orthogonal dictionary").And.Contain("ready").And.Contain("planned"));
        Assert.That(SystemCatalog.Titles, Has.Count.EqualTo(60));
    }

    [TestCase(0.75, 0)]
    [TestCase(0.25, 1)]
    public void A_missed_margin_is_an_exit_code_and_stands_in_the_file(double obtained, int exitCode)
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "system.json");
        var run = Run(obtained, "5", "--seed", "7", "--json", path);
        Assert.That(run.ExitCode, Is.EqualTo(exitCode), run.Error);
        Assert.That(run.Output, Does.Contain(exitCode == 0 ? "holds" : "MISSED"));
        using var json = JsonDocument.Parse(File.ReadAllBytes(path));
        var root = json.RootElement;
        Assert.That(root.GetProperty("system").GetString(), Is.EqualTo("05"));
        Assert.That(root.GetProperty("seeds").EnumerateArray().Select(seed => seed.GetInt32()), Is.EqualTo(new[] { 7, 8, 9 }));
        Assert.That(root.GetProperty("holds").GetBoolean(), Is.EqualTo(exitCode == 0));
        var metrics = root.GetProperty("metrics").EnumerateArray().ToList();
        Assert.That(metrics[0].GetProperty("expected").GetString(), Is.EqualTo(">= 0.5"));
        Assert.That(metrics[1].GetProperty("obtained").GetDouble(), Is.EqualTo(24));
    }

    [TestCase("61", "no system '61'")]
    [TestCase("06", "has no experiment yet")]
    public void A_system_that_is_not_there_is_refused(string key, string message)
    {
        var run = Run(1, key);
        Assert.That(run.ExitCode, Is.EqualTo(2));
        Assert.That(run.Error, Does.Contain(message));
    }

    [Test]
    public void Every_experiment_is_one_of_the_systems()
        => Assert.That(SystemCatalog.All.Select(system => system.Key), Is.Unique.And.SubsetOf(SystemCatalog.Titles.Keys));
}
