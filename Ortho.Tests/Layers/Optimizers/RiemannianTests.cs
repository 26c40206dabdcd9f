using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Losses;
using Ortho.Layers.Manifolds;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers.Optimizers;

/// <summary>Optimizers that stay on manifolds.</summary>
[TestFixture]
public class RiemannianTests
{
    // A module with one parameter on a manifold, and perhaps a free one.
    sealed class Point : Module
    {
        public Point(Manifold manifold, Tensor value, Tensor? free = null)
        {
            Value = Register("value", value, value.Rank < 2 ? ParameterRole.Vector : ParameterRole.Matrix, manifold);
            Free = free is null ? null : Register("free", free, ParameterRole.Vector);
        }

        public Parameter Value { get; }

        public Parameter? Free { get; }

        public override Tensor Forward(Tensor x) => x.MatMul(Value);
    }

    static readonly (string Name, Func<IEnumerable<Parameter>, double, RiemannianOptimizer> Make, double Rate)[] All =
    [
        ("Sgd", (parameters, rate) => new RiemannianSgd(parameters, rate), 0.1),
        ("Momentum", (parameters, rate) => new RiemannianSgd(parameters, rate, 0.8), 0.04),
        ("Nesterov", (parameters, rate) => new RiemannianSgd(parameters, rate, 0.8, nesterov: true), 0.04),
        ("Adam", (parameters, rate) => new RiemannianAdam(parameters, rate, beta2: 0.99), 0.1),
        ("Amsgrad", (parameters, rate) => new RiemannianAdam(parameters, rate, amsgrad: true), 0.3),
        ("RmsProp", (parameters, rate) => new RiemannianRmsProp(parameters, rate), 0.05),
        ("MomentumStiefel", (parameters, rate) => new MomentumStiefel(parameters, rate, 0.8), 0.04),
        ("Landing", (parameters, rate) => new Landing(parameters, rate), 0.1),
        ("Landing momentum", (parameters, rate) => new Landing(parameters, rate, momentum: 0.8), 0.04),
    ];

    static IEnumerable<string> Names => All.Select(optimizer => optimizer.Name);

    static Tensor Symmetric(int n, int seed, DType dtype = DType.Float64)
    {
        var a = Random([n, n], dtype, seed);
        return (a + a.T) * 0.5;
    }

    // Steps of full length, then shorter and shorter ones.
    static RiemannianOptimizer Descend(string name, Point point, Func<Tensor, Tensor> cost, int steps)
    {
        var (_, make, rate) = All.First(optimizer => optimizer.Name == name);
        var optimizer = make(point.Parameters(), rate);
        for (var step = 0; step < steps; step++)
        {
            using var scope = new TensorScope();
            // Methods whose steps have a length of their own need rates that fall.
            if (name is "Adam" or "Amsgrad" or "RmsProp")
                optimizer.LearningRate = rate * Math.Pow(0.5, step / 40.0);
            optimizer.ZeroGrad();
            cost(point.Value).Backward();
            optimizer.Step();
        }
        return optimizer;
    }

    [Test]
    public void The_Rayleigh_quotient_is_minimised_to_a_millionth([ValueSource(nameof(Names))] string name,
        [Values("Stiefel", "Canonical", "Grassmann")] string where)
    {
        Manifold manifold = where switch
        {
            "Stiefel" => new Stiefel(),
            "Canonical" => new Stiefel(StiefelMetric.Canonical, StiefelRetraction.Cayley),
            _ => new Grassmann(),
        };
        if (name is "Landing" or "Landing momentum" or "MomentumStiefel" && where == "Grassmann")
            return;
        var a = Symmetric(6, 3);
        var point = new Point(manifold, manifold.Sample([6, 2], new(2), DType.Float64));
        var optimizer = Descend(name, point, x => -(x * a.MatMul(x)).Sum(), 400);
        var best = -a.EigValsh().Slice(0, 4).Sum().Item();
        Assert.That(-(point.Value.Value * a.MatMul(point.Value)).Sum().Item(), Is.EqualTo(best).Within(1e-6));
        Assert.That(optimizer.LastError, Is.LessThan(1e-6));
        if (!name.StartsWith("Landing", StringComparison.Ordinal))
            Assert.That(optimizer.LargestError, Is.LessThan(1e-12));
    }

