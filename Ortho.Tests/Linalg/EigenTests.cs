using System.Numerics;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Linalg;

/// <summary>Eigenvalues of Hermitian and general matrices against matrices made from known ones.</summary>
[TestFixture, Category("Kernels")]
public class EigenTests
{
    static DType WideType(DType dtype) => dtype.IsComplex ? DType.Complex128 : DType.Float64;

    static Tensor Hermitian(double[] values, DType dtype)
    {
        var q = Unitary(values.Length, WideType(dtype), 3);
        return (q * Tensor.From(values, [values.Length]).To(q.DType)).MatMul(q.H).To(dtype);
    }

    static IEnumerable<double[]> Spectra =>
    [
        [1], [-1, 1], [.. Enumerable.Range(0, 40).Select(k => (double)k - 20)],
        [.. Enumerable.Range(0, 20).Select(k => Math.Pow(10, -k / 2.0)).Reverse()], // graded, positive
        [-3, -3, -3, 0, 0, 1, 1, 1, 1, 7], [1e-12, 1e-6, 1, 1, 1, 1 + 1e-9],
    ];

    [Test]
    public void Hermitian_spectra_are_found_to_some_units_of_the_norm([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype, [ValueSource(nameof(Spectra))] double[] values)
    {
        var a = Hermitian(values, dtype);
        var (found, vectors) = a.Eigh();
        var bound = 4 * Math.Sqrt(values.Length) * Unit(dtype) * values.Max(Math.Abs);
        Assert.That(Difference(found, Tensor.From([.. values.Order()], [values.Length])), Is.LessThan(bound));
        Assert.That(Skewness(vectors), Is.LessThan(8 * Math.Sqrt(values.Length) * Unit(dtype)));
        Assert.That(Difference(Wide(a).MatMul(Wide(vectors)), Wide(vectors) * Wide(found.To(dtype))), Is.LessThan(2 * bound));
    }

    static IEnumerable<string> Gpus => Support.Devices.Kinds.Where(kind => kind != "Cpu");

    [Test, Category("Devices")]
    public void A_group_of_threads_finds_the_same_bits([ValueSource(nameof(Gpus))] string kind)
    {
        // Beyond 16 columns a device gives a matrix to a group.
        var (device, a) = (Support.Devices.Of(kind), Random([17, 17], DType.Float32, 5));
        Assert.That(Numbers(a.To(device).Eigh().Eigenvectors), Is.EqualTo(Numbers(a.Eigh().Eigenvectors)));
        // The simulator's threads meet too slowly for a second algorithm.
        if (device.Kind != DeviceKind.Simulator)
            Assert.That(Numbers(a.To(device).Svd().V), Is.EqualTo(Numbers(a.Svd().V)));
    }

    [Test]
    public void Only_the_Hermitian_part_counts_and_scale_does_not()
    {
        var a = Random([5, 5], DType.Complex128, 1);
        Assert.That(Difference(a.Eigh().Eigenvalues, ((a + a.H) * 0.5).Eigh().Eigenvalues), Is.LessThan(1e-15));
        foreach (var scale in (double[])[1e150, 1e-150])
            Assert.That(Difference((a * scale).Eigh().Eigenvalues / scale, a.Eigh().Eigenvalues), Is.LessThan(1e-14));
    }

    [Test]
    public void General_matrices_are_diagonalised([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype, [Values(1, 2, 3, 10, 60)] int n)
    {
        var a = Random([2, n, n], dtype, n);
        var (values, vectors) = a.Eig();
        Assert.That((values.DType, vectors.DType), Is.EqualTo((dtype.ComplexType, dtype.ComplexType)));
        Assert.That(Difference(Wide(a).To(DType.Complex128).MatMul(Wide(vectors)), Wide(vectors) * Wide(values).Unsqueeze(-2)), Is.LessThan(10 * n * Unit(dtype)));
        Assert.That(Numbers(vectors.Norm([-2])).Select(norm => norm.Real), Is.All.EqualTo(1).Within(10 * Unit(dtype)));
        Assert.That(Numbers(a.EigVals()), Is.EqualTo(Numbers(values)));
    }

    [Test]
    public void Known_eigenvalues_are_found()
    {
        double[] roots = [1, 2, 3, 4, 5];
        // The companion matrix of (x - 1) ... (x - 5).
        var companion = Tensor.From(new double[,] { { 15, -85, 225, -274, 120 }, { 1, 0, 0, 0, 0 }, { 0, 1, 0, 0, 0 }, { 0, 0, 1, 0, 0 }, { 0, 0, 0, 1, 0 } });
        Assert.That(Numbers(companion.EigVals()).Select(value => value.Real).Order(), Is.EqualTo(roots).Within(1e-10));
        // Rotations by a quarter, and a cycle: shifts alone would not break its symmetry.
        Assert.That(Numbers(Tensor.From(new double[,] { { 0, -1 }, { 1, 0 } }).EigVals()).Select(value => value.Imaginary).Order(), Is.EqualTo(new double[] { -1, 1 }).Within(1e-15));
        var cycle = Tensor.Eye(6, dtype: DType.Float64).IndexSelect(0, Tensor.From<long>([1, 2, 3, 4, 5, 0], [6]));
        Assert.That(Numbers(cycle.EigVals()).Select(value => (value * value * value * value * value * value - 1).Magnitude), Is.All.LessThan(1e-14));
    }

    [Test]
    public void Badly_scaled_matrices_are_balanced()
    {
        var d = Tensor.From([1e-8, 1.0, 1e8], [3]);
        var a = Random([3, 3], DType.Float64, 2);
        var scaled = d.Unsqueeze(1) * a / d;
        var (here, there) = (Numbers(a.EigVals()), Numbers(scaled.EigVals()));
        Assert.That(here.Select(x => there.Min(y => (x - y).Magnitude)), Is.All.LessThan(1e-13));
        Assert.That(there.Select(x => here.Min(y => (x - y).Magnitude)), Is.All.LessThan(1e-13));
    }

    [Test]
    public void Blocks_of_any_size_are_told_apart()
    {
        var block = Random([3, 3], DType.Float64, 3);
        var expected = Numbers(block.EigVals());
        foreach (var scale in (double[])[1e200, 1e-200])
            Assert.That(Numbers((block * scale).EigVals()).Zip(expected, (x, y) => (x / scale - y).Magnitude), Is.All.LessThan(1e-13));
        // Beside a block of ones, one whose squares leave the range of numbers.
        var graded = Tensor.BlockDiag([Tensor.From(new double[,] { { 1, 1 }, { 1, -1 } }), block * 1e-200]);
        var small = Numbers(graded.EigVals()).Where(x => x.Magnitude < 1e-100).ToList();
        Assert.That(small, Has.Count.EqualTo(3));
        Assert.That(expected.Select(x => small.Min(y => (x - y / 1e-200).Magnitude)), Is.All.LessThan(1e-13));
    }

    [Test]
    public void Defective_zero_and_infinite_matrices()
    {
        var (values, vectors) = Tensor.From(new double[,] { { 2, 1 }, { 0, 2 } }).Eig();
        Assert.That(Numbers(values), Is.All.EqualTo((Complex)2));
        Assert.That(Math.Abs(Numbers(vectors)[1].Magnitude), Is.EqualTo(1).Within(1e-15).Or.EqualTo(0).Within(1e-15), "parallel vectors");
        Assert.That(Largest(Tensor.Zeros([3, 3]).EigVals()), Is.Zero);
        var spoilt = Tensor.Stack([Tensor.Eye(2), Tensor.Eye(2) * double.PositiveInfinity], 0).EigVals();
        Assert.That(Numbers(spoilt.Select(0, 0)), Is.All.EqualTo(Complex.One));
        Assert.That(Numbers(spoilt.Select(0, 1)).All(value => double.IsNaN(value.Real)), Is.True);
    }
}
