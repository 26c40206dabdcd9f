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
