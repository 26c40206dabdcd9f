using System.Numerics;
using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>The first columns of a product of Householder reflections, H(v_1) ... H(v_r) with H(v) = I - 2 v v^T / (v^T v), one for each
/// column, in compact-WY form. Real.</summary>
/// <remarks>Every matrix with orthonormal columns is reached: r reflections suffice for the first r columns. A zero vector is no reflection
/// and has no gradient. (Complex reflections of this form do not reach every unitary matrix.)</remarks>
public sealed class Householder : OrthogonalParametrization
{
    /// <inheritdoc/>
    protected override bool IsReal => true;

    /// <inheritdoc/>
    protected override Tensor MapTall(Tensor free) => free.HouseholderProduct(free.Shape[^1]);

    // The vectors of the QR decomposition of q whose R is the identity; a zero vector stands for no reflection.
    /// <inheritdoc/>
    protected override Tensor UnmapTall(Tensor q) => Each(q, matrix =>
    {
        var (rows, columns) = (matrix.Shape[0], matrix.Shape[1]);
        var a = matrix.ToArray<double>();
        var v = new double[rows * columns];
        for (var k = 0; k < columns; k++)
        {
            // v = a_k - |a_k| e_k maps column k to +|a_k| e_k = e_k, so that R = I without signs to remember. Its first entry is
            // computed as -(sum of the others' squares) / (|a_k| + a_kk), which does not cancel.
            double tail = 0;
            for (var i = k + 1; i < rows; i++)
                tail += a[i * columns + k] * a[i * columns + k];
            var (head, norm) = (a[k * columns + k], Math.Sqrt(a[k * columns + k] * a[k * columns + k] + tail));
            var first = head <= 0 ? head - norm : -tail / (head + norm);
            var square = first * first + tail;
            if (square < 1e-24)
                continue;
            v[k * columns + k] = first;
            for (var i = k + 1; i < rows; i++)
                v[i * columns + k] = a[i * columns + k];
            // The product only depends on directions; unit vectors keep later steps of training on one scale.
            var scale = 1 / Math.Sqrt(square);
            for (var i = k; i < rows; i++)
                v[i * columns + k] *= scale;
            for (var j = k; j < columns; j++)
            {
                double dot = 0;
                for (var i = k; i < rows; i++)
                    dot += v[i * columns + k] * a[i * columns + j];
                for (var i = k; i < rows; i++)
                    a[i * columns + j] -= 2 * dot * v[i * columns + k];
            }
        }
        return Tensor.From(v, [rows, columns]);
    });

    /// <summary>Orthonormal columns as reflections and phases: q = V.HouseholderFrame() * phases, with V unit lower trapezoidal. Real and
    /// complex.</summary>
    /// <remarks>On the host in float64. What LAPACK's geqrf computes, with H(v) Hermitian for complex matrices too.</remarks>
    /// <param name="q">[..., rows, columns], rows &gt;= columns.</param>
    /// <returns>V [..., rows, columns] and phases [..., 1, columns] of magnitude 1: signs for real q.</returns>
    /// <exception cref="TensorArgumentException">Wide matrices, or columns that are not orthonormal.</exception>
    public static (Tensor Vectors, Tensor Phases) Decompose(Tensor q)
    {
        ArgumentNullException.ThrowIfNull(q);
        if (q.Rank < 2 || IsWide(q.Shape) || !q.DType.IsDifferentiable)
            throw new TensorArgumentException("Householder.Decompose", nameof(q), $"{q.DType} {q.Shape}",
                "floating-point or complex matrices [..., rows, columns] with rows >= columns");
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        var wide = q.Detach().To(Device.Cpu).To(DType.Complex128);
        var error = Skewness(wide);
        if (!(error <= Membership.Tolerance(q.DType) * Math.Max(1, Largest(wide))))
            throw new TensorArgumentException("Householder.Decompose", nameof(q), $"at distance {error:0.###e+0}",
                "matrices with orthonormal columns");
        // Both travel in one matrix: the diagonal of V is known to be 1.
        var packed = Each(wide, matrix => Tensor.From(Reflect(matrix.ToArray<Complex>(), matrix.Shape[0], matrix.Shape[1]), matrix.Shape));
        var eye = Tensor.Eye(q.Shape[^2], q.Shape[^1], DType.Complex128);
        var (vectors, phases) = (packed.Tril(-1) + eye, packed.Diagonal().Unsqueeze(-2));
        return (scope.Keep(Back(vectors)), scope.Keep(Back(phases)));

        Tensor Back(Tensor x) => (q.DType.IsComplex ? x : x.Real()).To(q.DType).To(q.Device).Clone();
    }

