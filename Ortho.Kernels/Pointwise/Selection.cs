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
    {
        var larger = T.SelectLess(a, b, b, T.SelectLess(b, a, a, (a + b) * T.Of(0.5)));
        return larger;
    }
}

/// <summary>The smaller of a and b; NaN when either is. Where they are equal each gets half the gradient.</summary>
public readonly struct Minimum : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b) where T : struct, ILane<T>
        => T.SelectLess(a, b, a, T.SelectLess(b, a, b, (a + b) * T.Of(0.5)));
}

/// <summary>condition != 0 ? a : b, the condition being 0 or 1 in the type of a and b.</summary>
public readonly struct Where : ITernary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T condition, T a, T b) where T : struct, ILane<T> => T.SelectEqual(condition, T.Of(0), b, a);
}

/// <summary>x limited to [low, high]; NaN for NaN. The slope in x is 1 inside and on the limits, 0 outside.</summary>
public readonly struct Clamp : ITernary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x, T low, T high) where T : struct, ILane<T>
        => T.SelectLess(x, low, low, T.SelectLess(high, x, high, x));
}

/// <summary>1 where a &lt; b, else 0.</summary>
public readonly struct Less : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b) where T : struct, ILane<T> => T.SelectLess(a, b, T.Of(1), T.Of(0));
}

/// <summary>1 where a = b, else 0.</summary>
public readonly struct Equal : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b) where T : struct, ILane<T> => T.SelectEqual(a, b, T.Of(1), T.Of(0));
}
