using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Orthogonal;

/// <summary>Polar iterations against the polar factor of a matrix whose singular vectors are known.</summary>
[TestFixture]
public class NewtonSchulzTests
{
    // a = U diag(values) V^H and its polar factor U V^H.
    static (Tensor Matrix, Tensor Polar) Known(int rows, int columns, DType dtype)
    {
        var k = Math.Min(rows, columns);
        var (u, v) = (Unitary(rows, dtype, 1).Slice(-1, 0, k), Unitary(columns, dtype, 2).Slice(-1, 0, k));
        var values = Tensor.From([.. Enumerable.Range(0, k).Select(i => 0.3 + i)], [k]).To(dtype);
        return ((u * values).MatMul(v.H), u.MatMul(v.H));
    }

    [Test]
    public void The_cubic_finds_the_polar_factor([Values("6x6", "9x4", "4x9", "1x5")] string shape, [Values(DType.Float64, DType.Complex128)] DType dtype)
    {
        var size = shape.Split('x').Select(int.Parse).ToArray();
        var (a, polar) = Known(size[0], size[1], dtype);
        Assert.That(Difference(a.NewtonSchulz(OrthogonalOps.Cubic, steps: 24), polar), Is.LessThan(1e-13));
        Assert.That(Difference(a.Bjorck(steps: 24), polar), Is.LessThan(1e-13));
        Assert.That(Difference(a.Bjorck(steps: 24, norm: Tensor.Full([], 6.0, DType.Float64)), polar), Is.LessThan(1e-13));
    }

    [Test]
    public void The_quintic_acts_on_singular_values([Values("6x6", "9x4", "4x9")] string shape)
    {
        var size = shape.Split('x').Select(int.Parse).ToArray();
        var (a, _) = Known(size[0], size[1], DType.Float64);
        var values = a.NewtonSchulz().SingularValues();
        var norm = a.Norm().Item();
        double[] expected = [.. Numbers(a.SingularValues()).Select(number => Enumerable.Range(0, 5).Aggregate(number.Real / norm,
            (s, _) => 3.4445 * s - 4.7750 * s * s * s + 2.0315 * s * s * s * s * s)).OrderDescending()];
        Assert.That(Difference(values, Tensor.From(expected, [expected.Length])), Is.LessThan(1e-12));
        Assert.That(expected, Has.All.InRange(0.6, 1.3));
    }

    // Steps on the Gram matrix alone must not cost what is left of small singular values.
    [Test]
    public void Long_matrices_are_as_exact_as_short_ones([Values("64x256", "200x50", "70x80")] string shape, [Values(1, 1e-2, 1e-4, 1e-6)] double smallest)
    {
        using var scope = new TensorScope();
        var size = shape.Split('x').Select(int.Parse).ToArray();
        var k = size.Min();
        var (u, v) = (Unitary(size[0], DType.Float64, 1).Slice(-1, 0, k), Unitary(size[1], DType.Float64, 2).Slice(-1, 0, k));
        var a = (u * Tensor.From([.. Enumerable.Range(0, k).Select(i => Math.Pow(smallest, i / (k - 1.0)))], [k])).MatMul(v.T).To(DType.Float32);
        var y = a.To(DType.Float64);
        y /= y.Norm([-2, -1], keepDimensions: true);
        for (var step = 0; step < 5; step++)
        {
            var gram = y.MatMul(y.T);
            y = y * 3.4445 + (gram * -4.7750 + gram.MatMul(gram) * 2.0315).MatMul(y);
        }
        // Five steps of slope up to 3.4445 multiply the roundings of the first by 500.
        Assert.That(Difference(a.NewtonSchulz(), y), Is.LessThan(3e-5 * Largest(y)));
        var cubic = a.To(DType.Float64).NewtonSchulz(OrthogonalOps.Cubic, 9);
        Assert.That(Difference(a.NewtonSchulz(OrthogonalOps.Cubic, 9), cubic), Is.LessThan(3e-5 * Largest(cubic)));
    }

    [Test]
    public void Zero_stays_zero() => Assert.That(Largest(Tensor.Zeros([3, 4]).NewtonSchulz()), Is.Zero);

    [Test]
    public void Gradients_are_the_slopes([Values(DType.Float64, DType.Complex128)] DType dtype)
    {
        var a = Random([2, 4, 3], dtype, 3);
        CheckGradient(x => x[0].NewtonSchulz(steps: 2), [a], order: 2);
        CheckGradient(x => x[0].H.Bjorck(steps: 3), [a], order: 2);
    }

    [Test]
    public void Misfits_are_named()
    {
        Assert.That(() => Tensor.Ones([3]).NewtonSchulz(), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("NewtonSchulz: x is"));
        Assert.That(() => Tensor.Ones([3, 3]).NewtonSchulz([]), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("NewtonSchulz: coefficients is"));
        Assert.That(() => Tensor.Ones([3, 3]).Bjorck(steps: -1), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Bjorck: steps is"));
    }
}
