using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Functions;

public static partial class Elementary
{
    /// <summary>sin x, x in radians, for |x| &lt;= 2^18 in float32 and 2^40 in float64; NaN beyond.</summary>
    /// <remarks>
    /// Largest error 1.6 ulp in float32, 1.4 ulp in float64. sin(-0) = -0. Beyond the range the reduction would need more digits
    /// of pi than three lane constants hold, so the result is NaN rather than a wrong number.
    /// </remarks>
    [MethodImpl(Inline.Always)]
    public static T Sin<T>(T x) where T : struct, ILane<T> => Quadrants(x, 0);

    /// <summary>cos x, x in radians, for |x| &lt;= 2^18 in float32 and 2^40 in float64; NaN beyond.</summary>
    /// <remarks>Largest error 1.75 ulp in float32, 1.4 ulp in float64; cos 0 = 1 exactly. See <see cref="Sin{T}"/>.</remarks>
    [MethodImpl(Inline.Always)]
    public static T Cos<T>(T x) where T : struct, ILane<T> => Quadrants(x, 1);

    /// <summary>tan x, x in radians, in the range of <see cref="Sin{T}"/>.</summary>
    /// <remarks>Largest error 2.8 ulp in float32, 2 ulp in float64.</remarks>
    [MethodImpl(Inline.Always)]
    public static T Tan<T>(T x) where T : struct, ILane<T> => T.Sin(x) / T.Cos(x);

    /// <summary>The angle in [-pi/2, pi/2] whose sine is x; NaN beyond 1.</summary>
    /// <remarks>Largest error 2.3 ulp in float32, 2 ulp in float64.</remarks>
    [MethodImpl(Inline.Always)]
    public static T Asin<T>(T x) where T : struct, ILane<T> => T.Atan2(x, T.Sqrt((T.Of(1) - x) * (T.Of(1) + x)));

    /// <summary>The angle in [0, pi] whose cosine is x; NaN beyond 1.</summary>
    /// <remarks>Largest error 2.3 ulp in float32, 2 ulp in float64.</remarks>
    [MethodImpl(Inline.Always)]
    public static T Acos<T>(T x) where T : struct, ILane<T> => T.Atan2(T.Sqrt((T.Of(1) - x) * (T.Of(1) + x)), x);

    /// <summary>sin(x + quarters pi/2).</summary>
    [MethodImpl(Inline.Always)]
    static T Quadrants<T>(T x, double quarters) where T : struct, ILane<T>
    {
        x = T.SelectLess(T.Of(T.IsDouble ? 1099511627776.0 : 262144.0), T.Abs(x), T.Of(double.NaN), x);
        var k = Round(x, 0.6366197723675814);
        var r = T.IsDouble ? ReduceDouble(x, k) : ReduceSingle(x, k);

        // n quarter turns leave j = n - 4 round(n / 4) in -2 .. 2: sin(r + j pi/2) is j cos r for odd j and (1 - |j|) sin r for even.
        var n = k + T.Of(quarters);
        var j = T.Fma(Round(n, 0.25), T.Of(-4), n);
        var turned = T.Abs(j);
        var one = T.Of(1);
        var z = r * r;
        var sine = T.IsDouble ? SineDouble(r, z) : SineSingle(r, z);
        var cosine = T.IsDouble ? CosineDouble(z) : CosineSingle(z);
        return T.SelectEqual(turned, one, j * cosine, (one - turned) * T.CopySign(sine, r));
    }

    // pi/2 in three parts, each the truncation of what the former leave (so that r keeps the sign of x when k = 0): k times a part is
    // exact inside the fused multiply-add, the first difference is exact, and the later ones round relative to the small r.

    [MethodImpl(Inline.Always)]
    static T ReduceSingle<T>(T x, T k) where T : struct, ILane<T>
        => T.Fma(k, T.Of(-5.390302858158119e-15), T.Fma(k, T.Of(-7.549789415861596e-08), T.Fma(k, T.Of(-1.570796251296997), x)));

    [MethodImpl(Inline.Always)]
    static T ReduceDouble<T>(T x, T k) where T : struct, ILane<T>
        => T.Fma(k, T.Of(-1.082856673921914e-32), T.Fma(k, T.Of(-6.123233995736765e-17), T.Fma(k, T.Of(-1.5707963267948966), x)));

    // The four polynomials hold on |r| <= 0.8, a little over pi/4: k is rounded from an inexact quotient.

    /// <summary>r + r^3 P(r^2), P of degree 2, relative error 4.6e-9.</summary>
    [MethodImpl(Inline.Always)]
    static T SineSingle<T>(T r, T z) where T : struct, ILane<T>
    {
        var p = T.Fma(T.Of(-0.0001950554), z, T.Of(0.00833209511));
        p = T.Fma(p, z, T.Of(-0.166666538));
        return T.Fma(p, r * z, r);
    }

    /// <summary>r + r^3 P(r^2), P of degree 5, relative error 4.8e-18.</summary>
    [MethodImpl(Inline.Always)]
    static T SineDouble<T>(T r, T z) where T : struct, ILane<T>
    {
        var p = T.Fma(T.Of(1.5889847227069843e-10), z, T.Of(-2.5050638750884733e-08));
        p = T.Fma(p, z, T.Of(2.7557312933765524e-06));
        p = T.Fma(p, z, T.Of(-0.00019841269827637636));
        p = T.Fma(p, z, T.Of(0.008333333333319726));
        p = T.Fma(p, z, T.Of(-0.1666666666666662));
        return T.Fma(p, r * z, r);
    }

    /// <summary>1 - r^2 / 2 + r^4 P(r^2), P of degree 2, relative error 1.6e-10.</summary>
    [MethodImpl(Inline.Always)]
    static T CosineSingle<T>(T z) where T : struct, ILane<T>
    {
        var p = T.Fma(T.Of(2.44120856e-05), z, T.Of(-0.00138871302));
        p = T.Fma(p, z, T.Of(0.0416666418));
        p = T.Fma(p, z, T.Of(-0.5));
        return T.Fma(p, z, T.Of(1));
    }

    /// <summary>1 - r^2 / 2 + r^4 P(r^2), P of degree 5, relative error 7.6e-20.</summary>
    [MethodImpl(Inline.Always)]
    static T CosineDouble<T>(T z) where T : struct, ILane<T>
    {
        var p = T.Fma(T.Of(-1.1354252274552293e-11), z, T.Of(2.0875618449264384e-09));
        p = T.Fma(p, z, T.Of(-2.755731357651667e-07));
        p = T.Fma(p, z, T.Of(2.480158728677991e-05));
        p = T.Fma(p, z, T.Of(-0.0013888888888869768));
        p = T.Fma(p, z, T.Of(0.041666666666666574));
        p = T.Fma(p, z, T.Of(-0.5));
        return T.Fma(p, z, T.Of(1));
    }
}
