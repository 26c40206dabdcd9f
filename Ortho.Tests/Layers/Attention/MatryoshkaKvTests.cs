using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Analysis;
using Ortho.Layers.Parametrizations;
using Ortho.Layers.Training;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

/// <summary>System 02: keys and values in the first coordinates of orthogonal bases.</summary>
[TestFixture]
public class MatryoshkaKvTests
{
    static Tensor Ranks(params long[] ranks) => Tensor.From(ranks, [ranks.Length]);

    static Tensor Rotations(int count, int n, int seed)
        => Tensor.Stack([.. Enumerable.Range(0, count).Select(k => Tensor.Haar([n, n], new Generator((ulong)(seed + k)), special: true,
            dtype: DType.Float64))]);

    // Random bases and means for an attention with random weights.
    static (MultiHeadAttention Attention, MatryoshkaKvProjection Projection) Sample(DType dtype, int sharedHeads = 2)
    {
        var attention = new MultiHeadAttention(12, 4, new(1), sharedHeads, dtype: dtype);
        foreach (var (k, parameter) in attention.Parameters().Index())
            parameter.Assign(Random(parameter.Value.Shape, dtype, k));
        var projection = new MatryoshkaKvProjection(attention);
        projection.Keys.Assign(Rotations(sharedHeads, 3, 10), Random([sharedHeads, 3], seed: 31));
        projection.Values.Assign(Rotations(sharedHeads, 3, 20), Random([sharedHeads, 3], seed: 32));
        return (attention, projection);
    }

    [Test]
    public void The_map_of_the_source_is_the_Cayley_map_of_minus_half()
    {
        // (I - A/2)^-1 (I + A/2), A = X - X^T
        static Tensor Source(Tensor x)
        {
            var (eye, half) = (Tensor.Eye(x.Shape[^1], dtype: x.DType), (x - x.T) * 0.5);
            return (eye - half).Solve(eye + half);
        }

        var turn = Tensor.From(new double[,] { { 0, 0 }, { 2, 0 } });
        Assert.That(new Cayley().Forward(turn * -0.5).ToArray<double>(), Is.EqualTo(new double[] { 0, -1, 1, 0 }).Within(1e-15));
        Assert.That(new Cayley().Forward(turn * 0.0).ToArray<double>(), Is.EqualTo(new double[] { 1, 0, 0, 1 }));
        var x = Random([3, 5, 5], seed: 1);
        Assert.That(Difference(new Cayley().Forward(x * -0.5), Source(x)), Is.LessThan(1e-14));
    }

    [Test]
    public void Bases_are_rotations_for_numbers_of_any_size([Values(0.1, 1, 10, 100)] double size)
    {
        var basis = new HeadBasis(4, 16);
        var free = Random([4, 16, 16], DType.Float32, 2);
        basis.Free.Assign(free * (float)(size / free.Norm().Item()));
        var u = basis.Basis.Detach();
        Assert.That(Skewness(u), Is.LessThan(1e-6));
        Assert.That(Wide(u).Det().ToArray<double>(), Is.All.EqualTo(1).Within(1e-5));
        CheckGradient(x => new Cayley().Forward(x[0]), [Random([2, 3, 3], seed: 3)], order: 2);
    }

    [TestCase(DType.Float32, 1e-5)]
    [TestCase(DType.Float64, 1e-11)]
    public void Bases_are_what_they_are_set_to(DType dtype, double tolerance)
    {
        var basis = new HeadBasis(4, 16, dtype);
        var rotations = Rotations(4, 16, 5);
        basis.Assign(rotations, Tensor.Zeros([4, 16], DType.Float64));
        Assert.That(Difference(basis.Basis.Detach(), rotations), Is.LessThan(tolerance));
        Assert.That(() => basis.Assign(rotations * 1.01, Tensor.Zeros([4, 16], DType.Float64)),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("Cayley.Inverse"));
        // The map itself refuses what it does not reach; HeadBasis.Assign negates a column.
        var reflection = rotations * Tensor.From([-1.0, .. Enumerable.Repeat(1.0, 15)], [16]);
        Assert.That(() => new Cayley().Inverse(reflection), Throws.TypeOf<TensorArgumentException>().With.Message.Contains("a rotation"));
    }

