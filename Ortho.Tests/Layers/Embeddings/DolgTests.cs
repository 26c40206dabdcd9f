using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Losses;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

/// <summary>System 23: orthogonal fusion of local and global features.</summary>
[TestFixture]
public class DolgTests
{
    static readonly Tensor labels = Tensor.From<long>([1, 0, 3, 2], [4]);

    static Tensor Row(params double[] numbers) => Tensor.From(numbers, [1, numbers.Length]);

    [Test]
    public void Components_by_hand()
    {
        var component = OrthogonalFusion.OrthogonalComponent(Row(1, 2), Row(3, 4));
        Assert.That(component.ToArray<double>(), Is.EqualTo(new[] { -0.32, 0.24 }).Within(1e-15));
        Assert.That((component * Row(3, 4)).Sum().Item(), Is.EqualTo(0).Within(1e-14));
        Assert.That(OrthogonalFusion.OrthogonalComponent(Row(1, 2), Row(0, 0)).ToArray<double>(), Is.EqualTo(new double[] { 1, 2 }));
    }

    [Test]
    public void The_global_vector_says_nothing_twice([Values(3, 4)] int rank)
    {
        var (g, c) = (Random([2, 6], DType.Float32, 1), 2.5f);
        var local = rank == 4 ? Random([2, 6, 3, 4], DType.Float32, 2) : Random([2, 12, 6], DType.Float32, 2);
        var along = rank == 4 ? g.Reshape(2, 6, 1, 1) : g.Unsqueeze(1);
        Tensor O(Tensor l, Tensor d) => OrthogonalFusion.Fuse(l, d).Narrow(1, 6, 6);
        var o = O(local, g);
        Assert.That(Difference(OrthogonalFusion.Fuse(local, g).Narrow(1, 0, 6), g), Is.Zero);
        var (cosines, lengths) = ((o * g).Sum([1]).Abs().ToArray<float>(), (o.Norm([1]) * g.Norm([1])).ToArray<float>());
        for (var k = 0; k < 2; k++)
            Assert.That(cosines[k], Is.LessThanOrEqualTo(1e-5 * lengths[k]));
        Assert.That(Difference(O(local + along * c, g), o), Is.LessThan(1e-5));
        Assert.That(Difference(O(local, g * c), o), Is.LessThan(1e-5));
        Assert.That(Difference(O(local, g * 1e-3), o), Is.LessThan(1e-5));
        // The mean of the components is the component of the mean, and no longer than it.
        var mapped = OrthogonalFusion.Fuse(local, g, map => map.Mean([2])).Narrow(1, 6, 6);
        Assert.That(Difference(mapped, o), Is.LessThan(1e-6));
        var means = local.Mean(rank == 4 ? [2, 3] : [1]).Norm([1]).ToArray<float>();
        foreach (var (k, length) in o.Norm([1]).ToArray<float>().Index())
            Assert.That(length, Is.LessThanOrEqualTo(means[k] * (1 + 1e-6)));
        // Other poolings look at the map.
        var largest = OrthogonalFusion.Fuse(local, g, map => map.Max([2])).Narrow(1, 6, 6);
        Assert.That(Difference(largest, o), Is.GreaterThan(0.1));
    }

    [Test]
    public void Gradients_of_the_fusion_match_central_differences()
    {
        CheckGradient(x => OrthogonalFusion.Fuse(x[0], x[1]), [Random([2, 3, 2, 2], seed: 1), Random([2, 3], seed: 2)], order: 2,
            tolerance: 2e-6);
        CheckGradient(x => OrthogonalFusion.Fuse(x[0], x[1], map => map.Max([2])), [Random([2, 3, 2, 2], seed: 1), Random([2, 3],
            seed: 2)], tolerance: 1e-5);
        // The closed form: with G = dL/do and s = <l, g> / |g|^2, dl = G - (<G, g> / |g|^2) g, dg = -s G - (<G, g> / |g|^2)(l - 2 s g).
        var (l, g, weight) = (Random([1, 5], seed: 3).RequiresGrad(), Random([1, 5], seed: 4).RequiresGrad(), Random([1, 5], seed: 5));
        OrthogonalFusion.OrthogonalComponent(l, g).Backward(weight);
        var (a, b, square) = (l.Detach(), g.Detach(), g.Detach().Square().Sum());
        var (s, share) = ((a * b).Sum() / square, (weight * b).Sum() / square);
        Assert.That(Difference(l.Grad!, weight - share * b), Is.LessThan(1e-15));
        Assert.That(Difference(g.Grad!, -(s * weight) - share * (a - s * b * 2)), Is.LessThan(1e-14));
    }

