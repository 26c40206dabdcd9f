using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace Ortho.Tests.Support;

/// <summary>NVIDIA's PTX assembler, which needs no GPU; <c>.ci/ptxas</c> fetches it.</summary>
static partial class Ptxas
{
    /// <summary>The environment variable that names the program.</summary>
    public const string Variable = "ORTHO_PTXAS";

    static string? Program => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } path ? path : null;

    /// <summary>Ends the current test as ignored where there is no assembler; one that is named but absent is an error.</summary>
    public static void Require()
    {
        if (Program is null)
            Assert.Ignore($"{Variable} names no assembler; `{Variable}=$(.ci/ptxas) dotnet test` does.");
        if (!File.Exists(Program))
            Assert.Fail($"{Variable} is {Program}, which does not exist.");
    }

    /// <summary>What the assembler says about a kernel.</summary>
    /// <param name="Registers">Registers for each thread.</param>
    /// <param name="SpillStores">Bytes stored because registers ran out.</param>
    /// <param name="SpillLoads">Bytes loaded again.</param>
    /// <param name="Stack">Bytes of stack: arrays and structs that did not fit registers.</param>
    /// <param name="Shared">Bytes of static shared memory for each block.</param>
    public sealed record Usage(int Registers, int SpillStores, int SpillLoads, int Stack, int Shared);

    /// <summary>Assembles PTX text for a target such as <c>sm_90</c>; the machine code is thrown away.</summary>
    /// <exception cref="AssertionException">The text does not assemble; the message is the assembler's.</exception>
    public static Usage Assemble(string ptx, string target)
    {
        var folder = Directory.CreateTempSubdirectory("ortho-ptxas");
        try
        {
            var source = Path.Combine(folder.FullName, "kernel.ptx");
            File.WriteAllText(source, ptx);
            var start = new ProcessStartInfo(Program!, ["-v", "-warn-spills", $"-arch={target}", "-o", Path.ChangeExtension(source, "cubin"), source])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync();
            var report = process.StandardError.ReadToEnd() + output.Result;
            process.WaitForExit();
            if (process.ExitCode != 0)
                throw new AssertionException($"ptxas {target} failed:\n{report}\n{Numbered(ptx)}");
            return Parse(report);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Reads the report of <c>ptxas -v</c>. Functions that were not inlined report spills of their own: they count together.</summary>
    public static Usage Parse(string report)
    {
        var used = UsedLine().Match(report);
        if (!used.Success)
            throw new AssertionException($"ptxas reported no registers:\n{report}");
        return new(
            Registers: Number(used),
            SpillStores: SpillStores().Matches(report).Sum(Number),
            SpillLoads: SpillLoads().Matches(report).Sum(Number),
            Stack: Frame().Matches(report).Sum(Number),
            // Left out of the line when a kernel has none.
            Shared: Shared().Match(report) is { Success: true } shared ? Number(shared) : 0);
    }

    static int Number(Match match) => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);

    static string Numbered(string text) => string.Join('\n', text.Split('\n').Select((line, i) => $"{i + 1,5}  {line}"));

    [GeneratedRegex(@"Used (\d+) registers")] private static partial Regex UsedLine();

    [GeneratedRegex(@"(\d+) bytes spill stores")] private static partial Regex SpillStores();

    [GeneratedRegex(@"(\d+) bytes spill loads")] private static partial Regex SpillLoads();

    [GeneratedRegex(@"(\d+) bytes stack frame")] private static partial Regex Frame();

    [GeneratedRegex(@"(\d+) bytes smem")] private static partial Regex Shared();
}
