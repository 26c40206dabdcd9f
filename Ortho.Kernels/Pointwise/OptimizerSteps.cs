using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Pointwise;

/// <summary>x + weight * y: a step of gradient descent, or a momentum.</summary>
public readonly struct AddScaled : ITernary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T x, T y, T weight) where T : struct, ILane<T> => T.Fma(weight, y, x);
}

/// <summary>a + weight * (b - a): a running mean.</summary>
public readonly struct Lerp : ITernary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b, T weight) where T : struct, ILane<T> => T.Fma(weight, b - a, a);
}

/// <summary>a + weight * (b^2 - a): a running mean of squares.</summary>
public readonly struct LerpSquare : ITernary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b, T weight) where T : struct, ILane<T> => T.Fma(weight, T.Fma(b, b, -a), a);
}

/// <summary>mean / (sqrt(square) + epsilon): Adam's direction. Kingma and Ba 2015.</summary>
public readonly struct AdamDirection : ITernary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T mean, T square, T epsilon) where T : struct, ILane<T> => mean / (T.Sqrt(square) + epsilon);
}
