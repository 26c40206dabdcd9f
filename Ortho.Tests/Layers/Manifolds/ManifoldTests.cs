using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu;
using Ortho.Layers.Manifolds;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Layers.Manifolds.ManifoldSamples;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers.Manifolds;

/// <summary>What every manifold must be.</summary>
[TestFixture]
public class ManifoldTests
{
    static readonly string[] Isometric =
        ["Euclidean", "Sphere", "OrthogonalGroup Qr", "OrthogonalGroup Polar", "OrthogonalGroup Cayley", "OrthogonalGroup Exponential",
            "PositiveDefinite"];

    static readonly string[] SecondOrder =
        ["Euclidean", "Sphere", "Stiefel Polar", "Stiefel Cayley", "Stiefel Cayley wide", "Stiefel Exponential",
            "Stiefel Exponential canonical",
            "OrthogonalGroup Polar", "OrthogonalGroup Cayley", "OrthogonalGroup Exponential", "Grassmann", "PositiveDefinite"];

    static IEnumerable<string> Geodesic => Names.Where(name => Of(name).Manifold is IGeodesicManifold);

    static IEnumerable<string> Geodesics => Names.Where(name => Of(name).Manifold is IGeodesicManifold or Stiefel);

    static Tensor Exp(Manifold manifold, Tensor x, Tensor v)
        => manifold is Stiefel stiefel ? stiefel.Exp(x, v) : ((IGeodesicManifold)manifold).Exp(x, v);

    [TestCaseSource(typeof(ManifoldSamples), nameof(Names))]
    public void Samples_are_points_and_others_are_not(string name)
    {
        var (manifold, shape) = Of(name);
        var x = manifold.Sample(shape, new(3), DType.Float64);
        Assert.That(manifold.Error(x), Is.LessThan(1e-13));
        Assert.That(manifold.Error(manifold.Sample(shape, new(3))), Is.LessThan(3e-6), "float32");
        Assert.That(Difference(manifold.Sample(shape, new(3), DType.Float64), x), Is.Zero, "the same seed");
        if (manifold is not Euclidean)
            Assert.That(manifold.Error(x + Random(shape, seed: 4)), Is.GreaterThan(0.01));
    }

    [TestCaseSource(typeof(ManifoldSamples), nameof(Names))]
    public void Projection_is_orthogonal_and_its_rank_is_the_dimension(string name)
    {
        var (manifold, shape) = Of(name);
        var (x, v) = manifold.Place(shape);
        Assert.That(Difference(manifold.Project(x, v), v), Is.LessThan(1e-14), "tangent vectors stay");
        var trace = 0.0;
        var basis = Tensor.Eye((int)shape.ElementCount, dtype: DType.Float64);
        var columns = new List<Tensor>();
        for (var k = 0; k < shape.ElementCount; k++)
        {
            columns.Add(manifold.Project(x, basis.Select(0, k).Reshape([.. shape])).Flatten());
            trace += columns[^1].Slice(0, k, k + 1).Item();
        }
        Assert.That(trace, Is.EqualTo((double)manifold.Dimension(shape)).Within(1e-12));
        var projection = Tensor.Stack(columns, 0);
        Assert.That(Difference(projection, projection.T), Is.LessThan(1e-14), "orthogonal: symmetric");
        Assert.That(Difference(projection.MatMul(projection), projection), Is.LessThan(1e-14));
    }

    [TestCaseSource(typeof(ManifoldSamples), nameof(Names))]
    public void The_gradient_is_dual_to_the_metric(string name)
    {
        var (manifold, shape) = Of(name);
        var (x, v) = manifold.Place(shape);
        var g = Random(shape, seed: 8);
        var gradient = manifold.Gradient(x, g);
        Assert.That(Difference(manifold.Project(x, gradient), gradient), Is.LessThan(2e-14), "tangent");
        Assert.That(manifold.Product(x, gradient, v), Is.EqualTo(Dot(g, v)).Within(1e-13));
        Assert.That(manifold.Product(x, v, v), Is.EqualTo(1).Within(1e-13), "positive");
    }

