using Ortho.Autograd;
using Ortho.Layers.Manifolds;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers.Solvers;

/// <summary>Minimises a smooth cost on a manifold, deterministically. Costs and lengths are read by the host in each iteration, which
/// decides by them; everything else stays on the start's device.</summary>
public abstract class Solver
{
    /// <summary>The length of the Riemannian gradient at which to stop.</summary>
    public double GradientTolerance
    {
        get;
        init => field = value >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(GradientTolerance), value, "Expected 0 or more.");
    } = 1e-6;

    /// <summary>Most iterations.</summary>
    public int MaxIterations
    {
        get;
        init => field = value >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(MaxIterations), value, "Expected 0 or more.");
    } = 1000;

    /// <summary>Minimises a cost from a point on.</summary>
    /// <param name="cost">A differentiable function with one real output element.</param>
    /// <param name="manifold">Where.</param>
    /// <param name="start">A point, or a batch of points that are moved together.</param>
    /// <exception cref="TensorArgumentException">The start is not on the manifold.</exception>
    public Solution Minimize(Func<Tensor, Tensor> cost, Manifold manifold, Tensor start)
    {
        ArgumentNullException.ThrowIfNull(cost);
        ArgumentNullException.ThrowIfNull(manifold);
        ArgumentNullException.ThrowIfNull(start);
        CheckStart(manifold, start);
        return Run(new(cost, manifold), start.Detach());
    }

    /// <summary>Refuses starts that the solver cannot take.</summary>
    private protected virtual void CheckStart(Manifold manifold, Tensor start)
    {
        var error = manifold.Error(start);
        if (!(error <= 1e-3 * Math.Sqrt(start.ElementCount)))
            throw new TensorArgumentException(GetType().Name, nameof(start), $"{error:G3} away from {manifold.GetType().Name}",
                "a point of it; ProjectOnto gives the nearest");
    }

    private protected abstract Solution Run(Objective objective, Tensor x);
}
