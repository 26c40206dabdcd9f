using Ortho.Tensors;
using InverseKernel = Ortho.Kernels.Linalg.Inverse;
using SolveKernel = Ortho.Kernels.Linalg.Solve;
using TriangularSolveKernel = Ortho.Kernels.Linalg.TriangularSolve;

namespace Ortho.Autograd;

/// <summary>Linear systems, inverses and least squares, batched over leading dimensions, real and complex. BFloat16 and Half are solved in
/// float32.</summary>
[OpFamily("linear algebra")]
public static class SystemOps
{
    extension(Tensor a)
    {
        /// <summary>The x with a x = b, reading only one triangle of a [..., n, n]; b [..., n, columns], leading dimensions broadcast.</summary>
        /// <param name="b">Right-hand sides.</param>
        /// <param name="upper">Whether a is upper triangular; lower otherwise. The other triangle gets gradient 0.</param>
        /// <param name="unitDiagonal">Whether a's diagonal is 1 and not read.</param>
        /// <remarks>A zero on the diagonal gives infinities or NaN.</remarks>
        /// <exception cref="TensorArgumentException">Shapes, dtypes or devices do not fit.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor TriangularSolve(Tensor b, bool upper, bool unitDiagonal = false)
        {
            if (a.IsHalf && b.DType == a.DType)
                return a.Wide.TriangularSolve(b.Wide, upper, unitDiagonal).To(a.DType);
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
        /// <param name="b">Right-hand sides.</param>
        /// <param name="check">Whether an exactly singular matrix is an error, which waits for the device; otherwise it gives infinities or NaN
        /// in its own place of the batch. A matrix that only rounding keeps from being singular is not noticed: see <c>Cond</c>.</param>
        /// <exception cref="TensorArgumentException">Shapes, dtypes or devices do not fit.</exception>
        /// <exception cref="ArithmeticException">A matrix is singular, and <paramref name="check"/> asked.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Solve(Tensor b, bool check = false)
        {
            if (a.IsHalf && b.DType == a.DType)
                return a.Wide.Solve(b.Wide, check).To(a.DType);
            var x = SolveKernel.Run(a, b);
            if (check)
                MatrixParts.RequireFinite("Solve", x, "is singular");
            return Graph.Record("Solve", x,
                (a, g => (-a.H.Solve(g).MatMul(x.H)).SumTo(a.Shape)),
                (b, g => a.H.Solve(g).SumTo(b.Shape)));
        }

        /// <summary>The inverse of square matrices [..., n, n], by Gauss-Jordan elimination with partial pivoting. To multiply by an inverse, <c>Solve</c> is faster.</summary>
        /// <param name="check">Whether an exactly singular matrix is an error; see <c>Solve</c>.</param>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        /// <exception cref="ArithmeticException">A matrix is singular, and <paramref name="check"/> asked.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Inverse(bool check = false)
        {
            if (a.IsHalf)
                return a.Wide.Inverse(check).To(a.DType);
            var y = InverseKernel.Run(a);
            if (check)
                MatrixParts.RequireFinite("Inverse", y, "is singular");
            return Graph.Record("Inverse", y, (a, g => -y.H.MatMul(g).MatMul(y.H)));
        }

        /// <summary>The x with a a^H x = b for a lower triangular a [..., n, n], a factor that <c>Cholesky</c> made; b [..., n, columns].</summary>
        /// <param name="b">Right-hand sides; leading dimensions broadcast.</param>
        /// <exception cref="TensorArgumentException">Shapes, dtypes or devices do not fit.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor CholeskySolve(Tensor b)
        {
            MatrixParts.RequireSquare("CholeskySolve", a);
            RequireRows("CholeskySolve", a, b);
            return a.IsHalf
                ? a.Wide.CholeskySolve(b.Wide).To(a.DType)
                : a.H.TriangularSolve(a.TriangularSolve(b, upper: false), upper: true);
        }

        /// <summary>(a a^H)^-1 for a lower triangular a [..., n, n], a factor that <c>Cholesky</c> made.</summary>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor CholeskyInverse()
        {
            MatrixParts.RequireSquare("CholeskyInverse", a);
            if (a.IsHalf)
                return a.Wide.CholeskyInverse().To(a.DType);
            var inverse = a.TriangularSolve(Tensor.Eye(a.Shape[^1], dtype: a.DType, device: a.Device), upper: false);
            return inverse.H.MatMul(inverse);
        }

        /// <summary>The Moore-Penrose inverse of a [..., m, n], [..., n, m], of any rank.</summary>
        /// <param name="rcond">Singular values up to this multiple of a matrix's largest count as zero; max(m, n) units of the last place of 1 when
        /// null.</param>
        /// <param name="fullRank">Whether the matrices are known to have full rank: then by QR, which is several times faster; a matrix that
        /// has not gives infinities or NaN.</param>
        /// <remarks>Differentiable to any order among matrices of one rank (Golub and Pereyra 1973); where a change of a changes the rank, the
        /// pseudo-inverse itself jumps.</remarks>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, an unsuitable dtype, or a negative rcond.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor PseudoInverse(double? rcond = null, bool fullRank = false)
        {
            if (a.IsHalf)
                return a.Wide.PseudoInverse(rcond, fullRank).To(a.DType);
            CheckCutoff("PseudoInverse", a, rcond);
            var (m, n) = (a.Shape[^2], a.Shape[^1]);
            if (fullRank)
            {
                if (m < n)
                    return a.H.PseudoInverse(fullRank: true).H;
                var (q, r) = a.Qr();
                return r.TriangularSolve(q.H, upper: true);
            }
            if (a.ElementCount == 0)
                return Tensor.Zeros(a.Shape[..^2].Concat([n, m]), a.DType, a.Device);
            Tensor y;
            using (Graph.NoGrad())
            {
                var (u, s, v) = a.Svd();
                var cutoff = s.Narrow(-1, 0, 1) * (rcond ?? Math.Max(m, n) * MatrixParts.Epsilon(a.DType));
                var isKept = cutoff.Less(s);
                var inverses = Tensor.Where(isKept, Tensor.Where(isKept, s, Tensor.Ones([], s.DType, s.Device)).Reciprocal(), Tensor.Zeros([], s.DType, s.Device));
                y = (v * inverses.To(a.DType).Unsqueeze(-2)).MatMul(u.H);
            }
            return Graph.Record("PseudoInverse", y, (a, g =>
            {
                // d(a+) = -a+ da a+ + a+ a+^H da^H (I - a a+) + (I - a+ a) da^H a+^H a+
                var (h, gh) = (y.H, g.H);
                var left = gh.MatMul(y).MatMul(h);
                var right = h.MatMul(y).MatMul(gh);
                return left - a.MatMul(y).MatMul(left) + (right - right.MatMul(y).MatMul(a)) - h.MatMul(g).MatMul(h);
            }));
        }

        /// <summary>The x [..., n, columns] of smallest norm among those that minimise |a x - b|: a+ b for a [..., m, n], b [..., m, columns].</summary>
        /// <param name="b">Right-hand sides; leading dimensions broadcast.</param>
        /// <param name="rcond">See <c>PseudoInverse</c>.</param>
        /// <param name="fullRank">Whether the matrices are known to have full rank: then by QR.</param>
        /// <exception cref="TensorArgumentException">Shapes, dtypes or devices do not fit.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor LstSq(Tensor b, double? rcond = null, bool fullRank = false)
        {
            CheckCutoff("LstSq", a, rcond);
            RequireRows("LstSq", a, b);
            if (a.IsHalf)
                return a.Wide.LstSq(b.Wide, rcond, fullRank).To(a.DType);
            if (!fullRank)
                return a.PseudoInverse(rcond).MatMul(b);
            if (a.Shape[^2] < a.Shape[^1])
            {
                var (basis, triangle) = a.H.Qr();
                return basis.MatMul(triangle.H.TriangularSolve(b, upper: false));
            }
            var (q, r) = a.Qr();
            return r.TriangularSolve(q.H.MatMul(b), upper: true);
        }
    }

