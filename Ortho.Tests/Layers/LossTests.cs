using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers.Losses;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

[TestFixture]
public class LossTests
{
    static readonly long[] classes = [2, 0, 3, 3, 1];
    static readonly Tensor labels = Tensor.From(classes, [5]);

    static readonly (string Name, Func<Tensor, Tensor> Loss, Func<double[], int, double> Formula)[] Losses =
    [
        ("CrossEntropy", x => x.CrossEntropy(labels), (row, label) => LogSumExp(row) - row[label]),
        ("MarginCrossEntropy", x => x.MarginCrossEntropy(labels, 0.7, 4), (row, label) =>
        {
            double[] lowered = [.. row.Select((value, k) => 4 * (k == label ? value - 0.7 : value))];
            return (LogSumExp(lowered) - lowered[label]) / 4;
        }),
        ("MultiClassHinge", x => x.MultiClassHinge(labels, 0.9), (row, label) => Math.Max(0, 0.9 - (row[label] - row.Where((_, k) => k != label).Max()))),
    ];

    static IEnumerable<string> Names => Losses.Select(loss => loss.Name);

    static double LogSumExp(double[] row) => row.Max() + Math.Log(row.Sum(value => Math.Exp(value - row.Max())));

    [Test]
    public void Values_are_the_formulas([ValueSource(nameof(Names))] string name, [Values(0.1, 1, 300)] double scale, [Values(DType.Float32, DType.Float64)] DType dtype)
    {
        var (_, loss, formula) = Losses.First(row => row.Name == name);
        var logits = Random([5, 4], dtype, 1) * scale;
        var numbers = Wide(logits).ToArray<double>();
        var expected = Enumerable.Range(0, 5).Average(b => formula(numbers[(4 * b)..(4 * b + 4)], (int)classes[b]));
        var y = loss(logits);
        Assert.That((y.DType, y.Rank), Is.EqualTo((dtype, 0)));
        Assert.That(y.Item(), Is.EqualTo(expected).Within(16 * Unit(dtype) * (1 + scale)));
    }

    [Test]
    public void Gradients_match_central_differences([ValueSource(nameof(Names))] string name)
        => CheckGradient(x => Losses.First(row => row.Name == name).Loss(x[0]), [Random([5, 4], seed: 2)], order: name == "MultiClassHinge" ? 1 : 2, tolerance: 1e-9);

    [Test]
    public void Far_logits_give_finite_losses_and_gradients([ValueSource(nameof(Names))] string name)
    {
        var logits = (Random([5, 4], DType.Float32, 3) * 1e4).Detach().RequiresGrad();
        var y = Losses.First(row => row.Name == name).Loss(logits);
        y.Backward();
        Assert.That(double.IsFinite(y.Item()));
        Assert.That(logits.Grad!.ToArray<float>(), Has.All.Matches<float>(float.IsFinite));
    }

    [Test]
    public void Misfits_are_named([ValueSource(nameof(Names))] string name)
    {
        var loss = Losses.First(row => row.Name == name).Loss;
        Assert.That(() => loss(Tensor.Ones([4])), Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo($"{name}: logits is [4]; expected [batch, classes]."));
        Assert.That(() => loss(Tensor.Ones([4, 4])), Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo($"{name}: labels is Int64 [5]; expected Int64 [4]."));
        Assert.That(() => Tensor.Ones([5, 4]).CrossEntropy(labels.To(DType.Int32)), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("Int32 [5]"));
    }

    [Test]
    public void Smoothing_mixes_the_label_with_all_classes([Values(0, 0.1, 1)] double smoothing)
    {
        var logits = Random([5, 4], seed: 4) * 3;
        var numbers = logits.ToArray<double>();
        var expected = Enumerable.Range(0, 5).Average(b =>
        {
            var row = numbers[(4 * b)..(4 * b + 4)];
            return LogSumExp(row) - (1 - smoothing) * row[classes[b]] - smoothing * row.Average();
        });
        Assert.That(logits.CrossEntropy(labels, smoothing).Item(), Is.EqualTo(expected).Within(1e-14));
        CheckGradient(x => x[0].CrossEntropy(labels, smoothing), [logits], order: 2, tolerance: 1e-9);
        Assert.That(() => logits.CrossEntropy(labels, 1.5), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("labelSmoothing is 1.5"));
    }

    [Test]
    public void Distillation_is_the_divergence_from_the_teacher([Values(1, 2.5)] double temperature)
    {
        var (student, teacher) = (Random([5, 4], seed: 5) * 3, Random([5, 4], seed: 6) * 3);
        var (s, t) = (student.ToArray<double>(), teacher.ToArray<double>());
        var expected = Enumerable.Range(0, 5).Average(b =>
        {
            double[] Logarithms(double[] all) => [.. all[(4 * b)..(4 * b + 4)].Select(v => v / temperature - LogSumExp([.. all[(4 * b)..(4 * b + 4)].Select(w => w / temperature)]))];
            return Logarithms(t).Zip(Logarithms(s), (goal, own) => Math.Exp(goal) * (goal - own)).Sum() * temperature * temperature;
        });
        Assert.That(student.Distillation(teacher, temperature).Item(), Is.EqualTo(expected).Within(1e-13));
        Assert.That(teacher.Distillation(teacher, temperature).Item(), Is.Zero);
        CheckGradient(x => x[0].Distillation(teacher, temperature), [student], order: 2, tolerance: 1e-8);
        var wanting = teacher.Detach().RequiresGrad();
        Assert.That(student.Distillation(wanting).WantsGrad, Is.False, "the teacher gets no gradient");
        Assert.That(() => student.Distillation(teacher, 0), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("temperature is 0"));
        Assert.That(() => student.Distillation(teacher.T), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("teacher is [4, 5]"));
    }

    [Test]
    public void A_label_that_is_no_class_is_refused([ValueSource(nameof(Names))] string name, [Values(2, 3)] int width)
        // Labels go up to 3; fewer classes must not give a number.
        => Assert.That(() => Losses.First(row => row.Name == name).Loss(Tensor.Ones([5, width])), Throws.InstanceOf<ArgumentException>());
}
