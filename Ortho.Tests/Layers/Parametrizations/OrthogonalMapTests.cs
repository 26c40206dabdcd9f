using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers.Parametrizations;

[TestFixture]
public class OrthogonalMapTests
{
    static readonly (string Name, IOrthogonalParametrization Map)[] Maps =
        [("Cayley", new Cayley()), ("Householder", new Householder()), ("Bjorck", new Bjorck(30)),
            ("MatrixExponential", new MatrixExponential()),
            ("Qr", new Qr()), ("Polar", new Polar())];

    static readonly (int Rows, int Columns)[] Shapes = [(1, 1), (3, 1), (4, 4), (7, 3), (33, 17), (64, 64)];

    static IEnumerable<string> Names => Maps.Select(map => map.Name);

    static IOrthogonalParametrization Of(string name) => Maps.First(map => map.Name == name).Map;

    // A few roundings per row: what a matrix product of this size loses.
    static double Tolerance(DType dtype, int rows) => 8 * Unit(dtype) * (2 + Math.Sqrt(rows));

    [Test]
    public void Random_numbers_give_orthonormal_columns([ValueSource(nameof(Names))] string name,
        [Values(DType.Float32, DType.Float64)] DType dtype)
    {
        foreach (var (rows, columns) in Shapes)
        {
            for (var seed = 0; seed < 3; seed++)
            {
                var q = Of(name).Forward(Random([rows, columns], dtype, seed));
                Assert.That((q.Shape, q.DType), Is.EqualTo((Shape.Create([rows, columns]), dtype)));
                Assert.That(Skewness(q), Is.LessThan(Tolerance(dtype, rows)), $"{rows} x {columns}, seed {seed}");
            }
        }
    }

    [Test]
    public void Extreme_numbers_give_orthonormal_columns([Values("Cayley", "Householder")] string name,
        [Values(DType.Float32, DType.Float64)] DType dtype,
        [Values("zeros", "large", "small", "duplicates", "one entry")] string kind)
    {
        foreach (var (rows, columns) in Shapes)
        {
            var free = Random([rows, columns], dtype, 4);
            free = kind switch
            {
                "zeros" => free * 0.0,
                "large" => free * 1e3,
                "small" => free * 1e-4,
                "duplicates" => free.Slice(1, 0, 1).Expand(rows, columns).Clone(),
                _ => free * Tensor.Eye(rows, columns, dtype).Slice(1, 0, 1),
            };
            // Cancellation in Cayley's V^T V and in long chains of equal reflections, whose triangle's inverse has elements
            // of size 4 everywhere, costs a few roundings more, measured up to twelve-fold.
            // The condition number of I + A, up to 1e7 here, does not enter: what is lost is the angle of Q, not its orthogonality.
            Assert.That(Skewness(Of(name).Forward(free)), Is.LessThan(16 * Tolerance(dtype, rows)), $"{rows} x {columns}");
        }
    }

    [Test]
    public void Random_weights_of_layers_are_orthogonal_to_float32_at_any_size([ValueSource(nameof(Names))] string name,
        [Values("128x128", "96x80", "200x24")] string size)
    {
        // Large square matrices have eigenvalues near -1, where Cayley's inverse is as ill-conditioned as they are near.
        int[] shape = [.. size.Split('x').Select(int.Parse)];
        var free = Of(name).Inverse(Of(name).Sample(shape, new(3), DType.Float64)).To(DType.Float32);
        Assert.That(Ortho.Layers.Certification.Spectrum.OfMatrix(Of(name).Forward(free)).OrthogonalityError, Is.LessThan(3e-6));
    }

    [Test]
    public void Bjorck_does_not_depend_on_the_scale([Values(1e-6, 1e6)] double scale, [Values(DType.Float32, DType.Float64)] DType dtype)
    {
        foreach (var (rows, columns) in Shapes)
            Assert.That(Skewness(new Bjorck(30).Forward(Random([rows, columns], dtype, 4) * scale)), Is.LessThan(Tolerance(dtype, rows)),
                $"{rows} x {columns}");
    }

    [Test]
    public void Forward_of_Inverse_is_the_identity_on_Haar_matrices([ValueSource(nameof(Names))] string name,
        [Values(DType.Float32, DType.Float64)] DType dtype)
    {
        foreach (var (rows, columns) in Shapes)
        {
            for (var seed = 0UL; seed < 3; seed++)
            {
                var q = Tensor.Haar([rows, columns], new(seed), dtype: dtype);
                // Square Cayley matrices and exponentials are rotations, and 1 x 1 rotations are 1.
                if (name is "Cayley" or "MatrixExponential" && rows == columns)
                    q = Rotation(q);
                // An eigenvalue at distance d from -1 costs Cayley 1/d^2 or so.
                // The logarithm's eigenvectors are as good as the gaps between eigenvalues, 1 / rows^2 at worst here.
                var loss = name switch { "Cayley" => 1e3, "MatrixExponential" => 10, _ => 1 };
                Assert.That(Difference(Of(name).Forward(Of(name).Inverse(q)), q), Is.LessThan(loss * Tolerance(dtype, rows)),
                    $"{rows} x {columns}, seed {seed}");
            }
        }
    }

    // The Cayley image of a random skew matrix, made here in float64: no eigenvalue near -1.
    static Tensor Rotation(Tensor like)
    {
        var n = like.Shape[0];
        var skew = Wide(like) - Wide(like).T;
        var eye = Tensor.Eye(n, dtype: DType.Float64);
        return (eye - skew).MatMul((eye + skew).Inverse()).To(like.DType);
    }

