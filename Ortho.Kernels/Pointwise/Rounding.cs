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

/// <summary>The nearest number of 11 significant bits, the precision of tensor cores' tf32; 0 for subnormal numbers. Slope 1.</summary>
/// <remarks>Veltkamp's splitting (Dekker 1971): with t = (2^13 + 1) x rounded, t - (t - x) is x without its last 13 bits, rounded.</remarks>
public readonly struct RoundToTensorFloat32 : IUnary, IUnarySlope
{
    // Numbers from here on are made smaller first, lest t overflow.
    const double Large = 1.2676506002282294e30, Shrink = 1.0 / 16384, Grow = 16384;

    const double SmallestNormal = 1.1754943508222875e-38;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x) where T : struct, ILane<T>
    {
        var size = T.Abs(x);
        var y = T.SelectLess(size, T.Of(Large), x, x * T.Of(Shrink));
        var t = y * T.Of(8193);
        var head = t - (t - y);
        head = T.SelectLess(size, T.Of(Large), head, head * T.Of(Grow));
        head = T.SelectLess(size, T.Of(SmallestNormal), x * T.Of(0), head);
        // Infinities and NaN stay what they are.
        return T.SelectEqual(head, head, head, x);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Slope<T>(T x) where T : struct, ILane<T> => T.Of(1);
}