    // ln2 of the quotient of errors at t and t / 2.
    static double Order(Func<double, double> error, double t = 0.02) => Math.Log2(error(t) / error(t / 2));

    [TestCaseSource(typeof(ManifoldSamples), nameof(Names))]
    public void Retractions_stay_on_the_manifold_and_are_of_the_order_they_claim(string name)
    {
        var (manifold, shape) = Of(name);
        var (x, v) = manifold.Place(shape, 2);
        Assert.That(manifold.Error(manifold.Retract(x, v * 0.7)), Is.LessThan(2e-14));
        Assert.That(Difference(manifold.Retract(x, v * 0.0), x), Is.LessThan(2e-15));
        if (manifold is not Euclidean)
            Assert.That(Order(t => Largest(manifold.Retract(x, v * t) - (x + v * t))), Is.GreaterThan(1.9), "of first order");
        if (!SecondOrder.Contains(name))
            return;
        if (Difference(manifold.Retract(x, v * 0.02), Exp(manifold, x, v * 0.02)) > 1e-14)
            Assert.That(Order(t => Difference(manifold.Retract(x, v * t), Exp(manifold, x, v * t))), Is.GreaterThan(2.8),
                "of second order");
    }

    [TestCaseSource(nameof(Geodesics))]
    public void Along_a_geodesic_the_second_derivative_of_a_cost_is_its_Hessian(string name)
    {
        // This ties Exp, Hessian and Gradient to each other, and they to the metric: for a geodesic, d^2 f / dt^2 = <Hess f v, v>.
        var (manifold, shape) = Of(name);
        var (x, v) = manifold.Place(shape, 5);
        var weights = Random(shape, seed: 6);
        // On subspaces a cost of the subspace: of x x^T.
        Tensor Cost(Tensor at) => manifold is Grassmann
            ? (at.MatMul(at.T).Exp() * Random([shape[0], shape[0]], seed: 6)).Sum()
            : ((at * 1.3).Sin() * weights + at.Square() * weights.Square()).Sum();
        Tensor Hessian(Tensor along)
            => manifold.Hessian(x, Derivatives.Gradient(Cost, x), Derivatives.HessianVectorProduct(Cost, x, along), along);
        double At(double t) => Cost(Exp(manifold, x, v * t)).Item();
        const double h = 0.005;
        var second = (-At(2 * h) + 16 * At(h) - 30 * At(0) + 16 * At(-h) - At(-2 * h)) / (12 * h * h);
        Assert.That(manifold.Product(x, Hessian(v), v), Is.EqualTo(second).Within(2e-7));
        var first = (At(-2 * h) - 8 * At(-h) + 8 * At(h) - At(2 * h)) / (12 * h);
        Assert.That(manifold.Product(x, manifold.Gradient(x, Derivatives.Gradient(Cost, x)), v), Is.EqualTo(first).Within(1e-8));
        var (_, w) = manifold.Place(shape, 5);
        w = manifold.Project(x, Random(shape, seed: 77));
        Assert.That(manifold.Product(x, Hessian(v), w), Is.EqualTo(manifold.Product(x, v, Hessian(w))).Within(1e-12), "symmetric");
        Assert.That(Difference(manifold.Project(x, Hessian(v)), Hessian(v)), Is.LessThan(1e-13), "tangent");
    }

    [TestCaseSource(nameof(Geodesics))]
    public void Geodesics_stay_and_have_constant_speed(string name)
    {
        var (manifold, shape) = Of(name);
        var (x, v) = manifold.Place(shape, 3);
        Assert.That(manifold.Error(Exp(manifold, x, v * 1.5)), Is.LessThan(5e-14));
        double SpeedAt(double t)
        {
            const double h = 0.01;
            Tensor At(double s) => Exp(manifold, x, v * s);
            var velocity = (At(t - 2 * h) - At(t - h) * 8.0 + At(t + h) * 8.0 - At(t + 2 * h)) * (1 / (12 * h));
            return Math.Sqrt(manifold.Product(At(t), velocity, velocity));
        }
        Assert.That(SpeedAt(0.9), Is.EqualTo(1).Within(1e-7));
    }

