using Spectre.Console;

namespace Ortho.Bench;

/// <summary>Spectre.Console on top of a <see cref="Terminal"/>.</summary>
static class Terminals
{
    // Into a file or a pipe there is no width to ask for; tables should not be folded to 80 columns there.
    const int RedirectedWidth = 140;

    /// <summary>A console that writes colours and redraws only where somebody watches.</summary>
    public static IAnsiConsole Console(Terminal terminal)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(terminal.Output),
            Ansi = terminal.IsInteractive ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = terminal.IsInteractive ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = terminal.IsInteractive ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!terminal.IsInteractive) console.Profile.Width = RedirectedWidth;
        return console;
    }
}
