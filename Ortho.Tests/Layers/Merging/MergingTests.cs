using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Merging;
using Ortho.Tensors;
using Ortho.Tensors.IO;
using Ortho.Tests.Data;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

/// <summary>System 19: continual merging by orthogonal projection; vectors of task arithmetic.</summary>
[TestFixture]
public class MergingTests
{
    static readonly Tensor diagonal = Tensor.From(new double[,] { { 4, 0, 0 }, { 0, 3, 0 }, { 0, 0, 1 } });
    static readonly Tensor ones = Tensor.Ones([3, 3], DType.Float64);

    static Dictionary<string, Tensor> One(Tensor weight) => new() { ["w"] = weight };

    static Dictionary<string, Tensor> Sample(int seed, DType dtype = DType.Float32) => new()
    {
        ["0.weight"] = Random([8, 5], dtype, seed), ["0.bias"] = Random([8], dtype, seed + 1), ["1.weight"] = Random([4, 8], dtype,
            seed + 2),
        ["steps"] = Tensor.From<long>([seed], []),
    };

    static double Norm(IReadOnlyDictionary<string, Tensor> from, IReadOnlyDictionary<string, Tensor> to) => TaskVector.Between(from,
        to).Norm();

    [TestCase(0.6, new double[] { 0, 1, 1, 1, 0, 1, 1, 1, 0 })]
    [TestCase(0.9, new double[] { 0, 0, 1, 0, 0, 1, 1, 1, 0 })]
    [TestCase(0.5, new double[] { 0, 1, 1, 1, 0, 1, 1, 1, 0 })]
    [TestCase(1, new double[] { 0, 0, 0, 0, 0, 0, 0, 0, 0 })]
    public void Projections_by_hand(double alpha, double[] expected)
        => Assert.That(OrthogonalProjectionMerger.ProjectOut(diagonal, ones, alpha).ToArray<double>(), Is.EqualTo(expected).Within(1e-14));

    [Test]
    public void At_alpha_1_the_authors_code_removes_the_diagonal_alone()
        => Assert.That(OrthogonalProjectionMerger.ProjectOut(diagonal, ones, 1, referenceCompatible: true).ToArray<double>(),
            Is.EqualTo(new double[] { 0, 1, 1, 1, 0, 1, 1, 1, 0 }).Within(1e-14));

    [Test]
    public void A_step_by_hand()
    {
        var merger = new OrthogonalProjectionMerger(One(Tensor.Zeros([3, 3], DType.Float64)), 0.9);
        merger.Add(One(diagonal));
        merger.Add(One(ones));
        Assert.That(merger.Trace.Select(step => step.Norm), Is.EqualTo(new[] { Math.Sqrt(26), 3 }).Within(1e-14));
        Assert.That(merger.Trace[0].Scale, Is.EqualTo(1));
        Assert.That(merger.Trace[1].Scale,
            Is.EqualTo(1.352565).Within(1e-6).And.EqualTo(Math.Sqrt(30) / ((Math.Sqrt(26) + 3) / 2)).Within(1e-14));
        Assert.That(merger.Merged["w"].Norm().Item(), Is.EqualTo(4.04951).Within(1e-5));
        Assert.That(merger.Trace[1].Projections["w"].Rank, Is.EqualTo(2));
        Assert.That(merger.Trace[1].Projections["w"].Cosine, Is.EqualTo(8 / (3 * Math.Sqrt(26))).Within(1e-14));
    }

    [Test]
    public void Projections_are_orthogonal_projectors([Values(0.2, 0.5, 1)] double alpha)
    {
        foreach (var (rows, columns) in new[] { (64, 24), (24, 64), (7, 7), (1, 5), (5, 1) })
        {
            var (merged, t, other) = (Random([rows, columns], DType.Float32, 1), Random([rows, columns], DType.Float32, 2), Random([rows,
                columns], DType.Float32, 3));
            Tensor P(Tensor x) => OrthogonalProjectionMerger.ProjectOut(merged, x, alpha);
            var p = P(t);
            double Dot(Tensor a, Tensor b) => (Wide(a) * Wide(b)).Sum().Item();
            Assert.That(Math.Abs(Dot(p, merged)), Is.LessThan(1e-6 * t.Norm().Item() * merged.Norm().Item()));
            Assert.That(Difference(P(p), p), Is.LessThan(1e-6), "idempotent");
            Assert.That(Dot(p, other), Is.EqualTo(Dot(t, P(other))).Within(1e-5), "self-adjoint");
            if (rows > 1 && columns > 1 && (alpha < 1 || rows != columns))
                Assert.That(p.Norm().Item(), Is.GreaterThan(0.05), "something is left");
        }
    }

