namespace Ortho.Layers.Optimizers;

/// <summary>What the direction of a step of an m x n matrix (m outputs, n inputs; a convolution kernel [m, ...] flattened to two
/// dimensions) is multiplied by, so that one learning rate suits all shapes.</summary>
public enum UpdateScale
{
    /// <summary>1.</summary>
    None,

    /// <summary>sqrt(max(1, m/n)), as in Muon (Jordan et al. 2024). (The reference takes the last two dimensions of a convolution's kernel
    /// instead of the flattened matrix.)</summary>
    Jordan,

    /// <summary>sqrt(m/n): a semi-orthogonal direction then has the norm 1 from root mean squares to root mean squares.</summary>
    SpectralToRms,

    /// <summary>0.2 sqrt(max(m, n)): the elements of a semi-orthogonal direction then have the root mean square 0.2, which is about that of
    /// Adam's steps.</summary>
    MatchAdamRms,
}

/// <summary>The factors of <see cref="UpdateScale"/>.</summary>
public static class UpdateScales
{
    /// <summary>The factor for a matrix.</summary>
    /// <param name="scale">Which.</param>
    /// <param name="rows">m.</param>
    /// <param name="columns">n.</param>
    public static double Factor(this UpdateScale scale, int rows, int columns) => scale switch
    {
        UpdateScale.None => 1,
        UpdateScale.Jordan => Math.Sqrt(Math.Max(1, (double)rows / columns)),
        UpdateScale.SpectralToRms => Math.Sqrt((double)rows / columns),
        UpdateScale.MatchAdamRms => 0.2 * Math.Sqrt(Math.Max(rows, columns)),
        _ => throw new ArgumentOutOfRangeException(nameof(scale), scale, $"scale is {scale}; expected an UpdateScale."),
    };
}
