using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

[TestFixture]
public class ModuleTests
{
    static Sequential Network()
    {
        var generator = new Generator(1);
        return new(new OrthogonalConv2d(1, 2, 3, generator), new MaxMin(), new Sequential(new Flatten(), new OrthogonalLinear(32, 4, generator, bias: false)), new Linear(4, 2, generator));
    }

    [Test]
    public void Parameters_are_named_by_their_path()
    {
        Assert.That(Network().NamedParameters().Select(named => named.Name),
            Is.EqualTo(new[] { "0.weight", "0.scale", "0.bias", "2.1.weight.free", "3.weight", "3.bias" }));
        Assert.That(Network().Parameters().Select(parameter => parameter.Role), Is.EqualTo(new[]
        {
            ParameterRole.Convolution, ParameterRole.Vector, ParameterRole.Vector, ParameterRole.Matrix, ParameterRole.Matrix, ParameterRole.Vector,
        }));
        Assert.That(Network().NamedModules().Select(named => named.Name), Is.EqualTo(new[] { "", "0", "1", "2", "2.0", "2.1", "2.1.weight", "3" }));
    }

    [Test]
    public void A_sequence_applies_its_parts_in_order()
    {
        var network = Network();
        var x = Random([3, 1, 4, 4], DType.Float32);
        var y = network.Forward(x);
        Assert.That(y.Shape, Is.EqualTo(Shape.Create([3, 2])));
        var step = network.Children.Aggregate(x, (value, child) => child.Module.Forward(value));
        Assert.That(Difference(step, y), Is.Zero);
        Assert.That(new Sequential().Forward(x), Is.SameAs(x));
    }

    [Test]
    public void Training_mode_and_devices_reach_every_part()
    {
        var network = Network();
        network.Eval();
        Assert.That(network.NamedModules().Select(named => named.Module.IsTraining), Is.All.False);
        network.Train();
        Assert.That(network.NamedModules().Select(named => named.Module.IsTraining), Is.All.True);
        var simulator = Devices.Of("Simulator");
        Assert.That(network.To(simulator), Is.SameAs(network));
        Assert.That(network.Parameters().Select(parameter => parameter.Value.Device), Is.All.SameAs(simulator));
    }

    [Test]
    public void Moving_to_the_same_device_keeps_parameters_and_gradients()
    {
        var layer = new Linear(2, 2, new(1));
        layer.Forward(Tensor.Ones([1, 2])).Sum().Backward();
        var (value, gradient) = (layer.Weight.Value, layer.Weight.Value.Grad);
        layer.To(Device.Cpu);
        Assert.That(layer.Weight.Value, Is.SameAs(value));
        Assert.That(layer.Weight.Value.Grad, Is.SameAs(gradient).And.Not.Null);
    }

    [Test]
    public void Gradients_are_forgotten_together()
    {
        var network = Network();
        network.Forward(Random([1, 1, 4, 4], DType.Float32)).Sum().Backward();
        Assert.That(network.Parameters().Select(parameter => parameter.Value.Grad), Has.None.Null);
        network.ZeroGrad();
        Assert.That(network.Parameters().Select(parameter => parameter.Value.Grad), Is.All.Null);
    }

    [Test]
    public void Assign_checks_what_it_is_given()
    {
        var weight = new Linear(2, 3, new(1)).Weight;
        Assert.That(() => weight.Assign(Tensor.Ones([2, 3])), Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo("Parameter weight: value is Float32 [2, 3]; expected Float32 [3, 2]."));
        Assert.That(() => weight.Assign(Tensor.Ones([3, 2], DType.Float64)), Throws.TypeOf<TensorArgumentException>());
        weight.Assign(Tensor.Ones([3, 2], device: Devices.Of("Simulator")));
        Assert.That(weight.Value.ToArray<float>(), Is.All.EqualTo(1f));
    }

    [Test]
    public void Parameters_outlive_the_scope_in_which_a_module_is_made()
    {
        Sequential network;
        using (new TensorScope())
            network = Network();
        Assert.That(network.Parameters().Select(parameter => parameter.Value.Storage.IsDisposed), Is.All.False);
    }

    [Test]
    public void MaxMin_sorts_pairs_of_channels_and_keeps_the_norm_of_gradients()
    {
        var x = Random([3, 6, 2, 2], seed: 3).RequiresGrad();
        var y = new MaxMin().Forward(x);
        var (from, to) = (Nd.From(x), Nd.From(y));
        for (var b = 0; b < 3; b++)
            for (var c = 0; c < 3; c++)
                for (var i = 0; i < 2; i++)
                    for (var j = 0; j < 2; j++)
                    {
                        var (first, second) = (from[b, c, i, j].Real, from[b, c + 3, i, j].Real);
                        Assert.That((to[b, c, i, j].Real, to[b, c + 3, i, j].Real), Is.EqualTo((Math.Max(first, second), Math.Min(first, second))));
                    }
        var weight = Random([3, 6, 2, 2], seed: 4);
        y.Backward(weight);
        Assert.That(x.Grad!.Norm().Item(), Is.EqualTo(weight.Norm().Item()).Within(1e-14));
        Assert.That(x.Grad!.ToArray<double>().Order(), Is.EqualTo(weight.ToArray<double>().Order()), "the gradient is permuted");
        CheckGradient(a => new MaxMin().Forward(a[0]), [x.Detach()]);
        Assert.That(() => new MaxMin().Forward(Tensor.Ones([2, 3])), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("even number of channels"));
        Assert.That(() => new MaxMin().Forward(Tensor.Ones([2])), Throws.TypeOf<TensorArgumentException>());
    }
}
