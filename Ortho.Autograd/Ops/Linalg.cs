using Ortho.Kernels.Orthogonal;
using Ortho.Tensors;
using SingularValuesKernel = Ortho.Kernels.Linalg.SingularValues;
using SolveKernel = Ortho.Kernels.Linalg.Solve;
using TriangularSolveKernel = Ortho.Kernels.Linalg.TriangularSolve;

namespace Ortho.Autograd;

/// <summary>Factorisations and linear systems, batched over leading dimensions, real and complex.</summary>
public static class LinalgOps
{
    extension(Tensor a)
    {
        /// <summary>a [..., m, n] = Q R: Q [..., m, k] with orthonormal columns, R [..., k, n] upper triangular, k = min(m, n).</summary>
        /// <remarks>
        /// R's diagonal is real, each entry of the sign opposite to the pivot's real part (LAPACK's convention); a column with nothing
        /// below its pivot keeps it. Differentiable to any order where the first k columns are independent; elsewhere values are finite
        /// and gradients are not.
        /// </remarks>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, or a dtype that is neither floating-point nor complex.</exception>
        public (Tensor Q, Tensor R) Qr()
        {
            var (q, r) = Ortho.Kernels.Orthogonal.Qr.Reduced(a);
            Graph.Record("Qr", [q, r], (a, gradients => QrPull(q, r, gradients[0], gradients[1])));
            return (q, r);
        }

        /// <summary>The x with a x = b, reading only one triangle of a [..., n, n]; b [..., n, columns], leading dimensions broadcast.</summary>
        /// <param name="b">Right-hand sides.</param>
        /// <param name="upper">Whether a is upper triangular; lower otherwise. The other triangle gets gradient 0.</param>
        /// <param name="unitDiagonal">Whether a's diagonal is 1 and not read.</param>
        /// <exception cref="TensorArgumentException">Shapes, dtypes or devices do not fit.</exception>
        public Tensor TriangularSolve(Tensor b, bool upper, bool unitDiagonal = false)
        {
            var x = TriangularSolveKernel.Run(a, b, upper, unitDiagonal);
            return Graph.Record("TriangularSolve", x,
                (a, g =>
                {
                    var weights = -a.H.TriangularSolve(g, !upper, unitDiagonal).MatMul(x.H);
                    var diagonal = unitDiagonal ? 1 : 0;
                    return (upper ? weights.Triu(diagonal) : weights.Tril(-diagonal)).SumTo(a.Shape);
                }),
                (b, g => a.H.TriangularSolve(g, !upper, unitDiagonal).SumTo(b.Shape)));
        }

        /// <summary>The x with a x = b, by Householder QR; a [..., n, n], b [..., n, columns], leading dimensions broadcast.</summary>
        /// <remarks>A singular matrix gives infinities or NaN (no error, which would have to wait for the device).</remarks>
        /// <exception cref="TensorArgumentException">Shapes, dtypes or devices do not fit.</exception>
        public Tensor Solve(Tensor b)
        {
            var x = SolveKernel.Run(a, b);
            return Graph.Record("Solve", x,
                (a, g => (-a.H.Solve(g).MatMul(x.H)).SumTo(a.Shape)),
                (b, g => a.H.Solve(g).SumTo(b.Shape)));
        }

        /// <summary>The inverse of square matrices [..., n, n], by Householder QR. To multiply by an inverse, <c>Solve</c> is faster.</summary>
        /// <remarks>A singular matrix gives infinities or NaN.</remarks>
        /// <exception cref="TensorArgumentException">The matrices are not square.</exception>
        public Tensor Inverse()
        {
            var y = SolveKernel.Inverse(a);
            return Graph.Record("Inverse", y, (a, g => -y.H.MatMul(g).MatMul(y.H)));
        }

        /// <summary>The singular values of a [..., m, n], descending: real numbers [..., min(m, n)]. To measure with, not to train with:
        /// asking for a gradient through them is an error.</summary>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, or a dtype that is neither floating-point nor complex.</exception>
        public Tensor SingularValues()
            => Graph.Record("SingularValues", SingularValuesKernel.Run(a), (a, _ => throw new NotSupportedException(
                "SingularValues: no derivative is defined; detach the matrix, or use a norm or a Gram matrix in a loss.")));
    }

    // Walter and Lehmann 2012; for complex matrices the diagonal of R is real, which halves and keeps the real part of the diagonal.
    // A wide a = [x y] has R = [u v]: u is that of x = q u, and v = q^H y.
    static Tensor QrPull(Tensor q, Tensor r, Tensor? gq, Tensor? gr)
    {
        var (k, n) = (r.Shape[^2], r.Shape[^1]);
        if (n == k)
            return SquarePull(q, r, gq, gr);
        var u = r.Narrow(-1, 0, k);
        if (gr is null)
        {
            var left = SquarePull(q, u, gq, null);
            return Tensor.Concat([left, Tensor.Zeros(left.Shape.With(left.Rank - 1, n - k), left.DType, left.Device)], -1);
        }
        var (v, gv) = (r.Narrow(-1, k, n - k), gr.Narrow(-1, k, n - k));
        var y = q.MatMul(v);
        var across = y.MatMul(gv.H);
        return Tensor.Concat([SquarePull(q, u, gq is null ? across : gq + across, gr.Narrow(-1, 0, k)), q.MatMul(gv)], -1);
    }

    static Tensor SquarePull(Tensor q, Tensor r, Tensor? gq, Tensor? gr)
    {
        // A null gradient is a zero one; at least one is there.
        var inner = (gr, gq) switch
        {
            (null, { } g) => -q.H.MatMul(g),
            ({ } g, null) => g.MatMul(r.H),
            var (g, h) => g!.MatMul(r.H) - q.H.MatMul(h!),
        };
        var strict = inner.Triu(1);
        var real = inner.Diagonal().Real();
        var diagonal = real.To(inner.DType).Unsqueeze(-1) * Tensor.Eye(r.Shape[^1], dtype: inner.DType, device: inner.Device);
        var sum = q.MatMul(strict + strict.H + diagonal);
        if (gq is not null)
            sum = gq + sum;
        // sum R^-H, from the right: the conjugate transpose of R^-1 sum^H.
        return r.TriangularSolve(sum.H, upper: true).H;
    }
}