    [Test]
    public void Procrustes_on_the_orthogonal_group_is_solved_to_a_millionth([ValueSource(nameof(Names))] string name)
    {
        var (a, q) = (Tensor.Haar([6, 4], new(3), dtype: DType.Float64), Tensor.Haar([4, 4], new(2), special: true, dtype: DType.Float64));
        var b = a.MatMul(q) + Random([6, 4], seed: 8) * 0.05;
        var (u, _, v) = a.T.MatMul(b).Svd();
        Tensor Cost(Tensor x) => (a.MatMul(x) - b).Square().Sum() * 0.5;
        var manifold = new OrthogonalGroup(special: true);
        var start = manifold.Exp(q, manifold.Project(q, Random([4, 4], seed: 9)));
        var point = new Point(manifold, start);
        Descend(name, point, Cost, 400);
        Assert.That(Cost(point.Value).Item(), Is.EqualTo(Cost(u.MatMul(v.T)).Item()).Within(1e-6));
        Assert.That(Difference(point.Value, u.MatMul(v.T)), Is.LessThan(2e-3));
    }

    [Test]
    public void The_Frechet_mean_on_the_sphere_and_of_positive_definite_matrices([Values("Sgd", "Momentum", "Adam", "RmsProp")] string name,
        [Values] bool isSphere)
    {
        Manifold manifold = isSphere ? new Sphere() : new PositiveDefinite();
        Shape shape = isSphere ? [4] : [3, 3];
        Shape all = [5, .. shape];
        var center = manifold.Sample(shape, new(1), DType.Float64).Unsqueeze(0).Expand([.. all]).Clone();
        var points = manifold.Retract(center, manifold.Project(center, Random(all, seed: 2)) * 0.5);
        var geodesic = (IGeodesicManifold)manifold;
        Tensor Spread(Tensor x) => x.Unsqueeze(0).Expand([.. all]).Clone();
        var point = new Point(manifold, points.Select(0, 0).Clone());
        Descend(name, point, x => geodesic.Distance(Spread(x), points).Square().Sum() * 0.5, 300);
        // The gradient is minus the sum of the logarithms; the curvature about 5, so that the cost is right to its square.
        Assert.That(Largest(geodesic.Log(Spread(point.Value.Value.Detach()), points).Sum([0])), Is.LessThan(1e-3));
    }

    [Test]
    public void Float32_matrices_stay_orthogonal_for_a_thousand_steps([Values] StiefelRetraction retraction, [Values] bool isSquare)
    {
        Manifold manifold = isSquare ? new OrthogonalGroup(retraction) : new Stiefel(StiefelMetric.Canonical, retraction);
        var shape = isSquare ? (Shape)new[] { 8, 8 } : (Shape)new[] { 16, 4 };
        var point = new Point(manifold, manifold.Sample(shape, new(1)));
        var generator = new Generator(5);
        var optimizer = new RiemannianSgd(point.Parameters(), 0.05, 0.9);
        for (var step = 0; step < 1000; step++)
        {
            using var scope = new TensorScope();
            // Noise that never lets the matrix rest.
            optimizer.ZeroGrad();
            (point.Value * Tensor.Normal(shape, generator)).Sum().Backward();
            optimizer.Step();
        }
        TestContext.Out.WriteLine($"{retraction} {shape}: last {optimizer.LastError:G3}, largest {optimizer.LargestError:G3}");
        Assert.That(manifold.Error(point.Value), Is.LessThan(1e-5));
        Assert.That(optimizer.LargestError, Is.LessThan(1e-5));
        Assert.That(optimizer.LargestError, Is.GreaterThanOrEqualTo(optimizer.LastError).And.GreaterThan(1e-8));
    }

