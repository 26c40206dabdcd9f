using System.Runtime.CompilerServices;
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

    /// <summary>The order [batch, m, 1] in which partial pivoting takes the rows of matrices with few columns.</summary>
    internal static Tensor RowOrder(Tensor x)
    {
        var (batch, m, n) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        var rows = Tensor.Empty([batch, m, 1], x.DType, x.Device);
        ByColumns.Run<LuFactor>(x.DType, x.Device, batch, new(m, n, x), new(m, 1, null, rows), new(1, 1), Math.Min(m, n));
        return Cast.To(Matrices.RealPart(rows, rows.Shape), DType.Int64);
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
        var rest = Permutation.Rows(Matrices.Columns(x, p, n - p), order);
        var across = TriangularSolve.Run(Matrices.Corner(first, 0, p, 0, p), Matrices.Rows(rest, 0, p), upper: false, unitDiagonal: true);
        var below = Matrices.Rows(first, p, m - p);
        var (last, lastOrder, lastSign) = Factor(Matrices.Minus(Matrices.Rows(rest, p, m - p), Matrices.Product(below, across)));
        var factors = Tensor.Empty(x.Shape, x.DType, x.Device);
        Copy.Into(Matrices.Corner(factors, 0, p, 0, p), Matrices.Rows(first, 0, p));
        Copy.Into(Matrices.Corner(factors, p, m - p, 0, p), Permutation.Rows(below, lastOrder));
        Copy.Into(Matrices.Corner(factors, 0, p, p, n - p), across);
        Copy.Into(Matrices.Corner(factors, p, m - p, p, n - p), last);
        var tail = Permutation.Rows(Matrices.Rows(order, p, m - p), lastOrder);
        Copy.Into(Matrices.Rows(order, p, m - p), tail);
        return (factors, order, Skeletons.Pointwise.Run<Binary<Multiply>>("Lu", sign, lastSign));
    }
}

/// <summary>a becomes L and U, b the order of its rows, c the sign. Golub and Van Loan, algorithm 3.4.1.</summary>
readonly struct LuFactor : IByColumns
{
    public static bool TakesVectors => true;

    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        var one = T.Of(1);
        var index = T.Of(0);
        for (var i = 0; W.Index == 0 && i < a.Rows; i++)
        {
            b.Put(i, 0, index);
            index += one;
        }
        var sign = one;
        for (var k = 0; k < option; k++)
        {
            var distance = Pivots.Find<M, T, W>(a, k);
            Pivots.ExchangeRows<M, T, W>(a, k, distance);
            Pivots.ExchangeRows<M, T, W>(b, k, distance);
            sign *= T.SelectEqual(distance, T.Of(0), one, -one);
            Eliminate<M, T, W>(a, k);
        }
        if (W.Index == 0)
            c.Put(0, 0, sign);
    }

    [MethodImpl(Inline.Step)]
    static void Eliminate<M, T, W>(M a, int k) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        W.Meet();
        // Where the whole column is zero there is nothing to eliminate, and dividing by 1 keeps the zeros.
        var pivot = a.At(k, k);
        var scale = T.Of(1) / T.SelectEqual(pivot, T.Of(0), T.Of(1), pivot);
        for (var i = k + 1 + W.Index; i < a.Rows; i += W.Count)
            a.Put(i, k, a.At(i, k) * scale);
        W.Meet();
        var j = k + 1 + W.Index;
        for (; W.IsAlone && j + 3 * W.Step < a.Columns; j += 4 * W.Step)
        {
            var (j1, j2, j3) = (j + W.Step, j + 2 * W.Step, j + 3 * W.Step);
            T r0 = -a.Get(k, j), r1 = -a.Get(k, j1), r2 = -a.Get(k, j2), r3 = -a.Get(k, j3);
            for (var i = k + 1; i < a.Rows; i++)
            {
                var factor = a.At(i, k);
                a.Set(i, j, T.Fma(factor, r0, a.Get(i, j)));
                a.Set(i, j1, T.Fma(factor, r1, a.Get(i, j1)));
                a.Set(i, j2, T.Fma(factor, r2, a.Get(i, j2)));
                a.Set(i, j3, T.Fma(factor, r3, a.Get(i, j3)));
            }
        }
        for (; j < a.Columns; j += W.Step)
        {
            var r = -a.Get(k, j);
            for (var i = k + 1; i < a.Rows; i++)
                a.Set(i, j, T.Fma(a.At(i, k), r, a.Get(i, j)));
        }
    }
}

