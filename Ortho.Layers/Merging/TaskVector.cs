using System.Collections;
using System.Diagnostics.CodeAnalysis;
using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Merging;

/// <summary>What fine-tuning changed: the difference of two models' states, as a vector that can be added, scaled and added to a model.
/// Ilharco et al. 2023. Every tensor is computed when it is read: sums and multiples of vectors between open files hold nothing.</summary>
/// <example><code>
/// using var before = Safetensors.Open("base.safetensors");
/// using var after = Safetensors.Open("french.safetensors");
/// model.LoadStateDict((TaskVector.Between(before, after) * 0.5).ApplyTo(before));
/// </code></example>
/// <remarks>Only real floating-point tensors are changed; integers and truth values are no part of it.</remarks>
public sealed class TaskVector : IReadOnlyDictionary<string, Tensor>
{
    readonly IReadOnlyDictionary<string, Tensor> shapes;
    readonly Func<string, Tensor> read;

    // shapes: a state whose entries are of this vector's shapes, named by Names.
    TaskVector(IReadOnlyList<string> names, IReadOnlyDictionary<string, Tensor> shapes, Func<string, Tensor> read)
        => (Names, this.shapes, this.read) = (names, shapes, read);

    /// <summary>The tensors that it has.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <inheritdoc/>
    public int Count => Names.Count;

    /// <summary>The change of one tensor, computed now; a new tensor.</summary>
    /// <exception cref="KeyNotFoundException">There is none of this name.</exception>
    public Tensor this[string key]
    {
        get
        {
            if (!ContainsKey(key))
                throw new KeyNotFoundException($"TaskVector: there is no tensor '{key}' among {Count}.");
            using var pause = Graph.NoGrad();
            return read(key);
        }
    }

    /// <summary>after - before. Neither is copied: both are read again whenever the vector is.</summary>
    /// <param name="before">A model's state.</param>
    /// <param name="after">Another state of the same model.</param>
    /// <exception cref="TensorArgumentException">Entries are missing, unexpected, or of another shape or kind of number: they are
    /// named.</exception>
    public static TaskVector Between(IReadOnlyDictionary<string, Tensor> before, IReadOnlyDictionary<string, Tensor> after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        NamedTensors.Require("TaskVector.Between", nameof(after), "the model before", before, [.. after.Keys], name => (after[name].DType,
            after[name].Shape));
        return new([.. before.Keys.Where(name => before[name].DType.IsFloatingPoint)], before,
            name => before[name] is var start ? after[name].To(start.DType).To(start.Device) - start
                : throw new InvalidOperationException());
    }

    /// <summary>The sum of two vectors of one model.</summary>
    /// <exception cref="TensorArgumentException">They do not have the same tensors.</exception>
    public static TaskVector operator +(TaskVector a, TaskVector b)
    {
        ArgumentNullException.ThrowIfNull(a);
        a.RequireAlike("Add", b);
        return new(a.Names, a.shapes, name => a.read(name) + b.read(name));
    }

    /// <summary>The difference of two vectors of one model.</summary>
    /// <exception cref="TensorArgumentException">They do not have the same tensors.</exception>
    public static TaskVector operator -(TaskVector a, TaskVector b)
    {
        ArgumentNullException.ThrowIfNull(a);
        a.RequireAlike("Subtract", b);
        return new(a.Names, a.shapes, name => a.read(name) - b.read(name));
    }

    /// <summary>A multiple.</summary>
    public static TaskVector operator *(TaskVector a, double factor)
    {
        ArgumentNullException.ThrowIfNull(a);
        return new(a.Names, a.shapes, name => a.read(name) * factor);
    }

    /// <summary>A multiple.</summary>
    public static TaskVector operator *(double factor, TaskVector a) => a * factor;

    /// <summary>The opposite change: what was learnt is forgotten.</summary>
    public static TaskVector operator -(TaskVector a) => a * -1;

    /// <summary>The inner product over all tensors, in float64.</summary>
    /// <exception cref="TensorArgumentException">They do not have the same tensors.</exception>
    public double Dot(TaskVector other)
    {
        ArgumentNullException.ThrowIfNull(other);
        RequireAlike("Dot", other);
        return Names.Sum(name =>
        {
            using var pause = Graph.NoGrad();
            using var scope = new TensorScope();
            var own = read(name).To(DType.Float64);
            return (own * (ReferenceEquals(this, other) ? own : other.read(name).To(DType.Float64))).Sum().Item();
        });
    }

    /// <summary>The Euclidean norm over all tensors, in float64.</summary>
    public double Norm() => Math.Sqrt(Dot(this));

    /// <summary>A model's state with this vector added; tensors that the vector does not have are copied.</summary>
    /// <param name="state">A state of the model.</param>
    /// <exception cref="TensorArgumentException">A tensor of the vector is missing there, or of another shape.</exception>
    public IReadOnlyDictionary<string, Tensor> ApplyTo(IReadOnlyDictionary<string, Tensor> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        foreach (var name in Names)
        {
            if (!state.TryGetValue(name, out var at) || at.Shape != shapes[name].Shape)
                throw new TensorArgumentException("TaskVector.ApplyTo", nameof(state),
                    $"{(at is null ? "nothing" : $"{at.Shape}")} for {name}", $"{shapes[name].Shape}");
        }
        using var pause = Graph.NoGrad();
        return new OrderedDictionary<string, Tensor>(state.Select(entry => KeyValuePair.Create(entry.Key,
            ContainsKey(entry.Key) ? entry.Value.Detach() + read(entry.Key).To(entry.Value.DType).To(entry.Value.Device)
                : entry.Value.Clone())));
    }

    /// <inheritdoc/>
    public bool ContainsKey(string key) => shapes.TryGetValue(key, out var tensor) && tensor.DType.IsFloatingPoint;

    /// <inheritdoc/>
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out Tensor value)
    {
        value = ContainsKey(key) ? this[key] : null;
        return value is not null;
    }

    /// <summary>The tensors by name, each computed when it is reached.</summary>
    public IEnumerator<KeyValuePair<string, Tensor>> GetEnumerator() => Names.Select(name => KeyValuePair.Create(name,
        this[name])).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    IEnumerable<string> IReadOnlyDictionary<string, Tensor>.Keys => Names;

    IEnumerable<Tensor> IReadOnlyDictionary<string, Tensor>.Values => Names.Select(name => this[name]);

    void RequireAlike(string operation, TaskVector b)
    {
        ArgumentNullException.ThrowIfNull(b);
        var other = Names.Except(b.Names).Concat(b.Names.Except(Names)).FirstOrDefault()
            ?? Names.FirstOrDefault(name => shapes[name].Shape != b.shapes[name].Shape);
        if (other is not null)
            throw new TensorArgumentException($"TaskVector.{operation}", nameof(b), $"a vector that differs at {other}",
                "the same tensors and shapes");
    }
}
