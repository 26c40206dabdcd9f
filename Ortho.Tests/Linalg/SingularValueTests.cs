using System.Numerics;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Linalg;

/// <summary>Singular values against matrices made from known ones.</summary>
[TestFixture, Category("Kernels")]
public class SingularValueTests
{
    static double Tolerance(DType dtype) => dtype.RealType == DType.Float32 ? 2e-6 : 1e-14;

    static Tensor Known(double[] values, int rows, int columns, DType dtype, int seed)
    {
        var (u, v) = (Unitary(rows, Wide(Tensor.Zeros([], dtype)).DType, seed), Unitary(columns, Wide(Tensor.Zeros([], dtype)).DType, seed + 1));
        var diagonal = new Complex[rows * columns];
        for (var i = 0; i < values.Length; i++)
            diagonal[i * columns + i] = values[i];
        return u.MatMul(Of(diagonal, [rows, columns], u.DType)).MatMul(v.H).To(dtype);
    }

    [Test]
    public void Known_spectra_are_found([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype, [ValueSource(typeof(MatrixSamples), nameof(Sizes))] int[] size)
    {
        var n = size.Min();
        double[] values = [.. Enumerable.Range(0, n).Select(i => 3 * Math.Pow(0.9, i))];
        var a = Known(values, size[0], size[1], dtype, 5);
        var found = a.SingularValues();
        Assert.That(found.DType, Is.EqualTo(dtype.RealType));
        Assert.That(Difference(found, Tensor.From(values, [n])), Is.LessThan(3 * Tolerance(dtype) * Math.Max(1, Math.Sqrt(n))));
    }

    [Test]
    public void Repeated_zero_and_distant_values_are_found([Values(DType.Float64, DType.Complex128)] DType dtype)
    {
        double[] values = [2, 2, 2, 1, 1e-6, 1e-12, 0, 0];
        Assert.That(Difference(Known(values, 8, 8, dtype, 9).SingularValues(), Tensor.From(values, [8])), Is.LessThan(1e-14));
    }

    [Test]
    public void Scale_does_not_matter([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype)
    {
        var big = dtype.RealType == DType.Float32 ? 1e15 : 1e140;
        var a = Known([2, 1, 0.5], 3, 3, dtype, 3);
        foreach (var scale in (double[])[big, 1 / big])
            Assert.That(Difference((a * scale).SingularValues() / scale, Tensor.From([2.0, 1.0, 0.5], [3])), Is.LessThan(5 * Tolerance(dtype)));
    }

    [Test]
    public void Batches_of_every_size([Values(1, 2, 7, 8, 9, 16, 17, 33)] int batch)
    {
        Tensor[] matrices = [.. Enumerable.Range(0, batch).Select(k => Known([4, 3, k / 16.0], 5, 3, DType.Float32, k))];
        var found = Tensor.Stack(matrices, 0).SingularValues();
        for (var k = 0; k < batch; k++)
            Assert.That(Numbers(found.Select(0, k)), Is.EqualTo(Numbers(matrices[k].SingularValues())));
    }

    [Test]
    public void Zero_matrices_have_zero_values()
    {
        Assert.That(Largest(Tensor.Zeros([3, 4, 4]).SingularValues()), Is.Zero);
        Assert.That(Largest(Tensor.Zeros([20, 6, 4], DType.Complex64).SingularValues()), Is.Zero);
        Assert.That(Tensor.Zeros([2, 0, 4]).SingularValues().Shape, Is.EqualTo(Shape.Create([2, 0])));
    }

    [Test]
    public void Devices_agree_bit_for_bit([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype)
    {
        var a = Random([3, 4, 3], dtype, 1);
        Assert.That(Numbers(a.To(GpuDevice.Simulator).SingularValues()), Is.EqualTo(Numbers(a.SingularValues())));
    }

    [Test]
    public void Gradients_of_repeated_and_zero_values_are_finite()
    {
        // The sum of singular values at the identity: U V^H, whatever basis U and V are.
        var a = Tensor.Eye(4, dtype: DType.Float64).RequiresGrad();
        a.SingularValues().Sum().Backward();
        Assert.That(Difference(a.Grad!, Tensor.Eye(4, dtype: DType.Float64)), Is.LessThan(1e-15));
        var zero = Tensor.Zeros([3, 2], DType.Float64).RequiresGrad();
        zero.SingularValues().Sum().Backward();
        Assert.That(Skewness(zero.Grad!), Is.LessThan(1e-15), "a subgradient: orthonormal columns");
    }

    [Test]
    public void A_vector_is_refused()
        => Assert.That(() => Tensor.Ones([3]).SingularValues(), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("SingularValues"));
}
