using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Analysis;
using Ortho.Layers.Optimizers;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

/// <summary>System 24: the acceptance points of products of reflections and of the projector made of them, by number.</summary>
[TestFixture]
public class HouseholderProjectorTests
{
    // H(v_1) (H(v_2) (... x)), or its transpose, one reflection after the other; differentiable.
    static Tensor OneByOne(Tensor v, Tensor x, bool transpose = false)
    {
        var r = v.Shape[^1];
        for (var step = 0; step < r; step++)
        {
            var column = v.Narrow(-1, transpose ? step : r - 1 - step, 1);
            x -= column.MatMul(column.T.MatMul(x)) * (2.0 / column.Square().Sum([-2, -1], keepDimensions: true));
        }
        return x;
    }

    [Test]
    public void Point_1_values_by_hand()
    {
        var first = Tensor.From(new double[,] { { 1 }, { 1 } });
        var both = Tensor.From(new double[,] { { 1, 1 }, { 1, 0 } });
        var eye = Tensor.Eye(2, dtype: DType.Float64);
        Assert.That(Difference(first.HouseholderProduct(), Tensor.From(new double[,] { { 0, -1 }, { -1, 0 } })), Is.LessThan(1e-16));
        foreach (var product in (Tensor[])[both.HouseholderProduct(), OneByOne(both, eye)])
            Assert.That(Difference(product, Tensor.From(new double[,] { { 0, -1 }, { 1, 0 } })), Is.LessThan(1e-15));
    }

    [TestCase(6, 1), TestCase(6, 3), TestCase(8, 8), TestCase(257, 33), TestCase(140, 130)]
    public void Point_2_the_compact_form_is_the_product_of_the_reflections(int d, int r)
    {
        var (v, x) = (Random([5, d, r], seed: 1), Random([5, d, 4], seed: 2));
        var eye = Tensor.Eye(d, dtype: DType.Float64);
        var q = v.HouseholderProduct();
        // 130 reflections: 1e-13 is what 33 are held to.
        Assert.That(Difference(q, OneByOne(v, eye.Expand(5, d, d))), Is.LessThan(r > 33 ? 4e-13 : 1e-13));
        Assert.That(Skewness(q), Is.LessThan(1e-12));
        Assert.That(q.Det().ToArray<double>(), Has.All.EqualTo(r % 2 == 0 ? 1.0 : -1).Within(1e-10));
        // Blocks of 4, of 32 and the library's own.
        var applied = v.HouseholderApply(x);
        foreach (var block in (int[])[4, 32])
        {
            var y = x;
            for (var first = (r - 1) / block * block; first >= 0; first -= block)
                y = v.Narrow(-1, first, Math.Min(block, r - first)).HouseholderApply(y);
            Assert.That(Difference(y, applied), Is.LessThan(1e-12), $"{block}");
        }
        Assert.That(Difference(v.HouseholderApply(applied, transpose: true), x), Is.LessThan(1e-12));
    }

    [Test]
    public void Point_3_gradients_are_those_of_differences_and_of_the_loop()
    {
        var (v, x) = (Random([2, 6, 3], seed: 3), Random([2, 6, 2], seed: 4));
        CheckGradient(a => a[0].HouseholderProduct(), [v]);
        CheckGradient(a => a[0].HouseholderApply(a[1]), [v, x]);
        CheckGradient(a => a[0].HouseholderApply(a[1], transpose: true), [v, x]);
        CheckGradient(a => a[0].HouseholderFrame(), [v]);
        foreach (var transpose in (bool[])[false, true])
        {
            Tensor[] Gradients(Func<Tensor, Tensor, Tensor> apply)
            {
                Tensor[] leaves = [v.Detach().RequiresGrad(), x.Detach().RequiresGrad()];
                return Graph.Gradients([apply(leaves[0], leaves[1]).Sin().Sum()], leaves);
            }

            var (compact, loop) = (Gradients((a, b) => a.HouseholderApply(b, transpose)), Gradients((a, b) => OneByOne(a, b, transpose)));
            Assert.That(Difference(compact[0], loop[0]), Is.LessThan(1e-10));
            Assert.That(Difference(compact[1], loop[1]), Is.LessThan(1e-10));
        }
    }