    static IEnumerable<TestCaseData> HardBases()
    {
        var eye = Tensor.Eye(4, dtype: DType.Float64);
        yield return new TestCaseData(-eye).SetArgDisplayNames("minus identity");
        yield return new TestCaseData(eye.Flip(0)).SetArgDisplayNames("reversal");
        yield return new TestCaseData(eye.Roll(1, 0)).SetArgDisplayNames("cycle, a reflection");
        yield return new TestCaseData(eye * Tensor.From([1.0, 1, 1, -1], [4])).SetArgDisplayNames("reflection");
        yield return new TestCaseData(Tensor.Haar([4, 4], new(3), special: true, dtype: DType.Float64) * Tensor.From([1.0, 1, -1, 1],
            [4])).SetArgDisplayNames("random reflection");
    }

    [TestCaseSource(nameof(HardBases))]
    public void Directions_out_of_reach_are_reached_up_to_signs(Tensor q)
    {
        var basis = new HeadBasis(1, 4, DType.Float64);
        basis.Assign(q.Unsqueeze(0), Tensor.Zeros([1, 4], DType.Float64));
        var u = basis.Basis.Detach().Squeeze(0);
        Assert.That(Skewness(u), Is.LessThan(1e-12));
        Assert.That(u.Det().Item(), Is.EqualTo(1).Within(1e-12));
        // Column by column q or -q.
        var products = (u * q).Sum([0]).Abs();
        Assert.That(products.ToArray<double>(), Is.All.EqualTo(1).Within(1e-9));
    }

    [Test]
    public void At_full_rank_it_is_the_attention([Values(1, 2, 4)] int sharedHeads)
    {
        var (attention, projection) = Sample(DType.Float32, sharedHeads);
        var (x, mask) = (Random([2, 5, 12], DType.Float32, 40), Attention.CausalMask(5, 5));
        Assert.That(Difference(projection.Forward(x, x, mask: mask), attention.Forward(x, x, mask)), Is.LessThan(1e-4));
        Assert.That(Difference(projection.Forward(x), attention.Forward(x)), Is.LessThan(1e-4));
        Assert.That(projection.NamedParameters().Select(named => named.Name), Is.EqualTo(new[] { "keys.mean", "keys.rotation.free",
            "values.mean", "values.rotation.free" }));
    }

    [Test]
    public void Masked_coordinates_are_sliced_ones()
    {
        var (attention, projection) = Sample(DType.Float32);
        var x = Random([2, 5, 12], DType.Float32, 40);
        var (q, k, v) = (attention.Queries(x), attention.Keys(x), attention.Values(x));
        var masked = projection.Attend(q, k, v, Ranks(2, 1), Ranks(1, 3));
        for (var head = 0; head < 4; head++)
        {
            var (shared, rk, rv) = (head / 2, new[] { 2, 1 }[head / 2], new[] { 1, 3 }[head / 2]);
            Tensor Of(Tensor heads, int which) => heads.Select(1, which);
            var (uk, uv) = (projection.Keys.Basis.Select(0, shared).Narrow(1, 0, rk), projection.Values.Basis.Select(0, shared).Narrow(1,
                0, rv));
            var (mk, mv) = (projection.Keys.Mean.Value.Select(0, shared), projection.Values.Mean.Value.Select(0, shared));
            var (ck, cv) = ((Of(k, shared) - mk).MatMul(uk), (Of(v, shared) - mv).MatMul(uv));
            // With the term that is the same for all keys.
            var logits = (Of(q, head).MatMul(uk).MatMul(ck.T) + Of(q, head).MatMul(mk.Unsqueeze(1))) / Math.Sqrt(3);
            var expected = logits.Softmax().MatMul(cv).MatMul(uv.T) + mv;
            Assert.That(Difference(Of(masked, head), expected), Is.LessThan(1e-5), $"head {head}");
        }
    }

