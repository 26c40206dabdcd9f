using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Pointwise;

/// <summary>The nearest integer, ties to even; slope 0.</summary>
public readonly struct Round : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => T.Round(x);
}

/// <summary>The largest integer not above x; slope 0.</summary>
public readonly struct Floor : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x) where T : struct, ILane<T>
    {
        var r = T.Round(x);
        return T.SelectLess(x, r, r - T.Of(1), r);
    }
}

/// <summary>The smallest integer not below x; slope 0. Above -1 the zero keeps its sign.</summary>
public readonly struct Ceil : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => -Floor.Apply(-x);
}

/// <summary>x without its fraction; slope 0.</summary>
public readonly struct Trunc : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x) where T : struct, ILane<T> => T.IsInteger ? x : T.CopySign(Floor.Apply(T.Abs(x)), x);
}

/// <summary>x - trunc(x), with the sign of x; slope 1.</summary>
public readonly struct Frac : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => x - Trunc.Apply(x);
}
