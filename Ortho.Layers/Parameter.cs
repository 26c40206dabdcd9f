using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>What a parameter is used for; optimizers treat roles differently.</summary>
public enum ParameterRole
{
    /// <summary>A matrix that multiplies activations.</summary>
    Matrix,

    /// <summary>A convolution kernel [out, in, ...].</summary>
    Convolution,

    /// <summary>A bias, a gain or another list of numbers.</summary>
    Vector,
}

/// <summary>A tensor that training changes.</summary>
public sealed class Parameter
{
    long earlier;

    internal Parameter(string name, Tensor value, ParameterRole role)
    {
        Name = name;
        Role = role;
        Value = TensorScope.Release(value.Detach()).RequiresGrad();
    }

    /// <summary>Its name within its module.</summary>
    public string Name { get; }

    /// <summary>What it is used for.</summary>
    public ParameterRole Role { get; }

    /// <summary>The numbers: a leaf that wants a gradient, changed in place by optimizers.</summary>
    public Tensor Value { get; private set; }

    /// <summary>Counts changes in place, so that what was computed from the value can be kept until it changes.</summary>
    internal long Version => earlier + Value.Storage.Version;

    /// <summary>Overwrites the numbers.</summary>
    /// <exception cref="TensorArgumentException">Shape or dtype differ.</exception>
    public void Assign(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (value.Shape != Value.Shape || value.DType != Value.DType)
            throw new TensorArgumentException($"Parameter {Name}", nameof(value), $"{value.DType} {value.Shape}", $"{Value.DType} {Value.Shape}");
        using (Graph.NoGrad())
            Value.CopyFrom(value.To(Value.Device));
    }

    internal void MoveTo(Device device)
    {
        if (Value.Device == device)
            return;
        // The new storage counts from 0: a value kept on the device to which the parameter returns must not pass for the present one.
        earlier = Version + 1;
        Value = TensorScope.Release(Value.Detach().To(device)).RequiresGrad();
    }

    /// <summary>The value itself, so that a parameter can stand in a formula.</summary>
    public static implicit operator Tensor(Parameter parameter) => parameter.Value;
}
