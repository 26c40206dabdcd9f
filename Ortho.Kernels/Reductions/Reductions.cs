using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Reductions;

/// <summary>Sum; 0 for no elements.</summary>
public readonly struct Sum : IReduction
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Zero<T>() where T : struct, ILane<T> => new(T.Of(0), T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Lift<T>(T x) where T : struct, ILane<T> => new(x, T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Join<T>(State<T> p, State<T> q) where T : struct, ILane<T> => new(p.A + q.A, p.B);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Read<T>(State<T> state) where T : struct, ILane<T> => state.A;
}

/// <summary>Product; 1 for no elements.</summary>
public readonly struct Product : IReduction
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Zero<T>() where T : struct, ILane<T> => new(T.Of(1), T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Lift<T>(T x) where T : struct, ILane<T> => new(x, T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Join<T>(State<T> p, State<T> q) where T : struct, ILane<T> => new(p.A * q.A, p.B);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Read<T>(State<T> state) where T : struct, ILane<T> => state.A;
}

/// <summary>The largest element; NaN when one is NaN.</summary>
public readonly struct Max : IReduction
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static State<T> Zero<T>() where T : struct, ILane<T> => new(T.Lowest, T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Lift<T>(T x) where T : struct, ILane<T> => new(x, T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static State<T> Join<T>(State<T> p, State<T> q) where T : struct, ILane<T> => new(Larger(p.A, q.A), p.B);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Read<T>(State<T> state) where T : struct, ILane<T> => state.A;

    // Max returns the second operand for NaN; a NaN in the first is kept by hand.
    [MethodImpl(Inline.Always)]
    internal static T Larger<T>(T a, T b) where T : struct, ILane<T> => T.SelectEqual(a, a, T.Max(a, b), a);
}

/// <summary>The smallest element; NaN when one is NaN.</summary>
public readonly struct Min : IReduction
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static State<T> Zero<T>() where T : struct, ILane<T> => new(T.Highest, T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Lift<T>(T x) where T : struct, ILane<T> => new(x, T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static State<T> Join<T>(State<T> p, State<T> q) where T : struct, ILane<T>
        => new(T.SelectEqual(p.A, p.A, T.Min(p.A, q.A), p.A), p.B);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Read<T>(State<T> state) where T : struct, ILane<T> => state.A;
}

/// <summary>Whether an element is 1, of zeros and ones; 0 for no elements.</summary>
public readonly struct Any : IReduction
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Zero<T>() where T : struct, ILane<T> => new(T.Of(0), T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Lift<T>(T x) where T : struct, ILane<T> => new(x, T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Join<T>(State<T> p, State<T> q) where T : struct, ILane<T> => new(T.Max(p.A, q.A), p.B);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Read<T>(State<T> state) where T : struct, ILane<T> => state.A;
}

/// <summary>Whether all elements are 1, of zeros and ones; 1 for no elements.</summary>
public readonly struct All : IReduction
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Zero<T>() where T : struct, ILane<T> => new(T.Of(1), T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Lift<T>(T x) where T : struct, ILane<T> => new(x, T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Join<T>(State<T> p, State<T> q) where T : struct, ILane<T> => new(T.Min(p.A, q.A), p.B);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Read<T>(State<T> state) where T : struct, ILane<T> => state.A;
}

/// <summary>log sum e^x in one pass: the state is the running maximum and the sum of e^(x - maximum), so nothing overflows.</summary>
public readonly struct LogSumExp : IReduction
{
    // Finite, so that the difference of two empty states is 0 and not NaN.
    const double Empty = -1e38;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Zero<T>() where T : struct, ILane<T> => new(T.Of(Empty), T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Lift<T>(T x) where T : struct, ILane<T> => new(x, T.Of(1));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static State<T> Join<T>(State<T> p, State<T> q) where T : struct, ILane<T>
    {
        var (top, one) = (Max.Larger(p.A, q.A), T.Of(1));
        // Infinite elements: the difference of equal infinities would be NaN.
        var (a, b) = (T.SelectEqual(p.A, top, one, T.Exp(p.A - top)), T.SelectEqual(q.A, top, one, T.Exp(q.A - top)));
        return new(top, T.Fma(p.B, a, q.B * b));
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Read<T>(State<T> state) where T : struct, ILane<T> => state.A + T.Log(state.B);
}
