using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Certification;
using Ortho.Layers.ConvolutionMethods;
using Ortho.Layers.Losses;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

/// <summary>Layers that claim a bound of their slope, held to it by what an adversary finds.</summary>
[TestFixture]
public class LipschitzLayerTests
{
    static readonly Dictionary<string, (Func<DType, Module> Make, Shape Input)> layers = new()
    {
        ["AolLinear"] = (dtype => new AolLinear(6, 9, new(1), dtype: dtype), [6]),
        ["AolLinear narrow"] = (dtype => new AolLinear(9, 4, new(1), bias: false, dtype: dtype), [9]),
        ["AolConv2d"] = (dtype => new AolConv2d(3, 5, 3, new(1), dtype: dtype), [3, 5, 6]),
        ["AolConv2d zeros"] = (dtype => new AolConv2d(3, 2, 3, new(1), ConvolutionPadding.Zeros, dtype: dtype), [3, 5, 5]),
        ["SllLinear"] = (dtype => new SllLinear(6, 9, new(1), dtype), [6]),
        ["SllConv2d"] = (dtype => new SllConv2d(3, 5, 3, new(1), dtype: dtype), [3, 5, 6]),
        ["SllConv2d zeros"] = (dtype => new SllConv2d(3, 5, 3, new(1), ConvolutionPadding.Zeros, dtype), [3, 5, 5]),
        ["CplLinear"] = (dtype => new CplLinear(6, 9, new(1), dtype), [6]),
        ["CplConv2d"] = (dtype => new CplConv2d(3, 5, 3, new(1), dtype: dtype), [3, 5, 6]),
        ["CplConv2d zeros"] = (dtype => new CplConv2d(3, 5, (3, 1), new(1), ConvolutionPadding.Zeros, dtype), [3, 5, 5]),
        ["SandwichLinear"] = (dtype => new SandwichLinear(6, 4, new(1), dtype), [6]),
        ["SandwichConv2d"] = (dtype => new SandwichConv2d(3, 4, 3, new(1), dtype), [3, 5, 6]),
        ["MaxMin"] = (_ => new MaxMin(), [6, 4]),
        ["GroupSort"] = (_ => new GroupSort(3), [6, 4]),
        ["HouseholderActivation"] = (dtype => new HouseholderActivation(6, dtype), [6, 4]),
        ["NormPooling"] = (_ => new NormPooling(), [6, 4, 3]),
        ["PixelShuffle"] = (_ => new PixelShuffle((2, 3)), [6, 4, 3]),
        ["BatchCentering"] = (dtype => new BatchCentering(6, dtype: dtype), [6, 4]),
        ["OrthogonalConv2d"] = (dtype => new OrthogonalConv2d(3, 5, 3, new(1), method: new Aoc(), dtype: dtype), [3, 5, 6]),
    };

    static IEnumerable<string> Names => layers.Keys;

    // Parameters that training might find: not those of the start.
    static Module Layer(string name, DType dtype = DType.Float64)
    {
        var layer = layers[name].Make(dtype);
        foreach (var (k, parameter) in layer.Parameters().Index())
            parameter.Assign(parameter.Value + Random(parameter.Value.Shape, dtype, k + 3) * 0.3);
        layer.Eval();
        return layer;
    }

    // The largest |f(x) - f(y)| / |x - y| that ascent finds.
    static double Steepest(Module layer, Shape input, double step)
    {
        var (x, worst) = (Random([8, .. input], seed: 5), 0.0);
        int[] features = [.. Enumerable.Range(1, input.Rank)];
        var direction = Random([8, .. input], seed: 6);
        using var frozen = layer.Freeze();
        for (var k = 0; k < 40; k++)
        {
            direction = (direction * (step / direction.Norm(features, keepDimensions: true))).Detach().RequiresGrad();
            var at = x.Detach().RequiresGrad();
            var rise = (layer.Forward(at + direction) - layer.Forward(at)).Flatten(1).Norm([1]);
            worst = Math.Max(worst, rise.Max().Item() / step);
            var gradients = Graph.Gradients([rise.Sum()], [at, direction]);
            using (Graph.NoGrad())
            {
                x += gradients[0] * (0.5 / (gradients[0].Norm(features, true) + 1e-12));
                // The power iteration, as far as the layer is linear along the way.
                direction = direction + gradients[1] * (3 * step / (gradients[1].Norm(features, true) + 1e-12));
            }
        }
        return worst;
    }

