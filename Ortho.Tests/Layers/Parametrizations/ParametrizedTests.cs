using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Optimizers;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;
using Ortho.Tests.Data;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers.Parametrizations;

[TestFixture]
public class ParametrizedTests
{
    static Tensor Haar(Shape shape, ulong seed = 1, DType dtype = DType.Float64) => new Qr().Sample(shape, new(seed), dtype);

    [Test]
    public void A_weight_has_the_value_it_was_given_and_takes_another()
    {
        var (first, second) = (Haar([5, 3]), Haar([5, 3], 2));
        var weight = new Parametrized(new Householder(), first);
        Assert.That(Difference(weight.Value.Detach(), first), Is.LessThan(1e-14));
        weight.Assign(second);
        Assert.That(Difference(weight.Value.Detach(), second), Is.LessThan(1e-14));
        Assert.That(() => weight.Assign(second * 1.1),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("Householder.Inverse: value is at distance"));
        Assert.That(Difference(weight.Value.Detach(), second), Is.LessThan(1e-14), "nothing was changed");
        Assert.That(weight.Certify().OrthogonalityError, Is.LessThan(1e-14));
        var x = Random([2, 3], seed: 4);
        Assert.That(Difference(weight.Forward(x).Detach(), x.MatMul(second.T)), Is.LessThan(1e-14));
    }

    [Test]
    public void A_layer_with_a_weight_of_any_set_is_a_product_and_a_bias()
    {
        foreach (var set in (IParametrization[])[new LowRank(4, 6, 2), new Kronecker((2, 3), (2, 2)),
            new SpectralNorm([4, 6], new(1), dtype: DType.Float64), new Cayley()])
        {
            var layer = new ParametrizedLinear(6, 4, new(2), set, dtype: DType.Float64);
            layer.Eval();
            layer.Bias!.Assign(Random([4], seed: 3));
            foreach (int[] lead in (int[][])[[], [5], [2, 3]])
            {
                var x = Random([.. lead, 6], seed: 4);
                Assert.That(Difference(layer.Forward(x).Detach(),
                    (x.Unsqueeze(-2).MatMul(layer.Weight.T).Squeeze(-2) + layer.Bias.Value).Detach()), Is.LessThan(1e-14));
            }
            Assert.That(layer.Certify(), Is.EqualTo(Ortho.Layers.Certification.Spectrum.OfMatrix(layer.Weight)));
            Assert.That(layer.NamedParameters().Select(named => named.Name), Is.EqualTo(new[] { "bias", "weight.free" }));
            layer.Forward(Random([5, 6], seed: 4)).Sin().Sum().Backward();
            Assert.That(Largest(layer.Free.Value.Grad!), Is.Positive);
        }
        Assert.That(() => new ParametrizedLinear(6, 5, new(2), new LowRank(4, 6, 2)),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("[..., 4, 6]"));
    }

    [Test]
    public void A_trivialization_of_16_bits_is_computed_in_float32()
    {
        foreach (int[] shape in (int[][])[[4, 4], [5, 2], [2, 5]])
        {
            var map = new DynamicTrivialization(new Cayley(), Haar(shape, dtype: DType.Float32));
            var free = Random(shape, DType.BFloat16) * 0.5;
            Assert.That(Difference(map.Forward(free), map.Forward(free.To(DType.Float32)).To(DType.BFloat16)), Is.Zero);
        }
    }

    [Test]
    public void Free_numbers_are_a_matrix_to_optimizers_where_they_lie_as_the_value_does()
    {
        Assert.That(new Parametrized(new Cayley(), Haar([4, 3])).Free.Role, Is.EqualTo(ParameterRole.Matrix));
        Assert.That(Parametrized.Sample(new Circulant(4), [4, 4], new(1)).Free.Role, Is.EqualTo(ParameterRole.Vector));
        Assert.That(Parametrized.Sample(new LowRank(4, 3, 2), [4, 3], new(1)).Free.Role, Is.EqualTo(ParameterRole.Vector));
        Assert.That(Parametrized.Sample(new Cayley(), [4, 3], new(1), ParameterRole.Head).Free.Role, Is.EqualTo(ParameterRole.Head));
    }

    [Test]
    public void A_weight_does_not_share_the_memory_of_what_it_was_given()
    {
        var q = Haar([4, 4]);
        var weight = new Parametrized(new Polar(), q);
        weight.Free.Assign(weight.Free.Value * 2.0);
        Assert.That(Largest(q), Is.LessThanOrEqualTo(1));
    }

    [Test]
    public void What_is_baked_is_plain_and_its_error_is_told()
    {
        var weight = Parametrized.Sample(new Cayley(), [6, 4], new(3));
        var (plain, error) = weight.Bake();
        Assert.That((plain.WantsGrad, plain.DType), Is.EqualTo((false, DType.Float32)));
        Assert.That(Difference(plain, weight.Value.Detach()), Is.Zero);
        Assert.That(error, Is.LessThan(1e-6).And.GreaterThan(0));
        var (half, rounded) = weight.Bake(DType.BFloat16);
        Assert.That(half.DType, Is.EqualTo(DType.BFloat16));
        Assert.That(rounded, Is.GreaterThan(1e-4).And.LessThan(2e-2), "eight bits are kept");
        plain.CopyFrom(plain.ZerosLike());
        Assert.That(Largest(weight.Value.Detach()), Is.Positive, "a copy");
    }

