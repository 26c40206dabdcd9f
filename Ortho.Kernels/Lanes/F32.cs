using System.Runtime.CompilerServices;
using ILGPU.Util;
using Ortho.Kernels.Gpu;

namespace Ortho.Kernels.Lanes;

/// <summary>One float32: a GPU thread, or the scalar tail of a vector loop.</summary>
/// <param name="value">The number.</param>
public readonly struct F32(float value) : ILane<F32>
{
    /// <summary>The number.</summary>
    public readonly float Value = value;

    // Adding 1.5 * 2^23 leaves a small integer in the low mantissa bits: the same integer conversion on every device.
    const float IntegerShift = 12582912f;

    /// <inheritdoc/>
    public static bool IsDouble { [MethodImpl(Inline.Always)] get => false; }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 Of(double constant) => new((float)constant);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 operator +(F32 a, F32 b) => new(a.Value + b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 operator -(F32 a, F32 b) => new(a.Value - b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 operator *(F32 a, F32 b) => new(Intrinsics.Multiply(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 operator /(F32 a, F32 b) => new(a.Value / b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 operator -(F32 a) => new(-a.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 Fma(F32 a, F32 b, F32 c) => new(Intrinsics.FusedMultiplyAdd(a.Value, b.Value, c.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 Min(F32 a, F32 b) => new(Utilities.Select(a.Value < b.Value, a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 Max(F32 a, F32 b) => new(Utilities.Select(a.Value > b.Value, a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static F32 SelectLess(F32 a, F32 b, F32 yes, F32 no) => new(Utilities.Select(a.Value < b.Value, yes.Value, no.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static F32 SelectEqual(F32 a, F32 b, F32 yes, F32 no) => new(Utilities.Select(a.Value == b.Value, yes.Value, no.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static byte Truth(F32 x) => (byte)Utilities.Select(x.Value == 0, 0, 1);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 Abs(F32 x) => OfBits(Bits(x) & 0x7fffffff);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static F32 CopySign(F32 x, F32 sign) => OfBits((Bits(x) & 0x7fffffff) | (Bits(sign) & unchecked((int)0x80000000)));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 Sqrt(F32 x) => new(MathF.Sqrt(x.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 Exp2Int(F32 k) => OfBits((Bits(new(k.Value + IntegerShift)) + 127) << 23);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 Exponent(F32 x) => new((Bits(x) >> 23) - 127);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 Mantissa(F32 x) => OfBits((Bits(x) & 0x007fffff) | 0x3f800000);

    [MethodImpl(Inline.Always)] static int Bits(F32 x) => BitConverter.SingleToInt32Bits(x.Value);

    [MethodImpl(Inline.Always)] static F32 OfBits(int bits) => new(BitConverter.Int32BitsToSingle(bits));
}
