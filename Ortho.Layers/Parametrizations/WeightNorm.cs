using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Any matrix, with the length and the direction of each row apart: row i is g_i v_i / |v_i|. Free numbers [..., rows, columns +
/// 1]: v, and g in the last column. Real and complex (g real). Salimans and Kingma 2016.</summary>
/// <remarks>The set is that of all matrices: <c>Error</c> is 0 for finite ones. Samples are normal, of variance 1 / columns.</remarks>
public sealed class WeightNorm : Parametrization
{
    /// <inheritdoc/>
    protected override string Elements => "finite matrices";

    /// <inheritdoc/>
    public override Shape FreeShape(Shape value) => value.With(value.Rank - 1, value[^1] + 1);

    /// <inheritdoc/>
    protected override string? Misfit(Shape value)
        => value.Rank < 2 || value[^1] < 1 ? "matrices [..., rows, columns] with a column or more" : null;

    /// <inheritdoc/>
    protected override string? FreeMisfit(Shape free)
        => free.Rank < 2 || free[^1] < 2 ? "[..., rows, columns + 1] with a column or more" : null;

    /// <inheritdoc/>
    protected override Tensor Map(Tensor free)
    {
        var columns = free.Shape[^1] - 1;
        var (v, g) = (free.Narrow(-1, 0, columns), free.Narrow(-1, columns, 1).Real());
        return v * (g / v.Norm([-1], keepDimensions: true)).To(free.DType);
    }

    /// <inheritdoc/>
    protected override Tensor Unmap(Tensor value)
    {
        var g = value.Norm([-1], keepDimensions: true);
        // A row of zeros has the first coordinate's direction, so that it can be learnt out of.
        var first = Tensor.Eye(1, value.Shape[^1], value.DType);
        return Tensor.Concat([value + g.EqualTo(0).To(value.DType) * first, g.To(value.DType)], -1);
    }

    /// <inheritdoc/>
    protected override double Distance(Tensor value) => Largest(value * 0.0);

    /// <inheritdoc/>
    protected override Tensor Draw(Shape shape, Generator generator, DType dtype, Device? device)
        => NormalMatrix.Of(shape, generator, dtype, device) * (1 / Math.Sqrt(shape[^1]));
}
