using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers.Optimizers;
using Ortho.Layers.Training;
using Ortho.Tensors;
using Ortho.Tests.Data;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers.Training;

/// <summary>Linear maximisers, Frank-Wolfe, and the dictionary that it learns.</summary>
[TestFixture]
public class OnlineOrthogonalDictionaryTests
{
    static Tensor Diagonal(params double[] values) => Tensor.From(values, [values.Length]).Diag();

    [Test]
    public void Balls_are_maximised_where_they_should()
    {
        var g = Diagonal(2, -3);
        foreach (var method in Enum.GetValues<PolarMethod>())
        {
            Assert.That(Difference(new SpectralBall(method: method).Maximize(g), Diagonal(1, -1)), Is.LessThan(1e-12));
            // Without full rank any completion will do.
            var nilpotent = Tensor.From([0.0, 2, 0, 0], [2, 2]);
            var s = new SpectralBall(method: method).Maximize(nilpotent);
            Assert.That(s.SingularValues().Max().Item(), Is.EqualTo(1).Within(1e-12));
            Assert.That((s * nilpotent).Sum().Item(), Is.EqualTo(2).Within(1e-12));
        }
        Assert.That(new SpectralBall().SupportValue(g), Is.EqualTo(5).Within(1e-12));
        Assert.That(Difference(new NuclearBall().Maximize(g), Diagonal(0, -1)), Is.LessThan(1e-12));
        Assert.That(new NuclearBall().SupportValue(g), Is.EqualTo(3).Within(1e-12));
        Assert.That(new SimplexVertices(2).Maximize(Tensor.From([1.0, 3, 3, 0], [2, 2])).ToArray<double>(), Is.EqualTo(new[] { 0.0, 2, 2, 0 }));
        Assert.That(new L1Ball().Maximize(g).ToArray<double>(), Is.EqualTo(new[] { 0.0, 0, 0, -1 }));
    }

    static readonly ILinearMaximizer[] domains = [new SpectralBall(2), new SpectralBall(2, PolarMethod.NewtonSchulz), new NuclearBall(2), new FrobeniusBall(2), new L1Ball(2), new SimplexVertices(2)];

    [Test]
    public void Support_values_are_attained_and_not_exceeded([ValueSource(nameof(domains))] ILinearMaximizer domain)
    {
        var g = Random([3, 4], seed: 2);
        var s = domain.Maximize(g);
        Assert.That((s * g).Sum().Item(), Is.EqualTo(domain.SupportValue(g)).Within(1e-9));
        for (var trial = 0; trial < 20; trial++)
            Assert.That((domain.Maximize(Random([3, 4], seed: 10 + trial)) * g).Sum().Item(), Is.LessThanOrEqualTo(domain.SupportValue(g) + 1e-9));
    }

    // y = D x, x Bernoulli-Gaussian.
    static (Tensor Truth, Func<int, Tensor> Batch) Model(int n, double theta, ulong seed)
    {
        var generator = new Generator(seed);
        var truth = Tensor.Haar([n, n], generator, dtype: DType.Float64);
        return (truth, count => (Tensor.Normal([count, n], generator, dtype: DType.Float64) * Tensor.Bernoulli([count, n], generator, theta, DType.Float64)).MatMul(truth.T));
    }

    [Test]
    public void The_gradient_is_that_of_the_objective([Values(3, 4, 2.5)] double p)
    {
        var (y, d) = (Random([6, 4], seed: 3), Random([4, 4], seed: 4));
        CheckGradient(x => OnlineOrthogonalDictionary.Objective(y, x[0], p), [d]);
        var leaf = d.Clone().RequiresGrad();
        OnlineOrthogonalDictionary.Objective(y, leaf, p).Backward();
        Assert.That(Difference(leaf.Grad!, OnlineOrthogonalDictionary.Gradient(y, d, p)), Is.LessThan(1e-12));
    }

    [Test]
    public void One_sample_on_an_axis_pulls_at_one_element()
    {
        var gradient = OnlineOrthogonalDictionary.Gradient(Tensor.From([-1.5, 0, 0], [1, 3]), Tensor.Eye(3, dtype: DType.Float64), 3);
        Assert.That(gradient.ToArray<double>(), Is.EqualTo(new[] { 3 * Math.Pow(1.5, 3), 0, 0, 0, 0, 0, 0, 0, 0 }).Within(1e-12));
    }

