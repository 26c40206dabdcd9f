using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Optimizers;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

[TestFixture]
public class LinearTests
{
    static void Train(Module layer, Tensor x, int steps)
    {
        var optimizer = new Adam(layer.Parameters(), 0.02);
        var (target, generator) = ((Tensor?)null, new Generator(99));
        for (var step = 0; step < steps; step++)
        {
            using var scope = new TensorScope();
            optimizer.ZeroGrad();
            var y = layer.Forward(x);
            target ??= TensorScope.Release(Tensor.Normal(y.Shape, generator, dtype: y.DType));
            (y - target).Square().Mean().Backward();
            optimizer.Step();
        }
    }

    static IEnumerable<IOrthogonalParametrization> Maps
        => [new Cayley(), new Householder(), new Bjorck(), new MatrixExponential(), new Qr(), new Polar()];

    [Test]
    public void An_orthogonal_layer_stays_orthogonal_in_training([ValueSource(nameof(Maps))] IOrthogonalParametrization map, [Values("9x5", "5x9", "8x8")] string size)
    {
        var (inputs, outputs) = (int.Parse(size.Split('x')[0]), int.Parse(size.Split('x')[1]));
        var layer = new OrthogonalLinear(inputs, outputs, new(1), map);
        Assert.That(layer.Weight.Shape, Is.EqualTo(Shape.Create([outputs, inputs])));
        Assert.That(layer.Certify().OrthogonalityError, Is.LessThan(2e-6), "at the start");
        var x = Random([32, inputs], DType.Float32, 2);
        var before = Wide(layer.Weight.Detach());
        Train(layer, x, 50);
        Assert.That(Difference(layer.Weight.Detach(), before), Is.GreaterThan(0.05), "it has learnt something");
        Assert.That(layer.Certify().OrthogonalityError, Is.LessThan(1e-5));
        var (image, bias) = (layer.Forward(x).Detach(), layer.Bias!.Value.Detach());
        var (longs, shorts) = (Wide(x.Norm([1])), Wide((image - bias).Norm([1])));
        if (outputs >= inputs)
            Assert.That(Difference(longs, shorts), Is.LessThan(1e-5), "an isometry");
        else
            Assert.That(shorts.ToArray<double>().Zip(longs.ToArray<double>()), Has.All.Matches<(double Short, double Long)>(pair => pair.Short < pair.Long), "a contraction");
    }

    [Test]
    public void The_initial_weight_is_the_Haar_matrix_of_the_generator([ValueSource(nameof(Maps))] IOrthogonalParametrization map)
    {
        var layer = new OrthogonalLinear(4, 6, new(5), map, dtype: DType.Float64);
        Assert.That(Difference(layer.Weight.Detach(), Tensor.Haar([6, 4], new(5), dtype: DType.Float64)), Is.LessThan(1e-12));
    }

    [Test]
    public void Gradients_of_parameters_and_input_match_central_differences([ValueSource(nameof(Maps))] IOrthogonalParametrization map, [Values(2, 3, 4)] int outputs)
    {
        // Columns of length about 1: a Householder vector of length 0.05 has derivatives too steep for a difference.
        var free = map.Sample([outputs, 3], new(8), DType.Float64);
        CheckGradient(a => a[1].MatMul(map.Forward(a[0]).T), [free + Random(free.Shape, seed: 2) * 0.05, Random([2, 3], seed: 3)]);

        // And the layer passes these gradients to its own parameters.
        var layer = new OrthogonalLinear(3, outputs, new(8), map, dtype: DType.Float64);
        var x = Random([2, 3], seed: 3);
        layer.Forward(x).Square().Sin().Sum().Backward();
        var leaf = layer.Free.Value.Detach().RequiresGrad();
        x.MatMul(map.Forward(leaf).T).Square().Sin().Sum().Backward();
        Assert.That(Difference(layer.Free.Value.Grad!, leaf.Grad!), Is.LessThan(1e-14));
        Assert.That(layer.Bias!.Value.Grad!.Shape, Is.EqualTo(Shape.Create([outputs])));
    }

    [Test]
    public void The_weight_is_kept_until_a_parameter_changes()
    {
        var layer = new OrthogonalLinear(4, 4, new(1));
        using var pause = Graph.NoGrad();
        Tensor first;
        using (new TensorScope())
            first = layer.Weight;
        Assert.That(first.Storage.IsDisposed, Is.False, "it outlives the scope in which it was computed");
        using (new TensorScope())
            Assert.That(layer.Weight, Is.SameAs(first));
        layer.Free.Assign(layer.Free.Value * 0.5);
        var second = layer.Weight;
        Assert.That(second, Is.Not.SameAs(first));
        Assert.That(Difference(second, layer.Parametrization.Forward(layer.Free)), Is.Zero);
        _ = new Sgd(layer.Parameters(), 0.1);
        Assert.That(layer.Weight, Is.SameAs(second), "making an optimizer changes nothing");
    }

