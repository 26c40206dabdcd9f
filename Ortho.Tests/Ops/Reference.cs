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
}