    [TestCase(7, 3), TestCase(5, 5), TestCase(1, 1), TestCase(80, 70)]
    public void Point_4_an_orthonormal_matrix_is_its_frame_and_phases(int d, int r)
    {
        foreach (var dtype in (DType[])[DType.Float64, DType.Complex128])
        {
            var q = Tensor.Haar([3, d, r], new(2), dtype: dtype);
            var (vectors, phases) = Householder.Decompose(q);
            Assert.That(Difference(vectors.HouseholderFrame() * phases, q), Is.LessThan(1e-12));
            Assert.That((phases.Shape, Numbers(phases).Max(phase => Math.Abs(phase.Magnitude - 1))),
                Is.EqualTo((Shape.Create([3, 1, r]), 0.0)).Within(1e-14));
            Assert.That(Difference(vectors, vectors.Tril(-1) + Tensor.Eye(d, r, dtype)), Is.Zero);
            // And the phases that the library keeps as a constant: every matrix comes back, wide ones too.
            foreach (var value in (Tensor[])[q, q.H])
            {
                var set = new HouseholderFrame(value.Shape, dtype);
                Assert.That(Difference(set.Forward(set.Inverse(value)), value), Is.LessThan(1e-12));
                Assert.That(set.Error(set.Forward(Random(value.Shape, dtype, 4))), Is.LessThan(1e-12));
            }
        }
    }

    [Test]
    public void Reflectors_of_other_libraries_are_taken()
    {
        // [3; 4]: v = [1; 4 / (3 + 5)], tau = 2 / (1 + 1/4) = 8/5: Q's first column is -[3; 4] / 5.
        var (v, tau) = (Tensor.From(new double[,] { { 7 }, { 0.5 } }), Tensor.From([1.6], [1]));
        Assert.That(Difference(Householder.FromReflectors(v, tau), Tensor.From(new double[,] { { -0.6 }, { -0.8 } })), Is.LessThan(1e-15));
        Assert.That(Difference(Householder.FromReflectors(v, Tensor.Zeros([1], DType.Float64)), Tensor.Eye(2, 1, DType.Float64)), Is.Zero,
            "tau = 0: no reflection");
        CheckGradient(a => Householder.FromReflectors(a[0], 2.0 / (a[0].Detach().Tril(-1).Square().Sum([-2]) + 1)),
            [Random([5, 3], seed: 2)]);
        foreach (var wrong in (double[])[1, double.NaN, double.PositiveInfinity])
        {
            Assert.That(() => Householder.FromReflectors(v, Tensor.From([wrong], [1])),
                Throws.TypeOf<TensorArgumentException>().With.Message.Contains("2 / |v|^2, or 0 for no reflection"));
        }
        Assert.That(() => Householder.FromReflectors(v * double.NaN, tau), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => Householder.FromReflectors(v, Tensor.Ones([2], DType.Float64)), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => Householder.FromReflectors(v.T, tau), Throws.TypeOf<TensorArgumentException>());
    }

    [Test]
    public void Point_5_the_weight_has_as_many_singular_values_as_its_rank_and_begins_with_the_trained_subspaces()
    {
        foreach (var (inputs, outputs) in ((int, int)[])[(16, 32), (32, 16), (12, 12)])
        {
            foreach (var layer in (HouseholderProjector[])[new(inputs, outputs, new(1), rank: 4),
                HouseholderProjector.FromWeight(Random([outputs, inputs], DType.Float32, 3), null, 4)])
            {
                var values = Wide(layer.Weight.Detach()).SingularValues().ToArray<double>();
                Assert.That(values[..4], Has.All.EqualTo(1.0).Within(1e-6));
                Assert.That(values[4..], Has.All.LessThanOrEqualTo(1e-6));
            }
            var a = Random([outputs, inputs], DType.Float32, 3);
            var projector = HouseholderProjector.FromWeight(a, Random([outputs], DType.Float32, 4), 4);
            var (u, _, v) = Wide(a).Svd();
            // sqrt(1 - cos^2) of the largest principal angle: what of one basis lies outside of the other.
            Assert.That(Outside(projector.Images, u.Narrow(1, 0, 4)), Is.LessThan(1e-5));
            Assert.That(Outside(projector.Directions, v.Narrow(1, 0, 4)), Is.LessThan(1e-5));
            Assert.That(Difference(projector.Bias!.Value.Detach(), Random([outputs], DType.Float32, 4)), Is.Zero);
        }

        static double Outside(Tensor basis, Tensor other)
        {
            var q = Wide(basis.Detach());
            return (q - other.MatMul(other.T.MatMul(q))).SingularValues().Max().Item();
        }
    }

