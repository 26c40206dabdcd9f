using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Functions;

public static partial class Elementary
{
    /// <summary>The angle of the point (x, y): the arc tangent of y / x, in [-pi, pi], in the quadrant of the point.</summary>
    /// <remarks>Largest error 2.2 ulp in float32, 2 ulp in float64, as an arc tangent (x = 1). Signed zeros and infinities as in IEEE
    /// 754.</remarks>
    [MethodImpl(Inline.Always)]
    public static T Atan2<T>(T y, T x) where T : struct, ILane<T>
    {
        T zero = T.Of(0), one = T.Of(1);
        var (height, width) = (T.Abs(y), T.Abs(x));
        var (small, large) = (T.Min(height, width), T.Max(height, width));
        // A sum of two numbers must not overflow; what is lost of a small one is not seen beside the large.
        var scale = T.SelectLess(T.Of(T.IsDouble ? 1e300 : 1e37), large, T.Of(0.25), one);
        (small, large) = (small * scale, large * scale);

        // atan q = pi/4 + atan((q - 1) / (q + 1)) above tan(pi/8); then the quarters of pi that lead to the quadrant.
        var isSteep = T.SelectLess(large * T.Of(0.41421356237309503), small, one, zero);
        var above = T.SelectEqual(small, large, zero, small - large);
        var numerator = T.SelectEqual(isSteep, one, above, small);
        var denominator = T.SelectEqual(isSteep, one, small + large, T.SelectEqual(large, zero, one, large));
        var r = numerator / denominator;
        var z = r * r;
        var angle = T.Fma(T.IsDouble ? AtanDouble(z) : AtanSingle(z), r * z, r);

        var quarters = isSteep;
        (quarters, angle) = (T.SelectLess(width, height, T.Of(2) - quarters, quarters), T.SelectLess(width, height, -angle, angle));
        var side = T.CopySign(one, x);
        (quarters, angle) = (T.SelectLess(side, zero, T.Of(4) - quarters, quarters), T.SelectLess(side, zero, -angle, angle));
        angle = T.Fma(quarters, T.Of(T.IsDouble ? 3.061616997868383e-17 : -2.1855695000931213e-08), angle);
        angle = T.Fma(quarters, T.Of(T.IsDouble ? 0.7853981633974483 : 0.7853981852531433), angle);
        return T.SelectEqual(x, x, T.SelectEqual(y, y, T.CopySign(angle, y), y), x);
    }

    /// <summary>P with atan r = r + r^3 P(r^2), |r| &lt;= tan(pi/8), in float32: degree 4, relative error 2.8e-9 (interpolated).</summary>
    [MethodImpl(Inline.Always)]
    static T AtanSingle<T>(T z) where T : struct, ILane<T>
    {
        var p = T.Fma(T.Of(-0.0645184144), z, T.Of(0.107437052));
        p = T.Fma(p, z, T.Of(-0.142639533));
        p = T.Fma(p, z, T.Of(0.199995399));
        p = T.Fma(p, z, T.Of(-0.333333313));
        return p;
    }

    /// <summary>P with atan r = r + r^3 P(r^2), |r| &lt;= tan(pi/8), in float64: degree 10, relative error 7.5e-18
    /// (interpolated).</summary>
    [MethodImpl(Inline.Always)]
    static T AtanDouble<T>(T z) where T : struct, ILane<T>
    {
        var p = T.Fma(T.Of(-0.01917627151752634), z, T.Of(0.0392311556198723));
        p = T.Fma(p, z, T.Of(-0.050854323376990765));
        p = T.Fma(p, z, T.Of(0.05858145587628202));
        p = T.Fma(p, z, T.Of(-0.06664511064599371));
        p = T.Fma(p, z, T.Of(0.07692183163650894));
        p = T.Fma(p, z, T.Of(-0.09090904576954117));
        p = T.Fma(p, z, T.Of(0.11111111015227572));
        p = T.Fma(p, z, T.Of(-0.14285714284666184));
        p = T.Fma(p, z, T.Of(0.19999999999995519));
        p = T.Fma(p, z, T.Of(-0.3333333333333333));
        return p;
    }
}
