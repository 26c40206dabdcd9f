using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers.Manifolds;
using Ortho.Layers.Optimizers.Solvers;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers.Optimizers;

/// <summary>Solvers on problems whose minima are known.</summary>
[TestFixture]
public class SolverTests
{
    static readonly (string Name, Solver Solver)[] All =
    [
        ("SteepestDescent", new ConjugateGradient(ConjugateRule.SteepestDescent) { MaxIterations = 3000 }),
        ("PolakRibiere", new ConjugateGradient(ConjugateRule.PolakRibiere)),
        ("HestenesStiefel", new ConjugateGradient()),
        ("PolakRibiere StrongWolfe", new ConjugateGradient(ConjugateRule.PolakRibiere, LineSearch.StrongWolfe)),
        ("HestenesStiefel StrongWolfe", new ConjugateGradient(search: LineSearch.StrongWolfe)),
        ("TrustRegion", new TrustRegion()),
    ];

    static IEnumerable<string> Names => All.Select(solver => solver.Name);

    static Solver Of(string name) => All.First(solver => solver.Name == name).Solver;

    static Tensor Symmetric(int n, int seed)
    {
        var a = Random([n, n], seed: seed);
        return a + a.T;
    }

    // Finds a minimum to the gradient's tolerance, which for these costs means that the cost is right to its square.
    static Solution Solved(string solver, Func<Tensor, Tensor> cost, Manifold manifold, Tensor start, double minimum)
    {
        var solution = Of(solver).Minimize(cost, manifold, start);
        Assert.That(solution.Reason, Is.EqualTo(StopReason.GradientTolerance), $"{solution}");
        Assert.That(solution.GradientNorm, Is.LessThanOrEqualTo(1e-6));
        Assert.That(solution.Cost, Is.EqualTo(minimum).Within(1e-6 * Math.Max(1, Math.Abs(minimum))));
        Assert.That(solution.Cost, Is.EqualTo(cost(solution.Point).Item()).Within(1e-14 * Math.Max(1, Math.Abs(minimum))));
        Assert.That(manifold.Error(solution.Point), Is.LessThan(1e-12));
        return solution;
    }

    [Test]
    public void The_Rayleigh_quotient_leads_to_the_leading_eigenspace([ValueSource(nameof(Names))] string solver,
        [Values("Sphere", "Stiefel", "Canonical", "Grassmann")] string where)
    {
        const int n = 8;
        var a = Symmetric(n, 3);
        var (values, vectors) = a.Eigh();
        var p = where == "Sphere" ? 1 : 3;
        Manifold manifold = where switch
        {
            "Sphere" => new Sphere(),
            "Stiefel" => new Stiefel(retraction: StiefelRetraction.Polar),
            "Canonical" => new Stiefel(StiefelMetric.Canonical, StiefelRetraction.Cayley),
            _ => new Grassmann(),
        };
        var start = manifold.Sample(p == 1 ? [n] : [n, p], new(5), DType.Float64);
        Tensor Columns(Tensor x) => x.Reshape(n, p);
        var solution = Solved(solver, x => -(Columns(x) * a.MatMul(Columns(x))).Sum(), manifold, start,
            -values.Slice(0, n - p).Sum().Item());
        var leading = vectors.Slice(1, n - p);
        Assert.That(new Grassmann().Distance(Columns(solution.Point), leading).Item(), Is.LessThan(1e-6));
    }

    [Test]
    public void Brockett_s_cost_is_diagonalised([ValueSource(nameof(Names))] string solver)
    {
        var a = Symmetric(6, 4);
        var (values, vectors) = a.Eigh();
        var weights = Tensor.From(new[] { 3.0, 2, 1 });
        var manifold = new Stiefel();
        // tr(X^T A X N): the largest weight on the smallest eigenvalue.
        var solution = Solved(solver, x => (x * a.MatMul(x) * weights).Sum(), manifold, manifold.Sample([6, 3], new(6), DType.Float64),
            (values.Slice(0, 0, 3) * weights).Sum().Item());
        var alignment = vectors.Slice(1, 0, 3).T.MatMul(solution.Point).Abs();
        // The smallest curvature, a gap of weights times one of eigenvalues, carries the gradient's 1e-6 over to the point.
        Assert.That(Difference(alignment, Tensor.Eye(3, dtype: DType.Float64)), Is.LessThan(1e-5), "eigenvectors in order");
    }

