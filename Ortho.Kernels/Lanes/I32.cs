using System.Runtime.CompilerServices;
using ILGPU.Util;

namespace Ortho.Kernels.Lanes;

/// <summary>One 32-bit integer; sums and products wrap around.</summary>
/// <param name="value">The number.</param>
public readonly struct I32(int value) : ILane<I32>
{
    /// <summary>The number.</summary>
    public readonly int Value = value;

    /// <inheritdoc/>
    public static bool IsDouble { [MethodImpl(Inline.Always)] get => false; }

    /// <inheritdoc/>
    public static bool IsInteger { [MethodImpl(Inline.Always)] get => true; }

    /// <inheritdoc/>
    public static I32 Highest { [MethodImpl(Inline.Always)] get => new(int.MaxValue); }

    /// <inheritdoc/>
    public static I32 Lowest { [MethodImpl(Inline.Always)] get => new(int.MinValue); }

    /// <summary>The constant, which is an integer.</summary>
    [MethodImpl(Inline.Always)] public static I32 Of(double constant) => new((int)constant);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I32 operator +(I32 a, I32 b) => new(a.Value + b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I32 operator -(I32 a, I32 b) => new(a.Value - b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I32 operator *(I32 a, I32 b) => new(a.Value * b.Value);

    /// <summary>Quotient, truncated towards zero; 0 for b = 0.</summary>
    [MethodImpl(Inline.Always)]
    public static I32 operator /(I32 a, I32 b)
    {
        // Processors trap at 0 and at the quotient of the smallest number by -1, which wraps around here as the product does.
        var safe = Utilities.Select(b.Value == 0, 1, Utilities.Select(b.Value == -1, 1, b.Value));
        var quotient = Utilities.Select(b.Value == -1, -a.Value, a.Value / safe);
        return new(Utilities.Select(b.Value == 0, 0, quotient));
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I32 operator -(I32 a) => new(-a.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I32 Fma(I32 a, I32 b, I32 c) => new(a.Value * b.Value + c.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I32 Min(I32 a, I32 b) => new(Utilities.Select(a.Value < b.Value, a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I32 Max(I32 a, I32 b) => new(Utilities.Select(a.Value > b.Value, a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static I32 SelectLess(I32 a, I32 b, I32 yes, I32 no) => new(Utilities.Select(a.Value < b.Value, yes.Value, no.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static I32 SelectEqual(I32 a, I32 b, I32 yes, I32 no) => new(Utilities.Select(a.Value == b.Value, yes.Value, no.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static byte Truth(I32 x) => (byte)Utilities.Select(x.Value == 0, 0, 1);

    /// <summary>Magnitude; the smallest number stays itself.</summary>
    [MethodImpl(Inline.Always)] public static I32 Abs(I32 x) => new(Utilities.Select(x.Value < 0, -x.Value, x.Value));

    /// <summary>The magnitude of <paramref name="x"/> with the sign of <paramref name="sign"/>.</summary>
    [MethodImpl(Inline.Always)]
    public static I32 CopySign(I32 x, I32 sign) => new(Utilities.Select(sign.Value < 0, -Abs(x).Value, Abs(x).Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I32 Round(I32 x) => x;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I32 And(I32 a, I32 b) => new(a.Value & b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I32 Or(I32 a, I32 b) => new(a.Value | b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I32 Xor(I32 a, I32 b) => new(a.Value ^ b.Value);

    // The functions below must not be part of a formula for integers, not even where it does not reach: kernels cannot throw.

    /// <inheritdoc/>
    public static I32 Sqrt(I32 x) => throw NotForIntegers();

    /// <inheritdoc/>
    public static I32 Exp2Int(I32 k) => throw NotForIntegers();

    /// <inheritdoc/>
    public static I32 Exponent(I32 x) => throw NotForIntegers();

    /// <inheritdoc/>
    public static I32 Mantissa(I32 x) => throw NotForIntegers();

    static NotSupportedException NotForIntegers() => new("Integers have no fractions to compute with.");
}
