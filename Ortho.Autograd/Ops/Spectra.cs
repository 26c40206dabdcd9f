using Ortho.Tensors;
using EighKernel = Ortho.Kernels.Linalg.HermitianEigen;
using EigKernel = Ortho.Kernels.Linalg.GeneralEigen;
using SingularValuesKernel = Ortho.Kernels.Linalg.SingularValues;

namespace Ortho.Autograd;

/// <summary>Singular values and eigenvalues with their vectors, batched over leading dimensions, real and complex. BFloat16 and Half are
/// decomposed in float32.</summary>
/// <remarks>
/// Vectors that belong to equal values are an arbitrary basis, and unique only up to a phase otherwise: only functions that do not depend on
/// the choice have a meaningful gradient. Through the vectors a gradient divides by the differences of values, so it is not finite where two
/// are equal; through the values alone it is finite everywhere. Matrix functions (<c>MatrixSqrt</c>, <c>PolarDecomposition</c>, <c>PseudoInverse</c>, ...)
/// have rules of their own without these differences: prefer them to functions of vectors.
/// </remarks>
[OpFamily("linear algebra")]
public static class SpectrumOps
{
    extension(Tensor a)
    {
        /// <summary>The singular values of a [..., m, n], descending: real numbers [..., min(m, n)].</summary>
        /// <remarks>The gradient is U diag(g) V^H, finite everywhere; where singular values are equal and g is not, or where they are zero, it is
        /// one of many (a subgradient). Higher derivatives need distinct singular values, none zero.</remarks>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, or a dtype that is neither floating-point nor complex.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor SingularValues()
            => a.IsHalf
                ? a.Wide.SingularValues().To(a.DType)
                : Graph.Record("SingularValues", SingularValuesKernel.Run(a), (a, g =>
                {
                    var (u, _, v) = a.Svd();
                    return (u * g.To(a.DType).Unsqueeze(-2)).MatMul(v.H);
                }));

        /// <summary>a [..., m, n] = U diag(S) V^H: U [..., m, k], S [..., k] real and descending, V [..., n, k], k = min(m, n); or U [..., m, m]
        /// and V [..., n, n] unitary.</summary>
        /// <remarks>Differentiable to any order where singular values are distinct and not zero (for m = n zero is allowed in S alone);
        /// elsewhere values are right and gradients through vectors not finite. The vectors that complete U or V are an arbitrary basis: no
        /// gradient passes through them.</remarks>
        /// <param name="fullMatrices">Whether U and V are square.</param>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, or a dtype that is neither floating-point nor complex.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public (Tensor U, Tensor S, Tensor V) Svd(bool fullMatrices = false)
        {
            if (a.IsHalf)
                return a.Wide.Svd(fullMatrices) is var (wideU, wideS, wideV) ? (wideU.To(a.DType), wideS.To(a.DType), wideV.To(a.DType)) : default;
            if (a.Rank >= 2 && a.Shape[^2] < a.Shape[^1])
            {
                var (right, values, left) = a.H.Svd(fullMatrices);
                return (left, values, right);
            }
            var (u, s, v) = SingularValuesKernel.Decompose(a);
            Graph.Record("Svd", [u, s, v], (a, gradients => SvdPull(u, s, v, gradients[0], gradients[1], gradients[2])));
            return (fullMatrices && a.Shape[^2] > a.Shape[^1] ? Tensor.Concat([u, DecompositionOps.Complement(u)], -1) : u, s, v);
        }

        /// <summary>Hermitian a [..., n, n] = V diag(L) V^H: L [..., n] real and ascending, V's columns orthonormal. Only the Hermitian part of
        /// a counts.</summary>
        /// <remarks>By two-sided Jacobi rotations: the error of an eigenvalue is some units of the last place of the largest. Differentiable to
        /// any order where eigenvalues are distinct; the first derivative of the eigenvalues alone everywhere.</remarks>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public (Tensor Eigenvalues, Tensor Eigenvectors) Eigh()
        {
            MatrixParts.RequireSquare("Eigh", a);
            if (a.IsHalf)
                return a.Wide.Eigh() is var (wideL, wideV) ? (wideL.To(a.DType), wideV.To(a.DType)) : default;
            Tensor values, vectors;
            using (Graph.NoGrad())
                (values, vectors) = EighKernel.Run(MatrixParts.Hermitian(a));
            Graph.Record("Eigh", [values, vectors], (a, gradients => EighPull(values, vectors, gradients[0], gradients[1])));
            return (values, vectors);
        }

        /// <summary>a V = V diag(L) for any square a [..., n, n]: L [..., n] and V [..., n, n], complex, in no particular order, V's columns of
        /// Euclidean norm 1.</summary>
        /// <remarks>By the complex QR iteration in Complex128, rounded to a's precision (so those of a real matrix are conjugate pairs but for
        /// rounding); devices run one thread for each matrix. A matrix without a basis of eigenvectors (a defective one) gives parallel vectors,
        /// right eigenvalues and gradients that are not finite or meaningless. Differentiable to any order where eigenvalues are
        /// distinct.</remarks>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public (Tensor Eigenvalues, Tensor Eigenvectors) Eig()
        {
            if (a.IsHalf)
                return a.Wide.Eig();
            var (values, vectors) = GeneralSpectrum("Eig", a, vectors: true);
            Graph.Record("Eig", [values, vectors], (a, gradients => EigPull(a, values, vectors, gradients[0], gradients[1])));
            return (values, vectors);
        }

