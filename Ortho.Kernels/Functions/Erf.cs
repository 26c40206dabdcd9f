using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Functions;

public static partial class Elementary
{
    /// <summary>Error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.</summary>
    /// <remarks>Largest error 1.85 ulp in float32, 2.15 ulp in float64. erf(-0) = -0, erf(+-infinity) = +-1.</remarks>
    [MethodImpl(Inline.Always)]
    public static T Erf<T>(T x) where T : struct, ILane<T>
    {
        // erf a = 1 - e^-q(a) with q(a) = -log erfc a = a + a P(a), which is smooth where erf has two regimes: relative accuracy at zero
        // comes from expm1, and errors of q at large a vanish under e^-q. Beyond the bound the result rounds to 1.
        var a = T.Min(T.Of(T.IsDouble ? 6 : 4), T.Abs(x));
        var q = -T.Fma(a, T.IsDouble ? ErfDouble(a) : ErfSingle(a), a);
        var k = Octaves(q);
        var scale = T.Exp2Int(k);
        return T.CopySign(T.Fma(scale, Expm1Reduced(q, k), scale - T.Of(1)), x);
    }

    /// <summary>P(a) = -log(erfc a) / a - 1 on [0, 4] in float32: degree 8, relative error 4.3e-9 of erf.</summary>
    [MethodImpl(Inline.Always)]
    static T ErfSingle<T>(T a) where T : struct, ILane<T>
    {
        var p = T.Fma(T.Of(-9.38596986e-06), a, T.Of(0.000118847965));
        p = T.Fma(p, a, T.Of(-0.000637330115));
        p = T.Fma(p, a, T.Of(0.00167563814));
        p = T.Fma(p, a, T.Of(-0.00016948425));
        p = T.Fma(p, a, T.Of(-0.0191478264));
        p = T.Fma(p, a, T.Of(0.102776304));
        p = T.Fma(p, a, T.Of(0.636619568));
        p = T.Fma(p, a, T.Of(0.128379166));
        return p;
    }

    /// <summary>P(a) = -log(erfc a) / a - 1 on [0, 6] in float64: degree 22, relative error 7.8e-17 of erf.</summary>
    [MethodImpl(Inline.Always)]
    static T ErfDouble<T>(T a) where T : struct, ILane<T>
    {
        var p = T.Fma(T.Of(1.1823485452997338e-14), a, T.Of(-4.764307497411247e-13));
        p = T.Fma(p, a, T.Of(8.738634104862758e-12));
        p = T.Fma(p, a, T.Of(-9.568303785323603e-11));
        p = T.Fma(p, a, T.Of(6.826703196736695e-10));
        p = T.Fma(p, a, T.Of(-3.1621433574114802e-09));
        p = T.Fma(p, a, T.Of(7.821501488222332e-09));
        p = T.Fma(p, a, T.Of(8.24047558540718e-09));
        p = T.Fma(p, a, T.Of(-1.737496047448796e-07));
        p = T.Fma(p, a, T.Of(8.529982377784153e-07));
        p = T.Fma(p, a, T.Of(-2.4286121334007065e-06));
        p = T.Fma(p, a, T.Of(3.5631323723318196e-06));
        p = T.Fma(p, a, T.Of(2.7974669231346396e-06));
        p = T.Fma(p, a, T.Of(-2.93248311375012e-05));
        p = T.Fma(p, a, T.Of(6.429081361641091e-05));
        p = T.Fma(p, a, T.Of(2.5954829748023022e-05));
        p = T.Fma(p, a, T.Of(-0.0005901466820399159));
        p = T.Fma(p, a, T.Of(0.0016962104973893453));
        p = T.Fma(p, a, T.Of(-0.0002091952247753623));
        p = T.Fma(p, a, T.Of(-0.019128446963662612));
        p = T.Fma(p, a, T.Of(0.10277260330009702));
        p = T.Fma(p, a, T.Of(0.6366197723676105));
        p = T.Fma(p, a, T.Of(0.1283791670955125));
        return p;
    }
}
