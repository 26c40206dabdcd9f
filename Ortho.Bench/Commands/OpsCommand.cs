using System.CommandLine;
using System.Text;
using Ortho.Tensors.IO;
using Spectre.Console;

namespace Ortho.Bench.Commands;

/// <summary><c>ops</c>: what the library can do, read off its catalog of ops.</summary>
sealed class OpsCommand(Terminal terminal)
{
    readonly Option<string?> json = new("--json") { Description = "Write the list to this file instead.", HelpName = "FILE" };
    readonly Option<string?> readme = new("--readme") { Description = "Bring the list in this README up to date instead.", HelpName = "FILE" };

    /// <summary>The command.</summary>
    public Command Create()
    {
        var command = new Command("ops", "List the ops: family, dtypes, devices, derivatives.");
        command.Add(json);
        command.Add(readme);
        command.SetAction(parsed => Run(parsed.GetValue(json), parsed.GetValue(readme)));
        return command;
    }

    void Run(string? jsonPath, string? readmePath)
    {
        if (jsonPath is not null) AtomicFile.Write(jsonPath, OpList.ToJson());
        if (readmePath is not null) AtomicFile.Write(readmePath, Encoding.UTF8.GetBytes(OpList.Update(File.ReadAllText(readmePath))));
        if (jsonPath is not null || readmePath is not null) return;
        var table = new Table().Border(TableBorder.Simple).AddColumns("family", "op", "dtypes", "devices", "derivative");
        foreach (var op in OpList.All)
            _ = table.AddRow([.. new[] { op.Family, op.Name, string.Join(" ", op.Dtypes), string.Join(" ", op.Devices), op.SecondOrder ? "any order" : op.Derivative ? "first" : "none" }.Select(Markup.Escape)]);
        Terminals.Console(terminal).Write(table);
        terminal.Output.WriteLine($"{OpList.All.Count} ops");
    }
}