    [Test]
    public void Tokens_one_by_one_give_what_all_at_once_give([Values(1, 3)] int atOnce, [Values] bool uniform)
    {
        var (attention, projection) = Sample(DType.Float32);
        var x = Random([2, 6, 12], DType.Float32, 40);
        var (q, k, v) = (attention.Queries(x), attention.Keys(x), attention.Values(x));
        int[] keyRanks = uniform ? [2, 2] : [2, 1], valueRanks = uniform ? [2, 2] : [3, 1];
        var all = projection.Attend(q, k, v, Ranks([.. keyRanks.Select(r => (long)r)]), Ranks([.. valueRanks.Select(r => (long)r)]),
            Attention.CausalMask(6, 6)).Detach();
        var cache = projection.NewCache(keyRanks, valueRanks);
        for (var t = 0; t < 6; t += atOnce)
        {
            using var scope = new TensorScope();
            cache.Append(k.Narrow(2, t, atOnce), v.Narrow(2, t, atOnce));
            var answer = cache.Attend(q.Narrow(2, t, atOnce), Attention.CausalMask(atOnce, t + atOnce));
            Assert.That(Difference(answer, all.Narrow(2, t, atOnce)), Is.LessThan(1e-5));
            Assert.That(cache.Length, Is.EqualTo(t + atOnce));
            Assert.That(cache.Bytes, Is.EqualTo((keyRanks.Sum() + valueRanks.Sum()) * 2 * (t + atOnce) * 4));
        }
    }

    [Test]
    public void Values_can_be_folded_into_the_output_map([Values(1, 2, 4)] int sharedHeads)
    {
        var (attention, projection) = Sample(DType.Float32, sharedHeads);
        var x = Random([2, 5, 12], DType.Float32, 40);
        var (q, k, v) = (attention.Queries(x), attention.Keys(x), attention.Values(x));
        var (keyRanks, valueRanks) = (Ranks([.. Enumerable.Repeat(2L, sharedHeads)]), Ranks([.. Enumerable.Range(0, sharedHeads).Select(
            h => 1L + h % 3)]));
        var expected = projection.Forward(x, x, keyRanks, valueRanks);
        var coordinates = projection.AttendCoordinates(q, k, v, keyRanks, valueRanks);
        Assert.That(Difference(projection.Folded().Forward(Attention.MergeHeads(coordinates)), expected), Is.LessThan(1e-5));
    }

    [Test]
    public void Principal_directions_lose_the_tail_of_the_spectrum()
    {
        var samples = Random([200, 2, 6], seed: 7).MatMul(Random([6, 6], seed: 8)) + Random([2, 6], seed: 9);
        var basis = new HeadBasis(2, 6, DType.Float64);
        basis.InitializeFromPca(samples);
        var centered = samples - samples.Mean([0], true);
        Assert.That(Difference(basis.Mean.Value.Detach(), samples.Mean([0])), Is.LessThan(1e-14));
        for (var head = 0; head < 2; head++)
        {
            // Singular values of the centred samples, by another route than the basis.
            var squares = centered.Select(1, head).SingularValues().Square().ToArray<double>();
            for (var rank = 1; rank <= 6; rank++)
            {
                var kept = basis.Coordinates(samples.Transpose(0, 1), Ranks(rank, rank));
                var lost = (samples.Transpose(0, 1) - basis.Vectors(kept)).Select(0, head).Square().Sum().Item();
                Assert.That(lost, Is.EqualTo(squares[rank..].Sum()).Within(1e-4 * squares[^1] + (rank == 6 ? 1e-20 : 0)),
                    $"head {head}, rank {rank}");
            }
        }
    }

    [Test]
    public void Gradients_match_central_differences()
    {
        var (_, projection) = Sample(DType.Float64);
        var (q, k, v) = (Random([1, 4, 2, 3], seed: 1), Random([1, 2, 3, 3], seed: 2), Random([1, 2, 3, 3], seed: 3));
        CheckGradient(x => projection.Attend(x[0], x[1], x[2], Ranks(2, 1), Ranks(3, 1)), [q, k, v], tolerance: 1e-8);
        var weight = Random([1, 4, 2, 3], seed: 5);
        ParameterGradients.Check(projection, () => (projection.Attend(q, k, v, Ranks(2, 1), Ranks(3, 1)) * weight).Sum());
    }

