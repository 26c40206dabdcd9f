using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Orthogonal;

/// <summary>Polar factors of well and ill-conditioned, deficient and badly scaled matrices, and the derivatives of large ones.</summary>
[TestFixture, Category("Kernels")]
public class PolarTests
{
    // Singular values from 1 down to 1 / condition; 0 stands for a rank of half the columns.
    static Tensor Conditioned(int rows, int columns, double condition, DType dtype)
    {
        var wide = dtype.IsComplex ? DType.Complex128 : DType.Float64;
        var values = Enumerable.Range(0, columns)
            .Select(i => condition == 0 ? (i < (columns + 1) / 2 ? 1 : 0) : Math.Pow(condition, -(double)i / Math.Max(1, columns - 1)));
        var (left, right) = (Random([rows, columns], wide, 1).Qr().Q, Random([columns, columns], wide, 2).Qr().Q);
        return (left * Tensor.From([.. values], [1, columns]).To(wide)).MatMul(right.H).To(dtype);
    }

    [Test]
    public void Factors_are_right_whatever_the_condition([ValueSource(typeof(Linalg.MatrixSamples), nameof(Types))] DType dtype,
        [Values("1x1", "7x5", "33x33", "70x64", "90x90")] string shape, [Values(1, 1e2, 1e4, 1e9, 0)] double condition, [Values(1, 1e-30, 1e30)] double scale)
    {
        var (rows, columns) = shape.Split('x').Select(int.Parse).ToArray() is [var r, var c] ? (r, c) : default;
        var a = Conditioned(rows, columns, condition, dtype) * scale;
        var (u, p) = a.PolarDecomposition();
        var unit = Unit(dtype) * 4 * Math.Max(4, columns);
        Assert.That(Difference(Wide(u).H.MatMul(Wide(u)), Tensor.Eye(columns, dtype: Wide(u).DType)), Is.LessThan(unit), "orthonormal columns");
        Assert.That(Difference(Wide(u).MatMul(Wide(p)), a) / scale, Is.LessThan(unit), "U P");
        Assert.That(Difference(Wide(p).H, p), Is.Zero, "P is Hermitian");
        Assert.That((Wide(p) * (1 / scale)).EigValsh().Min().Item(), Is.GreaterThan(-unit), "P is positive semidefinite");
    }

    [Test]
    public void A_large_matrix_is_iterated_to_full_accuracy([Values(1ul, 2ul)] ulong seed)
    {
        // Where many singular values come near 1 together, all of them are farther from it than one alone may be.
        var u = Wide(Tensor.Uniform([512, 512], new Generator(seed), -1, 1).PolarFactor());
        Assert.That((u.H.MatMul(u) - Tensor.Eye(512, dtype: u.DType)).Norm().Item(), Is.LessThan(16 * Math.Sqrt(512) * Math.ScaleB(1, -24)));
    }

    [Test]
    public void Gradients_of_large_factors_are_the_slopes()
    {
        var a = Conditioned(40, 36, 20, DType.Float64);
        CheckGradient(x => x[0].PolarFactor(), [a], tolerance: 1e-5);
        CheckGradient(x => x[0].PolarDecomposition().U, [a], tolerance: 1e-5);
        CheckGradient(x => x[0].PolarDecomposition().P, [a], tolerance: 1e-5);
    }

    [Test, Category("Devices")]
    public void Devices_agree_bit_for_bit([ValueSource(typeof(Linalg.MatrixSamples), nameof(Types))] DType dtype, [Values("4x3", "34x34")] string shape)
    {
        var size = shape.Split('x').Select(int.Parse).ToArray();
        var a = Conditioned(size[0], size[1], 30, dtype);
        Assert.That(Numbers(a.To(GpuDevice.Simulator).PolarDecomposition().U), Is.EqualTo(Numbers(a.PolarDecomposition().U)));
    }
}
