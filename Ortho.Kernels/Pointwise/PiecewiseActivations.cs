using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Pointwise;

/// <summary>x above 0, alpha (e^x - 1) below. Clevert et al. 2015.</summary>
public readonly struct Elu : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x, T alpha) where T : struct, ILane<T> => T.SelectLess(T.Of(0), x, x, alpha * T.Expm1(x));
}

/// <summary>x above 0, alpha (e^(x / alpha) - 1) below. Barron 2017.</summary>
public readonly struct Celu : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x, T alpha) where T : struct, ILane<T> => T.SelectLess(T.Of(0), x, x, alpha * T.Expm1(x / alpha));
}

/// <summary>1.0507 times (x above 0, 1.6733 (e^x - 1) below). Klambauer et al. 2017.</summary>
public readonly struct Selu : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x) where T : struct, ILane<T>
        => T.Of(1.0507009873554805) * T.SelectLess(T.Of(0), x, x, T.Of(1.6732632423543772) * T.Expm1(x));
}

/// <summary>x above 0, slope x below. Maas et al. 2013.</summary>
public readonly struct LeakyRelu : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x, T slope) where T : struct, ILane<T> => T.SelectLess(T.Of(0), x, x, slope * x);
}

/// <summary>(x + 3) / 6, limited to [0, 1]. Howard et al. 2019.</summary>
public readonly struct Hardsigmoid : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x) where T : struct, ILane<T> => Clamp.Apply((x + T.Of(3)) / T.Of(6), T.Of(0), T.Of(1));
}

/// <summary>x times the hard sigmoid. Howard et al. 2019.</summary>
public readonly struct Hardswish : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => x * Hardsigmoid.Apply(x);
}

/// <summary>x tanh(log(1 + e^x)). Misra 2019.</summary>
public readonly struct Mish : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x) where T : struct, ILane<T>
    {
        // tanh(log(1 + e)) = n / (n + 2) with n = e (e + 2); from the bound on it rounds to 1.
        var e = T.Exp(T.Min(T.Of(40), x));
        var n = e * (e + T.Of(2));
        return x * (n / (n + T.Of(2)));
    }
}

/// <summary>log(1 / (1 + e^-x)), without overflow.</summary>
public readonly struct LogSigmoid : IUnarySlope
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Min(T.Of(0), x) - T.Log1p(T.Exp(-T.Abs(x)));

    /// <summary>1 / (1 + e^x): smooth at 0, where the formula's min and abs have kinks that cancel.</summary>
    [MethodImpl(Inline.Always)] public static T Slope<T>(T x) where T : struct, ILane<T> => Sigmoid.Apply(-x);
}

/// <summary>x / (1 + |x|).</summary>
public readonly struct Softsign : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => x / (T.Abs(x) + T.Of(1));
}

/// <summary>x moved towards 0 by a threshold; 0 within it.</summary>
public readonly struct Softshrink : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x, T threshold) where T : struct, ILane<T>
        => T.SelectLess(threshold, x, x - threshold, T.SelectLess(x, -threshold, x + threshold, x * T.Of(0)));
}

/// <summary>x; 0 where |x| is at most a threshold.</summary>
public readonly struct Hardshrink : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x, T threshold) where T : struct, ILane<T> => T.SelectLess(threshold, T.Abs(x), x, x * T.Of(0));
}

/// <summary>x above a threshold, else a value.</summary>
public readonly struct Threshold : ITernary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x, T threshold, T value) where T : struct, ILane<T>
        => T.SelectLess(threshold, x, x, T.SelectEqual(x, x, value, x));
}
