using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Orthogonal;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>Solves linear systems by Householder QR: backward stable without pivoting, so every matrix of a batch takes the same steps.</summary>
public static class Solve
{
    /// <summary>The x with a x = b. A singular a gives infinities or NaN in its own matrix of the batch only.</summary>
    /// <param name="a">[..., n, n].</param>
    /// <param name="b">[..., n, columns]; leading dimensions broadcast.</param>
    /// <exception cref="TensorArgumentException">Shapes, dtypes or devices do not fit.</exception>
    public static Tensor Run(Tensor a, Tensor b)
    {
        var shape = TriangularSolve.Check("Solve", a, b);
        var (n, columns) = (a.Shape[^1], b.Shape[^1]);
        var right = b.View(b.Layout.Expand(shape.Concat(b.Shape[^2..].Span), "Solve"));
        if (right.ElementCount == 0)
            return Copy.Dense(right);
        if (Qr.IsSmall(n))
        {
            var left = a.View(a.Layout.Expand(shape.Concat(a.Shape[^2..].Span), "Solve"));
            var (x, y) = (Matrices.Batched(left, "Solve", nameof(a)), Matrices.Batched(right, "Solve", nameof(b)));
            var solution = Tensor.Empty(y.Shape, a.DType, a.Device);
            ByColumns.Run<SmallSolve>(a.DType, a.Device, y.Shape[0], new(n, n, x), new(n, columns, y, solution));
            return Matrices.Unbatched(solution, right);
        }
        // The factors of a matrix that is shared by the batch are made once.
        var factored = Matrices.Batched(a.ElementCount == (long)n * n ? a : a.View(a.Layout.Expand(shape.Concat([n, n]), "Solve")), "Solve", nameof(a));
        var (reflections, r) = Qr.Factor(factored, n);
        var rotated = Matrices.Batched(Copy.Dense(right), "Solve", nameof(b));
        reflections.ApplyAdjoint(rotated);
        return Matrices.Unbatched(TriangularSolve.Run(r, rotated, upper: true, unitDiagonal: false), right);
    }
}

/// <summary>b becomes a^-1 b: the reflections that make a triangular are applied to b at once, and Q is never formed.</summary>
readonly struct SmallSolve : IByColumns
{
    public static bool TakesVectors => true;

    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        for (var k = 0; k < a.Columns; k++)
        {
            var tau = T.Conj(Householder.Reflect<M, T, W>(a, k));
            Householder.Apply<M, T, W>(a, k, tau, a, k + 1);
            Householder.Apply<M, T, W>(a, k, tau, b, 0);
        }
        Substitute<M, T, W>(a, b);
    }

    [MethodImpl(Inline.Step)]
    static void Substitute<M, T, W>(M a, M b) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        for (var i = a.Rows - 1; i >= 0; i--)
        {
            // R's diagonal is real.
            var scale = T.OverReal(T.Of(1), a.At(i, i));
            for (var j = W.Index; j < b.Columns; j += W.Step)
            {
                var x = b.Get(i, j) * scale;
                b.Set(i, j, x);
                for (var row = 0; row < i; row++)
                    b.Set(row, j, T.Fma(-a.At(row, i), x, b.Get(row, j)));
            }
        }
    }
}