    [Test]
    public void Generalized_means()
    {
        var x = Tensor.From<double>([1, 2, 3, 4], [1, 1, 2, 2]);
        Tensor Of(double p, bool trainable = false) => new GeMPooling(p, trainable, dtype: DType.Float64).Forward(x);
        Assert.That(Of(1).Item(), Is.EqualTo(2.5).Within(1e-15));
        Assert.That(Of(3).Item(), Is.EqualTo(2.924018).Within(1e-6));
        Assert.That(Of(3, trainable: true).Item(), Is.EqualTo(Math.Pow(25, 1 / 3.0)).Within(1e-14));
        Assert.That(Of(100).Item(), Is.EqualTo(4).Within(0.08));
        Assert.That(new GeMPooling(100, false).Forward(x.To(DType.Float32) * 1e10f).Item(), Is.EqualTo(4e10).Within(8e8), "no overflow");
        Assert.That(new GeMPooling(3, false).Forward(Tensor.Full([1, 2, 3], -5)).ToArray<float>(), Is.All.EqualTo(1e-6).Within(1e-12));
        var layer = new GeMPooling(dtype: DType.Float64);
        var sample = Random([2, 3, 4, 2], seed: 1).Abs() + 0.1;
        CheckGradient(a => layer.Forward(a[0]), [sample], tolerance: 1e-5);
        ParameterGradients.Check(layer, () => (layer.Forward(sample) * Random([2, 3], seed: 2)).Sum());
        Assert.That(() => new GeMPooling(0), Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("p"));
        Assert.That(() => layer.Forward(Tensor.Ones([2, 3])), Throws.TypeOf<TensorArgumentException>());
    }

    [Test]
    public void Margins_by_hand()
    {
        double Target(double c, double m) => ArcFace.WithMargin(Row(c, 0), Tensor.From<long>([0], [1]), m).ToArray<double>()[0];
        Assert.That(Target(0.5, 0.15), Is.EqualTo(0.364968).Within(1e-6).And.EqualTo(Math.Cos(Math.Acos(0.5) + 0.15)).Within(1e-15));
        Assert.That(Target(Math.BitIncrement(-Math.Cos(0.15)), 0.15), Is.EqualTo(-1).Within(1e-14));
        Assert.That(Target(-Math.Cos(0.15), 0.15), Is.EqualTo(-1.011187).Within(1e-6));
        Assert.That(Target(0.5, 0), Is.EqualTo(0.5));
        // Above the lowered cosine 0.365 only 0.4 is hard: 0.4 (0.1 + 0.4).
        var curricular = ArcFace.WithMargin(Row(0.5, 0.4, 0.3), Tensor.From<long>([0], [1]), 0.15, Tensor.From<double>([0.1],
            [1])).ToArray<double>();
        Assert.That(curricular[1..], Is.EqualTo(new[] { 0.2, 0.3 }).Within(1e-15));
    }

    [Test]
    public void Without_a_margin_it_is_the_softmax_of_scaled_cosines()
    {
        var loss = new ArcFace(5, 4, new(1), scale: 7, margin: 0, dtype: DType.Float64);
        var x = Random([4, 5], seed: 2);
        Assert.That(loss.Loss(x, labels).Item(),
            Is.EqualTo((x.Normalize().MatMul(loss.Weight.Value.Normalize().T) * 7).CrossEntropy(labels).Item()).Within(1e-14));
        Assert.That(loss.Loss(x, labels).Item(), Is.EqualTo(loss.Forward(x).CrossEntropy(labels).Item()).Within(1e-14));
        Assert.That(new ArcFace(5, 4, new(1), scale: 7, dtype: DType.Float64).Loss(x, labels).Item(), Is.GreaterThan(loss.Loss(x,
            labels).Item()));
    }

