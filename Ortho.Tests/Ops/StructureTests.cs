using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Host;
using Ortho.Tensors;
using Ortho.Tests.Support;
using At = Ortho.Autograd.TensorIndex;

namespace Ortho.Tests.Ops;

/// <summary>What the op table does not ask of views, index tensors and scattered sums.</summary>
[TestFixture, Category("Kernels"), Category("Devices")]
public class StructureTests
{
    static IEnumerable<string> Kinds => Devices.Kinds;

    static IEnumerable<string> Gpus => Devices.Kinds.Where(kind => kind != "Cpu");

    static Tensor Count(Shape shape, Device device, DType dtype = DType.Float32)
        => Tensor.From([.. Enumerable.Range(0, (int)shape.ElementCount).Select(k => (double)k)], shape).To(dtype).To(device);

    static readonly (string Name, Func<Tensor, Tensor> Call)[] readers =
    [
        ("copy", x => x.Contiguous()),
        ("pointwise", x => x * 2.0 + x.Slice(0, 0, 1)),
        ("pointwise with a number", x => 1.0 - x),
        ("one dimension", x => x.Select(1, 2) * 3.0),
        ("comparison", x => x.Less(7.0)),
        ("choice", x => Tensor.Where(x.Less(7.0), x, x.T.Contiguous().T)),
        ("dtype", x => x.To(DType.Float64)),
        ("sum", x => x.Sum([1])),
        ("matrix product", x => x.MatMul(x.Flip(0))),
        ("triangle", x => x.Triu()),
        ("triangular solve", x => (x.Triu() + Tensor.Eye(6, device: x.Device) * 40.0).Flip(0).Flip(0).TriangularSolve(x, upper: true)),
        ("inverse", x => (x + Tensor.Eye(6, device: x.Device) * 90.0).Inverse()),
        ("Fourier", x => x.Rfft()),
        ("gather", x => x.IndexSelect(0, Tensor.From<long>([5, 0, -1], [3], x.Device).Flip(0))),
        ("scatter", x => x.IndexAdd(1, Tensor.From<long>([5, 0, 5, 1, 1, 1], [6], x.Device).Flip(0), x)),
        ("device", x => x.To(Device.Cpu).To(x.Device)),
    ];

    static IEnumerable<TestCaseData> Readers => from kind in Devices.Kinds from reader in readers.Index() select new TestCaseData(kind, reader.Index).SetArgDisplayNames(kind, reader.Item.Name);

    [TestCaseSource(nameof(Readers))]
    public void A_reversed_tensor_is_read_as_its_copy_is(string kind, int reader)
    {
        using var scope = new TensorScope();
        var x = Count([6, 6], Devices.Of(kind)).Flip(0).Slice(1, step: -1);
        Assert.That(x.IsContiguous, Is.False);
        var (expected, actual) = (readers[reader].Call(x.Detach().Clone()), readers[reader].Call(x));
        Assert.That(Nd.From(actual).Data, Is.EqualTo(Nd.From(expected).Data));
    }

    [TestCase(1)]
    [TestCase(1024)]
    [TestCase(2500)]
    public void Long_rows_are_reversed(int length)
    {
        foreach (var dtype in DTypes.All.Where(dtype => dtype != DType.Bool))
        {
            using var scope = new TensorScope();
            var x = Count([2, length], Device.Cpu, dtype);
            var elements = Nd.From(x).Data;
            Assert.That(Nd.From(x.Flip(1).Clone()).Data, Is.EqualTo(Nd.Of([2, length], i => elements[i[0] * length + length - 1 - i[1]]).Data), $"{dtype}");
        }
    }

    [TestCaseSource(nameof(Kinds))]
    public void Nests_of_more_loops_than_a_kernel_has_are_walked(string kind)
    {
        using var scope = new TensorScope();
        var device = Devices.Of(kind);
        var (x, y) = (Count([2, 1, 2, 2, 1, 2, 2, 2], device), Count([2, 2, 1, 2, 2, 2, 1, 2], device) * 0.5);
        int[] order = [7, 3, 0, 5, 2, 6, 4, 1];
        var (p, q) = (Nd.From(x), Nd.From(y));
        Assert.That(Nd.From(x.Permute(order).Contiguous()).Data, Is.EqualTo(Nd.Of([.. order.Select(d => x.Shape[d])], i =>
        {
            var at = new int[8];
            foreach (var (d, axis) in order.Index())
                at[axis] = i[d];
            return p[at];
        }).Data));
        Assert.That(Nd.From(x + y).Data, Is.EqualTo(Nd.Map(v => v[0] + v[1], p, q).Data));
        Assert.That(Nd.From(x.Less(y)).Data, Is.EqualTo(Nd.Map(v => v[0].Real < v[1].Real ? 1 : 0, p, q).Data));
        Assert.That(Nd.From(Tensor.Where(x.Less(9), x, y)).Data, Is.EqualTo(Nd.Map(v => v[0].Real < 9 ? v[0] : v[1], p, q).Data));
        Assert.That(Nd.From(Count([2, 2, 2, 2], device).Tile(2, 2, 2, 2)).Data, Is.EqualTo(Nd.Of([4, 4, 4, 4], i => i.Aggregate(0, (k, j) => 2 * k + j % 2)).Data));
    }