    [Test]
    public void No_pair_of_inputs_is_further_apart_than_the_bound_says([ValueSource(nameof(Names))] string name)
    {
        var (layer, input) = (Layer(name), layers[name].Input);
        using (Graph.NoGrad())
            _ = layer.Forward(Tensor.Ones([1, .. input], DType.Float64));
        var bound = ((ILipschitz)layer).LipschitzBound();
        Assert.That(bound, Is.LessThanOrEqualTo(1 + 1e-12));
        var steepest = Math.Max(Steepest(layer, input, 1e-3), Steepest(layer, input, 1));
        // Near the bound, too: a layer that loses everything is 1-Lipschitz as well.
        Assert.That(steepest, Is.LessThanOrEqualTo(bound + 1e-9).And.GreaterThan(0.5));
    }

    [Test]
    public void Gradients_match_central_differences([Values("AolLinear", "AolConv2d", "AolConv2d zeros", "SllLinear", "SllConv2d zeros",
        "CplLinear", "CplConv2d", "SandwichLinear", "SandwichConv2d", "HouseholderActivation", "BatchCentering")] string name)
    {
        var (layer, x) = (Layer(name), Random([2, .. layers[name].Input], seed: 7));
        var weights = Random(layer.Forward(x).Shape, seed: 8);
        foreach (var parameter in layer.Parameters())
        {
            layer.ZeroGrad();
            (layer.Forward(x) * weights).Sum().Backward();
            var (numbers, slopes) = (parameter.Value.ToArray<double>(), parameter.Value.Grad!.ToArray<double>());
            for (var i = 0; i < numbers.Length; i += Math.Max(1, numbers.Length / 6))
            {
                const double h = 1e-5;
                Assert.That(slopes[i], Is.EqualTo((At(h) - At(-h)) / (2 * h)).Within(1e-7), $"{parameter.Name}, element {i}");

                double At(double t)
                {
                    double[] moved = [.. numbers];
                    moved[i] += t;
                    parameter.Assign(Tensor.From(moved, parameter.Value.Shape));
                    using (Graph.NoGrad())
                        return (layer.Forward(x) * weights).Sum().Item();
                }
            }
            parameter.Assign(Tensor.From(numbers, parameter.Value.Shape));
        }
        CheckGradient(a => layer.Forward(a[0]), [x], tolerance: 1e-6);
    }

    [Test]
    public void After_training_in_single_precision_the_bound_holds([Values("AolLinear", "AolConv2d", "SllLinear", "SllConv2d", "CplConv2d",
        "SandwichConv2d")] string name)
    {
        var (layer, x) = (Layer(name, DType.Float32), Random([16, .. layers[name].Input], DType.Float32, 3));
        layer.Train();
        var (optimizer, before, target) = (new Adam(layer.Parameters(), 0.02), layer.Parameters().First().Value.Detach().Clone(),
            (Tensor?)null);
        for (var step = 0; step < 30; step++)
        {
            using var scope = new TensorScope();
            optimizer.ZeroGrad();
            var y = layer.Forward(x);
            target ??= TensorScope.Release(Tensor.Normal(y.Shape, new(2)));
            (y - target).Square().Mean().Backward();
            optimizer.Step();
        }
        Assert.That(Difference(layer.Parameters().First().Value.Detach(), before), Is.GreaterThan(0.05), "it has learnt something");
        Assert.That(((ILipschitz)layer).LipschitzBound(), Is.LessThan(1 + 1e-5));
    }

