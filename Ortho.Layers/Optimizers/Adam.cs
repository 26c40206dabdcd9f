using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>Adam: p &lt;- p - rate m' / (sqrt v' + epsilon) with m, v running means of g and g^2, m', v' corrected for their start at 0.
/// Kingma and Ba 2015, algorithm 1 (in the order of section 2's last paragraph). Decoupled weight decay as in AdamW.</summary>
public sealed class Adam : Optimizer
{
    readonly double beta1, beta2, epsilon, weightDecay;
    readonly Tensor[] means, squares;

    /// <summary>An optimizer of some parameters.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="learningRate">Step size.</param>
    /// <param name="beta1">Decay of the mean.</param>
    /// <param name="beta2">Decay of the mean square.</param>
    /// <param name="epsilon">Added to the root.</param>
    /// <param name="weightDecay">Share of a parameter removed per unit of learning rate (Loshchilov and Hutter 2019).</param>
    public Adam(IEnumerable<Parameter> parameters, double learningRate = 1e-3, double beta1 = 0.9, double beta2 = 0.999,
        double epsilon = 1e-8, double weightDecay = 0)
        : base(parameters, learningRate)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epsilon);
        ArgumentOutOfRangeException.ThrowIfNegative(weightDecay);
        (this.beta1, this.beta2, this.epsilon, this.weightDecay) = (Decay(beta1, nameof(beta1)), Decay(beta2, nameof(beta2)), epsilon,
            weightDecay);
        (means, squares) = (Remember("mean", ZerosLike(Parameters)), Remember("square", ZerosLike(Parameters)));
    }

    /// <inheritdoc/>
    protected override void Update(IReadOnlyList<Due> due)
    {
        // m' / (sqrt v' + e) = (root / (1 - beta1^t)) m / (sqrt v + e root), root = sqrt(1 - beta2^t)
        var root = Math.Sqrt(1 - Math.Pow(beta2, Steps));
        Pointwise.Update<AdamStep>("Adam", [.. due.Select(row => new Updated(row.Parameter.Value, row.Gradient, means[row.Index],
            squares[row.Index]))], new()
        {
            A = 1 - beta1, B = 1 - beta2, C = epsilon * root, D = 1 - LearningRate * weightDecay,
            E = -LearningRate * root / (1 - Math.Pow(beta1, Steps)),
        });
    }
}