    [Test]
    public void Reprojection_lands_every_so_many_steps()
    {
        var manifold = new Stiefel();
        var point = new Point(manifold, manifold.Sample([6, 2], new(1), DType.Float64));
        var optimizer = new Landing(point.Parameters(), 0.1) { ReprojectEvery = 5 };
        for (var step = 1; step <= 20; step++)
        {
            optimizer.ZeroGrad();
            (point.Value * Random([6, 2], seed: step)).Sum().Backward();
            optimizer.Step();
            Assert.That(optimizer.LastError, step % 5 == 0 ? Is.LessThan(1e-14) : Is.GreaterThan(1e-4), $"step {step}");
        }
        Assert.That(optimizer.LargestError, Is.GreaterThan(1e-4));
    }

    [Test]
    public void Free_parameters_are_treated_as_by_the_Euclidean_optimizers()
    {
        static double[] Run(Func<IEnumerable<Parameter>, Optimizer> make)
        {
            var layer = new Linear(3, 4, new(5), dtype: DType.Float64);
            var optimizer = make(layer.Parameters());
            for (var step = 0; step < 20; step++)
            {
                optimizer.ZeroGrad();
                layer.Forward(Random([2, 3], seed: 1)).Sin().Sum().Backward();
                optimizer.Step();
            }
            return layer.Weight.Value.ToArray<double>();
        }
        Assert.That(Run(p => new RiemannianSgd(p, 0.1)), Is.EqualTo(Run(p => new Sgd(p, 0.1))).Within(1e-14));
        Assert.That(Run(p => new RiemannianSgd(p, 0.1, 0.9)), Is.EqualTo(Run(p => new Sgd(p, 0.1, 0.9))).Within(1e-14));
        Assert.That(Run(p => new RiemannianSgd(p, 0.1, 0.9, true)), Is.EqualTo(Run(p => new Sgd(p, 0.1, 0.9, true))).Within(1e-14));
        Assert.That(Run(p => new RiemannianAdam(p, 0.1)), Is.EqualTo(Run(p => new Adam(p, 0.1))).Within(1e-13));
    }

    [Test]
    public void Adam_is_its_formula_on_the_sphere()
    {
        var (x, target) = (Numbers(new Sphere().Sample([3], new(4), DType.Float64)).Select(z => z.Real).ToArray(),
            new[] { 0.3, -1.0, 0.7 });
        var point = new Point(new Sphere(), Tensor.From(x));
        var (mean, square) = (new double[3], 0.0);
        static double Along(double[] a, double[] b) => a.Zip(b, (p, q) => p * q).Sum();
        var optimizer = new RiemannianAdam(point.Parameters(), 0.1);
        for (var step = 1; step <= 10; step++)
        {
            optimizer.ZeroGrad();
            (point.Value * Tensor.From(target)).Sum().Backward();
            optimizer.Step();
            double[] r = [.. target.Zip(x, (g, at) => g - at * Along(x, target))];
            mean = [.. mean.Zip(r, (m, g) => 0.9 * m + 0.1 * g)];
            square = 0.999 * square + 0.001 * Along(r, r);
            var size = 0.1 / (1 - Math.Pow(0.9, step)) / (Math.Sqrt(square / (1 - Math.Pow(0.999, step))) + 1e-8);
            double[] moved = [.. x.Zip(mean, (at, m) => at - size * m)];
            var norm = Math.Sqrt(Along(moved, moved));
            double[] y = [.. moved.Select(element => element / norm)];
            var share = Along(y, mean) / (1 + Along(x, y));
            mean = [.. mean.Select((m, i) => m - share * (x[i] + y[i]))];
            x = y;
        }
        Assert.That(point.Value.Value.ToArray<double>(), Is.EqualTo(x).Within(1e-14));
    }

