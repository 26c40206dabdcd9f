using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Skeletons;

/// <summary>A function of one number, written once; <c>y = f(x)</c> element by element.</summary>
public interface IUnary
{
    /// <summary>f(x).</summary>
    static abstract T Apply<T>(T x) where T : struct, ILane<T>;
}

/// <summary>A <see cref="IUnary"/> whose derivative is given by hand, because the formula has a kink or a cancellation there.</summary>
public interface IUnarySlope : IUnary
{
    /// <summary>f'(x).</summary>
    static abstract T Slope<T>(T x) where T : struct, ILane<T>;
}

/// <summary>A function of two numbers; <c>y = f(a, b)</c> element by element, with broadcasting.</summary>
public interface IBinary
{
    /// <summary>f(a, b).</summary>
    static abstract T Apply<T>(T a, T b) where T : struct, ILane<T>;
}

/// <summary>A function of three numbers; <c>y = f(a, b, c)</c> element by element, with broadcasting.</summary>
public interface ITernary
{
    /// <summary>f(a, b, c).</summary>
    static abstract T Apply<T>(T a, T b, T c) where T : struct, ILane<T>;
}

/// <summary>The common form of all pointwise functions: up to four arguments, of which the first <see cref="Arity"/> count.</summary>
/// <remarks>Both skeletons, host and device, are written once for this form; arguments that do not count are never loaded.</remarks>
public interface IPointwise
{
    /// <summary>Number of arguments, 1 to 4. A compile-time constant.</summary>
    static abstract int Arity { get; }

    /// <summary>The value.</summary>
    static abstract T Apply<T>(T a, T b, T c, T d) where T : struct, ILane<T>;

    /// <summary>The derivative in one argument; from the value's own formula by dual numbers unless given by hand.</summary>
    static abstract T Slope<T>(int argument, T a, T b, T c, T d) where T : struct, ILane<T>;
}

static class Slopes
{
    // The seeds are constants once the argument number is: all but one slope fold to zero. (1.0 and 0.0, not 1 and 0: ILGPU turns a
    // comparison that becomes an integer and then a floating-point number into the bits of the integer.)
    [MethodImpl(Inline.Always)]
    public static T Of<P, T>(int argument, T a, T b, T c, T d) where P : struct, IPointwise where T : struct, ILane<T>
        => P.Apply<Dual<T>>(
            new(a, T.Of(argument == 0 ? 1.0 : 0.0)), new(b, T.Of(argument == 1 ? 1.0 : 0.0)),
            new(c, T.Of(argument == 2 ? 1.0 : 0.0)), new(d, T.Of(argument == 3 ? 1.0 : 0.0))).Slope;
}

/// <summary><typeparamref name="Op"/> in the common form.</summary>
public readonly struct Unary<Op> : IPointwise where Op : struct, IUnary
{
    /// <inheritdoc/>
    public static int Arity => 1;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b, T c, T d) where T : struct, ILane<T> => Op.Apply(a);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Slope<T>(int argument, T a, T b, T c, T d) where T : struct, ILane<T> => Slopes.Of<Unary<Op>, T>(argument, a, b, c, d);
}

/// <summary><typeparamref name="Op"/>, with its own derivative, in the common form.</summary>
public readonly struct UnarySlope<Op> : IPointwise where Op : struct, IUnarySlope
{
    /// <inheritdoc/>
    public static int Arity => 1;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b, T c, T d) where T : struct, ILane<T> => Op.Apply(a);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Slope<T>(int argument, T a, T b, T c, T d) where T : struct, ILane<T> => Op.Slope(a);
}

/// <summary><typeparamref name="Op"/> in the common form.</summary>
public readonly struct Binary<Op> : IPointwise where Op : struct, IBinary
{
    /// <inheritdoc/>
    public static int Arity => 2;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b, T c, T d) where T : struct, ILane<T> => Op.Apply(a, b);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Slope<T>(int argument, T a, T b, T c, T d) where T : struct, ILane<T> => Slopes.Of<Binary<Op>, T>(argument, a, b, c, d);
}

/// <summary><typeparamref name="Op"/> in the common form.</summary>
public readonly struct Ternary<Op> : IPointwise where Op : struct, ITernary
{
    /// <inheritdoc/>
    public static int Arity => 3;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b, T c, T d) where T : struct, ILane<T> => Op.Apply(a, b, c);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Slope<T>(int argument, T a, T b, T c, T d) where T : struct, ILane<T> => Slopes.Of<Ternary<Op>, T>(argument, a, b, c, d);
}

/// <summary>The number of an argument, as a type.</summary>
public interface IArgument
{
    /// <summary>0 to 3.</summary>
    static abstract int Index { get; }
}

/// <summary>The first argument.</summary>
public readonly struct First : IArgument
{
    /// <inheritdoc/>
    public static int Index => 0;
}

/// <summary>The second argument.</summary>
public readonly struct Second : IArgument
{
    /// <inheritdoc/>
    public static int Index => 1;
}

/// <summary>The third argument.</summary>
public readonly struct Third : IArgument
{
    /// <inheritdoc/>
    public static int Index => 2;
}

/// <summary>The fourth argument.</summary>
public readonly struct Fourth : IArgument
{
    /// <inheritdoc/>
    public static int Index => 3;
}

/// <summary>The partial derivative of <typeparamref name="P"/> in its argument <typeparamref name="K"/>: again a pointwise function.</summary>
public readonly struct Partial<P, K> : IPointwise where P : struct, IPointwise where K : struct, IArgument
{
    /// <inheritdoc/>
    public static int Arity => P.Arity;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b, T c, T d) where T : struct, ILane<T> => P.Slope(K.Index, a, b, c, d);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Slope<T>(int argument, T a, T b, T c, T d) where T : struct, ILane<T> => Slopes.Of<Partial<P, K>, T>(argument, a, b, c, d);
}

/// <summary>weight * conj(P(...)): the backward kernel of every pointwise function, the weight being the incoming gradient.</summary>
public readonly struct Weighted<P> : IPointwise where P : struct, IPointwise
{
    /// <inheritdoc/>
    public static int Arity => P.Arity + 1;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T weight, T a, T b, T c) where T : struct, ILane<T> => weight * T.Conj(P.Apply(a, b, c, c));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Slope<T>(int argument, T a, T b, T c, T d) where T : struct, ILane<T> => Slopes.Of<Weighted<P>, T>(argument, a, b, c, d);
}
