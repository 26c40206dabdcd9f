using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers.Analysis;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

[TestFixture]
public class RetrievalTests
{
    static Tensor Labels(params long[] labels) => Tensor.From(labels, [labels.Length]);

    [Test]
    public void Cosines_are_those_of_the_shared_dimensions()
    {
        var (q, g) = (Tensor.From(new double[,] { { 3, 4, 12 } }), Tensor.From(new double[,] { { 4, 3 } }));
        Assert.That(Retrieval.CosineTruncated(q, g).Item(), Is.EqualTo(24.0 / 25).Within(1e-15));
        Assert.That(Retrieval.CosineTruncated(g, q).Item(), Is.EqualTo(24.0 / 25).Within(1e-15));
        var (a, b) = (Random([3, 5], seed: 1), Random([4, 5], seed: 2));
        var (x, y, cosines) = (a.ToArray<double>(), b.ToArray<double>(), Retrieval.CosineTruncated(a, b).ToArray<double>());
        for (var i = 0; i < 12; i++)
        {
            var (u, v) = (x[(i / 4 * 5)..(i / 4 * 5 + 5)], y[(i % 4 * 5)..(i % 4 * 5 + 5)]);
            double Dot(double[] s, double[] t) => s.Zip(t, (p, r) => p * r).Sum();
            Assert.That(cosines[i], Is.EqualTo(Dot(u, v) / Math.Sqrt(Dot(u, u) * Dot(v, v))).Within(1e-15));
        }
    }

    [Test]
    public void A_ranking_by_hand()
    {
        var score = Retrieval.Evaluate(Tensor.From(new[,] { { 0.9, 0.8, 0.7, 0.6 } }), Labels(0), Labels(0, 1, 0, 1), excludeSelf: false);
        Assert.That((score.Top1, score.Queries), Is.EqualTo((1.0, 1)));
        Assert.That(score.MeanAveragePrecision, Is.EqualTo((1 + 2.0 / 3) / 2).Within(1e-15));
    }

    [Test]
    public void Metrics_are_those_of_loops([Values] bool excludeSelf, [Values(1, 2, 3)] int seed)
    {
        const int n = 23;
        var random = new System.Random(seed);
        long[] labels = [.. Enumerable.Range(0, n).Select(_ => (long)random.Next(6))];
        labels[4] = 77; // Alone: without a relevant item when itself does not count.
        var similarity = Random([n, n], seed: seed + 10);
        var s = similarity.ToArray<double>();
        List<double> tops = [], precisions = [];
        for (var q = 0; q < n; q++)
        {
            int[] order = [.. Enumerable.Range(0, n).Where(k => !excludeSelf || k != q).OrderByDescending(k => s[q * n + k])];
            bool[] hits = [.. order.Select(k => labels[k] == labels[q])];
            if (!hits.Contains(true))
                continue;
            tops.Add(hits[0] ? 1 : 0);
            precisions.Add(hits.Index().Where(hit => hit.Item).Average(hit => hits[..(hit.Index + 1)].Count(h => h) / (hit.Index + 1.0)));
        }
        var score = Retrieval.Evaluate(similarity, Labels(labels), Labels(labels), excludeSelf);
        Assert.That(score.Queries, Is.EqualTo(tops.Count).And.LessThan(excludeSelf ? n : n + 1));
        Assert.That(score.Top1, Is.EqualTo(tops.Average()).Within(1e-15));
        Assert.That(score.MeanAveragePrecision, Is.EqualTo(precisions.Average()).Within(1e-14));
    }

    [Test]
    public void Without_relevant_items_there_is_no_score()
    {
        var score = Retrieval.Evaluate(Tensor.Ones([1, 2]), Labels(0), Labels(1, 2), excludeSelf: false);
        Assert.That((score.Top1, score.Queries), Is.EqualTo((double.NaN, 0)));
    }

    [Test]
    public void A_model_is_compatible_when_its_queries_improve_on_the_old_ones()
    {
        var labels = Labels(0, 0, 1, 1);
        var old = Tensor.From(new double[,] { { 1, 0 }, { 1, 1 }, { 0, 1 }, { 1, 1.1 } });
        var better = Tensor.From(new double[,] { { 1, 0, 9 }, { 1, 0.2, 9 }, { 0, 1, -9 }, { 0.2, 1, -9 } });
        var report = CompatibilityReport.Of(old, better, labels);
        Assert.That(report.New.MeanAveragePrecision, Is.EqualTo(1).Within(1e-15));
        Assert.That(report.Cross.MeanAveragePrecision, Is.GreaterThan(report.Old.MeanAveragePrecision));
        Assert.That(report.IsCompatible);
        Assert.That(CompatibilityReport.Of(old, -better, labels).IsCompatible, Is.False);
    }

    [Test, Category("Devices")]
    public void All_devices_give_the_same_scores()
    {
        var (x, labels) = (Random([9, 4], DType.Float32, 3), Labels(0, 1, 2, 0, 1, 2, 0, 1, 2));
        var here = Retrieval.Evaluate(Retrieval.CosineTruncated(x, x), labels, labels, true);
        foreach (var device in Devices.Gpus)
        {
            var (there, at) = (x.To(device), labels.To(device));
            Assert.That(Retrieval.Evaluate(Retrieval.CosineTruncated(there, there), at, at, true), Is.EqualTo(here), $"{device}");
        }
    }

    [Test]
    public void Misfits_are_named()
    {
        Assert.That(() => Retrieval.Evaluate(Tensor.Ones([2, 3]), Labels(0, 1), Labels(0, 1, 2), excludeSelf: true),
            Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo("Retrieval.Evaluate: excludeSelf is true for 2 queries and 3 items; expected as many items as queries."));
        Assert.That(() => Retrieval.Evaluate(Tensor.Ones([2, 3]), Labels(0), Labels(0, 1, 2), excludeSelf: false),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("queryLabels").And.Message.Contains("Int64 [2]"));
        Assert.That(() => Retrieval.CosineTruncated(Tensor.Ones([3]), Tensor.Ones([2, 3])), Throws.TypeOf<TensorArgumentException>());
    }

    [Test]
    public void Prototypes_are_means_of_classes()
    {
        var features = Tensor.From(new double[,] { { 1, 2 }, { 3, 4 }, { 5, 0 } });
        Assert.That(Prototypes.FromFeatures(features, Labels(1, 0, 1), 2).ToArray<double>(), Is.EqualTo(new double[] { 3, 4, 3, 1 }));
        Assert.That(() => Prototypes.FromFeatures(features, Labels(1, 2, 1), 3),
            Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo("Prototypes.FromFeatures: labels is without a sample of class 0; expected at least one of each class."));
        Assert.That(() => Prototypes.FromFeatures(features, Labels(1, 3, 0), 3),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("3 among the labels"));
    }
}
