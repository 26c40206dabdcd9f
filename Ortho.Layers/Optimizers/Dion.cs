using Ortho.Autograd;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>Dion: orthonormalised momentum of low rank by one step of power iteration, B = M + G, P = orth(B Q), R = B^T P, M &lt;- B -
/// (1 - mu) P R^T (what was not used stays), Q &lt;- R with columns of length 1, W &lt;- W - rate sqrt(m/n) P Q^T. Ahn et al. 2025,
/// algorithm 1.</summary>
/// <remarks>Beyond M it remembers Q [n, r]. Where a column of R is 0, as for a zero gradient, Q keeps its own.</remarks>
public sealed class Dion : MatrixOptimizer
{
    readonly double used;
    readonly Tensor[] bases;

    /// <summary>An optimizer of some matrices.</summary>
    /// <param name="matrices">Hidden matrices and convolution kernels.</param>
    /// <param name="generator">Source of the first bases.</param>
    /// <param name="learningRate">Step size.</param>
    /// <param name="rank">r, at most the smaller side of every matrix.</param>
    /// <param name="momentum">mu: the share of what was used that stays in the momentum.</param>
    /// <param name="weightDecay">Share of a parameter removed per unit of learning rate.</param>
    /// <param name="scale">Factor of the direction.</param>
    /// <exception cref="ArgumentException">A parameter is a vector, an embedding or a head, or has a side smaller than the
    /// rank.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A negative rate or decay, no rank, or a momentum that is not in [0, 1).</exception>
    public Dion(IEnumerable<Parameter> matrices, Generator generator, double learningRate = 0.02, int rank = 64, double momentum = 0.95,
        double weightDecay = 0,
        UpdateScale scale = UpdateScale.SpectralToRms)
        : base(matrices, learningRate, weightDecay, scale, Sum)
    {
        ArgumentNullException.ThrowIfNull(generator);
        used = 1 - Decay(momentum, nameof(momentum));
        foreach (var parameter in Parameters)
            CheckRank("Dion", parameter, rank);
        using (Graph.NoGrad())
        {
            bases = Remember("basis", [.. Parameters.Select(parameter =>
                TensorScope.Release(Tensor.Normal([parameter.MatrixShape.Columns, rank], generator, dtype: parameter.Value.DType,
                    device: parameter.Value.Device)))]);
        }
    }

    /// <summary>Refuses a rank beyond a matrix's smaller side.</summary>
    internal static void CheckRank(string optimizer, Parameter parameter, int rank)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rank, 1);
        var (rows, columns) = parameter.MatrixShape;
        if (rank > Math.Min(rows, columns))
        {
            throw new ArgumentException($"{optimizer}: rank is {rank} for parameter {parameter.Name} seen as [{rows}, {columns}]; "
                + $"expected at most {Math.Min(rows, columns)}, its smaller side.", nameof(rank));
        }
    }

    private protected override Tensor Direction(IReadOnlyList<int> indices, Tensor n)
    {
        var basis = Tensor.Stack([.. indices.Select(index => bases[index])]);
        var p = n.MatMul(basis).Qr().Q;
        var r = n.T.MatMul(p);
        TakeAway(indices, p.MatMul(r.T), used);
        var lengths = r.Norm([-2], keepDimensions: true);
        var q = r * (lengths + 1e-20).Reciprocal();
        var next = Tensor.Where(lengths.EqualTo(0), basis, q);
        foreach (var (k, index) in indices.Index())
            bases[index].CopyFrom(next.Select(0, k));
        return p.MatMul(q.T);
    }
}