    [Test]
    public void Point_6_a_zero_column_is_no_reflection_and_has_no_gradient()
    {
        var v = Random([5, 3], seed: 4) * Tensor.From([1.0, 0, 1], [3]);
        var leaf = v.Detach().RequiresGrad();
        var q = leaf.HouseholderProduct();
        var others = Tensor.Concat([v.Narrow(1, 0, 1), v.Narrow(1, 2, 1)], 1);
        Assert.That(Difference(q.Detach(), others.HouseholderProduct()), Is.LessThan(1e-15));
        q.Sin().Sum().Backward();
        Assert.That(Largest(leaf.Grad!.Narrow(1, 1, 1)), Is.Zero);
        Assert.That(Largest(leaf.Grad!), Is.Positive.And.LessThan(10));
    }

    [Test]
    public void The_layer_is_the_product_with_its_weight()
    {
        var layer = new HouseholderProjector(7, 5, new(1), rank: 3, gain: 2.5, dtype: DType.Float64);
        layer.Bias!.Assign(Random([5], seed: 2));
        foreach (int[] lead in (int[][])[[], [4], [2, 3]])
        {
            var x = Random([.. lead, 7], seed: 3);
            var expected = x.Unsqueeze(-2).MatMul(layer.Weight.T).Squeeze(-2) + layer.Bias.Value;
            Assert.That(Difference(layer.Forward(x).Detach(), expected.Detach()), Is.LessThan(1e-14));
        }
        Assert.That(layer.Certify().Largest, Is.EqualTo(2.5).Within(1e-13));
        Assert.That(layer.StateDict().Keys, Is.EqualTo(new[] { "bias", "left.free", "left.map.phases", "right.free", "right.map.phases" }));
        // A step along a direction moves the output by the gain along its image.
        var (at, direction) = (Random([7], seed: 5), layer.Directions.Select(1, 1));
        Assert.That(Difference((layer.Forward(at + direction) - layer.Forward(at)).Detach(), layer.Images.Select(1, 1).Detach() * 2.5),
            Is.LessThan(1e-14));
    }

