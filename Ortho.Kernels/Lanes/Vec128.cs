using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ortho.Kernels.Lanes;

/// <summary>A 128-bit hardware vector of numbers.</summary>
/// <typeparam name="E">float, double, int, long, or byte for truth values.</typeparam>
/// <param name="value">The vector.</param>
public readonly struct Vec128<E>(Vector128<E> value) : ILane<Vec128<E>> where E : unmanaged
{
    /// <summary>The vector.</summary>
    public readonly Vector128<E> Value = value;

    // typeof(E) tests are folded by the JIT: each closed type holds one branch only.

    /// <inheritdoc/>
    public static bool IsDouble { [MethodImpl(Inline.Always)] get => typeof(E) == typeof(double); }

    /// <inheritdoc/>
    public static bool IsInteger { [MethodImpl(Inline.Always)] get => typeof(E) != typeof(double) && typeof(E) != typeof(float); }

    /// <inheritdoc/>
    public static Vec128<E> Highest
    {
        [MethodImpl(Inline.Always)]
        get => typeof(E) == typeof(int) ? new(Vector128.Create(int.MaxValue).As<int, E>())
            : typeof(E) == typeof(long) ? new(Vector128.Create(long.MaxValue).As<long, E>())
            : Of(double.PositiveInfinity);
    }

    /// <inheritdoc/>
    public static Vec128<E> Lowest
    {
        [MethodImpl(Inline.Always)]
        get => typeof(E) == typeof(int) ? new(Vector128.Create(int.MinValue).As<int, E>())
            : typeof(E) == typeof(long) ? new(Vector128.Create(long.MinValue).As<long, E>())
            : Of(double.NegativeInfinity);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec128<E> Of(double constant)
        => typeof(E) == typeof(double) ? new(Vector128.Create(constant).As<double, E>())
         : typeof(E) == typeof(float) ? new(Vector128.Create((float)constant).As<float, E>())
         : typeof(E) == typeof(int) ? new(Vector128.Create((int)constant).As<int, E>())
         : typeof(E) == typeof(long) ? new(Vector128.Create((long)constant).As<long, E>())
         : new(Vector128.Create((byte)constant).As<byte, E>());

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec128<E> operator +(Vec128<E> a, Vec128<E> b) => new(a.Value + b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec128<E> operator -(Vec128<E> a, Vec128<E> b) => new(a.Value - b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec128<E> operator *(Vec128<E> a, Vec128<E> b) => new(a.Value * b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec128<E> operator /(Vec128<E> a, Vec128<E> b)
    {
        if (!IsInteger)
            return new(a.Value / b.Value);
        // As on the lanes of one integer.
        var (zero, minus) = (Vector128.Equals(b.Value, Vector128<E>.Zero), Vector128.Equals(b.Value, -Vector128<E>.One));
        var quotient = a.Value / Vector128.ConditionalSelect(zero | minus, Vector128<E>.One, b.Value);
        return new(Vector128.AndNot(Vector128.ConditionalSelect(minus, -a.Value, quotient), zero));
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec128<E> operator -(Vec128<E> a) => new(-a.Value);

    // By type and float32 first: the loops of fused multiply-adds come closest to the JIT's inlining budget.

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec128<E> Fma(Vec128<E> a, Vec128<E> b, Vec128<E> c)
        => typeof(E) == typeof(float) ? new(Vector128.FusedMultiplyAdd(a.Value.AsSingle(), b.Value.AsSingle(), c.Value.AsSingle()).As<float, E>())
        : typeof(E) == typeof(double) ? new(Vector128.FusedMultiplyAdd(a.Value.AsDouble(), b.Value.AsDouble(), c.Value.AsDouble()).As<double, E>())
        : new(a.Value * b.Value + c.Value);

    // x86's minps and maxps return the second operand for NaN and for equal zeros, which is this algebra's rule; other machines select.

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec128<E> Min(Vec128<E> a, Vec128<E> b) => Sse.IsSupported
        ? new(Vector128.MinNative(a.Value, b.Value))
        : SelectLess(a, b, a, b);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec128<E> Max(Vec128<E> a, Vec128<E> b) => Sse.IsSupported
        ? new(Vector128.MaxNative(a.Value, b.Value))
        : SelectLess(b, a, a, b);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec128<E> SelectLess(Vec128<E> a, Vec128<E> b, Vec128<E> yes, Vec128<E> no)
        => new(Vector128.ConditionalSelect(Vector128.LessThan(a.Value, b.Value), yes.Value, no.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec128<E> SelectEqual(Vec128<E> a, Vec128<E> b, Vec128<E> yes, Vec128<E> no)
        => new(Vector128.ConditionalSelect(Vector128.Equals(a.Value, b.Value), yes.Value, no.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec128<E> Abs(Vec128<E> x) => new(IsInteger ? Vector128.Abs(x.Value) : Vector128.AndNot(x.Value, Of(-0.0).Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec128<E> Round(Vec128<E> x) => IsInteger ? x : Functions.Elementary.Round(x);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec128<E> And(Vec128<E> a, Vec128<E> b) => new(a.Value & b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec128<E> Or(Vec128<E> a, Vec128<E> b) => new(a.Value | b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec128<E> Xor(Vec128<E> a, Vec128<E> b) => new(a.Value ^ b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec128<E> CopySign(Vec128<E> x, Vec128<E> sign) => new(Vector128.ConditionalSelect(Of(-0.0).Value, sign.Value, x.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec128<E> Sqrt(Vec128<E> x) => new(Vector128.Sqrt(x.Value));

    // Adding 1.5 * 2^23 (2^52) leaves a small integer in the low mantissa bits: the same integer conversion on every device.

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec128<E> Exp2Int(Vec128<E> k) => IsDouble
        ? new((((k + Of(6755399441055744.0)).Value.AsInt64() + Vector128.Create(1023L)) << 52).As<long, E>())
        : new((((k + Of(12582912.0)).Value.AsInt32() + Vector128.Create(127)) << 23).As<int, E>());

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec128<E> Exponent(Vec128<E> x) => IsDouble
        ? new Vec128<E>(((x.Value.AsInt64() >>> 52) + Vector128.Create(0x4338000000000000L)).As<long, E>()) - Of(6755399441055744.0 + 1023)
        : new Vec128<E>(((x.Value.AsInt32() >>> 23) + Vector128.Create(0x4b400000)).As<int, E>()) - Of(12582912.0 + 127);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec128<E> Mantissa(Vec128<E> x) => IsDouble
        ? new(((x.Value.AsInt64() & Vector128.Create(0x000fffffffffffffL)) | Vector128.Create(0x3ff0000000000000L)).As<long, E>())
        : new(((x.Value.AsInt32() & Vector128.Create(0x007fffff)) | Vector128.Create(0x3f800000)).As<int, E>());
}
