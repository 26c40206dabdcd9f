namespace Ortho.Bench.Peers;

/// <summary>One side of a comparison.</summary>
/// <param name="Run">Does the work once and lets go of the result.</param>
/// <param name="Result">Does the work once and copies the result, row-major.</param>
sealed record Contender(Action Run, Func<float[]> Result);

/// <summary>The same work on the same numbers, done by Ortho and by a peer.</summary>
/// <param name="Family">Key of a family of work.</param>
/// <param name="Work">What is done, with sizes.</param>
/// <param name="Peer">Who does it too.</param>
/// <param name="Tolerance">Largest difference of the results, relative to the peer's largest number.</param>
/// <param name="Prepare">Makes the inputs and both contenders.</param>
sealed record Comparison(string Family, string Work, string Peer, double Tolerance, Func<(Contender Ours, Contender Theirs)> Prepare);

/// <summary>What came of a comparison; the entries of the <c>--json</c> file.</summary>
/// <param name="Family">Key of the family.</param>
/// <param name="Work">What was done.</param>
/// <param name="Threads">Threads of both.</param>
/// <param name="OursMs">Ortho's median time in milliseconds.</param>
/// <param name="Peer">The peer's name.</param>
/// <param name="PeerMs">Its median time.</param>
/// <param name="Ratio">Ours over theirs.</param>
/// <param name="MaxAbsDiff">Largest difference between the results.</param>
sealed record PeerResult(string Family, string Work, int Threads, double OursMs, string Peer, double PeerMs, double Ratio, double MaxAbsDiff);

/// <summary>A peer as the command sees it.</summary>
interface IPeer
{
    /// <summary>Its comparisons.</summary>
    IEnumerable<Comparison> Comparisons { get; }

    /// <summary>Sets the number of threads it uses.</summary>
    void SetThreads(int count);
}
