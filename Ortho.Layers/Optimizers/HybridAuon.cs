using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>AuON after some Newton-Schulz steps: X' = steps of Muon's quintic on N / |N|_F, U = X' / rms(cosh X'). Maity 2025.</summary>
/// <remarks>
/// The paper prints mean(cosh^2) without the root; its code takes the root, and so does this. For <see cref="AuonVariant.Brake"/>, the
/// repository's form of 2026, rho is taken of gamma X' / |X'|_F. What it gains over <see cref="Auon"/> is what the Newton-Schulz steps do
/// (measured, <c>Ortho.Bench -- systems 14</c>: training loss 0.85 after 0.94): with five of them rho only shrinks <see cref="Muon"/>'s
/// direction. The steps cost as much as Muon's; they are not quadratic in the side of the matrix, as the paper has it, but cubic.
/// </remarks>
public sealed class HybridAuon : MatrixOptimizer
{
    readonly NewtonSchulzSchedule schedule;
    readonly AuonVariant variant;
    readonly double gamma;

    /// <summary>An optimizer of some matrices.</summary>
    /// <param name="matrices">Hidden matrices and convolution kernels.</param>
    /// <param name="learningRate">Step size.</param>
    /// <param name="momentum">Decay of the momentum, a running mean looked up one step ahead.</param>
    /// <param name="weightDecay">Share of a parameter removed per unit of learning rate.</param>
    /// <param name="variant">How rho is taken.</param>
    /// <param name="gamma">Factor in the hyperbolic cosine; when null 1, for Brake 1.5.</param>
    /// <param name="scale">Factor of the direction; when null <see cref="UpdateScale.Jordan"/>, for Brake none.</param>
    /// <param name="newtonSchulzSteps">Steps of the quintic; when null 1, for Brake 5.</param>
    /// <exception cref="ArgumentException">A parameter is a vector, an embedding or a head.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A negative rate, decay or gamma, a momentum that is not in [0, 1), or no
    /// step.</exception>
    public HybridAuon(IEnumerable<Parameter> matrices, double learningRate = 0.055, double momentum = 0.95, double weightDecay = 0,
        AuonVariant variant = AuonVariant.Normalized, double? gamma = null, UpdateScale? scale = null, int? newtonSchulzSteps = null)
        : base(matrices, learningRate, weightDecay, Auon.ScaleOf(variant, scale), Mean(momentum, nesterov: true))
    {
        (this.variant, this.gamma) = (variant, Auon.GammaOf(variant, gamma));
        schedule = NewtonSchulzSchedule.Muon(newtonSchulzSteps ?? (variant == AuonVariant.Brake ? 5 : 1));
    }

    private protected override Tensor Direction(IReadOnlyList<int> indices, Tensor n)
    {
        var x = n.NewtonSchulz(schedule);
        var factor = variant == AuonVariant.Brake ? Auon.InverseNorm(x) * gamma : Tensor.Full([], gamma, x.DType, x.Device);
        return x / Auon.RmsCosh(x, factor);
    }
}
