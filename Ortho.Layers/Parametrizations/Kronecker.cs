using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Kronecker products A (x) B of two matrices. Free numbers: those of A, then those of B. Real and complex.</summary>
/// <remarks>Applied as A X B^T. The way back takes the nearest product (Van Loan and Pitsianis 1993), both factors with the same norm. With
/// an orthogonal map for both factors the product is orthogonal; the map must reach matrices of either sign (<see cref="Qr"/>,
/// <see cref="Polar"/>, <see cref="Householder"/>). Samples are products of the factors' samples, or of normal matrices.</remarks>
public sealed class Kronecker : StructuredParametrization
{
    readonly Shape a, b;
    readonly IOrthogonalParametrization? map;

    /// <summary>Products of two sizes.</summary>
    /// <param name="a">Rows and columns of A.</param>
    /// <param name="b">Rows and columns of B.</param>
    /// <param name="map">The map of both; they are free matrices when null.</param>
    /// <exception cref="ArgumentException">A size is not positive.</exception>
    public Kronecker((int Rows, int Columns) a, (int Rows, int Columns) b, IOrthogonalParametrization? map = null)
        : base(a.Rows * b.Rows, a.Columns * b.Columns, a.Rows * a.Columns + b.Rows * b.Columns)
    {
        if (a.Rows < 1 || a.Columns < 1 || b.Rows < 1 || b.Columns < 1)
            throw new ArgumentException($"Kronecker: sizes are {a} and {b}; expected positive ones.", nameof(a));
        (this.a, this.b) = ([a.Rows, a.Columns], [b.Rows, b.Columns]);
        this.map = map is null ? null : OrthogonalParametrization.WithoutBuffers(nameof(Kronecker), map);
    }

    /// <inheritdoc/>
    protected override string Elements => $"Kronecker products of {(map is null ? "" : "orthogonal ")}matrices {a} and {b}";

    (Tensor A, Tensor B) Factors(Tensor free)
    {
        var (count, lead) = ((int)a.ElementCount, free.Shape.Span[..^1].ToArray());
        return (Factor(free.Narrow(-1, 0, count), a), Factor(free.Narrow(-1, count, free.Shape[^1] - count), b));

        Tensor Factor(Tensor part, Shape shape)
        {
            var shaped = part.Reshape([.. lead, .. shape.Span]);
            return map?.Forward(shaped) ?? shaped;
        }
    }

    // Element (i, j) (k, l) is A[i, k] B[j, l].
    static Tensor Join(Tensor x, Tensor y)
        => (x.Unsqueeze(-2).Unsqueeze(-1) * y.Unsqueeze(-2).Unsqueeze(-4))
            .Reshape([.. x.Shape.Span[..^2], x.Shape[^2] * y.Shape[^2], x.Shape[^1] * y.Shape[^1]]);

    /// <inheritdoc/>
    protected override Tensor Map(Tensor free) => Factors(free) is var (x, y) ? Join(x, y) : free;

    private protected override Tensor Multiply(Tensor free, Tensor x)
    {
        var (left, right) = Factors(free);
        return left.MatMul(x.Reshape(-1, a[1], b[1]).MatMul(right.T));
    }

    /// <inheritdoc/>
    protected override Tensor Unmap(Tensor value)
    {
        int[] lead = [.. value.Shape.Span[..^2]];
        // Rearranged, a Kronecker product is vec(A) vec(B)^T: the nearest one is its largest singular value's.
        var parts = value.Reshape([.. lead, a[0], b[0], a[1], b[1]]).Transpose(-3, -2);
        var (u, s, v) = parts.Reshape([.. lead, a[0] * a[1], b[0] * b[1]]).Svd();
        var scale = s.Narrow(-1, 0, 1).Unsqueeze(-1);
        // An orthogonal matrix has a norm of its own.
        var own = map is null ? scale.Sqrt() : Tensor.Full([], Math.Sqrt(Math.Min(a[0], a[1])), scale.DType);
        var left = (u.Narrow(-1, 0, 1) * own.To(value.DType)).Reshape([.. lead, .. a.Span]);
        var right = (v.Narrow(-1, 0, 1).Conj() * (scale / own).To(value.DType)).Reshape([.. lead, .. b.Span]);
        return Tensor.Concat([Free(left), Free(right)], -1);

        Tensor Free(Tensor factor) => (map?.Inverse(OrthogonalParametrization.Nearest(factor)) ?? factor).Reshape([.. lead, -1]);
    }

    /// <inheritdoc/>
    protected override double Distance(Tensor value)
    {
        // Factors outside the map's set are not to be inverted.
        if (map is null)
            return base.Distance(value);
        var plain = new Kronecker((a[0], a[1]), (b[0], b[1]));
        return Math.Max(plain.Distance(value), OrthogonalParametrization.Skewness(value));
    }

    /// <inheritdoc/>
    protected override Tensor Draw(Shape shape, Generator generator, DType dtype, Device? device)
    {
        return Join(Factor(a), Factor(b));

        Tensor Factor(Shape one)
        {
            var size = shape[..^2].Concat(one.Span);
            return map?.Sample(size, generator, dtype, device) ?? NormalMatrix.Of(size, generator, dtype, device);
        }
    }
}
