using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;

namespace Ortho.Bench.Systems;

/// <summary>What <see cref="DctAdamW"/> is compared with: Adam in r columns of any orthonormal basis, with error feedback and moments
/// that turn with the basis, in plain ops.</summary>
/// <param name="matrices">The shorter side of each is projected.</param>
/// <param name="rate">Step size.</param>
/// <param name="basis">The basis [q, r] for a matrix [m, q], told the parameter's index.</param>
sealed class ProjectedAdam(IEnumerable<Parameter> matrices, double rate, Func<int, Tensor, Tensor> basis) : Optimizer(matrices, rate)
{
    const double Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1e-8;

    readonly Dictionary<int, (Tensor Basis, Tensor Mean, Tensor Square, Tensor Error)> states = [];

    /// <summary>Random orthonormal columns that stay.</summary>
    public static Func<int, Tensor, Tensor> Fixed(int rank, Generator generator)
    {
        var kept = new Dictionary<int, Tensor>();
        return (index, a) => kept.TryGetValue(index, out var found) ? found
            : kept[index] = TensorScope.Release(Tensor.Haar([a.Shape[1], a.Shape[1]], generator).Narrow(1, 0, rank).Clone());
    }

    /// <summary>The leading right singular vectors of each matrix.</summary>
    public static Func<int, Tensor, Tensor> Leading(int rank) => (_, a) => a.Svd().V.Narrow(-1, 0, rank);

    /// <inheritdoc/>
    protected override void Update(IReadOnlyList<Due> due)
    {
        foreach (var (index, parameter, gradient) in due)
            Update(index, parameter, gradient);
    }

    void Update(int index, Parameter parameter, Tensor gradient)
    {
        using var scope = new TensorScope();
        var isWide = parameter.MatrixShape.Rows < parameter.MatrixShape.Columns;
        Tensor Turned(Tensor x) => isWide ? x.T : x;
        var a = Turned(gradient);
        if (states.TryGetValue(index, out var state))
            a += state.Error;
        var q = basis(index, a);
        var low = a.MatMul(q);
        var (mean, square) = (low.ZerosLike(), low.ZerosLike());
        if (state.Basis is not null)
        {
            var turn = state.Basis.T.MatMul(q);
            (mean, square) = (state.Mean.MatMul(turn), state.Square.MatMul(turn).Abs());
        }
        mean = mean * Beta1 + low * (1 - Beta1);
        square = square * Beta2 + low.Square() * (1 - Beta2);
        var u = mean / (1 - Math.Pow(Beta1, Steps)) / ((square / (1 - Math.Pow(Beta2, Steps))).Sqrt() + Epsilon);
        parameter.Value.CopyFrom(parameter.Value - Turned(u.MatMul(q.T)) * LearningRate);
        states[index] = (TensorScope.Release(q.Clone()), TensorScope.Release(mean), TensorScope.Release(square),
            TensorScope.Release(a - low.MatMul(q.T)));
    }
}
