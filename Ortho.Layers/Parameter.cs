using Ortho.Autograd;
using Ortho.Layers.Manifolds;
using Ortho.Layers.Parametrizations;
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
public sealed class Parameter : StateTensor
{
    ParameterRole role;

    internal Parameter(string name, Tensor value, ParameterRole role) : base(name, value) => Role = role;

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

    /// <summary>Where the value lives, when it is not free: only optimizers that keep it there take the parameter
    /// (<see cref="Optimizers.RiemannianOptimizer"/>).</summary>
    public Manifold? Manifold { get; private set; }

    /// <summary>Moves the value to the nearest point of a manifold, and keeps it there from now on. To be called before optimizers are made.</summary>
    /// <param name="manifold">A manifold whose points have the value's shape.</param>
    /// <exception cref="TensorArgumentException">The value is of a shape that holds no points.</exception>
    public void RestrictTo(Manifold manifold)
    {
        ArgumentNullException.ThrowIfNull(manifold);
        using (Graph.NoGrad())
        {
            using var scope = new TensorScope();
            Value.CopyFrom(manifold.ProjectOnto(Value.Detach()));
        }
        Manifold = manifold;
    }

    /// <summary>How far from its manifold a value may be, for optimizers that let it leave.</summary>
    internal double Slack { get; set; }

    /// <summary>Refuses values that are not on the manifold.</summary>
    internal override void Require(string operation, Tensor value)
    {
        if (Manifold is null)
            return;
        var (error, tolerance) = (Manifold.Error(value), Math.Max(Slack, Membership.Tolerance(value.DType) * Math.Sqrt(value.ElementCount)));
        if (!(error <= tolerance))
        {
            throw new TensorArgumentException(operation, nameof(value), $"{error:G3} away from the {Manifold.GetType().Name} manifold",
                $"at most {tolerance:G3}; Manifold.ProjectOnto gives the nearest point");
        }
    }

    // Wants a gradient, and is changed in place by optimizers.
    private protected override Tensor Leaf(Tensor value) => base.Leaf(value).RequiresGrad();

    /// <summary>The value itself, so that a parameter can stand in a formula.</summary>
    public static implicit operator Tensor(Parameter parameter) => parameter.Value;
}
