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
    public sealed record Usage(int Registers, int SpillStores, int SpillLoads, int Stack, int Shared)
    {
        /// <summary>What it warns of, such as asynchronous products that it makes wait for each other; spills are counted instead.</summary>
        public string Warnings { get; init; } = "";
    }

    /// <summary>Assembles PTX text for a target such as <c>sm_90</c>; the machine code is thrown away.</summary>
    /// <exception cref="AssertionException">The text does not assemble; the message is the assembler's.</exception>
    public static Usage Assemble(string ptx, string target) => Inspect(ptx, target, readsCode: false).Usage;

    /// <summary>An innermost loop of machine code.</summary>
    /// <param name="Instructions">Its length.</param>
    /// <param name="Fma">How many of them are fused multiply-adds of float32 or float64.</param>
    public sealed record Loop(int Instructions, int Fma)
    {
        /// <summary>How many are products of tensor cores.</summary>
        public int Products { get; init; }

        /// <summary>Their share.</summary>
        public double MultiplyAdds => (double)Fma / Instructions;

        /// <inheritdoc/>
        public override string ToString() => Products > 0
            ? $", {Products} products of {Instructions} instructions"
            : string.Create(CultureInfo.InvariantCulture, $", {Fma} multiply-adds of {Instructions} instructions ({MultiplyAdds:0.0 %})");
    }

    /// <summary>Assembles PTX text, and lists the machine code where NVIDIA's disassembler stands beside the assembler.</summary>
    /// <param name="ptx">The text.</param>
    /// <param name="target">Such as <c>sm_90</c>.</param>
    /// <param name="readsCode">Whether the machine code is wanted; it is null where it is not, or cannot be read.</param>
    /// <exception cref="AssertionException">The text does not assemble; the message is the assembler's.</exception>
    public static (Usage Usage, string? Code) Inspect(string ptx, string target, bool readsCode)
    {
        var folder = Directory.CreateTempSubdirectory("ortho-ptxas");
        try
        {
            var (source, code) = (Path.Combine(folder.FullName, "kernel.ptx"), Path.Combine(folder.FullName, "kernel.cubin"));
            File.WriteAllText(source, ptx);
            var (exitCode, report) = Run(Program!, "-v", "-warn-spills", $"-arch={target}", "-o", code, source);
            if (exitCode != 0)
                throw new AssertionException($"ptxas {target} failed:\n{report}\n{Numbered(ptx)}");
            // It calls nvdisasm, which .ci/ptxas puts there, too.
            var disassembler = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(Program!))!, "cuobjdump");
            return (Parse(report), readsCode && File.Exists(disassembler) && Run(disassembler, "-sass", code) is (0, var text) ? text : null);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    static (int ExitCode, string Output) Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = $"{Path.GetDirectoryName(Path.GetFullPath(program))}{Path.PathSeparator}{start.Environment["PATH"]}";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var report = process.StandardError.ReadToEnd() + output.Result;
        process.WaitForExit();
        return (process.ExitCode, report);
    }

    /// <summary>The longest loop without a loop in it, of a disassembler's listing: a branch backwards, and what lies between.</summary>
    public static Loop? LongestLoop(string listing)
    {
        var code = Instruction().Matches(listing).Select(match => (Address: Convert.ToInt32(match.Groups[1].Value, 16), Text: match.Groups[2].Value)).ToList();
        var loops = code.Select((instruction, at) => (Begin: Branch().Match(instruction.Text) is { Success: true } branch
            ? code.FindIndex(target => target.Address == Convert.ToInt32(branch.Groups[1].Value, 16)) : -1, End: at)).Where(loop => loop.Begin >= 0 && loop.Begin < loop.End).ToList();
        return loops.Where(loop => !loops.Exists(inner => inner != loop && inner.Begin >= loop.Begin && inner.End <= loop.End))
            .Select(loop => code[loop.Begin..(loop.End + 1)]).Select(loop => new Loop(loop.Count, loop.Count(instruction => Multiplies().IsMatch(instruction.Text))) { Products = loop.Count(instruction => MultipliesMatrices().IsMatch(instruction.Text)) })
            .MaxBy(loop => loop.Instructions);
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
            Shared: Shared().Match(report) is { Success: true } shared ? Number(shared) : 0)
        {
            Warnings = string.Join('\n', report.Split('\n').Where(line => Warning().IsMatch(line))),
        };
    }

    static int Number(Match match) => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);

    static string Numbered(string text) => string.Join('\n', text.Split('\n').Select((line, i) => $"{i + 1,5}  {line}"));

    [GeneratedRegex(@"^\s*/\*([0-9a-f]{4,})\*/\s+(.*?)\s*;", RegexOptions.Multiline)] private static partial Regex Instruction();

    [GeneratedRegex(@"\bBRA\b.*?\b0x([0-9a-f]+)")] private static partial Regex Branch();

    [GeneratedRegex(@"^(@!?U?P\d+\s+)?[FD]FMA\b")] private static partial Regex Multiplies();

    [GeneratedRegex(@"^(@!?U?P\d+\s+)?HG?MMA\b")] private static partial Regex MultipliesMatrices();

    [GeneratedRegex(@"^ptxas\s.*\b(?:warning\s*:(?!.*spill)|performance loss|serialized)", RegexOptions.IgnoreCase)] private static partial Regex Warning();

    [GeneratedRegex(@"Used (\d+) registers")] private static partial Regex UsedLine();

    [GeneratedRegex(@"(\d+) bytes spill stores")] private static partial Regex SpillStores();

    [GeneratedRegex(@"(\d+) bytes spill loads")] private static partial Regex SpillLoads();

    [GeneratedRegex(@"(\d+) bytes stack frame")] private static partial Regex Frame();

    [GeneratedRegex(@"(\d+) bytes smem")] private static partial Regex Shared();
}