    [Test]
    public void The_thin_formula_is_that_of_full_bases([Values(0.3, 0.5, 0.8)] double alpha)
    {
        foreach (var (rows, columns) in new[] { (9, 5), (5, 9), (6, 6) })
        {
            var (merged, t) = (Random([rows, columns], seed: 1), Random([rows, columns], seed: 2));
            var (u, s, v) = merged.Svd(fullMatrices: true);
            var values = s.ToArray<double>();
            // The first index at which the running share exceeds alpha.
            var rank = Enumerable.Range(0, values.Length).First(j => values[..(j + 1)].Sum() / values.Sum() > alpha);
            var m = u.T.MatMul(t).MatMul(v).ToArray<double>();
            for (var i = 0; i < rows; i++)
            {
                for (var j = 0; j < columns; j++)
                    m[i * columns + j] = i == j || (i < rank && j < rank) ? 0 : m[i * columns + j];
            }
            var expected = u.MatMul(Tensor.From(m, [rows, columns])).MatMul(v.T);
            Assert.That(Difference(OrthogonalProjectionMerger.ProjectOut(merged, t, alpha), expected), Is.LessThan(1e-12));
        }
    }

    [Test]
    public void The_distance_from_the_base_stays_the_mean_of_the_models()
    {
        var start = Sample(1);
        var merger = new OrthogonalProjectionMerger(start);
        var (mean, live) = (0.0, 0L);
        for (var k = 1; k <= 10; k++)
        {
            var model = Sample(10 * k);
            merger.Add(model);
            mean += (Norm(start, model) - mean) / k;
            Assert.That(Norm(start, merger.Merged), Is.EqualTo(mean).Within(1e-5 * mean), $"{k}");
            Assert.That(merger.Merged.Values.Sum(tensor => tensor.ElementCount), Is.EqualTo(8 * 5 + 8 + 4 * 8 + 1));
            Assert.That(merger.Merged["steps"].ToArray<long>(), Is.EqualTo(new long[] { 1 }), "the base's");
            live = live == 0 ? merger.Merged.Count : live;
            Assert.That(merger.Merged, Has.Count.EqualTo(live));
        }
        Assert.That(merger.Count, Is.EqualTo(10));
        Assert.That(merger.Trace[9].Projections.Keys, Is.EquivalentTo(new[] { "0.weight", "1.weight" }));
    }

    [Test]
    public void Memory_does_not_grow_with_the_number_of_models()
    {
        var merger = new OrthogonalProjectionMerger(Sample(1));
        long Added(int k)
        {
            using (var scope = new TensorScope())
                merger.Add(Sample(10 * k));
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return Device.Cpu.Pool.LiveBytes;
        }

        var before = Added(1);
        long after = 0;
        for (var k = 2; k <= 10; k++)
            after = Added(k);
        // Other tests may run beside this one and hold memory of their own; nine models more would be nine times 324 bytes and more.
        Assert.That(after - before, Is.LessThan(9 * 324));
    }

    [Test]
    public void One_model_is_itself_bit_for_bit()
    {
        var model = Sample(5);
        foreach (var merger in new ContinualMerger[] { new OrthogonalProjectionMerger(Sample(1)), new WeightAverageMerger(Sample(1)) })
        {
            merger.Add(model);
            foreach (var name in new[] { "0.weight", "0.bias", "1.weight" })
                Assert.That(merger.Merged[name].ToArray<float>(), Is.EqualTo(model[name].ToArray<float>()), name);
        }
    }

    [Test]
    public void The_same_model_again_does_not_turn_linear_weights()
    {
        var (start, model) = (Sample(1, DType.Float64), Sample(5, DType.Float64));
        var merger = new OrthogonalProjectionMerger(start);
        merger.Add(model);
        merger.Add(model);
        foreach (var name in new[] { "0.weight", "1.weight" })
        {
            var (before, after) = (model[name] - start[name], merger.Merged[name] - start[name]);
            Assert.That((before * after).Sum().Item(), Is.EqualTo(before.Norm().Item() * after.Norm().Item()).Within(1e-13), name);
            Assert.That(OrthogonalProjectionMerger.ProjectOut(before, before, 0.5).Norm().Item(), Is.LessThan(1e-13));
        }
    }

