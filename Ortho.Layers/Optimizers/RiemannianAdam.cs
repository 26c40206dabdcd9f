using Ortho.Autograd;
using Ortho.Layers.Manifolds;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>Adam on manifolds: x &lt;- R(x, -rate m' / (sqrt v' + epsilon)), where m is the running mean of Riemannian gradients r,
/// transported along, and v that of their squared lengths Inner(x, r, r), one number for each point (each matrix); both corrected for their
/// start at 0. Bécigneul and Ganea 2019. On free parameters <see cref="Adam"/>.</summary>
/// <remarks>One number, because elements of a tangent vector have no meaning of their own on a manifold: dividing them one by one would
/// leave the tangent space.</remarks>
public sealed class RiemannianAdam : RiemannianOptimizer
{
    readonly double beta1, beta2, epsilon;
    readonly Tensor[] means, squares, largest;

    /// <summary>An optimizer of some parameters.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="learningRate">Step size: about the length of a step in the metric.</param>
    /// <param name="beta1">Decay of the mean.</param>
    /// <param name="beta2">Decay of the mean square.</param>
    /// <param name="epsilon">Added to the root.</param>
    /// <param name="amsgrad">Whether the largest v' so far takes the place of v', for which convergence is proven.</param>
    public RiemannianAdam(IEnumerable<Parameter> parameters, double learningRate = 1e-3, double beta1 = 0.9, double beta2 = 0.999,
        double epsilon = 1e-8, bool amsgrad = false)
        : base(parameters, learningRate)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epsilon);
        (this.beta1, this.beta2, this.epsilon) = (Decay(beta1, nameof(beta1)), Decay(beta2, nameof(beta2)), epsilon);
        (means, squares) = (Remember("mean", ZerosLike(Parameters)), Remember("square", ZerosPerPoint()));
        largest = amsgrad ? Remember("largest_square", ZerosPerPoint()) : [];
    }

    /// <inheritdoc/>
    protected override Tensor Move(int index, Manifold manifold, Tensor x, Tensor gradient)
    {
        var direction = manifold.Gradient(x, gradient);
        var mean = means[index] * beta1 + direction * (1 - beta1);
        var square = squares[index] * beta2 + manifold.Inner(x, direction, direction) * (1 - beta2);
        squares[index].CopyFrom(square);
        var corrected = square * (1 / (1 - Math.Pow(beta2, Steps)));
        if (largest.Length > 0)
        {
            corrected = Tensor.Maximum(corrected, largest[index]);
            largest[index].CopyFrom(corrected);
        }
        var factor = -LearningRate / (1 - Math.Pow(beta1, Steps)) / (corrected.Sqrt() + epsilon);
        var y = manifold.Retract(x, mean * factor.To(x.DType));
        means[index].CopyFrom(manifold.Transport(x, y, mean));
        return y;
    }
}