    [Test]
    public void Identity_and_rotations_by_permutation_are_reached([ValueSource(nameof(Names))] string name,
        [Values(DType.Float32, DType.Float64)] DType dtype)
    {
        foreach (var (rows, columns) in Shapes)
        {
            var eye = Tensor.Eye(rows, columns, dtype);
            Assert.That(Difference(Of(name).Forward(Of(name).Inverse(eye)), eye), Is.LessThan(Tolerance(dtype, rows)),
                $"I {rows} x {columns}");
        }
        // The cyclic shift of 5: a rotation whose eigenvalues are the fifth roots of 1, none of them -1.
        var shift = Tensor.Zeros([5, 5], dtype);
        using (Graph.NoGrad())
        {
            for (var i = 0; i < 5; i++)
                shift.Select(0, i).Select(0, (i + 1) % 5).CopyFrom(Tensor.Ones([], dtype));
        }
        Assert.That(Difference(Of(name).Forward(Of(name).Inverse(shift)), shift), Is.LessThan(Tolerance(dtype, 5) * 4));
    }

    [Test]
    public void Reflections_are_reached_by_all_but_Cayley([Values("Householder", "Bjorck")] string name)
    {
        var swap = Tensor.From(new double[,] { { 0, 1, 0 }, { 1, 0, 0 }, { 0, 0, 1 } });
        Assert.That(Difference(Of(name).Forward(Of(name).Inverse(swap)), swap), Is.LessThan(1e-15));
        Assert.That(Difference(Of(name).Forward(Of(name).Inverse(-swap)), -swap), Is.LessThan(1e-15));
    }

    [Test]
    public void What_a_map_does_not_reach_is_an_error()
    {
        // I + Q is singular; the logarithm of a reflection is not real.
        Assert.That(() => new Cayley().Inverse(-Tensor.Eye(4, dtype: DType.Float64)),
            Throws.TypeOf<TensorArgumentException>().With.Message.StartsWith("Cayley.Inverse: value is not reached by finite numbers (the map comes within")
                .And.Message.Contains("does not have the eigenvalue -1"));
        Assert.That(() => new MatrixExponential().Inverse(-Tensor.Eye(3, dtype: DType.Float64)),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("a rotation (determinant 1)"));
    }

    [Test]
    public void Square_Cayley_matrices_are_rotations()
    {
        var q = new Cayley().Forward(Random([5, 5], DType.Float64, 1));
        Assert.That(Determinant(q), Is.EqualTo(1).Within(1e-13));
        Assert.That(Determinant(new Householder().Forward(Random([5, 5], DType.Float64, 1))), Is.EqualTo(-1).Within(1e-13),
            "five reflections");
    }

    static double Determinant(Tensor matrix)
    {
        var (n, a, product) = (matrix.Shape[0], matrix.ToArray<double>(), 1.0);
        for (var k = 0; k < n; k++)
        {
            var pivot = Enumerable.Range(k, n - k).MaxBy(i => Math.Abs(a[i * n + k]));
            if (pivot != k)
            {
                product = -product;
                for (var j = 0; j < n; j++)
                    (a[k * n + j], a[pivot * n + j]) = (a[pivot * n + j], a[k * n + j]);
            }
            product *= a[k * n + k];
            for (var i = k + 1; i < n; i++)
            {
                var factor = a[i * n + k] / a[k * n + k];
                for (var j = k; j < n; j++)
                    a[i * n + j] -= factor * a[k * n + j];
            }
        }
        return product;
    }

    [Test]
    public void Gradients_of_both_orders_match_central_differences([ValueSource(nameof(Names))] string name)
    {
        foreach (Shape shape in new int[][] { [1, 1], [3, 1], [3, 3], [5, 3] })
        {
            // Near an orthogonal matrix, so that Bjorck has converged and its scale does not matter, as it promises.
            var free = name == "Bjorck" ? Tensor.Haar(shape, new(3), dtype: DType.Float64) + Random(shape, seed: 6) * 0.1
                : Random(shape, seed: 6);
            CheckGradient(x => Of(name).Forward(x[0]), [free], order: 2);
        }
    }

    [Test]
    public void A_batch_is_mapped_matrix_by_matrix([ValueSource(nameof(Names))] string name)
    {
        foreach (var (rows, columns) in new[] { (4, 4), (7, 3) })
        {
            var free = Random([2, 3, rows, columns], DType.Float64, 7);
            var q = Of(name).Forward(free);
            for (var i = 0; i < 6; i++)
                Assert.That(Difference(q.Select(0, i / 3).Select(0, i % 3), Of(name).Forward(free.Select(0, i / 3).Select(0, i % 3))),
                    Is.LessThan(2e-15));
        }
    }

    [Test]
    public void A_wide_matrix_is_the_adjoint_of_a_tall_one([ValueSource(nameof(Names))] string name)
    {
        var free = Random([2, 3, 5], DType.Float64, 3);
        Assert.That(Difference(Of(name).Forward(free), Of(name).Forward(free.T).T), Is.Zero);
        var q = Of(name).Sample([2, 3, 5], new(4), DType.Float64);
        Assert.That(Difference(Of(name).Forward(Of(name).Inverse(q)), q), Is.LessThan(1e-12));
        Assert.That(() => Of(name).Forward(Tensor.Ones([3])),
            Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo($"{name}: free is [3]; expected matrices [..., rows, columns]."));
    }

    [Test]
    public void Bjorck_needs_a_step() => Assert.That(() => new Bjorck(0), Throws.TypeOf<ArgumentOutOfRangeException>());
}
