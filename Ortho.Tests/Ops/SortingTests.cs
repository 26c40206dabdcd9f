using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Ops;

/// <summary>Sorting where it is hard: NaN, signed zeros, ties, lines longer than what one group sorts.</summary>
[TestFixture, Category("Kernels"), Category("Devices")]
public class SortingTests
{
    static IEnumerable<string> Kinds => Devices.Kinds;

    [TestCaseSource(nameof(Kinds))]
    public void Special_numbers_have_their_place(string kind)
    {
        var device = Devices.Of(kind);
        double[] x = [double.NaN, 1, -0.0, double.NegativeInfinity, 0, -double.NaN, double.Epsilon, double.PositiveInfinity, -1, -0.0, -double.Epsilon];
        long[] up = [3, 8, 10, 2, 4, 9, 6, 1, 7, 0, 5];
        long[] down = [0, 5, 7, 1, 6, 2, 4, 9, 10, 8, 3];
        foreach (var dtype in (DType[])[DType.Float64, DType.Float32])
        {
            // The smallest float64 are zeros in float32.
            var numbers = dtype == DType.Float64 ? x : [.. x.Select(v => Math.Abs(v) == double.Epsilon ? Math.CopySign(1e-45, v) : v)];
            var tensor = Tensor.From(numbers, [numbers.Length]).To(dtype).To(device);
            Assert.Multiple(() =>
            {
                Assert.That(tensor.ArgSort().ToArray<long>(), Is.EqualTo(up), $"{dtype}");
                Assert.That(tensor.ArgSort(descending: true).ToArray<long>(), Is.EqualTo(down), $"{dtype}, descending");
                Assert.That(tensor.Max(0).Indices.Item(), Is.EqualTo(0));
                Assert.That(tensor.Median().Item(), Is.NaN);
            });
        }
    }

    [TestCaseSource(nameof(Kinds))]
    public void Longs_are_sorted_exactly(string kind)
    {
        long[] x = [(1L << 53) + 1, 1L << 53, long.MaxValue, long.MinValue, -(1L << 53) - 1, -(1L << 53), long.MaxValue - 1];
        var (values, _) = Tensor.From(x, [x.Length], Devices.Of(kind)).Sort();
        Assert.That(values.ToArray<long>(), Is.EqualTo(x.Order()));
    }

    [TestCaseSource(nameof(Kinds))]
    public void Long_lines_are_sorted_stably(string kind)
    {
        var device = Devices.Of(kind);
        var n = device.Kind == DeviceKind.Simulator ? 1100 : 5000;
        var random = new Random(3);
        float[] x = [.. Enumerable.Range(0, 2 * n).Select(_ => (float)random.Next(n / 4))];
        var indices = Tensor.From(x, [2, n], device).Sort().Indices.ToArray<long>();
        for (var line = 0; line < 2; line++)
        {
            var start = line * n;
            Assert.That(indices[start..(start + n)], Is.EqualTo(Enumerable.Range(0, n).OrderBy(i => x[start + i]).Select(i => (long)i)), $"line {line}");
        }
    }

    [Test]
    public void Tied_elements_give_their_gradient_to_the_one_that_was_chosen()
    {
        var x = Tensor.From([1.0, 3, 3, 2], [4]).RequiresGrad();
        (x.TopK(1).Values.Sum() + 10 * x.Max(0).Values + 100 * x.CumMax(0).Values.Sum()).Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new[] { 100.0, 111, 200, 0 }));
    }

    [Test]
    public void Unique_of_nothing_and_of_one_value()
    {
        Assert.That(Tensor.Zeros([0]).Unique().Values.ElementCount, Is.Zero);
        var (values, inverse, counts) = Tensor.Ones([2, 3], DType.Int32).Unique();
        Assert.That(values.ToArray<int>(), Is.EqualTo(new[] { 1 }));
        Assert.That(inverse.ToArray<long>(), Is.EqualTo(new long[6]));
        Assert.That(counts.ToArray<long>(), Is.EqualTo(new[] { 6L }));
    }
}
