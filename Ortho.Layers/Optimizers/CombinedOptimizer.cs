using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>Several optimizers as one, each with its own parameters. Its <see cref="Optimizer.LearningRate"/>, 1 at first, is a factor of
/// all of theirs, and so is a schedule that it follows, besides their own.</summary>
public sealed class CombinedOptimizer : Optimizer
{
    readonly Optimizer[] parts;

    /// <summary>A combination of optimizers.</summary>
    /// <param name="optimizers">At least one; no parameter belongs to two.</param>
    /// <exception cref="ArgumentException">There is no optimizer, or a parameter belongs to two.</exception>
    public CombinedOptimizer(params IReadOnlyList<Optimizer> optimizers) : base([.. optimizers.SelectMany(optimizer => optimizer.Parameters)], 1, keepsManifolds: true)
    {
        if (Parameters.GroupBy(parameter => parameter).FirstOrDefault(group => group.Count() > 1) is { Key: var twice })
            throw new ArgumentException($"CombinedOptimizer: parameter {twice.Name} {twice.Value.Shape} belongs to two optimizers; expected each once.", nameof(optimizers));
        parts = [.. optimizers];
    }

    /// <summary>The parts' states, each with its number in front (<c>1.3.mean</c>), and the steps of the combination.</summary>
    public override IReadOnlyDictionary<string, Tensor> StateDict()
        => new OrderedDictionary<string, Tensor>(base.StateDict()
            .Concat(parts.Index().SelectMany(part => part.Item.StateDict().Select(entry => KeyValuePair.Create($"{part.Index}.{entry.Key}", entry.Value)))));

    /// <inheritdoc/>
    protected override void Update(IReadOnlyList<Due> due)
    {
        foreach (var part in parts)
            part.Step(LearningRate);
    }
}
