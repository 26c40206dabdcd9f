using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Layers;
using Ortho.Layers.Analysis;
using Ortho.Layers.Losses;
using Ortho.Layers.Optimizers;
using Ortho.Tensors;
using static Ortho.Tests.Linalg.MatrixSamples;

namespace Ortho.Tests.Layers;

/// <summary>System 04: compatible embeddings.</summary>
[TestFixture]
public class CompatibleEmbeddingTests
{
    static readonly Tensor labels = Tensor.From<long>([2, 0, 3, 1, 1, 2], [6]);

    static Tensor Distances(Tensor x) => (x.Unsqueeze(0) - x.Unsqueeze(1)).Norm([2]);

    [Test]
    public void Training_keeps_the_rotation_orthogonal_and_the_prototypes_as_they_were()
    {
        var network = new CompatibleEmbedding(3, 2, 4, new(5));
        var (x, prototypes) = (Random([6, 5], DType.Float32, 1), Random([4, 3], DType.Float32, 2));
        var (before, loss) = (prototypes.ToArray<float>(), new CompatibilityLoss(prototypes));
        var optimizer = new Adam(network.Parameters(), 1e-2);
        var start = network.Rotation.Weight.Detach();
        double Loss() => loss.Evaluate(network.Outputs(x).Logits, network.Outputs(x).Compatible, labels).Item();
        var first = Loss();
        for (var step = 0; step < 500; step++)
        {
            using var scope = new TensorScope();
            var (logits, compatible, _) = network.Outputs(x);
            optimizer.ZeroGrad();
            loss.Evaluate(logits, compatible, labels).Backward();
            optimizer.Step();
        }
        Assert.That(Loss(), Is.LessThan(first - 1), "it learns");
        Assert.That(Difference(network.Rotation.Weight.Detach(), start), Is.GreaterThan(0.05), "Q learns");
        Assert.That(network.Rotation.Certify().OrthogonalityError, Is.LessThan(1e-6));
        var z = network.Forward(x);
        Assert.That(Difference(Distances(network.Rotation.Forward(z)), Distances(z)), Is.LessThan(1e-5));
        Assert.That(prototypes.ToArray<float>(), Is.EqualTo(before));
    }

    [Test]
    public void The_loss_by_hand()
    {
        var (p, c, label) = (Tensor.Eye(2, dtype: DType.Float64), Tensor.From(new double[,] { { 1, 0 } }), Tensor.From<long>([0], [1]));
        var logits = Tensor.Zeros([1, 2], DType.Float64);
        Assert.That(new CompatibilityLoss(p, 0, 1, 0, labelSmoothing: 0).Evaluate(logits, c, label).Item(),
            Is.EqualTo(0.313262).Within(1e-6));
        Assert.That(new CompatibilityLoss(p, 0, 0, 1).Evaluate(logits, c, label).Item(), Is.Zero);
        Assert.That(new CompatibilityLoss(p, 1, 0, 0).Evaluate(logits, c, label).Item(), Is.EqualTo(Math.Log(2)).Within(1e-15));
        // The cosine is that of the prototype's direction; the influence is that of the prototype itself.
        Assert.That(new CompatibilityLoss(p * 3, 0, 0, 2).Evaluate(logits, c, label).Item(), Is.Zero);
        Assert.That(new CompatibilityLoss(p * 3, 0, 1, 0, labelSmoothing: 0).Evaluate(logits, c, label).Item(),
            Is.EqualTo(Math.Log(1 + Math.Exp(-3))).Within(1e-15));
        Assert.That(new CompatibilityLoss(p, 0, 1, 0, influenceScale: 3, labelSmoothing: 0).Evaluate(logits, c, label).Item(),
            Is.EqualTo(Math.Log(1 + Math.Exp(-3))).Within(1e-15));
    }

    [Test]
    public void Logits_are_scaled_before_the_softmax()
    {
        var (p, logits) = (Tensor.Eye(2, dtype: DType.Float64), Tensor.From(new double[,] { { 0, 0.5 } }));
        var loss = new CompatibilityLoss(p, 1, 0, 0, classScale: 4, labelSmoothing: 0).Evaluate(logits, p.Narrow(0, 0, 1),
            Tensor.From<long>([1], [1]));
        Assert.That(loss.Item(), Is.EqualTo(Math.Log(1 + Math.Exp(-2))).Within(1e-15));
    }

