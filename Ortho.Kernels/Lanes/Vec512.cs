using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ortho.Kernels.Lanes;

/// <summary>A 512-bit hardware vector of float32 or float64.</summary>
/// <typeparam name="E">float or double.</typeparam>
/// <param name="value">The vector.</param>
public readonly struct Vec512<E>(Vector512<E> value) : ILane<Vec512<E>> where E : unmanaged
{
    /// <summary>The vector.</summary>
    public readonly Vector512<E> Value = value;

    // typeof(E) tests are folded by the JIT: each closed type holds one branch only.

    /// <inheritdoc/>
    public static bool IsDouble { [MethodImpl(Inline.Always)] get => typeof(E) == typeof(double); }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec512<E> Of(double constant) => IsDouble
        ? new(Vector512.Create(constant).As<double, E>())
        : new(Vector512.Create((float)constant).As<float, E>());

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec512<E> operator +(Vec512<E> a, Vec512<E> b) => new(a.Value + b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec512<E> operator -(Vec512<E> a, Vec512<E> b) => new(a.Value - b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec512<E> operator *(Vec512<E> a, Vec512<E> b) => new(a.Value * b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec512<E> operator /(Vec512<E> a, Vec512<E> b) => new(a.Value / b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec512<E> operator -(Vec512<E> a) => new(-a.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Vec512<E> Fma(Vec512<E> a, Vec512<E> b, Vec512<E> c) => IsDouble
        ? new(Vector512.FusedMultiplyAdd(a.Value.AsDouble(), b.Value.AsDouble(), c.Value.AsDouble()).As<double, E>())
        : new(Vector512.FusedMultiplyAdd(a.Value.AsSingle(), b.Value.AsSingle(), c.Value.AsSingle()).As<float, E>());

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
    [MethodImpl(Inline.Always)] public static Vec512<E> Abs(Vec512<E> x) => new(Vector512.AndNot(x.Value, Of(-0.0).Value));

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
