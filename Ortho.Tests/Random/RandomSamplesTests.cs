using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Random;
using Ortho.Tensors;
using Ortho.Tests.Ops;

namespace Ortho.Tests;

/// <summary>Distributions of what is drawn; bounds are five standard errors. Devices and threads are compared in the op table.</summary>
[TestFixture]
public class RandomSamplesTests
{
    const int Count = 200_000;

    static double[] Doubles(Tensor x) => x.To(DType.Float64).ToArray<double>();

    static void IsProbability(double found, double expected, int count, string what)
        => Assert.That(found / count, Is.EqualTo(expected).Within(5 * Math.Sqrt(expected * (1 - expected) / count) + 1e-12), what);

    [TestCase(0, 1, -2, 2), TestCase(1, 2, 0, double.PositiveInfinity), TestCase(0, 1, 4, 5), TestCase(-3, 0.5, -3.1, -3)]
    public void Truncated_normal_has_its_distribution(double mean, double deviation, double low, double high)
    {
        double Below(double x) => Reference.Erfc((mean - x) / deviation / Math.Sqrt(2)) / 2;
        var drawn = Doubles(Tensor.TruncatedNormal([Count], new(3), mean, deviation, low, high));
        var to = double.IsInfinity(high) ? mean + 4 * deviation : high;
        Assert.That(drawn, Has.All.InRange((float)low, (double)(float)high));
        for (var k = 1; k < 8; k++)
        {
            var x = low + k * (to - low) / 8;
            // From the upper tail, where the lower function has no digits left.
            double Above(double y) => double.IsInfinity(y) ? 0 : Below(2 * mean - y);
            IsProbability(drawn.Count(value => value > x), (Above(x) - Above(high)) / (Above(low) - Above(high)), Count, $"above {x}");
        }
    }

    [Test]
    public void Bernoulli_has_its_probability()
    {
        foreach (var p in new[] { 0, 0.001, 0.3, 0.5, 1 })
            IsProbability(Doubles(Tensor.Bernoulli([Count], new(4), p)).Sum(), p, Count, $"{p}");
        var drawn = Tensor.Linspace(0, 1, 5, DType.Float64).Unsqueeze(1).Expand(5, 40_000).Bernoulli(new(4)).Sum([1]).ToArray<double>();
        for (var k = 0; k < 5; k++)
            IsProbability(drawn[k], k / 4.0, 40_000, $"{k}/4");
        Assert.That(drawn[0], Is.Zero);
        Assert.That(drawn[4], Is.EqualTo(40_000));
    }

    [TestCase(0, 2), TestCase(-3, 4), TestCase(0, 10)]
    public void Whole_numbers_are_equally_likely(long low, long high)
    {
        var drawn = Tensor.RandInt([Count], low, high, new(6)).ToArray<long>();
        Assert.That(drawn, Has.All.InRange(low, high - 1));
        for (var value = low; value < high; value++)
            IsProbability(drawn.Count(x => x == value), 1.0 / (high - low), Count, $"{value}");
    }

    [Test]
    public void Whole_numbers_fill_every_range()
    {
        var wide = Tensor.RandInt([Count], long.MinValue, long.MaxValue, new(6)).ToArray<long>();
        for (var bit = 0; bit < 64; bit++)
            IsProbability(wide.Count(x => (x >> bit & 1) != 0), 0.5, Count, $"bit {bit}");
        Assert.That(Tensor.RandInt([100], int.MinValue, int.MaxValue + 1L, new(6), DType.Int32).ToArray<int>().Distinct().Count(), Is.EqualTo(100));
        Assert.That(Tensor.RandInt([100], 7, 8, new(6)).ToArray<long>(), Is.All.EqualTo(7));
        var stream = new PhiloxStream(2);
        for (var i = 0; i < 1000; i++)
        {
            ulong a = stream.NextUInt32() | ((ulong)stream.NextUInt32() << 32), b = (stream.NextUInt32() | ((ulong)stream.NextUInt32() << 32)) >> (i % 64);
            Assert.That(RandomIntegers.HighHalf(a, b), Is.EqualTo(Math.BigMul(a, b, out _)));
        }
        Assert.That(RandomIntegers.HighHalf(ulong.MaxValue, ulong.MaxValue), Is.EqualTo(ulong.MaxValue - 1));
    }

