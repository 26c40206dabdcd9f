using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Square matrices of positive determinant: U diag(log (1 + e^x)) V^T with rotations U and V. Real.</summary>
/// <remarks>An open set: <c>Error</c> is 0 for a positive determinant, and otherwise the distance from the singular matrices.</remarks>
public class GeneralLinearPlus : SingularValueParametrization
{
    /// <summary>Matrices [n, n].</summary>
    /// <param name="n">Rows and columns.</param>
    /// <param name="map">The map of U and V, whose determinants are made 1; <see cref="Qr"/> when null.</param>
    public GeneralLinearPlus(int n, IOrthogonalParametrization? map = null) : base(n, n, n, new SpecialOrthogonal(map))
    {
    }

    /// <inheritdoc/>
    protected override bool IsReal => true;

    /// <inheritdoc/>
    protected override string Elements => "matrices of positive determinant";

    private protected override Tensor Values(Tensor free) => Positive.Of(free);

    private protected override Tensor FreeValues(Tensor values) => Positive.Inverse(values);

    // U and V are both turned into rotations by the sign of their last columns: their determinants are equal where the value's is positive.
    private protected override (Tensor U, Tensor S, Tensor V) Decompose(Tensor value)
    {
        var (u, s, v) = value.Svd();
        return (Rotation(u), s, Rotation(v));
    }

    static Tensor Rotation(Tensor q)
    {
        var n = q.Shape[^1];
        return Tensor.Concat([q.Narrow(-1, 0, n - 1), q.Narrow(-1, n - 1, 1) * q.SlogDet().Sign.Unsqueeze(-1).Unsqueeze(-1)], -1);
    }

    /// <inheritdoc/>
    protected override double Distance(Tensor value)
    {
        var smallest = value.SingularValues().Narrow(-1, Rank - 1, 1).Squeeze(-1);
        return (smallest * value.SlogDet().Sign.Less(0).To(value.DType)).Max().Item();
    }
}

/// <summary>Square matrices of determinant 1: as <see cref="GeneralLinearPlus"/>, with singular values e^x divided by their geometric mean.
/// Real.</summary>
/// <remarks><c>Error</c> is |det - 1|.</remarks>
public sealed class SpecialLinear : GeneralLinearPlus
{
    /// <summary>Matrices [n, n].</summary>
    /// <param name="n">Rows and columns.</param>
    /// <param name="map">The map of U and V, whose determinants are made 1; <see cref="Qr"/> when null.</param>
    public SpecialLinear(int n, IOrthogonalParametrization? map = null) : base(n, map)
    {
    }

    /// <inheritdoc/>
    protected override string Elements => "matrices of determinant 1";

    private protected override Tensor Values(Tensor free) => (free - free.Mean([-1], keepDimensions: true)).Exp();

    private protected override Tensor FreeValues(Tensor values) => values.Log();

    /// <inheritdoc/>
    protected override double Distance(Tensor value) => (value.Det() - 1).Abs().Max().Item();
}