    [Test]
    public void Log_is_the_inverse_of_Exp_and_has_the_length_of_the_distance([ValueSource(nameof(Geodesic))] string name,
        [Values(1e-3, 0.9)] double length)
    {
        var (manifold, shape) = Of(name);
        var geodesic = (IGeodesicManifold)manifold;
        var (x, v) = manifold.Place(shape, 4);
        v *= length;
        var y = geodesic.Exp(x, v);
        Assert.That(Difference(geodesic.Log(x, y), v), Is.LessThan(1e-13));
        Assert.That(geodesic.Distance(x, y).Norm().Item(), Is.EqualTo(length).Within(1e-13));
        Assert.That(geodesic.Distance(x, y).Shape, Is.EqualTo(manifold.Inner(x, v, v).Shape));
        Assert.That(Largest(geodesic.Log(x, x)), Is.LessThan(1e-14));
    }

    [TestCaseSource(typeof(ManifoldSamples), nameof(Names))]
    public void Transported_vectors_are_tangent_and_where_claimed_keep_their_products(string name)
    {
        var (manifold, shape) = Of(name);
        var (x, v) = manifold.Place(shape, 7);
        var (y, w) = (manifold.Retract(x, v * 0.8), manifold.Project(x, Random(shape, seed: 9)));
        var (tv, tw) = (manifold.Transport(x, y, v), manifold.Transport(x, y, w));
        Assert.That(Difference(manifold.Project(y, tw), tw), Is.LessThan(2e-14));
        Assert.That(Difference(manifold.Transport(x, x, w), w), Is.LessThan(2e-14), "to the same point");
        if (Isometric.Contains(name))
        {
            Assert.That(manifold.Product(y, tv, tw), Is.EqualTo(manifold.Product(x, v, w)).Within(1e-13));
            Assert.That(manifold.Product(y, tw, tw), Is.EqualTo(manifold.Product(x, w, w)).Within(1e-13));
        }
    }

    [TestCaseSource(typeof(ManifoldSamples), nameof(Names))]
    public void The_nearest_point_differs_by_a_normal_vector(string name)
    {
        var (manifold, shape) = Of(name);
        var (x, _) = manifold.Place(shape, 6);
        Assert.That(Difference(manifold.ProjectOnto(x), x), Is.LessThan(5e-15));
        var far = x + Random(shape, seed: 10) * 0.2;
        var y = manifold.ProjectOnto(far);
        Assert.That(manifold.Error(y), Is.LessThan(1e-14));
        Assert.That(Largest(manifold.Project(y, far - y)), Is.LessThan(1e-14));
    }

    [TestCaseSource(typeof(ManifoldSamples), nameof(Names))]
    public void A_batch_is_point_by_point(string name)
    {
        var (manifold, shape) = Of(name);
        Shape batch = [2, .. shape];
        var (x, v) = manifold.Place(batch, 8);
        var w = manifold.Project(x, Random(batch, seed: 11));
        var y = manifold.Retract(x, v);
        Func<Tensor[], Tensor>[] functions =
        [
            at => at[1], at => manifold.Transport(at[0], at[1], at[2]), at => manifold.Inner(at[0], at[2], at[3]),
            at => manifold.Deviation(at[0]), at => manifold.Gradient(at[0], at[3]), at => manifold.ProjectOnto(at[0] + at[2]),
            at => manifold.Hessian(at[0], at[2], at[3], at[2]),
        ];
        foreach (var (k, function) in functions.Index())
        {
            var all = function([x, y, v, w]);
            for (var i = 0; i < 2; i++)
                Assert.That(Difference(all.Select(0, i), function([x.Select(0, i), y.Select(0, i), v.Select(0, i), w.Select(0, i)])),
                    Is.LessThan(3e-14), $"{k}");
        }
    }

