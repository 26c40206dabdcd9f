using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ortho.Kernels.Lanes;

/// <summary>A 512-bit hardware vector of numbers.</summary>
/// <typeparam name="E">float, double, int, long, or byte for truth values.</typeparam>
/// <param name="value">The vector.</param>
public readonly struct Vec512<E>(Vector512<E> value) : ILane<Vec512<E>> where E : unmanaged
{
    /// <summary>The vector.</summary>
    public readonly Vector512<E> Value = value;

    // typeof(E) tests are folded by the JIT: each closed type holds one branch only.

    /// <inheritdoc/>
    public static bool IsDouble { [MethodImpl(Inline.Always)] get => typeof(E) == typeof(double); }

    /// <inheritdoc/>
    public static bool IsInteger { [MethodImpl(Inline.Always)] get => typeof(E) != typeof(double) && typeof(E) != typeof(float); }

    /// <inheritdoc/>
    public static Vec512<E> Highest
    {
        [MethodImpl(Inline.Always)]
        get => typeof(E) == typeof(int) ? new(Vector512.Create(int.MaxValue).As<int, E>())
            : typeof(E) == typeof(long) ? new(Vector512.Create(long.MaxValue).As<long, E>())
            : Of(double.PositiveInfinity);
    }

    /// <inheritdoc/>
    public static Vec512<E> Lowest
    {
        [MethodImpl(Inline.Always)]
        get => typeof(E) == typeof(int) ? new(Vector512.Create(int.MinValue).As<int, E>())
            : typeof(E) == typeof(long) ? new(Vector512.Create(long.MinValue).As<long, E>())
            : Of(double.NegativeInfinity);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec512<E> Of(double constant)
        => typeof(E) == typeof(double) ? new(Vector512.Create(constant).As<double, E>())
         : typeof(E) == typeof(float) ? new(Vector512.Create((float)constant).As<float, E>())
         : typeof(E) == typeof(int) ? new(Vector512.Create((int)constant).As<int, E>())
         : typeof(E) == typeof(long) ? new(Vector512.Create((long)constant).As<long, E>())
         : new(Vector512.Create((byte)constant).As<byte, E>());

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec512<E> operator +(Vec512<E> a, Vec512<E> b) => new(a.Value + b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec512<E> operator -(Vec512<E> a, Vec512<E> b) => new(a.Value - b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec512<E> operator *(Vec512<E> a, Vec512<E> b) => new(a.Value * b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec512<E> operator /(Vec512<E> a, Vec512<E> b)
    {
        if (!IsInteger)
            return new(a.Value / b.Value);
        // As on the lanes of one integer.
        var (zero, minus) = (Vector512.Equals(b.Value, Vector512<E>.Zero), Vector512.Equals(b.Value, -Vector512<E>.One));
        var quotient = a.Value / Vector512.ConditionalSelect(zero | minus, Vector512<E>.One, b.Value);
        return new(Vector512.AndNot(Vector512.ConditionalSelect(minus, -a.Value, quotient), zero));
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec512<E> operator -(Vec512<E> a) => new(-a.Value);

    // By type and float32 first: the loops of fused multiply-adds come closest to the JIT's inlining budget.

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec512<E> Fma(Vec512<E> a, Vec512<E> b, Vec512<E> c)
        => typeof(E) == typeof(float) ? new(Vector512.FusedMultiplyAdd(a.Value.AsSingle(), b.Value.AsSingle(), c.Value.AsSingle()).As<float, E>())
        : typeof(E) == typeof(double) ? new(Vector512.FusedMultiplyAdd(a.Value.AsDouble(), b.Value.AsDouble(), c.Value.AsDouble()).As<double, E>())
        : new(a.Value * b.Value + c.Value);

    // x86's minps and maxps return the second operand for NaN and for equal zeros, which is this algebra's rule; other machines select.

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec512<E> Min(Vec512<E> a, Vec512<E> b) => Sse.IsSupported
        ? new(Vector512.MinNative(a.Value, b.Value))
        : SelectLess(a, b, a, b);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec512<E> Max(Vec512<E> a, Vec512<E> b) => Sse.IsSupported
        ? new(Vector512.MaxNative(a.Value, b.Value))
        : SelectLess(b, a, a, b);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec512<E> SelectLess(Vec512<E> a, Vec512<E> b, Vec512<E> yes, Vec512<E> no)
        => new(Vector512.ConditionalSelect(Vector512.LessThan(a.Value, b.Value), yes.Value, no.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec512<E> SelectEqual(Vec512<E> a, Vec512<E> b, Vec512<E> yes, Vec512<E> no)
        => new(Vector512.ConditionalSelect(Vector512.Equals(a.Value, b.Value), yes.Value, no.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec512<E> Abs(Vec512<E> x) => new(IsInteger ? Vector512.Abs(x.Value) : Vector512.AndNot(x.Value, Of(-0.0).Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec512<E> Round(Vec512<E> x) => IsInteger ? x : Functions.Elementary.Round(x);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec512<E> And(Vec512<E> a, Vec512<E> b) => new(a.Value & b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec512<E> Or(Vec512<E> a, Vec512<E> b) => new(a.Value | b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec512<E> Xor(Vec512<E> a, Vec512<E> b) => new(a.Value ^ b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec512<E> CopySign(Vec512<E> x, Vec512<E> sign) => new(Vector512.ConditionalSelect(Of(-0.0).Value, sign.Value, x.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec512<E> Sqrt(Vec512<E> x) => new(Vector512.Sqrt(x.Value));

    // Adding 1.5 * 2^23 (2^52) leaves a small integer in the low mantissa bits: the same integer conversion on every device.

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec512<E> Exp2Int(Vec512<E> k) => IsDouble
        ? new((((k + Of(6755399441055744.0)).Value.AsInt64() + Vector512.Create(1023L)) << 52).As<long, E>())
        : new((((k + Of(12582912.0)).Value.AsInt32() + Vector512.Create(127)) << 23).As<int, E>());

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec512<E> Exponent(Vec512<E> x) => IsDouble
        ? new Vec512<E>(((x.Value.AsInt64() >>> 52) + Vector512.Create(0x4338000000000000L)).As<long, E>()) - Of(6755399441055744.0 + 1023)
        : new Vec512<E>(((x.Value.AsInt32() >>> 23) + Vector512.Create(0x4b400000)).As<int, E>()) - Of(12582912.0 + 127);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec512<E> Mantissa(Vec512<E> x) => IsDouble
        ? new(((x.Value.AsInt64() & Vector512.Create(0x000fffffffffffffL)) | Vector512.Create(0x3ff0000000000000L)).As<long, E>())
        : new(((x.Value.AsInt32() & Vector512.Create(0x007fffff)) | Vector512.Create(0x3f800000)).As<int, E>());
}
