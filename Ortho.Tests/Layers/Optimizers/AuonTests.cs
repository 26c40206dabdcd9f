using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers.Optimizers;

/// <summary>AuON, its bounds, and the scales and momenta that orthogonalizing optimizers share.</summary>
[TestFixture]
public class AuonTests
{
    [Test]
    public void Both_variants_are_their_formulas()
    {
        var n = Tensor.From([3.0, 4], [1, 2]);
        Assert.That(Auon.Normalize(n).ToArray<double>(), Is.EqualTo(new[] { 0.4747825, 0.6330433 }).Within(1e-6));
        Assert.That(Auon.Normalize(n).Norm().Item(), Is.EqualTo(0.7913042).Within(1e-6));
        Assert.That(Auon.Normalize(n, AuonVariant.Brake).ToArray<double>(), Is.EqualTo(new[] { 1.8373108, 2.4497477 }).Within(1e-6));
        Assert.That(Auon.Normalize(n, AuonVariant.Brake, 1).ToArray<double>()[0], Is.EqualTo(3 / 1.2637365).Within(1e-6));
    }

    [Test]
    public void Rho_is_almost_one_and_the_norm_at_most()
    {
        foreach (var (rows, columns) in new[] { (1, 1), (1, 7), (5, 3), (32, 20), (256, 64) })
        {
            var n = Random([rows, columns], seed: rows + columns);
            var u = Auon.Normalize(n);
            var norm = u.Norm().Item();
            Assert.That(1 / (norm * norm), Is.InRange(1 - 1e-12, 1 + 1.3811 / (rows * columns)));
            Assert.That(norm, Is.LessThanOrEqualTo(1 + 1e-12));
            foreach (var factor in new[] { 1e-3, 1e3 })
            {
                Assert.That(Difference(Auon.Normalize(n * factor), u), Is.LessThan(1e-6));
                Assert.That(Difference(Auon.Normalize(n * factor, AuonVariant.Brake) * (1 / factor), Auon.Normalize(n, AuonVariant.Brake)), Is.LessThan(1e-6));
            }
            // Not orthogonalising: the direction is untouched.
            Assert.That(Difference(u * n.Norm().Item(), n * norm), Is.LessThan(1e-12));
        }
    }

    static Parameter Matrix(int rows, int columns) => new Linear(columns, rows, new(1), false, DType.Float64).Weight;

    // The step that an optimizer makes from a gradient.
    static Tensor StepOf(Func<Parameter, Optimizer> make, Tensor gradient)
    {
        var parameter = Matrix(gradient.Shape[0], gradient.Shape[1]);
        var before = parameter.Value.Detach().Clone();
        var optimizer = make(parameter);
        (parameter.Value * gradient).Sum().Backward();
        optimizer.Step();
        return before - parameter.Value.Detach();
    }

    [Test]
    public void Hybrid_is_a_Newton_Schulz_step_before()
    {
        var g = Random([6, 4], seed: 3);
        static Tensor Rho(Tensor x) => x.Cosh().Square().Mean().Sqrt();
        var x = g.NewtonSchulz(NewtonSchulzSchedule.Muon(1));
        Assert.That(Difference(StepOf(p => new HybridAuon([p], 1), g), x / Rho(x) * Math.Sqrt(1.5)), Is.LessThan(1e-12));
        // From M = 0 Nesterov's N is (1 - 0.95^2) g.
        x = g.NewtonSchulz(NewtonSchulzSchedule.Muon(5));
        Assert.That(Difference(StepOf(p => new HybridAuon([p], 1, variant: AuonVariant.Brake), g), x / Rho(x / x.Norm() * 1.5)), Is.LessThan(1e-12));
        Assert.That(Difference(StepOf(p => new Auon([p], 1), g), Auon.Normalize(g) * Math.Sqrt(1.5)), Is.LessThan(1e-12));
        Assert.That(Difference(StepOf(p => new Auon([p], 1, variant: AuonVariant.Brake), g), Auon.Normalize(g * (1 - 0.95 * 0.95), AuonVariant.Brake)), Is.LessThan(1e-12));
    }

