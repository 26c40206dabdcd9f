using System.Diagnostics;

namespace Ortho.Bench.Gpu;

/// <summary>Another program, run to its end or for as long as there is time.</summary>
static class ChildProgram
{
    /// <summary>What it wrote, and how it ended: null when it was stopped.</summary>
    internal sealed record Outcome(int? ExitCode, string Output, string Error);

    /// <summary>Runs a program.</summary>
    /// <param name="program">Its path, or its name on PATH.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="input">What it reads.</param>
    /// <param name="limit">When it is stopped.</param>
    /// <param name="environment">Variables beside those of this process.</param>
    /// <param name="token">Stops it, too.</param>
    /// <returns>Null when there is no such program.</returns>
    /// <exception cref="OperationCanceledException">The token asked for it.</exception>
    public static Outcome? Run(string program, IEnumerable<string> arguments, byte[] input, TimeSpan limit, IReadOnlyDictionary<string, string> environment, CancellationToken token)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
        using (process)
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(CancellationToken.None), process.StandardError.ReadToEndAsync(CancellationToken.None));
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(token);
            stop.CancelAfter(limit > TimeSpan.Zero ? limit : TimeSpan.FromMilliseconds(1));
            try
            {
                process.StandardInput.BaseStream.Write(input);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It ended before it read everything: its exit code tells.
            }
            try
            {
                process.WaitForExitAsync(stop.Token).GetAwaiter().GetResult();
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                process.WaitForExit();
                token.ThrowIfCancellationRequested();
                return new(null, output.Result, error.Result);
            }
            return new(process.ExitCode, output.Result, error.Result);
        }
    }
}