    [Test]
    public void Almost_orthogonal_layers_by_hand()
    {
        // W^T W = [[1, 2], [2, 4]]: columns divided by sqrt 3 and sqrt 6.
        var layer = new AolLinear(2, 1, new(1), dtype: DType.Float64);
        layer.Free.Assign(Tensor.From(new double[,] { { 1, 2 } }));
        Assert.That(layer.Weight.Detach().ToArray<double>(), Is.EqualTo(new[] { 1 / Math.Sqrt(3), 2 / Math.Sqrt(6) }).Within(1e-12));
        // An orthogonal matrix stays what it is; so does a kernel of one.
        var q = Unitary(4, DType.Float64, 2);
        var square = new AolLinear(4, 4, new(1), dtype: DType.Float64);
        var sums = q.T.MatMul(q).Abs().Sum([1]);
        square.Free.Assign(q * 3.0);
        Assert.That(Difference(square.Weight.Detach(), q), Is.LessThan(1e-11));
        Assert.That(sums.ToArray<double>(), Is.All.EqualTo(1).Within(1e-12));
        var orthogonal = new OrthogonalConv2d(3, 3, 3, new(1), method: new Bcop(), dtype: DType.Float64).Kernel!.Detach();
        var convolution = new AolConv2d(3, 3, 3, new(1), dtype: DType.Float64);
        convolution.Free.Assign(orthogonal * 0.1);
        Assert.That(Difference(convolution.Kernel.Detach(), orthogonal), Is.LessThan(1e-9));
        // A column of zeros is one.
        layer.Free.Assign(Tensor.From(new double[,] { { 0, 2 } }));
        Assert.That(layer.Weight.Detach().ToArray<double>(), Is.EqualTo(new[] { 0, 1.0 }).Within(1e-12));
    }

    [Test]
    public void Activations_by_hand()
    {
        var x = Tensor.From(new double[,] { { 3, 1, 2, 5, 4, 0 } });
        Assert.That(new GroupSort(3).Forward(x).ToArray<double>(), Is.EqualTo(new double[] { 1, 2, 3, 0, 4, 5 }));
        Assert.That(new GroupSort(1).Forward(x).ToArray<double>(), Is.EqualTo(x.ToArray<double>()));
        var images = Random([2, 6, 3, 2], seed: 4);
        var sorted = new GroupSort(2).Forward(images).ToArray<double>();
        Assert.That(sorted[..6].Zip(sorted[6..12]), Has.All.Matches<(double Low, double High)>(pair => pair.Low <= pair.High));

        var activation = new HouseholderActivation(6, DType.Float64);
        Assert.That(Difference(activation.Forward(images).Detach(), new MaxMin().Forward(images)), Is.LessThan(1e-15));
        // v = (sin t/2, -cos t/2); (1, 2) with t = 0 lies beyond: v = (0, -1), reflected to (1, -2).
        var pair = new HouseholderActivation(2, DType.Float64);
        pair.Angle.Assign(Tensor.Zeros([1], DType.Float64));
        Assert.That(pair.Forward(Tensor.From(new double[,] { { 1, 2 }, { 1, -2 } })).Detach().ToArray<double>(),
            Is.EqualTo(new double[] { 1, -2, 1, -2 }));
        pair.Angle.Assign(Tensor.Full([1], 0.7, DType.Float64));
        var planes = Random([40, 2], seed: 3);
        Assert.That(Difference(pair.Forward(planes).Detach().Norm([1]), planes.Norm([1])), Is.LessThan(1e-15), "an isometry");

        Assert.That(new NormPooling().Forward(Tensor.From(new double[] { 3, 4, 0, 2 }, [1, 2, 2])).ToArray<double>(),
            Is.EqualTo(new double[] { 5, 2 }));
        Assert.That(Difference(new PixelUnshuffle((2, 3)).Forward(new PixelShuffle((2, 3)).Forward(images)), images), Is.Zero);
        Assert.That(new PixelShuffle((2, 3)).Forward(images).Shape, Is.EqualTo(Shape.Create([2, 1, 6, 6])));
    }

    [Test]
    public void Batches_are_centred_and_their_mean_is_remembered()
    {
        var layer = new BatchCentering(3, momentum: 0.5, DType.Float64);
        layer.Bias.Assign(Tensor.From(new double[] { 1, 2, 3 }));
        var x = Random([4, 3, 5], seed: 2) + 1.0;
        var y = layer.Forward(x).Detach();
        Assert.That(Difference(y.Mean([0, 2]), layer.Bias.Value.Detach()), Is.LessThan(1e-14));
        Assert.That(Difference(layer.Mean.Value, x.Mean([0, 2]) * 0.5), Is.LessThan(1e-15));
        layer.Eval();
        Assert.That(Difference(layer.Forward(x).Detach(), x + (layer.Bias.Value.Detach() - layer.Mean.Value).Reshape(3, 1)),
            Is.LessThan(1e-15));
        Assert.That(layer.StateDict().Keys, Is.EquivalentTo(new[] { "running_mean", "bias" }));
    }