    [Test]
    public void Gradients_of_the_angular_loss_match_central_differences([Values] bool curricular)
    {
        var loss = new ArcFace(5, 4, new(1), scale: 4, margin: 0.3, curricular, DType.Float64);
        var x = Random([4, 5], seed: 2);
        _ = loss.Loss(x, labels); // t leaves 0.
        loss.Eval();
        CheckGradient(a => loss.Loss(a[0], labels), [x], tolerance: 1e-5);
        ParameterGradients.Check(loss, () => loss.Loss(x, labels));
        // At an angle of 0 the gradient is finite.
        var same = loss.Weight.Value.Detach().IndexSelect(0, labels).RequiresGrad();
        loss.Loss(same, labels).Backward();
        Assert.That(same.Grad!.ToArray<double>(), Is.All.Matches<double>(double.IsFinite));
    }

    [Test]
    public void The_curriculum_follows_the_labels_cosines()
    {
        var loss = new ArcFace(5, 4, new(1), curricular: true, dtype: DType.Float64);
        var x = Random([4, 5], seed: 2);
        var mean = (loss.Forward(x) / 30).Gather(1, labels.Unsqueeze(1)).Mean().Item();
        double T() => loss.NamedBuffers().Single().Buffer.Value.Item();
        Assert.That(T(), Is.Zero);
        _ = loss.Loss(x, labels);
        Assert.That(T(), Is.EqualTo(0.01 * mean).Within(1e-16));
        _ = loss.Loss(x, labels);
        Assert.That(T(), Is.EqualTo(0.01 * mean * 1.99).Within(1e-16));
        loss.Eval();
        _ = loss.Loss(x, labels);
        Assert.That(T(), Is.EqualTo(0.01 * mean * 1.99).Within(1e-16));
    }

    [Test]
    public void Gradients_of_attention_and_head_match_central_differences([Values] bool pyramid)
    {
        int[]? dilations = pyramid ? [1, 2] : null;
        var x = Random([2, 3, 4, 4], seed: 3);
        var attention = new SpatialAttention2d(3, 3, new(1), dilations, DType.Float64);
        CheckGradient(a => attention.Forward(a[0]), [x], tolerance: 1e-4);
        var stage = new Sequential(new Conv2d(3, 4, 3, new(2), stride: 2, padding: 1, dtype: DType.Float64), new Activation(
            a => a.Softplus()));
        var head = new DolgHead(stage, 3, 4, new(4), 5, dilations, DType.Float64);
        var weight = Random([2, 5], seed: 5);
        // A step of 1e-5 keeps clear of the kinks of ReLU.
        var result = GradientCheck.Run(a => head.Forward(a[0]), [x], samples: 12);
        Assert.That(result.Error, Is.LessThan(1e-7), result.Where);
        ParameterGradients.Check(head, () => (head.Forward(x) * weight).Sum(), tolerance: 1e-7);
    }

    [Test]
    public void Local_features_have_the_length_of_their_score()
    {
        var layer = new SpatialAttention2d(3, 5, new(1), [1, 2], DType.Float64);
        var (features, scores) = layer.Attend(Random([2, 3, 4, 4], seed: 3));
        Assert.That((features.Shape, scores.Shape), Is.EqualTo((Shape.Create([2, 5, 4, 4]), Shape.Create([2, 1, 4, 4]))));
        Assert.That(Difference(features.Norm([1], true), scores), Is.LessThan(1e-14));
        Assert.That(scores.ToArray<double>(), Is.All.Positive);
    }

