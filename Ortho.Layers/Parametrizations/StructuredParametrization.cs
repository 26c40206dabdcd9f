using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>What structured matrices share: one size, and free numbers [..., count] in a row.</summary>
public abstract class StructuredParametrization : Parametrization, IStructuredParametrization
{
    readonly int rows, columns, count;

    private protected StructuredParametrization(int rows, int columns, int count)
        => (this.rows, this.columns, this.count) = (rows, columns, count);

    /// <inheritdoc/>
    public override Shape FreeShape(Shape value) => value[..^2].Concat([count]);

    /// <inheritdoc/>
    protected override string? Misfit(Shape value)
        => value.Rank < 2 || value[^2] != rows || value[^1] != columns ? $"[..., {rows}, {columns}]" : null;

    /// <inheritdoc/>
    protected override string? FreeMisfit(Shape free) => free.Rank < 1 || free[^1] != count ? $"[..., {count}]" : null;

    /// <inheritdoc/>
    public Tensor Apply(Tensor free, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(free);
        ArgumentNullException.ThrowIfNull(x);
        if (free.Rank != 1 || free.Shape[0] != count)
            throw new TensorArgumentException($"{GetType().Name}.Apply", nameof(free), $"{free.Shape}", $"[{count}], those of one matrix");
        if (x.Rank < 1 || x.Shape[^1] != columns || x.DType != free.DType)
            throw new TensorArgumentException($"{GetType().Name}.Apply", nameof(x), $"{x.DType} {x.Shape}",
                $"{free.DType} [..., {columns}]");
        return x.DType.IsHalfPrecision ? Apply(free.To(DType.Float32), x.To(DType.Float32)).To(x.DType)
            : Multiply(free, x.Reshape(-1, columns)).Reshape([.. x.Shape.Span[..^1], rows]);
    }

    /// <summary>x W^T for rows x [vectors, columns].</summary>
    private protected abstract Tensor Multiply(Tensor free, Tensor x);

    /// <summary>The distance from the matrix of the structure that <see cref="Parametrization.Inverse"/> takes to be the nearest.</summary>
    protected override double Distance(Tensor value) => Largest(value - Map(Unmap(value)));
}
