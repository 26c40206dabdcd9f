using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>Cholesky factors of batches of Hermitian positive definite matrices.</summary>
public static class Cholesky
{
    /// <summary>The lower triangular L with a = L L^H and a positive diagonal, reading only a's lower triangle [..., n, n].</summary>
    /// <remarks>A matrix that is not positive definite gives NaN in its own place of the batch.</remarks>
    /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
    public static Tensor Run(Tensor a)
    {
        var x = Matrices.Square(a, "Cholesky", nameof(a));
        var (batch, n) = (x.Shape[0], x.Shape[1]);
        var y = Tensor.Empty(x.Shape, a.DType, a.Device);
        if (n > 0)
            ByColumns.Run<CholeskyFactor>(a.DType, a.Device, batch, new(n, n, x, y));
        return Matrices.Unbatched(y, a);
    }
}

/// <summary>a becomes its factor, column by column; the upper triangle becomes 0. Golub and Van Loan, algorithm 4.2.1.</summary>
readonly struct CholeskyFactor : IByColumns
{
    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        for (var k = 0; k < a.Columns; k++)
        {
            W.Meet();
            // Rounding may leave an imaginary part on the diagonal of a Hermitian matrix; it does not count.
            var pivot = T.SqrtReal(T.RealPart(a.Get(k, k)));
            var scale = T.OverReal(T.Of(1), pivot);
            W.Meet();
            if (W.Index == 0)
                a.Set(k, k, pivot);
            for (var i = k + 1 + W.Index; i < a.Rows; i += W.Count)
            {
                a.Set(i, k, a.Get(i, k) * scale);
                a.Set(k, i, T.Of(0));
            }
            W.Meet();
            Update<M, T, W>(a, k);
        }
    }

    [MethodImpl(Inline.Step)]
    static void Update<M, T, W>(M a, int k) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        for (var j = k + 1 + W.Index; j < a.Columns; j += W.Count)
        {
            var factor = -T.Conj(a.Get(j, k));
            for (var i = j; i < a.Rows; i++)
                a.Set(i, j, T.Fma(a.Get(i, k), factor, a.Get(i, j)));
        }
    }
}
