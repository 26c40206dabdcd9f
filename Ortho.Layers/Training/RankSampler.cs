using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Training;

/// <summary>Random ranks for the steps of a training that must work at every rank: for each head one of full / levels, 2 full / levels,
/// ..., full, all equally likely. Lin et al. 2025.</summary>
public sealed class RankSampler
{
    readonly int step, levels;

    /// <summary>A sampler.</summary>
    /// <param name="full">The full rank.</param>
    /// <param name="levels">How many ranks there are; they divide the full rank.</param>
    /// <exception cref="ArgumentOutOfRangeException">The levels do not divide the full rank.</exception>
    public RankSampler(int full, int levels = 8)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(levels, 1);
        if (full < levels || full % levels != 0)
            throw new ArgumentOutOfRangeException(nameof(levels), levels, $"RankSampler: expected a divisor of the full rank {full}.");
        (step, this.levels) = (full / levels, levels);
    }

    /// <summary>Int64 [heads], drawn on the device.</summary>
    public Tensor Sample(int heads, Generator generator, Device? device = null)
        => Tensor.RandInt([heads], 1, levels + 1, generator, device: device) * (long)step;
}
