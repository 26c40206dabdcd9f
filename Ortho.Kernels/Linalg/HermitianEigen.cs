using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Orthogonal;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>Eigenvalues and eigenvectors of batches of Hermitian matrices by two-sided Jacobi rotations (Golub and Van Loan, section 8.5).</summary>
public static class HermitianEigen
{
    // Sweeps over all pairs; convergence is quadratic, and a sweep that rotates nothing is the last.
    const int Sweeps = 20;

    /// <summary>a [..., n, n] = V diag(L) V^H, reading both triangles of a, which must be Hermitian: L [..., n] real and ascending,
    /// V [..., n, n] with orthonormal columns.</summary>
    /// <remarks>The error of an eigenvalue is some units of the last place of the largest.</remarks>
    /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
    public static (Tensor Values, Tensor Vectors) Run(Tensor a)
    {
        var x = Matrices.Square(a, "Eigh", nameof(a));
        var (batch, n) = (x.Shape[0], x.Shape[1]);
        var (values, vectors) = (Tensor.Empty([batch, n, 1], a.DType, a.Device), Tensor.Empty(x.Shape, a.DType, a.Device));
        if (n > 0)
            ByColumns.Run<JacobiHermitian>(a.DType, a.Device, batch, new(n, n, x), new(n, n, null, vectors), new(n, 1, null, values), Sweeps);
        return (Matrices.RealPart(values, a.Shape[..^1]), Matrices.Unbatched(vectors, a));
    }
}

/// <summary>a [n, n] becomes diagonal, b its eigenvectors and c [n, 1] its eigenvalues, ascending.</summary>
readonly struct JacobiHermitian : IByColumns
{
    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        var zero = T.Of(0);
        var largest = zero;
        for (var j = 0; j < a.Columns; j++)
        {
            for (var i = 0; i < a.Rows; i++)
                largest = T.Max(T.LargerPart(a.Get(i, j)), largest);
        }
        // Near 1, no square overflows, and the threshold of rotations is one number.
        var exponent = Scaling.Exponent(largest);
        var shrink = T.Exp2Int(-exponent);
        W.Meet();
        for (var j = W.Index; j < a.Columns; j += W.Count)
        {
            for (var i = 0; i < a.Rows; i++)
            {
                a.Set(i, j, a.Get(i, j) * shrink);
                b.Set(i, j, zero);
            }
            b.Set(j, j, T.Of(1));
        }
        for (var sweep = 0; sweep < option; sweep++)
        {
            var rotated = zero;
            for (var p = 0; p < a.Columns - 1; p++)
            {
                for (var q = p + 1; q < a.Columns; q++)
                    rotated = T.Max(Rotate<M, T, W>(a, b, p, q), rotated);
            }
            if (M.IsZero(rotated))
                break;
        }
        W.Meet();
        for (var j = W.Index; j < a.Columns; j += W.Count)
            c.Set(j, 0, T.RealPart(a.Get(j, j)) * T.Exp2Int(exponent));
        for (var p = 0; p < a.Columns - 1; p++)
        {
            for (var q = p + 1; q < a.Columns; q++)
                Sort<M, T, W>(b, c, p, q);
        }
    }

    // Makes a(p, q) zero; 1 where that took a rotation, 0 where it was negligible. Workers share the rows.
    [MethodImpl(Inline.Step)]
    static T Rotate<M, T, W>(M a, M v, int p, int q) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        W.Meet();
        var (zero, one) = (T.Of(0), T.Of(1));
        var (alpha, beta, gamma) = (T.RealPart(a.Get(p, p)), T.RealPart(a.Get(q, q)), a.Get(p, q));
        var size = T.Abs(gamma);
        // Off-diagonal elements shrink without a floor: below a unit of the last place of both diagonal elements (small eigenvalues of
        // graded matrices) or of the square of the largest element, nothing is left to gain.
        var unit = T.Of(T.IsDouble ? 1.1e-16 : 6e-8);
        var negligible = unit * T.Max(T.SqrtReal(T.Abs(alpha)) * T.SqrtReal(T.Abs(beta)), unit);
        var safe = T.SelectLess(negligible, size, size, one);
        // tan of the smaller of the two angles that diagonalise [[alpha, |gamma|], [|gamma|, beta]]
        var zeta = T.OverReal(beta - alpha, safe + safe);
        var tan = T.CopySign(T.OverReal(one, T.Abs(zeta) + T.SqrtReal(T.Fma(zeta, zeta, one))), zeta);
        tan = T.SelectLess(negligible, size, tan, zero);
        var cos = T.OverReal(one, T.SqrtReal(T.Fma(tan, tan, one)));
        var sin = cos * tan;
        // Rutishauser's form, x - sin (y + half x) with half the tangent of half the angle: small angles cost no rounding of cos.
        var half = T.OverReal(sin, one + cos);
        // Turning column q by the phase of gamma makes a(p, q) real and positive.
        var phase = T.SelectLess(negligible, size, T.Conj(T.OverReal(gamma, safe)), one);
        W.Meet();
        for (var i = W.Index; i < a.Rows; i += W.Count)
        {
            var (x, y) = (v.Get(i, p), v.Get(i, q) * phase);
            v.Set(i, p, T.Fma(-sin, T.Fma(half, x, y), x));
            v.Set(i, q, T.Fma(sin, T.Fma(-half, y, x), y));
            if (i == p || i == q)
                continue;
            (x, y) = (a.Get(i, p), a.Get(i, q) * phase);
            var (first, second) = (T.Fma(-sin, T.Fma(half, x, y), x), T.Fma(sin, T.Fma(-half, y, x), y));
            a.Set(i, p, first);
            a.Set(i, q, second);
            a.Set(p, i, T.Conj(first));
            a.Set(q, i, T.Conj(second));
        }
        if (W.Index == 0)
        {
            // The two by two block is known exactly.
            var change = tan * size;
            var rest = T.SelectLess(negligible, size, zero, gamma);
            a.Set(p, p, alpha - change);
            a.Set(q, q, beta + change);
            a.Set(p, q, rest);
            a.Set(q, p, T.Conj(rest));
        }
        return T.SelectLess(negligible, size, one, zero);
    }

    // Columns p and q of the vectors exchanged, by selects, where their values stand the wrong way round.
    [MethodImpl(Inline.Step)]
    static void Sort<M, T, W>(M v, M values, int p, int q) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        W.Meet();
        var (first, second) = (values.Get(p, 0), values.Get(q, 0));
        W.Meet();
        for (var i = W.Index; i < v.Rows; i += W.Count)
        {
            var (x, y) = (v.Get(i, p), v.Get(i, q));
            v.Set(i, p, T.SelectLess(second, first, y, x));
            v.Set(i, q, T.SelectLess(second, first, x, y));
        }
        if (W.Index == 0)
        {
            values.Set(p, 0, T.Min(first, second));
            values.Set(q, 0, T.Max(first, second));
        }
    }
}
