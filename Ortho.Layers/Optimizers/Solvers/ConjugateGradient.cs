using Ortho.Autograd;
using Ortho.Layers.Manifolds;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers.Solvers;

/// <summary>How much of the last direction a new one keeps.</summary>
public enum ConjugateRule
{
    /// <summary>Nothing: the method of steepest descent.</summary>
    SteepestDescent,

    /// <summary>max(0, &lt;r', r' - T r&gt; / &lt;r, r&gt;), Polak-Ribière+.</summary>
    PolakRibiere,

    /// <summary>max(0, &lt;r', r' - T r&gt; / &lt;T d, r' - T r&gt;), Hestenes-Stiefel+.</summary>
    HestenesStiefel,
}

/// <summary>Nonlinear conjugate gradients: d' = -r' + beta T d with the Riemannian gradient r' at the new point and T the transport from
/// the old one; a direction that does not descend is replaced by -r'. Absil, Mahony and Sepulchre 2008, algorithm 13; Sato 2022.</summary>
/// <param name="rule">How beta is found.</param>
/// <param name="search">How far a step goes.</param>
public sealed class ConjugateGradient(ConjugateRule rule = ConjugateRule.HestenesStiefel, LineSearch search = LineSearch.Armijo) : Solver
{
    /// <summary>How beta is found.</summary>
    public ConjugateRule Rule { get; } = Enum.IsDefined(rule) ? rule
        : throw new ArgumentOutOfRangeException(nameof(rule), rule, "Expected a rule of the list.");

    /// <summary>How far a step goes.</summary>
    public LineSearch Search { get; } = Enum.IsDefined(search)
        ? search
        : throw new ArgumentOutOfRangeException(nameof(search), search, "Expected a search of the list.");

    private protected override Solution Run(Objective objective, Tensor x)
    {
        var manifold = objective.Manifold;
        var (value, gradient) = objective.At(x);
        var square = objective.Inner(x, gradient, gradient);
        var (direction, slope, isSteepest) = (-gradient, -square, true);
        // The first step has length 1; later ones start where the same first-order decrease as last time would be.
        var guess = 1 / Math.Max(Math.Sqrt(square), 1e-300);
        for (var k = 0; ; k++)
        {
            var norm = Math.Sqrt(square);
            if (norm <= GradientTolerance)
                return new(x, value, norm, k, StopReason.GradientTolerance);
            if (k == MaxIterations)
                return new(x, value, norm, k, StopReason.MaxIterations);
            var curve = objective.Along(x, direction);
            var step = Searching.Run(Search, curve, value, slope, guess);
            if (step == 0)
            {
                if (isSteepest)
                    return new(x, value, norm, k, StopReason.NoProgress);
                (direction, slope, isSteepest) = (-gradient, -square, true);
                (guess, k) = (1 / norm, k - 1);
                continue;
            }
            var y = curve.Point(step);
            var (newValue, newGradient) = objective.At(y);
            var newSquare = objective.Inner(y, newGradient, newGradient);
            using (Graph.NoGrad())
            {
                var beta = 0.0;
                Tensor? along = null;
                if (Rule != ConjugateRule.SteepestDescent)
                {
                    along = manifold.Transport(x, y, direction);
                    var change = newGradient - manifold.Transport(x, y, gradient);
                    var bend = Rule == ConjugateRule.PolakRibiere ? square : objective.Inner(y, along, change);
                    var share = objective.Inner(y, newGradient, change) / bend;
                    beta = double.IsFinite(share) ? Math.Max(0, share) : 0;
                }
                var newDirection = beta == 0 ? -newGradient : along! * beta - newGradient;
                var newSlope = beta == 0 ? -newSquare : objective.Inner(y, newGradient, newDirection);
                isSteepest = beta == 0;
                // A direction nearly at a right angle to the gradient is no better than one that climbs.
                if (!(newSlope <= -1e-10 * newSquare))
                    (newDirection, newSlope, isSteepest) = (-newGradient, -newSquare, true);
                guess = Math.Min(step * slope / newSlope, 10 * step);
                (x, value, gradient, square, direction, slope) = (y, newValue, newGradient, newSquare, newDirection, newSlope);
            }
        }
    }
}
