using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;
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

    // A zero matrix, one of rank 1, an ill-conditioned, a well-conditioned and an orthogonal one, one that is not finite, and a tiny one of half rank: what a
    // batch can hold of each kind that goes its own way.
    static Tensor Mixed(int rows, int columns, DType dtype)
    {
        var one = Random([rows, 1], dtype, 3).MatMul(Random([1, columns], dtype, 4));
        var broken = Conditioned(rows, columns, 10, dtype) / (Tensor.Eye(rows, columns, DType.Float64).To(dtype) - 1.0);
        return Tensor.Stack([Tensor.Zeros([rows, columns], dtype), one, Conditioned(rows, columns, 1e9, dtype), Conditioned(rows, columns, 10, dtype),
            Conditioned(rows, columns, 1, dtype), broken, Conditioned(rows, columns, 0, dtype) * 1e-20], 0);
    }

    const int Broken = 5;

    [Test]
    public void Every_matrix_of_a_batch_goes_its_own_way([ValueSource(typeof(Linalg.MatrixSamples), nameof(Types))] DType dtype,
        [Values("1x1", "8x8", "40x20", "48x48", "80x70")] string shape)
    {
        var (rows, columns) = shape.Split('x').Select(int.Parse).ToArray() is [var r, var c] ? (r, c) : default;
        var a = Mixed(rows, columns, dtype);
        var (u, p) = a.PolarDecomposition();
        var unit = Unit(dtype) * 4 * Math.Max(4, columns);
        for (var k = 0; k < a.Shape[0]; k++)
        {
            var (one, own) = (a.Select(0, k), Wide(u.Select(0, k)));
            Assert.That(Numbers(one.PolarFactor()), Is.EqualTo(Numbers(u.Select(0, k))), $"{k} alone");
            if (k == Broken)
            {
                Assert.That(Numbers(own), Is.All.Matches<System.Numerics.Complex>(number => double.IsNaN(number.Real)), "what is not finite is NaN");
                continue;
            }
            Assert.That(Skewness(own), Is.LessThan(unit), $"{k}: orthonormal columns");
            Assert.That(Difference(own.MatMul(Wide(p.Select(0, k))), one), Is.LessThan(unit * Math.Max(1, Largest(one))), $"{k}: U P");
        }
    }

    [Test]
    public void Zeros_and_nilpotent_matrices_have_an_orthogonal_factor([Values(3, 24, 33, 96)] int n, [Values(DType.Float32, DType.Float64)] DType dtype)
    {
        // What an identity would complete to something singular.
        var shift = Tensor.Concat([Tensor.Zeros([n, 1], dtype), Tensor.Eye(n, n - 1, dtype)], -1);
        foreach (var a in new[] { Tensor.Zeros([n, n], dtype), shift, -Tensor.Eye(n, dtype: dtype), shift.MatMul(shift), Tensor.Ones([n, n], dtype) })
        {
            var (u, p) = a.PolarDecomposition();
            var unit = Unit(dtype) * 4 * Math.Max(4, n);
            Assert.That(Skewness(u), Is.LessThan(unit));
            Assert.That(Difference(Wide(u).MatMul(Wide(p)), a), Is.LessThan(unit));
        }
    }

    // The simulator takes seconds for what a device does at once.
    static IEnumerable<TestCaseData> OnDevices
        => from kind in Devices.Kinds
           from shape in kind == nameof(DeviceKind.Simulator) ? new[] { "4x3", "18x18", "34x34" } : ["8x8", "30x20", "48x48", "110x100"]
           from dtype in Types
           where kind != nameof(DeviceKind.Cpu) && !(kind == nameof(DeviceKind.Simulator) && shape != "4x3" && dtype != DType.Float32)
           select new TestCaseData(kind, shape, dtype);

    [TestCaseSource(nameof(OnDevices)), Category("Devices")]
    public void Devices_agree_bit_for_bit_and_tell_the_host_nothing(string kind, string shape, DType dtype)
    {
        var (device, size) = (Devices.Of(kind), shape.Split('x').Select(int.Parse).ToArray());
        var a = Mixed(size[0], size[1], dtype);
        if (kind == nameof(DeviceKind.Simulator) && size[0] > 4)
            a = a.Narrow(0, 2, 2);
        var x = a.To(device).RequiresGrad();
        var copies = device.HostCopies;
        var u = x.PolarFactor();
        (u.DType.IsComplex ? u.Real() : u).Sum().Backward();
        Assert.That(device.HostCopies, Is.EqualTo(copies), "copies to the host");
        var y = a.Detach().RequiresGrad();
        var expected = y.PolarFactor();
        (expected.DType.IsComplex ? expected.Real() : expected).Sum().Backward();
        Assert.That(Numbers(u), Is.EqualTo(Numbers(expected)));
        Assert.That(Numbers(x.Grad!), Is.EqualTo(Numbers(y.Grad!)), "gradient");
    }

    [TestCaseSource(nameof(OnDevices)), Category("Devices")]
    public void Inverses_of_singular_matrices_harm_no_others(string kind, string shape, DType dtype)
    {
        var (device, n) = (Devices.Of(kind), int.Parse(shape.Split('x')[1]));
        var a = Mixed(n, n, dtype);
        var inverse = a.To(device).Inverse();
        Assert.That(Numbers(inverse), Is.EqualTo(Numbers(a.Inverse())));
        Assert.That(Numbers(inverse.Select(0, 3)), Is.EqualTo(Numbers(a.Select(0, 3).Inverse())));
    }
}
