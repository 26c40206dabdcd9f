using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Pointwise;

/// <summary>The larger of a and b; NaN when either is. Where they are equal each gets half the gradient.</summary>
public readonly struct Maximum : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b) where T : struct, ILane<T>
        => T.SelectLess(a, b, b, T.SelectLess(b, a, a, Tie(a, b)));

    // The mean of equal numbers: their value, and half the slope of either. It hands NaN on.
    [MethodImpl(Inline.Always)]
    internal static T Tie<T>(T a, T b) where T : struct, ILane<T> => T.IsInteger ? a : (a + b) * T.Of(0.5);
}

/// <summary>The smaller of a and b; NaN when either is. Where they are equal each gets half the gradient.</summary>
public readonly struct Minimum : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b) where T : struct, ILane<T>
        => T.SelectLess(a, b, a, T.SelectLess(b, a, b, Maximum.Tie(a, b)));
}

/// <summary>x limited to [low, high]; NaN for NaN. The slope in x is 1 inside and on the limits, 0 outside.</summary>
public readonly struct Clamp : ITernary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x, T low, T high) where T : struct, ILane<T>
        => T.SelectLess(x, low, low, T.SelectLess(high, x, high, x));
}
