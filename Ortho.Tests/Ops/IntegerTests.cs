using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Ops;

/// <summary>Integers are exact beyond float64's 2^53, wrap around at their ends, and are promoted as PyTorch does.</summary>
[TestFixture, Category("Kernels"), Category("Devices")]
public class IntegerTests
{
    static IEnumerable<string> Kinds => Devices.Kinds;

    // More than a vector of any width, with the ends and their neighbours.
    static readonly long[] large = [.. Enumerable.Range(0, 20).Select(i => (1L << 53) + i), long.MaxValue, long.MinValue, -1, 0, 1, (1L << 62) + 1, -(1L << 60) - 3];

    static long[] Map(Func<long, long, long> formula, long[] a, long[] b) => [.. a.Zip(b, formula)];

    static long Floor(long a, long b) => b == 0 ? 0 : b == -1 ? unchecked(-a) : a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);

    [TestCaseSource(nameof(Kinds))]
    public void Long_arithmetic_is_exact(string kind)
    {
        var device = Devices.Of(kind);
        long[] other = [.. large.Select((x, i) => (i % 5) switch { 0 => 3, 1 => -7, 2 => -1, 3 => 0, _ => x / 2 + 1 })];
        var (a, b) = (Tensor.From(large, [large.Length], device), Tensor.From(other, [large.Length], device));
        Assert.Multiple(() =>
        {
            Assert.That((a + b).ToArray<long>(), Is.EqualTo(Map((x, y) => unchecked(x + y), large, other)));
            Assert.That((a - b).ToArray<long>(), Is.EqualTo(Map((x, y) => unchecked(x - y), large, other)));
            Assert.That((a * b).ToArray<long>(), Is.EqualTo(Map((x, y) => unchecked(x * y), large, other)));
            Assert.That((a + ((1L << 53) + 1)).ToArray<long>(), Is.EqualTo(Map((x, _) => unchecked(x + ((1L << 53) + 1)), large, other)));
            Assert.That(a.FloorDivide(b).ToArray<long>(), Is.EqualTo(Map(Floor, large, other)));
            Assert.That(a.Remainder(b).ToArray<long>(), Is.EqualTo(Map((x, y) => y is 0 or -1 ? 0 : x - Floor(x, y) * y, large, other)));
            Assert.That(a.Fmod(b).ToArray<long>(), Is.EqualTo(Map((x, y) => y is 0 or -1 ? 0 : x % y, large, other)));
            Assert.That(a.Abs().ToArray<long>(), Is.EqualTo(large.Select(x => x < 0 ? unchecked(-x) : x)));
            Assert.That(a.Clamp(0, double.PositiveInfinity).ToArray<long>(), Is.EqualTo(large.Select(x => Math.Max(x, 0))));
            Assert.That(a.Max().ToArray<long>(), Is.EqualTo(new[] { long.MaxValue }));
            Assert.That(a.Min().ToArray<long>(), Is.EqualTo(new[] { long.MinValue }));
            Assert.That(a.Sum().ToArray<long>(), Is.EqualTo(new[] { large.Aggregate(0L, (x, y) => unchecked(x + y)) }));
            Assert.That(Tensor.Where(a.Less(b), a, b).ToArray<long>(), Is.EqualTo(Map(Math.Min, large, other)));
        });
    }

    [TestCaseSource(nameof(Kinds))]
    public void Longs_are_compared_exactly(string kind)
    {
        var device = Devices.Of(kind);
        var a = Tensor.From(large, [large.Length], device);
        var next = Tensor.From([.. large.Select(x => unchecked(x + 1))], [large.Length], device);
        Assert.Multiple(() =>
        {
            Assert.That(a.EqualTo(next).Any().Item(), Is.Zero);
            Assert.That(a.Less(next).ToArray<bool>(), Is.EqualTo(large.Select(x => x != long.MaxValue)));
            Assert.That(a.GreaterEqual(next).ToArray<bool>(), Is.EqualTo(large.Select(x => x == long.MaxValue)));
            Assert.That(a.Equal(a) && !a.Equal(next) && !a.Equal(a.Unsqueeze(0)));
        });
    }

    [Test]
    public void Ints_wrap_and_do_not_trap()
    {
        var a = Tensor.From([int.MinValue, int.MaxValue, 5, int.MinValue], [4]);
        var b = Tensor.From([-1, 1, 0, 0], [4]);
        Assert.Multiple(() =>
        {
            Assert.That(a.FloorDivide(b).ToArray<int>(), Is.EqualTo(new[] { int.MinValue, int.MaxValue, 0, 0 }));
            Assert.That(a.Fmod(b).ToArray<int>(), Is.EqualTo(new[] { 0, 0, 0, 0 }));
            Assert.That((a + b).ToArray<int>(), Is.EqualTo(new[] { int.MaxValue, int.MinValue, 5, int.MinValue }));
            Assert.That(a.Sum().ToArray<long>(), Is.EqualTo(new[] { 2L * int.MinValue + int.MaxValue + 5 }), "sums are Int64");
        });
    }

    [TestCase(DType.Bool, DType.Bool, DType.Bool)]
    [TestCase(DType.Bool, DType.Int32, DType.Int32)]
    [TestCase(DType.Int32, DType.Int64, DType.Int64)]
    [TestCase(DType.Int64, DType.Half, DType.Half)]
    [TestCase(DType.Int64, DType.Float32, DType.Float32)]
    [TestCase(DType.Int32, DType.Complex64, DType.Complex64)]
    public void Sums_have_the_larger_dtype(DType a, DType b, DType sum)
    {
        Assert.That((Tensor.Ones([2], a) + Tensor.Ones([2], b)).DType, Is.EqualTo(sum));
        Assert.That((Tensor.Ones([2], b) * Tensor.Ones([2], a)).DType, Is.EqualTo(sum));
    }

    [TestCase(DType.Bool, DType.Int64, DType.Float32, DType.Float32)]
    [TestCase(DType.Int32, DType.Int32, DType.Float32, DType.Float32)]
    [TestCase(DType.Int64, DType.Int64, DType.Float32, DType.Float32)]
    [TestCase(DType.Half, DType.Half, DType.Half, DType.Half)]
    [TestCase(DType.Float64, DType.Float64, DType.Float64, DType.Float64)]
    public void Numbers_keep_the_category(DType dtype, DType plusTwo, DType plusFraction, DType overTwo)
    {
        var x = Tensor.Ones([2], dtype);
        Assert.Multiple(() =>
        {
            Assert.That((x + 2).DType, Is.EqualTo(plusTwo));
            Assert.That((2 * x).DType, Is.EqualTo(plusTwo));
            Assert.That((x * 2.5).DType, Is.EqualTo(plusFraction));
            Assert.That((x / 2).DType, Is.EqualTo(overTwo));
        });
    }

    [Test]
    public void Fractions_are_divided_exactly_over_many_powers_of_two()
    {
        double[] a = [1e15, -1e18, 7.25, -7.25, 5, -0.0, 1e300, 3, -3, double.PositiveInfinity, 1e-310];
        double[] b = [3, 0.7, -2, 2, double.PositiveInfinity, 3, 7, double.NegativeInfinity, double.PositiveInfinity, 2, 3e-320];
        var (x, y) = (Tensor.From(a, [a.Length]), Tensor.From(b, [b.Length]));
        Assert.Multiple(() =>
        {
            // .NET's % is the C library's exact fmod; the quotient of element 6 is beyond 2^60.
            Assert.That(x.Fmod(y).ToArray<double>(), Is.EqualTo(a.Zip(b, (p, q) => p == 1e300 ? double.NaN : p % q)));
            Assert.That(x.Remainder(y).ToArray<double>(), Is.EqualTo(a.Zip(b, (p, q) => p == 1e300 ? double.NaN : p % q is var r && r != 0 && r < 0 != q < 0 ? r + q : r)));
        });
    }
}
