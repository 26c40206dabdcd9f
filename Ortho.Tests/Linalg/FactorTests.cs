using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Linalg;

/// <summary>LU and Cholesky factors of all sizes: whole, halved, square or not, alone and in batches.</summary>
[TestFixture, Category("Kernels")]
public class FactorTests
{
    [Test]
    public void Lu_factors_multiply_to_the_matrix([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype,
        [Values(1, 48, 49, 130)] int rows, [Values(1, 47, 50, 140)] int columns)
    {
        const int batch = 2;
        var a = Random([batch, rows, columns], dtype, rows + columns);
        var (p, l, u) = a.Lu();
        var k = Math.Min(rows, columns);
        Assert.That((p.Shape, l.Shape, u.Shape), Is.EqualTo((Shape.Create([batch, rows, rows]), Shape.Create([batch, rows, k]), Shape.Create([batch, k, columns]))));
        Assert.That(Difference(Wide(p).MatMul(Wide(l)).MatMul(Wide(u)), a), Is.LessThan(2 * Math.Max(4, k) * Unit(dtype)));
        Assert.That((Largest(l.Triu(1)), Largest(u.Tril(-1)), Skewness(p)), Is.EqualTo((0.0, 0.0, 0.0)), "triangles, and a permutation");
        // Partial pivoting keeps multipliers at 1; complex pivots are compared by their larger part, which is within sqrt 2 of the magnitude.
        Assert.That(Largest(l), dtype.IsComplex ? Is.InRange(1 - 2 * Unit(dtype), Math.Sqrt(2) + 2 * Unit(dtype)) : Is.EqualTo(1).Within(2 * Unit(dtype)));
        if (rows == columns)
            return;
        Assert.That(() => a.Det(), Throws.TypeOf<TensorArgumentException>());
    }

    [Test]
    public void Determinants_of_large_matrices([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype)
    {
        // A permutation has determinant 1 or -1: here of 100 exchanges and one more.
        var order = Enumerable.Range(0, 200).Select(i => (long)(199 - i)).ToArray();
        var reversal = Tensor.Eye(200, dtype: dtype).IndexSelect(0, Tensor.From(order, [200]));
        Assert.That(Numbers(reversal.Det())[0].Real, Is.EqualTo(1));
        (order[0], order[1]) = (order[1], order[0]);
        Assert.That(Numbers(Tensor.Eye(200, dtype: dtype).IndexSelect(0, Tensor.From(order, [200])).Det())[0].Real, Is.EqualTo(-1));
        var q = Tensor.Haar([150, 150], new Generator(3), special: true, dtype);
        Assert.That((Numbers(q.Det())[0] - 1).Magnitude, Is.LessThan(150 * Unit(dtype)));
    }

    [Test]
    public void Cholesky_factors_multiply_to_the_matrix([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype, [Values(1, 17, 128, 129, 200)] int n)
    {
        var b = Random([2, n, n], dtype, n);
        var a = b.MatMul(b.H) + Tensor.Eye(n, dtype: dtype);
        // Only the lower triangle is read.
        var l = (a.Tril() + Random([n, n], dtype, 1).Triu(1)).Cholesky(check: true);
        Assert.That(Difference(Wide(l).MatMul(Wide(l).H), a), Is.LessThan(2 * Math.Max(4, Math.Sqrt(n)) * Unit(dtype) * Largest(a)));
        Assert.That(Largest(l.Triu(1)), Is.Zero);
        Assert.That(Numbers(l.Diagonal()).All(number => number.Real > 0 && number.Imaginary == 0), Is.True);
        Assert.That(Difference(Wide(a).MatMul(Wide(l.CholeskyInverse())), Tensor.Eye(n, dtype: Wide(a).DType).Expand(2, n, n)), Is.LessThan(100 * n * n * Unit(dtype)));
    }

    [Test]
    public void Halved_matrices_have_the_same_bits_on_every_device()
    {
        var a = Random([60, 55], DType.Float32, 1);
        var (here, there) = (a.Lu(), a.To(GpuDevice.Simulator).Lu());
        Assert.That(Numbers(there.L), Is.EqualTo(Numbers(here.L)));
        Assert.That(Numbers(there.U), Is.EqualTo(Numbers(here.U)));
        Assert.That(Numbers(there.P), Is.EqualTo(Numbers(here.P)));
    }

    [Test]
    public void Gradients_of_halved_matrices_are_the_slopes()
    {
        CheckGradient(x => x[0].Lu().L, [Random([60, 52], DType.Float64, 3)], tolerance: 1e-5);
        var b = Random([135, 135], DType.Float64, 2);
        CheckGradient(x => x[0].Cholesky(), [b.MatMul(b.H) + Tensor.Eye(135, dtype: DType.Float64) * 20.0]);
    }
}