    [Test]
    public void Misfits_are_named()
    {
        static void Refused(Module layer, Shape x, string message)
            => Assert.That(() => layer.Forward(Tensor.Ones(x)), Throws.TypeOf<TensorArgumentException>().With.Message.Contains(message));
        Refused(new AolLinear(3, 2, new(1)), [2, 4], "[..., 3]");
        Refused(new AolConv2d(3, 2, 3, new(1)), [2, 4, 5, 5], "[batch, 3, height, width]");
        Refused(new SllLinear(3, 2, new(1)), [2, 4], "SllLinear: x is [2, 4]; expected [..., 3]");
        Refused(new CplConv2d(3, 2, 3, new(1)), [2, 4, 5, 5], "CplConv2d: x is [2, 4, 5, 5]; expected [batch, 3, height, width]");
        Refused(new SandwichLinear(3, 2, new(1)), [2, 4], "[..., 3]");
        Refused(new SandwichConv2d(3, 2, 3, new(1)), [2, 4, 5, 5], "[batch, 3, height, width]");
        Refused(new GroupSort(3), [2, 4], "divisible by 3");
        Refused(new HouseholderActivation(4), [2, 6], "[batch, 4, ...]");
        Refused(new NormPooling(), [2, 4], "[batch, channels, ...]");
        Refused(new PixelShuffle(2), [1, 6, 2, 2], "divisible by 4");
        Refused(new BatchCentering(4), [2, 6], "[batch, 4, ...]");
        Assert.That(() => new HouseholderActivation(3), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new GroupSort(0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new BatchCentering(3, momentum: 0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new AolConv2d(3, 2, 3, new(1), ConvolutionPadding.Valid), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new CplConv2d(3, 2, 3, new(1)).LipschitzBound(), Throws.InvalidOperationException);
        Assert.That(() => new SandwichConv2d(3, 2, 3, new(1)).LipschitzBound(), Throws.InvalidOperationException);
        Assert.That(() => new AolConv2d(3, 2, 3, new(1)).Certify(), Throws.InvalidOperationException);
    }

    [Test]
    public void The_bound_of_a_network_is_the_product_over_its_layers_and_names_what_has_none()
    {
        var generator = new Generator(2);
        var wide = new Linear(6, 8, generator, dtype: DType.Float64);
        var narrow = new Linear(8, 2, generator, dtype: DType.Float64);
        var network = new Sequential(new Sequential(wide, new MaxMin()), new SllLinear(8, 8, generator, DType.Float64), narrow);
        Assert.That(Lipschitz.Bound(network), Is.EqualTo(wide.Certify().Largest * narrow.Certify().Largest).Within(1e-12));
        var unknown = new Sequential(wide, new Sequential(new MaxMin(), new Activation(x => x.Square())));
        Assert.That(() => Lipschitz.Bound(unknown), Throws.ArgumentException.With.Message.Contains("module '1.1' is a Activation"));
    }

    [Test]
    public void A_recorder_sees_layers_drift()
    {
        var generator = new Generator(2);
        var (free, held) = (new Linear(6, 6, generator), new OrthogonalLinear(6, 6, generator));
        var network = new Sequential(free, new Sequential(held));
        var (recorder, optimizer) = (new SpectrumRecorder(network), new Adam(network.Parameters(), 0.02));
        var x = Random([16, 6], DType.Float32);
        for (var step = 0; step <= 20; step++)
        {
            if (step % 10 == 0)
                recorder.Record(step);
            optimizer.ZeroGrad();
            (network.Forward(x) - 1.0).Square().Mean().Backward();
            optimizer.Step();
        }
        Assert.That(recorder.Records.Select(record => (record.Step, record.Layer)), Is.EqualTo(new[]
            { (0, "0 Linear"), (0, "1.0 OrthogonalLinear"), (10, "0 Linear"), (10, "1.0 OrthogonalLinear"), (20, "0 Linear"),
                (20, "1.0 OrthogonalLinear") }));
        Assert.That(recorder.WorstError("1.0 OrthogonalLinear"), Is.LessThan(1e-5));
        Assert.That(recorder.WorstCondition("1.0 OrthogonalLinear"), Is.EqualTo(1).Within(1e-5));
        Assert.That(recorder.WorstError("0 Linear"), Is.GreaterThan(0.1));
        Assert.That(recorder.Records[4].Spectrum, Is.Not.EqualTo(recorder.Records[0].Spectrum));
        Assert.That(() => recorder.WorstError("2"), Throws.ArgumentException.With.Message.Contains("0 Linear, 1.0 OrthogonalLinear"));
    }

    [Test]
    public void Radii_through_the_last_layer_are_each_class_s_own()
    {
        var weight = Tensor.From(new double[,] { { 3, 0 }, { 0, 4 }, { 0, 0 } });
        var (logits, labels) = (Tensor.From(new double[,] { { 6, 1, 3 }, { 1, 2, 5 }, { 0, 7, 1 } }), Tensor.From(new long[] { 0, 1, 1 }));
        // |w_0 - w_1| = 5, |w_0 - w_2| = 3, |w_1 - w_2| = 4; features of slope 2.
        var radii = Robustness.CertifiedRadius(logits, labels, 2, weight);
        Assert.That(radii.ToArray<double>(), Is.EqualTo(new[] { 0.5, 0, 0.7 }).Within(1e-15));
        Assert.That(Robustness.CertifiedAccuracy(radii, 0.4), Is.EqualTo(2 / 3.0).Within(1e-15));
        Assert.That(Robustness.CertifiedAccuracy(radii, 0.6), Is.EqualTo(1 / 3.0).Within(1e-15));
        Assert.That(Robustness.CertifiedRadius(logits.To(DType.Float32), labels, 2, weight.To(DType.Float32)).ToArray<float>(),
            Is.EqualTo(new[] { 0.5f, 0, 0.7f }).Within(1e-6f));
        Assert.That(() => Robustness.CertifiedRadius(logits, labels, 2, Tensor.Ones([2, 2])), Throws.TypeOf<TensorArgumentException>());
    }

    [Test]
    public void An_attack_may_have_any_objective_and_no_range()
    {
        var network = new Linear(12, 2, new(3), dtype: DType.Float64);
        var (x, labels) = (Random([4, 12], seed: 3) * 3.0, Tensor.From(new long[] { 0, 1, 1, 0 }));
        var attacked = Robustness.AttackL2(network, x, labels, 0.5, 10, double.NegativeInfinity, double.PositiveInfinity, (logits, truth)
            => -logits.CrossEntropy(truth));
        // Of two classes both objectives fall in the same direction, all the way to the edge of the ball.
        Assert.That(Difference(attacked,
            Robustness.AttackL2(network, x, labels, 0.5, 10, double.NegativeInfinity, double.PositiveInfinity)), Is.LessThan(1e-9));
        Assert.That((attacked - x).Norm([1]).ToArray<double>(), Is.All.EqualTo(0.5).Within(1e-9));
        Assert.That(Largest(attacked), Is.GreaterThan(1), "pixels beyond 1 stay there");
    }

    [Test]
    public void Losses_by_hand()
    {
        var (logits, labels) = (Tensor.From(new double[,] { { 2, -1 }, { 0.5, 0.25 }, { -1, 3 } }), Tensor.From(new long[] { 0, 0, 1 }));
        // Class 0: mean 1.25 over its members and -1 over the other; class 1: 3, and -0.375 over the others. Distances 2.25 and 3.375.
        // Hinges max(0, 1 - t f): 0, 0; 0.5, 1.25; 0, 0.
        var expected = 10 * 1.75 / 6 - (2.25 + 3.375) / 2;
        Assert.That(logits.HingeKantorovichRubinstein(labels, 1).Item(), Is.EqualTo(expected).Within(1e-14));
        Assert.That(double.IsFinite(logits.HingeKantorovichRubinstein(Tensor.From(new long[] { 0, 0, 0 }), 1).Item()),
            "a batch without a class");
        // Margins 3, 0.25, 4.
        Assert.That(logits.CertificateRegularization(labels, 0.5).Item(), Is.EqualTo(-0.5 * 7.25 / 3 / Math.Sqrt(2)).Within(1e-14));
        CheckGradient(a => a[0].HingeKantorovichRubinstein(labels, 1), [logits * 1.1]);
        CheckGradient(a => a[0].CertificateRegularization(labels, 0.5), [logits]);
        Assert.That(() => logits.HingeKantorovichRubinstein(Tensor.Ones([3]), 1), Throws.TypeOf<TensorArgumentException>());
    }
}
