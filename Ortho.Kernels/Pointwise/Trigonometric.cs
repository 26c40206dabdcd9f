using System.Runtime.CompilerServices;
using Ortho.Kernels.Functions;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Pointwise;

/// <summary>Tangent.</summary>
public readonly struct Tan : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => Elementary.Tan(x);
}

/// <summary>Arc sine.</summary>
public readonly struct Asin : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => Elementary.Asin(x);
}

/// <summary>Arc cosine.</summary>
public readonly struct Acos : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => Elementary.Acos(x);
}

/// <summary>Arc tangent.</summary>
public readonly struct Atan : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Atan2(x, T.Of(1));
}

/// <summary>Hyperbolic sine.</summary>
public readonly struct Sinh : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Sinh(x);
}

/// <summary>Hyperbolic cosine.</summary>
public readonly struct Cosh : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Cosh(x);
}

/// <summary>Inverse of the hyperbolic sine.</summary>
public readonly struct Asinh : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Asinh(x);
}

/// <summary>Inverse of the hyperbolic cosine.</summary>
public readonly struct Acosh : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => Elementary.Acosh(x);
}

/// <summary>Inverse of the hyperbolic tangent.</summary>
public readonly struct Atanh : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => Elementary.Atanh(x);
}

/// <summary>The angle of the point (b, a).</summary>
public readonly struct Atan2 : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b) where T : struct, ILane<T> => T.Atan2(a, b);
}

/// <summary>sqrt(a^2 + b^2), without overflow; its slopes at (0, 0) are 0.</summary>
public readonly struct Hypot : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b) where T : struct, ILane<T>
    {
        var (p, q) = (T.Abs(a), T.Abs(b));
        var (small, large) = (T.SelectLess(p, q, p, q), T.SelectLess(p, q, q, p));
        var ratio = T.SelectEqual(large, T.Of(0), large, small / large);
        var length = large * T.Sqrt(T.Fma(ratio, ratio, T.Of(1)));
        length = T.SelectEqual(small, T.Highest, small, length);
        return T.SelectEqual(large, T.Highest, large, length);
    }
}

/// <summary>sin(pi x) / (pi x), 1 at 0.</summary>
public readonly struct Sinc : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x) where T : struct, ILane<T>
    {
        // Near 0 the series, which has every derivative; its next term is below 2^-53 of the sum.
        var z = x * T.Of(Math.PI);
        var square = z * z;
        var series = T.Fma(square, T.Of(-1.0 / 1307674368000), T.Of(1.0 / 6227020800));
        series = T.Fma(series, square, T.Of(-1.0 / 39916800));
        series = T.Fma(series, square, T.Of(1.0 / 362880));
        series = T.Fma(series, square, T.Of(-1.0 / 5040));
        series = T.Fma(series, square, T.Of(1.0 / 120));
        series = T.Fma(series, square, T.Of(-1.0 / 6));
        series = T.Fma(series, square, T.Of(1));
        return T.SelectLess(square, T.Of(0.5), series, T.Sin(z) / z);
    }
}
