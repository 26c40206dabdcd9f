using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu;
using Ortho.Tensors;
using Ortho.Tests.Linalg;
using static Ortho.Tests.Linalg.MatrixSamples;
using QrKernel = Ortho.Kernels.Orthogonal.Qr;

namespace Ortho.Tests.Orthogonal;

/// <summary>Householder QR: reconstruction, orthogonality, signs, rank-deficient matrices, gradients.</summary>
[TestFixture, Category("Kernels")]
public class QrTests
{
    static double Tolerance(DType dtype, int[] size) => 12 * Math.Sqrt(size.Max()) * Unit(dtype);

    static void Check(Tensor a, int[] size)
    {
        var (q, r) = a.Qr();
        var k = size.Min();
        Assert.That(q.Shape, Is.EqualTo(a.Shape[..^1].Concat([k])));
        Assert.That(r.Shape, Is.EqualTo(a.Shape[..^2].Concat([k, size[1]])));
        Assert.That(Difference(Wide(q).MatMul(Wide(r)), a), Is.LessThan(Tolerance(a.DType, size) * Math.Max(1, Largest(r))));
        Assert.That(Skewness(q), Is.LessThan(Tolerance(a.DType, size)));
        Assert.That(BelowDiagonal(r), Is.Zero);
        Assert.That(Numbers(r.Diagonal()).All(number => number.Imaginary == 0), Is.True);
    }

