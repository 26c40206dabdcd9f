using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Tests.Tensors;

/// <summary>Views against a walk over indices that knows nothing of strides.</summary>
[TestFixture]
public class LayoutTests
{
    // An array as a function of its index: views compose functions.
    sealed record Naive(int[] Shape, Func<int[], int> At)
    {
        public int[] Elements() => [.. Indices(Shape).Select(At)];

        public static Naive Of(int[] shape, int[] elements) => new(shape, index => elements[Flat(shape, index)]);

        static int Flat(int[] shape, int[] index) => shape.Zip(index).Aggregate(0, (flat, pair) => flat * pair.First + pair.Second);
    }

    // All indices of a shape, row-major.
    static IEnumerable<int[]> Indices(int[] shape)
        => shape.Aggregate((IEnumerable<int[]>)[[]], (heads, extent) => heads.SelectMany(head => Enumerable.Range(0, extent), (head, i) => (int[])[.. head, i]));

    static int[] RandomShape(System.Random random, int maxRank)
        => [.. Enumerable.Range(0, random.Next(maxRank + 1)).Select(_ => random.Next(12) == 0 ? 0 : random.Next(1, 5))];

    // A random shape of as many elements.
    static int[] Regrouped(System.Random random, int count)
    {
        if (count == 0)
            return [random.Next(3), 0];
        var extents = new List<int>();
        for (var rest = count; rest > 1; rest /= extents[^1])
        {
            int[] divisors = [.. Enumerable.Range(2, rest - 1).Where(d => rest % d == 0)];
            extents.Add(divisors[random.Next(divisors.Length)]);
        }
        for (var ones = random.Next(3); ones > 0; ones--)
            extents.Insert(random.Next(extents.Count + 1), 1);
        return [.. extents];
    }

    static (Tensor, Naive, string) RandomView(System.Random random, Tensor x, Naive y)
    {
        var rank = y.Shape.Length;
        switch (rank == 0 ? 3 : random.Next(6))
        {
            case 0:
                var order = Enumerable.Range(0, rank).ToArray();
                random.Shuffle(order);
                int[] signed = [.. order.Select(d => random.Next(2) == 0 ? d : d - rank)];
                return (x.Permute(signed), new([.. order.Select(d => y.Shape[d])], index =>
                {
                    var source = new int[rank];
                    for (var d = 0; d < rank; d++)
                        source[order[d]] = index[d];
                    return y.At(source);
                }), $"permute {string.Join(",", signed)}");
            case 1:
                var axis = random.Next(rank);
                if (random.Next(3) == 0 && y.Shape[axis] > 0)
                    return Backwards(random, x, y, axis);
                var start = random.Next(y.Shape[axis] + 1);
                var (end, step) = (random.Next(start, y.Shape[axis] + 1), random.Next(1, 4));
                var length = Enumerable.Range(start, end - start).Count(i => (i - start) % step == 0);
                return (x.Slice(axis, start, end, step), new([.. y.Shape.Select((extent, d) => d == axis ? length : extent)], index =>
                {
                    int[] source = [.. index];
                    source[axis] = start + step * index[axis];
                    return y.At(source);
                }), $"slice {axis}: {start}..{end} by {step}");
            case 2:
                int[] wide = [.. Enumerable.Range(0, random.Next(2)).Select(_ => random.Next(1, 3)), .. y.Shape.Select(extent => extent == 1 ? random.Next(1, 4) : extent)];
                var lead = wide.Length - rank;
                return (x.Expand(wide), new(wide, index => y.At([.. index.Skip(lead).Select((i, d) => y.Shape[d] == 1 ? 0 : i)])), $"expand {string.Join(",", wide)}");
            default:
                var count = y.Shape.Aggregate(1, (a, b) => a * b);
                var shape = Regrouped(random, count);
                return (x.Reshape(shape), Naive.Of(shape, y.Elements()), $"reshape {string.Join(",", shape)}");
        }
    }

    static (Tensor, Naive, string) Backwards(System.Random random, Tensor x, Naive y, int axis)
    {
        var start = random.Next(y.Shape[axis]);
        var (end, step) = (random.Next(-1, start + 1), random.Next(1, 4));
        var length = Enumerable.Range(0, start - end).Count(i => i % step == 0);
        return (x.Slice(axis, start, end < 0 ? null : end, -step), new([.. y.Shape.Select((extent, d) => d == axis ? length : extent)], index =>
        {
            int[] source = [.. index];
            source[axis] = start - step * index[axis];
            return y.At(source);
        }), $"slice {axis}: {start}..{end} by {-step}");
    }

