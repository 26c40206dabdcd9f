using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>
/// The exponential of the skew part of a square matrix, Q = e^A, A = (X - X^H) / 2; for a tall matrix [X; B], the exponential of its
/// Grassmann part times that of the rotation, Q = e^[0, -B^H; B, 0] [I; 0] e^A = [C; B S] e^A with C = cos (B^H B)^(1/2) and S = sin (B^H
/// B)^(1/2) / (B^H B)^(1/2). Real and complex. Square: Lezcano Casado and Martínez Rubio 2019. Tall: a quasi-geodesic, Krakowski et al.
/// 2017.
/// </summary>
/// <remarks>
/// <para>C and S are entire functions of B^H B: both are blocks of the exponential of [0, -I; B^H B, 0], so no square of the longer side is
/// formed, and derivatives exist everywhere, also at 0, where Q is the identity.</para>
/// <para>Reached: every rotation, every unitary matrix, every tall matrix with orthonormal columns.</para>
/// </remarks>
public sealed class MatrixExponential : OrthogonalParametrization
{
    /// <inheritdoc/>
    protected override string Reached => "a rotation (determinant 1), when square and real";

    /// <inheritdoc/>
    protected override bool IsSpecial => true;

    /// <inheritdoc/>
    protected override Tensor MapTall(Tensor free)
    {
        var (rows, columns) = (free.Shape[^2], free.Shape[^1]);
        var top = rows == columns ? free : free.Narrow(-2, 0, columns);
        var turn = ((top - top.H) * 0.5).MatrixExp();
        // Squarings double errors.
        return Polished(rows == columns ? turn : Geodesic(free.Narrow(-2, columns, rows - columns)).MatMul(turn));
    }

    /// <inheritdoc/>
    protected override Tensor UnmapTall(Tensor q)
        => Each(q, matrix => matrix.Shape[0] == matrix.Shape[1] ? UnitaryLogarithm.Of(matrix) : Logarithm(matrix));

    /// <summary>The end [C; B S] of the Grassmann geodesic that leaves [I; 0] in the direction [0; B].</summary>
    internal static Tensor Geodesic(Tensor b)
    {
        var n = b.Shape[^1];
        // Similar to [0, -I; B^H B, 0], and closer to a skew matrix for |B| of the order of pi / 2.
        const double balance = 2;
        var gram = b.H.MatMul(b) * (1 / balance);
        var zero = Tensor.Zeros(gram.Shape, gram.DType, gram.Device);
        var minus = (Tensor.Eye(n, dtype: gram.DType, device: gram.Device) * -balance).Expand([.. gram.Shape.Span]);
        var blocks = Tensor.Concat([Tensor.Concat([zero, minus], -1), Tensor.Concat([gram, zero], -1)], -2).MatrixExp().Narrow(-2, 0, n);
        return Tensor.Concat([blocks.Narrow(-1, 0, n), b.MatMul(blocks.Narrow(-1, n, n)) * (-1 / balance)], -2);
    }

    /// <summary>The B and the unitary O with q = [C; B S] O: the shortest B, or the one with which a real O is a rotation.</summary>
    internal static (Tensor Direction, Tensor Turn) Angles(Tensor q, bool byRotation)
    {
        var (rows, n) = (q.Shape[0], q.Shape[1]);
        // Q1 = L cos(T) R^H, so that Q1 = (L cos(T) L^H) (L R^H) and Q2 R = Y sin(T) L^H O R = Y sin(T).
        var (left, cosines, right) = q.Narrow(0, 0, n).Svd();
        var angles = cosines.ToArray<double>().Select(cosine => Math.Acos(Math.Clamp(cosine, 0, 1))).ToArray();
        var turn = left.MatMul(right.H);
        if (byRotation && !q.DType.IsComplex && turn.Det().Item() < 0)
        {
            // One cosine, the smallest, takes the sign, and its angle lies beyond a right one.
            angles[^1] = Math.PI - angles[^1];
            right = Tensor.Concat([right.Narrow(1, 0, n - 1), -right.Narrow(1, n - 1, 1)], 1);
            turn = left.MatMul(right.H);
        }
        var lower = q.Narrow(0, n, rows - n).MatMul(right);
        Tensor[] columns = [.. angles.Select((angle, k) =>
        {
            var column = lower.Narrow(1, k, 1);
            var sine = column.Norm().Item();
            // Sine and cosine together: near 0 the cosine alone knows the angle to half the digits only.
            var full = Math.Atan2(sine, Math.Cos(angle));
            return sine > 1e-150 ? column * (full / sine) : full > 1 ? Along(rows - n, q.DType) * full : column;
        })];
        // The direction B = Y T L^H, and R^H = L^H O: columns of Q2 R are those of Y sin(T).
        return (Tensor.Concat(columns, 1).MatMul(left.H), turn);
    }

    // An angle of pi with no direction: any will do.
    static Tensor Along(int rows, DType dtype) => Tensor.Eye(rows, 1, dtype);

    static Tensor Logarithm(Tensor q)
    {
        var (direction, turn) = Angles(q, byRotation: true);
        return Tensor.Concat([UnitaryLogarithm.Of(turn), direction], 0);
    }
}
