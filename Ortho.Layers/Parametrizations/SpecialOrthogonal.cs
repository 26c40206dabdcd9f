using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Square orthogonal matrices of determinant 1, or special unitary ones: another map's, with the last column divided by the
/// determinant.</summary>
/// <remarks>Real: the sign of a column, which no gradient passes through. <see cref="Cayley"/>, <see cref="MatrixExponential"/> and
/// <see cref="Givens"/> give rotations without this.</remarks>
/// <param name="map">The map; <see cref="Qr"/> when null.</param>
public sealed class SpecialOrthogonal(IOrthogonalParametrization? map = null) : OrthogonalParametrization
{
    readonly IOrthogonalParametrization map = WithoutBuffers(nameof(SpecialOrthogonal), map ?? new Qr());

    /// <inheritdoc/>
    protected override string Elements => "orthogonal matrices of determinant 1";

    /// <inheritdoc/>
    protected override string? Misfit(Shape value) => NotSquare(value);

    /// <inheritdoc/>
    protected override Tensor MapTall(Tensor free)
    {
        var q = map.Forward(free);
        var turn = Phase(q).Unsqueeze(-1).Unsqueeze(-1);
        var n = q.Shape[^1];
        return Tensor.Concat([q.Narrow(-1, 0, n - 1), q.Narrow(-1, n - 1, 1) * turn], -1);
    }

    // 1 / det.
    static Tensor Phase(Tensor q)
    {
        using var pause = q.DType.IsComplex ? null : Graph.NoGrad();
        return q.SlogDet().Sign.Conj();
    }

    /// <inheritdoc/>
    protected override Tensor UnmapTall(Tensor q) => map.Inverse(Nearest(q));

    /// <summary>The larger of |Q^H Q - I| and |det Q - 1|.</summary>
    protected override double Distance(Tensor value)
        => Math.Max(base.Distance(value), Largest((value.Det() - 1).Unsqueeze(-1).Unsqueeze(-1)));

    /// <inheritdoc/>
    protected override Tensor Draw(Shape shape, Generator generator, DType dtype, Device? device)
        => Tensor.Haar(shape, generator, true, dtype, device);
}
