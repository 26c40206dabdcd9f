using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Rotations as a product of plane rotations, Q = L_n ... L_2 L_1: layer k turns the neighbouring pairs of rows (0, 1), (2, 3),
/// ... for odd k and (1, 2), (3, 4), ... for even k, each pair by an angle of its own: [cos, -sin; sin, cos]. Real, square. Clements et al.
/// 2016 (there for unitary matrices, in optics).</summary>
/// <remarks>n (n - 1) / 2 angles, as many as rotations have dimensions, and every rotation is reached. Free numbers [..., n, n / 2] are the
/// angles, layers first (the last angle of a shorter layer has no influence). n layers that depend on each other: for large n the other
/// maps are faster.</remarks>
public sealed class Givens : OrthogonalParametrization
{
    /// <inheritdoc/>
    protected override string Elements => "rotations (determinant 1)";

    /// <inheritdoc/>
    protected override bool IsReal => true;

    /// <inheritdoc/>
    protected override bool IsSpecial => true;

    /// <inheritdoc/>
    public override Shape FreeShape(Shape value) => value.With(value.Rank - 1, value[^1] / 2);

    /// <inheritdoc/>
    protected override string? Misfit(Shape value) => NotSquare(value);

    /// <inheritdoc/>
    protected override string? FreeMisfit(Shape free) => free.Rank < 2 || free[^1] != free[^2] / 2 ? "angles [..., n, n / 2]" : null;

    /// <inheritdoc/>
    protected override Tensor MapTall(Tensor free)
    {
        var n = free.Shape[^2];
        var x = Tensor.Eye(n, dtype: free.DType, device: free.Device).Expand([.. free.Shape.Span[..^2], n, n]);
        var (cosines, sines) = (free.Cos(), free.Sin());
        for (var layer = 0; layer < n; layer++)
        {
            var (first, pairs) = (layer % 2, (n - layer % 2) / 2);
            if (pairs == 0)
                continue;
            var (cosine, sine) = (Angles(cosines), Angles(sines));
            var rows = x.Narrow(-2, first, 2 * pairs).Reshape([.. x.Shape.Span[..^2], pairs, 2, n]);
            var (upper, lower) = (rows.Select(-2, 0), rows.Select(-2, 1));
            var turned = Tensor.Stack([cosine * upper - sine * lower, sine * upper + cosine * lower], -2)
                .Reshape([.. x.Shape.Span[..^2], 2 * pairs, n]);
            var after = first + 2 * pairs;
            x = 2 * pairs == n ? turned : Tensor.Concat([x.Narrow(-2, 0, first), turned, x.Narrow(-2, after, n - after)], -2);

            Tensor Angles(Tensor of) => of.Select(-2, layer).Narrow(-1, 0, pairs).Unsqueeze(-1);
        }
        return x;
    }

    /// <inheritdoc/>
    protected override double Distance(Tensor value)
        => Math.Max(base.Distance(value), Largest((value.Det() - 1).Unsqueeze(-1).Unsqueeze(-1)));

    /// <inheritdoc/>
    protected override Tensor UnmapTall(Tensor q)
    {
        var n = q.Shape[^1];
        double[][] angles = [.. q.Reshape(-1, n, n).Unbind(0).Select(matrix => GivensMesh.Angles(matrix.ToArray<double>(), n))];
        return Tensor.From([.. angles.SelectMany(one => one)], [.. FreeShape(q.Shape).Span]);
    }
}
