using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Linalg;

/// <summary>Triangular and general linear systems, and inverses.</summary>
[TestFixture, Category("Kernels")]
public class SolveTests
{
    // Far from singular at every size.
    static Tensor WellConditioned(Shape shape, DType dtype, int seed, Device? device = null)
        => Random(shape, dtype, seed, device) + Tensor.Eye(shape[^1], dtype: dtype, device: device) * (2 + Math.Sqrt(shape[^1]));

    [Test]
    public void Triangular_systems_are_solved([Values] bool upper, [Values] bool unit,
        [ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype, [Values(1, 2, 7, 64, 65, 150)] int n, [Values(1, 3, 40)] int columns)
    {
        var a = Random([2, n, n], dtype, n) * (unit ? 1.0 / n : 1) + Tensor.Eye(n, dtype: dtype) * (unit ? 0 : 2 + Math.Sqrt(n));
        var b = Random([2, n, columns], dtype, n + 1);
        var x = a.TriangularSolve(b, upper, unit);
        var triangle = unit
            ? (upper ? a.Triu(1) : a.Tril(-1)) + Tensor.Eye(n, dtype: dtype)
            : upper ? a.Triu() : a.Tril();
        Assert.That(Difference(Wide(triangle).MatMul(Wide(x)), b), Is.LessThan(30 * n * Unit(dtype)));
    }

    [Test]
    public void Only_one_triangle_is_read([Values] bool upper)
    {
        var a = WellConditioned([70, 70], DType.Float64, 1);
        var other = upper ? a.Triu() + Random([70, 70]).Tril(-1) : a.Tril() + Random([70, 70]).Triu(1);
        var b = Random([70, 5], seed: 2);
        Assert.That(Difference(a.TriangularSolve(b, upper), other.TriangularSolve(b, upper)), Is.Zero);
    }

    [Test]
    public void Systems_are_solved([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype,
        [Values(1, 2, 3, 8, 17, 49, 128, 129)] int n, [Values(1, 2, 8, 16, 17)] int batch)
    {
        var (a, b) = (WellConditioned([batch, n, n], dtype, n), Random([batch, n, 3], dtype, n + 1));
        var x = a.Solve(b);
        Assert.That(Difference(Wide(a).MatMul(Wide(x)), b), Is.LessThan(40 * Math.Max(2, n) * Unit(dtype)));
    }

    [Test]
    public void Unstructured_systems_leave_a_small_residual([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype, [Values(5, 40, 180)] int n)
    {
        var (a, b) = (Random([n, n], dtype, n), Random([n, 4], dtype, n + 1));
        var x = a.Solve(b);
        // Backward stability: the residual is small against |a| |x|, however ill-conditioned a is.
        Assert.That(Difference(Wide(a).MatMul(Wide(x)), b), Is.LessThan(10 * n * Unit(dtype) * Math.Max(1, Largest(x))));
    }

    [Test]
    public void Leading_dimensions_broadcast([Values(6, 140)] int n)
    {
        var (a, b) = (WellConditioned([n, n], DType.Float64, 1), Random([3, 2, n, 4], seed: 2));
        Assert.That(Difference(a.MatMul(a.Solve(b)), b), Is.LessThan(1e-12));
        var (many, one) = (WellConditioned([3, n, n], DType.Float64, 3), Random([n, 4], seed: 4));
        Assert.That(Difference(many.MatMul(many.Solve(one)), one.Expand(3, n, 4)), Is.LessThan(1e-12));
        Assert.That(Difference(many.Tril().MatMul(many.TriangularSolve(one, upper: false)), one.Expand(3, n, 4)), Is.LessThan(1e-12));
    }

    [Test]
    public void Views_are_taken_as_they_are([Values(6, 140)] int n)
    {
        var (a, b) = (WellConditioned([2, n, n], DType.Complex128, 1), Random([2, 4, n], DType.Complex128, 2));
        Assert.That(Difference(a.T.MatMul(a.T.Solve(b.T)), b.T), Is.LessThan(1e-12));
        Assert.That(Difference(a.T.Tril().MatMul(a.T.TriangularSolve(b.T, upper: false)), b.T), Is.LessThan(1e-12));
    }

    [Test]
    public void Inverses_are_inverse([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype, [Values(1, 4, 31, 150)] int n)
    {
        var a = WellConditioned([3, n, n], dtype, n);
        Assert.That(Difference(Wide(a).MatMul(Wide(a.Inverse())), Tensor.Eye(n, dtype: a.DType).Expand(3, n, n)), Is.LessThan(40 * Math.Max(2, n) * Unit(dtype)));
    }

    [Test]
    public void A_singular_matrix_spoils_only_itself()
    {
        var a = Tensor.Concat([Tensor.Zeros([1, 3, 3], DType.Float64), WellConditioned([4, 3, 3], DType.Float64, 1)], 0);
        var x = a.Solve(Random([5, 3, 2], seed: 2));
        Assert.That(Numbers(x.Select(0, 0)).All(number => !double.IsFinite(number.Real)), Is.True);
        Assert.That(Numbers(x.Slice(0, 1)).All(number => double.IsFinite(number.Real)), Is.True);
    }

    [Test]
    public void Empty_systems_have_empty_solutions()
    {
        Assert.That(Tensor.Zeros([0, 3, 3]).Solve(Tensor.Zeros([0, 3, 2])).Shape, Is.EqualTo(Shape.Create([0, 3, 2])));
        Assert.That(Tensor.Zeros([0, 0]).Solve(Tensor.Zeros([0, 2])).Shape, Is.EqualTo(Shape.Create([0, 2])));
        Assert.That(Tensor.Eye(3).TriangularSolve(Tensor.Zeros([3, 0]), upper: true).Shape, Is.EqualTo(Shape.Create([3, 0])));
    }

    [Test]
    public void Gradients_are_the_slopes([Values(DType.Float64, DType.Complex128)] DType dtype)
    {
        var (a, b) = (WellConditioned([2, 4, 4], dtype, 1), Random([2, 4, 3], dtype, 2));
        CheckGradient(x => x[0].Solve(x[1]), [a, b], order: 2);
        CheckGradient(x => x[0].Inverse(), [a], order: 2);
        CheckGradient(x => x[0].TriangularSolve(x[1], upper: true), [a, b], order: 2);
        CheckGradient(x => x[0].TriangularSolve(x[1], upper: false, unitDiagonal: true), [a, b], order: 2);
    }

    [Test]
    public void Gradients_of_broadcast_systems_are_summed()
    {
        var (a, b) = (WellConditioned([4, 4], DType.Float64, 1), Random([3, 4, 2], seed: 2));
        CheckGradient(x => x[0].Solve(x[1]), [a, b]);
        CheckGradient(x => x[0].TriangularSolve(x[1], upper: false), [a, b]);
    }

    [Test]
    public void Devices_agree_bit_for_bit([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype)
    {
        var (a, b) = (WellConditioned([3, 4, 4], dtype, 1), Random([3, 4, 3], dtype, 2));
        var device = GpuDevice.Simulator;
        Assert.That(Numbers(a.To(device).Solve(b.To(device))), Is.EqualTo(Numbers(a.Solve(b))));
        Assert.That(Numbers(a.To(device).TriangularSolve(b.To(device), upper: true)), Is.EqualTo(Numbers(a.TriangularSolve(b, upper: true))));
    }

    [Test, Category("Devices")]
    public void Inverses_by_blocks_have_the_hosts_bits([Values(DType.Float32, DType.Complex64)] DType dtype)
    {
        var a = Random([70, 70], dtype, 1);
        foreach (var device in Devices.Gpus)
            Assert.That(Numbers(a.To(device).Inverse().To(Device.Cpu)), Is.EqualTo(Numbers(a.Inverse())), $"{device}");
    }

    [Test]
    public void Misfits_are_named()
    {
        var (a, b) = (Tensor.Eye(3), Tensor.Ones([3, 2]));
        Assert.That(() => Tensor.Ones([3, 2]).Solve(b), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Solve: a is"));
        Assert.That(() => a.Solve(Tensor.Ones([4, 2])), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Solve: b is"));
        Assert.That(() => a.Solve(b.To(DType.Float64)), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Solve: b is"));
        Assert.That(() => a.TriangularSolve(Tensor.Ones([3]), true), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("TriangularSolve: b is"));
        Assert.That(() => Tensor.Ones([3, 2]).Inverse(), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Inverse: a is"));
        Assert.That(() => a.To(DType.Int32).Inverse(), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Inverse: a is"));
    }
}