    [Test]
    public void Sampled_ranks_are_all_levels()
    {
        var ranks = new RankSampler(16).Sample(4000, new(1)).ToArray<long>();
        var counts = ranks.GroupBy(rank => rank).ToDictionary(group => group.Key, group => group.Count());
        Assert.That(counts.Keys.Order(), Is.EqualTo(new long[] { 2, 4, 6, 8, 10, 12, 14, 16 }));
        // 500 of each expected, deviation 21.
        Assert.That(counts.Values, Is.All.InRange(400, 600));
        Assert.That(() => new RankSampler(12),
            Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("divisor of the full rank 12"));
    }

    [Test]
    public void Greedy_ranks_meet_the_budget_and_favour_what_matters()
    {
        double[] weights = [4, 1, 0.25, 2];
        int[] Search(double[] w, double budget, int perRound = 1)
            => RankSearch.Greedy(ranks => ranks.Select((rank, g) => w[g] * (16 - rank) * (16 - rank)).Sum(), w.Length, 16, budget, 2, 2,
                perRound);
        var found = Search(weights, 0.5);
        Assert.That(found.Sum(), Is.EqualTo(32));
        Assert.That(found[0], Is.GreaterThanOrEqualTo(found[3]));
        Assert.That(found[3], Is.GreaterThan(found[1]));
        Assert.That(found[1], Is.GreaterThan(found[2]));
        foreach (var (budget, perRound) in new[] { (0.375, 1), (0.4375, 1), (0.5, 3), (1.0, 1) })
        {
            var equal = Search([1, 1, 1, 1], budget, perRound);
            Assert.That(equal.Sum(), Is.EqualTo((int)(budget * 64)));
            Assert.That(equal.Max() - equal.Min(), Is.LessThanOrEqualTo(2));
        }
        Assert.That(Search(weights, 0.125), Is.All.EqualTo(2));
        Assert.That(() => Search(weights, 0.1),
            Throws.ArgumentException.With.Message.Contains("a budget of 0.1 of rank 16; expected at least 0.125"));
    }

    [Test, Category("Devices")]
    public void All_devices_give_the_same_bits()
    {
        var (attention, projection) = Sample(DType.Float32);
        var x = Random([1, 3, 12], DType.Float32, 40);
        (float[], float[]) On(Device device)
        {
            using var pause = Graph.NoGrad();
            attention.To(device);
            projection.To(device);
            var at = x.To(device);
            var cache = projection.NewCache([2, 1], [1, 3]);
            cache.Append(attention.Keys(at), attention.Values(at));
            return (projection.Forward(at, at, Ranks(2, 1).To(device), Ranks(1, 3).To(device)).ToArray<float>(),
                cache.Attend(attention.Queries(at)).ToArray<float>());
        }

        var here = On(Device.Cpu);
        foreach (var device in Devices.Gpus)
            Assert.That(On(device), Is.EqualTo(here), $"{device}");
    }

    [Test]
    public void Misfits_are_named()
    {
        var (attention, projection) = Sample(DType.Float32);
        Assert.That(() => projection.NewCache([2, 4], [1, 1]),
            Throws.ArgumentException.With.Message.Contains("ranks 2, 4; expected 2 numbers from 1 to 3"));
        Assert.That(() => projection.NewCache([2], [1, 1]), Throws.ArgumentException);
        Assert.That(() => projection.NewCache([1, 0], [1, 1]), Throws.ArgumentException);
        var cache = projection.NewCache([1, 1], [1, 1]);
        Assert.That(() => cache.Attend(Tensor.Ones([1, 4, 1, 3])), Throws.InvalidOperationException);
        Assert.That(() => cache.Append(Tensor.Ones([1, 3, 1, 3]), Tensor.Ones([1, 3, 1, 3])),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("[batch, 2, tokens, 3]"));
        Assert.That(() => projection.Keys.Coordinates(Tensor.Ones([1, 2, 1, 3]), Ranks(1)),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("ranks is [1]; expected [2]"));
        Assert.That(() => projection.Keys.Coordinates(Tensor.Ones([2, 1, 4])), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => projection.Keys.InitializeFromPca(Tensor.Ones([0, 2, 3])), Throws.TypeOf<TensorArgumentException>());
        Assert.That(attention.KeyValueHeads, Is.EqualTo(2));
    }
}
