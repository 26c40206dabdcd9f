using Ortho.Tensors;

namespace Ortho.Kernels.Skeletons;

/// <summary>An argument of a pointwise kernel: a tensor, or one number for all elements.</summary>
public readonly struct Operand
{
    Operand(Tensor? tensor, double constant) => (Tensor, Constant) = (tensor, constant);

    /// <summary>The tensor, or null for a number.</summary>
    public Tensor? Tensor { get; }

    /// <summary>The number when there is no tensor.</summary>
    public double Constant { get; }

    /// <summary>A tensor.</summary>
    public static implicit operator Operand(Tensor tensor) => new(tensor, 0);

    /// <summary>A number.</summary>
    public static implicit operator Operand(double constant) => new(null, constant);
}