    [Test]
    public void Each_matrix_of_a_batch_has_its_own_second_moment()
    {
        // Gradients that differ by a factor of a million: Adam moves both alike.
        var manifold = new Stiefel();
        var start = manifold.Sample([4, 2], new(3), DType.Float64);
        var point = new Point(manifold, Tensor.Stack([start, start], 0));
        var optimizer = new RiemannianAdam(point.Parameters(), 0.1, epsilon: 0);
        var weights = Random([4, 2], seed: 5);
        (point.Value * Tensor.Stack([weights, weights * 1e6], 0)).Sum().Backward();
        optimizer.Step();
        Assert.That(Difference(point.Value.Value.Select(0, 0), point.Value.Value.Select(0, 1)), Is.LessThan(1e-14));
        Assert.That(Difference(point.Value.Value.Select(0, 0), start), Is.GreaterThan(0.01));
    }

    [Test]
    public void Momentum_without_force_follows_the_geodesic_at_constant_speed([Values] StiefelMetric metric)
    {
        var manifold = new Stiefel(metric);
        var (x, force) = (manifold.Sample([6, 3], new(3), DType.Float64), Random([6, 3], seed: 5));
        double[] speeds = [];
        double Missed(int steps)
        {
            // One push, then no friction: the velocity goes on.
            var point = new Point(manifold, x.Clone());
            var optimizer = new MomentumStiefel(point.Parameters(), 1.0 / steps, momentum: 1);
            speeds = new double[steps];
            for (var step = 0; step < steps; step++)
            {
                optimizer.ZeroGrad();
                (point.Value * (step == 0 ? force : force * 0.0)).Sum().Backward();
                optimizer.Step();
                var state = optimizer.StateDict();
                var velocity = point.Value.Value.MatMul(state["0.turn"]) + state["0.drift"];
                speeds[step] = manifold.Inner(point.Value, velocity, velocity).Item();
                Assert.That(Largest(point.Value.Value.T.MatMul(state["0.drift"])), Is.LessThan(1e-14), "tangent");
            }
            return Difference(point.Value, manifold.Exp(x, manifold.Gradient(x, force) * -1.0));
        }
        var (coarse, fine) = (Missed(50), Missed(100));
        Assert.That(fine, Is.LessThan(0.03));
        Assert.That(coarse / fine, Is.GreaterThan(1.8), "of first order in the step at least");
        Assert.That(speeds, Is.All.EqualTo(speeds[0]).Within(1e-13 * speeds[0]));
    }

    [Test]
    public void The_landing_field_has_two_terms_at_a_right_angle_and_safe_steps_are_safe()
    {
        foreach (var (shape, seed) in new (int[], int)[] { ([5, 5], 1), ([7, 3], 2), ([6, 1], 3) })
        {
            for (var k = 0; k < 20; k++)
            {
                var x = Tensor.Haar(shape, new((ulong)k), dtype: DType.Float64) + Random(shape, seed: seed + k) * 0.05;
                var distance = (x.T.MatMul(x) - Tensor.Eye(shape[1], dtype: DType.Float64)).Norm();
                if (distance.Item() > 0.5)
                    continue;
                var (relative, normal) = Landing.Field(x, Random(shape, seed: 50 + k) * Math.Pow(10, k % 5 - 2));
                Assert.That((relative * normal).Sum().Item(), Is.Zero.Within(1e-13 * relative.Norm().Item()));
                var eye = Tensor.Eye(shape[1], dtype: DType.Float64);
                var numeric = Derivatives.Gradient(at => (at.T.MatMul(at) - eye).Square().Sum() * 0.25, x);
                Assert.That(Difference(normal, numeric), Is.LessThan(1e-14));
                var field = relative + normal * 2.0;
                var step = Landing.SafeStep(distance, field.Norm(), 2, 0.5).Item();
                var moved = x - field * step;
                Assert.That(step, Is.Positive);
                Assert.That((moved.T.MatMul(moved) - eye).Norm().Item(), Is.LessThan(0.5 + 1e-12));
            }
        }
    }