    [Test]
    public void Complex_points_are_unitary_too([Values(0, 1, 2, 3, 4, 5)] int which)
    {
        (Manifold Manifold, int[] Shape)[] all =
        [
            (new Sphere(), [4]),
            (new Stiefel(), [5, 2]),
            (new Stiefel(StiefelMetric.Canonical, StiefelRetraction.Cayley), [6, 2]),
            (new OrthogonalGroup(StiefelRetraction.Exponential), [3, 3]),
            (new Grassmann(), [5, 2]),
            (new PositiveDefinite(), [3, 3]),
        ];
        var (manifold, shape) = all[which];
        var (x, v) = manifold.Place(shape, 2, DType.Complex128);
        var y = manifold.Retract(x, v);
        Assert.That(manifold.Error(x), Is.LessThan(1e-14));
        Assert.That(manifold.Error(y), Is.LessThan(1e-14));
        Assert.That(Order(t => Largest(manifold.Retract(x, v * t) - (x + v * t))), Is.GreaterThan(1.9));
        var g = Random(shape, DType.Complex128, 5);
        Assert.That(manifold.Product(x, manifold.Gradient(x, g), v), Is.EqualTo(Dot(g, v)).Within(1e-13));
        var transported = manifold.Transport(x, y, v);
        Assert.That(Difference(manifold.Project(y, transported), transported), Is.LessThan(1e-14));
        if (manifold is IGeodesicManifold geodesic)
            Assert.That(Difference(geodesic.Log(x, geodesic.Exp(x, v * 0.8)), v * 0.8), Is.LessThan(1e-13));
    }

    [TestCaseSource(typeof(ManifoldSamples), nameof(Names))]
    public void Retractions_and_gradients_are_differentiable(string name)
    {
        var (manifold, shape) = Of(name);
        var (x, v) = manifold.Place(shape, 9);
        CheckGradient(at => manifold.Retract(at[0], at[1]), [x, v * 0.3]);
        CheckGradient(at => manifold.Gradient(at[0], at[1]), [x, v * 0.3]);
    }

    [Test]
    public void The_nearest_rotation_to_a_reflection_turns_the_weakest_direction()
    {
        var x = Tensor.From(new double[,] { { 3, 0, 0 }, { 0, -0.5, 0 }, { 0, 0, 2 } });
        Assert.That(Difference(new OrthogonalGroup(special: true).ProjectOnto(x), Tensor.Eye(3, dtype: DType.Float64)), Is.LessThan(1e-15));
        Assert.That(new OrthogonalGroup(special: true).Error(new OrthogonalGroup().ProjectOnto(x)), Is.EqualTo(2).Within(1e-14));
    }

    [Test]
    public void Angles_are_accurate_from_tiny_to_nearly_opposite([Values(1e-9, 1e-3, 1.0, 3.0, 3.14)] double angle)
    {
        var (cos, sin) = (Math.Cos(angle), Math.Sin(angle));
        var turn = Tensor.From(new double[,] { { cos, -sin, 0 }, { sin, cos, 0 }, { 0, 0, 1 } });
        var eye = Tensor.Eye(3, dtype: DType.Float64);
        // Near the half turn I + q is nearly singular in the plane of the turn, and the polar factor carries its rounding.
        var loss = 1 / (Math.PI - angle);
        Assert.That(new OrthogonalGroup().Distance(eye, turn).Item(), Is.EqualTo(Math.Sqrt(2) * angle).Within(2e-14 * loss));
        Assert.That(new OrthogonalGroup().Log(eye, turn).Select(0, 1).Select(0, 0).Item(), Is.EqualTo(angle).Within(2e-14 * loss));
        var (x, y) = (Tensor.From(new[] { 1.0, 0, 0 }), Tensor.From(new[] { cos, sin, 0 }));
        Assert.That(new Sphere().Distance(x, y).Item(), Is.EqualTo(angle).Within(1e-15 + 2e-16 * angle));
        Assert.That(Difference(new Sphere().Log(x, y), Tensor.From(new[] { 0, angle, 0 })), Is.LessThan(1e-15 + 2e-16 * angle));
        if (angle < Math.PI / 2)
            Assert.That(new Grassmann().Distance(x.Unsqueeze(1), y.Unsqueeze(1)).Item(), Is.EqualTo(angle).Within(1e-15));
    }

