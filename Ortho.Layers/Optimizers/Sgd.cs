using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>Stochastic gradient descent with momentum: b &lt;- momentum b + g, p &lt;- p - rate b (Nesterov: p &lt;- p - rate (g +
/// momentum b)).</summary>
public sealed class Sgd : Optimizer
{
    readonly double momentum;
    readonly bool nesterov;
    readonly Tensor[] buffers;

    /// <summary>An optimizer of some parameters.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="learningRate">Step size.</param>
    /// <param name="momentum">0 for plain descent.</param>
    /// <param name="nesterov">Whether the gradient is looked up one step ahead.</param>
    public Sgd(IEnumerable<Parameter> parameters, double learningRate, double momentum = 0, bool nesterov = false) : base(parameters, learningRate)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(momentum);
        (this.momentum, this.nesterov) = (momentum, nesterov);
        buffers = momentum == 0 ? [] : Remember("momentum", ZerosLike(Parameters));
    }

    /// <inheritdoc/>
    protected override void Update(IReadOnlyList<Due> due)
    {
        Updated[] all = [.. due.Select(row => new Updated(row.Parameter.Value, row.Gradient, momentum == 0 ? null : buffers[row.Index]))];
        var numbers = new Coefficients<double> { A = -LearningRate, B = momentum };
        if (momentum == 0)
            Pointwise.Update<DescentStep>("Sgd", all, numbers with { B = 1 });
        else if (nesterov)
            Pointwise.Update<NesterovStep>("Sgd", all, numbers);
        else
            Pointwise.Update<MomentumStep>("Sgd", all, numbers);
    }
}