    [Test]
    public void Procrustes_is_the_polar_factor([ValueSource(nameof(Names))] string solver,
        [Values(StiefelRetraction.Qr, StiefelRetraction.Cayley, StiefelRetraction.Exponential)] StiefelRetraction retraction)
    {
        // min |A Q - B| over rotations has Q = U V^T of A^T B = U S V^T, where that is a rotation.
        var (a, q) = (Random([7, 4], seed: 7), Tensor.Haar([4, 4], new(2), special: true, dtype: DType.Float64));
        var b = a.MatMul(q) + Random([7, 4], seed: 8) * 0.1;
        var (u, _, v) = a.T.MatMul(b).Svd();
        var best = u.MatMul(v.T);
        Assert.That(best.Det().Item(), Is.EqualTo(1).Within(1e-12), "the sample");
        Tensor Cost(Tensor x) => (a.MatMul(x) - b).Square().Sum();
        var manifold = new OrthogonalGroup(retraction, special: true);
        // From a start a right angle and more away.
        var start = manifold.Exp(best, manifold.Project(best, Random([4, 4], seed: 9)) * 1.5);
        Assert.That(Difference(Solved(solver, Cost, manifold, start, Cost(best).Item()).Point, best), Is.LessThan(1e-6));
    }

    [Test]
    public void The_Frechet_mean_of_points_on_the_sphere_is_where_their_logarithms_cancel([ValueSource(nameof(Names))] string solver)
    {
        var sphere = new Sphere();
        var center = sphere.Sample([4], new(1), DType.Float64);
        var points = sphere.ProjectOnto(center + Random([9, 4], seed: 2) * 0.5);
        Tensor Cost(Tensor x) => sphere.Distance(x.Unsqueeze(0).Expand(9, 4), points).Square().Mean();
        var solution = Of(solver).Minimize(Cost, sphere, points.Select(0, 0).Clone());
        Assert.That(solution.Reason, Is.EqualTo(StopReason.GradientTolerance), $"{solution}");
        Assert.That(Largest(sphere.Log(solution.Point.Unsqueeze(0).Expand(9, 4).Clone(), points).Mean([0])), Is.LessThan(1e-6));
    }

    [Test]
    public void The_Frechet_mean_of_two_positive_definite_matrices_is_the_geometric_mean([ValueSource(nameof(Names))] string solver)
    {
        var manifold = new PositiveDefinite();
        var points = manifold.Sample([2, 3, 3], new(3), DType.Float64);
        var (a, b) = (points.Select(0, 0), points.Select(0, 1));
        // a # b = a^(1/2) (a^(-1/2) b a^(-1/2))^(1/2) a^(1/2)
        var (root, inverse) = (a.MatrixSqrt(), a.InverseSqrt());
        var mean = root.MatMul(inverse.MatMul(b).MatMul(inverse).MatrixSqrt()).MatMul(root);
        Tensor Cost(Tensor x) => manifold.Distance(x.Unsqueeze(0).Expand(2, 3, 3), points).Square().Mean();
        var distance = manifold.Distance(a, b).Item();
        var solution = Solved(solver, Cost, manifold, Tensor.Eye(3, dtype: DType.Float64), distance * distance / 4);
        Assert.That(Difference(solution.Point, mean), Is.LessThan(1e-5));
    }

    [Test]
    public void A_product_is_solved_factor_by_factor([ValueSource(nameof(Names))] string solver)
    {
        // A rotation and a shift that take one cloud of points to another: min |A Q + t - B|.
        var (a, q, t) = (Random([8, 3], seed: 11), Tensor.Haar([3, 3], new(4), special: true, dtype: DType.Float64), Random([3], seed: 12));
        var b = a.MatMul(q) + t;
        var rotations = new OrthogonalGroup(special: true);
        var manifold = new Product((rotations, [3, 3]), (new Euclidean(), [3]));
        Tensor Cost(Tensor x) => manifold.Unpack(x) is var parts ? (a.MatMul(parts[0]) + parts[1] - b).Square().Sum() : x;
        var start = manifold.Pack(rotations.Exp(q, rotations.Project(q, Random([3, 3], seed: 13))), t * 0.0);
        var solution = Solved(solver, Cost, manifold, start, 0);
        Assert.That(Difference(manifold.Unpack(solution.Point)[0], q), Is.LessThan(1e-6));
        Assert.That(Difference(manifold.Unpack(solution.Point)[1], t), Is.LessThan(1e-6));
    }

    [Test]
    public void A_batch_of_problems_is_solved_together()
    {
        var a = Tensor.Stack([Symmetric(5, 21), Symmetric(5, 22), Symmetric(5, 23)], 0);
        var manifold = new Sphere();
        var solution = Solved("TrustRegion", x => -(x * a.MatMul(x.Unsqueeze(-1)).Squeeze(-1)).Sum(), manifold,
            manifold.Sample([3, 5], new(8), DType.Float64),
            -a.EigValsh().Slice(1, 4).Sum().Item());
        Assert.That(solution.Iterations, Is.LessThan(25));
    }

    [Test]
    public void The_trust_region_converges_quadratically_and_conjugate_gradients_beat_steepest_descent()
    {
        var a = Symmetric(12, 31);
        var manifold = new Grassmann();
        var start = manifold.Sample([12, 2], new(9), DType.Float64);
        int Iterations(string solver) => Of(solver).Minimize(x => -(x * a.MatMul(x)).Sum(), manifold, start).Iterations;
        var (descent, conjugate, region) = (Iterations("SteepestDescent"), Iterations("HestenesStiefel"), Iterations("TrustRegion"));
        Assert.That(conjugate, Is.LessThan(descent));
        Assert.That(region, Is.LessThan(conjugate / 2));
        var exact = new TrustRegion { GradientTolerance = 1e-11 }.Minimize(x => -(x * a.MatMul(x)).Sum(), manifold, start);
        Assert.That(exact.Reason, Is.EqualTo(StopReason.GradientTolerance));
        Assert.That(exact.Iterations, Is.LessThanOrEqualTo(region + 2), "five more digits in two steps at most");
    }

