using System.Runtime.CompilerServices;
using Ortho.Kernels.Indexing;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>LU decomposition with partial pivoting of batches of matrices.</summary>
/// <remarks>Up to <see cref="Whole"/> pivots by <see cref="ByColumns"/>; larger matrices are halved by columns, and the halves meet in a triangular solve
/// and a matrix product (Toledo 1997). The same arithmetic in the same order on every device.</remarks>
public static class Lu
{
    const int Whole = 48;

    /// <summary>Both factors in one matrix (L without its unit diagonal below U), the permutation, and its sign.</summary>
    /// <param name="operation">Name, for messages.</param>
    /// <param name="a">[..., m, n].</param>
    /// <returns>Factors [..., m, n]; order [..., m], Int64: row i of L U is row order[i] of a; sign [...] in a's dtype, 1 or -1.</returns>
    /// <remarks>A singular matrix has a zero on U's diagonal and finite factors.</remarks>
    /// <exception cref="TensorArgumentException">Fewer than two dimensions, or an unsuitable dtype.</exception>
    public static (Tensor Factors, Tensor Order, Tensor Sign) Run(string operation, Tensor a)
    {
        var (factors, order, sign) = Factor(Matrices.Batched(a, operation, nameof(a)));
        return (Matrices.Unbatched(factors, a), order.View(Layout.Dense(a.Shape[..^1])), sign.View(Layout.Dense(a.Shape[..^2])));
    }

    // Order [batch, m, 1], sign [batch, 1, 1].
    static (Tensor Factors, Tensor Order, Tensor Sign) Factor(Tensor x)
    {
        var (batch, m, n) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        var k = Math.Min(m, n);
        if (k <= Whole)
        {
            var y = Tensor.Empty(x.Shape, x.DType, x.Device);
            var (rows, parity) = (Tensor.Empty([batch, m, 1], x.DType, x.Device), Tensor.Empty([batch, 1, 1], x.DType, x.Device));
            ByColumns.Run<LuFactor>(x.DType, x.Device, batch, new(m, n, x, y), new(m, 1, null, rows), new(1, 1, null, parity), k);
            return (y, Cast.To(Matrices.RealPart(rows, rows.Shape), DType.Int64), parity);
        }
        // P1 [[L1, 0], [M, I]] [[U1, V], [0, s]] with V = L1^-1 r1, s = r2 - M V of the permuted rest r; then s = P2 L2 U2.
        var p = Matrices.Half(k);
        var (first, order, sign) = Factor(Matrices.Columns(x, 0, p));
        var rest = Permuted(Matrices.Columns(x, p, n - p), order);
        var across = TriangularSolve.Run(Matrices.Corner(first, 0, p, 0, p), Matrices.Rows(rest, 0, p), upper: false, unitDiagonal: true);
        var below = Matrices.Rows(first, p, m - p);
        var (last, lastOrder, lastSign) = Factor(Matrices.Minus(Matrices.Rows(rest, p, m - p), Matrices.Product(below, across)));
        var factors = Tensor.Empty(x.Shape, x.DType, x.Device);
        Copy.Into(Matrices.Corner(factors, 0, p, 0, p), Matrices.Rows(first, 0, p));
        Copy.Into(Matrices.Corner(factors, p, m - p, 0, p), Permuted(below, lastOrder));
        Copy.Into(Matrices.Corner(factors, 0, p, p, n - p), across);
        Copy.Into(Matrices.Corner(factors, p, m - p, p, n - p), last);
        var tail = Permuted(Matrices.Rows(order, p, m - p), lastOrder);
        Copy.Into(Matrices.Rows(order, p, m - p), tail);
        return (factors, order, Skeletons.Pointwise.Run<Binary<Multiply>>("Lu", sign, lastSign));
    }

    static Tensor Permuted(Tensor x, Tensor order) => Gather.Run(x, 1, order.View(order.Layout.Expand(x.Shape, "Lu")));
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
