using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Ortho.Bench.Experiments;
using Ortho.Bench.Gpu;
using Ortho.Kernels.Gpu;
using Ortho.Tensors;
using Ortho.Tensors.IO;

namespace Ortho.Bench.Commands;

/// <summary><c>gpu</c>: everything that only a real device can tell, in one call.</summary>
/// <param name="services">The devices.</param>
/// <param name="terminal">Where to write.</param>
sealed class GpuCommand(Services services, Terminal terminal)
{
    static readonly string[] all = ["kernels", "accuracy", "pytorch", "tests"];

    readonly Option<string?> device = new("--device") { Description = "The device; the first CUDA device when none is named.", HelpName = "ID" };
    readonly Option<string> json = new("--json") { Description = "The report's file.", HelpName = "FILE", DefaultValueFactory = _ => "gpu-report.json" };
    readonly Option<bool> quick = new("--quick") { Description = "Smaller work and shorter rounds: an impression, not a result." };
    readonly Option<int> minutes = new("--minutes") { Description = "What would take longer is stopped.", HelpName = "N", DefaultValueFactory = _ => 10 };
    readonly Option<string[]> only = new("--only") { Description = "Only these sections; all when none is named.", HelpName = "SECTION", AllowMultipleArgumentsPerToken = true };
    readonly Option<string?> filter = new("--filter") { Description = "Only kernels whose family or work contains this.", HelpName = "KEY" };
    readonly Option<string?> tests = new("--tests") { Description = "The test program; Ortho.Tests beside this one when none is named.", HelpName = "FILE" };
    readonly Option<string> testsFilter = new("--tests-filter") { Description = "Which tests.", HelpName = "FILTER", DefaultValueFactory = _ => "TestCategory=Devices" };
    readonly Option<string> python = new("--python") { Description = "A Python that may have PyTorch.", HelpName = "FILE", DefaultValueFactory = _ => "python3" };

