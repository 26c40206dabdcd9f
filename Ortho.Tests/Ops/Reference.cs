namespace Ortho.Tests.Ops;

/// <summary>Independent formulas that System.Math does not have.</summary>
static class Reference
{
    /// <summary>Error function: Taylor series near 0, continued fraction beyond. Abramowitz and Stegun 7.1.5, 7.1.14.</summary>
    public static double Erf(double x)
    {
        if (double.IsNaN(x) || x == 0)
            return x;
        var size = Math.Abs(x);
        if (size > 6)
            return Math.Sign(x);
        if (size < 2.5)
        {
            double term = x, sum = x;
            for (var n = 1; n < 80; n++)
            {
                term *= -x * x / n;
                sum += term / (2 * n + 1);
            }
            return 2 / Math.Sqrt(Math.PI) * sum;
        }
        double fraction = size;
        for (var k = 120; k > 0; k--)
            fraction = size + k / 2.0 / fraction;
        return Math.Sign(x) * (1 - Math.Exp(-x * x) / Math.Sqrt(Math.PI) / fraction);
    }

    /// <summary>1 - erf x; by the continued fraction where that would cancel.</summary>
    public static double Erfc(double x)
    {
        if (double.IsNaN(x) || x < 2)
            return 1 - Erf(x);
        if (double.IsInfinity(x))
            return 0;
        var fraction = x;
        for (var k = 120; k > 0; k--)
            fraction = x + k / 2.0 / fraction;
        return Math.Exp(-x * x) / Math.Sqrt(Math.PI) / fraction;
    }

    /// <summary>The y with erf y = x, by bisection.</summary>
    public static double Erfinv(double x)
    {
        if (!(Math.Abs(x) < 1))
            return Math.Abs(x) == 1 ? x / 0.0 : double.NaN;
        if (Math.Abs(x) < 1e-8)
            return x * Math.Sqrt(Math.PI) / 2;
        var (low, high) = (0.0, 7.0);
        for (var step = 0; step < 100; step++)
        {
            var middle = (low + high) / 2;
            // Beyond 1/2 the complements, which are exact there, are compared.
            var isBelow = Math.Abs(x) < 0.5 ? Erf(middle) < Math.Abs(x) : Erfc(middle) > 1 - Math.Abs(x);
            (low, high) = isBelow ? (middle, high) : (low, middle);
        }
        return Math.CopySign(low, x);
    }

    /// <summary>log |Gamma(x)| by Lanczos' approximation (g = 7, n = 9).</summary>
    public static double Lgamma(double x)
    {
        if (x <= 0 && x == Math.Floor(x))
            return double.PositiveInfinity;
        if (x < 0.5)
            return Math.Log(Math.PI / Math.Abs(Math.Sin(Math.PI * x))) - Lgamma(1 - x);
        if (double.IsPositiveInfinity(x))
            return x;
        double[] c =
        [
            0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
            12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
        ];
        var sum = c[0];
        for (var k = 1; k < 9; k++)
            sum += c[k] / (x - 1 + k);
        var t = x + 6.5;
        return 0.5 * Math.Log(2 * Math.PI) + (x - 0.5) * Math.Log(t) - t + Math.Log(sum);
    }

    /// <summary>The derivative of log Gamma(x) by its series: sum of 1/(k + 1) - 1/(k + x), the tail by an integral's midpoint rule.</summary>
    public static double Digamma(double x)
    {
        const int terms = 20000;
        var sum = -0.57721566490153286;
        for (var k = terms - 1; k >= 0; k--)
            sum += 1.0 / (k + 1) - 1 / (k + x);
        var (a, b) = (terms + 0.5, terms + x - 0.5);
        return sum + Math.Log(b / a) + (1 / (a * a) - 1 / (b * b)) / 24;
    }
}
