using Ortho.Autograd;
using Ortho.Layers.Manifolds;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>RMSProp on manifolds: x &lt;- R(x, -rate r / (sqrt v + epsilon)), where r is the Riemannian gradient and v the running mean of
/// Inner(x, r, r), one number for each point (each matrix). Tieleman and Hinton 2012; see <see cref="RiemannianAdam"/> for why it is
/// one.</summary>
public sealed class RiemannianRmsProp : RiemannianOptimizer
{
    readonly double decay, epsilon;
    readonly Tensor[] squares;

    /// <summary>An optimizer of some parameters.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="learningRate">Step size: about the length of a step in the metric.</param>
    /// <param name="decay">Decay of the mean square.</param>
    /// <param name="epsilon">Added to the root.</param>
    public RiemannianRmsProp(IEnumerable<Parameter> parameters, double learningRate = 1e-2, double decay = 0.99, double epsilon = 1e-8)
        : base(parameters, learningRate)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epsilon);
        (this.decay, this.epsilon) = (Decay(decay, nameof(decay)), epsilon);
        squares = Remember("square", ZerosPerPoint());
    }

    /// <inheritdoc/>
    protected override Tensor Move(int index, Manifold manifold, Tensor x, Tensor gradient)
    {
        var direction = manifold.Gradient(x, gradient);
        var square = squares[index] * decay + manifold.Inner(x, direction, direction) * (1 - decay);
        squares[index].CopyFrom(square);
        return manifold.Retract(x, direction * (-LearningRate / (square.Sqrt() + epsilon)).To(x.DType));
    }
}