    [Test]
    public void Landing_never_leaves_its_radius_and_lands()
    {
        var manifold = new Stiefel();
        var point = new Point(manifold, manifold.Sample([6, 3], new(1), DType.Float64));
        var optimizer = new Landing(point.Parameters(), learningRate: 100, radius: 0.3);
        for (var step = 0; step < 200; step++)
        {
            optimizer.ZeroGrad();
            (point.Value * Random([6, 3], seed: step)).Sum().Backward();
            optimizer.Step();
        }
        Assert.That(optimizer.LargestError, Is.LessThan(0.3 + 1e-12).And.GreaterThan(0.2), "steps as long as the radius allows");
        optimizer.LearningRate = 0.4;
        for (var step = 0; step < 60; step++)
        {
            optimizer.ZeroGrad();
            (point.Value.Value * 0.0).Sum().Backward();
            optimizer.Step();
        }
        Assert.That(optimizer.LastError, Is.LessThan(1e-12), "attraction alone");
        Assert.That(manifold.Error(point.Value), Is.LessThan(1e-12));
    }

    [Test]
    public void A_value_off_the_manifold_is_refused_and_loads_when_it_is_a_point()
    {
        var manifold = new Stiefel();
        var point = new Point(manifold, Random([5, 2], DType.Float32), Random([3], DType.Float32));
        Assert.That(manifold.Error(point.Value), Is.LessThan(1e-6), "moved to the nearest point");
        var before = point.Value.Value.ToArray<float>();
        Assert.That(() => point.Value.Assign(Random([5, 2], DType.Float32)), Throws.TypeOf<TensorArgumentException>()
            .With.Message.StartsWith("Parameter value: value is ").And.Message.Contains("away from the Stiefel manifold"));
        var state = new Dictionary<string, Tensor> { ["value"] = Random([5, 2], DType.Float32), ["free"] = Tensor.Zeros([3]) };
        Assert.That(() => point.LoadStateDict(state), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("value"));
        Assert.That(point.Value.Value.ToArray<float>(), Is.EqualTo(before));
        Assert.That(point.Free!.Value.ToArray<float>(), Is.Not.All.Zero, "all or nothing");
        state["value"] = manifold.ProjectOnto(state["value"]);
        point.LoadStateDict(state);
        Assert.That(point.Value.Value.ToArray<float>(), Is.EqualTo(state["value"].ToArray<float>()));
    }

    [Test]
    public void Layers_are_trained_with_orthonormal_weights([Values("Adam", "Momentum", "Landing", "MomentumStiefel")] string name)
    {
        // A kernel seen as a matrix and a wide weight: the free layers of a network, told where their weights live.
        var generator = new Generator(3);
        var (convolution, linear) = (new Conv2d(2, 6, 3, generator, stride: 3, dtype: DType.Float64),
            new Linear(24, 4, generator, dtype: DType.Float64));
        convolution.Weight.RestrictTo(new MatrixView(new Stiefel(), 4));
        linear.Weight.RestrictTo(new MatrixView(new Stiefel()));
        var network = new Sequential(convolution, new MaxMin(), new Flatten(), linear);
        var (bound, free) = ParameterGroups.SplitByManifold(network);
        Assert.That(bound, Is.EqualTo(new[] { convolution.Weight, linear.Weight }));
        Assert.That(free, Is.EqualTo(new[] { convolution.Bias, linear.Bias }));
        var (_, make, _) = All.First(optimizer => optimizer.Name == name);
        var riemannian = make(bound, 0.05);
        var optimizer = new CombinedOptimizer(riemannian, new Adam(free, 0.05));
        var (x, labels) = (Tensor.Normal([16, 2, 6, 6], generator, dtype: DType.Float64),
            Tensor.Uniform([16], generator, 0, 4).To(DType.Int64));
        var first = 0.0;
        var last = 0.0;
        for (var step = 0; step < 60; step++)
        {
            using var scope = new TensorScope();
            optimizer.ZeroGrad();
            var loss = network.Forward(x).CrossEntropy(labels);
            (first, last) = (step == 0 ? loss.Item() : first, loss.Item());
            loss.Backward();
            optimizer.Step();
        }
        Assert.That(last, Is.LessThan(first / 2));
        var (w, k) = (linear.Weight.Value.Detach(), convolution.Weight.Value.Detach().Flatten(1));
        var allowed = name == "Landing" ? 0.05 : 1e-13;
        Assert.That(Skewness(w.T), Is.LessThan(allowed), "orthonormal rows");
        Assert.That(Skewness(k.T), Is.LessThan(allowed), "orthonormal rows of the kernel");
        Assert.That(riemannian.LargestError, Is.LessThan(10 * allowed));
        // Windows that do not overlap: the convolution without its bias keeps what its kernel's matrix keeps.
        Assert.That((convolution.Forward(x) - convolution.Forward(x * 0.0)).Norm().Item(), Is.LessThan((1 + allowed) * x.Norm().Item()));
    }