    [Test]
    public void Every_permutation_is_equally_likely()
    {
        var generator = new Generator(8);
        const int count = 12_000;
        var orders = Enumerable.Range(0, count).GroupBy(_ => string.Concat(Tensor.Permutation(3, generator).ToArray<long>())).ToList();
        Assert.That(orders, Has.Count.EqualTo(6));
        foreach (var order in orders)
            IsProbability(order.Count(), 1.0 / 6, count, order.Key);
        Assert.That(Tensor.Permutation(1000, generator).ToArray<long>().Order(), Is.EqualTo(Enumerable.Range(0, 1000)));
        Assert.That(Tensor.Permutation(0, generator).ElementCount, Is.Zero);
    }

    [Test]
    public void Classes_are_drawn_in_proportion_to_their_weights()
    {
        float[] weights = [1, 0, 2, 5, 0.004f];
        var drawn = Tensor.From([.. weights, .. weights.Reverse()], [2, 5]).Multinomial(Count / 4, new(9));
        Assert.That((drawn.Shape, drawn.DType), Is.EqualTo((Shape.Create([2, Count / 4]), DType.Int64)));
        for (var k = 0; k < 5; k++)
        {
            IsProbability(drawn.Select(0, 0).ToArray<long>().Count(x => x == k), weights[k] / weights.Sum(), Count / 4, $"{k}");
            IsProbability(drawn.Select(0, 1).ToArray<long>().Count(x => x == 4 - k), weights[k] / weights.Sum(), Count / 4, $"{k} in reverse");
        }
    }

    [TestCase(DType.BFloat16), TestCase(DType.Half)]
    public void Half_precision_is_float32_rounded(DType dtype)
    {
        Assert.That(Doubles(Tensor.Uniform([999], new(1), -1, 1, dtype)), Is.EqualTo(Doubles(Tensor.Uniform([999], new(1), -1, 1).To(dtype))));
        Assert.That(Doubles(Tensor.Normal([999], new(1), 1, 2, dtype)), Is.EqualTo(Doubles(Tensor.Normal([999], new(1), 1, 2).To(dtype))));
    }

    [Test]
    public void Each_draw_takes_new_numbers()
    {
        foreach (var draw in (Func<Generator, Tensor>[])[g => Tensor.RandInt([9], 0, 1000, g), g => Tensor.Permutation(9, g), g => Tensor.Bernoulli([90], g, 0.5), g => Tensor.TruncatedNormal([9], g)])
        {
            var generator = new Generator(3);
            var (first, second) = (Doubles(draw(generator)), Doubles(draw(generator)));
            Assert.That(second, Is.Not.EqualTo(first));
            Assert.That(Doubles(draw(new(3))), Is.EqualTo(first));
        }
    }

    [Test]
    public void Grids_meet_their_ends_and_powers_are_exact()
    {
        Assert.That(Tensor.Linspace(0.1, 0.7, 30, DType.Float64).ToArray<double>() is [0.1, .., 0.7]);
        Assert.That(Tensor.Logspace(-3, 10, 14, 10, DType.Float64).ToArray<double>()[3..], Is.EqualTo(Enumerable.Range(0, 11).Select(k => Math.Pow(10, k))));
        Assert.That(Tensor.Arange(0, 1, 0.1, DType.Float64).ToArray<double>(), Is.EqualTo(Enumerable.Range(0, 10).Select(k => k * 0.1)));
        Assert.That(Tensor.Arange(5, 0, -2, DType.Int64).ToArray<long>(), Is.EqualTo(new long[] { 5, 3, 1 }));
    }
}
