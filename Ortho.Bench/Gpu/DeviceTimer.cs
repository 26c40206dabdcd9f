using System.Diagnostics;
using Ortho.Kernels.Gpu;

namespace Ortho.Bench.Gpu;

/// <summary>Seconds that one run of some work takes on a device.</summary>
/// <param name="Fastest">In the fastest round: for limits.</param>
/// <param name="Median">In the median round: for results.</param>
sealed record DeviceTime(double Fastest, double Median);

/// <summary>Times work on a device by the wall: rounds of so many runs that waiting for the last of them does not count.</summary>
static class DeviceTimer
{
    const int Rounds = 7;

    // The longest that all rounds of one work may take, as far as it is known beforehand.
    const double Patience = 4;

    /// <summary>Runs some work until its time is known; the first run, which compiles, does not count.</summary>
    public static DeviceTime Measure(GpuDevice gpu, Action run, WorkScale scale)
    {
        run();
        gpu.Synchronize();
        var one = Seconds(1);
        var runs = (int)Math.Clamp(scale.Pick(0.03, 0.003, 0) / one, 1, 10_000);
        var rounds = (int)Math.Clamp(Patience / (one * runs), 1, Rounds);
        var seconds = Enumerable.Range(0, rounds).Select(_ => Seconds(runs)).Order().ToList();
        return new(seconds[0], seconds[rounds / 2]);

        double Seconds(int times)
        {
            var start = Stopwatch.GetTimestamp();
            for (var time = 0; time < times; time++) run();
            gpu.Synchronize();
            return Stopwatch.GetElapsedTime(start).TotalSeconds / times;
        }
    }
}
