using System.Globalization;

namespace Ortho.Tensors;

/// <summary>The upper half of a float32: 8 bits of exponent, 8 of significand. The element of <see cref="DType.BFloat16"/>; computed with in
/// float32.</summary>
/// <param name="Bits">Sign, exponent and significand.</param>
public readonly record struct BFloat16(ushort Bits)
{
    /// <summary>Exact conversion.</summary>
    public static implicit operator float(BFloat16 value) => BitConverter.UInt32BitsToSingle((uint)value.Bits << 16);

    /// <summary>Conversion to the nearest, ties to even; NaN stays NaN.</summary>
    public static explicit operator BFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        // A NaN whose upper half is zero would become an infinity: the quiet bit keeps it what it is.
        return float.IsNaN(value)
            ? new((ushort)(bits >> 16 | 0x40))
            : new((ushort)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16));
    }

    /// <inheritdoc/>
    public override string ToString() => ((float)this).ToString(CultureInfo.InvariantCulture);
}
