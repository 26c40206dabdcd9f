using Ortho.Autograd;
using Ortho.Layers.Manifolds;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>Stochastic gradient descent on manifolds: b &lt;- momentum b + r with the Riemannian gradient r, x &lt;- R(x, -rate b), and b
/// is transported to the new x (Nesterov: x &lt;- R(x, -rate (r + momentum b))). Bonnabel 2013. On free parameters
/// <see cref="Sgd"/>.</summary>
public sealed class RiemannianSgd : RiemannianOptimizer
{
    readonly double momentum;
    readonly bool nesterov;
    readonly Tensor[] buffers;

    /// <summary>An optimizer of some parameters.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="learningRate">Step size.</param>
    /// <param name="momentum">0 for plain descent.</param>
    /// <param name="nesterov">Whether the gradient is looked up one step ahead.</param>
    public RiemannianSgd(IEnumerable<Parameter> parameters, double learningRate, double momentum = 0, bool nesterov = false)
        : base(parameters, learningRate)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(momentum);
        (this.momentum, this.nesterov) = (momentum, nesterov);
        buffers = momentum == 0 ? [] : Remember("momentum", ZerosLike(Parameters));
    }

    /// <inheritdoc/>
    protected override Tensor Move(int index, Manifold manifold, Tensor x, Tensor gradient)
    {
        var direction = manifold.Gradient(x, gradient);
        if (momentum == 0)
            return manifold.Retract(x, direction * -LearningRate);
        var buffer = buffers[index] * momentum + direction;
        var y = manifold.Retract(x, (nesterov ? direction + buffer * momentum : buffer) * -LearningRate);
        buffers[index].CopyFrom(manifold.Transport(x, y, buffer));
        return y;
    }
}
