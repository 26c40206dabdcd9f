using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Pointwise;

/// <summary>Hyperbolic tangent.</summary>
public readonly struct Tanh : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Tanh(x);
}

/// <summary>Logistic function 1 / (1 + e^-x).</summary>
public readonly struct Sigmoid : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Of(1) / (T.Exp(-x) + T.Of(1));
}

/// <summary>max(x, 0), NaN for NaN; its slope at 0 is 0.</summary>
public readonly struct Relu : IUnarySlope
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Max(T.Of(0), x);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Slope<T>(T x) where T : struct, ILane<T> => T.SelectLess(T.Of(0), x, T.Of(1), T.Of(0));
}

/// <summary>SiLU (swish) x / (1 + e^-x). Elfwing et al. 2017.</summary>
public readonly struct Silu : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => x / (T.Exp(-x) + T.Of(1));
}

/// <summary>GELU x (1 + erf(x / sqrt 2)) / 2. Hendrycks and Gimpel 2016.</summary>
public readonly struct Gelu : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x) where T : struct, ILane<T>
        => x * T.Of(0.5) * (T.Erf(x * T.Of(0.70710678118654752)) + T.Of(1));
}

/// <summary>GELU in its tanh form x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2. Hendrycks and Gimpel 2016.</summary>
public readonly struct GeluTanh : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x) where T : struct, ILane<T>
        => x * T.Of(0.5) * (T.Tanh(T.Fma(x * x, x * T.Of(0.044715), x) * T.Of(0.79788456080286536)) + T.Of(1));
}

/// <summary>log(1 + e^x), without overflow.</summary>
public readonly struct Softplus : IUnarySlope
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x) where T : struct, ILane<T> => T.Max(T.Of(0), x) + T.Log1p(T.Exp(-T.Abs(x)));

    /// <summary>The logistic function: smooth at 0, where the formula's max and abs have kinks that cancel.</summary>
    [MethodImpl(Inline.Always)] public static T Slope<T>(T x) where T : struct, ILane<T> => Sigmoid.Apply(x);
}
