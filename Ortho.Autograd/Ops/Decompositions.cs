using Ortho.Tensors;
using CholeskyKernel = Ortho.Kernels.Linalg.Cholesky;
using LuKernel = Ortho.Kernels.Linalg.Lu;
using QrKernel = Ortho.Kernels.Orthogonal.Qr;

namespace Ortho.Autograd;

/// <summary>QR, LU and Cholesky factors, batched over leading dimensions, real and complex. BFloat16 and Half are factored in float32.</summary>
[OpFamily("linear algebra")]
public static class DecompositionOps
{
    extension(Tensor a)
    {
        /// <summary>a [..., m, n] = Q R: Q [..., m, k] with orthonormal columns, R [..., k, n] upper triangular, k = min(m, n); or Q [..., m, m]
        /// unitary and R [..., m, n].</summary>
        /// <remarks>
        /// R's diagonal is real, each entry of the sign opposite to the pivot's real part (LAPACK's convention); a column with nothing
        /// below its pivot keeps it. Differentiable to any order where the first k columns are independent; elsewhere values are right
        /// and gradients not finite. The columns that complete Q are an arbitrary basis: no gradient passes through them.
        /// </remarks>
        /// <param name="complete">Whether Q is square.</param>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, or a dtype that is neither floating-point nor complex.</exception>
        [Op(Family = "orthogonal", Takes = Numbers.Real | Numbers.Complex)]
        public (Tensor Q, Tensor R) Qr(bool complete = false)
        {
            if (a.IsHalf)
                return a.Wide.Qr(complete) is var (wideQ, wideR) ? (wideQ.To(a.DType), wideR.To(a.DType)) : default;
            var (q, r) = QrKernel.Reduced(a);
            Graph.Record("Qr", [q, r], (a, gradients => QrPull(q, r, gradients[0], gradients[1])));
            if (!complete || a.Shape[^2] <= a.Shape[^1])
                return (q, r);
            var (m, n) = (a.Shape[^2], a.Shape[^1]);
            return (Tensor.Concat([q, Complement(a)], -1), Tensor.Concat([r, Tensor.Zeros(a.Shape[..^2].Concat([m - n, n]), a.DType, a.Device)], -2));
        }

        /// <summary>a [..., m, n] = P L U by partial pivoting: P [..., m, m] a permutation matrix, L [..., m, k] unit lower and U [..., k, n]
        /// upper triangular, k = min(m, n). A pivot is the largest of its column by |Re| + |Im|, as in LAPACK.</summary>
        /// <remarks>A singular matrix has finite factors and a zero on U's diagonal. Differentiable to any order where the leading k columns
        /// of P^T a's first k rows are regular (P is constant); elsewhere gradients are not finite.</remarks>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, or an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public (Tensor P, Tensor L, Tensor U) Lu()
        {
            if (a.IsHalf)
                return a.Wide.Lu() is var (wideP, wideL, wideU) ? (wideP.To(a.DType), wideL.To(a.DType), wideU.To(a.DType)) : default;
            Tensor p, l, u;
            using (Graph.NoGrad())
            {
                var (factors, order, _) = LuKernel.Run("Lu", a);
                var (m, k) = (a.Shape[^2], Math.Min(a.Shape[^2], a.Shape[^1]));
                (l, u) = (factors.Narrow(-1, 0, k).Tril(-1) + Tensor.Eye(m, k, a.DType, a.Device), factors.Narrow(-2, 0, k).Triu());
                p = order.OneHot(m, a.DType.RealType).T.To(a.DType).Clone();
            }
            Graph.Record("Lu", [l, u], (a, gradients => p.MatMul(LuPull(l, u, gradients[0], gradients[1]))));
            return (p, l, u);
        }

