using Ortho.Autograd;
using Ortho.Layers.Manifolds;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>An optimizer that keeps parameters on their manifolds (<see cref="Parameter.Manifold"/>); parameters without one are
/// free.</summary>
public abstract class RiemannianOptimizer : Optimizer
{
    static readonly Euclidean free = new();

    readonly Manifold[] manifolds;
    readonly Tensor?[] last, largest;

    /// <summary>An optimizer of some parameters.</summary>
    /// <param name="parameters">At least one; on the devices where they will stay.</param>
    /// <param name="learningRate">Step size.</param>
    protected RiemannianOptimizer(IEnumerable<Parameter> parameters, double learningRate)
        : base(parameters, learningRate, keepsManifolds: true)
    {
        manifolds = [.. Parameters.Select(parameter => parameter.Manifold ?? free)];
        (last, largest) = (new Tensor?[manifolds.Length], new Tensor?[manifolds.Length]);
    }

    /// <summary>After how many steps parameters are moved to the nearest points of their manifolds; 0 for never.</summary>
    public int ReprojectEvery
    {
        get;
        init => field = value >= 0 ? value
            : throw new ArgumentOutOfRangeException(nameof(ReprojectEvery), value, "Expected 0 or more steps.");
    }

    /// <summary>Whether the distance to the manifolds is measured after each step, on the parameters' devices and in their
    /// precision.</summary>
    public bool TracksError { get; init; } = true;

    /// <summary>The largest <see cref="Manifold.Deviation"/> of a parameter after its last step; waits for the devices. NaN before the
    /// first step, and when it is not tracked.</summary>
    public double LastError => Worst(last);

    /// <summary>The largest <see cref="Manifold.Deviation"/> of a parameter after any step so far; see <see cref="LastError"/>.</summary>
    public double LargestError => Worst(largest);

    static double Worst(Tensor?[] errors)
    {
        var known = errors.OfType<Tensor>().ToList();
        // Max of doubles passes NaN on.
        return known.Count == 0 ? double.NaN : known.Select(error => error.Item()).Aggregate(Math.Max);
    }

    /// <inheritdoc/>
    protected sealed override void Update(IReadOnlyList<Due> due)
    {
        foreach (var (index, parameter, gradient) in due)
            Update(index, parameter, gradient);
    }

    void Update(int index, Parameter parameter, Tensor gradient)
    {
        using var scope = new TensorScope();
        var (manifold, value) = (manifolds[index], parameter.Value);
        var moved = Move(index, manifold, value, gradient);
        if (ReprojectEvery > 0 && Steps % ReprojectEvery == 0)
            moved = manifold.ProjectOnto(moved);
        value.CopyFrom(moved);
        if (!TracksError || manifold is Euclidean || value.ElementCount == 0)
            return;
        var error = manifold.Deviation(value).Max();
        Keep(ref last[index], error);
        Keep(ref largest[index], largest[index] is { } before ? Tensor.Maximum(before, error) : error);
    }

    static void Keep(ref Tensor? kept, Tensor value)
    {
        if (kept is null)
            kept = TensorScope.Release(value.Clone());
        else
            kept.CopyFrom(value);
    }

    /// <summary>Where a step leads. What is made on the way is freed afterwards: what the optimizer remembers is copied into tensors of its
    /// own.</summary>
    /// <param name="index">The parameter's place in <see cref="Optimizer.Parameters"/>.</param>
    /// <param name="manifold">Where it lives.</param>
    /// <param name="x">Its value.</param>
    /// <param name="gradient">Its Euclidean gradient.</param>
    protected abstract Tensor Move(int index, Manifold manifold, Tensor x, Tensor gradient);

    /// <summary>For each parameter zeros, one for each of its points, in the shape of <see cref="Manifold.Inner"/>, outside every
    /// scope.</summary>
    protected Tensor[] ZerosPerPoint()
        => [.. Parameters.Zip(manifolds, (parameter, manifold) =>
        {
            var value = parameter.Value;
            int[] shape = [.. value.Shape[..^manifold.PointRank], .. Enumerable.Repeat(1, manifold.PointRank)];
            return TensorScope.Release(Tensor.Zeros(shape, value.DType.RealType, value.Device));
        })];
}
