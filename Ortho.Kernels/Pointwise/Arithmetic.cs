using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Pointwise;

/// <summary>a + b.</summary>
public readonly struct Add : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b) where T : struct, ILane<T> => a + b;
}

/// <summary>a - b.</summary>
public readonly struct Subtract : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b) where T : struct, ILane<T> => a - b;
}

/// <summary>a b.</summary>
public readonly struct Multiply : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b) where T : struct, ILane<T> => a * b;
}

/// <summary>a / b.</summary>
public readonly struct Divide : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b) where T : struct, ILane<T> => a / b;
}

/// <summary>-x.</summary>
public readonly struct Negate : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => -x;
}

/// <summary>Complex conjugate.</summary>
public readonly struct Conjugate : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Conj(x);
}

/// <summary>1 / x.</summary>
public readonly struct Reciprocal : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Of(1) / x;
}

/// <summary>x^2.</summary>
public readonly struct Square : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => x * x;
}

/// <summary>The square root of x.</summary>
public readonly struct Sqrt : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Sqrt(x);
}

/// <summary>|x|; its slope at 0 is 0.</summary>
public readonly struct Abs : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Abs(x);
}

/// <summary>-1, 0 or 1; NaN for NaN.</summary>
public readonly struct Sign : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x) where T : struct, ILane<T>
        => T.SelectLess(x, T.Of(0), T.Of(-1), T.SelectLess(T.Of(0), x, T.Of(1), x));
}

/// <summary>a^b for a &gt;= 0 by exp(b log a); negative bases have powers for integral b only.</summary>
/// <remarks>The relative error grows with |b log a|, to a few units in 1e5 of float32's precision at the ends of the range.</remarks>
public readonly struct Power : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b) where T : struct, ILane<T>
    {
        // |a|^b, with a's sign restored when b is an odd integer; 0^0 = 1 as in IEEE 754.
        var size = T.SelectEqual(b, T.Of(0), T.Of(1), T.Exp(b * T.Log(T.Abs(a))));
        size = T.SelectEqual(a, T.Of(0), T.SelectLess(T.Of(0), b, T.Of(0) * a, size), size);
        var shift = T.IsDouble ? T.Of(6755399441055744.0) : T.Of(12582912);
        var half = b * T.Of(0.5);
        var isInteger = T.SelectEqual((b + shift) - shift, b, T.Of(1), T.Of(0));
        var isEven = T.SelectEqual((half + shift) - shift, half, T.Of(1), T.Of(0));
        var signed = T.SelectEqual(isEven, T.Of(1), size, T.SelectEqual(isInteger, T.Of(1), -size, (a - a) / (a - a)));
        return T.SelectLess(a, T.Of(0), signed, size);
    }
}

/// <summary>x itself: fills a tensor with a number.</summary>
public readonly struct Identity : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => x;
}
