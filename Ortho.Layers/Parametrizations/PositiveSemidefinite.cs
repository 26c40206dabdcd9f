using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Hermitian positive semidefinite matrices of a rank up to r: X X^H with free X [..., n, r]. Real and complex.</summary>
/// <remarks>Burer and Monteiro 2003. Smooth everywhere, with a stationary point at X = 0. Samples are X X^H / r for normal X.</remarks>
/// <param name="rank">r; n when null.</param>
public sealed class PositiveSemidefinite(int? rank = null) : Parametrization
{
    /// <summary>r; n when null.</summary>
    public int? Rank { get; } = rank is null or > 0 ? rank
        : throw new ArgumentOutOfRangeException(nameof(rank), rank, "PositiveSemidefinite: a positive rank.");

    /// <inheritdoc/>
    protected override string Elements => Rank is { } r ? $"Hermitian positive semidefinite matrices of rank {r} or less"
        : "Hermitian positive semidefinite matrices";

    /// <inheritdoc/>
    public override Shape FreeShape(Shape value) => value.With(value.Rank - 1, Rank ?? value[^1]);

    /// <inheritdoc/>
    protected override string? Misfit(Shape value)
        => NotSquare(value) ?? (Rank > value[^1] ? $"matrices with at least {Rank} rows, the rank" : null);

    /// <inheritdoc/>
    protected override string? FreeMisfit(Shape free)
        => free.Rank < 2 || free[^1] != (Rank ?? free[^2]) || free[^1] > free[^2] ? $"[..., n, {(Rank is { } r ? $"{r}" : "n")}]" : null;

    /// <inheritdoc/>
    protected override Tensor Map(Tensor free) => free.MatMul(free.H);

    /// <inheritdoc/>
    protected override Tensor Unmap(Tensor value)
    {
        var (values, vectors) = value.Eigh();
        var (n, r) = (value.Shape[^1], Rank ?? value.Shape[^1]);
        return vectors.Narrow(-1, n - r, r) * values.Narrow(-1, n - r, r).Relu().Sqrt().Unsqueeze(-2).To(value.DType);
    }

    /// <inheritdoc/>
    protected override double Distance(Tensor value) => FromSemidefinite(value, Rank ?? value.Shape[^1]);

    /// <inheritdoc/>
    protected override Tensor Draw(Shape shape, Generator generator, DType dtype, Device? device)
    {
        var x = NormalMatrix.Of(FreeShape(shape), generator, dtype, device);
        return Map(x) * (1.0 / x.Shape[^1]);
    }

    /// <summary>The Frobenius distance from the Hermitian positive semidefinite matrices of a rank or less.</summary>
    internal static double FromSemidefinite(Tensor value, int rank)
    {
        var values = ((value + value.H) * 0.5).EigValsh();
        var kept = values.Narrow(-1, values.Shape[^1] - rank, rank).Relu();
        var off = values - Tensor.Concat([values.Narrow(-1, 0, values.Shape[^1] - rank) * 0.0, kept], -1);
        var skew = (value - value.H).Norm([-2, -1]) * 0.5;
        return off.Norm([-1]).Hypot(skew).Max().Item();
    }
}

/// <summary>Hermitian positive semidefinite matrices of a rank r exactly: V diag(log (1 + e^x)) V^H with orthonormal V [n, r]. Real and
/// complex. Free numbers [..., n + 1, r]: those of V, and a row for the eigenvalues.</summary>
/// <remarks>An open part of those of rank r or less, from which <c>Error</c> measures the distance. Samples have uniform V.</remarks>
/// <param name="n">Rows and columns.</param>
/// <param name="rank">r.</param>
/// <param name="map">The map of V; <see cref="Qr"/> when null.</param>
public sealed class FixedRankSemidefinite(int n, int rank, IOrthogonalParametrization? map = null) : Parametrization
{
    readonly IOrthogonalParametrization map
        = OrthogonalParametrization.WithoutBuffers(nameof(FixedRankSemidefinite), map ?? new Qr());

    /// <summary>r.</summary>
    public int Rank { get; } = rank >= 1 && rank <= n ? rank
        : throw new ArgumentOutOfRangeException(nameof(rank), rank, $"FixedRankSemidefinite: 1 to {n}.");

    /// <inheritdoc/>
    protected override string Elements => $"Hermitian positive semidefinite matrices of rank {Rank}";

    /// <inheritdoc/>
    public override Shape FreeShape(Shape value) => value[..^2].Concat([n + 1, Rank]);

    /// <inheritdoc/>
    protected override string? Misfit(Shape value) => value.Rank < 2 || value[^2] != n || value[^1] != n ? $"[..., {n}, {n}]" : null;

    /// <inheritdoc/>
    protected override string? FreeMisfit(Shape free)
        => free.Rank < 2 || free[^2] != n + 1 || free[^1] != Rank ? $"[..., {n + 1}, {Rank}]" : null;

    /// <inheritdoc/>
    protected override Tensor Map(Tensor free)
    {
        var v = map.Forward(free.Narrow(-2, 0, n));
        return (v * Positive.Of(free.Narrow(-2, n, 1).Real()).To(free.DType)).MatMul(v.H);
    }

    /// <inheritdoc/>
    protected override Tensor Unmap(Tensor value)
    {
        var (values, vectors) = value.Eigh();
        var kept = Positive.Inverse(values.Narrow(-1, n - Rank, Rank)).Unsqueeze(-2).To(value.DType);
        return Tensor.Concat([map.Inverse(vectors.Narrow(-1, n - Rank, Rank)), kept], -2);
    }

    /// <inheritdoc/>
    protected override double Distance(Tensor value) => PositiveSemidefinite.FromSemidefinite(value, Rank);

    /// <inheritdoc/>
    protected override Tensor Draw(Shape shape, Generator generator, DType dtype, Device? device)
    {
        var v = map.Sample(shape[..^2].Concat([n, Rank]), generator, dtype, device);
        var values = Positive.Of(Tensor.Normal(shape[..^2].Concat([1, Rank]), generator, dtype: dtype.RealType, device: device));
        return (v * values.To(dtype)).MatMul(v.H);
    }
}
