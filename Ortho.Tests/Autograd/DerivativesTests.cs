using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Tests.Autograd;

[TestFixture]
public class DerivativesTests
{
    static Tensor Vector(params double[] values) => Tensor.From(values, [values.Length]);

    // f(x) = (x0 x1, sin x0, x1^3)
    static Tensor Curve(Tensor x) => Tensor.Stack([x.Select(0, 0) * x.Select(0, 1), x.Select(0, 0).Sin(), x.Select(0, 1).Pow(3)], 0);

    [Test]
    public void Jacobian_is_that_of_the_formula()
    {
        var jacobian = Derivatives.Jacobian(Curve, Vector(0.5, 2));
        Assert.That(jacobian.Shape, Is.EqualTo(Shape.Create([3, 2])));
        Assert.That(jacobian.ToArray<double>(), Is.EqualTo(new[] { 2, 0.5, Math.Cos(0.5), 0, 0, 12 }).Within(1e-13));
    }

    [Test]
    public void Jvp_and_Vjp_are_products_with_the_jacobian()
    {
        var (x, v, u) = (Vector(0.5, 2), Vector(0.3, -0.7), Vector(1, 2, 3));
        var jacobian = Derivatives.Jacobian(Curve, x);
        Assert.That(Derivatives.Jvp(Curve, x, v).Derivative.ToArray<double>(), Is.EqualTo(jacobian.MatMul(v.Unsqueeze(1)).ToArray<double>()).Within(1e-13));
        Assert.That(Derivatives.Vjp(Curve, x, u).Gradient.ToArray<double>(), Is.EqualTo(u.Unsqueeze(0).MatMul(jacobian).ToArray<double>()).Within(1e-13));
    }

    [Test]
    public void Hessian_is_that_of_the_formula_and_symmetric()
    {
        // f = x0^2 x1 + exp(x1)
        static Tensor F(Tensor x) => (x.Select(0, 0).Square() * x.Select(0, 1)) + x.Select(0, 1).Exp();
        var hessian = Derivatives.Hessian(F, Vector(1.5, 0.5));
        Assert.That(hessian.ToArray<double>(), Is.EqualTo(new[] { 1, 3, 3, Math.Exp(0.5) }).Within(1e-13));
        var product = Derivatives.HessianVectorProduct(F, Vector(1.5, 0.5), Vector(2, -1));
        Assert.That(product.ToArray<double>(), Is.EqualTo(new[] { 2 - 3, 6 - Math.Exp(0.5) }).Within(1e-13));
        var (value, gradient, map) = Derivatives.QuadraticModel(F, Vector(1.5, 0.5));
        Assert.That(value.Item(), Is.EqualTo(1.5 * 1.5 * 0.5 + Math.Exp(0.5)).Within(1e-14));
        Assert.That(gradient.ToArray<double>(), Is.EqualTo(new[] { 1.5, 2.25 + Math.Exp(0.5) }).Within(1e-14));
        for (var again = 0; again < 2; again++)
            Assert.That(map(Vector(2, -1)).ToArray<double>(), Is.EqualTo(new[] { 2 - 3, 6 - Math.Exp(0.5) }).Within(1e-13));
        Assert.That(Derivatives.QuadraticModel(x => x.Sum(), Vector(1, 2)).Hessian(Vector(3, 4)).ToArray<double>(), Is.All.Zero, "linear");
    }

    [Test]
    public void Derivatives_leave_Grad_alone_and_work_inside_NoGrad()
    {
        var x = Vector(1, 2).RequiresGrad();
        using (Graph.NoGrad())
            Assert.That(Derivatives.Gradient(t => t.Square().Sum(), x).ToArray<double>(), Is.EqualTo(new double[] { 2, 4 }));
        Assert.That(x.Grad, Is.Null);
    }

    [Test]
    public void A_function_that_ignores_its_argument_has_zero_derivatives()
    {
        var x = Vector(1, 2);
        Assert.Multiple(() =>
        {
            Assert.That(Derivatives.Jacobian(_ => Vector(3), x).ToArray<double>(), Is.All.Zero);
            Assert.That(Derivatives.Jvp(_ => Vector(3), x, x).Derivative.ToArray<double>(), Is.All.Zero);
            Assert.That(Derivatives.Hessian(t => t.Sum(), x).ToArray<double>(), Is.All.Zero);
        });
    }

