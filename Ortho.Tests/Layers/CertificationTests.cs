using System.Numerics;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Certification;
using Ortho.Layers.Losses;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

[TestFixture]
public class CertificationTests
{
    static readonly Tensor labels = Tensor.From(new long[] { 1, 0, 2 });

    [Test]
    public void The_margin_is_the_distance_to_the_best_other_logit([Values(DType.Float32, DType.Float64)] DType dtype)
    {
        var logits = Tensor.From(new double[,] { { 1, 3, 2 }, { 1, 3, 2 }, { -5, -5, -5 } }).To(dtype);
        Assert.That(Numbers(Robustness.Margin(logits, labels)).Select(x => x.Real), Is.EqualTo(new double[] { 1, -2, 0 }));
        var radius = Numbers(Robustness.CertifiedRadius(logits, labels, 2)).Select(x => x.Real).ToArray();
        Assert.That(radius, Is.EqualTo(new[] { 1 / (2 * Math.Sqrt(2)), 0, 0 }).Within(4 * Unit(dtype)));
        Assert.That(Robustness.CertifiedRadius(logits.Detach().RequiresGrad(), labels, 2).WantsGrad, Is.False);
    }

    static (Linear Network, double[] Weight) Classifier()
    {
        var network = new Linear(12, 2, new(3), bias: true, dtype: DType.Float64);
        network.Weight.Assign(Random([2, 12], seed: 1));
        network.Bias!.Assign(Random([2], seed: 2));
        return (network, network.Weight.Value.ToArray<double>());
    }

    [Test]
    public void The_attack_on_a_linear_classifier_is_the_analytic_one([Values(0.05, 0.3)] double radius, [Values(5, 20)] int steps)
    {
        // From grey images no pixel reaches its limits, so the worst case is radius |w_1 - w_0| off the margin, exactly.
        var (network, w) = Classifier();
        var x = Random([4, 12], seed: 3) * 0.1 + 0.5;
        var y = Tensor.From(new long[] { 0, 1, 1, 0 });
        var attacked = Robustness.AttackL2(network, x, y, radius, steps);
        var slope = Math.Sqrt(Enumerable.Range(0, 12).Sum(k => (w[k] - w[12 + k]) * (w[k] - w[12 + k])));
        var (before, after) = (Robustness.Margin(network.Forward(x), y).ToArray<double>(), Robustness.Margin(network.Forward(attacked), y).ToArray<double>());
        for (var b = 0; b < 4; b++)
            Assert.That(before[b] - after[b], Is.EqualTo(radius * slope).Within(1e-9));
    }

    [Test]
    public void The_attack_stays_in_the_ball_and_among_images([Values(0.1, 1, 5)] double radius, [Values(DType.Float32, DType.Float64)] DType dtype)
    {
        var (network, _) = Classifier();
        var single = new Linear(12, 2, new(3), dtype: dtype);
        single.Weight.Assign(network.Weight.Value.Detach().To(dtype));
        var x = (Random([6, 12], dtype, 4) * 0.7 + 0.5).Clamp(0, 1);
        var attacked = Robustness.AttackL2(single, x, Tensor.From(new long[] { 0, 1, 0, 1, 0, 1 }), radius);
        Assert.That(attacked.WantsGrad, Is.False);
        var pixels = Numbers(attacked).Select(pixel => pixel.Real).ToArray();
        Assert.That(pixels, Has.All.InRange(0.0, 1.0));
        Assert.That(Numbers((Wide(attacked) - Wide(x)).Norm([1])).Select(norm => norm.Real), Has.All.LessThanOrEqualTo(radius * (1 + 8 * Unit(dtype))));
    }

