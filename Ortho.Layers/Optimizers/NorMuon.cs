using Ortho.Autograd;
using Ortho.Kernels.MatMul;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>NorMuon: Muon's direction O with every row (neuron) divided by the root of a running mean of its mean square, v &lt;- beta2 v
/// + (1 - beta2) mean over columns of O^2, and brought back to the root mean square 0.2: W &lt;- W - rate 0.2 sqrt(m n) O' / |O'|_F, O' =
/// O / (sqrt v + epsilon). Li et al. 2025, algorithm 1.</summary>
public sealed class NorMuon : MatrixOptimizer
{
    const double RootMeanSquare = 0.2, Epsilon = 1e-8;

    readonly NewtonSchulzSchedule schedule;
    readonly MatMulPrecision precision;
    readonly double beta2;
    readonly Tensor[] squares;

    /// <summary>An optimizer of some matrices.</summary>
    /// <param name="matrices">Hidden matrices and convolution kernels.</param>
    /// <param name="learningRate">Step size; a step's elements have the root mean square 0.2 times it.</param>
    /// <param name="momentum">Decay of the momentum, a running mean.</param>
    /// <param name="beta2">Decay of the rows' mean squares.</param>
    /// <param name="nesterov">Whether the gradient is looked up one step ahead; the paper's algorithm does not.</param>
    /// <param name="weightDecay">Share of a parameter removed per unit of learning rate.</param>
    /// <param name="schedule">Polynomials of the iteration; five of <see cref="NewtonSchulzSchedule.Muon"/> when null.</param>
    /// <param name="precision">Of the iteration's products; less than full for Float32 matrices only.</param>
    /// <exception cref="ArgumentException">A parameter is a vector, an embedding or a head.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A negative rate or decay, or a decay of a mean that is not in [0, 1).</exception>
    public NorMuon(IEnumerable<Parameter> matrices, double learningRate = 1e-3, double momentum = 0.95, double beta2 = 0.95,
        bool nesterov = false, double weightDecay = 0,
        NewtonSchulzSchedule? schedule = null, MatMulPrecision precision = MatMulPrecision.Float32)
        : base(matrices, learningRate, weightDecay, UpdateScale.None, Mean(momentum, nesterov))
    {
        (this.schedule, this.precision, this.beta2) = (schedule ?? NewtonSchulzSchedule.Muon(), precision, Decay(beta2, nameof(beta2)));
        squares = Remember("square", [.. Parameters.Select(parameter =>
            TensorScope.Release(Tensor.Zeros([parameter.MatrixShape.Rows, 1], parameter.Value.DType, parameter.Value.Device)))]);
    }

    private protected override Tensor Direction(IReadOnlyList<int> indices, Tensor n)
    {
        var o = n.NewtonSchulz(schedule, precision: precision);
        var means = o.Square().Mean([-1], keepDimensions: true);
        foreach (var (k, index) in indices.Index())
            Pointwise.Into<Ternary<Lerp>>("NorMuon", squares[index], squares[index], means.Select(0, k), 1 - beta2);
        var rows = o / (Tensor.Stack([.. indices.Select(index => squares[index])]).Sqrt() + Epsilon);
        return rows * (Auon.InverseNorm(rows) * (RootMeanSquare * Math.Sqrt((double)n.Shape[1] * n.Shape[2])));
    }
}
