using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Vectors, along the last dimension, of one length: r x / |x|. Real and complex.</summary>
/// <remarks>Every vector of the sphere is its own free numbers; the length of x has no influence (and grows in training: gradients are
/// orthogonal to x). x = 0 gives NaN. Samples are uniform on the sphere.
/// For the exponential at a moving base, take a <see cref="DynamicTrivialization"/> of <see cref="MatrixExponential"/> with one
/// column.</remarks>
/// <param name="radius">r.</param>
public sealed class Sphere(double radius = 1) : Parametrization
{
    /// <summary>The length.</summary>
    public double Radius { get; } = radius > 0 ? radius
        : throw new ArgumentOutOfRangeException(nameof(radius), radius, "Sphere: a positive radius.");

    /// <inheritdoc/>
    protected override string Elements => $"vectors of length {Radius}";

    /// <inheritdoc/>
    protected override string? Misfit(Shape value) => value.Rank < 1 || value[^1] < 1 ? "vectors [..., n]" : null;

    /// <inheritdoc/>
    protected override Tensor Map(Tensor free) => free * (Radius / free.Norm([-1], keepDimensions: true)).To(free.DType);

    /// <inheritdoc/>
    protected override Tensor Unmap(Tensor value) => value;

    /// <inheritdoc/>
    protected override double Distance(Tensor value) => (value.Norm([-1]) - Radius).Abs().Max().Item();

    /// <inheritdoc/>
    protected override Tensor Draw(Shape shape, Generator generator, DType dtype, Device? device)
        => Map(NormalMatrix.Of(shape, generator, dtype, device));
}