    [TestCase(UpdateScale.None, 1, 1)]
    [TestCase(UpdateScale.Jordan, 2, 1)]
    [TestCase(UpdateScale.SpectralToRms, 2, 0.5)]
    [TestCase(UpdateScale.MatchAdamRms, 1.6, 1.6)]
    public void Scales_are_their_formulas(UpdateScale scale, double tall, double wide)
    {
        Assert.That(scale.Factor(64, 16), Is.EqualTo(tall).Within(1e-12));
        Assert.That(scale.Factor(16, 64), Is.EqualTo(wide).Within(1e-12));
    }

    [Test]
    public void Steps_that_match_Adams_have_its_size()
    {
        var g = Tensor.Normal([64, 256], new(5), dtype: DType.Float64);
        var loose = StepOf(p => new Muon([p], 0.1, scale: UpdateScale.MatchAdamRms), g);
        Assert.That(loose.Square().Mean().Sqrt().Item() / 0.1, Is.InRange(0.13, 0.25));
        var exact = StepOf(p => new Muon([p], 0.1, scale: UpdateScale.MatchAdamRms, schedule: NewtonSchulzSchedule.Cubic(30)), g);
        Assert.That(exact.Square().Mean().Sqrt().Item() / 0.1, Is.EqualTo(0.2).Within(1e-6));
        var norm = StepOf(p => new NorMuon([p], 0.1), g);
        Assert.That(norm.Square().Mean().Sqrt().Item() / 0.1, Is.EqualTo(0.2).Within(1e-9));
    }

    [Test]
    public void The_convergent_cubic_is_the_polar_factor([Values("7x4", "4x7", "5x5")] string shape)
    {
        var size = shape.Split('x').Select(int.Parse).ToArray();
        var a = Random([3, size[0], size[1]], seed: 4);
        var (u, _, v) = a.Svd();
        Assert.That(Difference(a.NewtonSchulz(NewtonSchulzSchedule.Cubic(30)), u.MatMul(v.H)), Is.LessThan(1e-6));
    }

    // The sum M = beta M + G with N = G + beta M differs from the mean by a factor that Newton-Schulz takes away.
    [Test]
    public void Sum_and_mean_of_gradients_are_one_trajectory()
    {
        var parameter = Matrix(5, 3);
        var (w, m, target) = (parameter.Value.Detach().Clone(), Tensor.Zeros([5, 3], DType.Float64), Random([5, 3], seed: 6));
        var optimizer = new Muon([parameter], 0.05);
        for (var step = 0; step < 20; step++)
        {
            optimizer.ZeroGrad();
            (parameter.Value - target).Square().Sum().Backward();
            optimizer.Step();
            var g = (w - target) * 2;
            m = m * 0.95 + g;
            w -= (g + m * 0.95).NewtonSchulz() * (0.05 * Math.Sqrt(5.0 / 3));
            Assert.That(Difference(parameter.Value.Detach(), w), Is.LessThan(1e-5));
        }
    }

    static readonly (string Name, Func<Parameter, Optimizer> Make)[] Descents =
    [
        ("Muon", p => new Muon([p], 0.05)), ("Auon", p => new Auon([p], 0.05)), ("HybridAuon", p => new HybridAuon([p], 0.05)),
        ("NorMuon", p => new NorMuon([p], 0.05)), ("Dion", p => new Dion([p], new(1), 0.05, rank: 16)),
    ];

    [Test]
    public void A_matrix_is_found([ValueSource(nameof(Descents))] (string Name, Func<Parameter, Optimizer> Make) row)
    {
        var parameter = Matrix(16, 16);
        parameter.Assign(Tensor.Zeros([16, 16], DType.Float64));
        var target = Tensor.Normal([16, 16], new(7), dtype: DType.Float64);
        target /= target.SingularValues().Max();
        var optimizer = row.Make(parameter);
        optimizer.Follow(Schedules.Linear(300));
        double Loss() => (parameter.Value.Detach() - target).Square().Sum().Item();
        var start = Loss();
        for (var step = 0; step < 300; step++)
        {
            using var scope = new TensorScope();
            optimizer.ZeroGrad();
            (parameter.Value - target).Square().Sum().Backward();
            optimizer.Step();
        }
        Assert.That(Loss(), Is.LessThan(1e-4 * start));
    }

