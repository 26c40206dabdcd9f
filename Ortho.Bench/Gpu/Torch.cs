using System.Globalization;
using System.Text.Json;

namespace Ortho.Bench.Gpu;

/// <summary>PyTorch's side: a Python script that gets the works and answers with their times.</summary>
/// <param name="python">The interpreter.</param>
sealed class Torch(string python)
{
    static string Script => Path.Combine(AppContext.BaseDirectory, "Gpu", "torch_times.py");

    /// <summary>Times the works that have a PyTorch side.</summary>
    /// <param name="works">The works.</param>
    /// <param name="device"><c>cuda</c> or <c>cpu</c>.</param>
    /// <param name="scale">Quick rounds are shorter.</param>
    /// <param name="limit">When it is stopped.</param>
    /// <param name="token">Stops it, too.</param>
    /// <returns>The times, or why there are none.</returns>
    public (TorchTimes? Times, string Reason) Run(IEnumerable<DeviceWork> works, string device, WorkScale scale, TimeSpan limit, CancellationToken token)
    {
        TorchJob[] jobs = [.. works.Where(work => work.Run.Length > 0).Select(work => new TorchJob(work.Kernel.ToString(), work.Setup, work.Run))];
        var outcome = ChildProgram.Run(python, [Script, device, scale.Pick(0.03, 0.003, 0).ToString(CultureInfo.InvariantCulture)],
            JsonSerializer.SerializeToUtf8Bytes(jobs, ResultJson.Default.IReadOnlyListTorchJob), limit, new Dictionary<string, string>(), token);
        return outcome switch
        {
            null => (null, $"no {python} on PATH"),
            { ExitCode: null } => (null, "PyTorch took longer than there was time"),
            { ExitCode: 0 } => (JsonSerializer.Deserialize(outcome.Output, ResultJson.Default.TorchTimes), ""),
            _ => (null, outcome.Error.Trim().Split('\n')[^1] is { Length: > 0 } reason ? reason : $"{python} ended with {outcome.ExitCode}"),
        };
    }
}
