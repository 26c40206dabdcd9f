using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Reductions;

/// <summary>e^x / sum e^x. Exponents are taken from the row's largest element, so nothing overflows, and one exponential is computed for each
/// element.</summary>
public readonly struct Softmax : IRowwise
{
    /// <inheritdoc/>
    public static int Totals => 2;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsLargest(int total) => total == 0;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsPlain(int total) => total == 0;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsLong(int total) => total == 1;

    /// <inheritdoc/>
    public static int Kept => 1;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Term<T>(int total, T a, T b, T weight, Found<T> found) where T : struct, ILane<T> => total == 0 ? a : T.Exp(a - found.First);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Settle<T>(int total, T value, T count, T option, Found<T> found) where T : struct, ILane<T>
        => total == 0 ? Level(value) : T.Of(1) / value;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Result<T>(T a, T b, T weight, T bias, Found<T> found) where T : struct, ILane<T> => a * found.Second;

    // What exponents are taken from: finite, lest the difference of equal infinities be NaN.
    [MethodImpl(Inline.Always)]
    internal static T Level<T>(T largest) where T : struct, ILane<T> => T.SelectEqual(T.Abs(largest), T.Highest, T.Of(0), largest);
}

/// <summary>x - log sum e^x.</summary>
public readonly struct LogSoftmax : IRowwise
{
    /// <inheritdoc/>
    public static int Totals => 2;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsLargest(int total) => total == 0;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsPlain(int total) => total == 0;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsLong(int total) => total == 1;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Term<T>(int total, T a, T b, T weight, Found<T> found) where T : struct, ILane<T> => Softmax.Term(total, a, b, weight, found);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Settle<T>(int total, T value, T count, T option, Found<T> found) where T : struct, ILane<T>
        => total == 0 ? Softmax.Level(value) : T.Log(value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Result<T>(T a, T b, T weight, T bias, Found<T> found) where T : struct, ILane<T> => a - found.First - found.Second;
}

/// <summary>log sum e^x, one number for a row.</summary>
public readonly struct LogSumExpOfRow : IRowwise
{
    /// <inheritdoc/>
    public static int Totals => 2;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsLargest(int total) => total == 0;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsPlain(int total) => total == 0;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsLong(int total) => total == 1;

    /// <inheritdoc/>
    public static bool IsSummary => true;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Term<T>(int total, T a, T b, T weight, Found<T> found) where T : struct, ILane<T> => Softmax.Term(total, a, b, weight, found);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Settle<T>(int total, T value, T count, T option, Found<T> found) where T : struct, ILane<T>
        => LogSoftmax.Settle(total, value, count, option, found);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Result<T>(T a, T b, T weight, T bias, Found<T> found) where T : struct, ILane<T> => found.First + found.Second;
}

/// <summary>a (b - sum a b): the gradient of softmax, a being its result and b the gradient of that.</summary>
public readonly struct SoftmaxGradient : IRowwise
{
    /// <inheritdoc/>
    public static int Totals => 1;

    /// <inheritdoc/>
    public static bool HasSecond => true;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Term<T>(int total, T a, T b, T weight, Found<T> found) where T : struct, ILane<T> => a * b;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Settle<T>(int total, T value, T count, T option, Found<T> found) where T : struct, ILane<T> => value;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Result<T>(T a, T b, T weight, T bias, Found<T> found) where T : struct, ILane<T> => a * (b - found.First);
}

/// <summary>b - e^a sum b: the gradient of the logarithm of softmax, a being its result and b the gradient of that.</summary>
public readonly struct LogSoftmaxGradient : IRowwise
{
    /// <inheritdoc/>
    public static int Totals => 1;

    /// <inheritdoc/>
    public static bool HasSecond => true;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Term<T>(int total, T a, T b, T weight, Found<T> found) where T : struct, ILane<T> => b;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Settle<T>(int total, T value, T count, T option, Found<T> found) where T : struct, ILane<T> => value;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Result<T>(T a, T b, T weight, T bias, Found<T> found) where T : struct, ILane<T> => b - T.Exp(a) * found.First;
}
