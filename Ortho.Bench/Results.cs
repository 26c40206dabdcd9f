using System.Text.Json;
using System.Text.Json.Serialization;
using Ortho.Bench.Experiments;
using Ortho.Bench.Gpu;
using Ortho.Bench.Microbenchmarks;
using Ortho.Bench.Peers;
using Ortho.Bench.Systems;

namespace Ortho.Bench;

/// <summary>The outcome of the main job, and the shape of the <c>--json</c> file (names in snake case).</summary>
/// <param name="Device">The device's name.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Seconds">Wall-clock time of everything: training, attacks, certificates.</param>
/// <param name="Networks">The networks, <c>orthogonal</c> first.</param>
sealed record RunResult(string Device, ulong Seed, double Seconds, IReadOnlyList<NetworkResult> Networks)
{
    /// <summary>What was trained on.</summary>
    public string Dataset { get; init; } = "";

    /// <summary>Indented JSON.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, ResultJson.Default.RunResult);
}

/// <summary>The outcome for one network.</summary>
/// <param name="Name"><c>orthogonal</c> or <c>plain</c>.</param>
/// <param name="Accuracy">Share of test images it gets right.</param>
/// <param name="Certified">For each radius, the share it gets right and provably would under any perturbation of that size.</param>
/// <param name="Pgd">For each radius, the share it still gets right under projected gradient descent of that size.</param>
/// <param name="MaxSingularValueError">Over all layers, the largest distance of a singular value from 1.</param>
/// <param name="MsPerStep">Median milliseconds of a training step, over the readings of the loss.</param>
/// <param name="FinalLoss">Mean training loss of the last epoch.</param>
sealed record NetworkResult(
    string Name,
    double Accuracy,
    IReadOnlyDictionary<string, double> Certified,
    IReadOnlyDictionary<string, double> Pgd,
    double MaxSingularValueError,
    double MsPerStep,
    double FinalLoss)
{
    /// <summary>One entry for each epoch.</summary>
    public IReadOnlyList<EpochResult> History { get; init; } = [];

    /// <summary>Copies of values from the device to the host within the training steps; losses are read between them.</summary>
    public long HostCopies { get; init; }

    /// <summary>One entry for each linear or convolutional layer, from input to output.</summary>
    public IReadOnlyList<LayerSpectrum> Layers { get; init; } = [];
}

/// <summary>One epoch of one network.</summary>
/// <param name="Epoch">From 1.</param>
/// <param name="Loss">Mean training loss.</param>
/// <param name="Accuracy">Accuracy on the test images after it.</param>
/// <param name="MsPerStep">Median milliseconds of a step.</param>
sealed record EpochResult(int Epoch, double Loss, double Accuracy, double MsPerStep);

/// <summary>The range of a layer's singular values.</summary>
/// <param name="Name">The layer.</param>
/// <param name="Smallest">Smallest singular value.</param>
/// <param name="Largest">Largest singular value: its Lipschitz constant.</param>
sealed record LayerSpectrum(string Name, double Smallest, double Largest);

/// <summary>Serializers made at compile time. A loss may be NaN when the unconstrained twin diverges: written as a string.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    WriteIndented = true)]
[JsonSerializable(typeof(RunResult))]
[JsonSerializable(typeof(IReadOnlyList<OpEntry>))]
[JsonSerializable(typeof(MemoryCurve))]
[JsonSerializable(typeof(IReadOnlyList<AccuracyEntry>))]
[JsonSerializable(typeof(IReadOnlyList<PeerResult>))]
[JsonSerializable(typeof(IReadOnlyList<KernelResult>))]
[JsonSerializable(typeof(GpuReport))]
[JsonSerializable(typeof(IReadOnlyList<TorchJob>))]
[JsonSerializable(typeof(TorchTimes))]
[JsonSerializable(typeof(SystemResult))]
[JsonSerializable(typeof(IReadOnlyList<SystemResult>))]
sealed partial class ResultJson : JsonSerializerContext;
