using System.Runtime.CompilerServices;
using ILGPU.Util;
using Ortho.Kernels.Gpu;

namespace Ortho.Kernels.Lanes;

/// <summary>One float64: a GPU thread, or the scalar tail of a vector loop.</summary>
/// <param name="value">The number.</param>
public readonly struct F64(double value) : ILane<F64>
{
    /// <summary>The number.</summary>
    public readonly double Value = value;

    // Adding 1.5 * 2^52 leaves a small integer in the low mantissa bits: the same integer conversion on every device.
    const double IntegerShift = 6755399441055744.0;

    /// <inheritdoc/>
    public static bool IsDouble { [MethodImpl(Inline.Always)] get => true; }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F64 Of(double constant) => new(constant);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F64 operator +(F64 a, F64 b) => new(a.Value + b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F64 operator -(F64 a, F64 b) => new(a.Value - b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F64 operator *(F64 a, F64 b) => new(Intrinsics.Multiply(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F64 operator /(F64 a, F64 b) => new(a.Value / b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F64 operator -(F64 a) => new(-a.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F64 Fma(F64 a, F64 b, F64 c) => new(Intrinsics.FusedMultiplyAdd(a.Value, b.Value, c.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F64 Min(F64 a, F64 b) => new(Utilities.Select(a.Value < b.Value, a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F64 Max(F64 a, F64 b) => new(Utilities.Select(a.Value > b.Value, a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static F64 SelectLess(F64 a, F64 b, F64 yes, F64 no) => new(Utilities.Select(a.Value < b.Value, yes.Value, no.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static F64 SelectEqual(F64 a, F64 b, F64 yes, F64 no) => new(Utilities.Select(a.Value == b.Value, yes.Value, no.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static byte Truth(F64 x) => (byte)Utilities.Select(x.Value == 0, 0, 1);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F64 Abs(F64 x) => OfBits(Bits(x) & 0x7fffffffffffffff);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static F64 CopySign(F64 x, F64 sign) => OfBits((Bits(x) & 0x7fffffffffffffff) | (Bits(sign) & unchecked((long)0x8000000000000000)));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F64 Sqrt(F64 x) => new(Math.Sqrt(x.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F64 Exp2Int(F64 k) => OfBits((Bits(new(k.Value + IntegerShift)) + 1023) << 52);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F64 Exponent(F64 x) => new((Bits(x) >> 52) - 1023);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F64 Mantissa(F64 x) => OfBits((Bits(x) & 0x000fffffffffffff) | 0x3ff0000000000000);

    [MethodImpl(Inline.Always)] static long Bits(F64 x) => BitConverter.DoubleToInt64Bits(x.Value);

    [MethodImpl(Inline.Always)] static F64 OfBits(long bits) => new(BitConverter.Int64BitsToDouble(bits));
}
