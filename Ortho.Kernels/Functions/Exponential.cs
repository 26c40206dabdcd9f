using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Functions;

public static partial class Elementary
{
    /// <summary>e^x.</summary>
    /// <remarks>Largest error 1.05 ulp in float32, 0.97 ulp in float64; subnormal results within 1 ulp of theirs.</remarks>
    [MethodImpl(Inline.Always)]
    public static T Exp<T>(T x) where T : struct, ILane<T>
    {
        // The bounds lie beyond overflow and underflow. Bound first, x second: NaN passes.
        x = T.Min(T.Of(T.IsDouble ? 710 : 89), T.Max(T.Of(T.IsDouble ? -746 : -104.5), x));
        var k = Octaves(x);
        return Scaled(Expm1Reduced(x, k) + T.Of(1), k);
    }

    /// <summary>2^x.</summary>
    /// <remarks>Largest error 1.1 ulp in float32, 1 ulp in float64; exact for integers.</remarks>
    [MethodImpl(Inline.Always)]
    public static T Exp2<T>(T x) where T : struct, ILane<T>
    {
        x = T.Min(T.Of(T.IsDouble ? 1025 : 129), T.Max(T.Of(T.IsDouble ? -1080 : -155), x));
        var k = Round(x, 1);
        return Scaled(Expm1Reduced((x - k) * T.Of(0.69314718055994531), T.Of(0)) + T.Of(1), k);
    }

    // y 2^k, in two factors: neither leaves the normal numbers, and only the last product rounds (or overflows).
    [MethodImpl(Inline.Always)]
    static T Scaled<T>(T y, T k) where T : struct, ILane<T>
    {
        var first = Round(k, 0.5);
        return y * T.Exp2Int(first) * T.Exp2Int(k - first);
    }

    /// <summary>e^x - 1, accurate near zero.</summary>
    /// <remarks>Largest error 1.6 ulp in float32, 1.8 ulp in float64. expm1(-0) = -0.</remarks>
    [MethodImpl(Inline.Always)]
    public static T Expm1<T>(T x) where T : struct, ILane<T>
    {
        // Below the lower bound the result rounds to -1.
        var bounded = T.Min(T.Of(T.IsDouble ? 710 : 89), T.Max(T.Of(T.IsDouble ? -40 : -20), x));
        var k = Octaves(bounded);
        var p = Expm1Reduced(bounded, k);

        // 2 (2^(k-1) p + 2^(k-1) - 1/2): halved, because 2^k itself may be too large. For k = 0 it is p, and halving might cost a bit of
        // a subnormal.
        var half = T.Of(0.5);
        var scale = T.Exp2Int(k - T.Of(1));
        var y = T.Fma(scale, p, scale - half);
        return T.CopySign(T.SelectEqual(k, T.Of(0), p, y + y), x);
    }

    /// <summary>The integer nearest to x / log 2.</summary>
    [MethodImpl(Inline.Always)]
    static T Octaves<T>(T x) where T : struct, ILane<T> => Round(x, 1.4426950408889634);

    /// <summary>e^(x - k log 2) - 1 as r + r^2 P(r), |r| a little over log(2) / 2 at most; x itself when x is tiny.</summary>
    /// <remarks>log 2 in two parts: k times the first is exact inside the fused multiply-add, and so is the difference.</remarks>
    [MethodImpl(Inline.Always)]
    static T Expm1Reduced<T>(T x, T k) where T : struct, ILane<T>
    {
        var r = T.Fma(k, T.Of(T.IsDouble ? -0.6931471805599453 : -0.6931471228599548), x);
        r = T.Fma(k, T.Of(T.IsDouble ? -2.3190468138462996e-17 : -5.769998878690785e-08), r);
        return T.Fma(T.IsDouble ? ExpDouble(r) : ExpSingle(r), r * r, r);
    }

    /// <summary>P on [-0.3468, 0.3468] in float32: degree 4, relative error 1.6e-8 of e^r - 1.</summary>
    [MethodImpl(Inline.Always)]
    static T ExpSingle<T>(T r) where T : struct, ILane<T>
    {
        var p = T.Fma(T.Of(0.00139760657), r, T.Of(0.0083681345));
        p = T.Fma(p, r, T.Of(0.0416661575));
        p = T.Fma(p, r, T.Of(0.166665316));
        p = T.Fma(p, r, T.Of(0.5));
        return p;
    }

    /// <summary>P on [-0.3468, 0.3468] in float64: degree 10, relative error 1.9e-18 of e^r - 1.</summary>
    [MethodImpl(Inline.Always)]
    static T ExpDouble<T>(T r) where T : struct, ILane<T>
    {
        var p = T.Fma(T.Of(2.096033658328143e-09), r, T.Of(2.5110510618756256e-08));
        p = T.Fma(p, r, T.Of(2.755714965185482e-07));
        p = T.Fma(p, r, T.Of(2.7557240243038054e-06));
        p = T.Fma(p, r, T.Of(2.48015874403555e-05));
        p = T.Fma(p, r, T.Of(0.00019841269889757585));
        p = T.Fma(p, r, T.Of(0.0013888888888842436));
        p = T.Fma(p, r, T.Of(0.008333333333320342));
        p = T.Fma(p, r, T.Of(0.04166666666666671));
        p = T.Fma(p, r, T.Of(0.16666666666666677));
        p = T.Fma(p, r, T.Of(0.5));
        return p;
    }
}