    [Test]
    public void While_recording_every_weight_has_a_graph_of_its_own()
    {
        var layer = new OrthogonalLinear(4, 4, new(1));
        using (Graph.NoGrad())
            Assert.That(layer.Weight.WantsGrad, Is.False);
        var x = Random([2, 4], DType.Float32);
        layer.Forward(x).Sum().Backward();
        layer.Forward(x).Sum().Backward();
        Assert.That(layer.Weight.WantsGrad);
    }

    [Test]
    public void The_weight_moves_with_its_parameters_and_is_never_stale()
    {
        var layer = new OrthogonalLinear(3, 3, new(1), new Cayley());
        var simulator = Devices.Of("Simulator");
        using var pause = Graph.NoGrad();
        var here = layer.Weight.ToArray<float>();
        layer.To(simulator);
        Assert.That(layer.Weight.Device, Is.SameAs(simulator));
        Assert.That(layer.Forward(Tensor.Ones([1, 3], device: simulator)).Device, Is.SameAs(simulator));
        Assert.That(Difference(layer.Weight.To(Device.Cpu), Tensor.From(here, [3, 3])), Is.LessThan(1e-6));
        layer.Free.Assign(layer.Free.Value * 0.5);
        layer.To(Device.Cpu);
        Assert.That(layer.Weight.Device, Is.SameAs(Device.Cpu));
        Assert.That(Difference(layer.Weight, layer.Parametrization.Forward(layer.Free)), Is.Zero);
        Assert.That(Difference(layer.Weight, Tensor.From(here, [3, 3])), Is.GreaterThan(1e-2), "changed on the other device");

        // There and back with as many changes as before: counts alone must not make an old value pass.
        layer.To(simulator);
        layer.Free.Assign(layer.Free.Value * 0.5);
        layer.To(Device.Cpu);
        Assert.That(Difference(layer.Weight, layer.Parametrization.Forward(layer.Free)), Is.Zero);
        Assert.That(layer.Parameters().Select(parameter => parameter.Value.WantsGrad), Is.All.True);
    }

    [Test]
    public void An_unconstrained_layer_is_a_product_and_a_bias()
    {
        var layer = new Linear(5, 3, new(2), dtype: DType.Float64);
        Assert.That(layer.Weight.Value.ToArray<double>().Max(Math.Abs), Is.LessThanOrEqualTo(1 / Math.Sqrt(5)));
        layer.Bias!.Assign(Random([3], seed: 4));
        foreach (Shape lead in new int[][] { [], [4], [2, 3], [0] })
        {
            var x = Random(lead.Concat([5]), seed: 5);
            var y = layer.Forward(x).Detach();
            Assert.That(y.Shape, Is.EqualTo(lead.Concat([3])));
            var (xs, w, b, got) = (x.ToArray<double>(), layer.Weight.Value.ToArray<double>(), layer.Bias.Value.ToArray<double>(), y.ToArray<double>());
            for (var i = 0; i < got.Length; i++)
                Assert.That(got[i], Is.EqualTo(b[i % 3] + Enumerable.Range(0, 5).Sum(k => xs[i / 3 * 5 + k] * w[i % 3 * 5 + k])).Within(1e-15));
        }
        Assert.That(new Linear(5, 3, new(2), bias: false).Bias, Is.Null);
        Assert.That(() => layer.Forward(Tensor.Ones([2, 4])), Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo("Linear: x is [2, 4]; expected [..., 5]."));
        Assert.That(() => layer.Forward(Tensor.Ones([])), Throws.TypeOf<TensorArgumentException>());
    }

    [Test]
    public void Certify_of_an_unconstrained_layer_is_its_spectrum()
    {
        var layer = new Linear(2, 2, new(1));
        layer.Weight.Assign(Tensor.From(new float[,] { { 3, 0 }, { 4, 5 } }));
        // [[3, 0], [4, 5]] has singular values sqrt 45 and sqrt 5.
        Assert.That(layer.Certify().Largest, Is.EqualTo(Math.Sqrt(45)).Within(1e-14));
        Assert.That(layer.Certify().Smallest, Is.EqualTo(Math.Sqrt(5)).Within(1e-14));
    }
}
