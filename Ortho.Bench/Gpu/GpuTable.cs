using System.Globalization;
using Ortho.Bench.Experiments;
using Spectre.Console;

namespace Ortho.Bench.Gpu;

/// <summary>The report as a reader sees it, section by section.</summary>
sealed class GpuTable(Terminal terminal)
{
    /// <summary>The device.</summary>
    public void Write(DeviceFacts device) => terminal.Output.WriteLine(device);

    /// <summary>The limits.</summary>
    public void Write(DeviceLimits limits) => terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"limits: copy {limits.CopyGigabytesPerSecond:0} GB/s; multiply-adds {limits.SingleGflops:0} GFLOP/s in float32, {limits.DoubleGflops:0} in float64{(limits.BFloat16Gflops is { } tensor ? $"; mma.sync {tensor:0} in bfloat16" : "")}"));

    /// <summary>The kernels, and PyTorch beside them.</summary>
    public void Write(IReadOnlyList<DeviceKernel> kernels, TorchTimes? torch)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("family", "work");
        foreach (var title in new[] { "time", "GB/s", "GFLOP/s", "of copy", "of roofline" }) _ = table.AddColumn(new TableColumn(title).RightAligned());
        if (torch is not null) _ = table.AddColumn(new TableColumn($"PyTorch {Markup.Escape(torch.Version)}").RightAligned()).AddColumn(new TableColumn("ratio").RightAligned());
        foreach (var kernel in kernels)
        {
            string[] cells =
            [
                kernel.Family, kernel.Work, kernel.Error ?? Text(kernel.Us, "0.0 us"), Text(kernel.GigabytesPerSecond, "0.0"), kernel.Gflops > 0 ? Text(kernel.Gflops, "0.0") : "",
                Text(kernel.CopyShare, "0 %"), Text(kernel.Share, "0 %"),
            ];
            _ = table.AddRow([.. (torch is null ? cells : [.. cells, Text(kernel.PyTorchUs, "0.0 us"), Text(kernel.Ratio, "0.00")]).Select(Markup.Escape)]);
        }
        Terminals.Console(terminal).Write(table);
        if (torch is not null) terminal.Output.WriteLine($"PyTorch ran on {torch.Device}; a ratio below 1 is ours faster.");
        foreach (var time in torch?.Times.Where(time => time.Error is not null) ?? []) terminal.Output.WriteLine($"PyTorch, {time.Name}: {time.Error}");
    }

    /// <summary>The elementary functions.</summary>
    public void Write(IReadOnlyList<AccuracyEntry> entries)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("function").AddColumn(new TableColumn("float32 ulp").RightAligned()).AddColumn(new TableColumn("float64 ulp").RightAligned()).AddColumn("as the CPU's");
        foreach (var entry in entries) _ = table.AddRow(entry.Function, Text(entry.SingleUlp, "0.00"), Text(entry.DoubleUlp, "0.00"), entry.SameBits ? "same bits" : "OTHER BITS");
        Terminals.Console(terminal).Write(table);
    }

    static string Text(double? number, string format) => number?.ToString(format, CultureInfo.InvariantCulture) ?? "";
}
