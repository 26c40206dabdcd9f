using Ortho.Tensors;
using ExponentialKernel = Ortho.Kernels.Linalg.MatrixExponential;
using LuKernel = Ortho.Kernels.Linalg.Lu;
using LyapunovKernel = Ortho.Kernels.Linalg.Lyapunov;
using PolarKernel = Ortho.Kernels.Orthogonal.Polar;

namespace Ortho.Autograd;

/// <summary>Determinants, roots, polar factors and the exponential of matrices, batched over leading dimensions, real and complex. BFloat16 and
/// Half are computed in float32.</summary>
[OpFamily("linear algebra")]
public static class MatrixFunctionOps
{
    extension(Tensor a)
    {
        /// <summary>Determinants of square matrices [..., n, n], [...].</summary>
        /// <remarks>The first derivative, the matrix of cofactors, is right everywhere, the others where a is regular. For large matrices prefer
        /// <c>SlogDet</c>, which does not overflow.</remarks>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Det()
        {
            if (a.IsHalf)
                return a.Wide.Det().To(a.DType);
            MatrixParts.RequireSquare("Det", a);
            Tensor y;
            using (Graph.NoGrad())
            {
                var (factors, _, sign) = LuKernel.Run("Det", a);
                y = factors.Diagonal().Prod([-1]) * sign;
            }
            return Graph.Record("Det", y, (a, g => g.Unsqueeze(-1).Unsqueeze(-1) * Cofactors(a)));
        }

        /// <summary>det a = Sign e^LogAbs for square matrices [..., n, n]: Sign [...] of magnitude 1 in a's dtype, LogAbs [...] real; 0 and -infinity
        /// for singular ones.</summary>
        /// <remarks>Differentiable to any order where a is regular; elsewhere gradients are not finite.</remarks>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public (Tensor Sign, Tensor LogAbs) SlogDet()
        {
            if (a.IsHalf)
                return a.Wide.SlogDet() is var (wideSign, wideLog) ? (wideSign.To(a.DType), wideLog.To(a.DType)) : default;
            MatrixParts.RequireSquare("SlogDet", a);
            Tensor sign, log;
            using (Graph.NoGrad())
            {
                var (factors, _, exchanges) = LuKernel.Run("SlogDet", a);
                var diagonal = factors.Diagonal();
                var size = a.DType.IsComplex ? diagonal.Unsqueeze(-1).Norm([-1]) : diagonal.Abs();
                var isZero = size.EqualTo(Tensor.Zeros([], size.DType, size.Device));
                var phases = diagonal / Tensor.Where(isZero, Tensor.Ones([], size.DType, size.Device), size).To(a.DType);
                (sign, log) = (phases.Prod([-1]) * exchanges, size.Log().Sum([-1]));
            }
            Graph.Record("SlogDet", [sign, log], (a, gradients =>
            {
                // d log det = tr(a^-1 da): its real part is that of LogAbs, its imaginary part turns Sign.
                Tensor? change = gradients[1]?.To(a.DType);
                if (a.DType.IsComplex && gradients[0] is { } g)
                {
                    var turn = (sign.Conj() * g).Imag();
                    var part = Tensor.Complex(Tensor.Zeros(turn.Shape, turn.DType, turn.Device), turn);
                    change = change is null ? part : change + part;
                }
                return change is null ? Tensor.Zeros(a.Shape, a.DType, a.Device) : change.Unsqueeze(-1).Unsqueeze(-1) * a.Inverse().H;
            }));
            return (sign, log);
        }

        /// <summary>log |det a| of square matrices [..., n, n], real [...]; -infinity for singular ones.</summary>
        /// <remarks>Differentiable to any order where a is regular.</remarks>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor LogDet()
        {
            MatrixParts.RequireSquare("LogDet", a);
            return a.SlogDet().LogAbs;
        }

        /// <summary>The Hermitian square root S of Hermitian positive semidefinite matrices [..., n, n], S S = a. Only the Hermitian part of a
        /// counts.</summary>
        /// <remarks>Eigenvalues that rounding made negative count as 0; a matrix with others gives NaN. Differentiable to any order where a is
        /// positive definite, also with equal eigenvalues; the gradient at a singular matrix is not finite.</remarks>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor MatrixSqrt()
        {
            if (a.IsHalf)
                return a.Wide.MatrixSqrt().To(a.DType);
            MatrixParts.RequireSquare("MatrixSqrt", a);
            Tensor y;
            using (Graph.NoGrad())
            {
                var (values, vectors) = a.Eigh();
                y = MatrixParts.Compose(vectors, Roots(values));
            }
            // dS S + S dS = da.
            return Graph.Record("MatrixSqrt", y, (a, g => MatrixParts.Hermitian(Lyapunov(y, g))));
        }

