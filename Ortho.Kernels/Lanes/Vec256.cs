using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ortho.Kernels.Lanes;

/// <summary>A 256-bit hardware vector of numbers.</summary>
/// <typeparam name="E">float, double, int, long, or byte for truth values.</typeparam>
/// <param name="value">The vector.</param>
public readonly struct Vec256<E>(Vector256<E> value) : ILane<Vec256<E>> where E : unmanaged
{
    /// <summary>The vector.</summary>
    public readonly Vector256<E> Value = value;

    // typeof(E) tests are folded by the JIT: each closed type holds one branch only.

    /// <inheritdoc/>
    public static bool IsDouble { [MethodImpl(Inline.Always)] get => typeof(E) == typeof(double); }

    /// <inheritdoc/>
    public static bool IsInteger { [MethodImpl(Inline.Always)] get => typeof(E) != typeof(double) && typeof(E) != typeof(float); }

    /// <inheritdoc/>
    public static Vec256<E> Highest
    {
        [MethodImpl(Inline.Always)]
        get => typeof(E) == typeof(int) ? new(Vector256.Create(int.MaxValue).As<int, E>())
            : typeof(E) == typeof(long) ? new(Vector256.Create(long.MaxValue).As<long, E>())
            : Of(double.PositiveInfinity);
    }

    /// <inheritdoc/>
    public static Vec256<E> Lowest
    {
        [MethodImpl(Inline.Always)]
        get => typeof(E) == typeof(int) ? new(Vector256.Create(int.MinValue).As<int, E>())
            : typeof(E) == typeof(long) ? new(Vector256.Create(long.MinValue).As<long, E>())
            : Of(double.NegativeInfinity);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec256<E> Of(double constant)
        => typeof(E) == typeof(double) ? new(Vector256.Create(constant).As<double, E>())
         : typeof(E) == typeof(float) ? new(Vector256.Create((float)constant).As<float, E>())
         : typeof(E) == typeof(int) ? new(Vector256.Create((int)constant).As<int, E>())
         : typeof(E) == typeof(long) ? new(Vector256.Create((long)constant).As<long, E>())
         : new(Vector256.Create((byte)constant).As<byte, E>());

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec256<E> operator +(Vec256<E> a, Vec256<E> b) => new(a.Value + b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec256<E> operator -(Vec256<E> a, Vec256<E> b) => new(a.Value - b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec256<E> operator *(Vec256<E> a, Vec256<E> b) => new(a.Value * b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec256<E> operator /(Vec256<E> a, Vec256<E> b)
    {
        if (!IsInteger)
            return new(a.Value / b.Value);
        // As on the lanes of one integer.
        var (zero, minus) = (Vector256.Equals(b.Value, Vector256<E>.Zero), Vector256.Equals(b.Value, -Vector256<E>.One));
        var quotient = a.Value / Vector256.ConditionalSelect(zero | minus, Vector256<E>.One, b.Value);
        return new(Vector256.AndNot(Vector256.ConditionalSelect(minus, -a.Value, quotient), zero));
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec256<E> operator -(Vec256<E> a) => new(-a.Value);

    // By type and float32 first: the loops of fused multiply-adds come closest to the JIT's inlining budget.

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec256<E> Fma(Vec256<E> a, Vec256<E> b, Vec256<E> c)
        => typeof(E) == typeof(float) ? new(Vector256.FusedMultiplyAdd(a.Value.AsSingle(), b.Value.AsSingle(), c.Value.AsSingle()).As<float, E>())
        : typeof(E) == typeof(double) ? new(Vector256.FusedMultiplyAdd(a.Value.AsDouble(), b.Value.AsDouble(), c.Value.AsDouble()).As<double, E>())
        : new(a.Value * b.Value + c.Value);

    // x86's minps and maxps return the second operand for NaN and for equal zeros, which is this algebra's rule; other machines select.

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec256<E> Min(Vec256<E> a, Vec256<E> b) => Sse.IsSupported
        ? new(Vector256.MinNative(a.Value, b.Value))
        : SelectLess(a, b, a, b);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec256<E> Max(Vec256<E> a, Vec256<E> b) => Sse.IsSupported
        ? new(Vector256.MaxNative(a.Value, b.Value))
        : SelectLess(b, a, a, b);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec256<E> SelectLess(Vec256<E> a, Vec256<E> b, Vec256<E> yes, Vec256<E> no)
        => new(Vector256.ConditionalSelect(Vector256.LessThan(a.Value, b.Value), yes.Value, no.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec256<E> SelectEqual(Vec256<E> a, Vec256<E> b, Vec256<E> yes, Vec256<E> no)
        => new(Vector256.ConditionalSelect(Vector256.Equals(a.Value, b.Value), yes.Value, no.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec256<E> Abs(Vec256<E> x) => new(IsInteger ? Vector256.Abs(x.Value) : Vector256.AndNot(x.Value, Of(-0.0).Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec256<E> Round(Vec256<E> x) => IsInteger ? x : Functions.Elementary.Round(x);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec256<E> And(Vec256<E> a, Vec256<E> b) => new(a.Value & b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec256<E> Or(Vec256<E> a, Vec256<E> b) => new(a.Value | b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec256<E> Xor(Vec256<E> a, Vec256<E> b) => new(a.Value ^ b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec256<E> CopySign(Vec256<E> x, Vec256<E> sign) => new(Vector256.ConditionalSelect(Of(-0.0).Value, sign.Value, x.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec256<E> Sqrt(Vec256<E> x) => new(Vector256.Sqrt(x.Value));

    // Adding 1.5 * 2^23 (2^52) leaves a small integer in the low mantissa bits: the same integer conversion on every device.

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec256<E> Exp2Int(Vec256<E> k) => IsDouble
        ? new((((k + Of(6755399441055744.0)).Value.AsInt64() + Vector256.Create(1023L)) << 52).As<long, E>())
        : new((((k + Of(12582912.0)).Value.AsInt32() + Vector256.Create(127)) << 23).As<int, E>());

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec256<E> Exponent(Vec256<E> x) => IsDouble
        ? new Vec256<E>(((x.Value.AsInt64() >>> 52) + Vector256.Create(0x4338000000000000L)).As<long, E>()) - Of(6755399441055744.0 + 1023)
        : new Vec256<E>(((x.Value.AsInt32() >>> 23) + Vector256.Create(0x4b400000)).As<int, E>()) - Of(12582912.0 + 127);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec256<E> Mantissa(Vec256<E> x) => IsDouble
        ? new(((x.Value.AsInt64() & Vector256.Create(0x000fffffffffffffL)) | Vector256.Create(0x3ff0000000000000L)).As<long, E>())
        : new(((x.Value.AsInt32() & Vector256.Create(0x007fffff)) | Vector256.Create(0x3f800000)).As<int, E>());
}
