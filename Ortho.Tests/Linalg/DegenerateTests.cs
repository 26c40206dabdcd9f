using System.Numerics;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Linalg;

/// <summary>What linear algebra promises where it is hard: singular and indefinite matrices, equal values, sizes 0 and 1.</summary>
[TestFixture, Category("Kernels")]
public class DegenerateTests
{
    static Tensor D(double[,] elements) => Tensor.From(elements);

    static bool IsFinite(Tensor x) => Numbers(x).All(Complex.IsFinite);

    static Tensor Gradient(Func<Tensor, Tensor> function, Tensor a)
    {
        var x = a.Clone().RequiresGrad();
        var y = function(x);
        y.Backward(Tensor.Ones(y.Shape, y.DType));
        return x.Grad!;
    }

    [Test]
    public void A_matrix_that_is_not_positive_definite_gives_NaN_in_its_place_or_an_error()
    {
        var a = Tensor.Stack([Tensor.Eye(3), Tensor.Eye(3) * -1.0, Tensor.Eye(3)], 0);
        var l = a.Cholesky();
        Assert.That((IsFinite(l.Select(0, 0)), IsFinite(l.Select(0, 1)), IsFinite(l.Select(0, 2))), Is.EqualTo((true, false, true)));
        Assert.That(() => a.Cholesky(check: true), Throws.TypeOf<ArithmeticException>().With.Message.EqualTo("Cholesky: matrix 1 of 3 is not positive definite."));
        Assert.That(IsFinite(a.Select(0, 0).Cholesky(check: true)), Is.True);
    }

    [Test]
    public void A_singular_system_gives_infinities_or_an_error()
    {
        var a = Tensor.Stack([Tensor.Eye(2), D(new double[,] { { 1, 0 }, { 0, 0 } }).To(DType.Float32)], 0);
        Assert.That(IsFinite(a.Inverse().Select(0, 1)), Is.False);
        Assert.That(() => a.Inverse(check: true), Throws.TypeOf<ArithmeticException>().With.Message.EqualTo("Inverse: matrix 1 of 2 is singular."));
        Assert.That(() => a.Solve(Tensor.Ones([2, 1]), check: true), Throws.TypeOf<ArithmeticException>().With.Message.StartsWith("Solve: matrix 1 of 2"));
        Assert.That(IsFinite(a.PseudoInverse()), Is.True);
    }

    [Test]
    public void A_singular_matrix_has_finite_factors_and_determinant_zero()
    {
        var a = D(new double[,] { { 1, 2, 3 }, { 2, 4, 6 }, { 1, 0, 1 } });
        var (p, l, u) = a.Lu();
        Assert.That(Difference(p.MatMul(l).MatMul(u), a), Is.LessThan(1e-15));
        Assert.That(a.Det().Item(), Is.Zero);
        var (sign, log) = a.SlogDet();
        Assert.That((sign.Item(), log.Item()), Is.EqualTo((0.0, double.NegativeInfinity)));
        // Cofactors by hand.
        Assert.That(Difference(Gradient(x => x.Det(), a), D(new double[,] { { 4, 4, -4 }, { -2, -2, 2 }, { 0, 0, 0 } })), Is.LessThan(1e-14));
        Assert.That(IsFinite(Gradient(x => x.LogDet(), D(new double[,] { { 1, 0 }, { 0, 0 } }))), Is.False);
        Assert.That((a.MatrixRank().Item(), Tensor.Zeros([3, 2]).MatrixRank().Item()), Is.EqualTo((2.0, 0.0)));
        Assert.That(Tensor.Zeros([2, 2]).Cond().Item(), Is.NaN.Or.EqualTo(double.PositiveInfinity));
        Assert.That(D(new double[,] { { 1, 0 }, { 0, 0 } }).Cond().Item(), Is.EqualTo(double.PositiveInfinity));
    }

    [Test]
    public void Gradients_through_eigenvalues_are_finite_and_through_vectors_of_equal_ones_are_not()
    {
        var eye = Tensor.Eye(3, dtype: DType.Float64);
        Assert.That(Difference(Gradient(x => x.EigValsh().Sum(), eye), eye), Is.LessThan(1e-15));
        Assert.That(IsFinite(Gradient(x => x.Eigh().Eigenvectors.Sum(), eye)), Is.False);
        Assert.That(IsFinite(Gradient(x => x.Svd().U.Sum(), eye)), Is.False);
    }