    [Test]
    public void Complex_points_are_found_by_conjugate_gradients()
    {
        var a = Random([5, 5], DType.Complex128, 3);
        var hermitian = a + a.H;
        var manifold = new Stiefel();
        var solution = new ConjugateGradient().Minimize(x => -(x.Conj() * hermitian.MatMul(x)).Real().Sum(), manifold,
            manifold.Sample([5, 2], new(2), DType.Complex128));
        Assert.That(solution.Reason, Is.EqualTo(StopReason.GradientTolerance));
        Assert.That(solution.Cost, Is.EqualTo(-hermitian.EigValsh().Slice(0, 3).Sum().Item()).Within(1e-10));
        Assert.That(() => new TrustRegion().Minimize(x => x.Norm(), manifold, manifold.Sample([5, 2], new(2), DType.Complex128)),
            Throws.TypeOf<TensorArgumentException>());
    }

    [Test]
    public void Float32_costs_are_minimised_to_their_precision([ValueSource(nameof(Names))] string solver)
    {
        var a = Symmetric(6, 3).To(DType.Float32);
        var manifold = new Stiefel();
        // A search that compares costs cannot see gradients below sqrt(rounding * cost * curvature), here 2e-3; the trust region looks at
        // gradients alone in the end.
        var tolerance = solver == "TrustRegion" ? 2e-4 : 4e-3;
        Solver rough = Of(solver) is ConjugateGradient exact
            ? new ConjugateGradient(exact.Rule, exact.Search) { GradientTolerance = tolerance }
            : new TrustRegion { GradientTolerance = tolerance };
        var solution = rough.Minimize(x => -(x * a.MatMul(x)).Sum(), manifold, manifold.Sample([6, 2], new(4)));
        Assert.That(solution.Reason, Is.EqualTo(StopReason.GradientTolerance), $"{solution}");
        Assert.That(solution.Cost, Is.EqualTo(-a.To(DType.Float64).EigValsh().Slice(0, 4).Sum().Item()).Within(1e-5));
    }

    static IEnumerable<string> Gpus => Devices.Kinds.Where(kind => kind != "Cpu");

    [TestCaseSource(nameof(Gpus)), Category("Devices")]
    public void Devices_take_the_same_way(string kind)
    {
        var manifold = new Stiefel();
        var (a, start) = (Symmetric(4, 3).To(DType.Float32), manifold.Sample([4, 2], new(4)));
        foreach (Solver solver in new Solver[] { new ConjugateGradient(search: LineSearch.StrongWolfe) { MaxIterations = 2 },
            new TrustRegion { MaxIterations = 1 } })
        {
            (float[], double, double) On(Device device)
            {
                var weights = a.To(device);
                var solution = solver.Minimize(x => -(x * weights.MatMul(x)).Sum(), manifold, start.To(device));
                return (solution.Point.ToArray<float>(), solution.Cost, solution.GradientNorm);
            }
            Assert.That(On(Devices.Of(kind)), Is.EqualTo(On(Device.Cpu)));
        }
    }

    [Test]
    public void Solvers_say_why_they_stopped()
    {
        var a = Symmetric(6, 3);
        var manifold = new Sphere();
        var start = manifold.Sample([6], new(1), DType.Float64);
        Tensor Cost(Tensor x) => -(x * a.Mv(x)).Sum();
        Assert.That(new ConjugateGradient { MaxIterations = 2 }.Minimize(Cost, manifold, start),
            Has.Property("Reason").EqualTo(StopReason.MaxIterations).And.Property("Iterations").EqualTo(2));
        Assert.That(new TrustRegion { MaxIterations = 1 }.Minimize(Cost, manifold, start).Reason, Is.EqualTo(StopReason.MaxIterations));
        Assert.That(new ConjugateGradient { GradientTolerance = 0 }.Minimize(Cost, manifold, start).Reason,
            Is.Not.EqualTo(StopReason.GradientTolerance));
        Assert.That(new ConjugateGradient { GradientTolerance = 100 }.Minimize(Cost, manifold, start).Iterations, Is.Zero);
        Assert.That(() => new ConjugateGradient().Minimize(Cost, manifold, start * 2.0),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("away from Sphere"));
        Assert.That(() => new ConjugateGradient().Minimize(Cost, new Stiefel(), start), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new ConjugateGradient((ConjugateRule)9), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new ConjugateGradient(search: (LineSearch)9), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new TrustRegion { InitialRadius = 0 }, Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new TrustRegion { GradientTolerance = -1 }, Throws.TypeOf<ArgumentOutOfRangeException>());
    }
}
