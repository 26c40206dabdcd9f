using System.Diagnostics;

namespace Ortho.Bench.Peers;

/// <summary>Runs one comparison: results first, then both sides in turn, so that whatever else the machine does hits both.</summary>
static class Match
{
    // One timing covers at least this long, so that the clock and the call do not count.
    const double ShortestTimingMs = 2;

    // Work of the same kind before each timing.
    const double RunUpMs = 10;

    /// <summary>Compares results and times.</summary>
    /// <param name="comparison">The work.</param>
    /// <param name="threads">For the report; both sides are set up already.</param>
    /// <param name="isQuick">Fewer rounds.</param>
    /// <exception cref="InvalidDataException">The results differ by more than the tolerance.</exception>
    public static PeerResult Play(Comparison comparison, int threads, bool isQuick)
    {
        var (ours, theirs) = comparison.Prepare();
        var (mine, other) = (ours.Result(), theirs.Result());
        if (mine.Length != other.Length)
            throw new InvalidDataException($"{comparison.Work}: {mine.Length} numbers, {comparison.Peer} has {other.Length}");
        double difference = 0, largest = 0;
        for (var i = 0; i < mine.Length; i++)
        {
            var distance = Math.Abs((double)mine[i] - other[i]);
            difference = Math.Max(difference, double.IsNaN(distance) ? double.PositiveInfinity : distance);
            largest = Math.Max(largest, Math.Abs((double)other[i]));
        }
        if (!(difference <= comparison.Tolerance * largest)) // NaN is no agreement
            throw new InvalidDataException($"{comparison.Work}: results differ from {comparison.Peer}'s by {difference:g3} of {largest:g3}; expected {comparison.Tolerance:g3} of it");

        var (oursCount, theirsCount) = (WarmUp(ours.Run, isQuick), WarmUp(theirs.Run, isQuick));
        var (oursMs, theirsMs) = (new List<double>(), new List<double>());
        var clock = Stopwatch.StartNew();
        var (fewest, budget) = isQuick ? (5, 400) : (7, 1000);
        while (oursMs.Count < fewest || clock.ElapsedMilliseconds < budget && oursMs.Count < 200)
        {
            oursMs.Add(Time(ours.Run, oursCount));
            theirsMs.Add(Time(theirs.Run, theirsCount));
        }
        var (a, b) = (Median(oursMs), Median(theirsMs));
        return new(comparison.Family, comparison.Work, threads, a, comparison.Peer, b, a / b, difference);
    }

    // Past tiered compilation; returns how many runs make one timing.
    static int WarmUp(Action run, bool isQuick)
    {
        var clock = Stopwatch.StartNew();
        var runs = 0;
        while (runs < 3 || clock.ElapsedMilliseconds < (isQuick ? 150 : 600))
        {
            run();
            runs++;
        }
        Thread.Sleep(120); // the compiler's background thread replaces what was found hot
        var once = Time(run, 1);
        return Math.Max(1, (int)Math.Ceiling(ShortestTimingMs / Math.Max(once, 1e-4)));
    }

    static double Time(Action run, int count)
    {
        // Threads of the other side may still be waiting for work in a loop, on a core that this side needs: libgomp's do for some
        // milliseconds after each call. After such a pause processors (virtual ones above all) come back slowly, so what is timed is what
        // follows some milliseconds of the same work.
        Thread.Sleep(20);
        var warm = Stopwatch.GetTimestamp();
        do
        {
            run();
        }
        while (Stopwatch.GetElapsedTime(warm).TotalMilliseconds < RunUpMs);
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++)
            run();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds / count;
    }

    static double Median(List<double> times)
    {
        times.Sort();
        return times.Count % 2 == 1 ? times[times.Count / 2] : (times[times.Count / 2 - 1] + times[times.Count / 2]) / 2;
    }
}
