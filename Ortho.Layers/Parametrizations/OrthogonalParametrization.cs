using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>What maps onto matrices with orthonormal columns share: a wide matrix, whose rows are orthonormal, is the conjugate transpose
/// of a tall one of theirs.</summary>
/// <remarks><see cref="IParametrization.Error"/> is the Frobenius norm of Q^H Q - I: at least the distance from the set, and twice it near
/// the set.</remarks>
public abstract class OrthogonalParametrization : Parametrization, IOrthogonalParametrization
{
    /// <inheritdoc/>
    protected override string Elements => "matrices with orthonormal columns (or rows, when wide)";

    /// <summary>Whether real square values have determinant 1.</summary>
    protected virtual bool IsSpecial => false;

    /// <summary>Q [..., rows, columns] for free numbers [..., rows, columns], rows &gt;= columns, of a dtype that is computed in.</summary>
    protected abstract Tensor MapTall(Tensor free);

    /// <summary>Free numbers of Q [..., rows, columns], rows &gt;= columns, Float64 or Complex128 on the CPU.</summary>
    protected abstract Tensor UnmapTall(Tensor q);

    /// <inheritdoc/>
    protected sealed override Tensor Map(Tensor free) => IsWide(free.Shape) ? MapTall(free.H).H : MapTall(free);

    /// <inheritdoc/>
    protected sealed override Tensor Unmap(Tensor value) => IsWide(value.Shape) ? UnmapTall(value.H).H : UnmapTall(value);

    /// <inheritdoc/>
    protected override double Distance(Tensor value) => Skewness(value);

    /// <summary>The Haar measure: uniform, from the left and from the right.</summary>
    protected override Tensor Draw(Shape shape, Generator generator, DType dtype, Device? device)
    {
        var special = IsSpecial && shape[^1] == shape[^2] && !dtype.IsComplex;
        return IsWide(shape)
            ? Tensor.Haar(shape[..^2].Concat([shape[^1], shape[^2]]), generator, special, dtype, device).H
            : Tensor.Haar(shape, generator, special, dtype, device);
    }

    /// <summary>Whether there are more columns than rows.</summary>
    private protected static bool IsWide(Shape shape) => shape[^2] < shape[^1];

    /// <summary>The largest Frobenius norm of Q^H Q - I in a batch (of Q Q^H - I for wide matrices).</summary>
    internal static double Skewness(Tensor q)
    {
        var gram = IsWide(q.Shape) ? q.MatMul(q.H) : q.H.MatMul(q);
        return Largest(gram - Tensor.Eye(gram.Shape[^1], dtype: gram.DType, device: gram.Device));
    }

    /// <summary>A q that is orthonormal but for rounding, made so to the last place of its elements by one Newton-Schulz step, which
    /// squares the distance. The gradient is q's own: the step changes no more than the rounding.</summary>
    internal static Tensor Polished(Tensor q)
    {
        Tensor polished;
        using (Graph.NoGrad())
            polished = q.Bjorck(0.5, 1, Tensor.Ones([], q.DType.RealType, q.Device));
        return Graph.Record("Polished", polished, (q, g => g));
    }

    /// <summary>A map that another parametrization uses: one without buffers, which would be in nobody's state.</summary>
    /// <exception cref="TensorArgumentException">The map is a module.</exception>
    internal static IOrthogonalParametrization WithoutBuffers(string owner, IOrthogonalParametrization map)
        => map is Module ? throw new TensorArgumentException(owner, nameof(map), $"{map.GetType().Name}, which has buffers",
            "a map without") : map;

    /// <summary>The nearest orthogonal matrices: what an inner map is asked to invert has the rounding of its source taken off.</summary>
    internal static Tensor Nearest(Tensor q) => IsWide(q.Shape) ? q.H.PolarFactor().H : q.PolarFactor();

    /// <summary>A function of matrices, applied to each of a batch [..., rows, columns] in turn.</summary>
    private protected static Tensor Each(Tensor batch, Func<Tensor, Tensor> function)
    {
        if (batch.Rank == 2)
            return function(batch);
        var (rows, columns) = (batch.Shape[^2], batch.Shape[^1]);
        var matrices = batch.Reshape(-1, rows, columns);
        Tensor[] results = [.. Enumerable.Range(0, matrices.Shape[0]).Select(k => function(matrices.Select(0, k)))];
        return results.Length == 0 ? batch.Clone() : Tensor.Stack(results, 0).Reshape([.. batch.Shape.Span[..^2], rows, columns]);
    }
}