    // NorMuon and Dion against their algorithms in ops of whole matrices.
    [Test]
    public void NorMuon_is_its_algorithm()
    {
        var parameter = Matrix(5, 3);
        var (w, m, v) = (parameter.Value.Detach().Clone(), Tensor.Zeros([5, 3], DType.Float64), Tensor.Zeros([5, 1], DType.Float64));
        var optimizer = new NorMuon([parameter], 0.05, 0.9, 0.8, weightDecay: 0.1);
        for (var step = 0; step < 4; step++)
        {
            optimizer.ZeroGrad();
            (parameter.Value.Sin() * parameter.Value).Sum().Backward();
            optimizer.Step();
            m = m * 0.9 + (w.Sin() + w * w.Cos()) * 0.1;
            var o = m.NewtonSchulz();
            v = v * 0.8 + o.Square().Mean([-1], true) * 0.2;
            o /= v.Sqrt() + 1e-8;
            w = w * (1 - 0.05 * 0.1) - o * (0.05 * 0.2 * Math.Sqrt(15) / o.Norm().Item());
            Assert.That(Difference(parameter.Value.Detach(), w), Is.LessThan(1e-10));
        }
    }

    [Test]
    public void Dion_is_its_algorithm()
    {
        var parameter = Matrix(6, 4);
        var (w, m) = (parameter.Value.Detach().Clone(), Tensor.Zeros([6, 4], DType.Float64));
        var q = Tensor.Normal([4, 2], new(3), dtype: DType.Float64);
        var optimizer = new Dion([parameter], new(3), 0.05, rank: 2, momentum: 0.9, weightDecay: 0.1);
        for (var step = 0; step < 4; step++)
        {
            optimizer.ZeroGrad();
            (parameter.Value.Sin() * parameter.Value).Sum().Backward();
            optimizer.Step();
            var b = m + w.Sin() + w * w.Cos();
            var p = b.MatMul(q).Qr().Q;
            var r = b.T.MatMul(p);
            m = b - p.MatMul(r.T) * 0.1;
            q = r / r.Norm([0], true);
            w = w * (1 - 0.05 * 0.1) - p.MatMul(q.T) * (0.05 * Math.Sqrt(6.0 / 4));
            Assert.That(Difference(parameter.Value.Detach(), w), Is.LessThan(1e-10));
        }
    }

    static readonly (string Name, Func<IEnumerable<Parameter>, Optimizer> Make)[] stacking =
    [
        ("Muon", p => new Muon(p, 0.1)), ("NorMuon", p => new NorMuon(p, 0.1)), ("Auon", p => new Auon(p, 0.1)), ("HybridAuon", p => new HybridAuon(p, 0.1)),
        ("Trion", p => new Trion(p, 0.1, rank: 2)), ("DctAdamW", p => new DctAdamW(p, 0.1, rank: 2, refreshGap: 2)),
    ];

    [Test]
    public void Stacked_matrices_take_the_steps_of_single_ones([ValueSource(nameof(stacking))] (string Name, Func<IEnumerable<Parameter>, Optimizer> Make) row)
    {
        static Sequential Network() => new(new Linear(4, 4, new(1), dtype: DType.Float64), new Linear(4, 4, new(2), dtype: DType.Float64),
            new Linear(4, 6, new(3), dtype: DType.Float64), new Conv2d(1, 6, 2, new(4), dtype: DType.Float64));
        var (together, apart) = (Network(), Network());
        var matrices = ParameterGroups.SplitForMuon(together).Matrices;
        var one = row.Make(matrices);
        Optimizer[] many = [.. ParameterGroups.SplitForMuon(apart).Matrices.Select(matrix => row.Make([matrix]))];
        for (var step = 0; step < 4; step++)
        {
            foreach (var parameter in together.Parameters().Concat(apart.Parameters()))
            {
                parameter.Value.ZeroGrad();
                (parameter.Value.Sin() * parameter.Value).Sum().Backward();
            }
            one.Step();
            foreach (var optimizer in many)
                optimizer.Step();
        }
        Assert.That(matrices, Has.Count.EqualTo(4));
        foreach (var (a, b) in together.Parameters().Zip(apart.Parameters()))
            Assert.That(a.Value.ToArray<double>(), Is.EqualTo(b.Value.ToArray<double>()));
    }
}
