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

    /// <summary>A table [entries, features] of which a step changes the rows that were looked up.</summary>
    Embedding,

    /// <summary>The last matrix [classes, features] of a network, whose outputs are logits or predictions.</summary>
    Head,
}

/// <summary>A tensor that training changes.</summary>
public sealed class Parameter
{
    long earlier;
    ParameterRole role;

    internal Parameter(string name, Tensor value, ParameterRole role)
    {
        Name = name;
        Value = TensorScope.Release(value.Detach()).RequiresGrad();
        Role = role;
    }

    /// <summary>Its name within its module.</summary>
    public string Name { get; }

    /// <summary>What it is used for: said by the layer that registers it, and by its user where the layer cannot know (a linear layer
    /// does not know that it is the last). Set it before optimizers are made.</summary>
    /// <exception cref="TensorArgumentException">The value has too few dimensions for the role.</exception>
    public ParameterRole Role
    {
        get => role;
        set
        {
            var dimensions = value switch { ParameterRole.Vector => 0, ParameterRole.Convolution => 3, _ => 2 };
            if (Value.Rank < dimensions)
                throw new TensorArgumentException($"Parameter {Name}", nameof(Role), $"{value} for shape {Value.Shape}", $"at least {dimensions} dimensions");
            role = value;
        }
    }

    /// <summary>Whether orthogonalizing optimizers take it: a hidden layer's matrix or convolution kernel, and no table, head or
    /// vector.</summary>
    public bool IsHiddenMatrix => role is ParameterRole.Matrix or ParameterRole.Convolution;

    /// <summary>Rows and columns of the matrix as which optimizers see a value [m, ...]: m, and all the other dimensions
    /// together.</summary>
    /// <exception cref="TensorArgumentException">The value has fewer than two dimensions.</exception>
    public (int Rows, int Columns) MatrixShape => Value.Rank >= 2
        ? (Value.Shape[0], checked((int)Value.Shape[1..].ElementCount))
        : throw new TensorArgumentException($"Parameter {Name}", nameof(Value), $"of shape {Value.Shape}", "at least two dimensions");

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