    [Test]
    public void The_value_is_kept_until_the_base_or_the_free_numbers_change()
    {
        var map = new DynamicTrivialization(new Cayley(), Haar([5, 3], dtype: DType.Float32));
        var weight = new Parametrized(map, Haar([5, 3], dtype: DType.Float32));
        using var pause = Graph.NoGrad();
        var first = weight.Value;
        Assert.That(weight.Value, Is.SameAs(first));
        map.Base.Assign(Haar([5, 3], 7, DType.Float32));
        Assert.That(weight.Value, Is.Not.SameAs(first));
        Assert.That(Difference(weight.Value, map.Base.Value), Is.LessThan(1e-6), "free numbers 0 give the base");
    }

    static IEnumerable<TestCaseData> Trivializations
        => from map in (IOrthogonalParametrization[])[new Cayley(), new MatrixExponential(), new Qr(), new Polar(), new Bjorck()]
           from shape in (int[][])[[4, 4], [5, 2], [2, 5], [3, 1]]
           from dtype in (DType[])[DType.Float64, DType.Complex128]
           select new TestCaseData(map, shape, dtype).SetArgDisplayNames(map.GetType().Name, string.Join("x", shape), $"{dtype}");

    [TestCaseSource(nameof(Trivializations))]
    public void A_trivialization_begins_at_its_base_and_moves_it_along(IOrthogonalParametrization inner, int[] shape, DType dtype)
    {
        var q = Haar(shape, 5, dtype);
        var map = new DynamicTrivialization(inner, q);
        Assert.That(Difference(map.Forward(Tensor.Zeros(shape, dtype)), q), Is.LessThan(1e-14));
        CheckGradient(x => map.Forward(x[0]), [Random(shape, dtype) * 0.3]);
        var weight = new Parametrized(map, q);
        for (var step = 0; step < 3; step++)
        {
            weight.Free.Assign(Random(shape, dtype, step) * 0.5);
            var before = weight.Value.Detach();
            Assert.That(map.Error(before), Is.LessThan(1e-14));
            Assert.That(Difference(map.Forward(map.Inverse(before)), before), Is.LessThan(1e-13));
            map.Rebase(weight.Free);
            Assert.That(Difference(weight.Value.Detach(), before), Is.LessThan(1e-14));
            Assert.That(Difference(map.Base.Value, before), Is.LessThan(1e-14));
            Assert.That(Largest(weight.Free.Value.Detach()), Is.Zero);
        }
        Assert.That(map.Contains(map.Sample(shape, new(3), dtype), 1e-13));
    }

    [Test]
    public void Thousands_of_bases_do_not_drift()
    {
        var (map, free) = (new DynamicTrivialization(new Cayley(), Haar([4, 4], dtype: DType.Float32)),
            Random([4, 4], DType.Float32) * 0.1);
        var weight = new Parametrized(map, map.Base.Value);
        for (var step = 0; step < 2000; step++)
        {
            weight.Free.Assign(free);
            map.Rebase(weight.Free);
        }
        Assert.That(map.Error(map.Base.Value), Is.LessThan(2e-6));
    }

    [Test]
    public void Bad_bases_are_refused()
    {
        Assert.That(() => new DynamicTrivialization(new Householder(), Haar([3, 3])),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("differentiable at the identity"));
        Assert.That(() => new DynamicTrivialization(new Cayley(), Haar([3, 3]) * 2.0),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("base is at distance"));
        Assert.That(() => new DynamicTrivialization(new Cayley(), Haar([3, 3]).To(DType.Half)), Throws.TypeOf<TensorArgumentException>());
        Assert.That(() => new DynamicTrivialization(new Cayley(), Haar([3, 3])).Forward(Tensor.Ones([3, 2], DType.Float64)),
            Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo("DynamicTrivialization: free is [3, 2]; expected [..., 3, 3], as the base."));
    }

    [Test, Category("Devices")]
    public void The_base_is_saved_moved_and_not_trained([ValueSource(typeof(Devices), nameof(Devices.Kinds))] string kind)
    {
        using var folder = new TemporaryFolder();
        static Parametrized Make(ulong seed)
        {
            var q = Haar([4, 3], seed, DType.Float32);
            return new(new DynamicTrivialization(new Cayley(), q), q);
        }

        var (saved, loaded) = (Make(1), Make(2));
        Assert.That(saved.NamedParameters().Select(named => named.Name), Is.EqualTo(new[] { "free" }));
        Assert.That(saved.NamedBuffers().Select(named => named.Name), Is.EqualTo(new[] { "map.base" }));
        Assert.That(saved.StateDict().Keys, Is.EqualTo(new[] { "free", "map.base" }));
        _ = loaded.To(Devices.Of(kind));
        Assert.That(loaded.NamedBuffers().Single().Buffer.Value.Device, Is.SameAs(Devices.Of(kind)));
        Assert.That(loaded.NamedBuffers().Single().Buffer.Value.WantsGrad, Is.False);
        saved.Free.Assign(Random([4, 3], DType.Float32) * 0.3);
        saved.Save(Path.Combine(folder.Path, "weight"));
        using (Graph.NoGrad())
            _ = loaded.Value;
        loaded.Load(Path.Combine(folder.Path, "weight"));
        using (Graph.NoGrad())
            Assert.That(Difference(loaded.Value.To(Device.Cpu), saved.Value), Is.Zero);
        var optimizer = new Adam(loaded.Parameters(), 0.01);
        loaded.Value.Square().Sin().Sum().Backward();
        optimizer.Step();
        using (Graph.NoGrad())
            Assert.That(Difference(loaded.Value.To(Device.Cpu), saved.Value), Is.GreaterThan(1e-3).And.LessThan(0.1));
    }
}
