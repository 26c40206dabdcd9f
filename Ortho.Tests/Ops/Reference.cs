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
}