    // Squares of every element size, their edges, batches, and a destination that is the transposed one.
    [TestCase("3, 70, 131", "0, 2, 1")]
    [TestCase("70, 2, 131", "2, 1, 0")]
    [TestCase("2, 64, 3, 65", "0, 3, 2, 1")]
    [TestCase("3, 64, 128", "1, 2, 0")]
    public void Exchanged_dimensions_are_copied(string shape, string order)
    {
        int[] extents = [.. shape.Split(", ").Select(int.Parse)], axes = [.. order.Split(", ").Select(int.Parse)];
        foreach (var dtype in DTypes.All)
        {
            using var scope = new TensorScope();
            var x = Tensor.From([.. Enumerable.Range(0, (int)Shape.Create(extents).ElementCount).Select(k => (double)(k * 7L % 1009 % 251))], extents).To(dtype);
            var p = Nd.From(x);
            var expected = Nd.Of([.. axes.Select(d => extents[d])], i =>
            {
                var at = new int[extents.Length];
                foreach (var (d, axis) in axes.Index())
                    at[axis] = i[d];
                return p[at];
            });
            Assert.That(Nd.From(x.Permute(axes).Contiguous()).Data, Is.EqualTo(expected.Data), $"{dtype}");
            var into = Tensor.Zeros(expected.Shape, dtype);
            into.Permute([.. Enumerable.Range(0, axes.Length).Select(d => Array.IndexOf(axes, d))]).CopyFrom(x);
            Assert.That(Nd.From(into).Data, Is.EqualTo(expected.Data), $"{dtype}, written");
        }
    }

    // What is written past the cache is what is written through it: whole tensors against their parts.
    [TestCase(1024)]
    [TestCase(1029)]
    public void Large_results_are_those_of_their_parts(int columns)
    {
        using var scope = new TensorScope();
        var rows = (9 << 20) / 4 / columns;
        var (x, b) = (Tensor.Uniform([rows, columns], new Generator(1), -2, 2), Tensor.Uniform([columns], new Generator(2), -2, 2));
        foreach (var (name, call) in new (string, Func<Tensor, Tensor>)[]
        {
            ("sum", x => x + b), ("map", x => x.Exp()), ("rows", x => x.LayerNorm([columns], b)), ("copy", x => x.T.Contiguous().T),
        })
        {
            var (all, part) = (call(x), rows / 3);
            foreach (var start in new[] { 0, part, rows - part })
                Assert.That(all.Narrow(0, start, part).EqualTo(call(x.Narrow(0, start, part))).All().Item(), Is.EqualTo(1), name);
        }
    }

    [Test]
    public void Large_truths_are_those_of_their_parts()
    {
        using var scope = new TensorScope();
        var x = Tensor.Uniform([9 << 20], new Generator(1));
        var (truths, start) = (x.Less(0.5), (9 << 20) - 1000);
        Assert.That(truths.Narrow(0, start, 1000).EqualTo(x.Narrow(0, start, 1000).Less(0.5)).All().Item(), Is.EqualTo(1));
        Assert.That((truths & ~truths).Any().Item(), Is.Zero);
    }

    [TestCaseSource(nameof(Kinds))]
    public void A_reversed_part_is_written_in_place(string kind)
    {
        var x = Count([8], Devices.Of(kind));
        x.Slice(0, 6, 1, -2).CopyFrom(Tensor.From([10f, 20f, 30f], [3], x.Device));
        Assert.That(x.ToArray<float>(), Is.EqualTo(new float[] { 0, 1, 30, 3, 20, 5, 10, 7 }));
    }

