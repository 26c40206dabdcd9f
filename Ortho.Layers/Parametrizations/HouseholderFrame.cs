using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Orthonormal columns as a product of reflections with vectors tril(X, -1) + I, and a fixed phase for each column: Q = frame(X)
/// D, the form of LAPACK's QR. No number is redundant (the upper triangle of X has no influence). Real and complex; the adjoint for wide
/// matrices.</summary>
/// <remarks>D, signs for real matrices, is a buffer: <see cref="Inverse"/> sets it, and with it every matrix with orthonormal columns is
/// reached. Compare <see cref="Householder"/>, which needs no D but has vectors of free length. Song, Zhang, Sebe and Wang 2023.</remarks>
public sealed class HouseholderFrame : Module, IOrthogonalParametrization
{
    static readonly Qr measure = new();

    /// <summary>The matrices of a shape.</summary>
    /// <param name="shape">[..., rows, columns].</param>
    /// <param name="dtype">Of D: that of the free numbers (Float32 for 16-bit ones).</param>
    /// <exception cref="TensorArgumentException">The shape is not that of matrices, or the dtype not one that is computed in.</exception>
    public HouseholderFrame(Shape shape, DType dtype = DType.Float32)
    {
        if (shape.Rank < 2)
            throw new TensorArgumentException(nameof(HouseholderFrame), nameof(shape), $"{shape}", "[..., rows, columns]");
        if (!dtype.HasArithmetic)
            throw new TensorArgumentException(nameof(HouseholderFrame), nameof(dtype), $"{dtype}",
                "Float32, Float64, Complex64 or Complex128");
        Shape = shape;
        Phases = RegisterBuffer("phases", Tensor.Ones(shape[..^2].Concat([1, Math.Min(shape[^2], shape[^1])]), dtype));
    }

    /// <summary>Of the values.</summary>
    public Shape Shape { get; }

    /// <summary>D [..., 1, columns] (as many as there are rows, for wide matrices).</summary>
    public ModuleBuffer Phases { get; }

    bool IsWide => Shape[^2] < Shape[^1];

    /// <inheritdoc/>
    public override Tensor Forward(Tensor free)
    {
        ArgumentNullException.ThrowIfNull(free);
        Require(nameof(HouseholderFrame), nameof(free), free.Shape, free.DType);
        if (free.DType.IsHalfPrecision)
            return Forward(free.To(DType.Float32)).To(free.DType);
        var q = OrthogonalParametrization.Polished((IsWide ? free.H : free).HouseholderFrame()) * Phases.Value.To(free.DType);
        return IsWide ? q.H : q;
    }

    /// <summary>Free numbers that give a value, whose D becomes the buffer.</summary>
    public Tensor Inverse(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        Require($"{nameof(HouseholderFrame)}.Inverse", nameof(value), value.Shape, value.DType);
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        var (vectors, phases) = Householder.Decompose(IsWide ? value.H : value);
        Phases.Assign(phases.To(Phases.Value.DType));
        var free = vectors.Tril(-1).To(value.DType);
        return scope.Keep((IsWide ? free.H : free).Clone());
    }

    /// <inheritdoc/>
    public double Error(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        Require($"{nameof(HouseholderFrame)}.Error", nameof(value), value.Shape, value.DType);
        return measure.Error(value);
    }

    /// <summary>The Haar measure.</summary>
    public Tensor Sample(Shape shape, Generator generator, DType dtype = DType.Float32, Device? device = null)
    {
        Require($"{nameof(HouseholderFrame)}.Sample", nameof(shape), shape, dtype);
        return measure.Sample(shape, generator, dtype, device);
    }

    void Require(string operation, string argument, Shape shape, DType dtype)
    {
        if (shape != Shape)
            throw new TensorArgumentException(operation, argument, $"{shape}", $"{Shape}");
        if (!dtype.IsDifferentiable || dtype.IsComplex != Phases.Value.DType.IsComplex)
            throw new TensorArgumentException(operation, argument, $"{dtype}",
                $"a {(Phases.Value.DType.IsComplex ? "complex" : "floating-point")} dtype, as the phases");
    }
}
