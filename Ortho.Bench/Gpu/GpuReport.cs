using Ortho.Bench.Experiments;
using Ortho.Bench.Microbenchmarks;

namespace Ortho.Bench.Gpu;

/// <summary>What the <c>gpu</c> command found, and the shape of its file (names in snake case). A section that did not run is null, and
/// <see cref="Skipped"/> says why.</summary>
/// <param name="Ortho">Ortho's version.</param>
/// <param name="Device">The device.</param>
sealed record GpuReport(string Ortho, DeviceFacts Device)
{
    /// <summary><c>full</c>, <c>quick</c> or <c>tiny</c>.</summary>
    public string Scale { get; init; } = "";

    /// <summary>Wall-clock time of everything.</summary>
    public double Seconds { get; set; }

    /// <summary>The measured limits.</summary>
    public DeviceLimits? Limits { get; set; }

    /// <summary>The kernels as shares of them.</summary>
    public IReadOnlyList<DeviceKernel>? Kernels { get; set; }

    /// <summary>The elementary functions.</summary>
    public IReadOnlyList<AccuracyEntry>? Accuracy { get; set; }

    /// <summary>The cross-device tests.</summary>
    public TestOutcome? Tests { get; set; }

    /// <summary>The same work in PyTorch.</summary>
    public TorchTimes? PyTorch { get; set; }

    /// <summary>Why a section did not run, by its name.</summary>
    public SortedDictionary<string, string> Skipped { get; init; } = [];

    /// <summary>Whether nothing that ran went wrong: no kernel failed, no bit differs, no test failed.</summary>
    public bool IsGood => (Kernels?.All(kernel => kernel.Error is null) ?? true) && (Accuracy?.All(entry => entry.SameBits) ?? true) && Tests is not { IsGood: false };
}

/// <summary>What a kernel took.</summary>
/// <param name="Family">Key of its family.</param>
/// <param name="Work">What was computed.</param>
/// <param name="Us">Median time in microseconds, launch included; null when it failed.</param>
/// <param name="GigabytesPerSecond">Bytes that have to be moved at least, in billions a second.</param>
/// <param name="Gflops">Operations by the textbook's count, in billions a second.</param>
/// <param name="Share">The least time that the measured copy and arithmetic allow, over the median; null where there is no such
/// peak.</param>
/// <param name="CopyShare">Bandwidth over that of the copy.</param>
/// <param name="Error">Why it failed.</param>
sealed record DeviceKernel(string Family, string Work, double? Us, double? GigabytesPerSecond, double? Gflops, double? Share, double? CopyShare, string? Error)
{
    /// <summary>PyTorch's time in microseconds.</summary>
    public double? PyTorchUs { get; init; }

    /// <summary>Ours over PyTorch's: below 1 is faster.</summary>
    public double? Ratio { get; init; }

    /// <summary>From a kernel and its time.</summary>
    public static DeviceKernel Of(KernelWork work, double seconds, DeviceLimits limits) => new(work.Family, work.Name, seconds * 1e6,
        work.Bytes / seconds / 1e9, work.Flops / seconds / 1e9, limits.Bound(work) / seconds, work.Bytes / seconds / 1e9 / limits.CopyGigabytesPerSecond, null);

    /// <summary>A kernel that threw.</summary>
    public static DeviceKernel Failed(KernelWork work, Exception error) => new(work.Family, work.Name, null, null, null, null, null, $"{error.GetType().Name}: {error.Message}");

    /// <summary>With PyTorch's time of the same work, if it has one.</summary>
    public DeviceKernel Beside(TorchTimes torch)
        => torch.Times.FirstOrDefault(time => time.Name == $"{Family}: {Work}")?.Seconds is { } seconds ? this with { PyTorchUs = seconds * 1e6, Ratio = Us / 1e6 / seconds } : this;
}

/// <summary>What came of the tests.</summary>
/// <param name="Passed">Cases that passed.</param>
/// <param name="Failed">Cases that failed.</param>
/// <param name="Skipped">Cases that do not apply.</param>
/// <param name="ExitCode">Of the program; null when it was stopped because time was over.</param>
/// <param name="Log">The file with the complete output.</param>
sealed record TestOutcome(int Passed, int Failed, int Skipped, int? ExitCode, string Log)
{
    /// <summary>Whether all of them ran and none failed.</summary>
    public bool IsGood => ExitCode == 0 && Failed == 0 && Passed > 0;

    /// <inheritdoc/>
    public override string ToString()
        => $"{Passed} passed, {Failed} failed, {Skipped} skipped{(ExitCode is { } code ? code == 0 ? "" : $", exit code {code}" : ", stopped: out of time")}; {Log}";
}

/// <summary>A work as PyTorch gets it.</summary>
/// <param name="Name">Family and work.</param>
/// <param name="Setup">Statements that make its inputs.</param>
/// <param name="Run">The expression that is timed.</param>
sealed record TorchJob(string Name, string Setup, string Run);

/// <summary>What <c>torch_times.py</c> answers.</summary>
/// <param name="Version">PyTorch's version.</param>
/// <param name="Device">The device's name.</param>
/// <param name="Times">One for each work.</param>
sealed record TorchTimes(string Version, string Device, IReadOnlyList<TorchTime> Times);

/// <summary>A work's time in PyTorch.</summary>
/// <param name="Name">Family and work.</param>
/// <param name="Seconds">Its time.</param>
/// <param name="Error">Why there is none.</param>
sealed record TorchTime(string Name, double? Seconds, string? Error);
