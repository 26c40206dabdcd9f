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

/// <summary>Gradient descent: p + A g.</summary>
public readonly struct DescentStep : IUpdate
{
    /// <inheritdoc/>
    public static int States => 0;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Learned<T> Apply<T>(Learned<T> before, T gradient, Coefficients<T> numbers) where T : struct, ILane<T>
        => new(T.Fma(numbers.A, gradient, before.Value), before.First, before.Second);
}

/// <summary>Gradient descent with momentum: b = B b + g, then p + A b.</summary>
public readonly struct MomentumStep : IUpdate
{
    /// <inheritdoc/>
    public static int States => 1;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Learned<T> Apply<T>(Learned<T> before, T gradient, Coefficients<T> numbers) where T : struct, ILane<T>
    {
        var momentum = T.Fma(numbers.B, before.First, gradient);
        return new(T.Fma(numbers.A, momentum, before.Value), momentum, before.Second);
    }
}

/// <summary>Gradient descent with Nesterov's momentum: b = B b + g, then p + A (g + B b).</summary>
public readonly struct NesterovStep : IUpdate
{
    /// <inheritdoc/>
    public static int States => 1;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Learned<T> Apply<T>(Learned<T> before, T gradient, Coefficients<T> numbers) where T : struct, ILane<T>
    {
        var momentum = T.Fma(numbers.B, before.First, gradient);
        return new(T.Fma(numbers.A, T.Fma(numbers.B, momentum, gradient), before.Value), momentum, before.Second);
    }
}

/// <summary>Adam: m, v = running means of g and g^2 with weights A and B, then D p + E m / (sqrt v + C). Kingma and Ba 2015.</summary>
public readonly struct AdamStep : IUpdate
{
    /// <inheritdoc/>
    public static int States => 2;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Learned<T> Apply<T>(Learned<T> before, T gradient, Coefficients<T> numbers) where T : struct, ILane<T>
    {
        var mean = Lerp.Apply(before.First, gradient, numbers.A);
        var square = T.Fma(numbers.B, T.Fma(gradient, gradient, -before.Second), before.Second);
        var direction = mean / (T.Sqrt(square) + numbers.C);
        return new(T.Fma(numbers.E, direction, before.Value * numbers.D), mean, square);
    }
}
