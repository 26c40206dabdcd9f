using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>LU decomposition with partial pivoting of batches of matrices.</summary>
public static class Lu
{
    /// <summary>Both factors in one matrix (L without its unit diagonal below U), the permutation, and its sign.</summary>
    /// <param name="operation">Name, for messages.</param>
    /// <param name="a">[..., m, n].</param>
    /// <returns>Factors [..., m, n]; order [..., m, 1] in a's dtype: row i of L U is row order[i] of a; sign [..., 1, 1], 1 or -1.</returns>
    /// <remarks>A singular matrix has a zero on U's diagonal and finite factors.</remarks>
    /// <exception cref="TensorArgumentException">Fewer than two dimensions, or an unsuitable dtype.</exception>
    public static (Tensor Factors, Tensor Order, Tensor Sign) Run(string operation, Tensor a)
    {
        var x = Matrices.Batched(a, operation, nameof(a));
        var (batch, m, n) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        var (factors, order, sign) = (Tensor.Empty(x.Shape, a.DType, a.Device), Tensor.Empty([batch, m, 1], a.DType, a.Device), Tensor.Empty([batch, 1, 1], a.DType, a.Device));
        ByColumns.Run<LuFactor>(a.DType, a.Device, batch, new(m, n, x, factors), new(m, 1, null, order), new(1, 1, null, sign), Math.Min(m, n));
        return (Matrices.Unbatched(factors, a), Matrices.Unbatched(order, a), Matrices.Unbatched(sign, a));
    }
}

/// <summary>a becomes L and U, b the order of its rows, c the sign. Each matrix of a lane may choose another pivot: rows are exchanged by
/// selects, which costs as much again as the elimination. Golub and Van Loan, algorithm 3.4.1.</summary>
readonly struct LuFactor : IByColumns
{
    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        var one = T.Of(1);
        var index = T.Of(0);
        for (var i = 0; W.Index == 0 && i < a.Rows; i++)
        {
            b.Set(i, 0, index);
            index += one;
        }
        var sign = one;
        for (var k = 0; k < option; k++)
        {
            sign *= Pivot<M, T, W>(a, b, k);
            Eliminate<M, T, W>(a, k);
        }
        if (W.Index == 0)
            c.Set(0, 0, sign);
    }

    // Brings the largest element of column k to the diagonal; -1 where that took an exchange. All workers search the column, each for itself.
    [MethodImpl(Inline.Step)]
    static T Pivot<M, T, W>(M a, M b, int k) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        W.Meet();
        var (zero, one) = (T.Of(0), T.Of(1));
        var (largest, at, row) = (T.SquaredAbs(a.Get(k, k)), zero, zero);
        for (var i = k + 1; i < a.Rows; i++)
        {
            row += one;
            var size = T.SquaredAbs(a.Get(i, k));
            at = T.SelectLess(largest, size, row, at);
            largest = T.Max(size, largest);
        }
        W.Meet();
        row = zero;
        for (var i = k + 1; i < a.Rows; i++)
        {
            row += one;
            for (var j = W.Index; j < a.Columns; j += W.Count)
                Exchange<M, T>(a, k, i, j, at, row);
            if (W.Index == 0)
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
    static void Eliminate<M, T, W>(M a, int k) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        W.Meet();
        // Where the whole column is zero there is nothing to eliminate, and dividing by 1 keeps the zeros.
        var pivot = a.Get(k, k);
        var scale = T.Of(1) / T.SelectEqual(pivot, T.Of(0), T.Of(1), pivot);
        for (var i = k + 1 + W.Index; i < a.Rows; i += W.Count)
            a.Set(i, k, a.Get(i, k) * scale);
        W.Meet();
        for (var j = k + 1 + W.Index; j < a.Columns; j += W.Count)
        {
            var factor = -a.Get(k, j);
            for (var i = k + 1; i < a.Rows; i++)
                a.Set(i, j, T.Fma(a.Get(i, k), factor, a.Get(i, j)));
        }
    }
}
