using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

/// <summary>Normalization layers.</summary>
[TestFixture]
public class NormalizationTests
{
    [Test]
    public void Samples_have_mean_0_and_variance_1()
    {
        var y = new LayerNorm([6, 5], epsilon: 0, dtype: DType.Float64).Forward(Random([4, 6, 5], seed: 1) * 3 + 7);
        var (variance, mean) = y.VarMean([1, 2], correction: 0);
        Assert.That(mean.ToArray<double>(), Is.All.EqualTo(0).Within(1e-14));
        Assert.That(variance.ToArray<double>(), Is.All.EqualTo(1).Within(1e-14));
    }

    [Test]
    public void A_sample_far_from_zero_keeps_its_digits()
    {
        float[] x = [1e6f + 1, 1e6f + 2, 1e6f + 3, 1e6f + 6];
        var y = Tensor.From(x, [1, 4]).LayerNorm([4], epsilon: 0).ToArray<float>();
        var scale = 1 / Math.Sqrt(3.5);
        Assert.That(y, Is.EqualTo(new[] { -2 * scale, -scale, 0, 3 * scale }).Within(1e-6));
    }

    [Test]
    public void Root_mean_squares_are_1()
    {
        var y = new RmsNorm([5], epsilon: 0, dtype: DType.Float64).Forward(Random([4, 5], seed: 2));
        Assert.That(y.Square().Mean([1]).ToArray<double>(), Is.All.EqualTo(1).Within(1e-14));
    }

    [Test]
    public void Parameters_have_the_names_of_PyTorch()
    {
        Assert.That(new LayerNorm([3]).NamedParameters().Select(p => p.Name), Is.EqualTo(new[] { "weight", "bias" }));
        Assert.That(new LayerNorm([3], bias: false).NamedParameters().Select(p => p.Name), Is.EqualTo(new[] { "weight" }));
        Assert.That(new LayerNorm([3], affine: false).Parameters(), Is.Empty);
        Assert.That(new RmsNorm([3]).NamedParameters().Select(p => p.Name), Is.EqualTo(new[] { "weight" }));
    }

    [Test]
    public void The_gradient_passes_are_those_of_the_composed_formula([Values] bool centered)
    {
        var (x, w, weight) = (Random([7, 33], seed: 3).RequiresGrad(), Random([33], seed: 4).RequiresGrad(), Random([7, 33], seed: 5));
        var y = centered ? x.LayerNorm([33], w) : x.RmsNorm([33], w);
        var fused = Graph.Gradients([y], [x, w], [weight], retainGraph: true);
        var composed = Graph.Gradients([y], [x, w], [weight], createGraph: true);
        for (var k = 0; k < 2; k++)
            Assert.That((fused[k] - composed[k]).Abs().Max().Item(), Is.LessThan(1e-13));
    }

    [Test]
    public void A_changed_softmax_is_noticed()
    {
        var x = Random([2, 3], seed: 6).RequiresGrad();
        var y = x.Softmax();
        var weight = Tensor.Ones([2, 3], DType.Float64);
        y.Detach().CopyFrom(weight);
        Assert.That(() => y.Backward(weight), Throws.InvalidOperationException.With.Message.Contains("input of Softmax was changed in place"));
    }

    [Test]
    public void Other_shapes_are_refused()
        => Assert.That(() => new LayerNorm([4]).Forward(Tensor.Zeros([2, 3])), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("LayerNorm: "));
}