    [Test]
    public void Factors_of_deficient_matrices_are_right_and_their_gradients_not_finite([Values(DType.Float64, DType.Complex128)] DType dtype)
    {
        var zero = Tensor.Zeros([3, 2], dtype);
        var (q, r) = zero.Qr();
        Assert.That((Skewness(q), Largest(r)), Is.EqualTo((0.0, 0.0)));
        Assert.That(IsFinite(Gradient(x => x.Qr().Q, zero)), Is.False);
        Assert.That(IsFinite(Gradient(x => x.Lu().L, zero)), Is.False);
        Assert.That(IsFinite(Gradient(x => x.Polar().U, zero)), Is.False);
        Assert.That(IsFinite(Gradient(x => x.MatrixSqrt(), Tensor.Zeros([2, 2], dtype))), Is.False);
        Assert.That(IsFinite(Tensor.Zeros([2, 2], dtype).InverseSqrt()), Is.False);
        Assert.That(IsFinite(zero.PseudoInverse(fullRank: true)), Is.False);
        Assert.That(Largest(zero.PseudoInverse()), Is.Zero);
        // Singular values alone have a derivative where one of them is zero.
        Assert.That(IsFinite(Gradient(x => x.Svd().S, Tensor.Zeros([2, 2], dtype))), Is.True);
    }

    [Test]
    public void Matrix_functions_are_differentiable_where_eigenvalues_are_equal([Values(DType.Float64, DType.Complex128)] DType dtype)
    {
        // Two equal eigenvalues, in no basis that the axes know.
        var q = Unitary(4, dtype, 3);
        var a = (q * Tensor.From([3.0, 3.0, 1.0, 0.5], [4]).To(dtype)).MatMul(q.H);
        CheckGradient(x => x[0].MatrixSqrt(), [a], order: 2);
        CheckGradient(x => x[0].InverseSqrt(), [a], order: 2, tolerance: 1e-6);
        CheckGradient(x => x[0].Polar().U, [a.MatMul(Unitary(4, dtype, 4))], order: 2);
        CheckGradient(x => x[0].Polar().P, [a.MatMul(Unitary(4, dtype, 5))], order: 2);
        CheckGradient(x => x[0].MatrixNorm(NormOrder.Nuclear), [a]);
    }

    [Test]
    public void Roots_of_semidefinite_matrices_are_right_and_of_indefinite_ones_NaN([Values(DType.Float32, DType.Float64, DType.Complex128)] DType dtype)
    {
        var b = Random([6, 2], dtype, 4);
        var a = b.MatMul(b.H);
        var root = a.MatrixSqrt();
        // The root of an eigenvalue that is zero but for rounding is the root of the rounding unit.
        Assert.That(Difference(root.MatMul(root), a), Is.LessThan(30 * Unit(dtype) * Largest(a)));
        Assert.That(IsFinite((a - Tensor.Eye(6, dtype: dtype) * 0.1).MatrixSqrt()), Is.False);
        Assert.That(IsFinite(Tensor.Zeros([2, 2], dtype).MatrixSqrt()), Is.True);
    }

    [Test]
    public void The_polar_factor_of_a_singular_matrix_is_still_orthogonal([Values(DType.Float64, DType.Complex64)] DType dtype)
    {
        var a = Random([5, 2], dtype, 1).MatMul(Random([2, 4], dtype, 2));
        var (u, p) = a.Polar();
        Assert.That(Skewness(u), Is.LessThan(30 * Unit(dtype)));
        Assert.That(Difference(u.MatMul(p), a), Is.LessThan(30 * Unit(dtype) * Largest(a)));
        Assert.That(Difference(p, p.H), Is.LessThan(10 * Unit(dtype) * Largest(a)));
    }

