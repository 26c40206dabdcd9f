using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.MatMul;
using Ortho.Layers;
using Ortho.Layers.Certification;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using Ortho.Tests.Data;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers.Optimizers;

/// <summary>Optimizers against the same formulas in plain loops.</summary>
[TestFixture]
public class OptimizerTests
{
    const int Steps = 20;

    // f(p) = sum c_i (p_i^2 / 2 + sin(3 p_i)): gradients of all sizes and both signs.
    static double Slope(int i, double p) => (0.01 + i) * (p + 3 * Math.Cos(3 * p));

    static Tensor Loss(Tensor p)
    {
        var weights = Tensor.Arange((int)p.ElementCount, p.DType, p.Device).Reshape([.. p.Shape.Span]) + 0.01;
        return ((p.Square() * 0.5 + (p * 3).Sin()) * weights).Sum();
    }

    static Linear Layer(DType dtype = DType.Float64)
    {
        var layer = new Linear(3, 4, new(5), bias: false, dtype: dtype);
        layer.Weight.Assign(Random([4, 3], dtype, 7));
        return layer;
    }

    static double[] Run(Func<Linear, Optimizer> make, Linear layer, bool scoped = false, int steps = Steps)
    {
        var optimizer = make(layer);
        for (var step = 0; step < steps; step++)
        {
            using var scope = scoped ? new TensorScope() : null;
            optimizer.ZeroGrad();
            Loss(layer.Weight).Backward();
            optimizer.Step();
        }
        return layer.Weight.Value.To(Device.Cpu).To(DType.Float64).ToArray<double>();
    }

    // The same by a rule (index, step, p, gradient) -> p.
    static double[] Loop(Func<int, int, double, double, double> rule)
    {
        var p = Layer().Weight.Value.ToArray<double>();
        for (var step = 1; step <= Steps; step++)
        {
            for (var i = 0; i < p.Length; i++)
                p[i] = rule(i, step, p[i], Slope(i, p[i]));
        }
        return p;
    }

    [Test]
    public void Sgd_is_its_formula()
        => Assert.That(Run(layer => new Sgd(layer.Parameters(), 0.003), Layer()), Is.EqualTo(Loop((_, _, p, g) => p - 0.003 * g)).Within(1e-13));

    [Test]
    public void Sgd_with_momentum_is_its_formula([Values] bool nesterov)
    {
        var b = new double[12];
        var expected = Loop((i, _, p, g) =>
        {
            b[i] = 0.8 * b[i] + g;
            return p - 0.003 * (nesterov ? g + 0.8 * b[i] : b[i]);
        });
        Assert.That(Run(layer => new Sgd(layer.Parameters(), 0.003, 0.8, nesterov), Layer()), Is.EqualTo(expected).Within(1e-12));
    }

