using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>Inverses of batches of matrices by Gauss-Jordan elimination.</summary>
/// <remarks>Small matrices whole, by <see cref="ByColumns"/>; larger ones by halves, which meet in six matrix products. The same arithmetic in the
/// same order on every device.</remarks>
public static class Inverse
{
    // Matrices that are inverted whole (measured).
    const int Whole = 64;

    /// <summary>The inverse of matrices whose Hermitian part is positive definite, x^H a x + conj(x^H a x) &gt; 0: skew-Hermitian ones plus the
    /// identity, positive definite ones. No pivots are exchanged.</summary>
    /// <remarks>Every Schur complement of such a matrix is one, with a Hermitian part no less than the smallest eigenvalue of a's, so nothing is
    /// divided by zero; its elements are at most |a| + |a|^2 / that eigenvalue (Golub and Van Loan, section 4.2.3; Mathias 1992).</remarks>
    /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
    public static Tensor OfDominant(Tensor a)
    {
        var y = Copy.Dense(Matrices.Square(a, "Inverse", nameof(a)));
        if (y.ElementCount > 0)
            InPlace(y);
        return Matrices.Unbatched(y, a);
    }

    // x [batch, n, n], a view, becomes its inverse.
    static void InPlace(Tensor x)
    {
        var n = x.Shape[1];
        if (n <= Whole)
        {
            ByColumns.Run<GaussJordan>(x.DType, x.Device, x.Shape[0], new(n, n, x, x), new(n, 1));
            return;
        }
        // With B = a11^-1, E = a21 B, F = B a12 and the Schur complement's inverse Z = (a22 - E a12)^-1:
        // a^-1 = [[B + F Z E, -F Z], [-Z E, Z]].
        var p = Matrices.Half(n);
        var (first, last) = (Matrices.Corner(x, 0, p, 0, p), Matrices.Corner(x, p, n - p, p, n - p));
        var (right, below) = (Matrices.Corner(x, 0, p, p, n - p), Matrices.Corner(x, p, n - p, 0, p));
        InPlace(first);
        var e = Matrices.Product(below, first);
        var f = Matrices.Product(first, right);
        Matrices.SubtractProduct(last, e, right);
        InPlace(last);
        Matrices.SetNegativeProduct(right, f, last);
        Matrices.SetNegativeProduct(below, last, e);
        Matrices.SubtractProduct(first, right, e);
        e.Dispose();
        f.Dispose();
    }
}

/// <summary>a [n, n] becomes its inverse, without exchange of pivots; b [n, 1] is room for a column.</summary>
readonly struct GaussJordan : IByColumns
{
    public static bool TakesVectors => true;

    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        for (var k = 0; k < a.Columns; k++)
            Eliminate<M, T, W>(a, b, k);
    }

    /// <summary>Unknown and right-hand side k change places: row k is divided by the pivot, and its multiples are taken from the others.</summary>
    [MethodImpl(Inline.Step)]
    public static void Eliminate<M, T, W>(M a, M b, int k) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        W.Meet();
        var scale = T.Of(1) / a.At(k, k);
        for (var i = W.Index; i < a.Rows; i += W.Count)
            b.Put(i, 0, -a.At(i, k));
        W.Meet();
        // The column becomes that of the identity, so that what happens to the others turns it into the inverse's.
        for (var i = W.Index; i < a.Rows; i += W.Count)
            a.Put(i, k, T.Of(0));
        W.Meet();
        if (W.Index == 0)
            a.Put(k, k, T.Of(1));
        W.Meet();
        var j = W.Index;
        for (; W.IsAlone && j + 3 * W.Step < a.Columns; j += 4 * W.Step)
        {
            var (j1, j2, j3) = (j + W.Step, j + 2 * W.Step, j + 3 * W.Step);
            T r0 = a.Get(k, j) * scale, r1 = a.Get(k, j1) * scale, r2 = a.Get(k, j2) * scale, r3 = a.Get(k, j3) * scale;
            for (var i = 0; i < a.Rows; i++)
            {
                if (i == k)
                    continue;
                var factor = b.At(i, 0);
                a.Set(i, j, T.Fma(factor, r0, a.Get(i, j)));
                a.Set(i, j1, T.Fma(factor, r1, a.Get(i, j1)));
                a.Set(i, j2, T.Fma(factor, r2, a.Get(i, j2)));
                a.Set(i, j3, T.Fma(factor, r3, a.Get(i, j3)));
            }
            a.Set(k, j, r0);
            a.Set(k, j1, r1);
            a.Set(k, j2, r2);
            a.Set(k, j3, r3);
        }
        for (; j < a.Columns; j += W.Step)
        {
            var r = a.Get(k, j) * scale;
            for (var i = 0; i < a.Rows; i++)
            {
                if (i != k)
                    a.Set(i, j, T.Fma(b.At(i, 0), r, a.Get(i, j)));
            }
            a.Set(k, j, r);
        }
    }
}
