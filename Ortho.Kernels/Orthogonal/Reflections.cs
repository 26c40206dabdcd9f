using Ortho.Kernels.Linalg;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Orthogonal;

/// <summary>Products of Householder reflections in compact form, by blocks of <see cref="Block"/>: (I - V_1 T_1 V_1^H) (I - V_2 T_2 V_2^H) ..., with
/// V lower trapezoidal, so that a block leaves the rows above it alone. LAPACK's larfb, orgqr and ormqr.</summary>
/// <param name="vectors">V [batch, m, k], k &lt;= m; it may be filled later.</param>
sealed class Reflections(Tensor vectors)
{
    /// <summary>Reflections that are applied as one: enough for matrix products to be fast, few enough for a triangle to be cheap.</summary>
    public const int Block = 64;

    /// <summary>V.</summary>
    public Tensor Vectors { get; } = vectors;

    /// <summary>The upper triangular T_i, zero at first.</summary>
    public Tensor[] Triangles { get; } = [.. Enumerable.Range(0, (vectors.Shape[2] + Block - 1) / Block).Select(i =>
    {
        var width = Math.Min(Block, vectors.Shape[2] - i * Block);
        return Matrices.Zeros([vectors.Shape[0], width, width], vectors);
    })];

    /// <summary>The product of the block that begins at column <paramref name="first"/>, or of its adjoint, with x [batch, m - first, columns].</summary>
    public Tensor ApplyBlock(int first, Tensor x, bool adjoint)
    {
        var triangle = Triangles[first / Block];
        return Apply(Matrices.Corner(Vectors, first, Vectors.Shape[1] - first, first, triangle.Shape[1]), triangle, x, adjoint);
    }

    /// <summary>x [batch, m, columns], in place, becomes Q^H x.</summary>
    public void ApplyAdjoint(Tensor x)
    {
        for (var first = 0; first < Vectors.Shape[2]; first += Block)
        {
            var rows = Matrices.Rows(x, first, x.Shape[1] - first);
            Copy.Into(rows, ApplyBlock(first, rows, adjoint: true));
        }
    }

    /// <summary>Columns first, first + 1, ... of the square Q, [batch, m, count].</summary>
    public Tensor Columns(int first, int count)
    {
        var (batch, m, k) = (Vectors.Shape[0], Vectors.Shape[1], Vectors.Shape[2]);
        // Those columns of the identity alone: the whole would be m / count times as large.
        var q = Matrices.Zeros([batch, m, count], Vectors);
        var ones = Matrices.Identity(m - first, count, Vectors.DType, Vectors.Device);
        Copy.Into(Matrices.Rows(q, first, m - first), ones.View(ones.Layout.Expand([batch, m - first, count], "Qr")));
        for (var at = (k - 1) / Block * Block; at >= 0; at -= Block)
        {
            // Columns of the identity whose one lies above the block are not changed by it.
            var skipped = Math.Clamp(at - first, 0, count);
            if (skipped == count)
                continue;
            var corner = Matrices.Corner(q, at, m - at, skipped, count - skipped);
            var changed = ApplyBlock(at, corner, adjoint: false);
            Copy.Into(corner, changed);
            // Large: back to the pool at once rather than with the garbage.
            changed.Dispose();
        }
        return q;
    }

    /// <summary>(I - V T V^H) x, or the adjoint's product (I - V T^H V^H) x.</summary>
    public static Tensor Apply(Tensor v, Tensor t, Tensor x, bool adjoint)
        => Matrices.Product(v, Matrices.Product(adjoint ? Matrices.H(t) : t, Matrices.Product(Matrices.H(v), x)), -1, x);
}
