using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>Generalized-mean pooling (mean of max(x, epsilon)^p)^(1/p) over all positions: p = 1 is the mean, a large p comes near the
/// maximum. Radenovic, Tolias and Chum 2018.</summary>
/// <remarks>x [batch, channels, ...] to [batch, channels]. Computed relative to the largest number of each channel, so that no power
/// overflows.</remarks>
public sealed class GeMPooling : Module
{
    readonly double fixedPower, epsilon;

    /// <summary>A pooling layer.</summary>
    /// <param name="p">The exponent, or its initial value.</param>
    /// <param name="trainable">Whether the exponent is learnt.</param>
    /// <param name="epsilon">Smaller numbers count as this.</param>
    /// <param name="dtype">Of a learnt exponent: Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">p or epsilon is not positive.</exception>
    public GeMPooling(double p = 3, bool trainable = true, double epsilon = 1e-6, DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(p);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(epsilon);
        (fixedPower, this.epsilon) = (p, epsilon);
        Power = trainable ? Register("p", Tensor.Full([1], p, dtype), ParameterRole.Vector) : null;
    }

    /// <summary>p [1], if it is learnt.</summary>
    public Parameter? Power { get; }

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">x has fewer than three dimensions, or no position.</exception>
    public override Tensor Forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.Rank < 3 || x.Shape[2..].ElementCount == 0)
            throw new TensorArgumentException(nameof(GeMPooling), nameof(x), $"{x.Shape}",
                "[batch, channels, ...] with at least one position");
        var limited = x.Flatten(2).Clamp(epsilon, double.PositiveInfinity);
        // The mean is homogeneous, so that any unit gives the same numbers and gradients; it is no part of the graph.
        var unit = limited.Detach().Max([2], keepDimensions: true);
        var ratios = limited / unit;
        var mean = Power is null
            ? ratios.Pow(fixedPower).Mean([2]).Pow(1 / fixedPower)
            : ratios.Pow(Power.Value).Mean([2]).Pow(Power.Value.Reciprocal());
        return mean * unit.Squeeze(2);
    }
}
