using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Matrices whose singular values lie between 1 - b and 1 + b: U diag(1 + b tanh x) V^H with orthonormal U and V. Real and
/// complex. Samples have uniform U, V and singular values.</summary>
public sealed class AlmostOrthogonal : SingularValueParametrization
{
    /// <summary>Matrices [rows, columns] with a band of singular values.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="band">b, more than 0 and at most 1.</param>
    /// <param name="map">The map of U and V; <see cref="Qr"/> when null.</param>
    /// <exception cref="ArgumentOutOfRangeException">The band is not in (0, 1].</exception>
    public AlmostOrthogonal(int rows, int columns, double band, IOrthogonalParametrization? map = null)
        : base(rows, columns, Math.Min(rows, columns), map)
        => Band = band is > 0 and <= 1 ? band : throw new ArgumentOutOfRangeException(nameof(band), band,
            "AlmostOrthogonal: a band in (0, 1].");

    /// <summary>b.</summary>
    public double Band { get; }

    /// <inheritdoc/>
    protected override string Elements => $"matrices with singular values in ({1 - Band}, {1 + Band})";

    private protected override Tensor Values(Tensor free) => free.Tanh() * Band + 1;

    // The edge itself is reached within rounding only.
    private protected override Tensor FreeValues(Tensor values) => ((values - 1) * (1 / Band)).Clamp(-1 + 1e-12, 1 - 1e-12).Atanh();

    /// <summary>The norm of what the singular values exceed the band by.</summary>
    protected override double Distance(Tensor value) => ((value.SingularValues() - 1).Abs() - Band).Relu().Norm([-1]).Max().Item();

    /// <inheritdoc/>
    protected override Tensor Draw(Shape shape, Generator generator, DType dtype, Device? device)
        => Draw(shape, generator, dtype, device, Tensor.Uniform(shape[..^2].Concat([Rank]), generator, 1 - Band, 1 + Band, dtype.RealType,
            device));
}