    [Test]
    public void Gradients_match_central_differences()
    {
        var network = new CompatibleEmbedding(3, 2, 4, new(5), dtype: DType.Float64);
        var loss = new CompatibilityLoss(Random([4, 3], seed: 2));
        var names = network.NamedParameters().Select(named => named.Name).ToArray();
        Assert.That(names, Is.EqualTo(new[] { "rotation.weight.free", "classifier.weight" }));
        Tensor[] arguments = [Random([6, 5], seed: 3), .. network.Parameters().Select(parameter => parameter.Value.Detach().Clone())];
        CheckGradient(x =>
        {
            var z = x[0].Normalize();
            var logits = z.MatMul(network.Rotation.Parametrization.Forward(x[1]).T).MatMul(x[2].T);
            return loss.Evaluate(logits, z.Narrow(1, 0, 3).Normalize(), labels);
        }, arguments, order: 2, tolerance: 1e-7);
        // The layer's own gradients are those.
        var (own, compatible, _) = network.Outputs(arguments[0]);
        loss.Evaluate(own, compatible, labels).Backward();
        var free = arguments[1].Detach().RequiresGrad();
        var unit = arguments[0].Normalize();
        var again = unit.MatMul(network.Rotation.Parametrization.Forward(free).T).MatMul(arguments[2].T);
        loss.Evaluate(again, unit.Narrow(1, 0, 3).Normalize(), labels).Backward();
        Assert.That(Difference(network.Rotation.Free.Value.Grad!, free.Grad!), Is.LessThan(1e-14));
    }

    [Test]
    public void Stored_embeddings_need_neither_rotation_nor_classifier()
    {
        var (network, x) = (new CompatibleEmbedding(3, 2, 4, new(5)), Random([6, 5], DType.Float32, 1));
        var before = network.Forward(x).ToArray<float>();
        foreach (var parameter in network.Parameters())
            parameter.Assign(Tensor.Full(parameter.Value.Shape, double.NaN));
        Assert.That(network.Forward(x).ToArray<float>(), Is.EqualTo(before));
        Assert.That(network.Forward(x).Norm([1]).ToArray<float>(), Is.All.EqualTo(1).Within(1e-6));
    }

    [Test]
    public void Without_extra_features_rotation_and_cosine_it_is_backward_compatible_training()
    {
        var (network, x) = (new CompatibleEmbedding(4, 0, 4, new(5), dtype: DType.Float64), Random([6, 4], seed: 1));
        foreach (var parameter in network.Rotation.Parameters())
            parameter.Assign(Tensor.Zeros(parameter.Value.Shape, DType.Float64)); // Cayley's map takes 0 to the identity.
        var prototypes = Random([4, 4], seed: 2);
        var (logits, compatible, embedding) = network.Outputs(x);
        var z = x.Normalize();
        Assert.That(Difference(compatible.Detach(), z), Is.LessThan(1e-15));
        Assert.That(Difference(embedding.Detach(), z), Is.LessThan(1e-15));
        var expected = z.MatMul(network.Classifier.Weight.Value.T).CrossEntropy(labels) + z.MatMul(prototypes.T).CrossEntropy(labels);
        var loss = new CompatibilityLoss(prototypes, 1, 1, 0, labelSmoothing: 0);
        Assert.That(loss.Evaluate(logits, compatible, labels).Item(), Is.EqualTo(expected.Item()).Within(1e-14));
    }

    [Test]
    public void Misfits_are_named()
    {
        Assert.That(() => new CompatibleEmbedding(3, -1, 4, new(1)),
            Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("extraFeatures"));
        var network = new CompatibleEmbedding(3, 2, 4, new(1));
        Assert.That(() => network.Forward(Tensor.Ones([2, 4])),
            Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo("CompatibleEmbedding: x is [2, 4]; expected [..., 5]."));
        var (logits, compatible, _) = network.Outputs(Tensor.Ones([6, 5]));
        Assert.That(() => new CompatibilityLoss(Tensor.Ones([4, 2])).Evaluate(logits, compatible, labels),
            Throws.TypeOf<TensorArgumentException>().With.Message.EqualTo("CompatibilityLoss: compatible is [6, 3]; expected [batch, 2], as the prototypes."));
        Assert.That(() => new CompatibilityLoss(Tensor.Ones([4])), Throws.TypeOf<TensorArgumentException>());
    }
}
