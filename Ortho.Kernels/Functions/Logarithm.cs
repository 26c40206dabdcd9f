using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Functions;

public static partial class Elementary
{
    /// <summary>Natural logarithm.</summary>
    /// <remarks>Largest error 0.85 ulp in float32, 0.84 ulp in float64. log 0 = -infinity; NaN for negative x.</remarks>
    [MethodImpl(Inline.Always)]
    public static T Log<T>(T x) where T : struct, ILane<T>
    {
        var octave = OctaveOf(x);
        return LogDomain(x, x, LogSeries(octave.A, octave.B));
    }

    /// <summary>Logarithm to base 2; exact for powers of 2.</summary>
    /// <remarks>Largest error 1.6 ulp in float32, 1.5 ulp in float64. log2 0 = -infinity; NaN for negative x.</remarks>
    [MethodImpl(Inline.Always)]
    public static T Log2<T>(T x) where T : struct, ILane<T>
    {
        var octave = OctaveOf(x);
        return LogDomain(x, x, T.Fma(LogSeries(T.Of(0), octave.B), T.Of(1.4426950408889634), octave.A));
    }

    /// <summary>Logarithm to base 10.</summary>
    /// <remarks>Largest error 2.4 ulp in float32, 1.5 ulp in float64. log10 0 = -infinity; NaN for negative x.</remarks>
    [MethodImpl(Inline.Always)]
    public static T Log10<T>(T x) where T : struct, ILane<T>
    {
        // log10 2 in two parts, the first times e exact inside the fused multiply-add.
        var octave = OctaveOf(x);
        var tail = octave.A * T.Of(T.IsDouble ? -2.8037281277851704e-18 : -1.4320988897559699e-08);
        tail = T.Fma(LogSeries(T.Of(0), octave.B), T.Of(0.43429448190325182), tail);
        return LogDomain(x, x, T.Fma(octave.A, T.Of(T.IsDouble ? 0.3010299956639812 : 0.3010300099849701), tail));
    }

    // (e, f) with x = 2^e (1 + f) and f in [-1/3, 1/3]; f is exact.
    [MethodImpl(Inline.Always)]
    static Skeletons.State<T> OctaveOf<T>(T x) where T : struct, ILane<T>
    {
        // Subnormals are scaled into the normal numbers, since their exponent field says nothing.
        var normal = T.Of(T.IsDouble ? 2.2250738585072014e-308 : 1.17549435e-38);
        var scaled = T.SelectLess(x, normal, x * T.Of(T.IsDouble ? 18014398509481984.0 : 16777216.0), x);
        var offset = T.SelectLess(x, normal, T.Of(T.IsDouble ? 2 - 54 : 2 - 24), T.Of(2));
        var m = T.Mantissa(scaled);
        var half = HalfAboveFourThirds(m);
        return new(T.Fma(half, T.Of(-2), T.Exponent(scaled) + offset), T.Fma(m, half, T.Of(-1)));
    }

    /// <summary>log(1 + x), accurate near zero.</summary>
    /// <remarks>
    /// Largest error 1.6 ulp in float32, 1.6 ulp in float64. log1p(-1) = -infinity; NaN below -1; log1p(-0) = -0.
    /// </remarks>
    [MethodImpl(Inline.Always)]
    public static T Log1p<T>(T x) where T : struct, ILane<T>
    {
        // u + lost = 1 + x exactly (the larger of x and 1 comes first in the difference, x > -1).
        var one = T.Of(1);
        var u = one + x;
        var lost = T.Min(x, one) - (u - T.Max(x, one));

        // u = 2^e m; what the sum lost joins f at the same scale. For x near zero e = 0 and f = x. Beyond 2^60 nothing of it is seen, and
        // the bound keeps 2^-e a normal number.
        var m = T.Mantissa(u);
        var half = HalfAboveFourThirds(m);
        var e = T.Fma(half, T.Of(-2), T.Exponent(u) + T.Of(2));
        var f = T.Fma(lost, T.Exp2Int(T.Max(-e, T.Of(-60))), T.Fma(m, half, T.Of(-1)));
        return T.CopySign(LogDomain(x, u, LogSeries(e, f)), x);
    }

    /// <summary>The factor that brings a mantissa of [1, 2) into [2/3, 4/3].</summary>
    [MethodImpl(Inline.Always)]
    static T HalfAboveFourThirds<T>(T m) where T : struct, ILane<T> => T.SelectLess(T.Of(4.0 / 3), m, T.Of(0.5), T.Of(1));

