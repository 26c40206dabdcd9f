using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Linalg;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Orthogonal;

/// <summary>Random orthogonal and unitary matrices, by their moments.</summary>
[TestFixture, Category("Kernels")]
public class HaarTests
{
    [Test]
    public void Haar_matrices_are_orthonormal_and_uniform()
    {
        const int n = 3, samples = 3000;
        var generator = new Generator(17);
        var (trace, positive, first, corner) = (0.0, 0, 0.0, 0.0);
        for (var k = 0; k < samples; k++)
        {
            using var scope = new TensorScope();
            var q = Tensor.Haar([n, n], generator, dtype: DType.Float64).ToArray<double>();
            trace += q[0] + q[4] + q[8];
            positive += q[0] > 0 ? 1 : 0;
            first += q[0] * q[0];
            // Without the signs of R's diagonal the determinant would not be balanced either.
            corner += Math.Sign(q[0] * (q[4] * q[8] - q[5] * q[7]) - q[1] * (q[3] * q[8] - q[5] * q[6]) + q[2] * (q[3] * q[7] - q[4] * q[6]));
        }
        // Under Haar measure the trace has mean 0 and variance 1, an entry mean square 1/n (variance 4/45 for n = 3); five errors allowed.
        Assert.That(trace / samples, Is.Zero.Within(5 / Math.Sqrt(samples)));
        Assert.That(positive / (double)samples, Is.EqualTo(0.5).Within(2.5 / Math.Sqrt(samples)));
        Assert.That(first / samples, Is.EqualTo(1.0 / n).Within(5 * Math.Sqrt(4.0 / 45 / samples)));
        Assert.That(corner / samples, Is.Zero.Within(5 / Math.Sqrt(samples)), "determinants of both signs");
        foreach (var (rows, columns) in new[] { (1, 1), (6, 1), (6, 4), (7, 7) })
            Assert.That(Skewness(Tensor.Haar([rows, columns], generator, dtype: DType.Float64)), Is.LessThan(1e-14));
        Assert.That(() => Tensor.Haar([2, 3], generator), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Haar: shape is [2, 3]"));
    }

    [Test]
    public void Special_Haar_matrices_have_determinant_one([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype)
    {
        var q = Tensor.Haar([500, 3, 3], new Generator(4), special: true, dtype);
        Assert.That(Skewness(q), Is.LessThan(20 * Unit(dtype)));
        Assert.That(Numbers(q.Det()).Select(det => (det - 1).Magnitude), Is.All.LessThan(20 * Unit(dtype)));
        // Every entry has mean 0 and mean square 1/3; five standard errors.
        Assert.That(Largest(q.Mean([0])), Is.LessThan(5 * Math.Sqrt(1.0 / 3 / 500)));
        Assert.That(Numbers(q.Norm([0])).Select(norm => norm.Real * norm.Real / 500), Is.All.EqualTo(1.0 / 3).Within(5 * Math.Sqrt(4.0 / 45 / 500)));
    }
}
