using BenchmarkDotNet.Running;
using BenchmarkSummary = BenchmarkDotNet.Reports.Summary;

namespace Ortho.Bench.Microbenchmarks;

/// <summary>What came of one kernel; the entries of the <c>--json</c> file.</summary>
/// <param name="Family">Key of its family.</param>
/// <param name="Work">What was computed.</param>
/// <param name="Threads">Threads.</param>
/// <param name="MedianUs">Median time in microseconds.</param>
/// <param name="GigabytesPerSecond">Bytes that have to be moved at least, in billions a second.</param>
/// <param name="Gflops">Operations by the textbook's count, in billions a second.</param>
/// <param name="Roofline">The least possible time over the median.</param>
sealed record KernelResult(string Family, string Work, int Threads, double MedianUs, double GigabytesPerSecond, double Gflops, double Roofline)
{
    /// <summary>From a kernel and its time.</summary>
    public static KernelResult Of(KernelWork work, double seconds, Roofline roofline) => new(work.Family, work.Name, roofline.Threads, seconds * 1e6,
        work.Bytes / seconds / 1e9, work.Flops / seconds / 1e9, roofline.Bound(work.Bytes, work.Flops, work.Arithmetic) / seconds);

    /// <summary>The median of a benchmark in seconds; null when it did not run.</summary>
    public static double? Median(BenchmarkSummary summary, BenchmarkCase benchmark) => summary[benchmark]?.ResultStatistics is { } statistics ? statistics.Median / 1e9 : null;

    /// <summary>The name of a benchmark's kernel.</summary>
    public static string Kernel(BenchmarkCase benchmark) => (string)benchmark.Parameters[nameof(KernelBenchmark.Kernel)];
}
