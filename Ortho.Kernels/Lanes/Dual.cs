using System.Runtime.CompilerServices;

namespace Ortho.Kernels.Lanes;

/// <summary>
/// A value and its slope: evaluating a formula on <c>Dual(x, 1)</c> gives f(x) and f'(x). Duals nest: <c>Dual&lt;Dual&lt;T&gt;&gt;</c>
/// gives second derivatives. Every backward kernel of a pointwise operator is this type applied to the operator's own formula.
/// </summary>
/// <remarks>
/// At the kinks of <see cref="Min"/>, <see cref="Max"/> and <see cref="Abs"/> the slope is one-sided: the slope of the operand that is
/// returned, and 0 for |x| at 0. Operators with a kink that matters give their slope by hand.
/// </remarks>
/// <typeparam name="T">The lane of value and slope.</typeparam>
/// <param name="value">f.</param>
/// <param name="slope">df.</param>
public readonly struct Dual<T>(T value, T slope) : ILane<Dual<T>> where T : struct, ILane<T>
{
    /// <summary>f.</summary>
    public readonly T Value = value;

    /// <summary>df.</summary>
    public readonly T Slope = slope;

    /// <inheritdoc/>
    public static bool IsDouble { [MethodImpl(Inline.Always)] get => T.IsDouble; }

    /// <summary>The variable of differentiation: value x, slope 1.</summary>
    [MethodImpl(Inline.Always)] public static Dual<T> Variable(T x) => new(x, T.Of(1));

    /// <summary>A constant: value x, slope 0.</summary>
    [MethodImpl(Inline.Always)] public static Dual<T> Constant(T x) => new(x, T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Dual<T> Of(double constant) => new(T.Of(constant), T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Dual<T> operator +(Dual<T> a, Dual<T> b) => new(a.Value + b.Value, a.Slope + b.Slope);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Dual<T> operator -(Dual<T> a, Dual<T> b) => new(a.Value - b.Value, a.Slope - b.Slope);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> operator *(Dual<T> a, Dual<T> b) => new(a.Value * b.Value, T.Fma(a.Slope, b.Value, a.Value * b.Slope));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> operator /(Dual<T> a, Dual<T> b)
    {
        var quotient = a.Value / b.Value;
        return new(quotient, (a.Slope - quotient * b.Slope) / b.Value);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Dual<T> operator -(Dual<T> a) => new(-a.Value, -a.Slope);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> Fma(Dual<T> a, Dual<T> b, Dual<T> c)
        => new(T.Fma(a.Value, b.Value, c.Value), T.Fma(a.Slope, b.Value, T.Fma(a.Value, b.Slope, c.Slope)));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> Min(Dual<T> a, Dual<T> b) => new(T.Min(a.Value, b.Value), T.SelectLess(a.Value, b.Value, a.Slope, b.Slope));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> Max(Dual<T> a, Dual<T> b) => new(T.Max(a.Value, b.Value), T.SelectLess(b.Value, a.Value, a.Slope, b.Slope));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> SelectLess(Dual<T> a, Dual<T> b, Dual<T> yes, Dual<T> no)
        => new(T.SelectLess(a.Value, b.Value, yes.Value, no.Value), T.SelectLess(a.Value, b.Value, yes.Slope, no.Slope));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> SelectEqual(Dual<T> a, Dual<T> b, Dual<T> yes, Dual<T> no)
        => new(T.SelectEqual(a.Value, b.Value, yes.Value, no.Value), T.SelectEqual(a.Value, b.Value, yes.Slope, no.Slope));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> Abs(Dual<T> x)
    {
        var zero = T.Of(0);
        return new(T.Abs(x.Value), T.SelectLess(x.Value, zero, -x.Slope, T.SelectEqual(x.Value, zero, zero, x.Slope)));
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> CopySign(Dual<T> x, Dual<T> sign)
    {
        // d|x| s = x' sgn(x) sgn(s)
        var unit = T.CopySign(T.Of(1), x.Value) * T.CopySign(T.Of(1), sign.Value);
        return new(T.CopySign(x.Value, sign.Value), unit * x.Slope);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> Sqrt(Dual<T> x)
    {
        var root = T.Sqrt(x.Value);
        return new(root, x.Slope / (root + root));
    }

    // The three functions below are piecewise constant or piecewise linear; formulas never differentiate through them, because every
    // function built on them has its own rule here.

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Dual<T> Exp2Int(Dual<T> k) => Constant(T.Exp2Int(k.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Dual<T> Exponent(Dual<T> x) => Constant(T.Exponent(x.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> Mantissa(Dual<T> x) => new(T.Mantissa(x.Value), x.Slope / T.Exp2Int(T.Exponent(x.Value)));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Dual<T> Round(Dual<T> x) => Constant(T.Round(x.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Dual<T> Conj(Dual<T> x) => new(T.Conj(x.Value), T.Conj(x.Slope));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> Exp(Dual<T> x)
    {
        var e = T.Exp(x.Value);
        return new(e, e * x.Slope);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Dual<T> Log(Dual<T> x) => new(T.Log(x.Value), x.Slope / x.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Dual<T> Sin(Dual<T> x) => new(T.Sin(x.Value), T.Cos(x.Value) * x.Slope);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Dual<T> Cos(Dual<T> x) => new(T.Cos(x.Value), -(T.Sin(x.Value) * x.Slope));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> Tanh(Dual<T> x)
    {
        var t = T.Tanh(x.Value);
        return new(t, T.Fma(-t, t, T.Of(1)) * x.Slope);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> Erf(Dual<T> x) => new(T.Erf(x.Value), T.Of(1.1283791670955126) * T.Exp(-(x.Value * x.Value)) * x.Slope);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Dual<T> Log1p(Dual<T> x) => new(T.Log1p(x.Value), x.Slope / (x.Value + T.Of(1)));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Dual<T> Expm1(Dual<T> x) => new(T.Expm1(x.Value), T.Exp(x.Value) * x.Slope);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> Atan2(Dual<T> y, Dual<T> x)
        => new(T.Atan2(y.Value, x.Value),
            (x.Value * y.Slope - y.Value * x.Slope) / T.Fma(x.Value, x.Value, y.Value * y.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> Exp2(Dual<T> x)
    {
        var e = T.Exp2(x.Value);
        return new(e, e * T.Of(0.69314718055994531) * x.Slope);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Dual<T> Log2(Dual<T> x) => new(T.Log2(x.Value), x.Slope / (x.Value * T.Of(0.69314718055994531)));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Dual<T> Log10(Dual<T> x) => new(T.Log10(x.Value), x.Slope / (x.Value * T.Of(2.3025850929940457)));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> Cbrt(Dual<T> x)
    {
        var root = T.Cbrt(x.Value);
        return new(root, x.Slope / (root * root * T.Of(3)));
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Dual<T> Sinh(Dual<T> x) => new(T.Sinh(x.Value), T.Cosh(x.Value) * x.Slope);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Dual<T> Cosh(Dual<T> x) => new(T.Cosh(x.Value), T.Sinh(x.Value) * x.Slope);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> Asinh(Dual<T> x) => new(T.Asinh(x.Value), x.Slope / T.Sqrt(T.Fma(x.Value, x.Value, T.Of(1))));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> Erfc(Dual<T> x) => new(T.Erfc(x.Value), T.Of(-1.1283791670955126) * T.Exp(-(x.Value * x.Value)) * x.Slope);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Dual<T> Erfinv(Dual<T> x)
    {
        var y = T.Erfinv(x.Value);
        return new(y, T.Of(0.88622692545275801) * T.Exp(y * y) * x.Slope);
    }
}