        /// <summary>The eigenvalues of any square a [..., n, n]: complex [..., n], in the order of <c>Eig</c>.</summary>
        /// <remarks>Differentiable to any order where eigenvalues are distinct.</remarks>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor EigVals()
        {
            if (a.IsHalf)
                return a.Wide.EigVals();
            var (values, _) = GeneralSpectrum("EigVals", a, vectors: false);
            return Graph.Record("EigVals", values, (a, g =>
            {
                var (found, vectors) = a.Eig();
                return EigPull(a, found, vectors, g, null);
            }));
        }

        /// <summary>The eigenvalues of Hermitian a [..., n, n], ascending: real numbers [..., n]; see <c>Eigh</c>.</summary>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor EigValsh()
        {
            MatrixParts.RequireSquare("EigValsh", a);
            return a.Eigh().Eigenvalues;
        }

        /// <summary>How many singular values of a [..., m, n] are not negligible: Int64 [...].</summary>
        /// <param name="rtol">Singular values up to this multiple of a matrix's largest are; max(m, n) units of the last place of 1 when null.</param>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, or an unsuitable dtype.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex, Derivative = Derivative.None)]
        public Tensor MatrixRank(double? rtol = null)
        {
            MatrixParts.RequireMatrix("MatrixRank", a);
            if (a.IsHalf)
                return a.Wide.MatrixRank(rtol);
            using var pause = Graph.NoGrad();
            var s = a.SingularValues();
            if (s.Shape[^1] == 0)
                return Tensor.Zeros(s.Shape[..^1], DType.Int64, a.Device);
            var cutoff = s.Narrow(-1, 0, 1) * (rtol ?? Math.Max(a.Shape[^2], a.Shape[^1]) * MatrixParts.Epsilon(a.DType));
            return cutoff.Less(s).To(DType.Float32).Sum([-1]).To(DType.Int64);
        }
    }

    // Townsend 2016; Wan and Zhang 2019 for the last term of complex matrices.
    static Tensor SvdPull(Tensor u, Tensor s, Tensor v, Tensor? gu, Tensor? gs, Tensor? gv)
    {
        var (dtype, n) = (u.DType, s.Shape[^1]);
        var size = s.To(dtype);
        Tensor? inner = gs is null ? null : MatrixParts.OnDiagonal(gs.To(dtype));
        var gaps = gu is null && gv is null ? null : MatrixParts.Gaps(s.Square()).To(dtype);
        if (gu is not null)
        {
            var turn = MatrixParts.Skew(u.H.MatMul(gu));
            var part = turn * gaps! * size.Unsqueeze(-2);
            if (dtype.IsComplex)
                part += MatrixParts.OnDiagonal(turn.Diagonal() / (size * 2.0));
            inner = inner is null ? part : inner + part;
        }
        if (gv is not null)
        {
            var part = size.Unsqueeze(-1) * (MatrixParts.Skew(v.H.MatMul(gv)) * gaps!);
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
        Tensor? inner = gl is null ? null : MatrixParts.OnDiagonal(gl.To(dtype));
        if (gv is not null)
        {
            var part = vectors.H.MatMul(gv) * MatrixParts.Gaps(values).To(dtype);
            inner = inner is null ? part : inner + part;
        }
        return MatrixParts.Hermitian(vectors.MatMul(inner!).MatMul(vectors.H));
    }

    // In Complex128, rounded.
    static (Tensor Values, Tensor Vectors) GeneralSpectrum(string operation, Tensor a, bool vectors)
    {
        MatrixParts.RequireSquare(operation, a);
        using var _ = Graph.NoGrad();
        var (values, columns) = EigKernel.Run(operation, a.To(DType.Complex128), vectors);
        return (values.To(a.DType.ComplexType), columns.To(a.DType.ComplexType));
    }

    // V^-H (diag(gL) + (V^H gV - V^H V diag(Re diag(V^H gV))) / conj(L_j - L_i)) V^H; the middle term keeps columns at norm 1.
    // Boeddeker et al. 2017.
    static Tensor EigPull(Tensor a, Tensor values, Tensor vectors, Tensor? gl, Tensor? gv)
    {
        Tensor? inner = gl is null ? null : MatrixParts.OnDiagonal(gl);
        if (gv is not null)
        {
            var turn = vectors.H.MatMul(gv);
            var growth = turn.Diagonal().Real().To(turn.DType).Unsqueeze(-2);
            var part = (turn - vectors.H.MatMul(vectors) * growth) * MatrixParts.Gaps(values).Conj();
            inner = inner is null ? part : inner + part;
        }
        var gradient = vectors.H.Solve(inner!.MatMul(vectors.H));
        return a.DType.IsComplex ? gradient : gradient.Real();
    }
}
