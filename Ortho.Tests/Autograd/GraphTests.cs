using System.Numerics;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Linalg;

namespace Ortho.Tests.Autograd;

[TestFixture]
public class GraphTests
{
    static Tensor Leaf(params double[] elements) => Tensor.From(elements, [elements.Length]).RequiresGrad();

    static double[] Read(Tensor? x) => x!.ToArray<double>();

    [Test]
    public void Gradients_add_up_over_two_passes_until_they_are_forgotten()
    {
        var x = Leaf(1, 2, 3);
        Assert.That(x.Grad, Is.Null);
        x.Square().Sum().Backward();
        (x * 5).Sum().Backward();
        Assert.That(Read(x.Grad), Is.EqualTo(new double[] { 7, 9, 11 }));
        x.ZeroGrad();
        Assert.That(x.Grad, Is.Null);
        x.Sum().Backward();
        Assert.That(Read(x.Grad), Is.EqualTo(new double[] { 1, 1, 1 }));
    }

    [Test]
    public void A_weight_is_the_gradient_of_the_output()
    {
        var x = Leaf(1, 2, 3);
        var y = x.Square();
        y.Backward(Tensor.From(new double[] { 1, 10, 100 }));
        Assert.That(Read(x.Grad), Is.EqualTo(new double[] { 2, 40, 600 }));
    }

    [Test]
    public void Nothing_is_recorded_inside_NoGrad()
    {
        var x = Leaf(2);
        Tensor y;
        using (Graph.NoGrad())
        {
            Assert.That(Graph.IsRecording, Is.False);
            using (Graph.NoGrad())
                y = x.Square();
            Assert.That(Graph.IsRecording, Is.False, "scopes nest");
        }
        Assert.That((Graph.IsRecording, y.WantsGrad, x.WantsGrad), Is.EqualTo((true, false, true)));
        Assert.That(() => y.Backward(), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("depends on nothing differentiable"));

        var scope = Graph.NoGrad();
        scope.Dispose();
        scope.Dispose();
        Assert.That(Graph.IsRecording, "a scope disposed twice counts once");
    }

    [Test]
    public void NoGrad_is_of_its_thread()
    {
        var recording = false;
        using (Graph.NoGrad())
        {
            var thread = new Thread(() => recording = Graph.IsRecording);
            thread.Start();
            thread.Join();
        }
        Assert.That(recording);
    }

    [Test]
    public void Detach_shares_numbers_and_cuts_the_graph()
    {
        var x = Leaf(3);
        var cut = x.Square().Detach();
        Assert.That(cut.WantsGrad, Is.False);
        (cut * x).Sum().Backward();
        Assert.That(Read(x.Grad), Is.EqualTo(new double[] { 9 }));
        Assert.That(x.Detach().Storage, Is.SameAs(x.Storage));
    }

    [Test]
    public void A_second_pass_needs_a_retained_graph()
    {
        var x = Leaf(3);
        var y = x.Square().Sin().Sum();
        y.Backward(retainGraph: true);
        y.Backward();
        Assert.That(Read(x.Grad)[0], Is.EqualTo(2 * Math.Cos(9) * 6).Within(1e-14));
        Assert.That(() => y.Backward(), Throws.InvalidOperationException.With.Message.Contains("was freed by an earlier Backward; pass retainGraph: true"));
    }

    [Test]
    public void Third_derivatives_are_those_of_the_calculus()
    {
        var x = Leaf(0.3, -1.2, 2);
        double[] at = [0.3, -1.2, 2];
        Assert.That(Derivative(t => t * t * t * t * t, x, 3), Is.EqualTo(at.Select(t => 60 * t * t)).Within(1e-13));
        Assert.That(Derivative(t => t.Pow(5), x.Abs().Detach().RequiresGrad(), 3), Is.EqualTo(at.Select(t => 60 * t * t)).Within(1e-11));
        Assert.That(Derivative(t => t.Sin(), x, 3), Is.EqualTo(at.Select(t => -Math.Cos(t))).Within(1e-15));
        Assert.That(Derivative(t => t.Exp(), x, 3), Is.EqualTo(at.Select(Math.Exp)).Within(1e-14));

        static double[] Derivative(Func<Tensor, Tensor> function, Tensor x, int order)
        {
            var y = function(x);
            for (var k = 0; k < order; k++)
                y = Graph.Gradients([y.Sum()], [x], createGraph: true)[0];
            return Read(y);
        }
    }

    [Test]
    public void Backward_with_createGraph_leaves_a_differentiable_gradient()
    {
        var x = Leaf(2);
        x.Pow(3).Sum().Backward(createGraph: true);
        var first = x.Grad!;
        x.ZeroGrad();
        first.Sum().Backward();
        Assert.That(Read(x.Grad)[0], Is.EqualTo(12).Within(1e-14));
    }

