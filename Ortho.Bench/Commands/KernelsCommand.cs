using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.EventProcessors;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Ortho.Bench.Microbenchmarks;
using Ortho.Kernels.Host;
using Ortho.Tensors.IO;
using Perfolizer.Horology;

namespace Ortho.Bench.Commands;

/// <summary><c>kernels</c>: microbenchmarks of single kernels against what the machine was measured to be able to do.</summary>
/// <param name="terminal">Where to write.</param>
sealed class KernelsCommand(Terminal terminal)
{
    readonly Option<string?> filter = new("--filter") { Description = "Only families or kernels that contain this.", HelpName = "KEY" };
    readonly Option<int> threads = new("--threads") { Description = "Threads.", HelpName = "N", DefaultValueFactory = _ => Environment.ProcessorCount };
    readonly Option<bool> quick = new("--quick") { Description = "Fewer and shorter rounds: an impression, not a result." };
    readonly Option<string?> json = new("--json") { Description = "Also write the results to this file.", HelpName = "FILE" };

    /// <summary>The command.</summary>
    public Command Create()
    {
        var command = new Command("kernels", "Time single kernels (BenchmarkDotNet) against the roofline of this machine.");
        threads.RequireAtLeast(1);
        foreach (var option in new Option[] { filter, threads, quick, json }) command.Add(option);
        command.SetAction(Run);
        return command;
    }

    int Run(ParseResult parsed)
    {
        var key = parsed.GetValue(filter) ?? "";
        List<KernelWork> chosen = [.. KernelWork.All.Where(work => work.ToString().Contains(key, StringComparison.OrdinalIgnoreCase))];
        if (chosen.Count == 0)
            throw new UsageException($"no kernel matches '{key}'; families are {string.Join(", ", KernelWork.All.Select(work => work.Family).Distinct())}");
        var jsonPath = ResultFile.Prepare(parsed.GetValue(json));

        HostThreads.Count = parsed.GetValue(threads);
        var roofline = Roofline.Measure(HostThreads.Count);
        terminal.Output.WriteLine(Describe(roofline));
        KernelBenchmark.Chosen = chosen;
        var summary = BenchmarkRunner.Run<KernelBenchmark>(Configuration(parsed.GetValue(quick), roofline));
        var table = new AccumulationLogger();
        MarkdownExporter.Console.ExportToLog(summary, table);
        terminal.Output.WriteLine(table.GetLog());
        foreach (var error in summary.ValidationErrors.Where(error => error.IsCritical)) terminal.Error.WriteLine(error.Message);

        List<KernelResult> results = [.. summary.BenchmarksCases.Select(benchmark => (Kernel: KernelBenchmark.Find(KernelResult.Kernel(benchmark)), Seconds: KernelResult.Median(summary, benchmark)))
            .Where(entry => entry.Seconds is not null).Select(entry => KernelResult.Of(entry.Kernel, entry.Seconds!.Value, roofline))];
        if (jsonPath is not null) AtomicFile.Write(jsonPath, JsonSerializer.SerializeToUtf8Bytes(results, ResultJson.Default.IReadOnlyListKernelResult));
        return results.Count == chosen.Count ? Application.Success : Application.Failure;
    }

    static string Describe(Roofline roofline) => string.Create(CultureInfo.InvariantCulture,
        $"roofline, {roofline.Threads} thread{(roofline.Threads == 1 ? "" : "s")}: copies of {string.Join(", ", roofline.Levels.Select(level => $"{Size(level.Bytes)} {level.GigabytesPerSecond:0} GB/s"))}; multiply-adds {roofline.SingleGflops:0} GFLOP/s in float32, {roofline.DoubleGflops:0} in float64");

    static string Size(long bytes) => bytes < 1 << 20 ? $"{bytes >> 10} KiB" : $"{bytes >> 20} MiB";

    // In this process: the threads are set up here, and one kernel is a build of its own nowhere.
    ManualConfig Configuration(bool isQuick, Roofline roofline)
    {
        var job = isQuick ? Job.ShortRun.WithIterationTime(TimeInterval.FromMilliseconds(50)) : Job.Default.WithIterationTime(TimeInterval.FromMilliseconds(200)).WithMaxIterationCount(25);
        return ManualConfig.CreateEmpty()
            .AddJob(job.WithToolchain(InProcessEmitToolchain.Instance))
            .AddColumnProvider(DefaultColumnProviders.Params)
            .AddColumn(StatisticColumn.Median, StatisticColumn.StdDev,
                Rate("GB/s", "Bytes that have to be moved at least, in billions a second", "0.0", result => result.GigabytesPerSecond),
                Rate("GFLOP/s", "Operations by the textbook's count, in billions a second", "0.0", result => result.Gflops),
                Rate("roofline", "The least time that the measured copies and multiply-adds allow, over the median", "0 %", result => result.Roofline))
            .AddLogger(NullLogger.Instance)
            .AddEventProcessor(new Progress(terminal))
            .WithSummaryStyle(SummaryStyle.Default.WithMaxParameterColumnWidth(80))
            .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "ortho-bench"))
            .WithOptions(ConfigOptions.DisableLogFile);

        RateColumn Rate(string name, string legend, string format, Func<KernelResult, double> value)
            => new(name, legend, format, (work, seconds) => value(KernelResult.Of(work, seconds, roofline)));
    }

    // One line for each kernel that is done, where somebody watches.
    sealed class Progress(Terminal terminal) : EventProcessor
    {
        public override void OnEndRunBenchmark(BenchmarkCase benchmarkCase, BenchmarkReport report)
        {
            if (terminal.IsInteractive) terminal.Error.WriteLine($"  {KernelResult.Kernel(benchmarkCase)}");
        }
    }
}