    [TestCaseSource(nameof(Kinds))]
    public void Scattered_sums_are_in_the_order_of_the_source(string kind)
    {
        // Lengths around powers of two, so that every stage of the sorting network runs; sums that depend on their order.
        foreach (var (count, extent) in ((int, int)[])[(1, 1), (2, 3), (3, 2), (31, 5), (33, 1), (300, 7)])
        {
            using var scope = new TensorScope();
            var device = Devices.Of(kind);
            var index = Enumerable.Range(0, count).Select(j => (long)(j * j % 11 % extent)).ToArray();
            var source = Enumerable.Range(0, 2 * count).Select(j => (float)Math.Sin(j) * MathF.Pow(10, j % 7)).ToArray();
            var expected = new float[2 * extent];
            for (var j = 0; j < 2 * count; j++)
                expected[2 * index[j / 2] + j % 2] += source[j];
            var (at, from) = (Tensor.From(index, [count], device), Tensor.From(source, [count, 2], device));
            var zeros = Tensor.Zeros([extent, 2], device: device);
            Assert.That(zeros.IndexAdd(0, at, from).ToArray<float>(), Is.EqualTo(expected), $"{count} rows");
            var spread = at.Unsqueeze(1).Expand(count, 2).Clone();
            Assert.That(zeros.ScatterAdd(0, spread, from).ToArray<float>(), Is.EqualTo(expected), $"{count} elements");
        }
    }

    [Test]
    public void Scattered_sums_do_not_depend_on_threads()
    {
        var index = Tensor.From([.. Enumerable.Range(0, 3000).Select(j => (long)(j * 7919 % 50))], [3000]);
        var source = Tensor.Normal([3000, 200], new Generator(3));
        var threads = HostThreads.Count;
        try
        {
            HostThreads.Count = 1;
            var alone = Tensor.Zeros([50, 200]).IndexAdd(0, index, source).ToArray<float>();
            HostThreads.Count = 4;
            Assert.That(Tensor.Zeros([50, 200]).IndexAdd(0, index, source).ToArray<float>(), Is.EqualTo(alone));
        }
        finally
        {
            HostThreads.Count = threads;
        }
    }

    [Test]
    public void A_position_outside_is_an_exception_before_anything_is_written()
    {
        var x = Count([3, 2], Device.Cpu);
        var outside = Tensor.From<long>([0, -4], [2]);
        foreach (Action call in (Action[])[
            () => x.IndexSelect(0, outside), () => x.Index(outside), () => x.Index(At.All, outside, 0), () => x.Take(outside - 3L),
            () => x.IndexAdd(0, outside, Tensor.Ones([2, 2])), () => x.IndexPut([outside], 1), () => x.Index(outside, outside)])
        {
            Assert.That(() => call(), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("index"));
        }
        Assert.That(x.ToArray<float>(), Is.EqualTo(new float[] { 0, 1, 2, 3, 4, 5 }));
    }

    [TestCaseSource(nameof(Gpus))]
    public void On_a_device_a_position_outside_reads_0_and_writes_nothing(string kind)
    {
        using var scope = new TensorScope();
        var x = Count([3, 2], Devices.Of(kind)) + 1.0;
        Tensor Vector(params long[] at) => Tensor.From(at, [at.Length], x.Device);
        var wild = Vector(1, 3, -4, long.MaxValue, long.MinValue, 1L << 32);
        Assert.That(x.IndexSelect(0, wild).ToArray<float>(), Is.EqualTo(new float[] { 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }));
        Assert.That(x.Index(wild, Vector(1)).ToArray<float>(), Is.EqualTo(new float[] { 4, 0, 0, 0, 0, 0 }));
        Assert.That(x.Index(Vector(1, 1), Vector(0, 2)).ToArray<float>(), Is.EqualTo(new float[] { 3, 0 }), "no neighbour's row");
        Assert.That(x.IndexAdd(0, wild, Tensor.Ones([6, 2], device: x.Device)).ToArray<float>(), Is.EqualTo(new float[] { 1, 2, 4, 5, 5, 6 }));
        Assert.That(x.IndexPut([wild], 9).ToArray<float>(), Is.EqualTo(new float[] { 1, 2, 9, 9, 5, 6 }));
        Assert.That(Tensor.Zeros([0, 2], device: x.Device).IndexSelect(0, Vector(0)).ToArray<float>(), Is.EqualTo(new float[] { 0, 0 }));
    }

