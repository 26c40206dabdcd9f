using System.Text.Json;
using NUnit.Framework;
using Ortho.Bench;
using Ortho.Bench.Peers;
using Ortho.Kernels.Host;
using Ortho.Tests.Data;

namespace Ortho.Tests.Bench;

/// <summary>The comparison with other libraries, against a peer that is not one.</summary>
public class PeersTests
{
    int threads;

    [SetUp] public void RememberThreads() => threads = HostThreads.Count;

    [TearDown] public void ResetThreads() => HostThreads.Count = threads;

    sealed class Echo(float theirs) : IPeer
    {
        public List<int> Threads { get; } = [];

        public IEnumerable<Comparison> Comparisons
            => [new("gemm", "small", "echo", 1e-3, () => (Of(1), Of(theirs))), new("fft", "large", "echo", 1e-3, () => (Of(1), Of(1)))];

        public void SetThreads(int count) => Threads.Add(count);

        static Contender Of(float number) => new(() => Thread.SpinWait(2000), () => [number, 2]);
    }

    static BenchRun Run(IPeer[] peers, params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var services = Services.Product with { Peers = peers };
        return new(new Application(services, new Terminal(output, error, IsInteractive: false)).Run(["peers", .. arguments]), output.ToString(), error.ToString());
    }

    [Test]
    public void Results_are_compared_and_written()
    {
        using var folder = new TemporaryFolder();
        var (peer, json) = (new Echo(1.0005f), Path.Combine(folder.Path, "peers.json"));
        var run = Run([peer], "--quick", "--filter", "GEMM", "--json", json);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        Assert.That(peer.Threads, Is.EqualTo(new[] { 1, 2 }));
        using var document = JsonDocument.Parse(File.ReadAllBytes(json));
        var results = document.RootElement.EnumerateArray().ToList();
        Assert.That(results, Has.Count.EqualTo(2), "one for each number of threads");
        Assert.That(results[0].EnumerateObject().Select(property => property.Name), Is.EqualTo(new[] { "family", "work", "threads", "ours_ms", "peer", "peer_ms", "ratio", "max_abs_diff" }));
        Assert.That(results[0].GetProperty("max_abs_diff").GetDouble(), Is.EqualTo(0.0005).Within(1e-6));
        Assert.That(results[0].GetProperty("ratio").GetDouble(), Is.EqualTo(results[0].GetProperty("ours_ms").GetDouble() / results[0].GetProperty("peer_ms").GetDouble()));
    }

    [Test]
    public void A_family_above_its_floor_is_marked()
    {
        var run = Run([new Slower("gemm"), new Slower("fft")], "--quick", "--threads", "1");
        Assert.That(run.ExitCode, Is.EqualTo(0), "slower is no error");
        Assert.That(run.Output, Does.Match(@"gemm +│ libtorch +│ +! \d+\.\d\d +│ +1\.00 +│ +0\.90").And.Match(@"fft +│ libtorch +│ +! \d+\.\d\d +│ +1\.00 +│ +0\.50"));
    }

    // Ortho's side sleeps, the other does nothing.
    sealed class Slower(string family) : IPeer
    {
        public IEnumerable<Comparison> Comparisons => [new(family, "small", Target.Peer, 0, () => (new(() => Thread.Sleep(1), () => []), new(() => { }, () => [])))];

        public void SetThreads(int count)
        {
            // It has none.
        }
    }

    [TestCase(1.01f), TestCase(float.NaN)]
    public void A_result_that_differs_is_a_failure(float theirs)
    {
        var run = Run([new Echo(theirs)], "--quick", "--threads", "1");
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Output, Does.Contain("FAILED small: results differ from echo's").And.Contain("large"), "the others are still compared");
    }

    [Test]
    public void Without_peers_or_with_an_unknown_key_one_line_says_what_to_do()
    {
        Assert.That(Run([]) is { ExitCode: 2, Error: var none } ? none : "", Does.Contain(".ci/peers"));
        Assert.That(Run([new Echo(1)], "--filter", "x") is { ExitCode: 2, Error: var unknown } ? unknown : "", Does.Contain("families are gemm, fft"));
        Assert.That(Run([new Echo(1)], "--threads", "0") is { ExitCode: 2, Error: var few } ? few : "", Does.Contain("at least 1"));
    }
}
