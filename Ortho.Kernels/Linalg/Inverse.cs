using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>Inverses of batches of matrices by Gauss-Jordan elimination with partial pivoting (Higham 2002, section 14.4).</summary>
/// <remarks>Small matrices whole, by <see cref="ByColumns"/>; larger ones by blocks, one product of the whole matrix for each. The same arithmetic in
/// the same order on every device.</remarks>
public static class Inverse
{
    /// <summary>Matrices up to this size are inverted whole, and larger ones by blocks of as many columns (measured).</summary>
    internal const int Whole = 64;

    /// <summary>The inverse of square matrices [..., n, n]; a singular one gives infinities or NaN in its own place of the batch.</summary>
    /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
    public static Tensor Run(Tensor a)
    {
        var x = Copy.Dense(Matrices.Square(a, "Inverse", nameof(a)));
        if (x.ElementCount > 0)
            x = General(x);
        return Matrices.Unbatched(x, a);
    }

    /// <summary>The inverse of Hermitian positive definite matrices, without exchange of pivots.</summary>
    /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
    internal static Tensor OfPositive(Tensor a)
    {
        var x = Matrices.Square(a, "Inverse", nameof(a));
        return x.ElementCount > 0 ? Matrices.Unbatched(Positive(x), a) : Copy.Dense(a);
    }

    // x [batch, n, n] is dense and overwritten.
    static Tensor General(Tensor x)
    {
        var (batch, n) = (x.Shape[0], x.Shape[1]);
        if (n <= Whole)
        {
            ByColumns.Run<PivotedGaussJordan>(x.DType, x.Device, batch, new(n, n, x, x), new(2 * n, 1));
            return x;
        }
        Tensor? order = null;
        var zeros = Matrices.Zeros([batch, n, Whole], x);
        var minus = Matrices.Negative(Matrices.Identity(Whole, Whole, x.DType, x.Device).View(Layout.Dense([1, Whole, Whole])));
        for (var first = 0; first < n; first += Whole)
        {
            var width = Math.Min(Whole, n - first);
            // The panel's elimination finds the rows that its pivots come from; they are brought up through the whole matrix.
            var rest = Matrices.Rows(x, first, n - first);
            var found = Lu.RowOrder(Matrices.Columns(rest, first, width));
            Permutation.MoveRows(rest, found);
            if (order is null)
                order = found;
            else
                Permutation.MoveRows(Matrices.Rows(order, first, n - first), found);
            Exchange(x, first, width, zeros, minus);
        }
        zeros.Dispose();
        return Permutation.Columns(x, order!);
    }

    // Unknowns and right-hand sides of a block change places: with P the inverse of the diagonal block, its rows become P times them, all
    // others lose their part in the block's columns times that, and the columns become minus that part times P. All of it is x - C R with zeros
    // put into the block's rows and columns of x, minus the identity into those of C and P into those of R.
    static void Exchange(Tensor x, int first, int width, Tensor zeros, Tensor minus)
    {
        var (rows, columns) = (Matrices.Rows(x, first, width), Matrices.Columns(x, first, width));
        var p = Tensor.Empty([x.Shape[0], width, width], x.DType, x.Device);
        ByColumns.Run<GaussJordan>(x.DType, x.Device, x.Shape[0], new(width, width, Matrices.Columns(rows, first, width), p), new(width, 1));
        var c = Copy.Dense(columns);
        Copy.Into(Matrices.Rows(c, first, width), Matrices.Corner(minus, 0, width, 0, width));
        var r = Matrices.Product(p, rows);
        Copy.Into(Matrices.Columns(r, first, width), p);
        Copy.Into(rows, zeros.View(Layout.Dense(rows.Shape)));
        Copy.Into(columns, zeros.View(Layout.Dense(columns.Shape)));
        MatMul.MatMul.Update("Inverse", x, c, r, -1);
        // Large: back to the pool at once rather than with the garbage.
        c.Dispose();
        r.Dispose();
        p.Dispose();
    }