    [Test]
    public void An_overwritten_element_has_no_gradient()
    {
        var (x, source) = (Count([3], Device.Cpu).RequiresGrad(), Count([4], Device.Cpu).RequiresGrad());
        var y = x.IndexCopy(0, Tensor.From<long>([0, 2, 0, -1], [4]), source);
        (y * Tensor.From([1f, 10f, 100f], [3])).Sum().Backward();
        Assert.That(y.ToArray<float>(), Is.EqualTo(new float[] { 2, 1, 3 }), "the last one stays");
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new float[] { 0, 10, 0 }));
        Assert.That(source.Grad!.ToArray<float>(), Is.EqualTo(new float[] { 0, 0, 1, 100 }));
    }

    [Test]
    public void The_gradient_of_a_scattered_product_is_right_at_zeros()
    {
        // Places: 0 has one zero, 1 has two, 2 none; x takes part.
        var x = Tensor.From([2.0, 0.0, 3.0], [3]).RequiresGrad();
        var source = Tensor.From([5.0, 0.0, 0.0, 7.0, 4.0], [5]).RequiresGrad();
        var y = x.ScatterReduce(0, Tensor.From<long>([0, 0, 1, 1, 2], [5]), source, ScatterReduction.Product);
        Assert.That(y.ToArray<double>(), Is.EqualTo(new double[] { 0, 0, 12 }));
        y.Sum().Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 0, 0, 4 }));
        Assert.That(source.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 0, 10, 0, 0, 3 }));
    }

    [Test]
    public void Tied_extremes_share_their_gradient()
    {
        var x = Tensor.From([4.0, 1.0], [2]).RequiresGrad();
        var source = Tensor.From([4.0, 4.0, 3.0, 5.0], [4]).RequiresGrad();
        var y = x.ScatterReduce(0, Tensor.From<long>([0, 0, 0, 1], [4]), source, ScatterReduction.Max);
        y.Sum().Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 1 / 3.0, 0 }).Within(1e-15));
        Assert.That(source.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 1 / 3.0, 1 / 3.0, 0, 1 }).Within(1e-15));
    }

    [Test]
    public void Joined_dtypes_are_promoted_and_gradients_come_back_in_their_own()
    {
        var (a, b) = (Tensor.Ones([2]).RequiresGrad(), Tensor.Ones([3], DType.Float64).RequiresGrad());
        var y = Tensor.Concat([a, b, Tensor.Full([1], 7, DType.Int32)], 0);
        Assert.That((y.DType, y.ToArray<double>()[^1]), Is.EqualTo((DType.Float64, 7.0)));
        y.Sum().Backward();
        Assert.That((a.Grad!.DType, b.Grad!.DType), Is.EqualTo((DType.Float32, DType.Float64)));
        Assert.That(Tensor.Stack([Tensor.Full([2], 1, DType.Bool), Tensor.Full([2], 5, DType.Int64)], 0).ToArray<long>(), Is.EqualTo(new long[] { 1, 1, 5, 5 }));
        Assert.That(Tensor.Concat([Tensor.Ones([1], DType.Complex64), Tensor.Ones([1], DType.Float64)]).DType, Is.EqualTo(DType.Complex128));
    }

    [Test]
    public void Views_share_their_storage()
    {
        var x = Count([4, 6], Device.Cpu);
        foreach (var view in (Tensor[])[
            x.Flip(), x.Rot90(), x.MoveAxis(0, 1), x.SwapAxes(0, 1), x.Unflatten(1, 2, 3), x.Unfold(1, 2), x.Diagonal(1), x.Split(2)[1], x.Chunk(2, 1)[1],
            x.Unbind()[2], x.AsStrided([2, 2], [1, 1], 3), x.Slice(1, step: -2), x.Index(1..3, At.NewAxis, At.Slice(step: -1)), x.Select(0, 1).ExpandAs(x)])
        {
            Assert.That(view.Storage, Is.SameAs(x.Storage), $"{view.Shape}");
        }
    }

    [Test]
    public void A_view_beyond_the_storage_is_refused()
    {
        var x = Count([4, 3], Device.Cpu);
        Assert.That(x.AsStrided([2, 2], [8, 3], 0).ToArray<float>(), Is.EqualTo(new float[] { 0, 3, 8, 11 }));
        foreach (Action call in (Action[])[
            () => x.AsStrided([2, 2], [8, 4], 0), () => x.AsStrided([2], [-1], 0), () => x.AsStrided([1], [1], 12), () => x.AsStrided([1], [1], -1), () => x.AsStrided([2], [1, 1])])
        {
            Assert.That(() => call(), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("AsStrided: "));
        }
        Assert.That(x.AsStrided([0, 5], [99, 99], 12).ElementCount, Is.Zero);
    }

    [Test]
    public void Slices_follow_Python_through_an_index_expression()
    {
        // (start, stop, step) over range(5), as Python gives them.
        (int? Start, int? Stop, int Step, long[] Expected)[] cases =
        [
            (null, null, -1, [4, 3, 2, 1, 0]), (1, 99, 2, [1, 3]), (-99, 2, 1, [0, 1]), (3, 0, -1, [3, 2, 1]), (99, null, -2, [4, 2, 0]), (2, 2, 1, []),
            (4, 1, 1, []), (0, 3, -1, []), (-1, -4, -1, [4, 3, 2]), (null, -4, -3, [4]), (-99, null, -1, []), (2, -99, -1, [2, 1, 0]),
        ];
        var x = Tensor.Arange(5, DType.Int64);
        foreach (var (start, stop, step, expected) in cases)
            Assert.That(x.Index(At.Slice(start, stop, step)).ToArray<long>(), Is.EqualTo(expected), $"{start}:{stop}:{step}");
    }
}