    static void RequireRows(string operation, Tensor a, Tensor b)
    {
        if (b.Rank < 2 || b.Shape[^2] != a.Shape[^2])
            throw new TensorArgumentException(operation, nameof(b), $"of shape {b.Shape}", $"[..., {a.Shape[^2]}, columns]");
        if (a.DType != b.DType || a.Device != b.Device)
            throw new TensorArgumentException(operation, nameof(b), $"{b.DType} on {b.Device}", $"{a.DType} on {a.Device}");
    }

    static void CheckCutoff(string operation, Tensor a, double? rcond)
    {
        MatrixParts.RequireMatrix(operation, a);
        if (rcond < 0)
            throw new TensorArgumentException(operation, nameof(rcond), $"{rcond}", "0 or more");
    }

    extension(Tensor)
    {
        /// <summary>The x with P L U x = b, from the factors that <c>Lu</c> made of square matrices.</summary>
        /// <param name="p">Permutation matrices [..., n, n].</param>
        /// <param name="l">Unit lower triangular matrices [..., n, n].</param>
        /// <param name="u">Upper triangular matrices [..., n, n].</param>
        /// <param name="b">Right-hand sides [..., n, columns]; leading dimensions broadcast.</param>
        /// <remarks>A zero on u's diagonal, a singular matrix, gives infinities or NaN.</remarks>
        /// <exception cref="TensorArgumentException">Shapes, dtypes or devices do not fit.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public static Tensor LuSolve(Tensor p, Tensor l, Tensor u, Tensor b)
        {
            if (l.Shape != u.Shape || p.Shape != u.Shape)
                throw new TensorArgumentException("LuSolve", nameof(l), $"{l.Shape} and p {p.Shape} beside u {u.Shape}", "one shape: square matrices [..., n, n]");
            MatrixParts.RequireSquare("LuSolve", l);
            RequireRows("LuSolve", l, b);
            if (l.IsHalf)
                return Tensor.LuSolve(p.Wide, l.Wide, u.Wide, b.Wide).To(l.DType);
            return u.TriangularSolve(l.TriangularSolve(p.T.MatMul(b), upper: false, unitDiagonal: true), upper: true);
        }
    }
}
