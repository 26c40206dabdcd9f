using Ortho.Autograd;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>What AuON divides by rms(cosh(gamma X)), X = N / |N|_F.</summary>
public enum AuonVariant
{
    /// <summary>X, as in the paper (2025).</summary>
    Normalized,

    /// <summary>N itself, as in the repository since 2026: momentum descent with a brake that hardly ever acts. Not invariant to the
    /// gradient's scale.</summary>
    Brake,
}

/// <summary>AuON: momentum of which a matrix is divided by its Frobenius norm and by rho = rms(cosh X), U = X / rho. Maity 2025. Linear
/// in the number of elements; no products of matrices.</summary>
/// <remarks>
/// It does not orthogonalise: U is N times one number, so that the ratios of singular values stay as they are. 1 &lt;= rho^2 &lt;= 1 +
/// 1.381 / (m n) for gamma = 1, so that rho is 1 to four digits for every matrix of some size: AuON is momentum normalised by its
/// Frobenius norm, and its variant <see cref="AuonVariant.Brake"/> plain momentum. |U|_2 &lt;= |U|_F &lt;= 1. Measured (<c>Ortho.Bench --
/// systems 14</c>, the best rate of each): training loss 0.94 and test accuracy 0.455, close to AdamW (1.04, 0.442) and SGD (1.06,
/// 0.450), where Muon has 0.05 and 0.474. The constants that the reference adds to the norm (1e-7) and to rho (1e-8) are left away: the
/// first would make the step depend on the gradient's scale.
/// </remarks>
public sealed class Auon : MatrixOptimizer
{
    readonly AuonVariant variant;
    readonly double gamma;

    /// <summary>An optimizer of some matrices.</summary>
    /// <param name="matrices">Hidden matrices and convolution kernels.</param>
    /// <param name="learningRate">Step size: about the Frobenius norm of a step, but for the scale. (The reference's 0.24 belongs to
    /// Brake.)</param>
    /// <param name="momentum">Decay of the momentum, a running mean looked up one step ahead.</param>
    /// <param name="weightDecay">Share of a parameter removed per unit of learning rate.</param>
    /// <param name="variant">What is divided by rho.</param>
    /// <param name="gamma">Factor in the hyperbolic cosine; when null 1, for Brake 1.5.</param>
    /// <param name="scale">Factor of the direction; when null <see cref="UpdateScale.Jordan"/>, for Brake none.</param>
    /// <exception cref="ArgumentException">A parameter is a vector, an embedding or a head.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A negative rate, decay or gamma, or a momentum that is not in [0, 1).</exception>
    public Auon(IEnumerable<Parameter> matrices, double learningRate = 0.055, double momentum = 0.95, double weightDecay = 0,
        AuonVariant variant = AuonVariant.Normalized, double? gamma = null, UpdateScale? scale = null)
        : base(matrices, learningRate, weightDecay, ScaleOf(variant, scale), Mean(momentum, nesterov: true))
        => (this.variant, this.gamma) = (variant, GammaOf(variant, gamma));

    /// <summary>U of matrices N [..., m, n]; 0 for a zero matrix.</summary>
    /// <param name="n">Momenta.</param>
    /// <param name="variant">What is divided by rho.</param>
    /// <param name="gamma">Factor in the hyperbolic cosine; when null 1, for Brake 1.5.</param>
    /// <exception cref="TensorArgumentException">Fewer than two dimensions, or not real.</exception>
    public static Tensor Normalize(Tensor n, AuonVariant variant = AuonVariant.Normalized, double? gamma = null)
    {
        ArgumentNullException.ThrowIfNull(n);
        if (n.Rank < 2 || !n.DType.IsFloatingPoint)
            throw new TensorArgumentException("Auon", nameof(n), $"{n.DType} {n.Shape}", "real matrices [..., m, n]");
        var inverse = InverseNorm(n);
        var rho = RmsCosh(n, inverse * GammaOf(variant, gamma));
        return n * (variant == AuonVariant.Normalized ? inverse / rho : rho.Reciprocal());
    }

    private protected override Tensor Direction(IReadOnlyList<int> indices, Tensor n) => Normalize(n, variant, gamma);

    internal static UpdateScale ScaleOf(AuonVariant variant, UpdateScale? scale) => scale ?? (variant == AuonVariant.Brake ? UpdateScale.None : UpdateScale.Jordan);

    internal static double GammaOf(AuonVariant variant, double? gamma)
    {
        var value = gamma ?? (variant == AuonVariant.Brake ? 1.5 : 1);
        ArgumentOutOfRangeException.ThrowIfNegative(value, nameof(gamma));
        return value;
    }

    /// <summary>1 / |x|_F of each matrix [..., 1, 1], kept finite for zeros and for numbers whose squares vanish.</summary>
    internal static Tensor InverseNorm(Tensor x) => (x.Norm([-2, -1], keepDimensions: true) + 1e-20).Reciprocal();

    /// <summary>rms(cosh(factor x)) of each matrix [..., 1, 1].</summary>
    internal static Tensor RmsCosh(Tensor x, Tensor factor)
        => Pointwise.Run<Binary<SquaredCosh>>("Auon", x, factor).Mean([-2, -1], keepDimensions: true).Sqrt();
}