    [Test]
    public void A_subspace_does_not_depend_on_its_basis()
    {
        var manifold = new Grassmann();
        var (x, v) = manifold.Place([6, 3], 2);
        var q = Tensor.Haar([3, 3], new(4), dtype: DType.Float64);
        Assert.That(Difference(manifold.Retract(x.MatMul(q), v.MatMul(q)), manifold.Retract(x, v).MatMul(q)), Is.LessThan(1e-14));
        Assert.That(manifold.Distance(x, x.MatMul(q)).Item(), Is.LessThan(1e-14));
        var y = manifold.Sample([6, 3], new(5), DType.Float64);
        Assert.That(manifold.Distance(x.MatMul(q), y).Item(), Is.EqualTo(manifold.Distance(x, y).Item()).Within(1e-14));
        Assert.That(manifold.Distance(x, manifold.Exp(x, manifold.Log(x, y))).Item(),
            Is.EqualTo(manifold.Distance(x, y).Item()).Within(1e-13));
        Assert.That(manifold.Distance(y, manifold.Exp(x, manifold.Log(x, y))).Item(), Is.LessThan(1e-12));
    }

    [Test]
    public void The_factors_of_a_product_come_back()
    {
        var (manifold, shape) = Of("Product");
        var product = (Product)manifold;
        var x = product.Sample([4, .. shape], new(1), DType.Float64);
        var parts = product.Unpack(x);
        Assert.That(parts.Select(part => $"{part.Shape}"), Is.EqualTo(new[] { "[4, 3]", "[4, 2, 4, 2]", "[4, 2]" }));
        Assert.That(Difference(product.Pack(parts), x), Is.Zero);
    }

    [Test]
    public void Misuse_is_named()
    {
        var x = Tensor.Ones([3, 4]);
        Assert.That(() => new Stiefel().Retract(x, x), Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo(
            "Stiefel.Retract: x is of shape [3, 4]; expected [..., rows, columns] with rows >= columns >= 1."));
        Assert.That(() => new Sphere().Project(x, Tensor.Ones([4])), Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo(
            $"Sphere.Project: u is Float32 [4] on {Device.Cpu}; expected Float32 [3, 4] on {Device.Cpu}, like x."));
        Assert.That(() => new Sphere().Distance(x, Tensor.Ones([3, 4], DType.Float64)), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new Sphere().Exp(x, Tensor.Ones([3, 4], DType.Float32, GpuDevice.Simulator)),
            Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new OrthogonalGroup().Transport(x, x, x), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new PositiveDefinite().Error(x), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new Grassmann().Sample([2, 3], new(1)), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new Sphere().Sample([3], new(1), DType.Int64), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new Sphere().Deviation(Tensor.Zeros([3], DType.Int64)), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new OrthogonalGroup(special: true).Sample([2, 2], new(1), DType.Complex64),
            Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new Product(), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new Product((new Stiefel(), [2, 3])), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new Product((new Sphere(), [3])).Pack(x), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new Product((new Sphere(), [4])).Pack(x, x), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new MatrixView(new Sphere()), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new MatrixView(new Stiefel(), 1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new MatrixView(new OrthogonalGroup(), 3).Project(Tensor.Ones([4, 3, 2]), Tensor.Ones([4, 3, 2])),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("[..., outputs, inputs, *] whose matrices"));
        Assert.That(() => new Stiefel((StiefelMetric)7), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Stiefel(retraction: (StiefelRetraction)7), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    static IEnumerable<string> Gpus => Devices.Kinds.Where(kind => kind != "Cpu");

    [TestCaseSource(nameof(Gpus)), Category("Devices")]
    public void Devices_give_the_bits_of_the_cpu(string kind)
    {
        foreach (var (name, manifold, shape) in All)
        {
            var x = manifold.Sample(shape, new(3));
            var v = manifold.Project(x, Random(shape, DType.Float32, 4)) * 0.3;
            float[][] On(Device device)
            {
                var (at, along) = (x.To(device), v.To(device));
                var y = manifold.Retract(at, along);
                Tensor[] results = [y, manifold.Transport(at, y, along), manifold.Gradient(at, along), manifold.Inner(at, along, along),
                    manifold.Deviation(at)];
                return [.. results.Select(result => result.ToArray<float>())];
            }
            Assert.That(On(Devices.Of(kind)), Is.EqualTo(On(Device.Cpu)), name);
        }
    }
}