    /// <summary>The command.</summary>
    public Command Create()
    {
        var command = new Command("gpu", "Report on a GPU: kernels against its measured limits, accuracy, PyTorch on the same device, and the cross-device tests.");
        minutes.RequireAtLeast(1);
        only.AcceptOnlyFromAmong(all);
        foreach (var option in new Option[] { device, json, quick, minutes, only, filter, tests, testsFilter, python }) command.Add(option);
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), CancellationToken.None));
        return command;
    }

    int Run(ParseResult parsed, CancellationToken token)
    {
        var gpu = Find(parsed.GetValue(device));
        var path = ResultFile.Prepare(parsed.GetValue(json))!;
        var sections = parsed.GetValue(only) is { Length: > 0 } chosen ? chosen : all;
        var scale = gpu.Kind == DeviceKind.Simulator ? WorkScale.Tiny : parsed.GetValue(quick) ? WorkScale.Quick : WorkScale.Full;
        var (begin, minutesInAll) = (Stopwatch.GetTimestamp(), TimeSpan.FromMinutes(parsed.GetValue(minutes)));
        var report = new GpuReport($"{typeof(GpuCommand).Assembly.GetName().Version}", DeviceFacts.Of(gpu)) { Scale = $"{scale}".ToLowerInvariant() };
        var table = new GpuTable(terminal);
        table.Write(report.Device);
        foreach (var section in all.Where(section => !sections.Contains(section))) report.Skipped[section] = "not asked for";

        var works = sections.Contains("kernels") || sections.Contains("pytorch") ? Works(gpu, scale, parsed.GetValue(filter) ?? "") : [];
        if (sections.Contains("kernels"))
        {
            Say("measuring the device's limits");
            report.Limits = DeviceLimits.Measure(gpu, scale);
            table.Write(report.Limits);
            report.Kernels = [.. works.Select(work => Time(gpu, work, report.Limits, scale, token))];
            Save();
        }
        if (sections.Contains("pytorch")) Compare();
        if (report.Kernels is not null) table.Write(report.Kernels, report.PyTorch);
        if (sections.Contains("accuracy"))
        {
            Say("sweeping the elementary functions");
            var points = scale.Pick(1 << 18, 1 << 13, 1 << 6);
            report.Accuracy = [.. Accuracy.Functions.Select(function => Accuracy.Sweep(function, gpu, points))];
            table.Write(report.Accuracy);
            Save();
        }
        if (sections.Contains("tests")) Test();
        foreach (var (section, reason) in report.Skipped.Where(skipped => sections.Contains(skipped.Key))) terminal.Output.WriteLine($"{section}: skipped, {reason}");
        Save();
        terminal.Output.WriteLine($"{(report.IsGood ? "all is as it should be" : "SOMETHING IS WRONG")}; {report.Seconds:0} s; the report is {path}");
        return report.IsGood ? Application.Success : Application.Failure;

        TimeSpan Left() => minutesInAll - Stopwatch.GetElapsedTime(begin);

        // After each section: a driver that takes the process with it leaves what was found before.
        void Save()
        {
            report.Seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
            AtomicFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(report, ResultJson.Default.GpuReport));
        }

        void Compare()
        {
            // A comparison on another machine than ours would be none; the simulator's and PoCL's machine is the CPU.
            Say("running PyTorch");
            (report.PyTorch, var reason) = new Torch(parsed.GetValue(python)!).Run(works, gpu.Kind == DeviceKind.Cuda ? "cuda" : "cpu", scale, Left() / 3, token);
            if (report.PyTorch is null) report.Skipped["pytorch"] = reason;
            else report.Kernels = report.Kernels?.Select(kernel => kernel.Beside(report.PyTorch)).ToList();
            Save();
        }

        void Test()
        {
            var program = parsed.GetValue(tests) ?? Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "Ortho.Tests.exe" : "Ortho.Tests");
            Say($"running the cross-device tests, for at most {Left().TotalMinutes:0.0} minutes");
            report.Tests = new CrossDeviceTests(program, parsed.GetValue(testsFilter)!).Run($"{gpu.Kind}", Path.ChangeExtension(path, "tests.log"), Left(), token);
            if (report.Tests is null) report.Skipped["tests"] = $"there is no {program}";
            else terminal.Output.WriteLine($"cross-device tests: {report.Tests}");
        }
    }

    static IReadOnlyList<DeviceWork> Works(GpuDevice gpu, WorkScale scale, string key)
    {
        var works = DeviceWork.All(gpu, scale);
        return works.Where(work => work.Kernel.ToString().Contains(key, StringComparison.OrdinalIgnoreCase)).ToList() is { Count: > 0 } chosen ? chosen
            : throw new UsageException($"no kernel matches '{key}'; families are {string.Join(", ", works.Select(work => work.Kernel.Family).Distinct())}");
    }

    DeviceKernel Time(GpuDevice gpu, DeviceWork work, DeviceLimits limits, WorkScale scale, CancellationToken token)
    {
        token.ThrowIfCancellationRequested();
        Say($"  {work.Kernel}");
        try
        {
            using var scope = new TensorScope();
            return DeviceKernel.Of(work.Kernel, DeviceTimer.Measure(gpu, work.Kernel.Prepare(), scale).Median, limits);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // One kernel that a driver refuses must not cost the report on the others.
            return DeviceKernel.Failed(work.Kernel, error);
        }
    }

    GpuDevice Find(string? id)
    {
        var present = services.Devices().Select(found => found.Id).ToList();
        id ??= present.FirstOrDefault(found => found.StartsWith("cuda", StringComparison.Ordinal))
            ?? throw new UsageException($"no CUDA device here; present are {string.Join(", ", present)}. --device takes another");
        if (!present.Contains(id)) throw new UsageException($"no device '{id}' here; present are {string.Join(", ", present)}");
        return services.Open(id) as GpuDevice ?? throw new UsageException($"'{id}' is no GPU; expected one of {string.Join(", ", present.Where(found => found != "cpu"))}");
    }

    void Say(string line)
    {
        if (terminal.IsInteractive) terminal.Error.WriteLine(line);
    }
}