    /// <summary>The first columns of H_1 H_2 ... H_r for H_j = I - tau_j v_j v_j^T, from what LAPACK's geqrf or another library's QR
    /// returns (orgqr). Real. Differentiable in v.</summary>
    /// <param name="v">Reflectors [..., rows, r], whose lower trapezoid is read: their diagonal is 1 and what is above it is 0.</param>
    /// <param name="tau">[..., r]: 2 / |v_j|^2, or 0 for no reflection. Checked on the host.</param>
    /// <returns>Orthonormal columns [..., rows, r].</returns>
    /// <exception cref="TensorArgumentException">Shapes or dtypes do not fit, an element is not finite, or a tau does not make a
    /// reflection.</exception>
    public static Tensor FromReflectors(Tensor v, Tensor tau)
    {
        ArgumentNullException.ThrowIfNull(v);
        ArgumentNullException.ThrowIfNull(tau);
        if (v.Rank < 2 || IsWide(v.Shape) || !v.DType.IsFloatingPoint)
            throw new TensorArgumentException("Householder.FromReflectors", nameof(v), $"{v.DType} {v.Shape}",
                "floating-point [..., rows, r] with rows >= r");
        if (tau.Shape != v.Shape[..^2].Concat([v.Shape[^1]]) || tau.DType != v.DType)
            throw new TensorArgumentException("Householder.FromReflectors", nameof(tau), $"{tau.DType} {tau.Shape}",
                $"{v.DType} {v.Shape[..^2].Concat([v.Shape[^1]])}");
        var vectors = v.Tril(-1) + Tensor.Eye(v.Shape[^2], v.Shape[^1], v.DType, v.Device);
        Tensor isThere;
        using (Graph.NoGrad())
        {
            isThere = tau.NotEqual(0).To(v.DType).Unsqueeze(-2);
            var wide = vectors.Detach().To(Device.Cpu).To(DType.Float64);
            var product = tau.Detach().To(Device.Cpu).To(DType.Float64) * wide.Square().Sum([-2]);
            var wrong = product.ToArray<double>().FirstOrDefault(number
                => !(number == 0 || Math.Abs(number - 2) <= 2 * Membership.Tolerance(v.DType)));
            if (wrong != 0)
                throw new TensorArgumentException("Householder.FromReflectors", nameof(tau), $"{wrong:0.####} over |v|^2",
                    "2 / |v|^2, or 0 for no reflection");
        }
        // A column of zeros is no reflection.
        return (vectors * isThere).HouseholderProduct(v.Shape[^1]);
    }

    // In place: below the diagonal the vectors, whose own diagonal is 1, on it the phases.
    static Complex[] Reflect(Complex[] a, int rows, int columns)
    {
        for (var k = 0; k < columns; k++)
        {
            var head = a[k * columns + k];
            double tail = 0;
            for (var i = k + 1; i < rows; i++)
                tail += a[i * columns + k].Real * a[i * columns + k].Real + a[i * columns + k].Imaginary * a[i * columns + k].Imaginary;
            // v = a_k + e^(i arg a_kk) |a_k| e_k, which does not cancel, turns a_k into -e^(i arg a_kk) |a_k| e_k. The reflection of the
            // last column of a square matrix only turns its sign.
            var phase = head.Magnitude == 0 ? Complex.One : head / head.Magnitude;
            var first = head + phase * Math.Sqrt(head.Magnitude * head.Magnitude + tail);
            double square = 1;
            for (var i = k + 1; i < rows; i++)
            {
                a[i * columns + k] /= first;
                square += a[i * columns + k].Real * a[i * columns + k].Real + a[i * columns + k].Imaginary * a[i * columns + k].Imaginary;
            }
            a[k * columns + k] = -phase;
            for (var j = k + 1; j < columns; j++)
            {
                var dot = a[k * columns + j];
                for (var i = k + 1; i < rows; i++)
                    dot += Complex.Conjugate(a[i * columns + k]) * a[i * columns + j];
                dot *= 2 / square;
                a[k * columns + j] -= dot;
                for (var i = k + 1; i < rows; i++)
                    a[i * columns + j] -= dot * a[i * columns + k];
            }
        }
        return a;
    }
}
