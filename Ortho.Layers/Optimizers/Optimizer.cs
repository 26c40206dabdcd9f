using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tensors.IO;

namespace Ortho.Layers.Optimizers;

/// <summary>Changes parameters in place by their gradients.</summary>
public abstract class Optimizer
{
    readonly List<(string Name, IReadOnlyList<Tensor?> Tensors)> remembered = [];
    readonly Tensor steps = TensorScope.Release(Tensor.Zeros([], DType.Int64));
    Func<int, double>? schedule;
    double peak;

    /// <summary>An optimizer of some parameters.</summary>
    /// <param name="parameters">At least one; on the devices where they will stay.</param>
    /// <param name="learningRate">Step size.</param>
    /// <param name="keepsManifolds">Whether steps keep parameters on their manifolds.</param>
    /// <exception cref="ArgumentException">There are no parameters, or one lives on a manifold and steps would leave it.</exception>
    protected Optimizer(IEnumerable<Parameter> parameters, double learningRate, bool keepsManifolds = false)
    {
        Parameters = [.. parameters];
        if (Parameters.Count == 0)
            throw new ArgumentException($"{GetType().Name}: there are no parameters to optimize.", nameof(parameters));
        if (!keepsManifolds && Parameters.FirstOrDefault(parameter => parameter.Manifold is not null) is { } bound)
        {
            throw new ArgumentException($"{GetType().Name}: parameter {bound.Name} {bound.Value.Shape} lives on {bound.Manifold!.GetType().Name}; "
                + "expected free parameters. Give it to RiemannianSgd, RiemannianAdam or another optimizer that stays there.", nameof(parameters));
        }
        ArgumentOutOfRangeException.ThrowIfNegative(learningRate);
        LearningRate = learningRate;
    }

    /// <summary>What is optimized.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Step size; may be changed between steps, unless a schedule does.</summary>
    public double LearningRate { get; set; }

    /// <summary>Steps made, those of a loaded state included.</summary>
    public int Steps => (int)steps.AsSpan<long>()[0];

    /// <summary>From now on, <see cref="LearningRate"/> is its present value times a factor that depends on the number of steps made
    /// before.</summary>
    /// <param name="factor">One of <see cref="Schedules"/>, or any other.</param>
    public void Follow(Func<int, double> factor)
    {
        ArgumentNullException.ThrowIfNull(factor);
        (schedule, peak) = (factor, LearningRate);
    }

    /// <summary>Changes every parameter that has a gradient.</summary>
    public void Step() => Step(1);

    /// <summary>A step with a learning rate that is multiplied by a factor for it.</summary>
    internal void Step(double factor)
    {
        using var pause = Graph.NoGrad();
        var rate = schedule is null ? LearningRate : peak * schedule(Steps);
        LearningRate = rate * factor;
        steps.AsSpan<long>()[0]++;
        Update([.. Parameters.Index().Where(row => row.Item.Value.Grad is not null)
            .Select(row => new Due(row.Index, row.Item, row.Item.Value.Grad!))]);
        LearningRate = rate;
    }

    /// <summary>Forgets all gradients.</summary>
    public void ZeroGrad()
    {
        foreach (var parameter in Parameters)
            parameter.Value.ZeroGrad();
    }

    /// <summary>Everything that is remembered between steps, by name (<c>3.mean</c> of the parameter with index 3); the tensors themselves,
    /// not copies.</summary>
    public virtual IReadOnlyDictionary<string, Tensor> StateDict()
    {
        var state = new OrderedDictionary<string, Tensor> { ["steps"] = steps };
        foreach (var (name, tensors) in remembered)
        {
            foreach (var (k, tensor) in tensors.Index())
            {
                if (tensor is not null)
                    state.Add($"{k}.{name}", tensor);
            }
        }
        return state;
    }

    /// <summary>Overwrites everything that is remembered, or nothing when anything does not fit: training goes on as if it had not been
    /// interrupted.</summary>
    /// <param name="state">A <see cref="StateDict"/> of an optimizer made in the same way for the same parameters.</param>
    /// <exception cref="TensorArgumentException">Entries are missing, unexpected, or of another shape or kind of number: all are
    /// named.</exception>
    public void LoadStateDict(IReadOnlyDictionary<string, Tensor> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        NamedTensors.Assign("LoadStateDict", $"this {GetType().Name}", StateDict(), state);
    }

    /// <summary>Writes everything that is remembered to a safetensors file, atomically.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file cannot be written; what was there before still is.</exception>
    public void Save(string path) => Safetensors.Save(path, StateDict());

    /// <summary>Overwrites everything that is remembered by a file, or nothing when anything does not fit; see
    /// <see cref="LoadStateDict"/>.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="TensorArgumentException">The file's entries are not those of this optimizer: all differences are named.</exception>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public void Load(string path)
    {
        using var file = Safetensors.Open(path);
        NamedTensors.Assign("Load", $"this {GetType().Name}", StateDict(), file.Names, file.Describe, name => file[name]);
    }

    /// <summary>A parameter that is to be changed.</summary>
    /// <param name="Index">Its place in <see cref="Parameters"/>.</param>
    /// <param name="Parameter">The parameter.</param>
    /// <param name="Gradient">Its gradient.</param>
    protected readonly record struct Due(int Index, Parameter Parameter, Tensor Gradient);

    /// <summary>Changes the parameters that have a gradient, in as few launches as there can be.</summary>
    protected abstract void Update(IReadOnlyList<Due> due);

    /// <summary>Makes tensors a part of the state that is saved: one for each parameter, of its index.</summary>
    /// <returns>The tensors.</returns>
    protected Tensor[] Remember(string name, Tensor[] tensors)
    {
        remembered.Add((name, tensors));
        return tensors;
    }

    /// <summary>Makes tensors a part of the state that is saved: for each parameter one, or none.</summary>
    protected void RememberSome(string name, Tensor?[] tensors) => remembered.Add((name, tensors));

    /// <summary>For each parameter a tensor of zeros like it, outside every scope.</summary>
    protected static Tensor[] ZerosLike(IEnumerable<Parameter> parameters)
        => [.. parameters.Select(parameter => TensorScope.Release(Tensor.Zeros(parameter.Value.Shape, parameter.Value.DType, parameter.Value.Device)))];

    /// <summary>Refuses a decay of a running mean that is not in [0, 1).</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not.</exception>
    protected static double Decay(double value, string argument)
        => value is >= 0 and < 1 ? value : throw new ArgumentOutOfRangeException(argument, value, $"{argument} is {value}; expected a number in [0, 1).");
}