    [Test]
    public void Adam_is_its_formula([Values(0, 0.1)] double decay)
    {
        var (m, v) = (new double[12], new double[12]);
        var expected = Loop((i, t, p, g) =>
        {
            m[i] = 0.8 * m[i] + 0.2 * g;
            v[i] = 0.95 * v[i] + 0.05 * g * g;
            p -= 0.02 * decay * p;
            return p - 0.02 * (m[i] / (1 - Math.Pow(0.8, t))) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.95, t))) + 1e-3);
        });
        Assert.That(Run(layer => new Adam(layer.Parameters(), 0.02, 0.8, 0.95, 1e-3, decay), Layer()), Is.EqualTo(expected).Within(1e-13));
    }

    static readonly (string Name, Func<Linear, Optimizer> Make)[] All =
    [
        ("Sgd", layer => new Sgd(layer.Parameters(), 0.003, 0.9, nesterov: true)),
        ("Adam", layer => new Adam(layer.Parameters(), 0.02, weightDecay: 0.01)),
        ("Muon", layer => new Muon(layer.Parameters(), 0.02, weightDecay: 0.01)),
        ("NorMuon", layer => new NorMuon(layer.Parameters(), 0.02)),
        ("Dion", layer => new Dion(layer.Parameters(), new(3), 0.02, rank: 2)),
        ("Auon", layer => new Auon(layer.Parameters(), 0.02)),
        ("Auon, Brake", layer => new Auon(layer.Parameters(), 0.02, variant: AuonVariant.Brake)),
        ("DctAdamW", layer => new DctAdamW(layer.Parameters(), 0.02, rank: 2)),
        ("Trion", layer => new Trion(layer.Parameters(), 0.02, rank: 2)),
        ("HybridAuon", layer => new HybridAuon(layer.Parameters(), 0.02)),
        ("CombinedOptimizer", layer => new CombinedOptimizer(new Sgd(layer.Parameters(), 0.003, 0.9))),
    ];

    static IEnumerable<string> Names => All.Select(row => row.Name);

    static Func<Linear, Optimizer> Make(string name) => All.First(row => row.Name == name).Make;

    [Test]
    public void State_survives_scopes([ValueSource(nameof(Names))] string name)
    {
        var free = Run(Make(name), Layer());
        Assert.That(Run(Make(name), Layer(), scoped: true), Is.EqualTo(free));
        Optimizer optimizer;
        var layer = Layer();
        using (new TensorScope())
            optimizer = Make(name)(layer);
        Assert.That(Run(_ => optimizer, layer), Is.EqualTo(free), "even when the optimizer was made in one");
    }

    [Test]
    public void A_zero_gradient_moves_nothing([ValueSource(nameof(Names))] string name)
    {
        var layer = Layer();
        var before = layer.Weight.Value.ToArray<double>();
        var optimizer = name switch
        {
            "Adam" => new Adam(layer.Parameters(), 0.02),
            "Muon" => new Muon(layer.Parameters(), 0.02),
            _ => Make(name)(layer),
        };
        (layer.Weight.Value * 0).Sum().Backward();
        optimizer.Step();
        Assert.That(layer.Weight.Value.ToArray<double>(), Is.EqualTo(before));
        optimizer.ZeroGrad();
        Loss(layer.Weight).Backward();
        optimizer.Step();
        Assert.That(layer.Weight.Value.ToArray<double>(), Is.Not.EqualTo(before).And.All.Matches<double>(double.IsFinite));
    }

    [Test]
    public void State_goes_to_a_file_and_back([ValueSource(nameof(Names))] string name)
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "optimizer.safetensors");
        var (whole, halves) = (Layer(), Layer());
        var expected = Run(Make(name), whole);
        var first = Make(name)(halves);
        _ = Run(_ => first, halves, steps: Steps / 2);
        first.Save(path);
        var second = Make(name)(halves);
        second.Load(path);
        Assert.That(second.Steps, Is.EqualTo(Steps / 2));
        Assert.That(Run(_ => second, halves, steps: Steps / 2), Is.EqualTo(expected), "to the last bit");
        Assert.That(() => second.LoadStateDict(new Dictionary<string, Tensor> { ["other"] = Tensor.Zeros([]) }),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("other is unexpected; steps is missing"));
    }

    [Test, Category("Devices")]
    public void Devices_take_the_same_steps([ValueSource(nameof(Names))] string name, [ValueSource(typeof(Devices), nameof(Devices.Kinds))] string kind)
    {
        var here = Run(Make(name), Layer(DType.Float32), steps: 3);
        var there = Run(Make(name), (Linear)Layer(DType.Float32).To(Devices.Of(kind)), steps: 3);
        Assert.That(there, Is.EqualTo(here));
    }

    [Test, Category("Devices")]
    public void Steps_read_nothing_from_the_device([ValueSource(nameof(Names))] string name)
    {
        foreach (var device in Devices.Gpus)
        {
            var layer = (Linear)Layer(DType.Float32).To(device);
            var optimizer = Make(name)(layer);
            for (var step = 0; step < 2; step++)
            {
                Loss(layer.Weight).Backward();
                var before = device.HostCopies;
                _ = GradientClipping.ByNorm(layer.Parameters(), 1);
                optimizer.Step();
                Assert.That(device.HostCopies, Is.EqualTo(before), $"{device}");
            }
        }
    }

    [Test]
    public void Parameters_without_a_gradient_stay_as_they_are([ValueSource(nameof(Names))] string name)
    {
        var layer = Layer();
        var before = layer.Weight.Value.ToArray<double>();
        Make(name)(layer).Step();
        Assert.That(layer.Weight.Value.ToArray<double>(), Is.EqualTo(before));
    }

    [Test]
    public void A_step_of_Muon_is_nearly_orthogonal([Values("6x6", "9x4", "4x9", "2x3x3x3")] string size)
    {
        int[] shape = [.. size.Split('x').Select(int.Parse)];
        Parameter parameter = shape.Length == 2
            ? new Linear(shape[1], shape[0], new(1), false, DType.Float64).Weight
            : new CircularConv2d(shape[1], shape[0], shape[2], new(1), false, DType.Float64).Kernel;
        var before = parameter.Value.Detach().Clone();
        const double rate = 0.1;
        // A gradient whose own singular values spread over two decades.
        var gradient = Random(shape, seed: 3) * Tensor.From([.. Enumerable.Range(0, shape[0]).Select(i => Math.Pow(0.01, i / (double)shape[0]))], [.. shape.Select((n, d) => d == 0 ? n : 1)]);
        var optimizer = new Muon([parameter], rate);
        (parameter.Value * gradient).Sum().Backward();
        optimizer.Step();
        var step = (before - parameter.Value.Detach()).Flatten(1);
        var spectrum = Spectrum.OfMatrix(step * (1 / (rate * Math.Sqrt(Math.Max(1, (double)step.Shape[0] / step.Shape[1])))));
        Assert.That(spectrum.Smallest, Is.GreaterThan(0.6));
        Assert.That(spectrum.Largest, Is.LessThan(1.3));
        Assert.That((step * gradient.Flatten(1)).Sum().Item(), Is.Positive, "downhill");
    }

    [Test]
    public void Muon_is_its_formula()
    {
        // With linear polynomials Newton-Schulz only divides by the Frobenius norm, and the rest is momentum, which a loop can follow.
        var (p, m) = (Layer().Weight.Value.ToArray<double>(), new double[12]);
        for (var step = 0; step < Steps; step++)
        {
            var direction = new double[12];
            for (var i = 0; i < 12; i++)
            {
                var g = Slope(i, p[i]);
                m[i] = 0.9 * m[i] + 0.1 * g;
                direction[i] = 0.1 * g + 0.9 * m[i];
            }
            var norm = Math.Sqrt(direction.Sum(x => x * x));
            for (var i = 0; i < 12; i++)
                p[i] -= 0.02 * Math.Sqrt(4.0 / 3) * direction[i] / norm;
        }
        Assert.That(Run(layer => new Muon(layer.Parameters(), 0.02, 0.9, schedule: NewtonSchulzSchedule.Repeat([1], 1)), Layer()), Is.EqualTo(p).Within(1e-12));
    }

    [Test]
    public void Muon_minimises_a_convex_quadratic()
    {
        var (layer, target) = (new Linear(5, 5, new(1), bias: false, dtype: DType.Float64), Random([5, 5], seed: 9));
        var curvature = Random([5, 5], seed: 10);
        curvature = curvature.MatMul(curvature.T) + Tensor.Eye(5, dtype: DType.Float64) * 0.1;
        Tensor Value() => ((layer.Weight - target) * curvature.MatMul(layer.Weight - target)).Sum();
        var optimizer = new Muon(layer.Parameters(), 0.1);
        var first = Value().Item();
        for (var step = 0; step < 200; step++)
        {
            optimizer.ZeroGrad();
            optimizer.LearningRate = 0.1 * (1 - step / 200.0);
            Value().Backward();
            optimizer.Step();
        }
        Assert.That(Value().Item(), Is.LessThan(1e-3 * first));
    }

    [Test]
    public void Misuse_is_named()
    {
        Assert.That(() => new Muon(new Linear(3, 4, new(1)).Parameters()), Throws.ArgumentException.With.Message.StartsWith("Muon: parameter bias [4] is a Vector"));
        Assert.That(() => new Adam(Layer().Parameters(), beta2: 1), Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.StartsWith("beta2 is 1"));
        Assert.That(() => new Adam(Layer().Parameters(), epsilon: -1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Muon(Layer().Parameters(), -1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Muon(Layer().Parameters(), momentum: 1), Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.StartsWith("momentum is 1"));
        Assert.That(() => new Muon(Layer().Parameters(), weightDecay: -1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Muon(Layer().Parameters(), precision: MatMulPrecision.BFloat16), Throws.ArgumentException.With.Message.Contains("Float64; expected Float32"));
        Assert.That(() => new NorMuon(Layer().Parameters(), beta2: -0.1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Dion(Layer().Parameters(), new(1), rank: 4), Throws.ArgumentException.With.Message.StartsWith("Dion: rank is 4 for parameter weight seen as [4, 3]"));
        Assert.That(() => new Dion(Layer().Parameters(), new(1), rank: 0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new DctAdamW(Layer().Parameters(), 0.1, rank: 4), Throws.ArgumentException.With.Message.StartsWith("DctAdamW: rank is 4 for parameter weight seen as [4, 3]"));
        Assert.That(() => new DctAdamW(Layer().Parameters(), 0.1, rank: 4, clampRank: true), Throws.Nothing);
        Assert.That(() => new DctAdamW(Layer().Parameters(), 0.1, rank: 0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new DctAdamW(Layer().Parameters(), 0.1, rank: 2, norm: 3), Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.StartsWith("norm is 3"));
        Assert.That(() => new DctAdamW(Layer().Parameters(), 0.1, rank: 2, basis: SubspaceBasis.Hadamard), Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("power of two"));
        Assert.That(() => new DctAdamW(Layer().Parameters(), 0.1, rank: 2, basis: SubspaceBasis.RandomOrthogonal), Throws.ArgumentException.With.Message.Contains("without a generator"));
        Assert.That(() => new Trion(Layer().Parameters(), rank: 4), Throws.ArgumentException.With.Message.StartsWith("Trion: rank is 4"));
        Assert.That(() => new Auon(Layer().Parameters(), gamma: -1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new HybridAuon(Layer().Parameters(), newtonSchulzSteps: 0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => Auon.Normalize(Tensor.Ones([3])), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new Adam([]), Throws.ArgumentException.With.Message.StartsWith("Adam: there are no parameters"));
        Assert.That(() => new Sgd(Layer().Parameters(), -1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Sgd(Layer().Parameters(), 1, -0.1), Throws.TypeOf<ArgumentOutOfRangeException>());
    }
}
