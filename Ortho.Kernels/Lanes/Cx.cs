using System.Runtime.CompilerServices;

namespace Ortho.Kernels.Lanes;

/// <summary>A complex number whose parts are two lanes: FFT butterflies, complex matrices, complex pointwise formulas.</summary>
/// <remarks>
/// Arithmetic, <see cref="Sqrt"/>, <see cref="Exp"/>, <see cref="Log"/> and the trigonometric and hyperbolic functions written out here
/// are the complex functions (principal branches); no operation offers the others for complex tensors. The order-based members have no
/// complex meaning:
/// <see cref="Min"/>, <see cref="Max"/> and <see cref="SelectLess"/> compare real parts, which is what the small-matrix algorithms need,
/// since what they compare (norms, squared magnitudes) are real numbers carried in a complex lane. <see cref="SelectEqual"/> compares
/// both parts. <see cref="Abs"/> is the magnitude.
/// </remarks>
/// <typeparam name="T">The lane of either part.</typeparam>
/// <param name="re">Real part.</param>
/// <param name="im">Imaginary part.</param>
public readonly struct Cx<T>(T re, T im) : ILane<Cx<T>> where T : struct, ILane<T>
{
    /// <summary>Real part.</summary>
    public readonly T Re = re;

    /// <summary>Imaginary part.</summary>
    public readonly T Im = im;

    /// <inheritdoc/>
    public static bool IsDouble { [MethodImpl(Inline.Always)] get => T.IsDouble; }

    /// <summary>The real number as a complex one.</summary>
    [MethodImpl(Inline.Always)] public static Cx<T> Real(T re) => new(re, T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> Of(double constant) => new(T.Of(constant), T.Of(0));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> operator +(Cx<T> a, Cx<T> b) => new(a.Re + b.Re, a.Im + b.Im);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> operator -(Cx<T> a, Cx<T> b) => new(a.Re - b.Re, a.Im - b.Im);

    /// <summary>Product: each part is one product and one fused multiply-add.</summary>
    [MethodImpl(Inline.Always)]
    public static Cx<T> operator *(Cx<T> a, Cx<T> b) => new(T.Fma(a.Re, b.Re, -(a.Im * b.Im)), T.Fma(a.Re, b.Im, a.Im * b.Re));

    /// <summary>Product with a real number.</summary>
    [MethodImpl(Inline.Always)] public static Cx<T> operator *(Cx<T> a, T b) => new(a.Re * b, a.Im * b);

    /// <summary>Quotient a conj(b) / |b|^2; |b|^2 must neither overflow nor underflow.</summary>
    [MethodImpl(Inline.Always)]
    public static Cx<T> operator /(Cx<T> a, Cx<T> b)
    {
        var scale = T.Fma(b.Re, b.Re, b.Im * b.Im);
        return new(T.Fma(a.Re, b.Re, a.Im * b.Im) / scale, T.Fma(a.Im, b.Re, -(a.Re * b.Im)) / scale);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> operator -(Cx<T> a) => new(-a.Re, -a.Im);

    /// <summary>a b + c, each part by two fused multiply-adds: first with the real part of b, then with its imaginary part.</summary>
    /// <remarks>The host's complex matrix product, which runs on real vectors, keeps this order.</remarks>
    [MethodImpl(Inline.Always)]
    public static Cx<T> Fma(Cx<T> a, Cx<T> b, Cx<T> c)
        => new(T.Fma(-a.Im, b.Im, T.Fma(a.Re, b.Re, c.Re)), T.Fma(a.Re, b.Im, T.Fma(a.Im, b.Re, c.Im)));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> Min(Cx<T> a, Cx<T> b) => SelectLess(a, b, a, b);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> Max(Cx<T> a, Cx<T> b) => SelectLess(b, a, a, b);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Cx<T> SelectLess(Cx<T> a, Cx<T> b, Cx<T> yes, Cx<T> no)
        => new(T.SelectLess(a.Re, b.Re, yes.Re, no.Re), T.SelectLess(a.Re, b.Re, yes.Im, no.Im));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Cx<T> SelectEqual(Cx<T> a, Cx<T> b, Cx<T> yes, Cx<T> no)
        => new(T.SelectEqual(a.Re, b.Re, T.SelectEqual(a.Im, b.Im, yes.Re, no.Re), no.Re),
               T.SelectEqual(a.Re, b.Re, T.SelectEqual(a.Im, b.Im, yes.Im, no.Im), no.Im));

    /// <summary>1 where the real part is not zero, else 0.</summary>
    [MethodImpl(Inline.Always)] public static byte Truth(Cx<T> x) => T.Truth(x.Re);

    /// <summary>Magnitude as a real number.</summary>
    [MethodImpl(Inline.Always)] public static Cx<T> Abs(Cx<T> x) => Real(Magnitude(x));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> CopySign(Cx<T> x, Cx<T> sign) => new(T.CopySign(x.Re, sign.Re), x.Im);

    /// <summary>Principal square root (real part not negative).</summary>
    [MethodImpl(Inline.Always)]
    public static Cx<T> Sqrt(Cx<T> x)
    {
        // sqrt((|x| + |Re x|) / 2) is computed without cancellation; the other part follows from the product of the parts, Im x / 2.
        var zero = T.Of(0);
        var large = T.Sqrt((Magnitude(x) + T.Abs(x.Re)) * T.Of(0.5));
        var small = T.SelectEqual(large, zero, zero, T.Abs(x.Im) / (large + large));
        return new(T.SelectLess(x.Re, zero, small, large), T.CopySign(T.SelectLess(x.Re, zero, large, small), x.Im));
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> Exp2Int(Cx<T> k) => Real(T.Exp2Int(k.Re));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> Exponent(Cx<T> x) => Real(T.Exponent(x.Re));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> Mantissa(Cx<T> x) => Real(T.Mantissa(x.Re));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> Conj(Cx<T> x) => new(x.Re, -x.Im);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> RealPart(Cx<T> x) => Real(x.Re);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> SquaredAbs(Cx<T> x) => Real(SquaredMagnitude(x));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> AbsSum(Cx<T> x) => Real(T.Abs(x.Re) + T.Abs(x.Im));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> LargerPart(Cx<T> x) => Real(T.Max(T.Abs(x.Re), T.Abs(x.Im)));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> SqrtReal(Cx<T> x) => Real(T.Sqrt(x.Re));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> OverReal(Cx<T> a, Cx<T> b) => new(a.Re / b.Re, a.Im / b.Re);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> TimesReal(Cx<T> a, Cx<T> b) => new(a.Re * b.Re, a.Im * b.Re);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> FmaReal(Cx<T> a, Cx<T> b, Cx<T> c) => new(T.Fma(a.Re, b.Re, c.Re), T.Fma(a.Im, b.Re, c.Im));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Cx<T> Exp(Cx<T> x)
    {
        var e = T.Exp(x.Re);
        return new(e * T.Cos(x.Im), e * T.Sin(x.Im));
    }

    /// <summary>log |x| + i arg x.</summary>
    [MethodImpl(Inline.Always)]
    public static Cx<T> Log(Cx<T> x)
    {
        // |x| = large sqrt(1 + q^2): no range is lost to squares.
        var (a, b) = (T.Abs(x.Re), T.Abs(x.Im));
        var (small, large) = (T.Min(a, b), T.Max(a, b));
        var q = T.SelectEqual(large, T.Of(0), large, small / large);
        return new(T.Fma(T.Log1p(q * q), T.Of(0.5), T.Log(large)), T.Atan2(x.Im, x.Re));
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> Sin(Cx<T> x) => new(T.Sin(x.Re) * T.Cosh(x.Im), T.Cos(x.Re) * T.Sinh(x.Im));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> Cos(Cx<T> x) => new(T.Cos(x.Re) * T.Cosh(x.Im), -(T.Sin(x.Re) * T.Sinh(x.Im)));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> Sinh(Cx<T> x) => new(T.Sinh(x.Re) * T.Cos(x.Im), T.Cosh(x.Re) * T.Sin(x.Im));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<T> Cosh(Cx<T> x) => new(T.Cosh(x.Re) * T.Cos(x.Im), T.Sinh(x.Re) * T.Sin(x.Im));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Cx<T> Tanh(Cx<T> x)
    {
        // tanh(a + ib) = (sinh 2a + i sin 2b) / (cosh 2a + cos 2b), times 2 u with u = e^-2|a|: nothing overflows.
        var a = -T.Abs(x.Re + x.Re);
        var (u, turn) = (T.Exp(a), x.Im + x.Im);
        var scale = T.Fma(u, u + T.Of(2) * T.Cos(turn), T.Of(1));
        return new(T.CopySign(-T.Expm1(a + a), x.Re) / scale, T.Of(2) * u * T.Sin(turn) / scale);
    }

    /// <summary>i x.</summary>
    [MethodImpl(Inline.Always)] public static Cx<T> TimesI(Cx<T> x) => new(-x.Im, x.Re);

    /// <summary>|x|^2.</summary>
    [MethodImpl(Inline.Always)] public static T SquaredMagnitude(Cx<T> x) => T.Fma(x.Re, x.Re, x.Im * x.Im);

    /// <summary>|x|; |x|^2 must neither overflow nor underflow.</summary>
    [MethodImpl(Inline.Always)] public static T Magnitude(Cx<T> x) => T.Sqrt(SquaredMagnitude(x));
}