/// <summary>Partial pivoting: each matrix of a lane may choose another row.</summary>
static class Pivots
{
    /// <summary>How far below the diagonal the largest element of column k stands. All workers search the column, each for itself.</summary>
    [MethodImpl(Inline.Step)]
    public static T Find<M, T, W>(M a, int k) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        W.Meet();
        // Every comparison waits for the one before: rows are searched in four chains, each of every fourth row.
        var (zero, one, i) = (T.Of(0), T.Of(1), k);
        T top0 = -one, top1 = -one, top2 = -one, top3 = -one, at0 = zero, at1 = zero, at2 = zero, at3 = zero, row = zero;
        for (; i + 4 <= a.Rows; i += 4)
        {
            Larger(T.AbsSum(a.At(i, k)), row, ref top0, ref at0);
            Larger(T.AbsSum(a.At(i + 1, k)), row, ref top1, ref at1);
            Larger(T.AbsSum(a.At(i + 2, k)), row, ref top2, ref at2);
            Larger(T.AbsSum(a.At(i + 3, k)), row, ref top3, ref at3);
            row += one;
        }
        var four = T.Of(4);
        (row, at0, at1, at2, at3) = (four * row, four * at0, four * at1 + one, four * at2 + T.Of(2), four * at3 + T.Of(3));
        First(top1, at1, ref top0, ref at0);
        First(top3, at3, ref top2, ref at2);
        First(top2, at2, ref top0, ref at0);
        for (; i < a.Rows; i++)
        {
            Larger(T.AbsSum(a.At(i, k)), row, ref top0, ref at0);
            row += one;
        }
        W.Meet();
        return at0;
    }

    // Keeps the larger one; the earlier of equals.
    [MethodImpl(Inline.Always)]
    static void Larger<T>(T size, T row, ref T top, ref T at) where T : struct, ILane<T>
    {
        at = T.SelectLess(top, size, row, at);
        top = T.Max(size, top);
    }

    // As Larger, of rows in no order.
    [MethodImpl(Inline.Always)]
    static void First<T>(T size, T row, ref T top, ref T at) where T : struct, ILane<T>
    {
        var upper = T.SelectLess(row, at, row, at);
        at = T.SelectEqual(top, size, upper, T.SelectLess(top, size, row, at));
        top = T.Max(size, top);
    }

    /// <summary>Rows k and k + distance change places. Devices do it by selects over all rows below, which costs as much as an elimination.</summary>
    [MethodImpl(Inline.Step)]
    public static void ExchangeRows<M, T, W>(M a, int k, T distance) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        if (M.Exchanges)
        {
            a.Exchange(k, distance, columns: false);
            return;
        }
        var row = T.Of(0);
        for (var i = k + 1; i < a.Rows; i++)
        {
            row += T.Of(1);
            for (var j = W.Index; j < a.Columns; j += W.Step)
            {
                var (x, y) = (a.Get(k, j), a.Get(i, j));
                a.Set(k, j, T.SelectEqual(distance, row, y, x));
                a.Set(i, j, T.SelectEqual(distance, row, x, y));
            }
        }
    }

    /// <summary>Columns k and k + distance change places for each k, the last first, with the distances from row <paramref name="first"/> of the room's
    /// column 0 on. Workers share the rows, each of which goes through all exchanges.</summary>
    [MethodImpl(Inline.Step)]
    public static void ExchangeColumns<M, T, W>(M a, M room, int first) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        W.Meet();
        if (M.Exchanges)
        {
            for (var k = a.Columns - 1; k >= 0; k--)
                a.Exchange(k, room.At(first + k, 0), columns: true);
            return;
        }
        for (var i = W.Index; i < a.Rows; i += W.Count)
        {
            for (var k = a.Columns - 1; k >= 0; k--)
            {
                var (distance, column, x) = (room.At(first + k, 0), T.Of(0), a.Get(i, k));
                for (var j = k + 1; j < a.Columns; j++)
                {
                    column += T.Of(1);
                    var y = a.Get(i, j);
                    a.Set(i, j, T.SelectEqual(distance, column, x, y));
                    x = T.SelectEqual(distance, column, y, x);
                }
                a.Set(i, k, x);
            }
        }
        W.Meet();
    }
}
