using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Functions;

public static partial class Elementary
{
    /// <summary>log |Gamma(x)|; infinite at 0, -1, -2, ...</summary>
    /// <remarks>Largest error 4e-7 (1 + |y|) in float32, 4e-15 (1 + |y|) in float64: absolute near the zeros at 1 and 2.</remarks>
    [MethodImpl(Inline.Always)]
    public static T Lgamma<T>(T x) where T : struct, ILane<T>
    {
        // Gamma(x) Gamma(1 - x) = pi / sin(pi x) takes numbers below 1/2 above it; the sine is that of the distance to an integer.
        T half = T.Of(0.5), one = T.Of(1);
        var y = T.SelectLess(x, half, one - x, x);
        var above = LgammaAbove(y);
        var sine = T.Abs(T.Sin((x - T.Round(x)) * T.Of(Math.PI)));
        return T.SelectLess(x, half, T.Of(1.1447298858494002) - T.Log(sine) - above, above);
    }

    /// <summary>log Gamma(x) for x >= 1/2: Stirling's series at x + n, less the logarithm of x (x + 1) ... (x + n - 1).</summary>
    [MethodImpl(Inline.Always)]
    static T LgammaAbove<T>(T x) where T : struct, ILane<T>
    {
        T one = T.Of(1), product = one, far = T.Of(T.IsDouble ? 10 : 5), y = x;
        for (var k = 0; k < (T.IsDouble ? 10 : 5); k++)
        {
            (product, y) = (T.SelectLess(y, far, product * y, product), T.SelectLess(y, far, y + one, y));
        }
        // The coefficients are B_2k / (2k (2k - 1)).
        var z = one / y;
        var square = z * z;
        var series = T.Fma(square, T.Of(1.0 / 156), T.Of(-691.0 / 360360));
        series = T.Fma(series, square, T.Of(1.0 / 1188));
        series = T.Fma(series, square, T.Of(-1.0 / 1680));
        series = T.Fma(series, square, T.Of(1.0 / 1260));
        series = T.Fma(series, square, T.Of(-1.0 / 360));
        series = T.Fma(series, square, T.Of(1.0 / 12));
        // log(2 pi) / 2 - 1/2.
        var rest = T.Fma(series, z, T.Of(0.41893853320467274)) - T.Log(product);
        return T.Fma(y - T.Of(0.5), T.Log(y) - one, rest);
    }

    /// <summary>The derivative of log Gamma(x); NaN at 0, -1, -2, ...</summary>
    /// <remarks>Largest error 1e-6 (1 + |y|) in float32, 5e-15 (1 + |y|) in float64.</remarks>
    [MethodImpl(Inline.Always)]
    public static T Digamma<T>(T x) where T : struct, ILane<T>
    {
        // psi(x) = psi(1 - x) - pi / tan(pi x) below 1/2; psi(y) = psi(y + 1) - 1 / y up to where the series is exact.
        T half = T.Of(0.5), one = T.Of(1), far = T.Of(T.IsDouble ? 10 : 5);
        var y = T.SelectLess(x, half, one - x, x);
        var shift = T.Of(0);
        for (var k = 0; k < (T.IsDouble ? 10 : 5); k++)
        {
            (shift, y) = (T.SelectLess(y, far, shift + one / y, shift), T.SelectLess(y, far, y + one, y));
        }
        // The coefficients are B_2k / 2k.
        var z = one / y;
        var square = z * z;
        var series = T.Fma(square, T.Of(1.0 / 12), T.Of(-691.0 / 32760));
        series = T.Fma(series, square, T.Of(1.0 / 132));
        series = T.Fma(series, square, T.Of(-1.0 / 240));
        series = T.Fma(series, square, T.Of(1.0 / 252));
        series = T.Fma(series, square, T.Of(-1.0 / 120));
        series = T.Fma(series, square, T.Of(1.0 / 12));
        var above = T.Log(y) - T.Fma(series, square, z * half) - shift;
        var angle = (x - T.Round(x)) * T.Of(Math.PI);
        return T.SelectLess(x, half, above - T.Of(Math.PI) * T.Cos(angle) / T.Sin(angle), above);
    }
}
