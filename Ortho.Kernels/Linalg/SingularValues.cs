using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Orthogonal;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>Singular value decomposition of batches of real or complex matrices by one-sided Jacobi rotations (Hestenes 1958).</summary>
public static class SingularValues
{
    // Sweeps over all pairs of columns; convergence is quadratic, and a sweep that rotates nothing is the last.
    const int Sweeps = 20;

    /// <summary>a [..., m, n] = U diag(S) V^H with m &gt;= n: U [..., m, n] and V [..., n, n] with orthonormal columns, S [..., n] descending.</summary>
    /// <remarks>Columns of U that belong to zero singular values complete the others to an orthonormal set.</remarks>
    /// <exception cref="TensorArgumentException">More columns than rows, or a dtype that is neither floating-point nor complex.</exception>
    public static (Tensor U, Tensor S, Tensor V) Decompose(Tensor a)
    {
        var x = Matrices.Batched(a, "Svd", nameof(a));
        var (batch, m, n) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        if (m < n)
            throw new TensorArgumentException("Svd", nameof(a), $"of shape {a.Shape}", "at least as many rows as columns");
        var (reduced, r) = m > n ? Qr.Reduced(x) : (null, x);
        // Below the square matrix stands the identity: it goes along with the rotations and becomes V. The last row is for lengths.
        var stacked = Tensor.Empty([batch, 2 * n + 1, n], a.DType, a.Device);
        Copy.Into(Matrices.Rows(stacked, 0, n), r);
        Copy.Into(Matrices.Rows(stacked, n, n), Matrices.Identity(n, n, a.DType, a.Device));
        var values = Tensor.Empty([batch, n, 1], a.DType, a.Device);
        if (n > 0)
            ByColumns.Run<JacobiVectors>(a.DType, a.Device, batch, new(2 * n + 1, n, stacked, stacked), new(n, 1, null, values), option: Sweeps);
        // The rotated columns are multiples of U's: their QR decomposition is U up to signs, and complete where singular values vanish.
        var (u, triangle) = Qr.Reduced(Matrices.Rows(stacked, 0, n));
        var diagonal = Copy.Dense(triangle.View(Layout.Strided([batch, 1, n], [(long)n * n, 1, n + 1], triangle.Layout.Offset)));
        u = Skeletons.Pointwise.Run<Binary<TimesSign>>("Svd", u, diagonal);
        if (reduced is not null)
            u = Matrices.Product(reduced, u);
        var v = Matrices.Rows(stacked, n, n);
        var shape = a.Shape[..^2].Concat([n]);
        return (Matrices.Unbatched(u, a), Matrices.RealPart(values, shape), Matrices.Unbatched(Copy.Dense(v), a));
    }

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
            ByColumns.Run<Jacobi>(a.DType, a.Device, batch, new(n, n, x), new(n, 1, null, y), option: Sweeps);
        return Matrices.RealPart(y, a.Shape[..^2].Concat([n]));
    }
}

