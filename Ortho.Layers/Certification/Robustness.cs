using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Certification;

/// <summary>How robust a classifier is against perturbations of bounded L2 norm: what is proven, and what an attack achieves.</summary>
public static class Robustness
{
    /// <summary>For each image, the radius within which no perturbation changes a correct prediction; 0 when the prediction is
    /// wrong.</summary>
    /// <param name="logits">[batch, classes].</param>
    /// <param name="labels">Int64 [batch].</param>
    /// <param name="lipschitz">An L2 Lipschitz constant of the whole network.</param>
    /// <remarks>A difference of two logits is sqrt(2) L-Lipschitz, so the radius is (top - runner-up) / (sqrt(2) L).
    /// Tsuzuku, Sato and Sugiyama 2018.</remarks>
    public static Tensor CertifiedRadius(Tensor logits, Tensor labels, double lipschitz)
    {
        using (Graph.NoGrad())
            return Margin(logits, labels).Relu() / (Math.Sqrt(2) * lipschitz);
    }

    /// <summary>The same for a network that ends in a linear layer: the distance to each other class is measured with that class's own
    /// slope |w_label - w_j| L, min over j of (logit_label - logit_j) / (|w_label - w_j| L), and 0 when the prediction is wrong.</summary>
    /// <param name="logits">[batch, classes].</param>
    /// <param name="labels">Int64 [batch].</param>
    /// <param name="lipschitz">An L2 Lipschitz constant of what precedes the last layer.</param>
    /// <param name="weight">The last layer's weight [classes, features], rows w_j.</param>
    public static Tensor CertifiedRadius(Tensor logits, Tensor labels, double lipschitz, Tensor weight)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(weight);
        if (weight.Rank != 2 || logits.Rank != 2 || weight.Shape[0] != logits.Shape[1])
            throw new TensorArgumentException("CertifiedRadius", nameof(weight), $"{weight.Shape} beside logits {logits.Shape}",
                "[classes, features]");
        using (Graph.NoGrad())
        {
            var slopes = (weight.Unsqueeze(1) - weight.Unsqueeze(0)).Norm([2]).IndexSelect(0, labels);
            var distances = logits.Gather(1, labels.Unsqueeze(1)) - logits;
            // The label's own distance, 0 / 0, is out of the competition.
            var own = labels.OneHot(logits.Shape[1], logits.DType) * 1e30;
            return ((distances + own) / (slopes + own * 1e-30)).Min([1]).Relu() / lipschitz;
        }
    }

    /// <summary>The share of images that are classified rightly and keep their class within a radius.</summary>
    /// <param name="radii">What <c>CertifiedRadius</c> gives, [batch].</param>
    /// <param name="radius">The radius.</param>
    public static double CertifiedAccuracy(Tensor radii, double radius)
    {
        ArgumentNullException.ThrowIfNull(radii);
        using (Graph.NoGrad())
            return radii.Greater(radius).To(DType.Float64).Mean().Item();
    }

    /// <summary>The logit of the label minus the largest other one, [batch].</summary>
    public static Tensor Margin(Tensor logits, Tensor labels)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(labels);
        var own = logits.Gather(1, labels.Unsqueeze(1)).Squeeze(1);
        // The label's own logit is lowered out of the competition.
        var others = logits - labels.OneHot(logits.Shape[1], logits.DType) * 1e30;
        return own - others.Max([1]);
    }

    /// <summary>Projected gradient descent in the L2 ball: the strongest simple attack. Madry et al. 2018.</summary>
    /// <param name="network">The classifier, to logits [batch, classes].</param>
    /// <param name="images">[batch, ...], elements from low to high.</param>
    /// <param name="labels">Int64 [batch].</param>
    /// <param name="radius">Largest L2 norm of the perturbation of one image.</param>
    /// <param name="steps">Gradient steps; each is 2.5 radius / steps long.</param>
    /// <param name="low">The least value of a pixel; minus infinity where there is none.</param>
    /// <param name="high">The largest value of a pixel; infinity where there is none.</param>
    /// <param name="objective">What of logits and labels is descended, summed or averaged over images; the margins when null. Minus the
    /// cross-entropy is the usual one; it attacks less where softmax is saturated.</param>
    /// <returns>Perturbed images within the ball and within the range of pixels.</returns>
    public static Tensor AttackL2(Module network, Tensor images, Tensor labels, double radius, int steps = 20, double low = 0,
        double high = 1, Func<Tensor, Tensor, Tensor>? objective = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(images);
        objective ??= (logits, truth) => Margin(logits, truth).Sum();
        using var frozen = network.Freeze();
        var x = images.Detach();
        int[] features = [.. Enumerable.Range(1, images.Rank - 1)];
        for (var k = 0; k < steps; k++)
        {
            // What a step leaves behind is freed with it: a long attack needs no more memory than a short one.
            using var scope = new TensorScope();
            var at = x.Detach().RequiresGrad();
            var gradient = Graph.Gradients([objective(network.Forward(at), labels)], [at])[0];
            using (Graph.NoGrad())
            {
                // Downhill by a step of fixed length, back into the ball, back into the range of pixels.
                var step = gradient / (gradient.Norm(features, true) + 1e-12) * (-2.5 * radius / steps);
                var delta = x + step - images;
                var norm = delta.Norm(features, true) + 1e-12;
                delta = delta * (radius / norm).Clamp(0, 1);
                x = scope.Keep((images + delta).Clamp(low, high));
            }
        }
        return x;
    }
}
