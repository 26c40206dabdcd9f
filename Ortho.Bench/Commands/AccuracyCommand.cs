using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Ortho.Bench.Experiments;
using Ortho.Tensors;
using Ortho.Tensors.IO;
using Spectre.Console;

namespace Ortho.Bench.Commands;

/// <summary><c>accuracy</c>: the error of every elementary function on every device.</summary>
/// <param name="services">The devices.</param>
/// <param name="terminal">Where to write.</param>
sealed class AccuracyCommand(Services services, Terminal terminal)
{
    // What the simulator does in a few seconds.
    const int SimulatedPoints = 1 << 10;

    readonly Option<string[]> devices = new("--device") { Description = "Devices to sweep; all that are found, without the simulator, when none is named.", HelpName = "ID", AllowMultipleArgumentsPerToken = true };
    readonly Option<int> points = new("--points") { Description = "Arguments of each function and type.", HelpName = "N", DefaultValueFactory = _ => 1 << 18 };
    readonly Option<string?> json = new("--json") { Description = "Also write the table to this file.", HelpName = "FILE" };

    /// <summary>The command.</summary>
    public Command Create()
    {
        var command = new Command("accuracy", "Sweep the elementary functions: largest errors in units in the last place, and whether devices agree with the CPU.");
        points.RequireAtLeast(1);
        foreach (var option in new Option[] { devices, points, json }) command.Add(option);
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), CancellationToken.None));
        return command;
    }

    int Run(ParseResult parsed, CancellationToken token)
    {
        var present = services.Devices().Select(device => device.Id).ToList();
        var chosen = parsed.GetValue(devices) is { Length: > 0 } wanted ? wanted : [.. present.Where(id => id != "simulator")];
        if (chosen.FirstOrDefault(id => !present.Contains(id)) is { } missing)
            throw new UsageException($"no device '{missing}' here; present are {string.Join(", ", present)}");
        var jsonPath = ResultFile.Prepare(parsed.GetValue(json));
        var opened = chosen.Select(services.Open).ToList();

        List<AccuracyEntry> entries = [];
        var table = new Table().Border(TableBorder.Rounded).AddColumns("function", "arguments");
        foreach (var id in chosen)
            table.AddColumn(new TableColumn($"{id}\nfloat32").RightAligned()).AddColumn(new TableColumn($"\nfloat64").RightAligned()).AddColumn(new TableColumn("as the\nCPU's"));
        foreach (var function in Accuracy.Functions)
        {
            token.ThrowIfCancellationRequested();
            var row = opened.Select(device => Accuracy.Sweep(function, device, device.Kind == DeviceKind.Simulator ? Math.Min(SimulatedPoints, parsed.GetValue(points)) : parsed.GetValue(points))).ToList();
            entries.AddRange(row);
            _ = table.AddRow([function.Name, $"{Number(function.From)} .. {Number(function.To)}", .. row.SelectMany(Cells)]);
        }
        Terminals.Console(terminal).Write(table);
        terminal.Output.WriteLine("Largest errors in units in the last place. float32 against the CPU's float64; float64 against the C library, itself within 1.");
        if (jsonPath is not null) AtomicFile.Write(jsonPath, JsonSerializer.SerializeToUtf8Bytes(entries, ResultJson.Default.IReadOnlyListAccuracyEntry));
        return entries.TrueForAll(entry => entry.SameBits) ? Application.Success : Application.Failure;

        static string[] Cells(AccuracyEntry entry) => [Ulp(entry.SingleUlp), Ulp(entry.DoubleUlp), entry.SameBits ? "same bits" : "OTHER BITS"];

        static string Ulp(double? error) => error?.ToString("0.00", CultureInfo.InvariantCulture) ?? "";

        static string Number(double x) => double.IsInfinity(x) ? x > 0 ? "∞" : "-∞" : x.ToString("0", CultureInfo.InvariantCulture);
    }
}
