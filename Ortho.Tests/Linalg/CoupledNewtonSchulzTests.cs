using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Linalg;

/// <summary>The coupled iteration against its definition in matrix products: in vectors of matrices, whole and in part, and one after the other.</summary>
[TestFixture, Category("Kernels")]
public class CoupledNewtonSchulzTests
{
    const int Iterations = 6;

    // Positive definite, of eigenvalues below 1.
    static Tensor Sample(string shape, DType dtype)
    {
        int[] extents = [.. shape.Split('x').Select(int.Parse)];
        var x = Random(extents, dtype, 3);
        var gram = x.MatMul(x.H);
        return gram / gram.Norm([-2, -1], keepDimensions: true).To(dtype) + Tensor.Eye(extents[^1], dtype: dtype) * 0.01;
    }

    static Tensor Composed(Tensor y)
    {
        var eye = Tensor.Eye(y.Shape[^1], dtype: y.DType);
        var z = eye.Expand([.. y.Shape]);
        for (var k = 0; k < Iterations; k++)
        {
            var r = eye.Addmm(z, y, beta: 1.5, alpha: -0.5);
            (y, z) = (y.MatMul(r), r.MatMul(z));
        }
        return z;
    }

    [Test]
    public void Iterates_are_those_of_products_to_the_bit([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype,
        [Values("1x1", "35x6x6", "3x2x7x7", "16x24x24", "2x25x25")] string shape)
    {
        var a = Sample(shape, dtype);
        Assert.That(Numbers(a.CoupledNewtonSchulz(Iterations)), Is.EqualTo(Numbers(Composed(a))));
    }

    [Test]
    public void Gradients_are_those_of_products([Values(DType.Float64, DType.Complex128)] DType dtype, [Values("35x6x6", "2x7x7", "2x25x25")] string shape)
    {
        var a = Sample(shape, dtype);
        var weights = Random([.. a.Shape], dtype, 4);
        var (x, y) = (a.Detach().RequiresGrad(), a.Detach().RequiresGrad());
        var ours = Graph.Gradients([x.CoupledNewtonSchulz(Iterations)], [x], [weights])[0];
        var theirs = Graph.Gradients([Composed(y)], [y], [weights])[0];
        Assert.That(Difference(ours, theirs), Is.LessThan(1e-12 * theirs.Norm().Item()));
    }

    [Test]
    public void One_iteration_is_linear()
    {
        var a = Sample("3x5x5", DType.Float64);
        CheckGradient(x => x[0].CoupledNewtonSchulz(1), [a]);
    }

    [Test]
    public void No_iteration_is_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => Tensor.Eye(3).CoupledNewtonSchulz(0));
}
