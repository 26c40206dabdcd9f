namespace Ortho.Bench.Systems;

/// <summary>A published system in miniature: an experiment on generated data that shows what the library's component for it must show.</summary>
interface ISystem
{
    /// <summary>Its number among <see cref="SystemCatalog.Titles"/>, two digits.</summary>
    string Key { get; }

    /// <summary>Runs the experiment once for each seed and judges the means.</summary>
    /// <param name="seeds">What generated data, weights and order depend on.</param>
    /// <param name="say">Told in a line what goes on.</param>
    /// <param name="token">Looked at between trainings.</param>
    /// <exception cref="OperationCanceledException">The token asked for it.</exception>
    IReadOnlyList<Metric> Run(IReadOnlyList<ulong> seeds, Action<string> say, CancellationToken token);
}

/// <summary>One figure of an experiment.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Expected">What it is held to, as a reader understands it; empty for a figure that is only reported.</param>
/// <param name="Obtained">What came out.</param>
/// <param name="Holds">Whether it is as expected.</param>
sealed record Metric(string Name, string Expected, double Obtained, bool Holds)
{
    /// <summary>A figure that must not be below a bound.</summary>
    public static Metric AtLeast(string name, double bound, double obtained) => new(name, Text($">= {bound:0.#####}"), obtained, obtained >= bound);

    /// <summary>A figure that must not be above a bound.</summary>
    public static Metric AtMost(string name, double bound, double obtained) => new(name, Text($"<= {bound:0.#####}"), obtained, obtained <= bound);

    /// <summary>A figure that is told and not judged.</summary>
    public static Metric Report(string name, double obtained) => new(name, "", obtained, true);

    static string Text(FormattableString text) => FormattableString.Invariant(text);
}

/// <summary>The outcome of one system's experiment, and the shape of the <c>--json</c> file.</summary>
/// <param name="System">The system's number.</param>
/// <param name="Title">Its title.</param>
/// <param name="Seeds">The seeds it ran with; none when it only was listed.</param>
/// <param name="Metrics">What was measured.</param>
/// <param name="Holds">Whether everything is as expected; null when it only was listed.</param>
sealed record SystemResult(string System, string Title, IReadOnlyList<ulong> Seeds, IReadOnlyList<Metric> Metrics, bool? Holds)
{
    /// <summary>Whether there is an experiment to run: <c>ready</c> or <c>planned</c>.</summary>
    public string Status { get; init; } = "ready";
}
