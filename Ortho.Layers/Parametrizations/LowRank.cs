using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Matrices of a rank up to r: U diag(s) V^H with orthonormal U and V and any real s. Real and complex. Samples have uniform U and
/// V and normal s.</summary>
public sealed class LowRank : SingularValueParametrization
{
    /// <summary>Matrices [rows, columns] of at most this rank.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="rank">r, up to the smaller side.</param>
    /// <param name="map">The map of U and V; <see cref="Qr"/> when null.</param>
    public LowRank(int rows, int columns, int rank, IOrthogonalParametrization? map = null) : base(rows, columns, rank, map)
    {
    }

    /// <inheritdoc/>
    protected override string Elements => $"matrices of rank {Rank} or less";

    private protected override Tensor Values(Tensor free) => free;

    private protected override Tensor FreeValues(Tensor values) => values;
}

/// <summary>Matrices of a rank r exactly: as <see cref="LowRank"/> with s = log (1 + e^x), which is positive. An open part of them:
/// <c>Error</c> measures the distance from the matrices of rank r or less, and the way back refuses what has less.</summary>
public sealed class FixedRank : SingularValueParametrization
{
    /// <summary>Matrices [rows, columns] of this rank.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="rank">r, up to the smaller side.</param>
    /// <param name="map">The map of U and V; <see cref="Qr"/> when null.</param>
    public FixedRank(int rows, int columns, int rank, IOrthogonalParametrization? map = null) : base(rows, columns, rank, map)
    {
    }

    /// <inheritdoc/>
    protected override string Elements => $"matrices of rank {Rank}";

    private protected override Tensor Values(Tensor free) => Positive.Of(free);

    private protected override Tensor FreeValues(Tensor values) => Positive.Inverse(values);
}
