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
public sealed class Parameter : StateTensor
{
    internal Parameter(string name, Tensor value, ParameterRole role) : base(name, value) => Role = role;

    /// <summary>What it is used for.</summary>
    public ParameterRole Role { get; }

    // Wants a gradient, and is changed in place by optimizers.
    private protected override Tensor Leaf(Tensor value) => base.Leaf(value).RequiresGrad();

    /// <summary>The value itself, so that a parameter can stand in a formula.</summary>
    public static implicit operator Tensor(Parameter parameter) => parameter.Value;
}
