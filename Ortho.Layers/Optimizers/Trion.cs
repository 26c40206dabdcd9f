using Ortho.Autograd;
using Ortho.Kernels.MatMul;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>Trion: Muon in r columns of a fixed cosine basis. M &lt;- M + G, b = M D_I with the r columns of M D of the largest 1-norms,
/// M &lt;- M - (1 - mu) b D_I^T (what was not chosen stays), W &lt;- W - rate scale NewtonSchulz(b) D_I^T. Modoranu et al.
/// 2025.</summary>
/// <remarks>The shorter side of a matrix is projected. D_I has orthonormal columns, so the norm of the step is that of NewtonSchulz(b).
/// With r the whole side it is <see cref="Muon"/> with a sum as momentum and without Nesterov's look ahead.</remarks>
public sealed class Trion : MatrixOptimizer
{
    readonly int rank;
    readonly double used;
    readonly NewtonSchulzSchedule schedule;
    readonly MatMulPrecision precision;
    readonly Dictionary<(int, DType, Device), FixedBasis> bases = [];

    /// <summary>An optimizer of some matrices.</summary>
    /// <param name="matrices">Hidden matrices and convolution kernels.</param>
    /// <param name="learningRate">Step size.</param>
    /// <param name="rank">r, at most the smaller side of every matrix.</param>
    /// <param name="momentum">mu: the share of what was used that stays in the momentum.</param>
    /// <param name="weightDecay">Share of a parameter removed per unit of learning rate.</param>
    /// <param name="scale">Factor of the direction.</param>
    /// <param name="schedule">Polynomials of the iteration; five of <see cref="NewtonSchulzSchedule.Muon"/> when null.</param>
    /// <param name="precision">Of the iteration's products; less than full for Float32 matrices only.</param>
    /// <exception cref="ArgumentException">A parameter is a vector, an embedding or a head, or has a side smaller than the
    /// rank.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A negative rate or decay, no rank, or a momentum that is not in [0, 1).</exception>
    public Trion(IEnumerable<Parameter> matrices, double learningRate = 0.02, int rank = 64, double momentum = 0.95, double weightDecay = 0,
        UpdateScale scale = UpdateScale.Jordan, NewtonSchulzSchedule? schedule = null, MatMulPrecision precision = MatMulPrecision.Float32)
        : base(matrices, learningRate, weightDecay, scale, Sum)
    {
        (this.rank, used, this.schedule, this.precision) = (rank, 1 - Decay(momentum, nameof(momentum)),
            schedule ?? NewtonSchulzSchedule.Muon(), precision);
        foreach (var parameter in Parameters)
        {
            Dion.CheckRank("Trion", parameter, rank);
            var key = (Math.Min(parameter.MatrixShape.Rows, parameter.MatrixShape.Columns), parameter.Value.DType, parameter.Value.Device);
            if (!bases.ContainsKey(key))
                bases.Add(key, FixedBasis.Of(key.Item1, SubspaceBasis.Dct, null, key.DType, key.Device, null));
        }
    }

    private protected override Tensor Direction(IReadOnlyList<int> indices, Tensor n)
    {
        var isWide = n.Shape[1] < n.Shape[2];
        var basis = bases[(Math.Min(n.Shape[1], n.Shape[2]), n.DType, n.Device)];
        var s = basis.Transform(isWide ? n.T : n);
        var chosen = FixedBasis.Strongest(s, rank, norm: 1);
        var (b, rows) = (FixedBasis.Pick(s, chosen), basis.Columns(chosen));
        TakeAway(indices, Lift(b), used);
        return Lift(b.NewtonSchulz(schedule, precision: precision));

        Tensor Lift(Tensor low) => isWide ? rows.T.MatMul(low.T) : low.MatMul(rows);
    }
}
