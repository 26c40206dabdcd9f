using Ortho.Autograd;
using Ortho.Layers.Manifolds;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>An optimizer of matrices with orthonormal columns alone, which uses more of them than a manifold's operations.</summary>
public abstract class StiefelOptimizer : RiemannianOptimizer
{
    /// <summary>An optimizer of some orthogonal matrices.</summary>
    /// <param name="parameters">Parameters on <see cref="Stiefel"/> or <see cref="OrthogonalGroup"/>, or a <see cref="MatrixView"/> of
    /// one.</param>
    /// <param name="learningRate">Step size.</param>
    /// <exception cref="ArgumentException">A parameter lives elsewhere.</exception>
    protected StiefelOptimizer(IEnumerable<Parameter> parameters, double learningRate) : base(parameters, learningRate)
    {
        if (Parameters.FirstOrDefault(parameter => Matrices(parameter.Manifold) is not (Stiefel or OrthogonalGroup)) is { } other)
        {
            var place = other.Manifold?.GetType().Name ?? "no manifold";
            throw new ArgumentException($"{GetType().Name}: parameter {other.Name} {other.Value.Shape} lives on {place}; expected "
                + "Stiefel or OrthogonalGroup, or a MatrixView of one (Parameter.RestrictTo).", nameof(parameters));
        }
    }

    static Manifold? Matrices(Manifold? manifold) => manifold is MatrixView view ? view.Matrices : manifold;

    /// <summary>For each parameter zeros of the shape of its matrices (one column for each of theirs and as many rows as they or as they
    /// have columns), outside every scope.</summary>
    private protected Tensor[] ZerosLikeMatrices(bool square)
        => [.. Parameters.Select(parameter =>
        {
            var value = parameter.Value;
            var shape = parameter.Manifold is MatrixView view ? view.MatrixShape(value.Shape) : value.Shape;
            return TensorScope.Release(Tensor.Zeros(square ? shape.With(shape.Rank - 2, shape[^1]) : shape, value.DType, value.Device));
        })];

    /// <inheritdoc/>
    protected sealed override Tensor Move(int index, Manifold manifold, Tensor x, Tensor gradient)
    {
        var isCanonical = Matrices(manifold) is Stiefel { Metric: StiefelMetric.Canonical };
        return manifold is MatrixView view
            ? view.FromMatrix(Move(index, isCanonical, view.ToMatrix(x), view.ToMatrix(gradient)), x.Shape)
            : Move(index, isCanonical, x, gradient);
    }

    /// <summary>Where a step leads.</summary>
    /// <param name="index">The parameter's place in <see cref="Optimizer.Parameters"/>.</param>
    /// <param name="isCanonical">Whether the metric is the canonical one.</param>
    /// <param name="x">Matrices [..., n, p], n &gt;= p.</param>
    /// <param name="gradient">The Euclidean gradient.</param>
    private protected abstract Tensor Move(int index, bool isCanonical, Tensor x, Tensor gradient);
}