    [Test]
    public void No_certified_image_of_a_1_Lipschitz_network_is_broken()
    {
        var generator = new Generator(8);
        var network = new Sequential(new OrthogonalConv2d(1, 4, 3, generator), new MaxMin(), new OrthogonalConv2d(4, 8, 3, generator, stride: 2), new MaxMin(),
            new Flatten(), new OrthogonalLinear(72, 16, generator), new MaxMin(), new OrthogonalLinear(16, 3, generator));
        var (x, y) = (Tensor.Uniform([60, 1, 6, 6], generator), Tensor.From([.. Enumerable.Range(0, 60).Select(k => (long)(k % 3))], [60]));
        // A pattern for each class, so that there is something to learn.
        var patterns = Tensor.Uniform([3, 1, 6, 6], generator);
        x = x * 0.3 + patterns.IndexSelect(0, y) * 0.7;
        var optimizer = new Adam(network.Parameters(), 0.02);
        for (var step = 0; step < 30; step++)
        {
            using var scope = new TensorScope();
            optimizer.ZeroGrad();
            network.Forward(x).MultiClassHinge(y, 0.5).Backward();
            optimizer.Step();
        }
        Tensor Margins(Tensor images)
        {
            using (Graph.NoGrad())
                return Robustness.Margin(network.Forward(images), y);
        }

        var margins = Margins(x).ToArray<float>();
        var radii = Robustness.CertifiedRadius(network.Forward(x), y, 1).ToArray<float>();
        var certified = 0;
        foreach (var radius in new[] { 0.05, 0.1, 0.2, 0.4 })
        {
            var attacked = Margins(Robustness.AttackL2(network, x, y, radius)).ToArray<float>();
            for (var b = 0; b < 60; b++)
            {
                if (radii[b] > radius)
                {
                    certified++;
                    Assert.That(attacked[b], Is.Positive, $"image {b}: certified to {radii[b]}, broken at {radius}");
                }
                // And the margin falls by no more than sqrt 2 per unit, certified or not.
                Assert.That(margins[b] - attacked[b], Is.LessThan(Math.Sqrt(2) * radius + 1e-5), $"image {b} at {radius}");
            }
            Assert.That(attacked.Average(), Is.LessThan(margins.Average()), "the attack does attack");
        }
        Assert.That(certified, Is.GreaterThan(40), "there were images to break");
    }

    [Test]
    public void Spectra_that_are_known()
    {
        Assert.That(Spectrum.OfMatrix(Tensor.From(new double[,] { { 0, -3, 0 }, { 2, 0, 0 } })), Is.EqualTo(new Spectrum(2, 3)));
        Assert.That(Spectrum.OfMatrix(Tensor.Zeros([3, 2])), Is.EqualTo(new Spectrum(0, 0)));
        // The batch is the blocks of one map.
        var batch = Tensor.Stack([Tensor.Eye(2, dtype: DType.Float64) * 0.5, Tensor.Eye(2, dtype: DType.Float64) * 4.0], 0);
        Assert.That(Spectrum.OfMatrix(batch), Is.EqualTo(new Spectrum(0.5, 4)));
        // |a + i b| on the diagonal of a complex matrix.
        var complex = Tensor.From(new Complex[,] { { new(3, 4), 0 }, { 0, new(0, -2) } });
        Assert.That(Spectrum.OfMatrix(complex).Largest, Is.EqualTo(5).Within(1e-14));
        Assert.That(Spectrum.OfMatrix(complex).Smallest, Is.EqualTo(2).Within(1e-14));
        // Singular values set by hand between two unitary matrices, in float32 on another device.
        var known = Unitary(6, DType.Float64, 1).MatMul(Unitary(6, DType.Float64, 2) * Tensor.From(new double[,] { { 1 }, { 2 }, { 3 }, { 0.5 }, { 0.25 }, { 7 } }));
        var found = Spectrum.OfMatrix(known.To(DType.Float32).To(Devices.Of("Simulator")));
        Assert.That((found.Smallest, found.Largest), Is.EqualTo((0.25, 7.0)).Within(2e-6));
        Assert.That((new Spectrum(0.9, 1.05).OrthogonalityError, new Spectrum(1, 1).OrthogonalityError), Is.EqualTo((0.1, 0.0)).Within(1e-15));
    }
}
