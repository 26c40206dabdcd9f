using Ortho.Bench.Experiments;

namespace Ortho.Bench;

/// <summary>What the commands need from the engine. Functions, because <c>--help</c> must not start a GPU driver.</summary>
/// <param name="Devices">The devices of this machine; the first is the one to use when the user names none.</param>
/// <param name="Experiment">The main job.</param>
sealed record Services(Func<IReadOnlyList<DeviceDescription>> Devices, Func<IExperiment> Experiment)
{
    /// <summary>The real ones.</summary>
    public static Services Product { get; } = new(
        Devices: () => [DeviceDescription.Cpu],
        Experiment: () => throw new NotImplementedException("The experiment is not part of this build yet."));
}
