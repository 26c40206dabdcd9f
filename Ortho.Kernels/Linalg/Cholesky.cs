using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>Cholesky factors of batches of Hermitian positive definite matrices.</summary>
/// <remarks>Up to <see cref="Whole"/> columns by <see cref="ByColumns"/>; larger matrices are halved, and the halves meet in a triangular solve and a
/// matrix product. The same arithmetic in the same order on every device.</remarks>
public static class Cholesky
{
    const int Whole = 128;

    /// <summary>The lower triangular L with a = L L^H and a positive diagonal, reading only a's lower triangle [..., n, n].</summary>
    /// <remarks>A matrix that is not positive definite gives NaN in its own place of the batch.</remarks>
    /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
    public static Tensor Run(Tensor a) => Matrices.Unbatched(Factor(Matrices.Square(a, "Cholesky", nameof(a))), a);

    static Tensor Factor(Tensor x)
    {
        var (batch, n) = (x.Shape[0], x.Shape[1]);
        if (n <= Whole)
        {
            var y = Tensor.Empty(x.Shape, x.DType, x.Device);
            ByColumns.Run<CholeskyFactor>(x.DType, x.Device, batch, new(n, n, x, y));
            return y;
        }
        // [[L1, 0], [M, L2]] with M = a21 L1^-H and L2 L2^H = a22 - M M^H.
        var p = Matrices.Half(n);
        var first = Factor(Matrices.Corner(x, 0, p, 0, p));
        var adjoint = TriangularSolve.Run(first, Matrices.H(Matrices.Corner(x, p, n - p, 0, p)), upper: false, unitDiagonal: false);
        var below = Matrices.H(adjoint);
        var last = Factor(Matrices.Minus(Matrices.Corner(x, p, n - p, p, n - p), Matrices.Product(below, adjoint)));
        var factor = Matrices.Zeros(x.Shape, x);
        Copy.Into(Matrices.Corner(factor, 0, p, 0, p), first);
        Copy.Into(Matrices.Corner(factor, p, n - p, 0, p), below);
        Copy.Into(Matrices.Corner(factor, p, n - p, p, n - p), last);
        return factor;
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
