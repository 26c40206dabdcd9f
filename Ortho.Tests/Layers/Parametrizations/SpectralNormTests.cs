using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Optimizers;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers.Parametrizations;

[TestFixture]
public class SpectralNormTests
{
    static double Largest2(Tensor w) => Wide(w).SingularValues().ToArray<double>().Max();

    [Test]
    public void A_sample_has_the_norm_and_comes_back(
        [Values(DType.Float32, DType.Float64, DType.Complex64, DType.Complex128)] DType dtype, [Values("5x3", "2x4x4", "1x1")] string size)
    {
        int[] shape = [.. size.Split('x').Select(int.Parse)];
        var set = new SpectralNorm(shape, new(1), norm: 2.5, dtype: dtype);
        var value = set.Sample(shape, new(2), dtype);
        Assert.That(set.Error(value), Is.LessThan(100 * Unit(dtype)));
        Assert.That(set.Error(value * 2.0), Is.EqualTo(2.5).Within(1e-5));
        Assert.That(() => set.Inverse(value * 2.0), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("at distance 2.5"));
        var free = set.Inverse(value);
        using (Graph.NoGrad())
            Assert.That(Difference(set.Forward(free), value), Is.LessThan(100 * Unit(dtype)), "the vectors are those of the value");
    }

    [Test]
    public void Power_iteration_finds_the_norm_in_training_and_rests_in_evaluation()
    {
        var w = Random([6, 4], DType.Float32, 3);
        var set = new SpectralNorm([6, 4], new(1));
        var before = Largest2(set.Forward(w).Detach());
        for (var step = 0; step < 60; step++)
            _ = set.Forward(w);
        Assert.That(before, Is.GreaterThan(1.01), "one step is not enough, and the estimate is from below");
        Assert.That(Largest2(set.Forward(w)), Is.EqualTo(1).Within(1e-6));
        set.Eval();
        var u = set.NamedBuffers().First().Buffer.Value.ToArray<float>();
        _ = set.Forward(Random([6, 4], DType.Float32, 4));
        Assert.That(set.NamedBuffers().First().Buffer.Value.ToArray<float>(), Is.EqualTo(u));
    }

    [Test]
    public void The_gradient_is_that_of_fixed_vectors()
    {
        var set = new SpectralNorm([4, 3], new(1), dtype: DType.Float64);
        set.Eval();
        CheckGradient(x => set.Forward(x[0]), [Random([4, 3], seed: 5)]);
    }

    [Test, Category("Devices")]
    public void Training_follows_the_norm_on_every_device([ValueSource(typeof(Devices), nameof(Devices.Kinds))] string kind)
    {
        (float[] Value, double Error) On(Device device)
        {
            var set = new SpectralNorm([5, 4], new(1));
            var weight = Parametrized.Sample(set, [5, 4], new(2));
            _ = weight.To(device);
            var optimizer = new Adam(weight.Parameters(), 0.01);
            for (var step = 0; step < 10; step++)
            {
                optimizer.ZeroGrad();
                weight.Value.Square().Sin().Sum().Backward();
                optimizer.Step();
            }
            weight.Eval();
            return (weight.Value.Detach().To(Device.Cpu).ToArray<float>(), weight.Bake().Error);
        }

        var (value, error) = On(Devices.Of(kind));
        Assert.That(error, Is.LessThan(0.02));
        Assert.That(value, Is.EqualTo(On(Device.Cpu).Value));
    }

    [Test]
    public void Bad_input_is_refused()
    {
        Assert.That(() => new SpectralNorm([3], new(1)), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new SpectralNorm([3, 3], new(1), norm: 0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new SpectralNorm([3, 3], new(1), dtype: DType.Half), Throws.TypeOf<TensorArgumentException>());
        var set = new SpectralNorm([3, 3], new(1));
        Assert.That(() => set.Forward(Tensor.Ones([3, 2])),
            Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo("SpectralNorm: free is [3, 2]; expected [3, 3]."));
        Assert.That(() => set.Forward(Tensor.Ones([3, 3], DType.Complex64)), Throws.TypeOf<TensorArgumentException>());
        Assert.That(set.Forward(Tensor.Ones([3, 3], DType.Half)).DType, Is.EqualTo(DType.Half));
    }
}