    [Test]
    public void Bad_directions_are_refused()
        => Assert.That(() => Derivatives.Jvp(Curve, Vector(1, 2), Vector(1)), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("Jvp"));

    [Test]
    public void Checkpoint_gives_the_same_gradients_of_both_orders()
    {
        var weight = Vector(0.7, -1.2).RequiresGrad();
        Tensor Block(Tensor[] x) => (x[0] * weight).Tanh() * x[1].Sin();
        Tensor[] Run(bool checkpoint)
        {
            var (a, b) = (Vector(0.4, 0.9).RequiresGrad(), Vector(1.1, -0.3).RequiresGrad());
            var inner = a.Square();
            var y = checkpoint ? Derivatives.Checkpoint(Block, [inner, b], weight) : Block([inner, b]);
            var first = Graph.Gradients([y.Exp().Sum()], [a, b, weight], createGraph: true);
            var second = Graph.Gradients([first.Select(g => g.Square().Sum()).Aggregate((p, q) => p + q)], [a, b, weight]);
            return [y, .. first, .. second];
        }
        foreach (var (plain, again) in Run(false).Zip(Run(true)))
            Assert.That(again.ToArray<double>(), Is.EqualTo(plain.ToArray<double>()).Within(1e-14));
    }

    [Test]
    public void Hooks_see_and_replace_gradients_until_removed()
    {
        var x = Vector(1, 2).RequiresGrad();
        var seen = new List<double[]>();
        var y = x * 3.0;
        using (y.RegisterHook(g => { seen.Add(g.ToArray<double>()); return g * 10.0; }))
            (y * 2.0).Sum().Backward(retainGraph: false);
        Assert.That(seen.Single(), Is.EqualTo(new double[] { 2, 2 }));
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 60, 60 }));
        x.ZeroGrad();
        (x * 3.0 * 2.0).Sum().Backward();
        Assert.That(x.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 6, 6 }));
        Assert.That(() => Vector(1).RegisterHook(g => g), Throws.TypeOf<TensorArgumentException>());
    }

    [Test]
    public void Hooks_see_the_sum_of_all_paths()
    {
        var x = Vector(2).RequiresGrad();
        var calls = 0;
        _ = x.RegisterHook(g => { calls++; Assert.That(g.Item(), Is.EqualTo(7)); return null; });
        (x.Square() + x * 3.0).Sum().Backward();
        Assert.That(calls, Is.EqualTo(1));
    }

    [Test]
    public void RetainGrad_keeps_the_gradient_of_an_intermediate_result()
    {
        var x = Vector(3).RequiresGrad();
        var y = x.Square().RetainGrad();
        (y * 5.0).Sum().Backward();
        Assert.That(y.Grad!.Item(), Is.EqualTo(5));
    }

    [Test]
    public void Anomaly_mode_names_the_op_that_made_the_first_NaN()
    {
        var x = Vector(-1).RequiresGrad();
        using (Graph.DetectAnomaly())
        {
            Assert.That(() => (x.Log() * 2.0).Exp(), Throws.TypeOf<ArithmeticException>().With.Message.Contains("Log"));
            // sqrt at 0: value fine, slope infinite, 0 * infinity in the backward pass
            var zero = Vector(0).RequiresGrad();
            Assert.That(() => (zero.Sqrt() * 0.0).Sum().Backward(), Throws.TypeOf<ArithmeticException>().With.Message.Contains("gradient of Sqrt"));
        }
        Assert.That(x.Log().Item(), Is.NaN);
    }

    [Test]
    public void An_input_changed_in_place_before_Backward_is_an_error()
    {
        var x = Vector(1, 2).RequiresGrad();
        var loss = x.Square().Sum();
        using (Graph.NoGrad())
            x.CopyFrom(Vector(5, 6));
        Assert.That(() => loss.Backward(), Throws.InvalidOperationException.With.Message.Contains("changed in place").And.Message.Contains("Square"));
    }
}
