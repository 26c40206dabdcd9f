using System.CommandLine;
using System.CommandLine.Invocation;
using Ortho.Bench.Commands;

namespace Ortho.Bench;

/// <summary>Parses the arguments, runs a command and turns what comes of it into an exit code.</summary>
/// <param name="services">Devices and experiments.</param>
/// <param name="terminal">Where to write.</param>
sealed class Application(Services services, Terminal terminal)
{
    /// <summary>The command did what it should.</summary>
    public const int Success = 0;

    /// <summary>The program is at fault; the stack trace is shown.</summary>
    public const int Failure = 1;

    /// <summary>The input is at fault; one line says how.</summary>
    public const int BadInput = 2;

    /// <summary>Interrupted from the keyboard, by the convention of shells: 128 + SIGINT.</summary>
    public const int Cancelled = 130;

    /// <summary>Runs the command that the arguments name.</summary>
    /// <returns>The exit code.</returns>
    public int Run(string[] args)
    {
        var root = new TrainCommand(services, terminal).Root();
        root.Add(new TrainCommand(services, terminal).Train());
        root.Add(new DevicesCommand(services, terminal).Create());
        root.Add(new AccuracyCommand(services, terminal).Create());
        root.Add(new OpsCommand(terminal).Create());
        root.Add(new MemoryCommand(terminal).Create());
        root.Add(new PeersCommand(services.Peers, terminal).Create());
        root.Add(new KernelsCommand(terminal).Create());
        root.Add(new GpuCommand(services, terminal).Create());
        root.Add(new SystemsCommand(services.Systems, terminal).Create());
        try
        {
            var parsed = root.Parse(args);
            if (parsed.Action is ParseErrorAction) return Refuse(parsed.Errors[0].Message);
            RefuseMisplacedOptions(parsed);
            var configuration = new InvocationConfiguration
            {
                Output = terminal.Output,
                Error = terminal.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = TimeSpan.FromSeconds(10), // Ctrl-C waits for the step that is under way, not for a hung driver
            };
            return parsed.Invoke(configuration);
        }
        catch (OperationCanceledException)
        {
            terminal.Error.WriteLine("cancelled");
            return Cancelled;
        }
        catch (Exception exception) when (exception is UsageException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return Refuse(exception.Message);
        }
        catch (Exception exception)
        {
            terminal.Error.WriteLine(exception);
            return Failure;
        }
    }

    int Refuse(string message)
    {
        terminal.Error.WriteLine($"error: {message.ReplaceLineEndings(" ")}");
        return BadInput;
    }

    /// <summary>The main job's options before another command's name would be accepted and then have no effect.</summary>
    static void RefuseMisplacedOptions(ParseResult parsed)
    {
        if (parsed.CommandResult == parsed.RootCommandResult) return;
        foreach (var option in parsed.RootCommandResult.Command.Options)
            if (!option.Recursive && parsed.GetResult(option) is { Implicit: false })
                throw new UsageException($"{option.Name} stands before the command '{parsed.CommandResult.Command.Name}'; put it after.");
    }
}
