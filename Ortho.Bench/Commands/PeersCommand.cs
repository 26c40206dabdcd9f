using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Ortho.Bench.Peers;
using Ortho.Kernels.Host;
using Ortho.Tensors.IO;
using Spectre.Console;

namespace Ortho.Bench.Commands;

/// <summary><c>peers</c>: the same work by Ortho and by other libraries, in one run.</summary>
/// <param name="peers">The peers of this build; none in an ordinary one.</param>
/// <param name="terminal">Where to write.</param>
sealed class PeersCommand(IReadOnlyList<IPeer> peers, Terminal terminal)
{
    readonly Option<string?> filter = new("--filter") { Description = "Only families or works that contain this.", HelpName = "KEY" };
    readonly Option<int?> threads = new("--threads") { Description = "Threads of both sides. Default: 1, then 2.", HelpName = "N" };
    readonly Option<bool> quick = new("--quick") { Description = "Fewer rounds: an impression, not a result." };
    readonly Option<string?> json = new("--json") { Description = "Also write the results to this file.", HelpName = "FILE" };

    /// <summary>The command.</summary>
    public Command Create()
    {
        var command = new Command("peers", "Compare with other libraries (a build with -p:Peers=true; .ci/peers makes and runs it).");
        threads.RequireAtLeast(1);
        foreach (var option in new Option[] { filter, threads, quick, json }) command.Add(option);
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), CancellationToken.None));
        return command;
    }

    int Run(ParseResult parsed, CancellationToken token)
    {
        if (peers.Count == 0) throw new UsageException("this build has no peers; build with -p:Peers=true, or run .ci/peers");
        var key = parsed.GetValue(filter) ?? "";
        var chosen = peers.SelectMany(peer => peer.Comparisons)
            .Where(comparison => comparison.Family.Contains(key, StringComparison.OrdinalIgnoreCase) || comparison.Work.Contains(key, StringComparison.OrdinalIgnoreCase)).ToList();
        if (chosen.Count == 0)
            throw new UsageException($"no work matches '{key}'; families are {string.Join(", ", peers.SelectMany(peer => peer.Comparisons).Select(comparison => comparison.Family).Distinct())}");

        var jsonPath = ResultFile.Prepare(parsed.GetValue(json));
        var (results, failures) = (new List<PeerResult>(), 0);
        foreach (var count in parsed.GetValue(threads) is { } wanted ? [wanted] : new[] { 1, 2 })
        {
            HostThreads.Count = count;
            foreach (var peer in peers) peer.SetThreads(count);
            foreach (var comparison in chosen)
            {
                token.ThrowIfCancellationRequested();
                try
                {
                    results.Add(Match.Play(comparison, count, parsed.GetValue(quick)));
                    terminal.Output.WriteLine(Line(results[^1]));
                }
                catch (InvalidDataException difference)
                {
                    failures++;
                    terminal.Output.WriteLine($"FAILED {difference.Message}");
                }
            }
        }
        PrintFamilies(results);
        if (jsonPath is not null) AtomicFile.Write(jsonPath, JsonSerializer.SerializeToUtf8Bytes(results, ResultJson.Default.IReadOnlyListPeerResult));
        return failures == 0 ? Application.Success : Application.Failure;
    }

    static string Line(PeerResult result) => string.Create(CultureInfo.InvariantCulture,
        $"{result.Family,-24} {result.Work,-52} {result.Threads} thr  ours {result.OursMs,9:0.000} ms  {result.Peer,-9} {result.PeerMs,9:0.000} ms  ratio {result.Ratio,6:0.00}  diff {result.MaxAbsDiff:0.0e+0}");

    void PrintFamilies(List<PeerResult> results)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("family", "peer");
        var counts = results.Select(result => result.Threads).Distinct().ToList();
        foreach (var count in counts) _ = table.AddColumn(new TableColumn($"ratio, {count} thread{(count == 1 ? "" : "s")}").RightAligned());
        _ = table.AddColumns(new TableColumn("floor").RightAligned(), new TableColumn("aim").RightAligned());
        foreach (var family in results.GroupBy(result => (result.Family, result.Peer)))
        {
            var target = family.Key.Peer == Target.Peer ? Target.Of.GetValueOrDefault(family.Key.Family) : null;
            _ = table.AddRow([family.Key.Family, family.Key.Peer, .. counts.Select(count => Cell(family.Where(result => result.Threads == count), target)), Text(target?.Floor), Text(target?.Aim)]);
        }
        Terminals.Console(terminal).Write(table);

        // The geometric mean, marked when it is above the floor.
        static string Cell(IEnumerable<PeerResult> results, Target? target)
        {
            var logarithms = results.Select(result => Math.Log(result.Ratio)).ToList();
            if (logarithms.Count == 0) return "";
            var mean = Math.Exp(logarithms.Average());
            return (mean > target?.Floor ? "! " : "") + Text(mean);
        }

        static string Text(double? ratio) => ratio?.ToString("0.00", CultureInfo.InvariantCulture) ?? "";
    }
}
