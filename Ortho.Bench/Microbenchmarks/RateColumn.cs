using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkSummary = BenchmarkDotNet.Reports.Summary;

namespace Ortho.Bench.Microbenchmarks;

/// <summary>A column whose number follows from a kernel's median time.</summary>
/// <param name="name">Title.</param>
/// <param name="legend">What it tells.</param>
/// <param name="format">Format of the number.</param>
/// <param name="value">The number, from kernel and seconds.</param>
sealed class RateColumn(string name, string legend, string format, Func<KernelWork, double, double> value) : IColumn
{
    /// <inheritdoc/>
    public string Id => $"{nameof(RateColumn)}.{name}";

    /// <inheritdoc/>
    public string ColumnName => name;

    /// <inheritdoc/>
    public string Legend => legend;

    /// <inheritdoc/>
    public bool AlwaysShow => true;

    /// <inheritdoc/>
    public ColumnCategory Category => ColumnCategory.Custom;

    /// <inheritdoc/>
    public int PriorityInCategory => 0;

    /// <inheritdoc/>
    public bool IsNumeric => true;

    /// <inheritdoc/>
    public UnitType UnitType => UnitType.Dimensionless;

    /// <inheritdoc/>
    public bool IsAvailable(BenchmarkSummary summary) => true;

    /// <inheritdoc/>
    public bool IsDefault(BenchmarkSummary summary, BenchmarkCase benchmarkCase) => false;

    /// <inheritdoc/>
    public string GetValue(BenchmarkSummary summary, BenchmarkCase benchmarkCase) => GetValue(summary, benchmarkCase, SummaryStyle.Default);

    /// <inheritdoc/>
    public string GetValue(BenchmarkSummary summary, BenchmarkCase benchmarkCase, SummaryStyle style)
        => KernelResult.Median(summary, benchmarkCase) is { } seconds
            ? value(KernelBenchmark.Find(KernelResult.Kernel(benchmarkCase)), seconds).ToString(format, CultureInfo.InvariantCulture) : "-";
}