    [Test]
    public void Chains_of_views_read_the_elements_that_a_naive_walk_reads()
    {
        var random = new System.Random(7);
        for (var trial = 0; trial < 1500; trial++)
        {
            using var scope = new TensorScope();
            var shape = RandomShape(random, 4);
            var count = shape.Aggregate(1, (a, b) => a * b);
            int[] elements = [.. Enumerable.Range(0, count)];
            var (x, y, story) = (Tensor.From(elements, shape), Naive.Of(shape, elements), $"[{string.Join(",", shape)}]");
            for (var k = random.Next(1, 7); k > 0 && x.ElementCount < 500; k--)
            {
                (x, y, var done) = RandomView(random, x, y);
                story = $"{story}; {done}";
                Assert.That(x.Shape, Is.EqualTo((Shape)y.Shape), story);
                Assert.That(x.ToArray<int>(), Is.EqualTo(y.Elements()), story);
            }
            Assert.That(x.Contiguous().AsSpan<int>().ToArray(), Is.EqualTo(y.Elements()), $"{story}, copied");
        }
    }

    static long[] Addresses(Layout layout)
        => [.. Indices([.. layout.Shape]).Select(index => index.Select((i, d) => i * layout.Strides[d]).Sum() + layout.Offset)];

    [Test]
    public void Reshape_is_a_view_exactly_when_strides_exist()
    {
        var random = new System.Random(8);
        var (views, copies) = (0, 0);
        for (var trial = 0; trial < 6000; trial++)
        {
            // Any strides at all: dense, permuted, gapped, broadcast.
            int[] extents = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(1, 4))];
            var order = Enumerable.Range(0, extents.Length).ToArray();
            if (random.Next(2) == 0)
                random.Shuffle(order);
            var strides = new long[extents.Length];
            var stride = 1L;
            foreach (var d in order.Reverse())
            {
                strides[d] = random.Next(8) == 0 ? 0 : random.Next(8) == 0 ? -stride : stride;
                stride *= extents[d] * (random.Next(4) == 0 ? 2 : 1);
            }
            var layout = Layout.Strided(extents, strides, random.Next(3));
            Shape target = Regrouped(random, extents.Aggregate(1, (a, b) => a * b));
            var addresses = Addresses(layout);

            // The only candidates for strides are the differences from the first element; they work or nothing does.
            var candidate = new long[target.Rank];
            var apart = target.DenseStrides();
            for (var d = 0; d < target.Rank; d++)
                candidate[d] = target[d] > 1 ? addresses[apart[d]] - addresses[0] : 0;
            var possible = Addresses(Layout.Strided(target, candidate, layout.Offset)).SequenceEqual(addresses);

            var reshaped = layout.TryReshape(target);
            var what = $"{layout.Shape} strides {string.Join(",", strides)} to {target}";
            Assert.That(reshaped is not null, Is.EqualTo(possible), what);
            if (reshaped is not null)
                Assert.That(Addresses(reshaped), Is.EqualTo(addresses), what);
            (views, copies) = possible ? (views + 1, copies) : (views, copies + 1);
        }
        Assert.That(Math.Min(views, copies), Is.GreaterThan(500), "both outcomes are tried");
    }

    [Test]
    public void Contiguity_means_dense_addresses()
    {
        Assert.That(Layout.Strided([2, 1, 3], [3, 99, 1], 5).IsContiguous, "the stride of an extent of 1 does not matter");
        Assert.That(Layout.Strided([2, 3], [3, 2], 0).IsContiguous, Is.False);
        Assert.That(Layout.Strided([2, 3], [4, 1], 0).IsContiguous, Is.False);
        Assert.That(Layout.Strided([2, 3], [0, 1], 0).IsContiguous, Is.False);
        Assert.That(Layout.Strided([], [], 4).IsContiguous);
    }

    [Test]
    public void Views_share_memory_and_copies_do_not()
    {
        var x = Tensor.From(new float[,] { { 1, 2, 3 }, { 4, 5, 6 } });
        var (view, copy) = (x.T.Slice(0, 1, 3), x.T.Reshape(6));
        x.AsSpan<float>()[4] = 50;
        Assert.That(view.ToArray<float>(), Is.EqualTo(new float[] { 2, 50, 3, 6 }));
        Assert.That(copy.ToArray<float>(), Is.EqualTo(new float[] { 1, 4, 2, 5, 3, 6 }));
        Assert.That(view.Storage, Is.SameAs(x.Storage));
    }

    [Test]
    public void Misfits_are_named()
    {
        var x = Tensor.Zeros([2, 3]);
        Assert.That(() => x.Permute(0, 0), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Permute: order is [0, 0]"));
        Assert.That(() => x.Permute(0), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Permute: order is"));
        Assert.That(() => x.Reshape(4, -1), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Reshape: extents is [4, -1]"));
        Assert.That(() => x.Reshape(-1, -1), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Reshape"));
        Assert.That(() => x.Expand(3, 3), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Expand: shape is [3, 3]"));
        Assert.That(() => x.Expand(3), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Expand: shape is [3]"));
        Assert.That(() => x.Slice(0, 0, 3), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Slice: start is"));
        Assert.That(() => x.Slice(0, 0, 2, 0), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Slice: step is 0"));
        Assert.That(() => x.Select(1, 3), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => x.Squeeze(1), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Squeeze: dimension is 1 of extent 3"));
    }
}
