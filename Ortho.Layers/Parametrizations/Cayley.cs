using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>
/// The Cayley map of a tall matrix [U; V], U square: with A = U - U^H + V^H V, Q = [(I + A)^-1 (I - A'); -2 V (I + A)^-1], that is
/// Q = [2 B - I; -2 V B] with B = (I + A)^-1. Q^H Q = I for any U and V. Real and complex. Trockman and Kolter 2021.
/// </summary>
/// <remarks>I + A has a Hermitian part of at least I, so B exists. Its condition is the inverse of the distance of Q's eigenvalues from -1, of
/// which random matrices of size n have some at 1 / n: what rounding loses by it is taken off by a Newton-Schulz step for more than 64
/// columns and fewer than twice as many rows (taller matrices have no such eigenvalues). Real square results have determinant 1. A matrix whose
/// upper square has the eigenvalue -1 is not reached.</remarks>
public sealed class Cayley : OrthogonalParametrization
{
    // Columns up to which random matrices keep the inverse's condition, and with it the loss, below that of the arithmetic's own sums.
    const int Small = 64;

    /// <inheritdoc/>
    protected override string Reached => "a matrix whose upper square does not have the eigenvalue -1 (for square real ones: a rotation)";

    /// <inheritdoc/>
    protected override bool IsSpecial => true;

    /// <inheritdoc/>
    protected override Tensor MapTall(Tensor free)
    {
        var (rows, columns) = (free.Shape[^2], free.Shape[^1]);
        var eye = Tensor.Eye(columns, columns, free.DType, free.Device);
        if (rows == columns)
        {
            var rotation = (eye + (free - free.H)).Inverse() * 2.0 - eye;
            return columns > Small ? Polished(rotation) : rotation;
        }
        var (u, v) = (free.Slice(-2, 0, columns), free.Slice(-2, columns));
        var b = (eye + (u - u.H) + v.H.MatMul(v)).Inverse();
        var q = Tensor.Concat([b * 2.0 - eye, v.MatMul(b) * -2.0], free.Rank - 2);
        return columns > Small && rows < 2 * columns ? Polished(q) : q;
    }

    /// <inheritdoc/>
    protected override Tensor UnmapTall(Tensor q)
    {
        var (rows, columns) = (q.Shape[^2], q.Shape[^1]);
        var eye = Tensor.Eye(columns, columns, q.DType, q.Device);
        // I + A = B^-1 = 2 (Q1 + I)^-1, V = -Q2 B^-1 / 2, and the skew part of A is U - U^H, shared between U and -U^H.
        var inverse = (q.Slice(-2, 0, columns) + eye).Inverse() * 2.0;
        var u = (inverse - inverse.H) * 0.25;
        return rows == columns ? u : Tensor.Concat([u, q.Slice(-2, columns).MatMul(inverse) * -0.5], q.Rank - 2);
    }
}
