using System.Runtime.CompilerServices;
using ILGPU.Util;

namespace Ortho.Kernels.Lanes;

/// <summary>One 64-bit integer; sums and products wrap around.</summary>
/// <param name="value">The number.</param>
public readonly struct I64(long value) : ILane<I64>
{
    /// <summary>The number.</summary>
    public readonly long Value = value;

    /// <inheritdoc/>
    public static bool IsDouble { [MethodImpl(Inline.Always)] get => false; }

    /// <inheritdoc/>
    public static bool IsInteger { [MethodImpl(Inline.Always)] get => true; }

    /// <inheritdoc/>
    public static I64 Highest { [MethodImpl(Inline.Always)] get => new(long.MaxValue); }

    /// <inheritdoc/>
    public static I64 Lowest { [MethodImpl(Inline.Always)] get => new(long.MinValue); }

    /// <summary>The constant, which is an integer.</summary>
    [MethodImpl(Inline.Always)] public static I64 Of(double constant) => new((long)constant);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I64 operator +(I64 a, I64 b) => new(a.Value + b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I64 operator -(I64 a, I64 b) => new(a.Value - b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I64 operator *(I64 a, I64 b) => new(a.Value * b.Value);

    /// <summary>Quotient, truncated towards zero; 0 for b = 0.</summary>
    [MethodImpl(Inline.Always)]
    public static I64 operator /(I64 a, I64 b)
    {
        // Processors trap at 0 and at the quotient of the smallest number by -1, which wraps around here as the product does.
        var safe = Utilities.Select(b.Value == 0, 1, Utilities.Select(b.Value == -1, 1, b.Value));
        var quotient = Utilities.Select(b.Value == -1, -a.Value, a.Value / safe);
        return new(Utilities.Select(b.Value == 0, 0, quotient));
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I64 operator -(I64 a) => new(-a.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I64 Fma(I64 a, I64 b, I64 c) => new(a.Value * b.Value + c.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I64 Min(I64 a, I64 b) => new(Utilities.Select(a.Value < b.Value, a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I64 Max(I64 a, I64 b) => new(Utilities.Select(a.Value > b.Value, a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static I64 SelectLess(I64 a, I64 b, I64 yes, I64 no) => new(Utilities.Select(a.Value < b.Value, yes.Value, no.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static I64 SelectEqual(I64 a, I64 b, I64 yes, I64 no) => new(Utilities.Select(a.Value == b.Value, yes.Value, no.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static byte Truth(I64 x) => (byte)Utilities.Select(x.Value == 0, 0, 1);

    /// <summary>Magnitude; the smallest number stays itself.</summary>
    [MethodImpl(Inline.Always)] public static I64 Abs(I64 x) => new(Utilities.Select(x.Value < 0, -x.Value, x.Value));

    /// <summary>The magnitude of <paramref name="x"/> with the sign of <paramref name="sign"/>.</summary>
    [MethodImpl(Inline.Always)]
    public static I64 CopySign(I64 x, I64 sign) => new(Utilities.Select(sign.Value < 0, -Abs(x).Value, Abs(x).Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I64 Round(I64 x) => x;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I64 And(I64 a, I64 b) => new(a.Value & b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I64 Or(I64 a, I64 b) => new(a.Value | b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I64 Xor(I64 a, I64 b) => new(a.Value ^ b.Value);

    // The functions below must not be part of a formula for integers, not even where it does not reach: kernels cannot throw.

    /// <inheritdoc/>
    public static I64 Sqrt(I64 x) => throw NotForIntegers();

    /// <inheritdoc/>
    public static I64 Exp2Int(I64 k) => throw NotForIntegers();

    /// <inheritdoc/>
    public static I64 Exponent(I64 x) => throw NotForIntegers();

    /// <inheritdoc/>
    public static I64 Mantissa(I64 x) => throw NotForIntegers();

    static NotSupportedException NotForIntegers() => new("Integers have no fractions to compute with.");
}