/// <summary>b [n, 1] becomes the singular values of a [m, n]: its columns are rotated in pairs until all are orthogonal.</summary>
readonly struct Jacobi : IByColumns
{
    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        var grow = Orthogonalise<M, T, W>(a, option);
        for (var j = 0; W.Index == 0 && j < a.Columns; j++)
        {
            // Sorted by insertion; exchanges are selects.
            var value = Length<M, T>(a, j) * grow;
            for (var k = 0; k < j; k++)
            {
                var other = b.Get(k, 0);
                b.Set(k, 0, T.Max(other, value));
                value = T.Min(other, value);
            }
            b.Set(j, 0, value);
        }
    }

    /// <summary>Rotates the columns of a's upper square part until they are orthogonal; rows below go along. The part is scaled by a power of
    /// two so that its largest element is about 1 and no square overflows; what undoes that is returned.</summary>
    [MethodImpl(Inline.Always)]
    internal static T Orthogonalise<M, T, W>(M a, int sweeps) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        var zero = T.Of(0);
        var largest = zero;
        for (var j = 0; j < a.Columns; j++)
        {
            for (var i = 0; i < a.Columns; i++)
                largest = T.Max(T.LargerPart(a.At(i, j)), largest);
        }
        var exponent = Scaling.Exponent(largest);
        var shrink = T.Exp2Int(-exponent);
        W.Meet();
        for (var j = W.Index; j < a.Columns; j += W.Count)
        {
            for (var i = 0; i < a.Columns; i++)
                a.Put(i, j, a.At(i, j) * shrink);
        }
        for (var sweep = 0; sweep < sweeps; sweep++)
        {
            var rotated = zero;
            for (var p = 0; p < a.Columns - 1; p++)
            {
                for (var q = p + 1; q < a.Columns; q++)
                    rotated = T.Max(Rotate<M, T, W>(a, p, q), rotated);
            }
            if (M.IsZero(rotated))
                break;
        }
        W.Meet();
        return T.Exp2Int(exponent);
    }

    /// <summary>The norm of a column of a's upper square part.</summary>
    [MethodImpl(Inline.Always)]
    internal static T Length<M, T>(M a, int column) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        var sum = T.Of(0);
        for (var i = 0; i < a.Columns; i++)
            sum += T.SquaredAbs(a.At(i, column));
        return T.SqrtReal(sum);
    }

    // Makes columns p and q orthogonal; 1 where that took a rotation, 0 where they were already. All workers find the angle, each for
    // itself, and share the rows.
    [MethodImpl(Inline.Step)]
    static T Rotate<M, T, W>(M a, int p, int q) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        W.Meet();
        var (zero, one) = (T.Of(0), T.Of(1));
        var (alpha, beta, gamma) = (zero, zero, zero);
        for (var i = 0; i < a.Columns; i++)
        {
            var (x, y) = (a.At(i, p), a.At(i, q));
            alpha += T.SquaredAbs(x);
            beta += T.SquaredAbs(y);
            gamma = T.Fma(T.Conj(x), y, gamma);
        }
        // Products of columns that are nothing but rounding errors would underflow when squared, and their phase not be a phase.
        var exponent = Scaling.Exponent(T.LargerPart(gamma));
        gamma *= T.Exp2Int(-exponent);
        var scaled = T.Abs(gamma);
        var size = scaled * T.Exp2Int(exponent);
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
        var phase = T.SelectLess(negligible, size, T.Conj(T.OverReal(gamma, T.SelectEqual(scaled, zero, one, scaled))), one);
        W.Meet();
        for (var i = W.Index; i < a.Rows; i += W.Count)
        {
            var (x, y) = (a.At(i, p), a.At(i, q) * phase);
            a.Put(i, p, T.Fma(cos, x, -(sin * y)));
            a.Put(i, q, T.Fma(sin, x, cos * y));
        }
        return T.SelectLess(negligible, size, one, zero);
    }
}

/// <summary>a [2 n + 1, n], a square matrix above the identity and a row of room, becomes multiples of its left singular vectors above the right ones and the
/// singular values, all in descending order; b [n, 1] becomes the singular values.</summary>
readonly struct JacobiVectors : IByColumns
{
    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        Decompose<M, T, W>(a, option);
        W.Meet();
        for (var j = W.Index; j < a.Columns; j += W.Count)
            b.Set(j, 0, a.Get(2 * a.Columns, j));
    }

    /// <summary>What becomes of a.</summary>
    [MethodImpl(Inline.Always)]
    internal static void Decompose<M, T, W>(M a, int sweeps) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        var grow = Jacobi.Orthogonalise<M, T, W>(a, sweeps);
        for (var j = W.Index; j < a.Columns; j += W.Count)
            a.Put(2 * a.Columns, j, Jacobi.Length<M, T>(a, j) * grow);
        // Every pair in turn, exchanged by selects where it stands the wrong way round: a selection sort.
        for (var p = 0; p < a.Columns - 1; p++)
        {
            for (var q = p + 1; q < a.Columns; q++)
                Sort<M, T, W>(a, p, q);
        }
    }

    [MethodImpl(Inline.Step)]
    static void Sort<M, T, W>(M a, int p, int q) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        W.Meet();
        var (first, second) = (a.At(2 * a.Columns, p), a.At(2 * a.Columns, q));
        W.Meet();
        for (var i = W.Index; i < a.Rows; i += W.Count)
        {
            var (x, y) = (a.At(i, p), a.At(i, q));
            a.Put(i, p, T.SelectLess(first, second, y, x));
            a.Put(i, q, T.SelectLess(first, second, x, y));
        }
    }
}

/// <summary>a with the sign of b's real part; a itself where that is 0.</summary>
readonly struct TimesSign : IBinary
{
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b) where T : struct, ILane<T> => T.SelectLess(T.RealPart(b), T.Of(0), -a, a);
}
