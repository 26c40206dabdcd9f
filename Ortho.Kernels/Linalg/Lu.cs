using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>LU decomposition with partial pivoting of batches of square matrices.</summary>
public static class Lu
{
    /// <summary>Both factors in one matrix (L without its unit diagonal below U), the permutation, and its sign.</summary>
    /// <param name="a">[..., n, n].</param>
    /// <returns>Factors [..., n, n]; order [..., n, 1] in a's dtype: row i of L U is row order[i] of a; sign [..., 1, 1], 1 or -1.</returns>
    /// <remarks>A singular matrix has a zero on U's diagonal and finite factors.</remarks>
    /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
    public static (Tensor Factors, Tensor Order, Tensor Sign) Run(Tensor a)
    {
        if (a.Rank < 2 || a.Shape[^1] != a.Shape[^2])
            throw new TensorArgumentException("Lu", nameof(a), $"of shape {a.Shape}", "square matrices [..., n, n]");
        var x = Matrices.Batched(a, "Lu", nameof(a));
        var (batch, n) = (x.Shape[0], x.Shape[1]);
        var (factors, order, sign) = (Tensor.Empty(x.Shape, a.DType, a.Device), Tensor.Empty([batch, n, 1], a.DType, a.Device), Tensor.Empty([batch, 1, 1], a.DType, a.Device));
        PerMatrix.Run<LuFactor>(a.DType, a.Device, batch, new(n, n, x, factors), new(n, 1, null, order), new(1, 1, null, sign));
        return (Matrices.Unbatched(factors, a), Matrices.Unbatched(order, a), Matrices.Unbatched(sign, a));
    }
}

/// <summary>a becomes L and U, b the order of its rows, c the sign. Each matrix of a lane may choose another pivot: rows are exchanged by
/// selects, which costs as much again as the elimination. Golub and Van Loan, algorithm 3.4.1.</summary>
readonly struct LuFactor : IPerMatrix
{
    [MethodImpl(Inline.Always)]
    public static void Apply<M, T>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        var one = T.Of(1);
        var index = T.Of(0);
        for (var i = 0; i < a.Rows; i++)
        {
            b.Set(i, 0, index);
            index += one;
        }
        var sign = one;
        for (var k = 0; k < a.Columns; k++)
        {
            sign *= Pivot<M, T>(a, b, k);
            Eliminate<M, T>(a, k);
        }
        c.Set(0, 0, sign);
    }

    // Brings the largest element of column k to the diagonal; -1 where that took an exchange.
    [MethodImpl(Inline.Step)]
    static T Pivot<M, T>(M a, M b, int k) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        var (zero, one) = (T.Of(0), T.Of(1));
        var (largest, at, row) = (T.SquaredAbs(a.Get(k, k)), zero, zero);
        for (var i = k + 1; i < a.Rows; i++)
        {
            row += one;
            var size = T.SquaredAbs(a.Get(i, k));
            at = T.SelectLess(largest, size, row, at);
            largest = T.Max(size, largest);
        }
        row = zero;
        for (var i = k + 1; i < a.Rows; i++)
        {
            row += one;
            for (var j = 0; j < a.Columns; j++)
                Exchange<M, T>(a, k, i, j, at, row);
            Exchange<M, T>(b, k, i, 0, at, row);
        }
        return T.SelectEqual(at, zero, one, -one);
    }

    [MethodImpl(Inline.Always)]
    static void Exchange<M, T>(M a, int k, int i, int j, T at, T row) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        var (x, y) = (a.Get(k, j), a.Get(i, j));
        a.Set(k, j, T.SelectEqual(at, row, y, x));
        a.Set(i, j, T.SelectEqual(at, row, x, y));
    }

    [MethodImpl(Inline.Step)]
    static void Eliminate<M, T>(M a, int k) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        // Where the whole column is zero there is nothing to eliminate, and dividing by 1 keeps the zeros.
        var pivot = a.Get(k, k);
        var scale = T.Of(1) / T.SelectEqual(pivot, T.Of(0), T.Of(1), pivot);
        for (var i = k + 1; i < a.Rows; i++)
            a.Set(i, k, a.Get(i, k) * scale);
        for (var j = k + 1; j < a.Columns; j++)
        {
            var factor = -a.Get(k, j);
            for (var i = k + 1; i < a.Rows; i++)
                a.Set(i, j, T.Fma(a.Get(i, k), factor, a.Get(i, j)));
        }
    }
}
