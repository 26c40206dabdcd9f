using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Pointwise;

/// <summary>1 where a &lt; b, else 0.</summary>
public readonly struct Less : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b) where T : struct, ILane<T> => T.SelectLess(a, b, T.Of(1), T.Of(0));
}

/// <summary>1 where a &lt;= b, else 0.</summary>
public readonly struct LessEqual : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b) where T : struct, ILane<T>
        => T.SelectLess(a, b, T.Of(1), Equal.Apply(a, b));
}

/// <summary>1 where a &gt; b, else 0.</summary>
public readonly struct Greater : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b) where T : struct, ILane<T> => Less.Apply(b, a);
}

/// <summary>1 where a &gt;= b, else 0.</summary>
public readonly struct GreaterEqual : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b) where T : struct, ILane<T> => LessEqual.Apply(b, a);
}

/// <summary>1 where a = b, else 0.</summary>
public readonly struct Equal : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b) where T : struct, ILane<T> => T.SelectEqual(a, b, T.Of(1), T.Of(0));
}

/// <summary>0 where a = b, else 1.</summary>
public readonly struct NotEqual : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b) where T : struct, ILane<T> => T.SelectEqual(a, b, T.Of(0), T.Of(1));
}

/// <summary>1 where x is infinite, else 0.</summary>
public readonly struct IsInfinite : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => Equal.Apply(T.Abs(x), T.Highest);
}

/// <summary>1 where x is neither infinite nor NaN, else 0.</summary>
public readonly struct IsFinite : IUnary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x) where T : struct, ILane<T> => Equal.Apply(x - x, T.Of(0));
}
