using Ortho.Autograd;
using Ortho.Layers.Manifolds;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers.Solvers;

/// <summary>A cost on a manifold. A batch of points is one point of a product: metrics add up.</summary>
sealed class Objective(Func<Tensor, Tensor> cost, Manifold manifold)
{
    public Manifold Manifold => manifold;

    /// <summary>The distance of 1 from the next number of a tensor's precision.</summary>
    public static double Rounding(Tensor x) => x.DType.RealType == DType.Float64 ? 2.2e-16 : 1.2e-7;

    public double Value(Tensor x)
    {
        using var pause = Graph.NoGrad();
        return cost(x).Item();
    }

    /// <summary>The cost and its Riemannian gradient.</summary>
    public (double Value, Tensor Gradient) At(Tensor x)
    {
        var (value, gradient) = Derivatives.Vjp(cost, x, null);
        using var pause = Graph.NoGrad();
        return (value.Item(), manifold.Gradient(x, gradient));
    }

    /// <summary>The cost, its Riemannian gradient, and its Riemannian Hessian as a map of tangent vectors.</summary>
    public (double Value, Tensor Gradient, Func<Tensor, Tensor> Hessian) Model(Tensor x)
    {
        var (value, gradient, hessian) = Derivatives.QuadraticModel(cost, x);
        using var pause = Graph.NoGrad();
        return (value.Item(), manifold.Gradient(x, gradient), v =>
        {
            using var inner = Graph.NoGrad();
            return manifold.Hessian(x, gradient, hessian(v), v);
        });
    }

    public double Inner(Tensor x, Tensor u, Tensor v)
    {
        using var pause = Graph.NoGrad();
        return manifold.Inner(x, u, v).Sum().Item();
    }

    /// <summary>The cost along the curve R(x, t v).</summary>
    public Curve Along(Tensor x, Tensor v) => new(this, cost, x, v);
}

/// <summary>The cost f(R(x, t v)) as a function of t.</summary>
sealed class Curve(Objective objective, Func<Tensor, Tensor> cost, Tensor x, Tensor v)
{
    /// <summary>The rounding unit of costs.</summary>
    public double Rounding => Objective.Rounding(x);

    public Tensor Point(double t)
    {
        using var pause = Graph.NoGrad();
        return objective.Manifold.Retract(x, v * t);
    }

    public double Value(double t) => objective.Value(Point(t));

    /// <summary>The value and its exact derivative, through the retraction.</summary>
    public (double Value, double Slope) Derivative(double t)
    {
        var at = Tensor.Full([], t, x.DType.RealType, x.Device);
        var (value, slope) = Derivatives.Vjp(s => cost(objective.Manifold.Retract(x, v * s.To(x.DType))), at, null);
        return (value.Item(), slope.Item());
    }
}