    [Test]
    public void Batches_are_normalized_in_training_and_remembered()
    {
        var layer = new BatchNorm(3, epsilon: 0, momentum: 0.25, dtype: DType.Float64);
        layer.Weight!.Assign(Tensor.From<double>([2, 1, 1], [3]));
        layer.Bias!.Assign(Tensor.From<double>([0, 0, 5], [3]));
        var x = Random([4, 3, 2, 2], seed: 1) * 3 + 1;
        var y = layer.Forward(x);
        var (variance, mean) = y.VarMean([0, 2, 3], correction: 0);
        Assert.That(mean.ToArray<double>(), Is.EqualTo(new double[] { 0, 0, 5 }).Within(1e-14));
        Assert.That(variance.ToArray<double>(), Is.EqualTo(new double[] { 4, 1, 1 }).Within(1e-13));
        var (unbiased, center) = x.VarMean([0, 2, 3]);
        Assert.That(Difference(layer.RunningMean.Value, center * 0.25), Is.LessThan(1e-15));
        Assert.That(Difference(layer.RunningVariance.Value, unbiased * 0.25 + 0.75), Is.LessThan(1e-14));
        Assert.That(layer.BatchCount.Value.ToArray<long>(), Is.EqualTo(new long[] { 1 }));
        layer.Eval();
        var used = (x - layer.RunningMean.Value.Reshape(3, 1, 1)) / layer.RunningVariance.Value.Sqrt().Reshape(3, 1,
            1) * layer.Weight.Value.Reshape(3, 1, 1)
            + layer.Bias.Value.Reshape(3, 1, 1);
        Assert.That(Difference(layer.Forward(x), used), Is.LessThan(1e-13));
        Assert.That(layer.BatchCount.Value.ToArray<long>(), Is.EqualTo(new long[] { 1 }));
        Assert.That(layer.StateDict().Keys, Is.EquivalentTo(new[] { "weight", "bias", "running_mean", "running_var",
            "num_batches_tracked" }));
        var again = new BatchNorm(3, epsilon: 0, dtype: DType.Float64);
        again.LoadStateDict(layer.StateDict());
        again.Eval();
        Assert.That(Difference(again.Forward(x), layer.Forward(x)), Is.Zero);
    }

    [Test]
    public void Gradients_of_batch_normalization_match_central_differences([Values] bool training, [Values] bool affine)
    {
        var layer = new BatchNorm(3, affine: affine, dtype: DType.Float64);
        var x = Random([4, 3, 2], seed: 1);
        _ = layer.Forward(x);
        if (!training)
            layer.Eval();
        CheckGradient(a => layer.Forward(a[0]), [x], order: 2, tolerance: 1e-5);
        if (affine)
            ParameterGradients.Check(layer, () => (layer.Forward(x) * Random([4, 3, 2], seed: 2)).Sum());
    }

    [Test, Category("Devices")]
    public void All_devices_give_the_same_bits()
    {
        float[][] On(Device device)
        {
            var generator = new Generator(3);
            var head = new DolgHead(new Conv2d(2, 3, 3, generator, stride: 2, padding: 1), 2, 3, generator, 4, [1]);
            var loss = new ArcFace(4, 4, generator, curricular: true);
            head.To(device);
            loss.To(device);
            var (x, at) = (Random([4, 2, 4, 4], DType.Float32, 7).To(device), labels.To(device));
            var optimizer = new Adam(head.Parameters().Concat(loss.Parameters()), 1e-2);
            for (var step = 0; step < 2; step++)
            {
                optimizer.ZeroGrad();
                loss.Loss(head.Forward(x), at).Backward();
                optimizer.Step();
            }
            return [.. head.Parameters().Concat(loss.Parameters()).Select(parameter => parameter.Value.ToArray<float>())];
        }

        var here = On(Device.Cpu);
        foreach (var device in Devices.Gpus)
            Assert.That(On(device), Is.EqualTo(here), $"{device}");
    }

    [Test]
    public void Misfits_are_named()
    {
        Assert.That(() => OrthogonalFusion.Fuse(Tensor.Ones([2, 3, 4, 4]), Tensor.Ones([2, 4])),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("[2, 4] beside local [2, 3, 4, 4]"));
        Assert.That(() => OrthogonalFusion.OrthogonalComponent(Row(1, 2), Row(1, 2, 3)), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new ArcFace(3, 4, new(1), margin: 1.6),
            Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("right angle"));
        Assert.That(() => new ArcFace(3, 4, new(1), margin: -0.1), Throws.TypeOf<ArgumentOutOfRangeException>());
        var loss = new ArcFace(3, 4, new(1));
        Assert.That(() => loss.Loss(Tensor.Ones([4, 2]), labels),
            Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo("ArcFace: x is [4, 2]; expected [batch, 3]."));
        Assert.That(() => loss.Loss(Tensor.Ones([3, 3]), labels),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("Int64 [3]"));
        Assert.That(() => loss.Loss(Tensor.Ones([1, 3]), Tensor.From<long>([4], [1])), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => new BatchNorm(3).Forward(Tensor.Ones([2, 4])),
            Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo("BatchNorm: x is [2, 4]; expected [batch, 3, ...]."));
        Assert.That(() => new BatchNorm(3).Forward(Tensor.Ones([1, 3])),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("Eval()"));
    }
}