        /// <summary>The Hermitian inverse square root of Hermitian positive definite matrices [..., n, n]. Only the Hermitian part of a
        /// counts.</summary>
        /// <remarks>A singular matrix gives infinities or NaN, an indefinite one NaN. Differentiable to any order, also with equal
        /// eigenvalues.</remarks>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor InverseSqrt()
        {
            if (a.IsHalf)
                return a.Wide.InverseSqrt().To(a.DType);
            MatrixParts.RequireSquare("InverseSqrt", a);
            Tensor y;
            using (Graph.NoGrad())
            {
                var (values, vectors) = a.Eigh();
                y = MatrixParts.Compose(vectors, Roots(values).Reciprocal());
            }
            // y a y = I and S = a^1/2 = y^-1: dy S + S dy = -y da y.
            return Graph.Record("InverseSqrt", y, (a, g => MatrixParts.Hermitian(-y.MatMul(Lyapunov(a.MatrixSqrt(), g)).MatMul(y))));
        }

        /// <summary>The nearest matrix with orthonormal columns [..., m, n], m &gt;= n: the factor U of a = U P with P Hermitian positive semidefinite. For a
        /// wide matrix, take that of its conjugate transpose.</summary>
        /// <remarks>By Newton's iteration and rational functions, and where a matrix is singular to working precision by QR or singular value decomposition; what is
        /// not finite gives NaN in its own place of the batch. Never waits for the device. Differentiable to any order where a has full rank, also with
        /// equal singular values; without full rank U is not unique and gradients are not finite.</remarks>
        /// <exception cref="TensorArgumentException">Fewer rows than columns, fewer than two dimensions, or an unsuitable dtype.</exception>
        [Op(Family = "orthogonal", Takes = Numbers.Real | Numbers.Complex)]
        public Tensor PolarFactor()
        {
            if (a.IsHalf)
                return a.Wide.PolarFactor().To(a.DType);
            RequireTall("PolarFactor", a);
            var u = PolarKernel.Run(a);
            return Graph.Record("PolarFactor", u, (a, g => OfFactor(u, Stretch(u, a), g)));
        }

        /// <summary>a [..., m, n] = U P, m &gt;= n: U [..., m, n] as <c>PolarFactor</c>, and P [..., n, n] Hermitian positive semidefinite. For a wide matrix,
        /// take the factors of its conjugate transpose: a = P U^H.</summary>
        /// <remarks>As <c>PolarFactor</c>; without full rank values are right and gradients not finite.</remarks>
        /// <exception cref="TensorArgumentException">Fewer rows than columns, fewer than two dimensions, or an unsuitable dtype.</exception>
        [Op(Family = "orthogonal", Takes = Numbers.Real | Numbers.Complex)]
        public (Tensor U, Tensor P) PolarDecomposition()
        {
            if (a.IsHalf)
                return a.Wide.PolarDecomposition() is var (wideU, wideP) ? (wideU.To(a.DType), wideP.To(a.DType)) : default;
            RequireTall("PolarDecomposition", a);
            Tensor u, p;
            using (Graph.NoGrad())
            {
                u = PolarKernel.Run(a);
                p = Stretch(u, a);
            }
            Graph.Record("PolarDecomposition", [u, p], (a, gradients =>
            {
                var sum = gradients[0] is { } gu ? OfFactor(u, p, gu) : null;
                if (gradients[1] is { } gp)
                {
                    // P P = a^H a.
                    var part = a.MatMul(MatrixParts.Hermitian(Lyapunov(p, gp))) * 2.0;
                    sum = sum is null ? part : sum + part;
                }
                return sum!;
            }));
            return (u, p);
        }

        /// <summary>e^a = I + a + a^2 / 2 + ... of square matrices [..., n, n], by scaling, the Taylor polynomial of degree 16 and squaring (Higham 2008,
        /// chapter 10).</summary>
        /// <remarks>Differentiable to any order: the gradient is the derivative of the exponential at a^H (Al-Mohy and Higham 2009). A matrix with an element
        /// that is not finite, or so large that no figure would be right (a 1-norm from 2^30 on in single precision, 2^62 in double), is NaN.</remarks>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor MatrixExp()
        {
            if (a.IsHalf)
                return a.Wide.MatrixExp().To(a.DType);
            MatrixParts.RequireSquare("MatrixExp", a);
            if (!Graph.IsRecording || !a.WantsGrad)
                return Graph.Record("MatrixExp", ExponentialKernel.Run(a));
            var made = ExponentialKernel.Evaluate(a);
            return Graph.Record("MatrixExp", made.Value, (a, g => ExponentialSlope(a, g.H, made).H));
        }
    }

