using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Subspaces, each by one orthonormal basis: [C; B S], the end of the geodesic that leaves the first coordinates' subspace in the
/// direction B, C and S as in <see cref="MatrixExponential"/>; B is the lower part of the free numbers, whose upper square has no
/// influence. Real and complex. Edelman, Arias and Smith 1998.</summary>
/// <remarks>Every subspace is reached. A given basis comes back as another one of the same subspace: what is inverted is the
/// subspace.</remarks>
public sealed class Grassmann : OrthogonalParametrization
{
    /// <inheritdoc/>
    protected override Tensor MapTall(Tensor free)
    {
        var (rows, columns) = (free.Shape[^2], free.Shape[^1]);
        return rows == columns
            ? Tensor.Eye(rows, dtype: free.DType, device: free.Device).Expand([.. free.Shape.Span])
            : MatrixExponential.Geodesic(free.Narrow(-2, columns, rows - columns));
    }

    /// <inheritdoc/>
    protected override Tensor UnmapTall(Tensor q) => Each(q, matrix =>
    {
        var (rows, columns) = (matrix.Shape[0], matrix.Shape[1]);
        var above = Tensor.Zeros([columns, columns], matrix.DType);
        return rows == columns ? above : Tensor.Concat([above, MatrixExponential.Angles(matrix, byRotation: false).Direction], 0);
    });

    /// <summary>What of the value's columns lies outside of the subspace that came back.</summary>
    protected override double Deviation(Tensor value, Tensor again)
    {
        var (q, basis) = IsWide(value.Shape) ? (value.H, again.H) : (value, again);
        return Largest(q - basis.MatMul(basis.H.MatMul(q)));
    }
}
