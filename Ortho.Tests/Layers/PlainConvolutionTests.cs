using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

/// <summary>The layers of unconstrained convolutions with zeros around the images.</summary>
[TestFixture]
public class PlainConvolutionTests
{
    static (string, Shape)[] Parameters(Module layer) => [.. layer.NamedParameters().Select(named => (named.Name, named.Parameter.Value.Shape))];

    [Test]
    public void Parameters_have_the_names_and_shapes_of_PyTorch()
    {
        Assert.That(Parameters(new Conv2d(4, 6, (3, 5), new(1), groups: 2)), Is.EqualTo(new[] { ("weight", Shape.Create([6, 2, 3, 5])), ("bias", Shape.Create([6])) }));
        Assert.That(Parameters(new Conv1d(4, 6, 3, new(1))), Is.EqualTo(new[] { ("weight", Shape.Create([6, 4, 3])), ("bias", Shape.Create([6])) }));
        Assert.That(Parameters(new ConvTranspose2d(4, 6, 2, new(1), groups: 2)), Is.EqualTo(new[] { ("weight", Shape.Create([4, 3, 2, 2])), ("bias", Shape.Create([6])) }));
        Assert.That(Parameters(new Conv2d(4, 6, 3, new(1), bias: false)), Has.Length.EqualTo(1));
    }

    [Test]
    public void Initial_numbers_fill_the_interval_of_the_fan()
    {
        foreach (var (layer, fan) in ((Module, int)[])[(new Conv2d(16, 64, 3, new(1), groups: 2), 72), (new Conv1d(16, 64, 5, new(2)), 80), (new ConvTranspose2d(64, 32, 3, new(3), groups: 2), 144)])
        {
            var bound = 1 / Math.Sqrt(fan);
            foreach (var parameter in layer.Parameters())
            {
                var numbers = parameter.Value.ToArray<float>();
                Assert.That(numbers, Is.All.InRange(-bound, bound));
                Assert.That(numbers.Max(), Is.GreaterThan(0.8 * bound));
                Assert.That(numbers.Min(), Is.LessThan(-0.8 * bound));
            }
        }
    }

    [Test]
    public void Layers_are_the_ops_with_their_parameters()
    {
        var (x, s) = (Random([2, 4, 9, 7], DType.Float32), Random([2, 4, 9], DType.Float32));
        var plane = new Conv2d(4, 6, 3, new(1), stride: 2, padding: (1, 2), dilation: (1, 2), groups: 2);
        Assert.That(Difference(plane.Forward(x), x.Conv2d(plane.Weight, plane.Bias!.Value, 2, (1, 2), (1, 2), 2)), Is.Zero);
        var line = new Conv1d(4, 6, 3, new(1), stride: 2, padding: 1, dilation: 2, groups: 2);
        Assert.That(Difference(line.Forward(s), s.Conv1d(line.Weight, line.Bias!.Value, 2, 1, 2, 2)), Is.Zero);
        var grown = new ConvTranspose2d(4, 6, 3, new(1), stride: 2, padding: 1, outputPadding: 1, groups: 2);
        Assert.That(Difference(grown.Forward(x), x.ConvTranspose2d(grown.Weight, grown.Bias!.Value, 2, 1, 1, 1, 2)), Is.Zero);
        Assert.That(grown.Forward(x).Shape, Is.EqualTo(Shape.Create([2, 6, 18, 14])));
    }

    [Test]
    public void Sizes_that_no_convolution_has_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new Conv2d(0, 1, 3, new(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new Conv2d(4, 6, (3, 0), new(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new Conv1d(4, 6, 3, new(1), stride: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ConvTranspose2d(4, 6, 3, new(1), groups: 4));
    }

    [Test]
    public void A_network_of_them_learns_to_shift_an_image()
    {
        var network = new Sequential(new Conv2d(1, 4, 3, new(1), padding: 1), new Conv2d(4, 1, 3, new(2), padding: 1));
        var optimizer = new Adam(network.Parameters(), 0.02);
        var x = Random([8, 1, 8, 8], DType.Float32);
        // Two pixels to the right: what lies in reach of two kernels of three taps.
        var target = x.Pad([(2, -2)]);
        double first = 0, last = 0;
        for (var step = 0; step < 200; step++)
        {
            using var scope = new TensorScope();
            optimizer.ZeroGrad();
            var loss = (network.Forward(x) - target).Square().Mean();
            loss.Backward();
            optimizer.Step();
            last = Wide(loss.Detach()).ToArray<double>()[0];
            if (step == 0)
                first = last;
        }
        Assert.That(last, Is.LessThan(0.02 * first));
    }
}