    [Test]
    public void Every_path_through_a_diamond_counts()
    {
        var x = Leaf(0.7);
        var a = x * 2;
        var b = a.Sin();
        var c = a * b;
        (c + b * c + a).Sum().Backward();
        // f(u) = u sin u + u sin^2 u + u at u = 2 x
        const double u = 1.4;
        var (s, k) = (Math.Sin(u), Math.Cos(u));
        Assert.That(Read(x.Grad)[0], Is.EqualTo(2 * (s + u * k + s * s + 2 * u * s * k + 1)).Within(1e-14));
    }

    [Test]
    public void A_ladder_of_diamonds_is_walked_once_per_node()
    {
        // 2^200 paths: only a walk that visits nodes, not paths, ends.
        var x = Leaf(1);
        var y = x;
        for (var k = 0; k < 200; k++)
            y = (y + y) * 0.5;
        y.Sum().Backward();
        Assert.That(Read(x.Grad), Is.EqualTo(new double[] { 1 }));
    }

    [Test]
    public void A_chain_of_20000_operations_does_not_overflow_the_stack()
    {
        var x = Leaf(1, 2);
        var y = x;
        for (var k = 0; k < 20_000; k++)
            y = y + 1;
        y.Sum().Backward();
        Assert.That(Read(y), Is.EqualTo(new double[] { 20_001, 20_002 }));
        Assert.That(Read(x.Grad), Is.EqualTo(new double[] { 1, 1 }));
    }

    [Test]
    public void Interior_tensors_keep_their_gradient_when_asked()
    {
        var x = Leaf(3);
        var inner = x.Square().RequiresGrad();
        var other = inner * 2;
        other.Square().Sum().Backward();
        Assert.That(Read(inner.Grad), Is.EqualTo(new double[] { 8 * 9 }));
        Assert.That(Read(x.Grad), Is.EqualTo(new double[] { 8 * 9 * 6 }));
        Assert.That(other.Grad, Is.Null);
    }

    [Test]
    public void Unused_outputs_pass_nothing_on()
    {
        var a = MatrixSamples.Random([4, 3], seed: 3);
        MatrixSamples.CheckGradient(x => x[0].Qr().R, [a]);
        MatrixSamples.CheckGradient(x => x[0].Qr().Q, [a]);
        MatrixSamples.CheckGradient(x => x[0].Qr() is var (q, r) ? q.MatMul(r) : x[0], [a]);
        // R^T R = A^T A whatever Q is: tr(R^T R) has gradient 2 A.
        var leaf = a.Detach().RequiresGrad();
        leaf.Qr().R.Square().Sum().Backward();
        Assert.That(MatrixSamples.Difference(leaf.Grad!, a * 2), Is.LessThan(1e-14));
    }

    [Test]
    public void Gradients_of_what_is_not_depended_on_are_zero()
    {
        var (x, y) = (Leaf(1, 2), Tensor.Ones([2, 3], DType.Float64).RequiresGrad());
        var gradients = Graph.Gradients([x.Square().Sum()], [x, y, x]);
        Assert.That(Read(gradients[0]), Is.EqualTo(new double[] { 2, 4 }));
        Assert.That(gradients[1].Shape, Is.EqualTo(Shape.Create([2, 3])));
        Assert.That(Read(gradients[1]), Is.All.Zero);
        Assert.That(Read(gradients[2]), Is.EqualTo(new double[] { 2, 4 }), "the same tensor may be asked for twice");
        Assert.That((x.Grad, y.Grad), Is.EqualTo(((Tensor?)null, (Tensor?)null)), "Gradients leaves Grad alone");
    }

    [Test]
    public void Gradients_of_interior_tensors_and_of_several_outputs()
    {
        var x = Leaf(1, 2);
        var inner = x * 3;
        var found = Graph.Gradients([inner.Square(), inner], [inner, x], [Tensor.From(new double[] { 1, 2 }), Tensor.From(new double[] { 10, 20 })]);
        Assert.That(Read(found[0]), Is.EqualTo(new double[] { 16, 44 }));
        Assert.That(Read(found[1]), Is.EqualTo(new double[] { 48, 132 }));
        var own = Graph.Gradients([x.Sum() is var sum ? sum : x], [sum])[0];
        Assert.That(own.Item(), Is.EqualTo(1), "an output in itself");
    }