        /// <summary>The lower triangular L with a = L L^H for Hermitian positive definite a [..., n, n], of which the lower triangle is read.</summary>
        /// <param name="check">Whether a matrix that is not positive definite is an error, which waits for the device; otherwise it gives NaN in
        /// its own place of the batch.</param>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        /// <exception cref="ArithmeticException">A matrix is not positive definite, and <paramref name="check"/> asked.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Cholesky(bool check = false)
        {
            if (a.IsHalf)
                return a.Wide.Cholesky(check).To(a.DType);
            var l = CholeskyKernel.Run(a);
            if (check)
                MatrixParts.RequireFinite("Cholesky", l, "is not positive definite");
            return Graph.Record("Cholesky", l, (a, g =>
            {
                // Murray 2016, equation 8: L^-H Phi(L^H g) L^-1 with Phi the lower triangle and half the diagonal, made Hermitian. The
                // gradient falls on the lower triangle, the only one that is read.
                var inner = l.H.MatMul(g).Tril();
                var phi = inner - MatrixParts.OnDiagonal(inner.Diagonal()) * 0.5;
                var right = l.H.TriangularSolve(phi.H, upper: true).H;
                var half = l.H.TriangularSolve(right, upper: true);
                var symmetric = half + half.H;
                return symmetric.Tril(-1) + MatrixParts.OnDiagonal(symmetric.Diagonal()) * 0.5;
            }));
        }
    }

    /// <summary>The columns [..., m, m - n] that complete Q of a tall matrix, from the same reflections; constant.</summary>
    internal static Tensor Complement(Tensor a)
    {
        using var pause = Graph.NoGrad();
        return QrKernel.Complement(a);
    }

    // With rows in P's order, square: L^-H (strict lower of L^H gL + upper of gU U^H) U^-H. What is below or beside the square part a1 = L1 U1
    // is a2 = L2 U or a2 = L U2: its own gradient, and what it adds to those of the square factors, follow from L2 = a2 U^-1, U2 = L^-1 a2.
    static Tensor LuPull(Tensor l, Tensor u, Tensor? gl, Tensor? gu)
    {
        var (m, k, n) = (l.Shape[^2], l.Shape[^1], u.Shape[^1]);
        if (m > k && gl is not null)
        {
            var below = u.TriangularSolve(gl.Narrow(-2, k, m - k).H, upper: true).H;
            var added = -l.Narrow(-2, k, m - k).H.MatMul(below);
            return Tensor.Concat([SquareLuPull(l.Narrow(-2, 0, k), u, gl.Narrow(-2, 0, k), gu is null ? added : gu + added), below], -2);
        }
        if (n > k && gu is not null)
        {
            var beside = l.H.TriangularSolve(gu.Narrow(-1, k, n - k), upper: true, unitDiagonal: true);
            var added = -beside.MatMul(u.Narrow(-1, k, n - k).H);
            return Tensor.Concat([SquareLuPull(l, u.Narrow(-1, 0, k), gl is null ? added : gl + added, gu.Narrow(-1, 0, k)), beside], -1);
        }
        var square = SquareLuPull(l.Narrow(-2, 0, k), u.Narrow(-1, 0, k), gl, gu);
        if (m == n)
            return square;
        var untouched = m > k ? l.Shape.With(l.Rank - 2, m - k) : u.Shape.With(u.Rank - 1, n - k);
        return Tensor.Concat([square, Tensor.Zeros(untouched, l.DType, l.Device)], m > k ? -2 : -1);
    }

    static Tensor SquareLuPull(Tensor l, Tensor u, Tensor? gl, Tensor? gu)
    {
        var lower = gl is null ? null : l.H.MatMul(gl).Tril(-1);
        var upper = gu is null ? null : gu.MatMul(u.H).Triu();
        var inner = lower is null ? upper! : upper is null ? lower : lower + upper;
        var left = l.H.TriangularSolve(inner, upper: true, unitDiagonal: true);
        return u.TriangularSolve(left.H, upper: true).H;
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
        var sum = (gr, gq) switch
        {
            (null, { } h) => h.Addmm(q, MatrixParts.OfUpper(q.H.MatMul(h)), alpha: -1),
            ({ } g, null) => q.MatMul(MatrixParts.OfUpper(g.MatMul(r.H))),
            var (g, h) => h!.Addmm(q, MatrixParts.OfUpper(g!.MatMul(r.H).Addmm(q.H, h!, alpha: -1))),
        };
        // sum R^-H, from the right: the conjugate transpose of R^-1 sum^H.
        return r.TriangularSolve(sum.H, upper: true).H;
    }
}
