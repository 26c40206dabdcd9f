using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Ortho.Bench.Systems;
using Ortho.Tensors.IO;
using Spectre.Console;

namespace Ortho.Bench.Commands;

/// <summary><c>systems</c>: the experiments on published systems in miniature; without a number, the list of them.</summary>
/// <param name="systems">The experiments there are.</param>
/// <param name="terminal">Where to write.</param>
sealed class SystemsCommand(IReadOnlyList<ISystem> systems, Terminal terminal)
{
    readonly Argument<string?> key = new("NN") { Description = "The system's number; without it, all are listed.", Arity = ArgumentArity.ZeroOrOne };
    readonly Option<ulong> seed = new("--seed") { Description = "The first seed.", HelpName = "S", DefaultValueFactory = _ => 1 };
    readonly Option<int> count = new("--seeds") { Description = "How many seeds, from the first one on; their means are judged.", HelpName = "N", DefaultValueFactory = _ => 3 };
    readonly Option<string?> json = new("--json") { Description = "Also write the results to this file.", HelpName = "FILE" };

    /// <summary>The command.</summary>
    public Command Create()
    {
        var command = new Command("systems", "Run a system's experiment and hold it to what is expected of it, or list the systems.");
        count.RequireAtLeast(1);
        command.Add(key);
        foreach (var option in new Option[] { seed, count, json }) command.Add(option);
        command.SetAction((parsed, token) => Task.Run(() => parsed.GetValue(key) is { } chosen ? Run(parsed, Find(chosen), token) : List(parsed), CancellationToken.None));
        return command;
    }

    int List(ParseResult parsed)
    {
        var path = ResultFile.Prepare(parsed.GetValue(json));
        var ready = systems.Select(system => system.Key).ToHashSet();
        SystemResult[] all = [.. SystemCatalog.Titles.Select(title => new SystemResult(title.Key, title.Value, [], [], null) { Status = ready.Contains(title.Key) ? "ready" : "planned" })];
        var table = new Table().Border(TableBorder.Rounded).AddColumns("system", "title", "experiment");
        foreach (var system in all) _ = table.AddRow(system.System, Markup.Escape(system.Title), system.Status);
        Terminals.Console(terminal).Write(table);
        if (path is not null) AtomicFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(all, ResultJson.Default.IReadOnlyListSystemResult));
        return Application.Success;
    }

    int Run(ParseResult parsed, ISystem system, CancellationToken token)
    {
        var path = ResultFile.Prepare(parsed.GetValue(json));
        ulong[] seeds = [.. Enumerable.Range(0, parsed.GetValue(count)).Select(k => parsed.GetValue(seed) + (ulong)k)];
        var metrics = system.Run(seeds, terminal.Error.WriteLine, token);
        var result = new SystemResult(system.Key, SystemCatalog.Titles[system.Key], seeds, metrics, metrics.All(metric => metric.Holds));
        var table = new Table().Border(TableBorder.Rounded).Title(Markup.Escape($"{result.System} {result.Title}"))
            .AddColumns("metric", "expected").AddColumn(new TableColumn("obtained").RightAligned()).AddColumn("");
        foreach (var metric in metrics)
            _ = table.AddRow(Markup.Escape(metric.Name), Markup.Escape(metric.Expected), metric.Obtained.ToString("0.#####", CultureInfo.InvariantCulture), Verdict(metric));
        Terminals.Console(terminal).Write(table);
        if (path is not null) AtomicFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(result, ResultJson.Default.SystemResult));
        return result.Holds == true ? Application.Success : Application.Failure;

        static string Verdict(Metric metric) => metric.Expected.Length == 0 ? "" : metric.Holds ? "holds" : "MISSED";
    }

    ISystem Find(string chosen)
    {
        var number = chosen.PadLeft(2, '0');
        if (!SystemCatalog.Titles.TryGetValue(number, out var title))
            throw new UsageException($"no system '{chosen}'; expected a number from {SystemCatalog.Titles.Keys.First()} to {SystemCatalog.Titles.Keys.Last()}");
        return systems.FirstOrDefault(system => system.Key == number)
            ?? throw new UsageException($"system {number}, {title}, has no experiment yet; there are {string.Join(", ", systems.Select(system => system.Key))}");
    }
}