    [Test]
    public void Matrices_are_reconstructed([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype,
        [ValueSource(typeof(MatrixSamples), nameof(Sizes))] int[] size, [Values(1, 3)] int batch)
        => Check(Random([batch, .. size], dtype, 7), size);

    [Test]
    public void Large_matrices_are_reconstructed([Values(DType.Float32, DType.Complex128)] DType dtype) => Check(Random([257, 200], dtype, 7), [257, 200]);

    [Test]
    public void Batches_of_every_size([Values(1, 2, 7, 8, 9, 15, 16, 17, 33)] int batch, [ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype)
    {
        var a = Random([batch, 5, 4], dtype, 3);
        Check(a, [5, 4]);
        var q = a.Qr().Q;
        for (var k = 0; k < batch; k++)
            Assert.That(Numbers(q.Select(0, k)), Is.EqualTo(Numbers(a.Select(0, k).Qr().Q)), "a matrix alone and in a batch");
    }

    [Test]
    public void Views_are_taken_as_they_are()
    {
        var a = Random([4, 9, 6], DType.Complex64, 3);
        Check(a.T, [6, 9]);
        Check(a.Slice(1, 1, 8, 2).Transpose(0, 1), [4, 6]);
        Check(Random([6, 6]).Expand(5, 6, 6), [6, 6]);
    }

    [Test]
    public void Pivots_turn_to_the_opposite_sign()
    {
        // Hand values: column (3, 4) has norm 5 and a positive pivot.
        var (q, r) = Tensor.From(new double[,] { { 3, 1 }, { 4, 2 } }).Qr();
        Assert.That(Difference(r, Tensor.From(new[,] { { -5.0, -2.2 }, { 0, 0.4 } })), Is.LessThan(1e-15));
        Assert.That(Difference(q, Tensor.From(new[,] { { -0.6, -0.8 }, { -0.8, 0.6 } })), Is.LessThan(1e-15));
    }

    [Test]
    public void Triangular_matrices_stay_as_they_are()
    {
        var a = Random([5, 5]).Triu();
        var (q, r) = a.Qr();
        Assert.That(Difference(r, a), Is.Zero);
        Assert.That(Difference(q, Tensor.Eye(5, dtype: DType.Float64)), Is.Zero);
    }

    [Test]
    public void Deficient_matrices_are_ordinary([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype, [Values(6, 70, 140)] int n)
    {
        int[] size = [n + 3, n];
        Check(Tensor.Zeros([2, .. size], dtype), size);
        Check(Tensor.Ones([2, .. size], dtype), size);
        Check(Random([2, n + 3, 2], dtype).MatMul(Random([2, 2, n], dtype, 2)), size);
        Check(Tensor.Concat([Tensor.Zeros([n + 3, 1], dtype), Random([n + 3, n - 1], dtype)], 1), size);
    }

    [Test]
    public void Compact_form_is_the_same_reflections([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype, [Values(5, 17, 70, 140)] int n)
    {
        int[] size = [n + 4, n];
        var a = Random([2, .. size], dtype, 3);
        var (reflections, r) = QrKernel.Factor(a, n);
        var product = Wide(reflections.Columns(0, n + 4));
        Assert.That(Skewness(product), Is.LessThan(Tolerance(dtype, size)));
        Assert.That(Difference(product.Slice(-1, 0, n).MatMul(Wide(r)), a), Is.LessThan(Tolerance(dtype, size) * Largest(r)));
        Assert.That(Difference(product.Slice(-1, 3), reflections.Columns(3, n + 1)), Is.Zero, "any columns are columns of the whole");
        var rotated = a.Clone();
        reflections.ApplyAdjoint(rotated);
        Assert.That(Difference(rotated.Slice(-2, 0, n), r), Is.LessThan(Tolerance(dtype, size) * Largest(r)));
        Assert.That(Largest(Wide(reflections.Vectors).Triu(1)), Is.Zero);
        foreach (var triangle in reflections.Triangles)
            Assert.That(BelowDiagonal(triangle), Is.Zero);
    }

    [Test]
    public void Empty_matrices_have_empty_factors()
    {
        var (q, r) = Tensor.Zeros([2, 4, 0]).Qr();
        Assert.That((q.Shape, r.Shape), Is.EqualTo((Shape.Create([2, 4, 0]), Shape.Create([2, 0, 0]))));
        Assert.That(Tensor.Zeros([0, 4, 3]).Qr().Q.Shape, Is.EqualTo(Shape.Create([0, 4, 3])));
    }

    [Test]
    public void Gradients_are_the_slopes([Values(DType.Float64, DType.Complex128)] DType dtype, [Values("4x4", "5x3", "3x5")] string shape)
    {
        int[] size = [.. shape.Split('x').Select(int.Parse)];
        var a = Random([2, .. size], dtype, 4);
        CheckGradient(x => x[0].Qr().Q, [a], order: 2);
        CheckGradient(x => x[0].Qr().R, [a], order: 2);
        CheckGradient(x =>
        {
            var (q, r) = x[0].Qr();
            return q.Slice(-2, 0, size.Min()).MatMul(r) + r;
        }, [a], order: 2);
    }

    [Test]
    public void Gradients_of_blocked_factors_are_the_slopes() => CheckGradient(x => x[0].Qr().Q, [Random([140, 130], seed: 4)], tolerance: 1e-5);

    [Test]
    public void Devices_agree_bit_for_bit([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype, [Values("1x1", "4x3", "3x4")] string shape)
    {
        var a = Random([3, .. shape.Split('x').Select(int.Parse)], dtype, 4);
        var (q, r) = a.Qr();
        var (deviceQ, deviceR) = a.To(GpuDevice.Simulator).Qr();
        Assert.That(Numbers(deviceQ), Is.EqualTo(Numbers(q)));
        Assert.That(Numbers(deviceR), Is.EqualTo(Numbers(r)));
        var (reflections, _) = QrKernel.Factor(a, a.Shape[1..].Span.ToArray().Min());
        var (onDevice, _) = QrKernel.Factor(a.To(GpuDevice.Simulator), a.Shape[1..].Span.ToArray().Min());
        Assert.That(Numbers(onDevice.Vectors), Is.EqualTo(Numbers(reflections.Vectors)));
        Assert.That(Numbers(onDevice.Triangles[0]), Is.EqualTo(Numbers(reflections.Triangles[0])));
    }

    [Test]
    public void A_matrix_alone_and_one_of_many_have_the_same_bits([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype,
        [Values(1, 5, 16, 33, 64, 70)] int n)
    {
        var a = Random([19, n + 2, n], dtype, 6);
        var (q, r) = a.Qr();
        var (inverse, u) = (a.Narrow(-2, 0, n).Inverse(), a.PolarFactor());
        foreach (var k in new[] { 0, 2, 18 })
        {
            var one = a.Select(0, k);
            Assert.That(Numbers(one.Qr().Q), Is.EqualTo(Numbers(q.Select(0, k))), "Q");
            Assert.That(Numbers(one.Qr().R), Is.EqualTo(Numbers(r.Select(0, k))), "R");
            Assert.That(Numbers(one.Narrow(-2, 0, n).Inverse()), Is.EqualTo(Numbers(inverse.Select(0, k))), "inverse");
            Assert.That(Numbers(one.PolarFactor()), Is.EqualTo(Numbers(u.Select(0, k))), "polar factor");
        }
    }

    [Test]
    public void Misfits_are_named()
    {
        Assert.That(() => Tensor.Ones([3]).Qr(), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Qr: a is"));
        Assert.That(() => Tensor.Ones([3, 3], DType.Int32).Qr(), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Qr: a is"));
    }
}
