using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Pointwise;

/// <summary>e^x.</summary>
public readonly struct Exp : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Exp(x);
}

/// <summary>Natural logarithm.</summary>
public readonly struct Log : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Log(x);
}

/// <summary>log(1 + x).</summary>
public readonly struct Log1p : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Log1p(x);
}

/// <summary>e^x - 1.</summary>
public readonly struct Expm1 : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Expm1(x);
}

/// <summary>Sine.</summary>
public readonly struct Sin : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Sin(x);
}

/// <summary>Cosine.</summary>
public readonly struct Cos : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Cos(x);
}

/// <summary>Error function.</summary>
public readonly struct Erf : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Erf(x);
}