    /// <summary>The logarithm outside its regular domain: infinity and NaN of x, the pole at u = 0, NaN for negative u.</summary>
    [MethodImpl(Inline.Always)]
    static T LogDomain<T>(T x, T u, T regular) where T : struct, ILane<T>
    {
        var zero = T.Of(0);
        var infinity = T.Of(double.PositiveInfinity);
        var upper = T.SelectLess(x, infinity, regular, x);
        return T.SelectLess(zero, u, upper, T.SelectEqual(u, zero, -infinity, T.Of(double.NaN)));
    }

    /// <summary>e log 2 + log(1 + f).</summary>
    /// <remarks>
    /// log(1 + f) = f - f^2 / 2 + f^3 P(f): the three leading parts join from the smallest to the largest, each rounded once. log 2 in
    /// two parts, the first times e exact inside the fused multiply-add.
    /// </remarks>
    [MethodImpl(Inline.Always)]
    static T LogSeries<T>(T e, T f) where T : struct, ILane<T>
    {
        var p = T.IsDouble ? LogDouble(f) : LogSingle(f);
        var square = f * f;
        var tail = T.Fma(square * f, p, e * T.Of(T.IsDouble ? 2.3190468138462996e-17 : 5.769998878690785e-08));
        tail = T.Fma(square, T.Of(-0.5), tail);
        return T.Fma(e, T.Of(T.IsDouble ? 0.6931471805599453 : 0.6931471228599548), f + tail);
    }

    /// <summary>P on [-1/3, 1/3] in float32: degree 7, relative error 5.7e-9 of the logarithm.</summary>
    [MethodImpl(Inline.Always)]
    static T LogSingle<T>(T f) where T : struct, ILane<T>
    {
        var p = T.Fma(T.Of(-0.12891607), f, T.Of(0.139844269));
        p = T.Fma(p, f, T.Of(-0.121842794));
        p = T.Fma(p, f, T.Of(0.140058711));
        p = T.Fma(p, f, T.Of(-0.166804865));
        p = T.Fma(p, f, T.Of(0.200104058));
        p = T.Fma(p, f, T.Of(-0.249997973));
        p = T.Fma(p, f, T.Of(0.333332151));
        return p;
    }

    /// <summary>P on [-1/3, 1/3] in float64: degree 18, relative error 9.3e-18 of the logarithm.</summary>
    [MethodImpl(Inline.Always)]
    static T LogDouble<T>(T f) where T : struct, ILane<T>
    {
        var p = T.Fma(T.Of(0.08454089241329199), f, T.Of(-0.08625135097615247));
        p = T.Fma(p, f, T.Of(0.04201650671312963));
        p = T.Fma(p, f, T.Of(-0.04573367667929754));
        p = T.Fma(p, f, T.Of(0.06045330162963693));
        p = T.Fma(p, f, T.Of(-0.06390937882647546));
        p = T.Fma(p, f, T.Of(0.06651533171227408));
        p = T.Fma(p, f, T.Of(-0.07130787298399685));
        p = T.Fma(p, f, T.Of(0.07693193757729333));
        p = T.Fma(p, f, T.Of(-0.08333972533002704));
        p = T.Fma(p, f, T.Of(0.09090876384325068));
        p = T.Fma(p, f, T.Of(-0.09999979279565882));
        p = T.Fma(p, f, T.Of(0.11111111845784491));
        p = T.Fma(p, f, T.Of(-0.12500000389363078));
        p = T.Fma(p, f, T.Of(0.14285714276458206));
        p = T.Fma(p, f, T.Of(-0.16666666662926435));
        p = T.Fma(p, f, T.Of(0.20000000000055201));
        p = T.Fma(p, f, T.Of(-0.25000000000013356));
        p = T.Fma(p, f, T.Of(0.3333333333333323));
        return p;
    }

    /// <summary>Cube root, with the sign of x.</summary>
    /// <remarks>Largest error 0.8 ulp in float32, 1 ulp in float64: e^(log(x) / 3) and one step of Newton's iteration.</remarks>
    [MethodImpl(Inline.Always)]
    public static T Cbrt<T>(T x) where T : struct, ILane<T>
    {
        // Tiny numbers are scaled up by 2^24 (2^54), or their cubes would lose digits.
        var size = T.Abs(x);
        var tiny = T.Of(T.IsDouble ? 1e-290 : 1e-30);
        var a = T.SelectLess(size, tiny, size * T.Of(T.IsDouble ? 18014398509481984.0 : 16777216.0), size);
        var y = T.Exp(T.Log(a) * T.Of(1.0 / 3));
        var square = y * y;
        y -= T.Fma(square, y, -a) / (square * T.Of(3));
        y = T.SelectLess(size, tiny, y * T.Of(T.IsDouble ? 1.0 / 262144 : 1.0 / 256), y);
        return T.CopySign(T.SelectEqual(a, T.Of(0), a, T.SelectLess(a, T.Highest, y, a)), x);
    }
}
