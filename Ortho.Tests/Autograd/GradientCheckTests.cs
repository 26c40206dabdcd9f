using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Linalg;

namespace Ortho.Tests.Autograd;

/// <summary>The check must find what is wrong, or nothing it passes means anything.</summary>
[TestFixture]
public class GradientCheckTests
{
    static readonly Tensor at = MatrixSamples.Random([3, 4], seed: 2);

    // x^3 as a user would record it, with a rule of his own.
    static Tensor Cube(Tensor x, Func<Tensor, Tensor, Tensor> rule)
        => Graph.Record("Cube", x.Detach() * x.Detach() * x.Detach(), (x, g => rule(x, g)));

    [Test]
    public void A_right_rule_passes_in_both_orders()
        => Assert.That(GradientCheck.Run(x => Cube(x[0], (x, g) => g * x * x * 3), [at], 1e-3, order: 2).Error, Is.LessThan(1e-9));

    [Test]
    public void A_wrong_factor_is_found()
    {
        var found = GradientCheck.Run(x => Cube(x[0], (x, g) => g * x * x * 3.001), [at], 1e-3);
        Assert.That(found.Error, Is.GreaterThan(1e-5));
        Assert.That(found.Where, Does.StartWith("argument 0, element"));
    }

    [Test]
    public void One_wrong_element_is_found()
    {
        var mask = Tensor.Ones([3, 4], DType.Float64);
        mask.AsSpan<double>()[7] = 0;
        var found = GradientCheck.Run(x => Cube(x[0], (x, g) => g * x * x * 3 * mask), [at], 1e-3);
        Assert.That(found.Error, Is.GreaterThan(1e-3));
        Assert.That(found.Where, Does.StartWith("argument 0, element 7:"));
    }

    [Test]
    public void The_wrong_argument_is_named()
    {
        var found = GradientCheck.Run(x => Graph.Record("Product", x[0].Detach() * x[1].Detach(), (x[0], g => g * x[1]), (x[1], g => g * x[0] * 2)), [at, at + 2], 1e-3);
        Assert.That(found.Where, Does.StartWith("argument 1,"));
    }

    [Test]
    public void A_rule_that_is_right_but_not_differentiable_fails_in_second_order_only()
    {
        Func<Tensor[], Tensor> function = x => Cube(x[0], (x, g) => g * (x * x * 3).Detach());
        Assert.That(GradientCheck.Run(function, [at], 1e-3).Error, Is.LessThan(1e-9));
        var found = GradientCheck.Run(function, [at], 1e-3, order: 2);
        Assert.That(found.Error, Is.GreaterThan(1e-2));
        Assert.That(found.Where, Does.StartWith("second order"));
    }

    [Test]
    public void A_gradient_that_is_NaN_anywhere_fails([Values(0, 5, 11)] int element)
    {
        var poison = Tensor.Ones([3, 4], DType.Float64);
        poison.AsSpan<double>()[element] = double.NaN;
        var found = GradientCheck.Run(x => Cube(x[0], (x, g) => g * x * x * 3 * poison), [at], 1e-3);
        Assert.That(found.Error, Is.EqualTo(double.PositiveInfinity));
        Assert.That(found.Where, Does.StartWith($"argument 0, element {element}:"));
    }

    [Test]
    public void A_second_derivative_that_is_NaN_fails()
        // sqrt(x^4) = x^2, whose second derivative by the chain rule is 0 * infinity at 0.
        => Assert.That(GradientCheck.Run(x => x[0].Square().Square().Sqrt(), [Tensor.Zeros([1], DType.Float64) + 0.0], 1e-3, order: 2).Error, Is.EqualTo(double.PositiveInfinity));

    [Test]
    public void Complex_rules_without_the_conjugate_are_found()
    {
        var z = MatrixSamples.Random([3], DType.Complex128, 4);
        Func<Func<Tensor, Tensor>, Func<Tensor[], Tensor>> square = conjugate => x => Graph.Record("Square", x[0].Detach() * x[0].Detach(), (x[0], g => g * conjugate(x[0]) * 2));
        Assert.That(GradientCheck.Run(square(x => x.Conj()), [z], 1e-3).Error, Is.LessThan(1e-9));
        Assert.That(GradientCheck.Run(square(x => x), [z], 1e-3).Error, Is.GreaterThan(1e-2));
    }

    [Test]
    public void A_constant_function_has_gradient_zero()
        => Assert.That(GradientCheck.Run(x => Tensor.Ones([2], DType.Float64), [at]).Error, Is.Zero);

    [Test]
    public void Single_precision_is_refused()
        => Assert.That(() => GradientCheck.Run(x => x[0], [Tensor.Ones([2])]), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("GradientCheck: arguments is Float32"));
}
