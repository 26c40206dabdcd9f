using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

[TestFixture]
public class AttentionTests
{
    // Loops over everything; mask[i, j] tells whether query i sees item j.
    static double[] Reference(Tensor queries, Tensor keys, Tensor values, Func<int, int, bool> mask)
    {
        var (b, h, n, d) = (queries.Shape[0], queries.Shape[1], queries.Shape[2], queries.Shape[3]);
        var (g, t, e) = (keys.Shape[1], keys.Shape[2], values.Shape[3]);
        var (q, k, v, y) = (queries.ToArray<double>(), keys.ToArray<double>(), values.ToArray<double>(), new double[b * h * n * e]);
        for (var at = 0; at < b * h * n; at++)
        {
            var (batch, head, query) = (at / (h * n), at / n % h, at % n);
            var shared = batch * g + head / (h / g);
            int[] seen = [.. Enumerable.Range(0, t).Where(j => mask(query, j))];
            double[] weights = [.. seen.Select(j => Math.Exp(Enumerable.Range(0, d).Sum(
                c => q[at * d + c] * k[(shared * t + j) * d + c]) / Math.Sqrt(d)))];
            for (var c = 0; c < e; c++)
                y[at * e + c] = seen.Length == 0 ? 0 : seen.Zip(weights, (j, w) => w * v[(shared * t + j) * e + c]).Sum() / weights.Sum();
        }
        return y;
    }

    [Test]
    public void Attention_is_that_of_loops([Values(1, 2, 4)] int sharedHeads, [Values("none", "causal", "first")] string mask)
    {
        var (q, k, v) = (Random([2, 4, 3, 5], seed: 1), Random([2, sharedHeads, 6, 5], seed: 2), Random([2, sharedHeads, 6, 2], seed: 3));
        (Tensor? tensor, Func<int, int, bool> seen) = mask switch
        {
            "none" => ((Tensor?)null, (Func<int, int, bool>)((_, _) => true)),
            "causal" => (Attention.CausalMask(3, 6), (i, j) => j <= i + 3),
            // The first query sees nothing.
            _ => (Tensor.Arange(3, DType.Int64).GreaterEqual(1).Unsqueeze(1), (i, _) => i >= 1),
        };
        var y = Attention.ScaledDotProduct(q, k, v, tensor);
        Assert.That(y.Shape, Is.EqualTo(Shape.Create([2, 4, 3, 2])));
        Assert.That(y.ToArray<double>(), Is.EqualTo(Reference(q, k, v, seen)).Within(1e-14));
        CheckGradient(x => Attention.ScaledDotProduct(x[0], x[1], x[2], tensor), [q, k, v], tolerance: 1e-8);
    }

    [Test]
    public void Numbers_as_a_mask_are_added()
    {
        var (q, k, v, bias) = (Random([2, 3, 5], seed: 1), Random([2, 4, 5], seed: 2), Random([2, 4, 2], seed: 3), Random([3, 4],
            seed: 4) * 3);
        var weights = (q.MatMul(k.T) / Math.Sqrt(5) + bias).Softmax();
        Assert.That(Difference(Attention.ScaledDotProduct(q, k, v, bias), weights.MatMul(v)), Is.LessThan(1e-14));
        Assert.That(Difference(Attention.ScaledDotProduct(q, k, v, scale: 2), (q.MatMul(k.T) * 2).Softmax().MatMul(v)), Is.LessThan(1e-14));
    }

    [Test]
    public void Hidden_items_weigh_nothing_and_get_no_gradient([Values(DType.Float32, DType.Half, DType.BFloat16)] DType dtype)
    {
        var logits = Random([1, 2, 3], DType.Float32, 4).To(dtype).RequiresGrad();
        var mask = Tensor.From([true, false, true, false, false, false], [2, 3]);
        var weights = Attention.Softmax(logits, mask);
        var numbers = Wide(weights).ToArray<double>();
        Assert.That(numbers[1], Is.Zero);
        Assert.That(numbers[0] + numbers[2], Is.EqualTo(1).Within(dtype == DType.Float32 ? 1e-6 : 1e-2));
        Assert.That(numbers[3..], Is.All.Zero);
        weights.Backward(Tensor.Ones(weights.Shape, dtype) * Random([1, 2, 3], DType.Float32, 5).To(dtype));
        var gradient = Wide(logits.Grad!).ToArray<double>();
        Assert.That(gradient[1], Is.Zero);
        Assert.That(gradient[0], Is.Not.Zero);
        Assert.That(gradient[3..], Is.All.Zero);
    }