    [Test]
    public void A_saved_merger_goes_on_as_if_nothing_had_happened()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "merger.safetensors");
        var merger = new OrthogonalProjectionMerger(Sample(1), alpha: 0.7);
        for (var k = 1; k <= 3; k++)
            merger.Add(Sample(10 * k));
        merger.Save(path);
        var again = OrthogonalProjectionMerger.Load(path);
        Assert.That(again.Count, Is.EqualTo(3));
        for (var k = 4; k <= 5; k++)
        {
            merger.Add(Sample(10 * k));
            again.Add(Sample(10 * k));
        }
        foreach (var name in new[] { "0.weight", "0.bias", "1.weight" })
            Assert.That(again.Merged[name].ToArray<float>(), Is.EqualTo(merger.Merged[name].ToArray<float>()), name);
        Assert.That(again.Trace.Select(step => step.Scale), Is.EqualTo(merger.Trace.Skip(3).Select(step => step.Scale)));
        Safetensors.Save(path, Sample(1));
        Assert.That(() => OrthogonalProjectionMerger.Load(path), Throws.TypeOf<InvalidDataException>().With.Message.Contains("'count'"));
    }

    [Test]
    public void Directions_in_which_nothing_is_merged_are_left_alone([Values(0.5, 1)] double alpha)
    {
        var t = Random([5, 4], seed: 1);
        Assert.That(OrthogonalProjectionMerger.ProjectOut(Tensor.Zeros([5, 4], DType.Float64), t, alpha).ToArray<double>(),
            Is.EqualTo(t.ToArray<double>()));
        var (left, right) = (Random([5, 1], seed: 2), Random([1, 4], seed: 3));
        var merged = left.MatMul(right);
        var p = OrthogonalProjectionMerger.ProjectOut(merged, t, alpha);
        // Of rank 1: the one direction is removed and nothing else.
        Assert.That(Difference(p, t - merged * ((merged * t).Sum().Item() / merged.Square().Sum().Item())), Is.LessThan(1e-13));
        var merger = new OrthogonalProjectionMerger(One(t), alpha);
        merger.Add(One(t));
        merger.Add(One(t));
        Assert.That(merger.Merged["w"].ToArray<double>(), Is.EqualTo(t.ToArray<double>()), "models that change nothing");
        merger.Add(One(t + merged));
        Assert.That(merger.Merged["w"].ToArray<double>(), Is.All.Matches<double>(double.IsFinite));
    }

    [Test]
    public void Baselines_are_their_formulas()
    {
        var (start, models) = (Sample(1, DType.Float64), new[] { Sample(5, DType.Float64), Sample(9, DType.Float64), Sample(14,
            DType.Float64) });
        var (average, arithmetic) = (new WeightAverageMerger(start), new TaskArithmeticMerger(start, 0.4));
        var unprojected = new OrthogonalProjectionMerger(start, isLinearWeight: (_, _) => false);
        foreach (var model in models)
        {
            average.Add(model);
            arithmetic.Add(model);
            unprojected.Add(model);
        }
        foreach (var name in new[] { "0.weight", "0.bias", "1.weight" })
        {
            var sum = models.Select(model => model[name] - start[name]).Aggregate((a, b) => a + b);
            Assert.That(Difference(average.Merged[name], start[name] + sum / 3), Is.LessThan(1e-14), name);
            Assert.That(Difference(arithmetic.Merged[name], start[name] + sum * 0.4), Is.LessThan(1e-14), name);
        }
        // Without projection each change is added to lambda times what there was: the plain sum, scaled.
        var vectors = models.Select(model => TaskVector.Between(start, model)).Aggregate((a, b) => a + b);
        var merged = TaskVector.Between(start, unprojected.Merged);
        Assert.That(merged.Dot(vectors), Is.EqualTo(merged.Norm() * vectors.Norm()).Within(1e-12));
    }

    [Test]
    public void Only_linear_weights_of_a_module_are_projected()
    {
        var module = new Sequential(new Embedding(4, 3, new(1)), new Linear(3, 2, new(2)), new Conv2d(1, 2, 3, new(3)));
        var isLinear = OrthogonalProjectionMerger.LinearWeights(module);
        Assert.That(module.StateDict().Where(entry => isLinear(entry.Key, entry.Value)).Select(entry => entry.Key),
            Is.EqualTo(new[] { "1.weight" }));
    }

    [Test]
    public void Vectors_are_added_scaled_and_applied()
    {
        var (start, a, b) = (Sample(1, DType.Float64), Sample(5, DType.Float64), Sample(9, DType.Float64));
        var (x, y) = (TaskVector.Between(start, a), TaskVector.Between(start, b));
        Assert.That(x.Names, Is.EqualTo(new[] { "0.weight", "0.bias", "1.weight" }));
        var applied = (0.5 * x - y * 2 + -x).ApplyTo(start);
        Assert.That(applied.Keys, Is.EqualTo(start.Keys));
        foreach (var name in x.Names)
            Assert.That(Difference(applied[name], start[name] - (a[name] - start[name]) * 0.5 - (b[name] - start[name]) * 2),
                Is.LessThan(1e-14), name);
        Assert.That(applied["steps"].ToArray<long>(), Is.EqualTo(new long[] { 1 }));
        var dot = x.Names.Sum(name => ((a[name] - start[name]) * (b[name] - start[name])).Sum().Item());
        Assert.That(x.Dot(y), Is.EqualTo(dot).Within(1e-13));
        Assert.That(x.Norm(), Is.EqualTo(Math.Sqrt(x.Dot(x))));
        Assert.That(() => x["steps"], Throws.TypeOf<KeyNotFoundException>());
        Assert.That(x.TryGetValue("0.bias", out var bias) && bias!.Shape == Shape.Create([8]));
        Assert.That(() => x + TaskVector.Between(One(ones), One(ones)),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("differs at"));
        Assert.That(() => x.ApplyTo(One(ones)), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("nothing for 0.weight"));
    }

    [Test]
    public void Vectors_between_files_read_what_is_asked_for()
    {
        using var folder = new TemporaryFolder();
        string[] paths = [Path.Combine(folder.Path, "a.safetensors"), Path.Combine(folder.Path, "b.safetensors")];
        var (start, end) = (Sample(1), Sample(5));
        Safetensors.Save(paths[0], start);
        Safetensors.Save(paths[1], end);
        using var before = Safetensors.Open(paths[0]);
        using var after = Safetensors.Open(paths[1]);
        Assert.That(before, Has.Count.EqualTo(4));
        Assert.That(before.TryGetValue("nothing", out _), Is.False);
        var vector = TaskVector.Between(before, after) * 2;
        Assert.That(vector["0.bias"].ToArray<float>(), Is.EqualTo(((end["0.bias"] - start["0.bias"]) * 2).ToArray<float>()));
        Assert.That((TaskVector.Between(before, after) * 1).ApplyTo(before)["1.weight"].ToArray<float>(),
            Is.EqualTo(end["1.weight"].ToArray<float>()).Within(1e-6));
        Assert.That(new OrthogonalProjectionMerger(before).Merged.Keys, Is.EquivalentTo(start.Keys));
    }

    [Test, Category("Devices")]
    public void Models_are_merged_where_the_base_is()
    {
        float[] On(Device device)
        {
            var start = Sample(1).ToDictionary(entry => entry.Key, entry => entry.Value.To(device));
            var merger = new OrthogonalProjectionMerger(start);
            merger.Add(Sample(5));
            merger.Add(Sample(9));
            Assert.That(merger.Merged["0.weight"].Device, Is.SameAs(device));
            return merger.Merged["0.weight"].ToArray<float>();
        }

        var here = On(Device.Cpu);
        foreach (var device in Devices.Gpus)
            Assert.That(On(device), Is.EqualTo(here), $"{device}");
    }

    [Test]
    public void Misfits_are_named_and_change_nothing()
    {
        var merger = new OrthogonalProjectionMerger(Sample(1));
        var missing = Sample(5);
        missing.Remove("0.bias");
        Assert.That(() => merger.Add(missing), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("0.bias is missing"));
        var reshaped = Sample(5);
        reshaped["0.bias"] = Tensor.Ones([7]);
        Assert.That(() => merger.Add(reshaped),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("0.bias is Float32 [7] for Float32 [8]"));
        var infinite = Sample(5);
        infinite["1.weight"] = Tensor.Full([4, 8], double.PositiveInfinity);
        Assert.That(() => merger.Add(infinite), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("not finite at 1.weight"));
        Assert.That(merger.Count, Is.Zero);
        Assert.That(() => new OrthogonalProjectionMerger(infinite), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new OrthogonalProjectionMerger(Sample(1), alpha: 0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new OrthogonalProjectionMerger(Sample(1), alpha: 1.5), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new WeightAverageMerger(One(Tensor.Ones([2], DType.Complex64))),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("Complex64 at w"));
        Assert.That(() => OrthogonalProjectionMerger.ProjectOut(ones, Tensor.Ones([2, 3]), 0.5), Throws.TypeOf<TensorArgumentException>());
    }
}
