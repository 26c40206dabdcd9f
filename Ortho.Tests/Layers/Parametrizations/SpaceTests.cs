using System.Numerics;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers.Parametrizations;

/// <summary>What single sets promise beyond what all do.</summary>
[TestFixture]
public class SpaceTests
{
    [Test]
    public void Orthonormal_bases_are_those_of_their_transforms()
    {
        foreach (var n in (int[])[1, 2, 8, 64])
        {
            foreach (var basis in (Tensor[])[OrthogonalBases.Hadamard(n, DType.Float64), OrthogonalBases.HaarWavelet(n, DType.Float64)])
            {
                Assert.That(Skewness(basis), Is.LessThan(1e-14));
                Assert.That(Difference(basis.Select(0, 0), Tensor.Full([n], 1 / Math.Sqrt(n), DType.Float64)), Is.LessThan(1e-15),
                    "the constant comes first");
            }
        }
        var root = Math.Sqrt(0.5);
        Assert.That(Difference(OrthogonalBases.Hadamard(4, DType.Float64),
            Tensor.From(new double[,] { { 1, 1, 1, 1 }, { 1, -1, 1, -1 }, { 1, 1, -1, -1 }, { 1, -1, -1, 1 } }) * 0.5), Is.LessThan(1e-15));
        Assert.That(Difference(OrthogonalBases.HaarWavelet(4, DType.Float64),
            Tensor.From(new double[,] { { 0.5, 0.5, 0.5, 0.5 }, { 0.5, 0.5, -0.5, -0.5 }, { root, -root, 0, 0 }, { 0, 0, root, -root } })),
                Is.LessThan(1e-15));
        Assert.That(() => OrthogonalBases.Hadamard(6), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => OrthogonalBases.HaarWavelet(0), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void A_known_basis_is_the_start_of_a_learnt_one()
    {
        foreach (var basis in (Tensor[])[OrthogonalBases.Hadamard(8), Tensor.DctMatrix(8).T])
        {
            var map = new DynamicTrivialization(new MatrixExponential(), basis);
            Assert.That(Difference(map.Forward(Tensor.Zeros([8, 8])), basis), Is.LessThan(1e-7));
        }
    }

    [Test]
    public void The_logarithm_of_half_turns_and_repeated_angles_is_real_and_right()
    {
        Tensor Turns(params double[] angles) => Tensor.BlockDiag([.. angles.Select(angle =>
            Tensor.From(new[,] { { Math.Cos(angle), -Math.Sin(angle) }, { Math.Sin(angle), Math.Cos(angle) } }))]);

        var map = new MatrixExponential();
        foreach (double[] angles in (double[][])[[Math.PI], [Math.PI, Math.PI], [Math.PI, Math.PI, 1], [1, 1, 1], [1, -1, 0],
            [Math.PI - 1e-5, 0.3], [0, 0, 0], [1e-9, 2]])
        {
            for (var seed = 1; seed < 4; seed++)
            {
                var basis = Unitary(2 * angles.Length, DType.Float64, seed);
                var q = basis.MatMul(Turns(angles)).MatMul(basis.T);
                var free = map.Inverse(q);
                Assert.That(Difference(map.Forward(free), q), Is.LessThan(1e-13), string.Join(", ", angles));
                Assert.That(Difference(free, -free.T), Is.LessThan(1e-14));
                Assert.That(Wide(free).Norm().Item(), Is.LessThan(Math.Sqrt(2 * angles.Sum(angle => angle * angle)) + 1e-9),
                    "the principal one");
            }
        }
    }

    [Test]
    public void Antipodes_of_the_first_coordinates_have_geodesics()
    {
        // Angles of pi with no direction in the data, of 0 and in between.
        var map = new MatrixExponential();
        foreach (var q in (Tensor[])
        [
            Tensor.From(new double[,] { { -1 }, { 0 }, { 0 } }), Tensor.From(new double[,] { { -1, 0 }, { 0, 1 }, { 0, 0 } }),
            Tensor.From(new double[,] { { 0, 0 }, { 0, 0 }, { 1, 0 }, { 0, 1 } }),
                Tensor.From(new double[,] { { 0, 1 }, { 1, 0 }, { 0, 0 } }),
        ])
            Assert.That(Difference(map.Forward(map.Inverse(q)), q), Is.LessThan(1e-14));
    }

    [Test]
    public void A_tall_exponential_is_the_exponential_of_the_square_matrices_it_does_not_form()
    {
        var free = Random([7, 3], seed: 2);
        var (top, b) = (free.Narrow(0, 0, 3), free.Narrow(0, 3, 4));
        var square = Tensor.Concat([Tensor.Concat([Tensor.Zeros([3, 3], DType.Float64), -b.T], 1),
            Tensor.Concat([b, Tensor.Zeros([4, 4], DType.Float64)], 1)], 0);
        var expected = square.MatrixExp().Narrow(1, 0, 3).MatMul(((top - top.T) * 0.5).MatrixExp());
        Assert.That(Difference(new MatrixExponential().Forward(free), expected), Is.LessThan(1e-14));
    }

    [Test]
    public void Every_kind_of_sign_is_taken_up_by_the_angles_of_a_mesh()
    {
        foreach (var n in (int[])[2, 3, 4, 5, 6, 9])
        {
            for (var bits = 0; bits < 1 << n; bits++)
            {
                if (BitOperations.PopCount((uint)bits) % 2 != 0)
                    continue;
                var signs = Tensor.From([.. Enumerable.Range(0, n).Select(k => (bits >> k & 1) == 0 ? 1.0 : -1)], [n]).DiagEmbed();
                Assert.That(Difference(new Givens().Forward(new Givens().Inverse(signs)), signs), Is.LessThan(1e-14));
                if (int.IsPow2(n))
                    Assert.That(Difference(new Butterfly(n).Forward(new Butterfly(n).Inverse(signs)), signs), Is.LessThan(1e-14));
            }
        }
        // A layer with one angle: rows 1 and 2 of 4.
        var angles = Tensor.Zeros([4, 2], DType.Float64);
        angles.Select(0, 1).Select(0, 0).CopyFrom(Tensor.Scalar(0.3));
        var (cosine, sine) = (Math.Cos(0.3), Math.Sin(0.3));
        Assert.That(Difference(new Givens().Forward(angles),
            Tensor.From(new[,] { { 1, 0, 0, 0 }, { 0, cosine, -sine, 0 }, { 0, sine, cosine, 0 }, { 0, 0, 0, 1 } })), Is.LessThan(1e-16));
    }

    [Test]
    public void A_butterfly_is_not_every_rotation_and_says_so()
    {
        var q = Tensor.Haar([8, 8], new(3), special: true, dtype: DType.Float64);
        Assert.That(new Butterfly(8).Error(q), Is.GreaterThan(0.1));
        Assert.That(() => new Butterfly(8).Inverse(q), Throws.TypeOf<TensorArgumentException>());
    }

    [Test]
    public void A_subspace_comes_back_from_any_of_its_bases()
    {
        var set = new Grassmann();
        var q = set.Sample([6, 2], new(1), DType.Float64);
        var other = q.MatMul(Unitary(2, DType.Float64, 4));
        Assert.That(Difference(set.Forward(set.Inverse(q)), set.Forward(set.Inverse(other))), Is.LessThan(1e-14));
    }

    [Test]
    public void Bands_ranks_determinants_and_margins_are_kept_far_from_the_start()
    {
        double[] Values(Tensor x) => x.SingularValues().ToArray<double>();
        var large = Random([9, 3], seed: 2) * 30.0;
        Assert.That(Values(new AlmostOrthogonal(5, 3, 0.3).Forward(large)), Has.All.InRange(0.7 - 1e-14, 1.3 + 1e-14));
        Assert.That(Values(new LowRank(5, 3, 2).Forward(Random([9, 2], seed: 4) * 30.0))[2], Is.LessThan(1e-12));
        Assert.That(new SpecialLinear(4).Forward(Random([9, 4], seed: 5) * 3.0).Det().Item(), Is.EqualTo(1).Within(1e-10));
        Assert.That(new GeneralLinearPlus(4).Forward(Random([9, 4], seed: 5) * 3.0).Det().Item(), Is.Positive);
        Assert.That(new Hurwitz(0.5).Forward(Random([8, 4], seed: 6) * 3.0).EigVals().Real().Max().Item(), Is.LessThan(-0.5));
        Assert.That(new PositiveDefinite().Forward(Random([4, 4], seed: 6) * 3.0).EigValsh().Min().Item(), Is.Positive);
    }

    [Test]
    public void What_is_on_the_edge_of_an_open_set_is_not_reached()
    {
        foreach (var (set, edge) in ((IParametrization, Tensor)[])
        [
            (new FixedRank(3, 3, 2), Tensor.From(new double[,] { { 1, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } })),
            (new PositiveDefinite(), Tensor.From(new double[,] { { 1, 0 }, { 0, 0 } })),
            (new GeneralLinearPlus(2), Tensor.From(new double[,] { { 1, 0 }, { 0, 0 } })),
        ])
        {
            Assert.That(set.Error(edge), Is.LessThan(1e-15));
            Assert.That(() => set.Inverse(edge), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("not reached"));
        }
    }

    [Test]
    public void Weight_norm_splits_length_and_direction()
    {
        var free = Tensor.From(new double[,] { { 3, 4, 10 }, { 0, 2, -1 } });
        Assert.That(Difference(new WeightNorm().Forward(free), Tensor.From(new double[,] { { 6, 8 }, { 0, -1 } })), Is.LessThan(1e-15));
        var zero = new WeightNorm().Inverse(Tensor.Zeros([2, 2], DType.Float64));
        Assert.That(Difference(new WeightNorm().Forward(zero), Tensor.Zeros([2, 2], DType.Float64)), Is.Zero);
        Assert.That(zero.ToArray<double>(), Is.EqualTo(new double[] { 1, 0, 0, 1, 0, 0 }), "with a direction to grow in");
    }

    [Test]
    public void Structures_have_the_elements_of_their_definitions()
    {
        var circulant = new Circulant(3).Forward(Tensor.From([1.0, 2, 3], [3]));
        Assert.That(Difference(circulant, Tensor.From(new double[,] { { 1, 3, 2 }, { 2, 1, 3 }, { 3, 2, 1 } })), Is.Zero);
        var free = Random([13], seed: 3);
        var kronecker = new Kronecker((2, 2), (3, 3)).Forward(free);
        Assert.That(Difference(kronecker, free.Narrow(0, 0, 4).Reshape(2, 2).Kron(free.Narrow(0, 4, 9).Reshape(3, 3))), Is.Zero);
        // n = 6 = 2 x 3: element (i, j), (k, l) is L[j, i, k] R[k, j, l].
        var numbers = Random([30], seed: 4);
        var (monarch, values) = (new Monarch(2, 3).Forward(numbers).ToArray<double>(), numbers.ToArray<double>());
        for (var place = 0; place < 36; place++)
        {
            var (i, j, k, l) = (place / 18, place / 6 % 3, place % 6 / 3, place % 3);
            Assert.That(monarch[place], Is.EqualTo(values[18 + (j * 2 + i) * 2 + k] * values[(k * 3 + j) * 3 + l]).Within(1e-16));
        }
    }

    [Test]
    public void Bad_sizes_are_refused()
    {
        Assert.That(() => new LowRank(3, 4, 4), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new LowRank(0, 4, 1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new AlmostOrthogonal(3, 4, 0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new FixedRankSemidefinite(3, 4), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new PositiveSemidefinite(0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Hurwitz(-1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Sphere(0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Butterfly(6), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Circulant(0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Monarch(0, 2), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Kronecker((0, 2), (1, 1)), Throws.TypeOf<ArgumentException>());
        Assert.That(() => new Product(3), Throws.TypeOf<ArgumentException>());
        Assert.That(() => new Product(3, (2, new SpectralNorm([2, 3], new(1)))), Throws.TypeOf<ArgumentException>());
        // A map with buffers would keep them from the state.
        var stateful = new DynamicTrivialization(new Cayley(), Tensor.Eye(3));
        foreach (var make in (Func<object>[])
        [
            () => new SpecialOrthogonal(stateful), () => new LowRank(3, 3, 3, stateful), () => new FixedRankSemidefinite(3, 3, stateful),
            () => new Kronecker((3, 3), (3, 3), stateful), () => new Monarch(3, 3, stateful), () => new DynamicTrivialization(stateful, Tensor.Eye(3)),
        ])
            Assert.That(() => make(), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("DynamicTrivialization, which has buffers"));
        Assert.That(() => Householder.Decompose(Tensor.Ones([3, 2])), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => Householder.Decompose(Tensor.Eye(2, 3)), Throws.TypeOf<TensorArgumentException>());
    }
}