    [Test]
    public void Misuse_is_named()
    {
        var x = Leaf(1, 2);
        Assert.That(() => x.Square().Backward(), Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo("Backward: outputs is a tensor of shape [2]; expected one element, or a weight of its shape."));
        Assert.That(() => x.Square().Backward(Tensor.Ones([3], DType.Float64)), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("Float64 [3]"));
        Assert.That(() => x.Square().Backward(Tensor.Ones([2])), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("Float32 [2]"));
        Assert.That(() => Graph.Gradients([x.Sum()], [Tensor.Ones([1])]), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("RequiresGrad()"));
        Assert.That(() => Tensor.From(new[] { 1, 2 }).RequiresGrad(), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("RequiresGrad: x is Int32"));
        var wrong = Graph.Record("Wrong", x.Detach().Square(), (x, g => g.Sum()));
        Assert.That(() => wrong.Sum().Backward(), Throws.InvalidOperationException.With.Message.EqualTo("Wrong: the gradient of input 0 is Float64 []; the input is Float64 [2]."));
    }

    [Test]
    public void CopyFrom_is_guarded()
    {
        var x = Leaf(1, 2);
        Assert.That(() => x.CopyFrom(Tensor.Zeros([2], DType.Float64)), Throws.InvalidOperationException.With.Message.Contains("Graph.NoGrad()"));
        var y = x * 2;
        using (Graph.NoGrad())
        {
            x.CopyFrom(Tensor.Full([], 5, DType.Float64));
            Assert.That(() => y.CopyFrom(x), Throws.InvalidOperationException, "a computed tensor never");
            Assert.That(() => x.CopyFrom(Tensor.Zeros([3], DType.Float64)), Throws.TypeOf<TensorArgumentException>());
            Assert.That(() => x.CopyFrom(Tensor.Zeros([2])), Throws.TypeOf<TensorArgumentException>());
        }
        Assert.That(Read(x), Is.EqualTo(new double[] { 5, 5 }), "sources broadcast");
        var free = Tensor.Zeros([2], DType.Float64);
        free.CopyFrom(x.Detach());
        Assert.That(Read(free), Is.EqualTo(new double[] { 5, 5 }));
    }

    [Test]
    public void Complex_gradients_are_dRe_plus_i_dIm()
    {
        Complex[] points = [new(1, 2), new(-0.5, 3)];
        Tensor Z() => Tensor.From(points, [2]).RequiresGrad();

        var z = Z();
        (z * z.Conj()).Real().Sum().Backward();
        Assert.That(z.Grad!.ToArray<Complex>(), Is.EqualTo(points.Select(p => 2 * p)), "|z|^2");

        z = Z();
        (z * z).Real().Sum().Backward();
        Assert.That(z.Grad!.ToArray<Complex>(), Is.EqualTo(points.Select(p => 2 * Complex.Conjugate(p))), "Re z^2 = x^2 - y^2");

        z = Z();
        (z * z).Imag().Sum().Backward();
        Assert.That(z.Grad!.ToArray<Complex>(), Is.EqualTo(points.Select(p => new Complex(2 * p.Imaginary, 2 * p.Real))), "Im z^2 = 2 x y");

        z = Z();
        z.Norm().Backward();
        var norm = Math.Sqrt(points.Sum(p => p.Magnitude * p.Magnitude));
        var got = z.Grad!.ToArray<Complex>();
        for (var k = 0; k < points.Length; k++)
            Assert.That((got[k] - points[k] / norm).Magnitude, Is.LessThan(1e-15));
    }

    [Test]
    public void Threads_with_shared_weights_get_the_bits_of_one_thread()
    {
        var shared = MatrixSamples.Random([24, 24], DType.Float32, 5).RequiresGrad();
        var expected = Enumerable.Range(0, 4).Select(Work).ToArray();
        for (var round = 0; round < 5; round++)
        {
            var got = new float[4][];
            var failure = new Exception?[4];
            var threads = Enumerable.Range(0, 4).Select(k => new Thread(() =>
            {
                try
                {
                    got[k] = Work(k);
                }
                catch (Exception error)
                {
                    failure[k] = error;
                }
            })).ToArray();
            foreach (var thread in threads)
                thread.Start();
            foreach (var thread in threads)
                thread.Join();
            Assert.That(failure, Is.All.Null);
            Assert.That(got, Is.EqualTo(expected), $"round {round}");
        }

        float[] Work(int k)
        {
            using var scope = new TensorScope();
            var x = MatrixSamples.Random([16, 24], DType.Float32, 10 + k).RequiresGrad();
            var result = new List<float>();
            for (var step = 0; step < 10; step++)
            {
                var y = (x.MatMul(shared).Tanh().MatMul(shared.T) + x).LogSoftmax(1);
                var gradients = Graph.Gradients([y.Square().Mean()], [x, shared]);
                result.AddRange([.. gradients[0].ToArray<float>(), .. gradients[1].ToArray<float>()]);
                x = (x - gradients[0]).Detach().RequiresGrad();
            }
            return [.. result];
        }
    }
}