    // The derivative of e^a in the direction e: the upper right block of the exponential of [a e; 0 a], by which it is differentiated itself.
    static Tensor ExponentialSlope(Tensor a, Tensor e, ExponentialKernel.Evaluation? made = null)
        => Graph.Record("MatrixExp", made?.Derivative(e) ?? ExponentialKernel.Derivative(a, e),
            (a, g =>
            {
                var n = a.Shape[^1];
                var zero = Tensor.Zeros(a.Shape, a.DType, a.Device);
                var slope = ExponentialSlope(Blocks(a.H, zero, e.H, a.H), Blocks(zero, g, zero, zero));
                return slope.Narrow(-2, 0, n).Narrow(-1, 0, n) + slope.Narrow(-2, n, n).Narrow(-1, n, n);
            }),
            (e, g => ExponentialSlope(a, g.H, made).H));

    static Tensor Blocks(Tensor a, Tensor b, Tensor c, Tensor d) => Tensor.Concat([Tensor.Concat([a, b], -1), Tensor.Concat([c, d], -1)], -2);

    static void RequireTall(string operation, Tensor a)
    {
        if (a.Rank < 2 || a.Shape[^2] < a.Shape[^1])
            throw new TensorArgumentException(operation, nameof(a), $"of shape {a.Shape}", "matrices [..., m, n] with m >= n");
    }

    // P = U^H a, Hermitian but for rounding.
    static Tensor Stretch(Tensor u, Tensor a) => MatrixParts.OfUpper(MatMulOps.Product("PolarDecomposition", u.H, a, isHermitian: true));

    // dU = U W + (I - U U^H) da P^-1 with W P + P W = U^H da - da^H U.
    static Tensor OfFactor(Tensor u, Tensor p, Tensor g)
    {
        var inside = u.H.MatMul(g);
        var sum = u.MatMul(MatrixParts.Skew(Lyapunov(p, inside)));
        return u.Shape[^2] > u.Shape[^1] ? sum + p.Solve((g - u.MatMul(inside)).H).H : sum;
    }

    // C = conj(det a) a^-H, of singular matrices too: for a = U S V^H it is conj(det U) det V U diag(products of the other singular values) V^H.
    static Tensor Cofactors(Tensor a)
    {
        Tensor y;
        using (Graph.NoGrad())
        {
            var (u, s, v) = a.Svd();
            var eye = Tensor.Eye(a.Shape[^1], dtype: s.DType, device: a.Device);
            var others = (s.Unsqueeze(-2) * (1 - eye) + eye).Prod([-1]);
            var turn = u.SlogDet().Sign.Conj() * v.SlogDet().Sign;
            y = turn.Unsqueeze(-1).Unsqueeze(-1) * (u * others.To(a.DType).Unsqueeze(-2)).MatMul(v.H);
        }
        // dC = conj(tr(C^H da)) a^-H - C da^H a^-H.
        return Graph.Record("Cofactors", y, (a, h =>
        {
            var inverse = a.Inverse().H;
            return (h.Conj() * inverse).Sum([-2, -1], keepDimensions: true) * y - inverse.MatMul(h.H).MatMul(y);
        }));
    }

    // Roots of eigenvalues, 0 where only rounding made them negative and NaN elsewhere.
    static Tensor Roots(Tensor values)
    {
        if (values.ElementCount == 0)
            return values;
        var noise = values.Abs().Max([-1], keepDimensions: true) * (-values.Shape[^1] * MatrixParts.Epsilon(values.DType));
        return Tensor.Where(values.Less(noise), values, values.Relu()).Sqrt();
    }

    // The X with s X + X s = c for Hermitian positive definite s. Its derivatives are equations of the same kind, so no difference of eigenvalues
    // appears at any order.
    static Tensor Lyapunov(Tensor s, Tensor c)
    {
        Tensor x;
        using (Graph.NoGrad())
            x = LyapunovKernel.Iterates(s.Shape[^1]) ? LyapunovKernel.Run(s, c) : ByEigenvectors();
        return Graph.Record("Lyapunov", x,
            (s, g =>
            {
                var z = Lyapunov(s, g);
                return -(z.MatMul(x.H) + x.H.MatMul(z));
            }),
            (c, g => Lyapunov(s, g)));

        // In the basis of s's eigenvectors a division by sums of eigenvalues.
        Tensor ByEigenvectors()
        {
            var (values, vectors) = s.Eigh();
            var sums = (values.Unsqueeze(-1) + values.Unsqueeze(-2)).To(s.DType);
            return vectors.MatMul(vectors.H.MatMul(c).MatMul(vectors) / sums).MatMul(vectors.H);
        }
    }
}
