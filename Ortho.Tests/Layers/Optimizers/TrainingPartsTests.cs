using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using Ortho.Tests.Data;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers.Optimizers;

/// <summary>Roles and groups of parameters, schedules, clipping and averages.</summary>
[TestFixture]
public class TrainingPartsTests
{
    static Sequential Network() => new(new Conv2d(1, 2, 3, new(1), dtype: DType.Float64), new Linear(4, 5, new(2), dtype: DType.Float64), new Linear(5, 3, new(3), dtype: DType.Float64));

    [Test]
    public void Roles_are_set_and_checked()
    {
        var linear = new Linear(4, 5, new(2));
        linear.Weight.Role = ParameterRole.Head;
        Assert.That(linear.Weight.IsHiddenMatrix, Is.False);
        Assert.That(() => linear.Bias!.Role = ParameterRole.Matrix, Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Parameter bias: Role is Matrix for shape [5]"));
        Assert.That(() => linear.Weight.Role = ParameterRole.Convolution, Throws.TypeOf<TensorArgumentException>());
        Assert.That(linear.Weight.Role, Is.EqualTo(ParameterRole.Head));
        Assert.That(linear.Weight.MatrixShape, Is.EqualTo((5, 4)));
        Assert.That(new Conv2d(3, 2, 5, new(1)).Weight.MatrixShape, Is.EqualTo((2, 75)));
        Assert.That(() => linear.Bias!.MatrixShape, Throws.TypeOf<TensorArgumentException>());
        foreach (var role in new[] { ParameterRole.Head, ParameterRole.Embedding })
        {
            linear.Weight.Role = role;
            var article = role == ParameterRole.Head ? "a" : "an";
            Func<Optimizer>[] makes =
            [
                () => new Muon([linear.Weight]), () => new NorMuon([linear.Weight]), () => new Dion([linear.Weight], new(1), rank: 1), () => new Auon([linear.Weight]),
                () => new HybridAuon([linear.Weight]), () => new Trion([linear.Weight], rank: 1),
            ];
            foreach (var make in makes)
                Assert.That(() => make(), Throws.ArgumentException.With.Message.Contains($": parameter weight [5, 4] is {article} {role}"));
        }
    }

    [Test]
    public void A_network_is_split_by_roles()
    {
        var network = Network();
        ((Linear)network.Children[2].Module).Weight.Role = ParameterRole.Head;
        var (matrices, others) = ParameterGroups.SplitForMuon(network);
        Assert.That(matrices.Select(parameter => parameter.Value.Rank), Is.EqualTo(new[] { 4, 2 }));
        Assert.That(others.Select(parameter => parameter.Role), Is.EqualTo(new[] { ParameterRole.Vector, ParameterRole.Vector, ParameterRole.Head, ParameterRole.Vector }));
        Assert.That(ParameterGroups.SplitForMuon(network, name => name == "0.weight").Matrices, Has.Count.EqualTo(1));
        var twice = network.Children[1].Module;
        Assert.That(ParameterGroups.SplitForMuon(new Sequential(twice, twice)).Matrices, Has.Count.EqualTo(1), "a shared parameter comes once");
    }

    [Test]
    public void A_combination_steps_all_parts()
    {
        var (together, apart) = (Network(), Network());
        var (matrices, others) = ParameterGroups.SplitForMuon(together);
        var second = new Adam(others, 0.01);
        var combined = new CombinedOptimizer(new Muon(matrices, 0.1), second);
        combined.Follow(Schedules.Linear(4));
        // A part's own schedule counts besides.
        second.Follow(step => 1 + step);
        var (m, o) = ParameterGroups.SplitForMuon(apart);
        var (muon, adam) = (new Muon(m, 0.1), new Adam(o, 0.01));
        for (var step = 0; step < 3; step++)
        {
            foreach (var parameter in together.Parameters().Concat(apart.Parameters()))
            {
                parameter.Value.ZeroGrad();
                (parameter.Value.Sin() * parameter.Value).Sum().Backward();
            }
            combined.Step();
            (muon.LearningRate, adam.LearningRate) = (0.1 * (1 - step / 4.0), 0.01 * (1 + step) * (1 - step / 4.0));
            muon.Step();
            adam.Step();
        }
        foreach (var (a, b) in together.Parameters().Zip(apart.Parameters()))
            Assert.That(a.Value.ToArray<double>(), Is.EqualTo(b.Value.ToArray<double>()));
        Assert.That(() => new CombinedOptimizer(muon, new Sgd(m, 1)), Throws.ArgumentException.With.Message.StartsWith("CombinedOptimizer: parameter weight [2, 1, 3, 3] belongs to two"));
    }

    [Test]
    public void Schedules_are_their_formulas()
    {
        double[] Of(Func<int, double> schedule) => [.. Enumerable.Range(0, 7).Select(schedule)];
        Assert.That(Of(Schedules.Constant(2)), Is.EqualTo(new[] { 0.5, 1, 1, 1, 1, 1, 1 }));
        Assert.That(Of(Schedules.Linear(6, 0.25, warmUp: 2)), Is.EqualTo(new[] { 0.5, 1, 1, 0.8125, 0.625, 0.4375, 0.25 }).Within(1e-12));
        var half = Math.Sqrt(0.5);
        Assert.That(Of(Schedules.Cosine(4)), Is.EqualTo(new[] { 1, (1 + half) / 2, 0.5, (1 - half) / 2, 0, 0, 0 }).Within(1e-12));
        Assert.That(() => Schedules.Linear(2, warmUp: 2), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => Schedules.Constant(-1), Throws.TypeOf<ArgumentOutOfRangeException>());
        var layer = new Linear(2, 2, new(1), false);
        var optimizer = new Sgd(layer.Parameters(), 0.5);
        optimizer.Follow(Schedules.Linear(4));
        List<double> rates = [];
        for (var step = 0; step < 4; step++)
        {
            optimizer.Step();
            rates.Add(optimizer.LearningRate);
        }
        Assert.That(rates, Is.EqualTo(new[] { 0.5, 0.375, 0.25, 0.125 }));
    }

    [Test]
    public void Norms_are_clipped_together([Values(0.5, 100)] double limit)
    {
        var network = Network();
        // A sum has one number as all of its gradients: what is not dense must be scaled too.
        var total = network.Parameters().Aggregate(Tensor.Zeros([], DType.Float64), (sum, parameter) => sum + parameter.Value.Sum());
        total.Backward();
        var count = network.Parameters().Sum(parameter => parameter.Value.ElementCount);
        var norm = GradientClipping.ByNorm(network.Parameters(), limit);
        Assert.That(norm.Item(), Is.EqualTo(Math.Sqrt(count)).Within(1e-12));
        var expected = Math.Min(1, limit / Math.Sqrt(count));
        foreach (var parameter in network.Parameters())
            Assert.That(parameter.Value.Grad!.ToArray<double>(), Is.All.EqualTo(expected).Within(1e-6));
        Assert.That(() => GradientClipping.ByNorm(network.Parameters(), 0), Throws.TypeOf<ArgumentOutOfRangeException>());
        network.ZeroGrad();
        Assert.That(GradientClipping.ByNorm(network.Parameters(), 1).Item(), Is.Zero);
    }

    [Test]
    public void Values_are_clipped_one_by_one()
    {
        var layer = new Linear(3, 2, new(1), false, DType.Float64);
        var weights = Random([2, 3], seed: 2) * 4;
        (layer.Weight * weights).Sum().Backward();
        GradientClipping.ByValue(layer.Parameters(), 1.5);
        Assert.That(layer.Weight.Value.Grad!.ToArray<double>(), Is.EqualTo(weights.ToArray<double>().Select(g => Math.Clamp(g, -1.5, 1.5))));
        Assert.That(() => layer.Weight.Value.Grad = Tensor.Zeros([3, 2], DType.Float64), Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Grad: value is"));
    }

    [Test]
    public void Averages_follow_and_are_used_for_a_while()
    {
        var layer = new Linear(3, 2, new(1), dtype: DType.Float64);
        var average = new WeightAverage(layer, 0.75);
        double[] expected = [.. layer.Weight.Value.ToArray<double>()];
        for (var step = 0; step < 3; step++)
        {
            layer.Weight.Assign(Random([2, 3], seed: step));
            average.Update();
            expected = [.. expected.Zip(layer.Weight.Value.ToArray<double>(), (a, p) => 0.75 * a + 0.25 * p)];
        }
        var now = layer.Weight.Value.ToArray<double>();
        using (average.Use())
        {
            Assert.That(layer.Weight.Value.ToArray<double>(), Is.EqualTo(expected).Within(1e-14));
            Assert.That(() => average.Update(), Throws.InvalidOperationException);
            Assert.That(() => average.Use(), Throws.InvalidOperationException);
        }
        Assert.That(layer.Weight.Value.ToArray<double>(), Is.EqualTo(now));
        var other = new WeightAverage(new Linear(3, 2, new(9), dtype: DType.Float64));
        other.LoadStateDict(average.StateDict());
        Assert.That(other.StateDict()["weight"].ToArray<double>(), Is.EqualTo(average.StateDict()["weight"].ToArray<double>()));
        using var folder = new TemporaryFolder();
        average.Save(Path.Combine(folder.Path, "average.safetensors"));
        var third = new WeightAverage(new Linear(3, 2, new(8), dtype: DType.Float64));
        third.Load(Path.Combine(folder.Path, "average.safetensors"));
        Assert.That(third.StateDict()["weight"].ToArray<double>(), Is.EqualTo(average.StateDict()["weight"].ToArray<double>()));
        Assert.That(() => new WeightAverage(layer, 1), Throws.TypeOf<ArgumentOutOfRangeException>());
    }
}
