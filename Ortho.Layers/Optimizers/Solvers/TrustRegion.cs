using Ortho.Autograd;
using Ortho.Layers.Manifolds;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers.Solvers;

/// <summary>The Riemannian trust-region method: in each iteration the quadratic model of the cost is minimised, by truncated conjugate
/// gradients (Steihaug and Toint), in a ball of the tangent space whose radius follows how well the last model predicted. Converges
/// quadratically near a minimum with a regular Hessian. Absil, Baker and Gallivan 2007.</summary>
/// <remarks>Hessians are applied to vectors by differentiating the gradient: the ops of the cost must have second derivatives. Real
/// points.</remarks>
public sealed class TrustRegion : Solver
{
    // A step is taken when the cost falls by this share of what the model promised; inner residuals r shrink by Kappa, or to r^(1 + Theta).
    const double Acceptance = 0.1, Kappa = 0.1, Theta = 1;

    /// <summary>The radius at first; an eighth of the largest when null.</summary>
    public double? InitialRadius
    {
        get;
        init => field = value is null or > 0 ? value
            : throw new ArgumentOutOfRangeException(nameof(InitialRadius), value, "Expected a positive number.");
    }

    /// <summary>The largest radius; the square root of the manifold's dimension when null.</summary>
    public double? LargestRadius
    {
        get;
        init => field = value is null or > 0 ? value
            : throw new ArgumentOutOfRangeException(nameof(LargestRadius), value, "Expected a positive number.");
    }

    private protected override void CheckStart(Manifold manifold, Tensor start)
    {
        if (start.DType.IsComplex)
            throw new TensorArgumentException(nameof(TrustRegion), nameof(start), $"{start.DType}",
                "a real tensor; ConjugateGradient takes complex ones");
        base.CheckStart(manifold, start);
    }

    private protected override Solution Run(Objective objective, Tensor x)
    {
        var largest = LargestRadius ?? Math.Sqrt(Math.Max(1, objective.Manifold.Dimension(x.Shape)));
        var radius = Math.Min(InitialRadius ?? largest / 8, largest);
        var inner = (int)Math.Min(objective.Manifold.Dimension(x.Shape), 500);
        var (value, gradient, hessian) = objective.Model(x);
        for (var k = 0; ; k++)
        {
            var norm = Math.Sqrt(objective.Inner(x, gradient, gradient));
            if (norm <= GradientTolerance)
                return new(x, value, norm, k, StopReason.GradientTolerance);
            if (k == MaxIterations)
                return new(x, value, norm, k, StopReason.MaxIterations);
            if (radius < 1e-14 * largest)
                return new(x, value, norm, k, StopReason.NoProgress);
            var (step, promised, isAtEdge) = Truncated(objective, x, gradient, hessian, radius, inner);
            Tensor y;
            using (Graph.NoGrad())
                y = objective.Manifold.Retract(x, step);
            var reached = objective.Value(y);
            // Near the minimum both differences are roundings of the cost: raised alike, their quotient tends to 1.
            var noise = 1e3 * Objective.Rounding(x) * Math.Max(1, Math.Abs(value));
            var quality = (value - reached + noise) / (promised + noise);
            if (!(quality >= 0.25) || promised < 0)
                radius /= 4;
            else if (quality > 0.75 && isAtEdge)
                radius = Math.Min(2 * radius, largest);
            if (quality > Acceptance && promised >= 0)
            {
                x = y;
                (value, gradient, hessian) = objective.Model(x);
            }
        }
    }

    // Minimises <g, s> + <s, H s> / 2 over |s| <= radius; returns s, by how much that is below 0, and whether s ends at the edge.
    static (Tensor Step, double Promised, bool IsAtEdge) Truncated(
        Objective objective, Tensor x, Tensor gradient, Func<Tensor, Tensor> hessian, double radius, int most)
    {
        using var pause = Graph.NoGrad();
        var (step, bent) = (gradient.ZerosLike(), gradient.ZerosLike());
        var (residual, direction) = (gradient, -gradient);
        var square = objective.Inner(x, residual, residual);
        var enough = Math.Sqrt(square) * Math.Min(Math.Pow(Math.Sqrt(square), Theta), Kappa);
        var (stepSquare, stepAlong, directionSquare) = (0.0, 0.0, square);
        for (var k = 0; k < most; k++)
        {
            var turned = hessian(direction);
            var curvature = objective.Inner(x, direction, turned);
            var length = square / curvature;
            var nextSquare = stepSquare + 2 * length * stepAlong + length * length * directionSquare;
            if (!(curvature > 0) || nextSquare >= radius * radius)
            {
                // Where the direction leaves the ball.
                var root = Math.Sqrt(stepAlong * stepAlong + directionSquare * (radius * radius - stepSquare));
                length = (root - stepAlong) / directionSquare;
                return Ended(step + direction * length, bent + turned * length, true);
            }
            (step, bent, stepSquare) = (step + direction * length, bent + turned * length, nextSquare);
            // Rounding leads out of the tangent space, and conjugacy with it.
            residual = objective.Manifold.Project(x, residual + turned * length);
            var newSquare = objective.Inner(x, residual, residual);
            if (Math.Sqrt(newSquare) <= enough)
                break;
            var beta = newSquare / square;
            direction = direction * beta - residual;
            (stepAlong, directionSquare, square) = (beta * (stepAlong + length * directionSquare),
                newSquare + beta * beta * directionSquare, newSquare);
        }
        return Ended(step, bent, false);

        (Tensor, double, bool) Ended(Tensor s, Tensor hs, bool isAtEdge)
            => (s, -objective.Inner(x, gradient, s) - 0.5 * objective.Inner(x, s, hs), isAtEdge);
    }
}