    [Test]
    public void Averages_of_weights_stay_on_the_manifold()
    {
        var manifold = new Stiefel();
        var point = new Point(manifold, manifold.Sample([5, 2], new(1), DType.Float64));
        var (start, average) = (point.Value.Value.Detach().Clone(), new WeightAverage(point, 0.9));
        var goal = manifold.Retract(start, manifold.Project(start, Random([5, 2], seed: 2)) * 0.5);
        point.Value.Assign(goal);
        var before = Difference(start, goal);
        for (var step = 0; step < 60; step++)
        {
            average.Update();
            Assert.That(manifold.Error(average.StateDict()["value"]), Is.LessThan(1e-14));
        }
        // Like 0.9^60 = 0.0018 of a line.
        Assert.That(Difference(average.StateDict()["value"], goal), Is.LessThan(0.003 * before).And.GreaterThan(0.001 * before));
        using (average.Use())
            Assert.That(Difference(point.Value, average.StateDict()["value"]), Is.Zero);
        Assert.That(Difference(point.Value, goal), Is.Zero);
    }

    [Test]
    public void Training_goes_on_from_a_saved_state([ValueSource(nameof(Names))] string name)
    {
        var (_, make, rate) = All.First(optimizer => optimizer.Name == name);
        var (one, other) = (new Point(new Stiefel(), Random([5, 2], seed: 1)), new Point(new Stiefel(), Random([5, 2], seed: 2)));
        void Step(Point point, Optimizer optimizer, int seed)
        {
            optimizer.ZeroGrad();
            (point.Value * Random([5, 2], seed: seed)).Sum().Backward();
            optimizer.Step();
        }
        var (first, second) = (make(one.Parameters(), rate), make(other.Parameters(), rate));
        for (var step = 0; step < 3; step++)
            Step(one, first, step);
        other.LoadStateDict(one.StateDict());
        second.LoadStateDict(first.StateDict());
        Step(one, first, 3);
        Step(other, second, 3);
        Assert.That(other.Value.Value.ToArray<double>(), Is.EqualTo(one.Value.Value.ToArray<double>()));
    }

    [Test]
    public void Half_precision_matrices_are_orthogonal_to_their_precision([ValueSource(nameof(Names))] string name,
        [Values(DType.BFloat16, DType.Half)] DType dtype)
    {
        var (_, make, rate) = All.First(optimizer => optimizer.Name == name);
        var point = new Point(new Stiefel(), Random([8, 3], dtype, 1));
        var optimizer = make(point.Parameters(), rate);
        for (var step = 0; step < 5; step++)
        {
            optimizer.ZeroGrad();
            (point.Value * Random([8, 3], dtype, step)).Sum().Backward();
            optimizer.Step();
        }
        // Each of 24 elements, of size 1/3 or so, is rounded to 8 (11) bits.
        var rounding = dtype == DType.BFloat16 ? 0.02 : 0.003;
        Assert.That(point.Value.Manifold!.Error(point.Value),
            Is.LessThan(name.StartsWith("Landing", StringComparison.Ordinal) ? 0.4 : rounding));
    }

