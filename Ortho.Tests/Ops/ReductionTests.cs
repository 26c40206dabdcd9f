using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Ops;

/// <summary>Reductions and scans where they are hard: nothing, infinities, zeros, many chunks.</summary>
[TestFixture, Category("Kernels"), Category("Devices")]
public class ReductionTests
{
    static IEnumerable<string> Kinds => Devices.Kinds;

    const double Infinity = double.PositiveInfinity;

    static double[] Gradient(Func<Tensor, Tensor> f, double[] x)
    {
        var leaf = Tensor.From(x, [x.Length]).RequiresGrad();
        f(leaf).Sum().Backward();
        return leaf.Grad!.ToArray<double>();
    }

    [Test]
    public void Reductions_of_nothing_are_identities_or_NaN()
    {
        var none = Tensor.Zeros([2, 0], DType.Float64);
        Assert.Multiple(() =>
        {
            Assert.That(none.Sum([1]).ToArray<double>(), Is.All.Zero);
            Assert.That(none.Prod([1]).ToArray<double>(), Is.All.EqualTo(1));
            Assert.That(none.Mean([1]).ToArray<double>(), Is.All.NaN);
            Assert.That(none.Var([1]).ToArray<double>(), Is.All.NaN);
            Assert.That(none.Norm([1]).ToArray<double>(), Is.All.Zero);
            Assert.That(none.NanMean([1]).ToArray<double>(), Is.All.NaN);
            Assert.That(Tensor.Ones([1], DType.Float64).Std().Item(), Is.NaN, "one element has no unbiased deviation");
        });
    }

    [Test]
    public void Gradients_are_zero_where_norms_and_deviations_are()
    {
        double[] zeros = [0, 0, 0];
        Assert.Multiple(() =>
        {
            Assert.That(Gradient(x => x.Norm(), zeros), Is.EqualTo(zeros));
            Assert.That(Gradient(x => x.Norm(3), zeros), Is.EqualTo(zeros));
            Assert.That(Gradient(x => x.Norm(1.5), [0, 2, 0]), Is.EqualTo(new[] { 0.0, 1, 0 }).Within(1e-15));
            Assert.That(Gradient(x => x.Std(), [2, 2, 2]), Is.EqualTo(zeros));
            Assert.That(Gradient(x => x.Prod(), [0, 2, 3]), Is.EqualTo(new[] { 6.0, 0, 0 }));
            Assert.That(Gradient(x => x.Prod(), [0, 0, 3]), Is.EqualTo(zeros));
        });
    }

    [Test]
    public void Sums_of_exponentials_of_minus_infinity()
    {
        double[] none = [-Infinity, -Infinity], some = [-Infinity, 1, -Infinity, 2];
        Assert.Multiple(() =>
        {
            Assert.That(Tensor.From(none, [2]).LogSumExp().Item(), Is.EqualTo(-Infinity));
            Assert.That(Gradient(x => x.LogSumExp(), none), Is.EqualTo(new[] { 0.0, 0 }));
            Assert.That(Tensor.From(some, [4]).LogCumSumExp(0).ToArray<double>(), Is.EqualTo(new[] { -Infinity, 1, 1, 2 + Math.Log(1 + Math.Exp(-1)) }).Within(1e-15));
            Assert.That(Gradient(x => x.LogCumSumExp(0), some), Is.EqualTo(new[] { 0, 2 + 1 / (1 + Math.E), 0, Math.E / (1 + Math.E) }).Within(1e-15));
            Assert.That(Tensor.From(some, [4]).Softmax().ToArray<double>(), Is.EqualTo(new[] { 0, 1 / (1 + Math.E), 0, Math.E / (1 + Math.E) }).Within(1e-15));
            Assert.That(Tensor.From([1e4, 1e4], [2]).LogAddExp(Tensor.From([1e4, -Infinity], [2])).ToArray<double>(), Is.EqualTo(new[] { 1e4 + Math.Log(2), 1e4 }));
        });
    }

    [TestCaseSource(nameof(Kinds))]
    public void Scans_run_through_many_chunks(string kind)
    {
        var device = Devices.Of(kind);
        long[] x = [.. Enumerable.Range(0, 1500).Select(i => (long)i * i * 1_000_003 - (1L << 40))];
        var (sum, most) = (0L, long.MinValue);
        long[] sums = [.. x.Select(v => sum += v)], maxima = [.. x.Select(v => -v).Select(v => most = Math.Max(most, v))];
        var tensor = Tensor.From(x, [x.Length], device);
        Assert.That(tensor.CumSum(0).ToArray<long>(), Is.EqualTo(sums));
        Assert.That((-tensor).CumMax(0).Values.ToArray<long>(), Is.EqualTo(maxima));
    }

    [Test]
    public void A_variance_far_from_zero_keeps_its_digits()
    {
        double[] x = [1e8 + 4, 1e8 + 7, 1e8 + 13, 1e8 + 16];
        Assert.That(Tensor.From(x, [4]).Var().Item(), Is.EqualTo(30));
    }
}
