using Ortho.Layers.Data;

namespace Ortho.Bench.Experiments;

/// <summary>Trains the orthogonal network and its unconstrained twin, attacks and certifies both.</summary>
interface IExperiment
{
    /// <summary>Runs to the end.</summary>
    /// <param name="options">What to train on, where and how long.</param>
    /// <param name="progress">Told about each step, at once and on the calling thread.</param>
    /// <param name="token">Looked at before each step.</param>
    /// <exception cref="OperationCanceledException">The token asked for it.</exception>
    RunResult Run(ExperimentOptions options, IProgress<TrainingProgress> progress, CancellationToken token);
}

/// <summary>What to train on, where and how long.</summary>
/// <param name="Train">Images to learn from.</param>
/// <param name="Test">Images of the same size to be judged by.</param>
/// <param name="Device">A device that is there, by its <see cref="DeviceDescription.Id"/>.</param>
/// <param name="Seed">Decides initial weights and the order of images.</param>
/// <param name="Epochs">Passes over the training images.</param>
sealed record ExperimentOptions(ImageDataset Train, ImageDataset Test, string Device, ulong Seed, int Epochs)
{
    /// <summary>Sizes of perturbation at which both networks are certified and attacked.</summary>
    public IReadOnlyList<Radius> Radii { get; init; } = Radius.Standard;
}

/// <summary>The size of a perturbation, as the L2 distance between images whose pixels are from 0 to 1.</summary>
/// <param name="Name">As papers and the result file write it.</param>
/// <param name="Value">As a number.</param>
sealed record Radius(string Name, double Value)
{
    /// <summary>The radii at which the literature on 1-Lipschitz networks compares: 36/255, 72/255 and 108/255.</summary>
    public static IReadOnlyList<Radius> Standard { get; } = [Of(36), Of(72), Of(108)];

    static Radius Of(int steps) => new($"{steps}/255", steps / 255.0);
}
