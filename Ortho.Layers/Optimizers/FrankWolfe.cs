using Ortho.Autograd;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>Stochastic Frank-Wolfe maximisation over a convex set: G &lt;- (1 - rho_t) G + rho_t gradient, S = argmax over the set of the
/// inner product with G, X &lt;- (1 - gamma_t) X + gamma_t S, t = 1, 2, ... Every X is a convex combination of elements of the set, so
/// that it never leaves it.</summary>
/// <remarks>rho_t = t^(-1/2) and gamma_t = t^(-3/4) are the rates of non-convex stochastic Frank-Wolfe (Xue and Lau 2021 obtain O(ln t /
/// t^(1/4)) for the gap). The first step, gamma_1 = 1, forgets where X was. To minimise, give the negative gradient.</remarks>
/// <param name="domain">The set.</param>
/// <param name="averaging">rho_t by t; t^(-1/2) when null, 1 for no averaging.</param>
/// <param name="stepSize">gamma_t by t; t^(-3/4) when null.</param>
public sealed class FrankWolfe(ILinearMaximizer domain, Func<int, double>? averaging = null, Func<int, double>? stepSize = null)
{
    readonly Func<int, double> averaging = averaging ?? (t => Math.Pow(t, -0.5)), stepSize = stepSize ?? (t => Math.Pow(t, -0.75));

    /// <summary>G, the averaged gradient; null before the first step.</summary>
    public Tensor? Average { get; private set; }

    /// <summary>Steps made.</summary>
    public int Steps { get; private set; }

    /// <summary>Makes a step.</summary>
    /// <param name="x">Dense, in the set; changed in place.</param>
    /// <param name="gradient">The gradient at x, or an estimate of it.</param>
    /// <returns>The gap &lt;S - X, G&gt; before the step, a number []: not negative, 0 only where X is stationary for the averaged gradient. It is on x's
    /// device; nothing waits for it.</returns>
    /// <exception cref="TensorArgumentException">The gradient is not of x's shape, dtype and device.</exception>
    public Tensor Step(Tensor x, Tensor gradient)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(gradient);
        if (gradient.Shape != x.Shape || gradient.DType != x.DType || gradient.Device != x.Device)
        {
            throw new TensorArgumentException("FrankWolfe", nameof(gradient), $"{gradient.DType} {gradient.Shape} on {gradient.Device}",
                $"{x.DType} {x.Shape} on {x.Device}");
        }
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        var t = Steps + 1;
        if (Average is null)
            Average = TensorScope.Release(gradient.Clone());
        else
            Pointwise.Into<Ternary<Lerp>>("FrankWolfe", Average, Average, gradient, averaging(t));
        var s = domain.Maximize(Average);
        var gap = ((s - x) * Average).Sum();
        Pointwise.Into<Ternary<Lerp>>("FrankWolfe", x, x, s, stepSize(t));
        Steps = t;
        return scope.Keep(gap);
    }

    /// <summary>Goes on from a saved average.</summary>
    internal void Resume(Tensor? average, int steps) => (Average, Steps) = (average is null ? null : TensorScope.Release(average), steps);
}
