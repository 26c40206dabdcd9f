using System.Globalization;

namespace Ortho.Bench;

/// <summary>One line of the comparison, with a value for each network.</summary>
sealed record SummaryRow(string Label, IReadOnlyList<string> Values);

/// <summary>The comparison that both the terminal and the report print.</summary>
static class Summary
{
    /// <summary>Accuracy, certified accuracy, accuracy under attack, orthogonality, time, loss.</summary>
    public static IReadOnlyList<SummaryRow> Of(RunResult result) =>
    [
        Row(result, "accuracy", network => Percent(network.Accuracy)),
        .. Radii(result, network => network.Certified).Select(radius =>
            Row(result, $"certified, radius {radius}", network => Percent(network.Certified, radius))),
        .. Radii(result, network => network.Pgd).Select(radius =>
            Row(result, $"under PGD, radius {radius}", network => Percent(network.Pgd, radius))),
        Row(result, "largest |singular value - 1|", network => Number(network.MaxSingularValueError, "0.0e+0")),
        Row(result, "milliseconds per step", network => Number(network.MsPerStep, "0.00")),
        Row(result, "final loss", network => Number(network.FinalLoss, "0.0000")),
    ];

    /// <summary>As percent with one decimal.</summary>
    public static string Percent(double share) => Number(100 * share, "0.0") + " %";

    static string Percent(IReadOnlyDictionary<string, double> shares, string radius)
        => shares.TryGetValue(radius, out var share) ? Percent(share) : "-";

    static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    static IEnumerable<string> Radii(RunResult result, Func<NetworkResult, IReadOnlyDictionary<string, double>> shares)
        => result.Networks.SelectMany(network => shares(network).Keys).Distinct();

    static SummaryRow Row(RunResult result, string label, Func<NetworkResult, string> value) => new(label, [.. result.Networks.Select(value)]);
}
