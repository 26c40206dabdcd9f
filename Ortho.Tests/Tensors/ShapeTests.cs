using NUnit.Framework;
using Ortho.Tensors;

namespace Ortho.Tests.Tensors;

[TestFixture]
public class ShapeTests
{
    // Every shape of rank 0 to 3 with extents from {0, 1, 2, 3}.
    static readonly Shape[] Small =
    [
        [],
        .. from a in Enumerable.Range(0, 4) select Shape.Create([a]),
        .. from a in Enumerable.Range(0, 4) from b in Enumerable.Range(0, 4) select Shape.Create([a, b]),
        .. from a in Enumerable.Range(0, 4) from b in Enumerable.Range(0, 4) from c in Enumerable.Range(0, 4) select Shape.Create([a, b, c]),
    ];

    [Test]
    public void Broadcasting_is_NumPys_rule_for_all_pairs_of_small_shapes()
    {
        foreach (var a in Small)
        {
            foreach (var b in Small)
            {
                // NumPy's rule, said the long way: ones are prepended to the shorter one, then extents agree or one of them is 1.
                var rank = Math.Max(a.Rank, b.Rank);
                int[] left = [.. Enumerable.Repeat(1, rank - a.Rank), .. a.Span], right = [.. Enumerable.Repeat(1, rank - b.Rank), .. b.Span];
                var fits = left.Zip(right).All(pair => pair.First == pair.Second || pair.First == 1 || pair.Second == 1);
                if (fits)
                {
                    Shape expected = [.. left.Zip(right).Select(pair => pair.First == 1 ? pair.Second : pair.First)];
                    Assert.That(Shape.Broadcast(a, b, "Test"), Is.EqualTo(expected), $"{a} {b}");
                }
                else
                {
                    Assert.That(() => Shape.Broadcast(a, b, "Test"), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Test: shapes is"), $"{a} {b}");
                }
            }
        }
    }

    [Test]
    public void Element_counts_and_dense_strides_are_products_of_extents()
    {
        foreach (var shape in Small)
        {
            Assert.That(shape.ElementCount, Is.EqualTo(shape.Aggregate(1L, (count, extent) => count * extent)), $"{shape}");
            var strides = shape.DenseStrides();
            for (var d = 0; d < shape.Rank; d++)
                Assert.That(strides[d], Is.EqualTo(shape.Skip(d + 1).Aggregate(1L, (count, extent) => count * Math.Max(1, extent))), $"{shape} {d}");
        }
    }

    [Test]
    public void Equality_is_that_of_extents()
    {
        foreach (var a in Small)
        {
            foreach (var b in Small)
            {
                var same = a.SequenceEqual(b);
                Assert.That((a == b, a != b, a.Equals((object)b)), Is.EqualTo((same, !same, same)), $"{a} {b}");
                if (same)
                    Assert.That(a.GetHashCode(), Is.EqualTo(b.GetHashCode()));
            }
        }
        Assert.That(default(Shape), Is.EqualTo(Shape.Create([])), "the default value is the scalar's shape");
    }

    [Test]
    public void Dimensions_count_from_either_end()
    {
        Shape shape = [2, 3, 4];
        Assert.That((shape[0], shape[-1], shape[^2], shape.Axis(-3, "Test")), Is.EqualTo((2, 4, 3, 0)));
        Assert.That(shape[1..], Is.EqualTo(Shape.Create([3, 4])));
        Assert.That(shape.With(-1, 7), Is.EqualTo(Shape.Create([2, 3, 7])));
        Assert.That(shape.Concat([5]), Is.EqualTo(Shape.Create([2, 3, 4, 5])));
        Assert.That($"{shape}", Is.EqualTo("[2, 3, 4]"));
    }

    [TestCase(3), TestCase(-4)]
    public void A_dimension_outside_is_refused(int dimension)
    {
        Shape shape = [2, 3, 4];
        Assert.That(() => shape.Axis(dimension, "Test"),
            Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo($"Test: dimension is {dimension} for shape [2, 3, 4]; expected -3 to 2."));
    }

    [Test]
    public void Negative_extents_and_overflow_are_refused()
    {
        Assert.That(() => Shape.Create([2, -1]), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("[2, -1]"));
        Assert.That(() => Shape.Create([int.MaxValue, int.MaxValue, int.MaxValue]).ElementCount, Throws.TypeOf<OverflowException>());
    }
}
