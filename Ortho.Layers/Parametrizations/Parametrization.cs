using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>What parametrizations share: checks, 16-bit storage, and the way back with its proof.</summary>
public abstract class Parametrization : IParametrization
{
    /// <summary>The elements of the set in words, for messages: <c>skew-symmetric matrices</c>.</summary>
    protected abstract string Elements { get; }

    string Name => GetType().Name;

    /// <inheritdoc/>
    public virtual Shape FreeShape(Shape value) => value;

    /// <inheritdoc/>
    public Tensor Forward(Tensor free)
    {
        ArgumentNullException.ThrowIfNull(free);
        RequireNumbers(Name, nameof(free), free.DType);
        RequireFree(free.Shape);
        return free.DType.IsHalfPrecision ? Map(free.To(DType.Float32)).To(free.DType) : Map(free);
    }

    /// <inheritdoc/>
    public Tensor Inverse(Tensor value)
    {
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        var wide = Judged("Inverse", value);
        var tolerance = Membership.Tolerance(value.DType) * Math.Max(1, Largest(wide));
        var error = wide.ElementCount == 0 ? 0 : Distance(wide);
        if (!(error <= tolerance))
            throw new TensorArgumentException($"{Name}.Inverse", nameof(value), $"at distance {error:0.###e+0}",
                $"{Elements}, to {tolerance:0.###e+0}");
        var free = Unmap(wide);
        // What the map does not reach shows here, whatever the reason: an excluded eigenvalue, a boundary, the wrong determinant.
        var missed = wide.ElementCount == 0 ? 0 : Deviation(wide, Map(free));
        if (!(missed <= tolerance && double.IsFinite(Largest(free))))
            throw new TensorArgumentException($"{Name}.Inverse", nameof(value),
                $"not reached by finite numbers (the map comes within {missed:0.###e+0})", Reached);
        // Numbers of their own, dense: a map whose inverse is the value itself must not give away the caller's memory.
        free = free.To(value.DType).To(value.Device);
        return scope.Keep(free.Storage == value.Storage ? free.Clone() : free.Contiguous());
    }

    /// <inheritdoc/>
    public double Error(Tensor value)
    {
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        var wide = Judged("Error", value);
        return wide.ElementCount == 0 ? 0 : Distance(wide);
    }

    /// <inheritdoc/>
    public Tensor Sample(Shape shape, Generator generator, DType dtype = DType.Float32, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(generator);
        RequireNumbers($"{Name}.Sample", nameof(dtype), dtype);
        RequireValue("Sample", nameof(shape), shape);
        using var pause = Graph.NoGrad();
        return dtype.IsHalfPrecision ? Draw(shape, generator, DType.Float32, device).To(dtype) : Draw(shape, generator, dtype, device);
    }

    /// <summary>What <see cref="Inverse"/> can be given, where that is less than the set.</summary>
    protected virtual string Reached => Elements;

    /// <summary>Whether values are real.</summary>
    protected virtual bool IsReal => false;

    /// <summary>The value [..., rows, columns] of free numbers of a dtype that is computed in.</summary>
    protected abstract Tensor Map(Tensor free);

    /// <summary>Free numbers of values near the set, Float64 or Complex128 on the CPU; nothing is recorded.</summary>
    protected abstract Tensor Unmap(Tensor value);

    /// <summary>The largest distance from the set in a batch that is not empty, Float64 or Complex128 on the CPU.</summary>
    protected abstract double Distance(Tensor value);

    /// <summary>A random element of a dtype that is computed in.</summary>
    protected abstract Tensor Draw(Shape shape, Generator generator, DType dtype, Device? device);

    /// <summary>How far a value and its image after the way back are apart.</summary>
    protected virtual double Deviation(Tensor value, Tensor again) => Largest(value - again);

    /// <summary>What is wrong with a shape of values, as what was expected; null when nothing is.</summary>
    protected virtual string? Misfit(Shape value) => value.Rank < 2 ? "matrices [..., rows, columns]" : null;

    /// <summary>What is wrong with a shape of free numbers, as what was expected; null when nothing is.</summary>
    protected virtual string? FreeMisfit(Shape free) => Misfit(free);

    /// <summary>The largest Frobenius norm of a batch of matrices, or the norm of a vector; NaN when an element is.</summary>
    private protected static double Largest(Tensor values)
        => values.ElementCount == 0 ? 0 : (values.Rank < 2 ? values.Norm() : values.Norm([-2, -1])).Max().Item();

    /// <summary>Refuses matrices that are not square.</summary>
    private protected static string? NotSquare(Shape shape)
        => shape.Rank < 2 || shape[^1] != shape[^2] ? "square matrices [..., n, n]" : null;

    void RequireNumbers(string operation, string argument, DType dtype)
    {
        if (!dtype.IsDifferentiable || (IsReal && dtype.IsComplex))
            throw new TensorArgumentException(operation, argument, $"{dtype}",
                IsReal ? "a floating-point dtype" : "a floating-point or complex dtype");
    }

    void RequireFree(Shape free)
    {
        if (FreeMisfit(free) is { } expected)
            throw new TensorArgumentException(Name, nameof(free), $"{free}", expected);
    }

    void RequireValue(string operation, string argument, Shape value)
    {
        if (Misfit(value) is { } expected)
            throw new TensorArgumentException($"{Name}.{operation}", argument, $"{value}", expected);
    }

    Tensor Judged(string operation, Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        RequireNumbers($"{Name}.{operation}", nameof(value), value.DType);
        RequireValue(operation, nameof(value), value.Shape);
        return value.Detach().To(Device.Cpu).To(value.DType.IsComplex ? DType.Complex128 : DType.Float64);
    }
}
