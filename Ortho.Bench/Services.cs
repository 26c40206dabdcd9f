using Ortho.Bench.Experiments;
using Ortho.Bench.Peers;
using Ortho.Bench.Systems;
using Ortho.Kernels.Gpu;
using Ortho.Tensors;

namespace Ortho.Bench;

/// <summary>What the commands need from the engine. Functions, because <c>--help</c> must not start a GPU driver.</summary>
/// <param name="Devices">The devices of this machine; the first is the one to use when the user names none.</param>
/// <param name="Open">The device of an id.</param>
/// <param name="Experiment">The main job.</param>
sealed record Services(Func<IReadOnlyList<DeviceDescription>> Devices, Func<string, Device> Open, Func<IExperiment> Experiment)
{
    /// <summary>The real ones.</summary>
    public static Services Product { get; } = new(
        Devices: () => [.. Found().Select(found => found.Description)],
        Open: Find,
        Experiment: () => new RobustTraining(Find));

    static Device Find(string id) => Found().First(found => found.Description.Id == id).Open();

    /// <summary>Libraries to compare with: those that this build was made with.</summary>
    public IReadOnlyList<IPeer> Peers { get; init; } =
#if PEERS
        [new Peers.Torch.TorchPeer(), new Peers.MathNet.MathNetPeer()];
#else
        [];
#endif

    /// <summary>The systems' experiments.</summary>
    public IReadOnlyList<ISystem> Systems { get; init; } = SystemCatalog.All;

    // CUDA first among the GPUs; the simulator last and never the default: it is thousands of times slower.
    static IEnumerable<(DeviceDescription Description, Func<Device> Open)> Found()
    {
        yield return (DeviceDescription.Cpu, () => Device.Cpu);
        foreach (var kind in GpuDevice.All.GroupBy(device => device.Kind))
        {
            foreach (var (number, device) in kind.Index())
            {
                var id = $"{kind.Key}".ToLowerInvariant() + (number == 0 ? "" : $":{number}");
                yield return (new(id, device.Name, $"{device.MemoryBytes / (1 << 20):N0} MiB"), () => device);
            }
        }
        yield return (new("simulator", "ILGPU's simulator of a GPU", "for tests: thousands of times slower"), () => GpuDevice.Simulator);
    }
}
