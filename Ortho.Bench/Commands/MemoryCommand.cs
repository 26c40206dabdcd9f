using System.CommandLine;
using System.Globalization;
using Ortho.Bench.Experiments;
using Ortho.Bench.Reports;
using Ortho.Tensors.IO;
using Spectre.Console;

namespace Ortho.Bench.Commands;

/// <summary><c>memory</c>: a long training loop without one <c>Dispose</c>, and the curve of its memory.</summary>
sealed class MemoryCommand(Terminal terminal)
{
    const int Samples = 100;

    readonly Option<int> steps = new("--steps") { Description = "Training steps.", HelpName = "N", DefaultValueFactory = _ => 10000 };
    readonly Option<string> output = new("--out") { Description = "Folder for memory.html; made if it is missing.", HelpName = "DIR", DefaultValueFactory = _ => "." };
    readonly Option<string?> json = new("--json") { Description = "Also write the curve to this file.", HelpName = "FILE" };

    /// <summary>The command.</summary>
    public Command Create()
    {
        var command = new Command("memory", "Train a small network for many steps without disposing anything, and show that memory stays flat.");
        steps.RequireAtLeast(Samples);
        foreach (var option in new Option[] { steps, output, json }) command.Add(option);
        command.SetAction(Run);
        return command;
    }

    void Run(ParseResult parsed)
    {
        var page = ResultFile.Prepare(Path.Combine(parsed.GetValue(output)!, "memory.html"))!;
        var jsonPath = ResultFile.Prepare(parsed.GetValue(json));
        var curve = MemorySoak.Run(parsed.GetValue(steps), Samples);
        string[] head = ["step", "resident MB", "live MB", "cached MB", "allocations"];
        var rows = curve.Samples.Where((_, i) => (i + 1) % 10 == 0).Select(Cells).ToList();
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var column in head) _ = table.AddColumn(new TableColumn(column).RightAligned());
        foreach (var row in rows) _ = table.AddRow(row);
        Terminals.Console(terminal).Write(table);
        terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"largest resident size, second half over second quarter: {curve.Growth:0.000}"));
        AtomicFile.Write(page, Page.Render("Ortho: memory", $"""
            <h1>Memory of a training loop without one Dispose</h1>
            <div class="plots">
            {Plots.Steps("Memory", "MB", [Curve("resident", sample => sample.Resident), Curve("live tensors", sample => sample.Live), Curve("cached", sample => sample.Cached)])}
            </div>
            {Page.Table(head, rows)}
            """));
        terminal.Output.WriteLine($"report: {page}");
        if (jsonPath is not null) AtomicFile.Write(jsonPath, curve.ToJson());

        (string, IReadOnlyList<(double, double)>) Curve(string name, Func<MemorySample, long> bytes)
            => (name, [.. curve.Samples.Select(sample => ((double)sample.Step, bytes(sample) / 1048576.0))]);
    }

    static string[] Cells(MemorySample sample)
    {
        return [Whole(sample.Step), Megabytes(sample.Resident), Megabytes(sample.Live), Megabytes(sample.Cached), Whole(sample.Allocations)];

        static string Whole(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

        static string Megabytes(long bytes) => (bytes / 1048576.0).ToString("0.0", CultureInfo.InvariantCulture);
    }
}
