using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Orthogonal;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>Singular values of batches of real or complex matrices by one-sided Jacobi rotations (Hestenes 1958).</summary>
public static class SingularValues
{
    // Sweeps over all pairs of columns; convergence is quadratic and the host stops when a sweep rotates nothing.
    const int Sweeps = 20;

    /// <summary>The min(m, n) singular values of each matrix of a [..., m, n], descending, as real numbers [..., min(m, n)].</summary>
    /// <remarks>The error is some units of the last place of the largest. Matrices that are not square are reduced by QR first.</remarks>
    /// <exception cref="TensorArgumentException">Fewer than two dimensions, or a dtype that is neither floating-point nor complex.</exception>
    public static Tensor Run(Tensor a)
    {
        var x = Matrices.Batched(a, "SingularValues", nameof(a));
        // A matrix and its transpose have the same singular values.
        if (x.Shape[1] < x.Shape[2])
            x = x.View(x.Layout.Permute([0, 2, 1], "SingularValues"));
        var (batch, n) = (x.Shape[0], x.Shape[2]);
        if (x.Shape[1] > n)
            x = Qr.Triangle(x);
        var y = Tensor.Empty([batch, n, 1], a.DType, a.Device);
        if (n > 0)
            PerMatrix.Run<Jacobi>(a.DType, a.Device, batch, new(n, n, x), new(n, 1, null, y), option: Sweeps);
        var shape = a.Shape[..^2].Concat([n]);
        return a.DType.IsComplex
            ? Copy.Dense(y.View(Layout.Strided(shape, [.. shape.DenseStrides().Select(stride => 2 * stride)], 0), a.DType.RealType))
            : y.View(Layout.Dense(shape));
    }
}

/// <summary>b [n, 1] becomes the singular values of a [m, n]: its columns are rotated in pairs until all are orthogonal.</summary>
readonly struct Jacobi : IPerMatrix
{
    [MethodImpl(Inline.Always)]
    public static void Apply<M, T>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        var (zero, one) = (T.Of(0), T.Of(1));
        // Scaled by a power of two so that the largest element is about 1 and no square overflows.
        var largest = zero;
        for (var j = 0; j < a.Columns; j++)
        {
            for (var i = 0; i < a.Rows; i++)
                largest = T.Max(T.LargerPart(a.Get(i, j)), largest);
        }
        var exponent = Scaling.Exponent(largest);
        var shrink = T.Exp2Int(-exponent);
        for (var j = 0; j < a.Columns; j++)
        {
            for (var i = 0; i < a.Rows; i++)
                a.Set(i, j, a.Get(i, j) * shrink);
        }

        for (var sweep = 0; sweep < option; sweep++)
        {
            var rotated = zero;
            for (var p = 0; p < a.Columns - 1; p++)
            {
                for (var q = p + 1; q < a.Columns; q++)
                    rotated = T.Max(Rotate<M, T>(a, p, q), rotated);
            }
            if (M.IsZero(rotated))
                break;
        }

        var grow = T.Exp2Int(exponent);
        for (var j = 0; j < a.Columns; j++)
        {
            var sum = zero;
            for (var i = 0; i < a.Rows; i++)
                sum += T.SquaredAbs(a.Get(i, j));
            // Sorted by insertion; exchanges are selects.
            var value = T.SqrtReal(sum) * grow;
            for (var k = 0; k < j; k++)
            {
                var other = b.Get(k, 0);
                b.Set(k, 0, T.Max(other, value));
                value = T.Min(other, value);
            }
            b.Set(j, 0, value);
        }
    }

    // Makes columns p and q orthogonal; 1 where that took a rotation, 0 where they were already.
    [MethodImpl(Inline.Step)]
    static T Rotate<M, T>(M a, int p, int q) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        var (zero, one) = (T.Of(0), T.Of(1));
        var (alpha, beta, gamma) = (zero, zero, zero);
        for (var i = 0; i < a.Rows; i++)
        {
            var (x, y) = (a.Get(i, p), a.Get(i, q));
            alpha += T.SquaredAbs(x);
            beta += T.SquaredAbs(y);
            gamma = T.Fma(T.Conj(x), y, gamma);
        }
        var size = T.Abs(gamma);
        var negligible = T.Of(T.IsDouble ? 1e-15 : 5e-7) * T.SqrtReal(alpha) * T.SqrtReal(beta);
        var safe = T.SelectLess(negligible, size, size, one);
        // tan of the smaller of the two angles that diagonalise [[alpha, |gamma|], [|gamma|, beta]]
        var zeta = T.OverReal(beta - alpha, safe + safe);
        var tan = T.CopySign(T.OverReal(one, T.Abs(zeta) + T.SqrtReal(T.Fma(zeta, zeta, one))), zeta);
        var inner = T.OverReal(one, T.SqrtReal(T.Fma(tan, tan, one)));
        var outer = inner * tan;
        // The larger column comes first, by a quarter turn more where it does not: sorted columns converge in far fewer sweeps.
        var cos = T.SelectLess(negligible, size, T.SelectLess(alpha, beta, outer, inner), one);
        var sin = T.SelectLess(negligible, size, T.SelectLess(alpha, beta, -inner, outer), zero);
        // Turning column q by the phase of gamma makes the product of the columns real and positive.
        var phase = T.SelectLess(negligible, size, T.Conj(T.OverReal(gamma, safe)), one);
        for (var i = 0; i < a.Rows; i++)
        {
            var (x, y) = (a.Get(i, p), a.Get(i, q) * phase);
            a.Set(i, p, T.Fma(cos, x, -(sin * y)));
            a.Set(i, q, T.Fma(sin, x, cos * y));
        }
        return T.SelectLess(negligible, size, one, zero);
    }
}
