using BenchmarkDotNet.Attributes;

namespace Ortho.Bench.Microbenchmarks;

/// <summary>What BenchmarkDotNet runs: one method, once for each <see cref="KernelWork"/>.</summary>
public class KernelBenchmark
{
    Action run = () => { };

    /// <summary>The kernels to run; set before the benchmarks are.</summary>
    internal static IReadOnlyList<KernelWork> Chosen { get; set; } = KernelWork.All;

    /// <summary>Names of the chosen kernels.</summary>
    public static IEnumerable<string> Names => Chosen.Select(work => work.ToString());

    /// <summary>The kernel.</summary>
    [ParamsSource(nameof(Names))]
    public string Kernel { get; set; } = "";

    /// <summary>Makes the inputs.</summary>
    [GlobalSetup] public void Prepare() => run = Find(Kernel).Prepare();

    /// <summary>Runs the kernel once.</summary>
    [Benchmark] public void Run() => run();

    /// <summary>The chosen kernel of a name.</summary>
    internal static KernelWork Find(string name) => Chosen.First(work => work.ToString() == name);
}
