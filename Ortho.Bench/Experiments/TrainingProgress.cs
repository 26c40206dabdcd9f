namespace Ortho.Bench.Experiments;

/// <summary>How far the training of one network is.</summary>
/// <param name="Network"><c>orthogonal</c> or <c>plain</c>.</param>
/// <param name="Epoch">The current epoch, from 1.</param>
/// <param name="Epochs">How many there will be.</param>
/// <param name="Step">Steps of this epoch that are done.</param>
/// <param name="Steps">Steps of an epoch.</param>
/// <param name="Loss">Mean loss of this epoch so far.</param>
sealed record TrainingProgress(string Network, int Epoch, int Epochs, int Step, int Steps, double Loss)
{
    /// <summary>Set in the last report of an epoch.</summary>
    public EpochResult? Finished { get; init; }

    /// <summary>Set after training, while something else goes on: <c>certifying</c>, <c>attacking</c>.</summary>
    public string? Stage { get; init; }
}
