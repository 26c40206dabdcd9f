using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>Householder activation: a pair z of channels - one of the first half and its partner of the second - is left where v . z &gt; 0
/// and else reflected, z - 2 (v . z) v, with v = (sin(t/2), -cos(t/2)) and an angle t learnt for each pair. An isometry on either side and
/// continuous, so gradients keep their norm; at t = pi/2, where it starts, it is <see cref="MaxMin"/>. Singla, Singla and Feizi
/// 2022.</summary>
public sealed class HouseholderActivation : Module, ILipschitz
{
    /// <summary>An activation that is MaxMin before it has learnt.</summary>
    /// <param name="channels">Channels of x [batch, channels, ...]; even.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">The channels are not even and positive.</exception>
    public HouseholderActivation(int channels, DType dtype = DType.Float32)
    {
        if (channels < 2 || channels % 2 != 0)
            throw new ArgumentOutOfRangeException(nameof(channels), channels, "HouseholderActivation: channels in pairs.");
        Angle = Register("angle", Tensor.Full([channels / 2], Math.PI / 2, dtype), ParameterRole.Vector);
    }

    /// <summary>t [channels / 2].</summary>
    public Parameter Angle { get; }

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">The channels differ.</exception>
    public override Tensor Forward(Tensor x)
    {
        var half = Angle.Value.Shape[0];
        if (x.Rank < 2 || x.Shape[1] != 2 * half)
            throw new TensorArgumentException("HouseholderActivation", nameof(x), $"{x.Shape}", $"[batch, {2 * half}, ...]");
        var angle = (Angle.Value * 0.5).Reshape([half, .. Enumerable.Repeat(1, x.Rank - 2)]);
        var (sine, cosine, a, b) = (angle.Sin(), angle.Cos(), x.Slice(1, 0, half), x.Slice(1, half));
        var back = (b * cosine - a * sine).Relu() * 2.0;
        return Tensor.Concat([a + sine * back, b - cosine * back], 1);
    }

    /// <inheritdoc/>
    public double LipschitzBound() => 1;
}
