using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Reductions;

/// <summary>The largest element so far and its position, the last of equals; NaN from the first NaN on.</summary>
public readonly struct LargestSoFar : IScan
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Zero<T>() where T : struct, ILane<T> => new(T.Lowest, T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Lift<T>(T x, T position) where T : struct, ILane<T> => new(x, position);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static State<T> Join<T>(State<T> p, State<T> q) where T : struct, ILane<T> => Later(T.SelectLess(q.A, p.A, T.Of(0), T.Of(1)), p, q);

    // q, where it is better or as good and p is no NaN, or where it is NaN itself.
    [MethodImpl(Inline.Always)]
    internal static State<T> Later<T>(T better, State<T> p, State<T> q) where T : struct, ILane<T>
    {
        var one = T.Of(1);
        var takes = T.SelectEqual(q.A, q.A, T.SelectEqual(p.A, p.A, better, T.Of(0)), one);
        return new(T.SelectEqual(takes, one, q.A, p.A), T.SelectEqual(takes, one, q.B, p.B));
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Read<T>(State<T> state) where T : struct, ILane<T> => state.A;
}

/// <summary>The smallest element so far and its position, the last of equals; NaN from the first NaN on.</summary>
public readonly struct SmallestSoFar : IScan
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Zero<T>() where T : struct, ILane<T> => new(T.Highest, T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Lift<T>(T x, T position) where T : struct, ILane<T> => new(x, position);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static State<T> Join<T>(State<T> p, State<T> q) where T : struct, ILane<T>
        => LargestSoFar.Later(T.SelectLess(p.A, q.A, T.Of(0), T.Of(1)), p, q);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Read<T>(State<T> state) where T : struct, ILane<T> => state.A;
}

/// <summary>h_i = a_i h_(i-1) + b_i from h = 0: the state is the map h -> A h + B.</summary>
public readonly struct LinearRecurrence : IScan
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Zero<T>() where T : struct, ILane<T> => new(T.Of(1), T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Lift<T>(T a, T b) where T : struct, ILane<T> => new(a, b);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static State<T> Join<T>(State<T> p, State<T> q) where T : struct, ILane<T> => new(q.A * p.A, T.Fma(q.A, p.B, q.B));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Read<T>(State<T> state) where T : struct, ILane<T> => state.B;
}
