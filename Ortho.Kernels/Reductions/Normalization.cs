using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Reductions;

/// <summary>(x - mean) / sqrt(variance + option) times a weight, plus a bias. The variance is that of the distances from the mean, which do
/// not cancel. Ba, Kiros and Hinton 2016.</summary>
public readonly struct LayerNorm : IRowwise
{
    /// <inheritdoc/>
    public static int Totals => 2;

    /// <inheritdoc/>
    public static bool HasWeights => true;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsPlain(int total) => total == 0;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Term<T>(int total, T a, T b, T weight, Found<T> found) where T : struct, ILane<T>
        => total == 0 ? a : (a - found.First) * (a - found.First);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Settle<T>(int total, T value, T count, T option, Found<T> found) where T : struct, ILane<T>
        => total == 0 ? value / count : T.Of(1) / T.Sqrt(value / count + option);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Result<T>(T a, T b, T weight, T bias, Found<T> found) where T : struct, ILane<T>
        => T.Fma((a - found.First) * found.Second, weight, bias);
}

/// <summary>The gradient of <see cref="LayerNorm"/> in a, b being that of its result: with u the normalized row and h = weight b,
/// (h - mean h - u mean(h u)) / sqrt(variance + option).</summary>
public readonly struct LayerNormGradient : IRowwise
{
    /// <inheritdoc/>
    public static int Totals => 4;

    /// <inheritdoc/>
    public static bool HasSecond => true;

    /// <inheritdoc/>
    public static bool HasWeights => true;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsPlain(int total) => total == 0;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Term<T>(int total, T a, T b, T weight, Found<T> found) where T : struct, ILane<T>
        => total < 2 ? LayerNorm.Term(total, a, b, weight, found)
            : total == 2 ? weight * b
            : weight * b * ((a - found.First) * found.Second);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Settle<T>(int total, T value, T count, T option, Found<T> found) where T : struct, ILane<T>
        => total < 2 ? LayerNorm.Settle(total, value, count, option, found) : value / count;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Result<T>(T a, T b, T weight, T bias, Found<T> found) where T : struct, ILane<T>
        => found.Second * (weight * b - found.Third - (a - found.First) * found.Second * found.Fourth);
}

/// <summary>x / sqrt(mean of x^2 + option) times a weight, plus a bias. Zhang and Sennrich 2019.</summary>
public readonly struct RmsNorm : IRowwise
{
    /// <inheritdoc/>
    public static int Totals => 1;

    /// <inheritdoc/>
    public static bool HasWeights => true;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Term<T>(int total, T a, T b, T weight, Found<T> found) where T : struct, ILane<T> => a * a;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Settle<T>(int total, T value, T count, T option, Found<T> found) where T : struct, ILane<T>
        => T.Of(1) / T.Sqrt(value / count + option);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Result<T>(T a, T b, T weight, T bias, Found<T> found) where T : struct, ILane<T> => T.Fma(a * found.First, weight, bias);
}

/// <summary>The gradient of <see cref="RmsNorm"/> in a, b being that of its result: with u the normalized row and h = weight b,
/// (h - u mean(h u)) / sqrt(mean of x^2 + option).</summary>
public readonly struct RmsNormGradient : IRowwise
{
    /// <inheritdoc/>
    public static int Totals => 2;

    /// <inheritdoc/>
    public static bool HasSecond => true;

    /// <inheritdoc/>
    public static bool HasWeights => true;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Term<T>(int total, T a, T b, T weight, Found<T> found) where T : struct, ILane<T>
        => total == 0 ? a * a : weight * b * (a * found.First);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Settle<T>(int total, T value, T count, T option, Found<T> found) where T : struct, ILane<T>
        => total == 0 ? RmsNorm.Settle(total, value, count, option, found) : value / count;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Result<T>(T a, T b, T weight, T bias, Found<T> found) where T : struct, ILane<T>
        => found.First * (weight * b - a * found.First * found.Second);
}
