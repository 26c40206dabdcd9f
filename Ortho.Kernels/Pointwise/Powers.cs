using System.Runtime.CompilerServices;
using Ortho.Kernels.Functions;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Pointwise;

/// <summary>2^x.</summary>
public readonly struct Exp2 : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Exp2(x);
}

/// <summary>Logarithm to base 2.</summary>
public readonly struct Log2 : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Log2(x);
}

/// <summary>Logarithm to base 10.</summary>
public readonly struct Log10 : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Log10(x);
}

/// <summary>Cube root.</summary>
public readonly struct Cbrt : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Cbrt(x);
}

/// <summary>1 / sqrt(x).</summary>
public readonly struct Rsqrt : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Of(1) / T.Sqrt(x);
}

/// <summary>1 - erf x.</summary>
public readonly struct Erfc : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Erfc(x);
}

/// <summary>The y with erf y = x.</summary>
public readonly struct Erfinv : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Erfinv(x);
}

/// <summary>a log b; 0 where a = 0, unless b is NaN.</summary>
public readonly struct Xlogy : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b) where T : struct, ILane<T>
        => T.SelectEqual(b, b, T.SelectEqual(a, T.Of(0), T.Of(0), a * T.Log(b)), b);
}

/// <summary>log(e^a + e^b), without overflow.</summary>
public readonly struct LogAddExp : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b) where T : struct, ILane<T>
    {
        // The sum is smooth where the two change places, and so are its derivatives: each choice takes number and slope together.
        var (small, large) = (T.SelectLess(a, b, a, b), T.SelectLess(a, b, b, a));
        var sum = large + T.Log1p(T.Exp(small - large));
        return T.SelectEqual(small, large, T.SelectLess(T.Abs(large), T.Highest, sum, large), sum);
    }
}

/// <summary>The magnitude of a with the sign of b.</summary>
public readonly struct CopySign : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b) where T : struct, ILane<T> => T.CopySign(a, b);
}

/// <summary>a^b by exp(b log a), principal branch; 0^b is 0, and 1 for b = 0.</summary>
public readonly struct ComplexPower : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b) where T : struct, ILane<T>
        => T.SelectEqual(b, T.Of(0), T.Of(1), T.SelectEqual(a, T.Of(0), a, T.Exp(b * T.Log(a))));
}

/// <summary>log |Gamma(x)|, with the digamma function as its slope.</summary>
public readonly struct Lgamma : IUnarySlope
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => Elementary.Lgamma(x);

    /// <summary>The digamma function.</summary>
    [MethodImpl(Inline.Always)] public static T Slope<T>(T x) where T : struct, ILane<T> => Elementary.Digamma(x);
}

/// <summary>The derivative of log Gamma(x).</summary>
public readonly struct Digamma : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => Elementary.Digamma(x);
}
