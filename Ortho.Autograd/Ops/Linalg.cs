using Ortho.Kernels.Orthogonal;
using Ortho.Tensors;
using CholeskyKernel = Ortho.Kernels.Linalg.Cholesky;
using LuKernel = Ortho.Kernels.Linalg.Lu;
using SingularValuesKernel = Ortho.Kernels.Linalg.SingularValues;
using SolveKernel = Ortho.Kernels.Linalg.Solve;
using TriangularSolveKernel = Ortho.Kernels.Linalg.TriangularSolve;

namespace Ortho.Autograd;

/// <summary>Factorisations and linear systems, batched over leading dimensions, real and complex.</summary>
[OpFamily("linear algebra")]
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
        [Op(Family = "orthogonal", Takes = Numbers.Real | Numbers.Complex)]
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
        [Op(Takes = Numbers.Real | Numbers.Complex)]
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
        [Op(Takes = Numbers.Real | Numbers.Complex)]
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
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Inverse()
        {
            var y = SolveKernel.Inverse(a);
            return Graph.Record("Inverse", y, (a, g => -y.H.MatMul(g).MatMul(y.H)));
        }

        /// <summary>The singular values of a [..., m, n], descending: real numbers [..., min(m, n)]. To measure with, not to train with:
        /// asking for a gradient through them is an error.</summary>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, or a dtype that is neither floating-point nor complex.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex, Derivative = Derivative.None)]
        public Tensor SingularValues()
            => Graph.Record("SingularValues", SingularValuesKernel.Run(a), (a, _ => throw new NotSupportedException(
                "SingularValues: no derivative is defined; detach the matrix, or use a norm or a Gram matrix in a loss.")));

        /// <summary>a [..., m, n] = U diag(S) V^H: U [..., m, k], S [..., k] real and descending, V [..., n, k], k = min(m, n).</summary>
        /// <remarks>Differentiable to any order where singular values are distinct and not zero (for m = n zero is allowed in S alone);
        /// elsewhere values are right and gradients infinite. Singular vectors are unique up to a sign (a phase when complex), and only
        /// functions that do not depend on it have a meaningful gradient.</remarks>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, or a dtype that is neither floating-point nor complex.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public (Tensor U, Tensor S, Tensor V) Svd()
        {
            if (a.Rank >= 2 && a.Shape[^2] < a.Shape[^1])
            {
                var (right, values, left) = a.H.Svd();
                return (left, values, right);
            }
            var (u, s, v) = SingularValuesKernel.Decompose(a);
            Graph.Record("Svd", [u, s, v], (a, gradients => SvdPull(u, s, v, gradients[0], gradients[1], gradients[2])));
            return (u, s, v);
        }

        /// <summary>Hermitian a [..., n, n] = V diag(L) V^H: L [..., n] real and ascending, V's columns orthonormal. Only the Hermitian part of
        /// a counts.</summary>
        /// <remarks>By singular value decomposition of a shifted to be positive: the error of an eigenvalue is some units of the last
        /// place of a's Frobenius norm. Differentiable to any order where eigenvalues are distinct (eigenvalues alone: everywhere,
        /// first order).</remarks>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public (Tensor Eigenvalues, Tensor Eigenvectors) Eigh()
        {
            if (a.Rank < 2 || a.Shape[^1] != a.Shape[^2])
                throw new TensorArgumentException("Eigh", nameof(a), $"of shape {a.Shape}", "square matrices [..., n, n]");
            var n = a.Shape[^1];
            Tensor values, vectors;
            using (Graph.NoGrad())
            {
                var hermitian = (a + a.H) * 0.5;
                var shift = hermitian.Norm([-2, -1], keepDimensions: true);
                var (u, s, _) = SingularValuesKernel.Decompose(hermitian + Tensor.Eye(n, n, a.DType, a.Device) * shift.To(a.DType));
                // Descending singular values are descending eigenvalues.
                var reversed = Tensor.From([.. Enumerable.Range(0, n).Select(k => (long)(n - 1 - k))], [n], a.Device);
                values = (s - shift.Squeeze(-1)).IndexSelect(-1, reversed);
                vectors = u.IndexSelect(-1, reversed);
            }
            Graph.Record("Eigh", [values, vectors], (a, gradients => EighPull(values, vectors, gradients[0], gradients[1])));
            return (values, vectors);
        }

        /// <summary>The lower triangular L with a = L L^H for Hermitian positive definite a [..., n, n], of which the lower triangle is read.</summary>
        /// <remarks>A matrix that is not positive definite gives NaN in its own place of the batch.</remarks>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Cholesky()
        {
            var l = CholeskyKernel.Run(a);
            return Graph.Record("Cholesky", l, (a, g =>
            {
                // Murray 2016, equation 8: L^-H Phi(L^H g) L^-1 with Phi the lower triangle and half the diagonal, made Hermitian. The
                // gradient falls on the lower triangle, the only one that is read.
                var inner = l.H.MatMul(g).Tril();
                var phi = inner - inner.Diagonal().Unsqueeze(-1) * Tensor.Eye(l.Shape[^1], dtype: l.DType, device: l.Device) * 0.5;
                var right = l.H.TriangularSolve(phi.H, upper: true).H;
                var half = l.H.TriangularSolve(right, upper: true);
                var symmetric = half + half.H;
                return symmetric.Tril(-1) + symmetric.Diagonal().Unsqueeze(-1) * Tensor.Eye(l.Shape[^1], dtype: l.DType, device: l.Device) * 0.5;
            }));
        }

        /// <summary>a [..., n, n] = P L U by partial pivoting: P a permutation matrix, L unit lower and U upper triangular.</summary>
        /// <remarks>Differentiable to any order where a is regular (P is constant).</remarks>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public (Tensor P, Tensor L, Tensor U) Lu()
        {
            Tensor p, l, u;
            using (Graph.NoGrad())
            {
                var (factors, order, _) = LuKernel.Run("Lu", a);
                var n = a.Shape[^1];
                (l, u) = (factors.Tril(-1) + Tensor.Eye(n, n, a.DType, a.Device), factors.Triu());
                p = order.Squeeze(-1).Real().To(DType.Int64).OneHot(n, a.DType.RealType).T.To(a.DType).Clone();
            }
            Graph.Record("Lu", [l, u], (a, gradients =>
            {
                // L^-H (strict lower of L^H gL + upper of gU U^H) U^-H, rows back in place.
                var lower = gradients[0] is { } gl ? l.H.MatMul(gl).Tril(-1) : null;
                var upper = gradients[1] is { } gu ? gu.MatMul(u.H).Triu() : null;
                var inner = lower is null ? upper! : upper is null ? lower : lower + upper;
                var left = l.H.TriangularSolve(inner, upper: true, unitDiagonal: true);
                return p.MatMul(u.TriangularSolve(left.H, upper: true).H);
            }));
            return (p, l, u);
        }

        /// <summary>Determinants of square matrices [..., n, n], [...].</summary>
        /// <remarks>Differentiable to any order where a is regular. For large matrices prefer <c>LogDet</c>, which does not overflow.</remarks>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Det()
        {
            Tensor y;
            using (Graph.NoGrad())
            {
                var (factors, _, sign) = LuKernel.Run("Lu", a);
                y = factors.Diagonal().Prod([-1]) * sign.Squeeze(-1).Squeeze(-1);
            }
            return Graph.Record("Det", y, (a, g => (g * a.Det().Conj()).Unsqueeze(-1).Unsqueeze(-1) * a.Inverse().H));
        }

        /// <summary>log |det a| of square matrices [..., n, n], real [...]; -infinity for singular ones.</summary>
        /// <remarks>Differentiable to any order where a is regular.</remarks>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor LogDet()
        {
            Tensor y;
            using (Graph.NoGrad())
            {
                var diagonal = LuKernel.Run("Lu", a).Factors.Diagonal();
                y = (a.DType.IsComplex ? (diagonal.Real().Square() + diagonal.Imag().Square()).Sqrt() : diagonal.Abs()).Log().Sum([-1]);
            }
            return Graph.Record("LogDet", y, (a, g => g.To(a.DType).Unsqueeze(-1).Unsqueeze(-1) * a.Inverse().H));
        }

        /// <summary>The Moore-Penrose inverse of matrices of full rank [..., m, n], [..., n, m], by QR.</summary>
        /// <remarks>A matrix without full rank gives infinities or NaN.</remarks>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, or an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor PseudoInverse()
        {
            if (a.Rank >= 2 && a.Shape[^2] < a.Shape[^1])
                return a.H.PseudoInverse().H;
            var (q, r) = a.Qr();
            return r.TriangularSolve(q.H, upper: true);
        }

        /// <summary>e^a = I + a + a^2 / 2 + ... of square matrices [..., n, n], by scaling, the Taylor polynomial of degree 16 and squaring.</summary>
        /// <remarks>The number of squarings follows from the largest 1-norm of the batch, which is read: the call waits for the device.
        /// Differentiable to any order.</remarks>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor MatrixExp()
        {
            if (a.Rank < 2 || a.Shape[^1] != a.Shape[^2])
                throw new TensorArgumentException("MatrixExp", nameof(a), $"of shape {a.Shape}", "square matrices [..., n, n]");
            if (a.ElementCount == 0)
                return a.Clone();
            double norm;
            using (Graph.NoGrad())
                norm = (a.DType.IsComplex ? (a.Real().Square() + a.Imag().Square()).Sqrt() : a.Abs()).Sum([-2]).Max().Item();
            // Below 1/2 the first term left out, 0.5^17 / 17!, is far under the last place of float64.
            var squarings = double.IsFinite(norm) ? Math.Max(0, (int)Math.Ceiling(Math.Log2(Math.Max(norm, 1e-300))) + 1) : 0;
            var x = a * Math.Pow(0.5, squarings);
            var eye = Tensor.Eye(a.Shape[^1], dtype: a.DType, device: a.Device);
            // Paterson and Stockmeyer: the polynomial as one of degree 4 in x^4 whose coefficients are cubics in x.
            var x2 = x.MatMul(x);
            var (x3, x4) = (x2.MatMul(x), x2.MatMul(x2));
            var y = eye * Taylor(16);
            for (var k = 12; k >= 0; k -= 4)
                y = x4.MatMul(y) + eye * Taylor(k) + x * Taylor(k + 1) + x2 * Taylor(k + 2) + x3 * Taylor(k + 3);
            for (var k = 0; k < squarings; k++)
                y = y.MatMul(y);
            return y;
        }
    }

    // 1 / k!
    static double Taylor(int k) => k < 2 ? 1 : Taylor(k - 1) / k;

    static Tensor Skew(Tensor x) => x - x.H;

    // 1 / (b_j - b_i) off the diagonal and 0 on it, for values b [..., n].
    static Tensor Gaps(Tensor values, DType dtype)
    {
        var n = values.Shape[^1];
        var eye = Tensor.Eye(n, dtype: values.DType, device: values.Device);
        return ((1 - eye) / (values.Unsqueeze(-2) - values.Unsqueeze(-1) + eye)).To(dtype);
    }

    // Townsend 2016; Wan and Zhang 2019 for the last term of complex matrices.
    static Tensor SvdPull(Tensor u, Tensor s, Tensor v, Tensor? gu, Tensor? gs, Tensor? gv)
    {
        var (dtype, n) = (u.DType, s.Shape[^1]);
        var eye = Tensor.Eye(n, dtype: dtype, device: u.Device);
        var size = s.To(dtype);
        Tensor? inner = gs is null ? null : gs.To(dtype).Unsqueeze(-1) * eye;
        var gaps = gu is null && gv is null ? null : Gaps(s.Square(), dtype);
        if (gu is not null)
        {
            var turn = Skew(u.H.MatMul(gu));
            var part = turn * gaps! * size.Unsqueeze(-2);
            if (dtype.IsComplex)
                part += turn * eye / (size.Unsqueeze(-1) * 2.0);
            inner = inner is null ? part : inner + part;
        }
        if (gv is not null)
        {
            var part = size.Unsqueeze(-1) * (Skew(v.H.MatMul(gv)) * gaps!);
            inner = inner is null ? part : inner + part;
        }
        var gradient = u.MatMul(inner!).MatMul(v.H);
        if (gu is not null && u.Shape[^2] > n)
            gradient += ((gu - u.MatMul(u.H.MatMul(gu))) / size.Unsqueeze(-2)).MatMul(v.H);
        return gradient;
    }

    static Tensor EighPull(Tensor values, Tensor vectors, Tensor? gl, Tensor? gv)
    {
        var dtype = vectors.DType;
        Tensor? inner = gl is null ? null : gl.To(dtype).Unsqueeze(-1) * Tensor.Eye(values.Shape[^1], dtype: dtype, device: vectors.Device);
        if (gv is not null)
        {
            var part = vectors.H.MatMul(gv) * Gaps(values, dtype);
            inner = inner is null ? part : inner + part;
        }
        var gradient = vectors.MatMul(inner!).MatMul(vectors.H);
        return (gradient + gradient.H) * 0.5;
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
