using Ortho.Autograd;
using Ortho.Layers.Manifolds;
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

    /// <summary>Where the value lives, when it is not free: only optimizers that keep it there take the parameter
    /// (<see cref="Optimizers.RiemannianOptimizer"/>).</summary>
    public Manifold? Manifold { get; private set; }

    /// <summary>Moves the value to the nearest point of a manifold, and keeps it there from now on.</summary>
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

    /// <summary>Counts changes in place, so that what was computed from the value can be kept until it changes.</summary>
    internal long Version => earlier + Value.Storage.Version;

    /// <summary>Overwrites the numbers.</summary>
    /// <exception cref="TensorArgumentException">Shape or dtype differ, or the value is not on the parameter's manifold.</exception>
    public void Assign(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (value.Shape != Value.Shape || value.DType != Value.DType)
            throw new TensorArgumentException($"Parameter {Name}", nameof(value), $"{value.DType} {value.Shape}", $"{Value.DType} {Value.Shape}");
        RequireOnManifold($"Parameter {Name}", value);
        using (Graph.NoGrad())
            Value.CopyFrom(value.To(Value.Device));
    }

    /// <summary>Refuses values farther from the manifold than a thousand roundings.</summary>
    internal void RequireOnManifold(string operation, Tensor value)
    {
        if (Manifold is null || Manifold.Error(value) is var error && error <= Tolerance(value))
            return;
        throw new TensorArgumentException(operation, nameof(value), $"{error:G3} away from the {Manifold.GetType().Name} manifold",
            $"at most {Tolerance(value):G3}; Manifold.ProjectOnto gives the nearest point");

        static double Tolerance(Tensor value) => Math.Sqrt(value.ElementCount) * value.DType.RealType switch
        {
            DType.Float64 => 1e-12,
            DType.Float32 => 1e-4,
            _ => 1e-1,
        };
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