    [Test]
    public void The_pseudo_inverse_satisfies_Penroses_equations([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype, [Values(1, 2, 3)] int rank)
    {
        var a = Random([2, 5, rank], dtype, 1).MatMul(Random([rank, 3], dtype, 2));
        var p = a.PseudoInverse();
        var bound = 100 * Unit(dtype) * (1 + Largest(p)) * (1 + Largest(a));
        Assert.That(Difference(a.MatMul(p).MatMul(a), a), Is.LessThan(bound * Largest(a)));
        Assert.That(Difference(p.MatMul(a).MatMul(p), p), Is.LessThan(bound * Largest(p)));
        Assert.That(Difference(a.MatMul(p).H, a.MatMul(p)), Is.LessThan(bound));
        Assert.That(Difference(p.MatMul(a).H, p.MatMul(a)), Is.LessThan(bound));
        Assert.That(a.MatrixRank().ToArray<long>(), Is.All.EqualTo(rank));
    }

    [Test]
    public void Sizes_zero_and_one_work([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype, [Values(0, 1)] int n, [Values(-1, 0, 2)] int batch)
    {
        Shape lead = batch < 0 ? [] : [batch];
        var a = Tensor.Ones(lead.Concat([n, n]), dtype) * 4.0;
        (Tensor Result, int[] Tail)[] results =
        [
            (a.MatMul(a), [n, n]), (a.MatrixPower(3), [n, n]), (a.MatrixPower(0), [n, n]), (a.Qr(complete: true).Q, [n, n]), (a.Lu().P, [n, n]), (a.Lu().U, [n, n]),
            (a.Cholesky(check: true), [n, n]), (a.Cholesky().CholeskySolve(a), [n, n]), (a.Cholesky().CholeskyInverse(), [n, n]), (a.Solve(a, check: true), [n, n]),
            (a.Inverse(), [n, n]), (a.PseudoInverse(), [n, n]), (a.PseudoInverse(fullRank: true), [n, n]), (a.LstSq(a), [n, n]), (a.SingularValues(), [n]),
            (a.Svd(fullMatrices: true).V, [n, n]), (a.Eigh().Eigenvectors, [n, n]), (a.Eig().Eigenvectors, [n, n]), (a.EigVals(), [n]), (a.Det(), []),
            (a.SlogDet().Sign, []), (a.LogDet(), []), (a.MatrixSqrt(), [n, n]), (a.InverseSqrt(), [n, n]), (a.Polar().U, [n, n]), (a.MatrixExp(), [n, n]),
            (a.MatrixRank(), []), (a.MatrixNorm(), []), (a.MatrixNorm(NormOrder.Nuclear), []), (Tensor.Haar(a.Shape, new(1), special: true, dtype), [n, n]),
        ];
        foreach (var ((result, tail), k) in results.Select((result, k) => (result, k)))
        {
            Assert.That(result.Shape, Is.EqualTo(lead.Concat(tail)), $"result {k}");
            Assert.That(IsFinite(result.To(result.DType.IsComplex ? DType.Complex128 : DType.Float64)), Is.True, $"result {k}");
        }
        if (batch != 0)
        {
            Assert.That(Numbers(a.Det()), Is.All.EqualTo((Complex)(n == 0 ? 1 : 4)));
            Assert.That(Numbers(a.SlogDet().Sign), Is.All.EqualTo(Complex.One));
        }
    }

    [Test]
    public void Complete_bases_are_unitary([ValueSource(typeof(MatrixSamples), nameof(Types))] DType dtype, [Values(0, 1, 3)] int rank)
    {
        var a = Random([2, 6, rank], dtype, 1).MatMul(Random([rank, 4], dtype, 2));
        var (q, r) = a.Qr(complete: true);
        Assert.That((q.Shape, r.Shape), Is.EqualTo((Shape.Create([2, 6, 6]), a.Shape)));
        Assert.That(Skewness(q), Is.LessThan(30 * Unit(dtype)));
        Assert.That(Difference(q.MatMul(r), a), Is.LessThan(30 * Unit(dtype) * (1 + Largest(a))));
        var (u, s, v) = a.Svd(fullMatrices: true);
        Assert.That((Skewness(u), Skewness(v)), Is.EqualTo((0.0, 0.0)).Within(50 * Unit(dtype)));
        Assert.That(Difference((u.Narrow(-1, 0, 4) * s.To(dtype).Unsqueeze(-2)).MatMul(v.H), a), Is.LessThan(50 * Unit(dtype) * (1 + Largest(a))));
        // No gradient passes through the columns that complete a basis.
        Assert.That(Largest(Gradient(x => x.Qr(complete: true).Q.Narrow(-1, 4, 2), Random([6, 4], dtype, 3))), Is.Zero);
    }
}
