using System.CommandLine;
using Spectre.Console;

namespace Ortho.Bench.Commands;

/// <summary><c>devices</c>: what was found on this machine.</summary>
sealed class DevicesCommand(Services services, Terminal terminal)
{
    /// <summary>The command.</summary>
    public Command Create()
    {
        var command = new Command("devices", "List the devices that were found; the first is used when none is named.");
        command.SetAction(_ => List());
        return command;
    }

    void List()
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("device", "name", "details");
        foreach (var device in services.Devices())
            _ = table.AddRow(Markup.Escape(device.Id), Markup.Escape(device.Name), Markup.Escape(device.Details));
        Terminals.Console(terminal).Write(table);
    }
}
