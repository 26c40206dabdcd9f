using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Certification;

/// <summary>How robust a classifier is against perturbations of bounded L2 norm: what is proven, and what an attack achieves.</summary>
public static class Robustness
{
    /// <summary>For each image, the radius within which no perturbation changes a correct prediction; 0 when the prediction is wrong.</summary>
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
    /// <param name="images">[batch, ...], elements in [0, 1].</param>
    /// <param name="labels">Int64 [batch].</param>
    /// <param name="radius">Largest L2 norm of the perturbation of one image.</param>
    /// <param name="steps">Gradient steps; each is 2.5 radius / steps long.</param>
    /// <returns>Perturbed images within the ball and within [0, 1].</returns>
    public static Tensor AttackL2(Module network, Tensor images, Tensor labels, double radius, int steps = 20)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(images);
        using var frozen = network.Freeze();
        var x = images.Detach();
        int[] features = [.. Enumerable.Range(1, images.Rank - 1)];
        for (var k = 0; k < steps; k++)
        {
            // What a step leaves behind is freed with it: a long attack needs no more memory than a short one.
            using var scope = new TensorScope();
            var at = x.Detach().RequiresGrad();
            var gradient = Graph.Gradients([Margin(network.Forward(at), labels).Sum()], [at])[0];
            using (Graph.NoGrad())
            {
                // Downhill in the margin by a step of fixed length, back into the ball, back into the range of pixels.
                var step = gradient / (gradient.Norm(features, true) + 1e-12) * (-2.5 * radius / steps);
                var delta = x + step - images;
                var norm = delta.Norm(features, true) + 1e-12;
                delta = delta * (radius / norm).Clamp(0, 1);
                x = scope.Keep((images + delta).Clamp(0, 1));
            }
        }
        return x;
    }
}
