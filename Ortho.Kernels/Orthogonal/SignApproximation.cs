using Ortho.Kernels.Skeletons;
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
    // Numbers of a row of the table.
    internal const int RangeColumns = 3 + 2 * Polar.MostPoles;

    static readonly Lazy<Constants> singles = new(() => Table(Polar.EnoughSingle)), doubles = new(() => Table(Polar.EnoughDouble));

    /// <summary>The approximations that polar factors are made by, each with as few poles as one Newton-Schulz step to the power 4 can follow: for singular values from
    /// 1 to the number in a row's first column, the others are what the matrix over its largest singular value is multiplied by, so that 1 is in the middle of what comes
    /// out; for each pole p, 1 / p; for each pole, its weight over it; and the farthest that squares of singular values are from 1 then.</summary>
    public static Tensor Ranges(DType dtype, Device device) => (dtype.RealType == DType.Float64 ? doubles : singles).Value.On(device, dtype);

    static Constants Table(double enough)
    {
        // Every range is a quarter of an octave longer than the one before; those beyond are for what should not be.
        double[] ranges = [.. Enumerable.Range(0, 24).Select(i => Polar.RationalRange * Math.Pow(2, (i - 23) / 4.0)), 128, 512];
        List<double> table = [1 / Polar.Near, 2 * Polar.Near / (1 + Polar.Near), .. new double[2 * Polar.MostPoles], Farthest(Polar.Near)];
        foreach (var range in ranges)
        {
            var sign = On(1 / range, 1);
            for (var poles = 2; poles <= Polar.MostPoles && 0.5 * Math.Pow(Farthest(sign.Least), 5) > enough; poles++)
                sign = On(1 / range, poles);
            var none = new double[Polar.MostPoles - sign.Poles.Length];
            table.AddRange([range, sign.Factor * 2 / (1 + sign.Least) / range, .. sign.Poles.Select(pole => 1 / (range * range * pole)), .. none,
                .. sign.Weights.Zip(sign.Poles, (weight, pole) => weight / pole), .. none, Farthest(sign.Least)]);
        }
        return new([.. table], [table.Count / RangeColumns, RangeColumns]);
    }

    // Farthest that squares are from 1 in a range [least, 1] scaled to have 1 in its middle.
    static double Farthest(double least) => Math.Pow(2 - 2 * least / (1 + least), 2) - 1;

    /// <summary>The approximation with one term, however small low is: Halley's iteration, dynamically weighted. Nakatsukasa, Bai and Gygi 2010, (3.10).</summary>
    public static SignApproximation Halley(double low)
    {
        var square = low * low;
        var d = Math.Cbrt(4 * (1 - square) / (square * square));
        var root = Math.Sqrt(1 + d);
        var a = root + Math.Sqrt(8 - 4 * d + 8 * (2 - square) / (square * root)) / 2;
        var b = (a - 1) * (a - 1) / 4;
        var c = a + b - 1;
        return new([1 / c], [a / b - 1 / c], b / c, low * (a + b * square) / (1 + c * square));
    }

    /// <summary>The approximation with a number of terms.</summary>
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
