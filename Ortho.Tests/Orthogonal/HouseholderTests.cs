using System.Numerics;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Orthogonal;

/// <summary>Products of Householder reflections against the reflections one after the other.</summary>
[TestFixture]
public class HouseholderTests
{
    // H(v_1) ... H(v_r), one reflection at a time, by plain loops.
    static Complex[] Sequential(Complex[] v, int d, int r)
    {
        var q = new Complex[d * d];
        for (var i = 0; i < d; i++)
            q[i * d + i] = 1;
        for (var k = 0; k < r; k++)
        {
            var square = 0.0;
            for (var i = 0; i < d; i++)
                square += v[i * r + k].Real * v[i * r + k].Real + v[i * r + k].Imaginary * v[i * r + k].Imaginary;
            for (var row = 0; row < d; row++)
            {
                var dot = Complex.Zero;
                for (var i = 0; i < d; i++)
                    dot += q[row * d + i] * v[i * r + k];
                for (var i = 0; i < d; i++)
                    q[row * d + i] -= 2 * dot / square * Complex.Conjugate(v[i * r + k]);
            }
        }
        return q;
    }

    [TestCase(6, 1), TestCase(6, 3), TestCase(8, 8), TestCase(257, 33), TestCase(80, 80), TestCase(70, 130)]
    public void Products_equal_the_reflections_in_sequence(int d, int r)
    {
        foreach (var dtype in (DType[])[DType.Float64, DType.Complex128])
        {
            var v = Random([2, d, r], dtype, d);
            var q = v.HouseholderProduct();
            for (var k = 0; k < 2; k++)
                Assert.That(Difference(q.Select(0, k), Of(Sequential(Numbers(v.Select(0, k)), d, r), [d, d], dtype)), Is.LessThan(1e-13));
            Assert.That(Skewness(q), Is.LessThan(1e-12));
            Assert.That(Difference(v.HouseholderProduct(2), q.Slice(-1, 0, 2)), Is.LessThan(1e-13));
            var x = Random([2, d, 3], dtype, 2);
            Assert.That(Difference(v.HouseholderApply(x), q.MatMul(x)), Is.LessThan(1e-12));
            Assert.That(Difference(v.HouseholderApply(v.HouseholderApply(x), transpose: true), x), Is.LessThan(1e-12));
        }
    }

    [Test]
    public void Hand_values()
    {
        var one = Tensor.From(new[,] { { 1.0 }, { 1.0 } });
        Assert.That(Difference(one.HouseholderProduct(), Tensor.From(new[,] { { 0.0, -1.0 }, { -1.0, 0.0 } })), Is.LessThan(1e-15));
        var two = Tensor.From(new[,] { { 1.0, 1.0 }, { 1.0, 0.0 } });
        Assert.That(Difference(two.HouseholderProduct(), Tensor.From(new[,] { { 0.0, -1.0 }, { 1.0, 0.0 } })), Is.LessThan(1e-15));
    }

    [Test]
    public void Determinant_counts_the_reflections([Values(1, 2, 3)] int r)
    {
        var q = Numbers(Random([3, r], seed: r).HouseholderProduct()).Select(x => x.Real).ToArray();
        var determinant = q[0] * (q[4] * q[8] - q[5] * q[7]) - q[1] * (q[3] * q[8] - q[5] * q[6]) + q[2] * (q[3] * q[7] - q[4] * q[6]);
        Assert.That(determinant, Is.EqualTo(r % 2 == 0 ? 1 : -1).Within(1e-14));
    }

    [Test]
    public void Single_precision_stays_orthogonal([Values(DType.Float32, DType.Complex64)] DType dtype)
        => Assert.That(Skewness(Random([256, 256], dtype).HouseholderProduct()), Is.LessThan(1e-5));

    [Test]
    public void Frames_are_orthonormal([Values("6x1", "6x3", "8x8", "100x70")] string shape, [Values(DType.Float64, DType.Complex128)] DType dtype)
    {
        var frame = Random([2, .. shape.Split('x').Select(int.Parse)], dtype, 3).HouseholderFrame();
        Assert.That(Skewness(frame), Is.LessThan(1e-13));
    }

    [Test]
    public void A_zero_column_is_no_reflection()
    {
        var (a, b) = (Random([5, 1], seed: 1), Random([5, 1], seed: 2));
        var v = Tensor.Concat([a, Tensor.Zeros([5, 1], DType.Float64), b], 1).RequiresGrad();
        var q = v.HouseholderProduct();
        Assert.That(Difference(q, Tensor.Concat([a, b], 1).HouseholderProduct()), Is.LessThan(1e-15));
        (q * Random([5, 5], seed: 3)).Sum().Backward();
        Assert.That(Largest(v.Grad!.Narrow(1, 1, 1)), Is.Zero);
        Assert.That(Largest(v.Grad!), Is.InRange(1e-3, 1e3));
    }

    [Test]
    public void Gradients_are_the_slopes([Values(DType.Float64, DType.Complex128)] DType dtype)
    {
        var (v, x) = (Random([2, 5, 3], dtype, 1), Random([2, 5, 2], dtype, 2));
        CheckGradient(t => t[0].HouseholderProduct(), [v], order: 2);
        CheckGradient(t => t[0].HouseholderProduct(2), [v]);
        CheckGradient(t => t[0].HouseholderApply(t[1]), [v, x], order: 2);
        CheckGradient(t => t[0].HouseholderApply(t[1], transpose: true), [v, x], order: 2);
        CheckGradient(t => t[0].HouseholderFrame(), [v], order: 2);
        CheckGradient(t => t[0].HouseholderApply(t[1]), [Random([4, 2], dtype, 3), Random([3, 4, 2], dtype, 4)]);
    }

    [Test]
    public void Gradients_through_several_blocks_are_the_slopes()
        => CheckGradient(t => t[0].HouseholderApply(t[1]), [Random([70, 66], seed: 1), Random([70, 2], seed: 2)]);

    [Test]
    public void Devices_agree()
    {
        var v = Random([2, 4, 3], DType.Float32, 1);
        Assert.That(Numbers(v.To(GpuDevice.Simulator).HouseholderProduct()), Is.EqualTo(Numbers(v.HouseholderProduct())));
    }

    [Test]
    public void Misfits_are_named()
    {
        var v = Tensor.Ones([4, 2]);
        Assert.That(() => Tensor.Ones([4]).HouseholderProduct(), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("HouseholderProduct: v is"));
        Assert.That(() => v.HouseholderProduct(5), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("HouseholderProduct: columns is 5"));
        Assert.That(() => v.HouseholderApply(Tensor.Ones([3, 2])), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("HouseholderApply: x is"));
        Assert.That(() => v.HouseholderApply(Tensor.Ones([4, 2], DType.Float64)), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("HouseholderApply: x is"));
        Assert.That(() => v.T.HouseholderFrame(), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("HouseholderFrame: v is"));
    }
}