    [Test]
    public void The_dictionary_stays_in_the_ball_and_gaps_are_not_negative()
    {
        var (_, batch) = Model(6, 0.3, 1);
        var learner = new OnlineOrthogonalDictionary(6, new(2));
        for (var step = 0; step < 1000; step++)
        {
            using var scope = new TensorScope();
            Assert.That(learner.PartialFit(batch(3)).Item(), Is.GreaterThanOrEqualTo(-1e-10));
            if (step % 50 == 0)
                Assert.That(learner.Dictionary.SingularValues().Max().Item(), Is.LessThanOrEqualTo(1 + 1e-10));
        }
        Assert.That(learner.Steps, Is.EqualTo(1000));
        Assert.That(Skewness(learner.Orthogonalized()), Is.LessThan(1e-12));
        var q = Tensor.Haar([5, 5], new(3), dtype: DType.Float64);
        Assert.That(new FrankWolfe(new SpectralBall()).Step(q.Clone(), q * 2).Item(), Is.Zero.Within(1e-10), "no gap where D is the polar factor of its gradient");
    }

    [Test]
    public void Full_steps_are_the_batch_method()
    {
        var (_, batch) = Model(5, 0.3, 4);
        var (data, start) = (batch(40), Tensor.Haar([5, 5], new(5), dtype: DType.Float64));
        var (steps, d) = (new FrankWolfe(new SpectralBall(), _ => 1, _ => 1), start.Clone());
        for (var step = 0; step < 6; step++)
            _ = steps.Step(d, OnlineOrthogonalDictionary.Gradient(data, d, 3));
        Assert.That(Difference(d, OnlineOrthogonalDictionary.FitBatch(data, start, 3, 6)), Is.LessThan(1e-12));
    }

    [Test]
    public void The_batch_method_never_falls()
    {
        for (var trial = 0; trial < 20; trial++)
        {
            using var scope = new TensorScope();
            var (_, batch) = Model(4, 0.4, (ulong)trial);
            var (data, p) = (batch(20), trial % 2 == 0 ? 3 : 4);
            var d = Tensor.Haar([4, 4], new(9), dtype: DType.Float64);
            var value = OnlineOrthogonalDictionary.Objective(data, d, p).Item();
            for (var step = 0; step < 10; step++)
            {
                d = OnlineOrthogonalDictionary.FitBatch(data, d, p, 1);
                var next = OnlineOrthogonalDictionary.Objective(data, d, p).Item();
                Assert.That(next, Is.GreaterThanOrEqualTo(value - 1e-12 * value));
                value = next;
            }
        }
    }

    [Test]
    public void Both_polar_methods_learn_the_same()
    {
        var start = Tensor.Haar([6, 6], new(3), dtype: DType.Float64);
        Tensor Learned(PolarMethod method)
        {
            var (_, batch) = Model(6, 0.3, 6);
            var learner = new OnlineOrthogonalDictionary(start, 3, method);
            for (var step = 0; step < 200; step++)
                _ = learner.PartialFit(batch(6));
            return learner.Dictionary;
        }
        Assert.That(Difference(Learned(PolarMethod.Svd), Learned(PolarMethod.NewtonSchulz)), Is.LessThan(1e-6));
    }