    [Test]
    public void A_layer_of_reflections_is_the_product_with_its_matrix()
    {
        var layer = new HouseholderLinear(6, 4, new(1), dtype: DType.Float64);
        layer.Bias!.Assign(Random([6], seed: 2));
        foreach (int[] lead in (int[][])[[], [4], [2, 3]])
        {
            var x = Random([.. lead, 6], seed: 3);
            var expected = x.Unsqueeze(-2).MatMul(layer.Weight.T).Squeeze(-2) + layer.Bias.Value;
            Assert.That(Difference(layer.Forward(x).Detach(), expected.Detach()), Is.LessThan(1e-14));
        }
        Assert.That(layer.Certify().OrthogonalityError, Is.LessThan(1e-14));
        CheckGradient(a => a[0].HouseholderApply(a[1].T).T, [layer.Vectors.Value.Detach(), Random([2, 6], seed: 3)]);
        Assert.That(() => layer.Forward(Tensor.Ones([5], DType.Float64)),
            Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo("HouseholderLinear: x is [5]; expected [..., 6]."));
        Assert.That(() => new HouseholderLinear(3, 4, new(1)), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new HouseholderLinear(3, 0, new(1)), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Directions_and_path_lengths_of_a_linear_generator_are_its_singular_vectors_and_values()
    {
        var a = Random([5, 3], seed: 6);
        var directions = LatentDirections.FromWeight(a, 3);
        Assert.That(Skewness(directions), Is.LessThan(1e-14));
        var squares = a.SingularValues().Square().ToArray<double>();
        foreach (var step in (double[])[1, -0.3])
            Assert.That(LatentDirections.PathLength(w => w.MatMul(a.T), Random([7, 3], seed: 7), directions, step),
                Is.EqualTo(squares).Within(1e-13));
        Assert.That(LatentDirections.FromWeight(a.T, 5).Shape, Is.EqualTo(Shape.Create([5, 5])), "beyond the rank too");
        Assert.That(LatentDirections.PathLength(w => w.MatMul(a), Random([7, 5], seed: 7), LatentDirections.FromWeight(a.T, 5))[3..],
            Has.All.LessThan(1e-28));
    }

    [Test, Category("Devices")]
    public void Training_keeps_the_rank_and_gives_the_same_bits_on_every_device([ValueSource(typeof(Devices),
        nameof(Devices.Kinds))] string kind)
    {
        float[][] On(Device device)
        {
            var generator = new Generator(4);
            var layer = new HouseholderProjector(6, 5, generator, rank: 2);
            _ = layer.To(device);
            var optimizer = new Adam(layer.Parameters(), 0.02);
            var (x, y) = (Tensor.Normal([8, 6], generator, device: device), Tensor.Normal([8, 5], generator, device: device));
            for (var step = 0; step < 5; step++)
            {
                using var scope = new TensorScope();
                optimizer.ZeroGrad();
                (layer.Forward(x) - y).Square().Mean().Backward();
                optimizer.Step();
            }
            Assert.That((layer.Certify().Largest, layer.Certify().Smallest), Is.EqualTo((1.0, 0.0)).Within(1e-6));
            return [.. layer.Parameters().Select(parameter => parameter.Value.ToArray<float>())];
        }

        Assert.That(On(Devices.Of(kind)), Is.EqualTo(On(Device.Cpu)));
    }

    [Test]
    public void Bad_input_is_refused()
    {
        Assert.That(() => new HouseholderProjector(4, 9, new(1), rank: 5), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new HouseholderProjector(9, 4, new(1), rank: 5), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new HouseholderProjector(9, 4, new(1), rank: 2, gain: 0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new HouseholderProjector(9, 4, new(1), rank: 2, dtype: DType.BFloat16), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => HouseholderProjector.FromWeight(Tensor.Ones([3, 4]), null, 4), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => HouseholderProjector.FromWeight(Tensor.Ones([3]), null, 1), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => HouseholderProjector.FromWeight(Tensor.Ones([3, 4]), Tensor.Ones([4]), 1),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("bias is Float32 [4]"));
        var layer = new HouseholderProjector(3, 4, new(1), rank: 2);
        Assert.That(() => layer.Forward(Tensor.Ones([2, 4])),
            Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo("HouseholderProjector: x is [2, 4]; expected [..., 3]."));
        Assert.That(() => LatentDirections.FromWeight(Tensor.Ones([3]), 1), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => LatentDirections.FromWeight(Tensor.Ones([3, 2]), 3), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => LatentDirections.PathLength(w => w, Tensor.Ones([2, 3]), Tensor.Ones([2, 1])),
            Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => LatentDirections.PathLength(w => w, Tensor.Ones([3]), Tensor.Ones([3, 1])),
            Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => LatentDirections.PathLength(w => w, Tensor.Ones([2, 3]), Tensor.Ones([3, 1]), 0),
            Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new HouseholderFrame([3]), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new HouseholderFrame([3, 3]).Forward(Tensor.Ones([3, 2])), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new HouseholderFrame([3, 3]).Inverse(Tensor.Ones([3, 3])),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("at distance"));
    }
}
