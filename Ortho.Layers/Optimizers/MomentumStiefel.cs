using Ortho.Autograd;
using Ortho.Layers.Manifolds;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>The heavy ball on matrices with orthonormal columns whose momentum stays tangent by itself: x moves with velocity x y + v,
/// where y is skew and x^H v = 0, under friction and the force of the gradient g. Kong, Wang and Tao 2023.</summary>
/// <remarks>
/// On the way between two forces, x follows a geodesic: y' = 0, v' = -x v^H v (canonical metric), and - v y more (Euclidean metric). A step
/// composes exact or structure-preserving parts of this flow, with k = 2 (canonical) or 1 and P = I - x x^H:
/// y &lt;- momentum y - rate k skew(x^H g), x &lt;- x e^y;
/// v &lt;- momentum v e^-y (Euclidean; v, canonical) - rate P g;
/// x, v &lt;- (x + v) s, (v - x v^H v) s with s = (I + v^H v)^(-1/2).
/// The last line keeps x^H x = I, x^H v = 0 and v^H v exactly: nothing is transported or projected but for rounding. Between forces and
/// without friction the speed is conserved, which a projected momentum loses. The exponential waits for the device. Real and complex.
/// </remarks>
public sealed class MomentumStiefel : StiefelOptimizer
{
    readonly double momentum;
    readonly Tensor[] turns, drifts;

    /// <summary>An optimizer of some orthogonal matrices.</summary>
    /// <param name="parameters">Parameters on <see cref="Stiefel"/> or <see cref="OrthogonalGroup"/>, or a <see cref="MatrixView"/> of
    /// one.</param>
    /// <param name="learningRate">Step size.</param>
    /// <param name="momentum">Decay of the velocity, at most 1.</param>
    public MomentumStiefel(IEnumerable<Parameter> parameters, double learningRate, double momentum = 0.9) : base(parameters, learningRate)
    {
        if (!(momentum is >= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(momentum), momentum, "Expected 0 to 1.");
        this.momentum = momentum;
        (turns, drifts) = (Remember("turn", ZerosLikeMatrices(square: true)), Remember("drift", ZerosLikeMatrices(square: false)));
    }

    /// <inheritdoc/>
    private protected override Tensor Move(int index, bool isCanonical, Tensor x, Tensor gradient)
    {
        var (inside, rate) = (x.H.MatMul(gradient), LearningRate);
        var turn = turns[index] * momentum - (inside - inside.H) * (isCanonical ? rate : rate / 2);
        turns[index].CopyFrom(turn);
        var y = x.MatMul(turn.MatrixExp());
        // The columns of a square matrix span everything: there is nothing outside.
        if (x.Shape[^2] == x.Shape[^1])
            return StiefelCurves.Corrected(y);
        var drift = drifts[index] * momentum;
        if (!isCanonical)
            drift = drift.MatMul((-turn).MatrixExp());
        // P is the same for x and y. Rounding leads out of the complement of both.
        drift -= gradient.Addmm(x, inside, alpha: -1) * rate;
        drift = drift.Addmm(y, y.H.MatMul(drift), alpha: -1);
        // (y + v) s is the polar factor of y + v, and s^-1 the other one.
        var (unitary, root) = (y + drift).PolarDecomposition();
        drifts[index].CopyFrom(root.Solve(drift.Addmm(y, drift.H.MatMul(drift), alpha: -1).H).H);
        return unitary;
    }
}
