using System.Globalization;
using System.Text.RegularExpressions;

namespace Ortho.Bench.Gpu;

/// <summary>The tests of Ortho.Tests that run on every device, run on one kind of device by the program that stands beside this
/// one.</summary>
/// <param name="program">Its path.</param>
/// <param name="filter">Which tests.</param>
sealed partial class CrossDeviceTests(string program, string filter)
{
    /// <summary>Runs them.</summary>
    /// <param name="kind">The kind of device, beside the CPU.</param>
    /// <param name="log">Where the complete output goes.</param>
    /// <param name="limit">When they are stopped.</param>
    /// <param name="token">Stops them, too.</param>
    /// <returns>Null when there is no such program.</returns>
    public TestOutcome? Run(string kind, string log, TimeSpan limit, CancellationToken token)
    {
        var outcome = ChildProgram.Run(program, ["--progress", "off", "--no-ansi", "--filter", filter], [], limit, new Dictionary<string, string> { ["ORTHO_TEST_DEVICES"] = kind }, token);
        if (outcome is null) return null;
        File.WriteAllText(log, outcome.Output + outcome.Error);
        return Parse(outcome.Output, outcome.ExitCode, log);
    }

    /// <summary>Reads the summary at the end of the test program's output; zeros where there is none.</summary>
    internal static TestOutcome Parse(string output, int? exitCode, string log)
    {
        var counts = SummaryLine().Matches(output).GroupBy(match => match.Groups[1].Value)
            .ToDictionary(group => group.Key, group => int.Parse(group.Last().Groups[2].Value, CultureInfo.InvariantCulture));
        return new(counts.GetValueOrDefault("succeeded"), counts.GetValueOrDefault("failed"), counts.GetValueOrDefault("skipped"), exitCode, log);
    }

    [GeneratedRegex(@"^\s*(succeeded|failed|skipped): (\d+)\s*$", RegexOptions.Multiline)]
    private static partial Regex SummaryLine();
}
