using Ortho.Autograd;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;
using Ortho.Tensors.IO;

namespace Ortho.Layers.Optimizers;

/// <summary>An exponential moving average of a module's parameters: a &lt;- decay a + (1 - decay) p after each step. Polyak and Juditsky
/// 1992, with the weights of Tarvainen and Valpola 2017.</summary>
/// <remarks>The average of a parameter on a manifold stays there: it moves by the retraction of (1 - decay) (p - a), projected.</remarks>
/// <example><code>
/// optimizer.Step();
/// average.Update();
/// ...
/// using (average.Use()) Evaluate(network);
/// </code></example>
public sealed class WeightAverage
{
    readonly (string Name, Parameter Parameter, Tensor Average)[] rows;
    readonly double decay;
    bool isUsed;

    /// <summary>An average that begins at the present values.</summary>
    /// <param name="module">The module; on the device where it will stay.</param>
    /// <param name="decay">In [0, 1).</param>
    /// <exception cref="ArgumentOutOfRangeException">The decay is not in [0, 1).</exception>
    public WeightAverage(Module module, double decay = 0.999)
    {
        ArgumentNullException.ThrowIfNull(module);
        if (decay is not (>= 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(decay), decay, $"decay is {decay}; expected a number in [0, 1).");
        this.decay = decay;
        using (Graph.NoGrad())
            rows = [.. module.NamedParameters().Select(named => (named.Name, named.Parameter, TensorScope.Release(named.Parameter.Value.Clone())))];
    }

    /// <summary>Moves the average towards the present values; call it after each step.</summary>
    /// <exception cref="InvalidOperationException">The module has the averages as its values.</exception>
    public void Update()
    {
        if (isUsed)
            throw new InvalidOperationException("WeightAverage: the averages are in use; leave the scope of Use first.");
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        foreach (var (_, parameter, average) in rows)
        {
            if (parameter.Manifold is { } manifold)
                average.CopyFrom(manifold.Retract(average, manifold.Project(average, parameter.Value.Detach() - average) * (1 - decay)));
            else
                Pointwise.Into<Ternary<Lerp>>("WeightAverage", average, average, parameter.Value.Detach(), 1 - decay);
        }
    }

    /// <summary>Gives the averages to the module, until the scope is disposed.</summary>
    public IDisposable Use()
    {
        var scope = new Scope(this);
        isUsed = true;
        return scope;
    }

    /// <summary>The averages by the names of the module's <see cref="Module.StateDict"/>; the tensors themselves, not copies.</summary>
    public IReadOnlyDictionary<string, Tensor> StateDict()
        => new OrderedDictionary<string, Tensor>(rows.Select(row => KeyValuePair.Create(row.Name, row.Average)));

    /// <summary>Overwrites the averages, or none when anything does not fit.</summary>
    /// <exception cref="TensorArgumentException">Entries are missing, unexpected, or of another shape or kind of number: all are
    /// named.</exception>
    public void LoadStateDict(IReadOnlyDictionary<string, Tensor> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        NamedTensors.Assign("LoadStateDict", "this WeightAverage", StateDict(), state);
    }

    /// <summary>Writes the averages to a safetensors file, atomically; a module of the same form can load it.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file cannot be written; what was there before still is.</exception>
    public void Save(string path) => Safetensors.Save(path, StateDict());

    /// <summary>Overwrites the averages by those of a safetensors file, or none when anything does not fit.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="TensorArgumentException">The file's entries are not those of this average: all differences are named.</exception>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public void Load(string path)
    {
        using var file = Safetensors.Open(path);
        NamedTensors.Assign("Load", "this WeightAverage", StateDict(), file.Names, file.Describe, name => file[name]);
    }

    sealed class Scope : IDisposable
    {
        readonly WeightAverage owner;
        readonly Tensor[] kept;
        bool disposed;

        public Scope(WeightAverage owner)
        {
            if (owner.isUsed)
                throw new InvalidOperationException("WeightAverage: the averages are in use already.");
            this.owner = owner;
            using var pause = Graph.NoGrad();
            kept = [.. owner.rows.Select(row => TensorScope.Release(row.Parameter.Value.Clone()))];
            foreach (var (_, parameter, average) in owner.rows)
                parameter.Assign(average);
        }

        public void Dispose()
        {
            if (disposed)
                return;
            (disposed, owner.isUsed) = (true, false);
            foreach (var (row, value) in owner.rows.Zip(kept))
                row.Parameter.Assign(value);
        }
    }
}
