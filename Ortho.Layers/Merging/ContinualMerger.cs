using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Merging;

/// <summary>Folds models that were fine-tuned from one base into one, in the order in which they arrive. No data, no training; what it
/// holds does not grow with their number.</summary>
/// <remarks>Real floating-point tensors are merged; integers and truth values stay the base's. Nothing is recorded.</remarks>
public abstract class ContinualMerger
{
    OrderedDictionary<string, Tensor> merged;

    /// <summary>A merger that has seen no model.</summary>
    /// <param name="baseModel">The state from which all models were fine-tuned. Copied.</param>
    /// <exception cref="TensorArgumentException">A tensor has a number that is not finite, or is complex.</exception>
    protected ContinualMerger(IReadOnlyDictionary<string, Tensor> baseModel)
    {
        ArgumentNullException.ThrowIfNull(baseModel);
        RequireFinite("Merger", nameof(baseModel), baseModel);
        Base = Copy(baseModel);
        merged = Copy(baseModel);
    }

    private protected ContinualMerger(IReadOnlyDictionary<string, Tensor> baseModel, IReadOnlyDictionary<string, Tensor> merged,
        int count) : this(baseModel)
    {
        RequireLikeBase(nameof(merged), merged);
        (this.merged, Count) = (Copy(merged), count);
    }

    /// <summary>How many models have been added.</summary>
    public int Count { get; private set; }

    /// <summary>The merged state: the base before the first model. Its tensors are replaced by the next <see cref="Add"/>, not
    /// changed.</summary>
    public IReadOnlyDictionary<string, Tensor> Merged => merged;

    /// <summary>The base.</summary>
    protected IReadOnlyDictionary<string, Tensor> Base { get; }

    /// <summary>Folds in one more model.</summary>
    /// <param name="model">A state of the base's model.</param>
    /// <exception cref="TensorArgumentException">Entries are missing, unexpected, of another shape or kind of number, or have numbers that
    /// are not finite: they are named, and nothing has changed.</exception>
    public void Add(IReadOnlyDictionary<string, Tensor> model)
    {
        ArgumentNullException.ThrowIfNull(model);
        RequireLikeBase(nameof(model), model);
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        var next = new OrderedDictionary<string, Tensor>();
        foreach (var (name, tensor) in Merge(model, Count + 1))
            next[name] = TensorScope.Release(tensor.To(Base[name].DType));
        merged = new(Base.Select(entry => KeyValuePair.Create(entry.Key, next.GetValueOrDefault(entry.Key, merged[entry.Key]))));
        Count++;
    }

    /// <summary>The merged tensors after one more model; those that are left out stay as they are.</summary>
    /// <param name="model">The model, of the base's names and shapes.</param>
    /// <param name="count">Which model it is, from 1 on.</param>
    protected abstract IEnumerable<KeyValuePair<string, Tensor>> Merge(IReadOnlyDictionary<string, Tensor> model, int count);

    /// <summary>The names of the tensors that are merged.</summary>
    protected IEnumerable<string> Names => Base.Keys.Where(name => Base[name].DType.IsFloatingPoint);

    /// <summary>A tensor of a model in the base's dtype and on its device.</summary>
    protected Tensor Own(IReadOnlyDictionary<string, Tensor> model, string name)
        => model[name].Detach().To(Base[name].DType).To(Base[name].Device);

    void RequireLikeBase(string argument, IReadOnlyDictionary<string, Tensor> model)
    {
        NamedTensors.Require("Merger.Add", argument, "the base model", Base, [.. model.Keys],
            name => (model[name].DType, model[name].Shape));
        RequireFinite("Merger.Add", argument, model);
    }

    static void RequireFinite(string operation, string argument, IReadOnlyDictionary<string, Tensor> model)
    {
        using var pause = Graph.NoGrad();
        foreach (var (name, tensor) in model)
        {
            if (tensor.DType.IsComplex)
                throw new TensorArgumentException(operation, argument, $"{tensor.DType} at {name}", "real tensors");
            if (tensor.DType.IsFloatingPoint && tensor.IsFinite().All().Item() == 0)
                throw new TensorArgumentException(operation, argument, $"not finite at {name}", "finite numbers");
        }
    }

    static OrderedDictionary<string, Tensor> Copy(IReadOnlyDictionary<string, Tensor> model)
    {
        using var pause = Graph.NoGrad();
        return new(model.Select(entry => KeyValuePair.Create(entry.Key, TensorScope.Release(entry.Value.Detach().Clone()))));
    }
}

/// <summary>The average of all models so far: the change is ((t - 1) change + (model - base)) / t.</summary>
/// <param name="baseModel">The state from which all models were fine-tuned. Copied.</param>
public sealed class WeightAverageMerger(IReadOnlyDictionary<string, Tensor> baseModel) : ContinualMerger(baseModel)
{
    /// <inheritdoc/>
    protected override IEnumerable<KeyValuePair<string, Tensor>> Merge(IReadOnlyDictionary<string, Tensor> model, int count)
        => Names.Select(name => KeyValuePair.Create(name, count == 1 ? Own(model, name).Clone() : Merged[name].Lerp(Own(model, name),
            1.0 / count)));
}

/// <summary>Task arithmetic: every model's change is added with one factor. Ilharco et al. 2023.</summary>
/// <param name="baseModel">The state from which all models were fine-tuned. Copied.</param>
/// <param name="scale">The factor.</param>
public sealed class TaskArithmeticMerger(IReadOnlyDictionary<string, Tensor> baseModel, double scale = 0.3) : ContinualMerger(baseModel)
{
    /// <inheritdoc/>
    protected override IEnumerable<KeyValuePair<string, Tensor>> Merge(IReadOnlyDictionary<string, Tensor> model, int count)
        => Names.Select(name => KeyValuePair.Create(name, Merged[name] + (Own(model, name) - Base[name]) * scale));
}