    static Tensor Positive(Tensor x)
    {
        var (batch, n) = (x.Shape[0], x.Shape[1]);
        var y = Tensor.Empty(x.Shape, x.DType, x.Device);
        if (n <= Whole)
        {
            ByColumns.Run<GaussJordan>(x.DType, x.Device, batch, new(n, n, x, y), new(n, 1));
            return y;
        }
        // With B = a11^-1, E = a21 B and the inverse of the Schur complement Z = (a22 - E a21^H)^-1: a^-1 = [[B + E^H Z E, *], [-Z E, Z]].
        var p = Matrices.Half(n);
        var below = Matrices.Corner(x, p, n - p, 0, p);
        var first = Positive(Matrices.Corner(x, 0, p, 0, p));
        var e = Matrices.Product(below, first);
        var last = Positive(Matrices.Product(e, Matrices.H(below), -1, Matrices.Corner(x, p, n - p, p, n - p), isHermitian: true));
        var corner = Matrices.Product(last, e);
        Copy.Into(Matrices.Corner(y, 0, p, 0, p), Matrices.Product(Matrices.H(e), corner, 1, first, isHermitian: true));
        Copy.Into(Matrices.Corner(y, p, n - p, p, n - p), last);
        Skeletons.Pointwise.Into<Unary<Negate>>("Negate", corner, corner);
        Copy.Into(Matrices.Corner(y, p, n - p, 0, p), corner);
        Copy.Into(Matrices.Corner(y, 0, p, p, n - p), Matrices.H(corner));
        return y;
    }
}

/// <summary>a [n, n] becomes its inverse; b [2 n, 1] is room for a column and the exchanges of rows.</summary>
readonly struct PivotedGaussJordan : IByColumns
{
    public static bool TakesVectors => true;

    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
        => Invert<M, T, W>(a, b, 0);

    /// <summary>a becomes its inverse; 2 n elements of the room's column 0 are used, from row <paramref name="first"/> on.</summary>
    [MethodImpl(Inline.Always)]
    public static void Invert<M, T, W>(M a, M room, int first) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        for (var k = 0; k < a.Columns; k++)
        {
            var distance = Pivots.Find<M, T, W>(a, k);
            if (W.Index == 0)
                room.Put(first + a.Rows + k, 0, distance);
            Pivots.ExchangeRows<M, T, W>(a, k, distance);
            GaussJordan.Eliminate<M, T, W>(a, room, first, k);
        }
        // The inverse of a matrix with exchanged rows has its columns exchanged.
        Pivots.ExchangeColumns<M, T, W>(a, room, first + a.Rows);
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
            Eliminate<M, T, W>(a, b, 0, k);
    }

    /// <summary>Unknown and right-hand side k change places: row k is divided by the pivot, and its multiples are taken from the others. The column goes
    /// into the room's column 0, from row <paramref name="first"/> on.</summary>
    [MethodImpl(Inline.Step)]
    public static void Eliminate<M, T, W>(M a, M room, int first, int k) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        W.Meet();
        var scale = T.Of(1) / a.At(k, k);
        for (var i = W.Index; i < a.Rows; i += W.Count)
            room.Put(first + i, 0, -a.At(i, k));
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
                var factor = room.At(first + i, 0);
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
                    a.Set(i, j, T.Fma(room.At(first + i, 0), r, a.Get(i, j)));
            }
            a.Set(k, j, r);
        }
        // What happened to the other columns makes that of the identity the inverse's. What it was meanwhile is forgotten: its elements are not
        // written before the loop, where vectors would wait for them.
        W.Meet();
        for (var i = W.Index; i < a.Rows; i += W.Count)
            a.Put(i, k, i == k ? scale : T.Fma(room.At(first + i, 0), scale, T.Of(0)));
    }
}
