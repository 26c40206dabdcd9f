using Ortho.Tensors;

namespace Ortho.Kernels.Orthogonal;

/// <summary>The best approximation of the sign function on [-1, -low] and [low, 1] by a rational function with as many terms:
/// <c>f(x) = Factor x (1 + sum of Weights[j] / (x^2 + Poles[j]))</c>, from <see cref="Least"/> to 1 on [low, 1]. Zolotarev 1877; Nakatsukasa and Freund 2016,
/// section 3.</summary>
/// <param name="Poles">Ascending.</param>
/// <param name="Weights">As many.</param>
/// <param name="Factor">Which makes 1 the largest value.</param>
/// <param name="Least">The least value, which is f(low).</param>
readonly record struct SignApproximation(double[] Poles, double[] Weights, double Factor, double Least)
{
    /// <summary>The approximation with a number of terms; with one, Halley's dynamically weighted iteration.</summary>
    public static SignApproximation On(double low, int terms)
    {
        // low^2 sn^2 / cn^2 at j K' / (2 terms + 1), of the modulus complementary to low, by the arithmetic-geometric mean (Abramowitz and Stegun, 16.4).
        List<double> means = [];
        var (a, b) = (1.0, low);
        for (; a - b > 1e-15 * a; (a, b) = ((a + b) / 2, Math.Sqrt(a * b)))
            means.Add((a - b) / (a + b));
        var poles = Enumerable.Range(1, terms).Select(j => Square(2 * j - 1)).ToArray();
        var zeros = Enumerable.Range(1, terms).Select(j => Square(2 * j)).ToArray();
        var weights = poles.Select((pole, j) => Product(zeros, pole) / Product([.. poles.Where((_, k) => k != j)], pole)).ToArray();
        var factor = 1 / Value(1);
        return new(poles, weights, factor, factor * Value(low));

        double Square(int j)
        {
            var amplitude = Math.ScaleB(Math.PI * j / (4 * terms + 2), means.Count);
            for (var k = means.Count - 1; k >= 0; k--)
                amplitude = (amplitude + Math.Asin(means[k] * Math.Sin(amplitude))) / 2;
            var value = low * Math.Tan(amplitude);
            return value * value;
        }

        double Value(double x) => x * (1 + poles.Zip(weights, (pole, weight) => weight / (x * x + pole)).Sum());

        static double Product(double[] points, double from) => points.Aggregate(1.0, (product, point) => product * (point - from));
    }
}
