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

/// <summary>cosh(x factor)^2.</summary>
public readonly struct SquaredCosh : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T x, T factor) where T : struct, ILane<T>
    {
        var y = T.Cosh(x * factor);
        return y * y;
    }
}

/// <summary>Gradient descent with weight decay: B p + A g.</summary>
public readonly struct DescentStep : IUpdate
{
    /// <inheritdoc/>
    public static int States => 0;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Learned<T> Apply<T>(Learned<T> before, T gradient, Coefficients<T> numbers) where T : struct, ILane<T>
        => new(T.Fma(numbers.A, gradient, before.Value * numbers.B), before.First, before.Second);
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

/// <summary>The direction in which a momentum points: b = A b + B g, and C b + D g in place of p. Momentum as a sum or a mean, looked up one step
/// ahead (Nesterov) or not, for steps that are not pointwise functions of it.</summary>
public readonly struct MomentumDirection : IUpdate
{
    /// <inheritdoc/>
    public static int States => 1;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Learned<T> Apply<T>(Learned<T> before, T gradient, Coefficients<T> numbers) where T : struct, ILane<T>
    {
        var momentum = T.Fma(numbers.A, before.First, gradient * numbers.B);
        return new(T.Fma(numbers.C, momentum, gradient * numbers.D), momentum, before.Second);
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
        var (direction, mean, square) = Direction(before, gradient, numbers);
        return new(T.Fma(numbers.E, direction, before.Value * numbers.D), mean, square);
    }

    /// <summary>m / (sqrt v + C), m and v.</summary>
    [MethodImpl(Inline.Always)]
    internal static (T Direction, T Mean, T Square) Direction<T>(Learned<T> before, T gradient, Coefficients<T> numbers) where T : struct, ILane<T>
    {
        var mean = Lerp.Apply(before.First, gradient, numbers.A);
        var square = T.Fma(numbers.B, T.Fma(gradient, gradient, -before.Second), before.Second);
        return (mean / (T.Sqrt(square) + numbers.C), mean, square);
    }
}

/// <summary>Adam's direction in place of p: E m / (sqrt v + C), for steps that go on with it.</summary>
public readonly struct AdamDirection : IUpdate
{
    /// <inheritdoc/>
    public static int States => 2;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Learned<T> Apply<T>(Learned<T> before, T gradient, Coefficients<T> numbers) where T : struct, ILane<T>
    {
        var (direction, mean, square) = AdamStep.Direction(before, gradient, numbers);
        return new(numbers.E * direction, mean, square);
    }
}
