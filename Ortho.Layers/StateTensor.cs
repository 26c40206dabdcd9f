using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>A named tensor of a module's state dict: a <see cref="Parameter"/>, which training changes, or a
/// <see cref="ModuleBuffer"/>.</summary>
public abstract class StateTensor
{
    long earlier;

    private protected StateTensor(string name, Tensor value)
    {
        Name = name;
        Value = Leaf(value);
    }

    /// <summary>Its name within its module.</summary>
    public string Name { get; }

    /// <summary>The numbers, changed in place.</summary>
    public Tensor Value { get; private set; }

    /// <summary>Counts changes in place, so that what was computed from the value can be kept until it changes.</summary>
    internal long Version => earlier + Value.Storage.Version;

    /// <summary>Overwrites the numbers.</summary>
    /// <exception cref="TensorArgumentException">Shape or dtype differ, or the value is not one that the tensor may have.</exception>
    public void Assign(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (value.Shape != Value.Shape || value.DType != Value.DType)
            throw new TensorArgumentException($"{GetType().Name} {Name}", nameof(value), $"{value.DType} {value.Shape}",
                $"{Value.DType} {Value.Shape}");
        Require($"{GetType().Name} {Name}", value);
        using (Graph.NoGrad())
            Value.CopyFrom(value.To(Value.Device));
    }

    /// <summary>Refuses a value that is not one of those that the tensor may have.</summary>
    internal virtual void Require(string operation, Tensor value)
    {
        // Any will do unless a derived class says otherwise.
    }

    internal void MoveTo(Device device)
    {
        if (Value.Device == device)
            return;
        // The new storage counts from 0: a value kept on the device to which the tensor returns must not pass for the present one.
        earlier = Version + 1;
        Value = Leaf(Value.Detach().To(device));
    }

    // A tensor that outlives every scope.
    private protected virtual Tensor Leaf(Tensor value) => TensorScope.Release(value.Detach());

    /// <summary>The value itself, so that it can stand in a formula.</summary>
    public static implicit operator Tensor(StateTensor tensor) => tensor.Value;
}

/// <summary>A tensor that a module keeps beside its parameters: saved with them, changed by the module itself and by no
/// optimizer.</summary>
public sealed class ModuleBuffer : StateTensor
{
    internal ModuleBuffer(string name, Tensor value) : base(name, value)
    {
    }
}
