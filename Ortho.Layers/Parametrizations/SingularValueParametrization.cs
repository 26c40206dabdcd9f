using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Matrices U diag(s) V^H with U [rows, rank] and V [columns, rank] from an orthogonal map and s [rank] in an interval: what
/// bounds on singular values describe. Free numbers [..., rows + columns + 1, rank]: those of U, those of V, and a row for s.</summary>
public abstract class SingularValueParametrization : Parametrization
{
    readonly IOrthogonalParametrization map;

    /// <summary>Matrices of one size.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="rank">How many singular values there are, up to the smaller side.</param>
    /// <param name="map">The map of U and V; <see cref="Qr"/> when null.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or the rank larger than a side.</exception>
    private protected SingularValueParametrization(int rows, int columns, int rank, IOrthogonalParametrization? map)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(rank, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rank, Math.Min(rows, columns));
        (Rows, Columns, Rank) = (rows, columns, rank);
        this.map = OrthogonalParametrization.WithoutBuffers(GetType().Name, map ?? new Qr());
    }

    /// <summary>Rows.</summary>
    public int Rows { get; }

    /// <summary>Columns.</summary>
    public int Columns { get; }

    /// <summary>How many singular values there are.</summary>
    public int Rank { get; }

    /// <inheritdoc/>
    public override Shape FreeShape(Shape value) => value[..^2].Concat([Rows + Columns + 1, Rank]);

    /// <summary>Singular values from all real numbers [..., rank].</summary>
    private protected abstract Tensor Values(Tensor free);

    /// <summary>The way back, for singular values in descending order.</summary>
    private protected abstract Tensor FreeValues(Tensor values);

    /// <inheritdoc/>
    protected override string? Misfit(Shape value)
        => value.Rank < 2 || value[^2] != Rows || value[^1] != Columns ? $"[..., {Rows}, {Columns}]" : null;

    /// <inheritdoc/>
    protected override string? FreeMisfit(Shape free)
        => free.Rank < 2 || free[^2] != Rows + Columns + 1 || free[^1] != Rank ? $"[..., {Rows + Columns + 1}, {Rank}]" : null;

    /// <inheritdoc/>
    protected override Tensor Map(Tensor free)
    {
        var u = map.Forward(free.Narrow(-2, 0, Rows));
        var v = map.Forward(free.Narrow(-2, Rows, Columns));
        var s = Values(free.Narrow(-2, Rows + Columns, 1).Real());
        return (u * s.To(free.DType)).MatMul(v.H);
    }

    /// <inheritdoc/>
    protected override Tensor Unmap(Tensor value)
    {
        var (u, s, v) = Decompose(value);
        return Tensor.Concat([map.Inverse(u), map.Inverse(v), FreeValues(s).Unsqueeze(-2).To(value.DType)], -2);
    }

    /// <summary>U, s and V of a value.</summary>
    private protected virtual (Tensor U, Tensor S, Tensor V) Decompose(Tensor value)
    {
        var (u, s, v) = value.Svd();
        return (u.Narrow(-1, 0, Rank), s.Narrow(-1, 0, Rank), v.Narrow(-1, 0, Rank));
    }

    /// <summary>The norm of the singular values beyond the rank.</summary>
    protected override double Distance(Tensor value)
    {
        var s = value.SingularValues();
        return s.Shape[^1] == Rank ? Largest(value * 0.0) : s.Narrow(-1, Rank, s.Shape[^1] - Rank).Norm([-1]).Max().Item();
    }

    /// <summary>Uniform U and V, with these singular values [..., rank].</summary>
    private protected Tensor Draw(Shape shape, Generator generator, DType dtype, Device? device, Tensor values)
    {
        var u = map.Sample(shape[..^2].Concat([Rows, Rank]), generator, dtype, device);
        var v = map.Sample(shape[..^2].Concat([Columns, Rank]), generator, dtype, device);
        return (u * values.To(dtype).Unsqueeze(-2)).MatMul(v.H);
    }

    /// <summary>Uniform U and V, and singular values from normal numbers.</summary>
    protected override Tensor Draw(Shape shape, Generator generator, DType dtype, Device? device)
        => Draw(shape, generator, dtype, device, Values(Tensor.Normal(shape[..^2].Concat([1, Rank]), generator, dtype: dtype.RealType,
            device: device)).Squeeze(-2));
}