    [Test]
    public void A_saved_dictionary_goes_on_identically()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "dictionary.safetensors");
        var (_, batch) = Model(5, 0.3, 6);
        Tensor[] stream = [.. Enumerable.Range(0, 20).Select(_ => batch(4))];
        var whole = new OnlineOrthogonalDictionary(5, new(1));
        var first = new OnlineOrthogonalDictionary(5, new(1));
        foreach (var (k, y) in stream.Index())
        {
            _ = whole.PartialFit(y);
            if (k < 10)
                _ = first.PartialFit(y);
        }
        first.Save(path);
        var second = new OnlineOrthogonalDictionary(5, new(99));
        second.Load(path);
        foreach (var y in stream[10..])
            _ = second.PartialFit(y);
        Assert.That(second.Dictionary.ToArray<double>(), Is.EqualTo(whole.Dictionary.ToArray<double>()));
        using var file = Ortho.Tensors.IO.Safetensors.Open(path);
        Assert.That(file.Names.Sum(name => file[name].ElementCount), Is.EqualTo(2 * 25 + 1), "two matrices and a count, whatever came before");
        Assert.That(() => new OnlineOrthogonalDictionary(4, new(1)).Load(path), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("dictionary is Float64 [5, 5]"));
    }

    [Test]
    public void A_turned_stream_turns_the_dictionary()
    {
        var (_, batch) = Model(5, 0.3, 7);
        var (turn, start) = (Tensor.Haar([5, 5], new(8), dtype: DType.Float64), Tensor.Haar([5, 5], new(9), dtype: DType.Float64));
        var (plain, turned) = (new OnlineOrthogonalDictionary(start), new OnlineOrthogonalDictionary(turn.MatMul(start)));
        for (var step = 0; step < 50; step++)
        {
            var y = batch(5);
            _ = plain.PartialFit(y);
            _ = turned.PartialFit(y.MatMul(turn.T));
        }
        Assert.That(Difference(turned.Dictionary, turn.MatMul(plain.Dictionary)), Is.LessThan(1e-8));
    }

    [Test, Category("Devices")]
    public void Devices_learn_the_same([Values] PolarMethod polar)
    {
        double[] Learned(Device device)
        {
            using var scope = new TensorScope();
            var learner = new OnlineOrthogonalDictionary(Tensor.Haar([3, 3], new(3)).To(device), 3, polar);
            for (var step = 0; step < 2; step++)
                _ = learner.PartialFit(Random([4, 3], DType.Float32, step).To(device));
            return learner.Dictionary.To(Device.Cpu).To(DType.Float64).ToArray<double>();
        }
        var here = Learned(Device.Cpu);
        foreach (var device in Devices.Gpus)
            Assert.That(Learned(device), Is.EqualTo(here), $"{device}");
    }

    [Test]
    public void A_dictionary_is_recovered()
    {
        var (truth, batch) = Model(6, 0.2, 11);
        var learner = new OnlineOrthogonalDictionary(6, new(1));
        for (var step = 0; step < 400; step++)
        {
            using var scope = new TensorScope();
            _ = learner.PartialFit(batch(16));
        }
        var (column, row) = OnlineOrthogonalDictionary.RecoveryError(learner.Dictionary, truth);
        Assert.That(column, Is.LessThan(5e-3));
        Assert.That(row, Is.LessThan(5e-3));
        // Codes are those of the model, up to signs and order; small ones can be left out.
        var codes = learner.Encode(batch(200), 0.3);
        Assert.That(codes.CountNonzero().Item() / codes.ElementCount, Is.LessThan(0.2));
        var permuted = truth.Flip(1) * Tensor.From([1.0, -1, 1, -1, 1, -1], [6]);
        Assert.That(OnlineOrthogonalDictionary.RecoveryError(permuted, truth).Column, Is.Zero.Within(1e-12));
    }

    [Test]
    public void Misuse_is_named_and_changes_nothing()
    {
        var learner = new OnlineOrthogonalDictionary(3, new(1));
        _ = learner.PartialFit(Random([4, 3], seed: 1));
        var before = learner.Dictionary.ToArray<double>();
        Assert.That(() => learner.PartialFit(Random([4, 2], seed: 1)), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("PartialFit: batch is Float64 [4, 2]"));
        Assert.That(() => learner.PartialFit(Tensor.Full([4, 3], double.NaN, DType.Float64)), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("not finite"));
        Assert.That(() => learner.PartialFit(Tensor.Zeros([0, 3], DType.Float64)), Throws.TypeOf<TensorArgumentException>());
        Assert.That(learner.Dictionary.ToArray<double>(), Is.EqualTo(before));
        Assert.That(learner.Steps, Is.EqualTo(1));
        Assert.That(() => new OnlineOrthogonalDictionary(3, new(1), p: 2), Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.StartsWith("p is 2"));
        Assert.That(() => new OnlineOrthogonalDictionary(0, new(1)), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new SpectralBall(0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new NuclearBall(-1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new SpectralBall().Maximize(Tensor.Ones([3])), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new FrankWolfe(new L1Ball()).Step(Tensor.Ones([3]), Tensor.Ones([4])), Throws.TypeOf<TensorArgumentException>());
    }
}
