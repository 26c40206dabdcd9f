using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Tests.Ops;

/// <summary>Comparisons of special numbers and of tensors as wholes.</summary>
[TestFixture]
public class ComparisonTests
{
    const double Infinity = double.PositiveInfinity;

    static readonly Tensor a = Tensor.From([1, double.NaN, Infinity, -0.0, -Infinity], [5]);

    static readonly Tensor b = Tensor.From([1, double.NaN, Infinity, 0.0, 5], [5]);

    [Test]
    public void With_NaN_all_but_NotEqual_are_false()
    {
        Assert.Multiple(() =>
        {
            Assert.That(a.EqualTo(b).ToArray<bool>(), Is.EqualTo(new[] { true, false, true, true, false }));
            Assert.That(a.NotEqual(b).ToArray<bool>(), Is.EqualTo(new[] { false, true, false, false, true }));
            Assert.That(a.LessEqual(b).ToArray<bool>(), Is.EqualTo(new[] { true, false, true, true, true }));
            Assert.That(a.Greater(b).ToArray<bool>(), Is.All.False);
            Assert.That(a.LogicalNot().ToArray<bool>(), Is.EqualTo(new[] { false, false, false, true, false }));
        });
    }

    [Test]
    public void Rows_far_apart_are_compared_where_they_lie()
    {
        // The results are bytes, the operands are not: diagonals of a batch, and rows of every second column.
        var x = Tensor.From([.. Enumerable.Range(0, 18).Select(k => (double)k)], [2, 3, 3]);
        Assert.That(x.Diagonal().Less(9).ToArray<bool>(), Is.EqualTo(new[] { true, true, true, false, false, false }));
        Assert.That(x.Slice(2, step: 2).Greater(x.Slice(2, step: 2).Flip(1)).ToArray<bool>(),
            Is.EqualTo(new[] { false, false, false, false, true, true, false, false, false, false, true, true }));
    }

    [Test]
    public void Closeness_knows_infinities_and_NaN()
    {
        Assert.Multiple(() =>
        {
            Assert.That(a.IsClose(b).ToArray<bool>(), Is.EqualTo(new[] { true, false, true, true, false }));
            Assert.That(a.IsClose(b, equalNan: true).ToArray<bool>(), Is.EqualTo(new[] { true, true, true, true, false }));
            Assert.That(b.IsClose(a).ToArray<bool>()[4], Is.False, "nothing finite is close to an infinity");
            Assert.That(Tensor.Ones([3]).AllClose(Tensor.Full([3], 1 + 1e-6)), Is.True);
            Assert.That(Tensor.Ones([3]).AllClose(Tensor.Full([3], 1 + 1e-4)), Is.False);
            Assert.That(Tensor.Ones([3], DType.Int32).AllClose(Tensor.Ones([3], DType.Float64)), Is.True, "dtypes are promoted");
        });
    }

    [Test]
    public void Equal_compares_wholes()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Tensor.Ones([3]).Equal(Tensor.Ones([3], DType.Int64)), Is.True);
            Assert.That(Tensor.Ones([3]).Equal(Tensor.Ones([1, 3])), Is.False);
            Assert.That(a.Equal(a), Is.False, "NaN");
            Assert.That(Tensor.Zeros([0]).Equal(Tensor.Zeros([0])), Is.True);
        });
    }

    [Test]
    public void The_discarded_side_of_Where_may_be_NaN()
    {
        var x = Tensor.From([-1.0, 4], [2]).RequiresGrad();
        var y = Tensor.Where(x.Greater(0), x.Sqrt(), x);
        y.Sum().Backward();
        Assert.That(y.ToArray<double>(), Is.EqualTo(new[] { -1.0, 2 }));
    }

    [Test]
    public void Shapes_without_elements_compare_to_nothing()
        => Assert.That(Tensor.Zeros([0, 3]).Less(Tensor.Zeros([1, 3])).Shape.ElementCount, Is.Zero);
}