    [Test]
    public void A_layer_of_heads_is_its_parts([Values(1, 2, 4)] int sharedHeads)
    {
        var layer = new MultiHeadAttention(8, 4, new(1), sharedHeads, memoryFeatures: 6, dtype: DType.Float64);
        foreach (var (k, parameter) in layer.Parameters().Index())
            parameter.Assign(Random(parameter.Value.Shape, seed: k));
        var (x, memory) = (Random([2, 3, 8], seed: 20), Random([2, 5, 6], seed: 21));
        var heads = Reference(layer.Queries(x), layer.Keys(memory), layer.Values(memory), (_, _) => true);
        var merged = Tensor.From(heads, [2, 4, 3, 2]).Transpose(1, 2).Reshape(2, 3, 8);
        var expected = merged.MatMul(layer.Output.Weight.Value.T) + layer.Output.Bias!;
        Assert.That(Difference(layer.Forward(x, memory), expected), Is.LessThan(1e-13));
        Assert.That(Difference(layer.Weights(x, memory).Sum([-1]), Tensor.Ones([2, 4, 3], DType.Float64)), Is.LessThan(1e-14));
        Assert.That(layer.Keys(memory).Shape, Is.EqualTo(Shape.Create([2, sharedHeads, 5, 2])));
        Assert.That(layer.NamedParameters().Select(named => named.Name), Is.EqualTo(new[] { "query", "key", "value",
            "output" }.SelectMany(name => new[] { $"{name}.weight", $"{name}.bias" })));
    }

    [Test]
    public void Self_attention_knows_no_order()
    {
        var layer = new MultiHeadAttention(6, 3, new(1), dtype: DType.Float64);
        var x = Random([4, 6], seed: 2);
        Assert.That(Difference(layer.Forward(x.Flip(0)), layer.Forward(x).Flip(0)), Is.LessThan(1e-15));
        CheckGradient(a => layer.Forward(a[0]), [x], tolerance: 1e-8);
    }

    [Test, Category("Devices")]
    public void All_devices_give_the_same_bits()
    {
        var layer = new MultiHeadAttention(8, 4, new(1), keyValueHeads: 2);
        var x = Random([2, 3, 8], DType.Float32, 3);
        float[] On(Device device)
        {
            using var pause = Graph.NoGrad();
            layer.To(device);
            var at = x.To(device);
            return layer.Forward(at, at, Attention.CausalMask(3, 3, device)).ToArray<float>();
        }

        var here = On(Device.Cpu);
        foreach (var device in Devices.Gpus)
            Assert.That(On(device), Is.EqualTo(here), $"{device}");
    }

    [Test]
    public void Vectors_of_a_table()
    {
        var table = new Embedding(5, 3, new(1), dtype: DType.Float64);
        var at = Tensor.From<long>([4, 0, 4, -1], [2, 2]);
        var (w, y) = (table.Weight.Value.ToArray<double>(), table.Forward(at));
        Assert.That(y.Shape, Is.EqualTo(Shape.Create([2, 2, 3])));
        Assert.That(y.ToArray<double>(), Is.EqualTo((double[])[.. w[12..], .. w[..3], .. w[12..], .. w[12..]]));
        y.Sum().Backward();
        Assert.That(table.Weight.Value.Grad!.ToArray<double>(), Is.EqualTo(new double[] { 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3, 3 }));
        Assert.That(() => table.Forward(Tensor.From<long>([5], [1])), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void Misfits_are_named()
    {
        Assert.That(() => Attention.Logits(Tensor.Ones([2, 3]), Tensor.Ones([2, 4])),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("Attention.Logits"));
        Assert.That(() => Attention.Combine(Tensor.Ones([2, 3]), Tensor.Ones([2, 4])),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("Attention.Combine"));
        Assert.That(() => Attention.Logits(Tensor.Ones([3, 2, 4]), Tensor.Ones([2, 2, 4])),
            Throws.TypeOf<TensorArgumentException>().With.Message.Contains("3 heads"));
        Assert.That(() => new MultiHeadAttention(8, 3, new(1)), Throws.ArgumentException.With.Message.Contains("8 features, 3 heads"));
        Assert.That(() => new MultiHeadAttention(8, 4, new(1), keyValueHeads: 3), Throws.ArgumentException);
        Assert.That(() => Attention.SplitHeads(Tensor.Ones([2, 5]), 2), Throws.TypeOf<TensorArgumentException>());
    }
}