    [Test]
    public void Misuse_is_named()
    {
        var point = new Point(new Sphere(), Random([3, 4]));
        Assert.That(() => new Adam(point.Parameters()),
            Throws.ArgumentException.With.Message.StartsWith("Adam: parameter value [3, 4] lives on Sphere; expected free parameters"));
        Assert.That(() => new Muon(point.Parameters()),
            Throws.ArgumentException.With.Message.StartsWith("Muon: parameter value [3, 4] lives on Sphere"));
        Assert.That(() => new Sgd(point.Parameters(), 1), Throws.ArgumentException);
        Assert.That(() => new Landing(point.Parameters()),
            Throws.ArgumentException.With.Message.StartsWith("Landing: parameter value [3, 4] lives on Sphere; expected Stiefel"));
        Assert.That(() => new Landing(new Linear(2, 2, new(1)).Parameters()),
            Throws.ArgumentException.With.Message.Contains("no manifold"));
        Assert.That(() => point.Value.RestrictTo(new Stiefel()), Throws.TypeOf<TensorArgumentException>(), "wide");
        Assert.That(point.Value.Manifold, Is.TypeOf<Sphere>());
        Assert.That(() => new RiemannianSgd(point.Parameters(), 0.1, -1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new RiemannianSgd([], 0.1), Throws.ArgumentException);
        Assert.That(() => new RiemannianAdam(point.Parameters(), beta1: 1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new RiemannianAdam(point.Parameters(), beta2: double.NaN), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new RiemannianRmsProp(point.Parameters(), decay: -0.1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new RiemannianSgd(point.Parameters(), 0.1) { ReprojectEvery = -1 }, Throws.TypeOf<ArgumentOutOfRangeException>());
        var stiefel = new Point(new Stiefel(), Random([4, 3]));
        Assert.That(() => new Landing(stiefel.Parameters(), attraction: 0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new MomentumStiefel(point.Parameters(), 0.1),
            Throws.ArgumentException.With.Message.StartsWith("MomentumStiefel: parameter value"));
        Assert.That(() => new MomentumStiefel(stiefel.Parameters(), 0.1, 1.1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Landing(stiefel.Parameters(), radius: 1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(new RiemannianSgd(stiefel.Parameters(), 0.1).LastError, Is.NaN, "before the first step");
    }

    [Test]
    public void A_step_leaves_no_memory_behind()
    {
        var point = new Point(new Stiefel(), Random([8, 3]));
        var optimizer = new RiemannianAdam(point.Parameters(), 0.01);
        long Live()
        {
            using (new TensorScope())
            {
                optimizer.ZeroGrad();
                point.Value.Value.Square().Sum().Backward();
                optimizer.Step();
                optimizer.ZeroGrad();
            }
            return Device.Cpu.Pool.LiveBytes;
        }
        _ = Live();
        var after = Live();
        Assert.That(Live(), Is.LessThanOrEqualTo(after));
    }

    static IEnumerable<string> Gpus => Devices.Kinds.Where(kind => kind != "Cpu");

    [TestCaseSource(nameof(Gpus)), Category("Devices")]
    public void Devices_give_the_bits_of_the_cpu(string kind)
    {
        foreach (var (name, make, rate) in All)
        {
            float[] On(Device device)
            {
                var point = new Point(new Stiefel(), Random([6, 3], DType.Float32, 4));
                point.To(device);
                var optimizer = make(point.Parameters(), rate);
                for (var step = 0; step < 2; step++)
                {
                    optimizer.ZeroGrad();
                    (point.Value * Random([6, 3], DType.Float32, 5 + step).To(device)).Sum().Backward();
                    optimizer.Step();
                }
                return [.. point.Value.Value.ToArray<float>(), (float)optimizer.LargestError];
            }
            Assert.That(On(Devices.Of(kind)), Is.EqualTo(On(Device.Cpu)), name);
        }
    }
}
