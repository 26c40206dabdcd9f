using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Losses;

/// <summary>The loss of a <see cref="CompatibleEmbedding"/>: a CE(r logits) + b CE(s c P^T) + d mean(1 - cos(P_label, c)), with c the
/// compatible part of the embedding and P the old model's prototypes, which stay as they are. Ricci et al. 2024; with a = b = 1 and d = 0
/// it is backward-compatible training by the influence loss (Shen et al. 2020).</summary>
/// <remarks>The scales r and s are 1 in the source. In our miniature r = 10 is needed for the logits of unit vectors to be learnt from,
/// while s = 10 is worse than 1.</remarks>
public sealed class CompatibilityLoss
{
    readonly Tensor prototypes, directions;
    readonly double classWeight, influenceWeight, cosineWeight, classScale, influenceScale, labelSmoothing;

    /// <summary>A loss with the weights of the source.</summary>
    /// <param name="oldPrototypes">P [classes, oldFeatures]: the mean of the old model's embeddings of each class, also of those it has
    /// never seen (<see cref="Analysis.Prototypes.FromFeatures"/>). Copied.</param>
    /// <param name="classWeight">a.</param>
    /// <param name="influenceWeight">b.</param>
    /// <param name="cosineWeight">d.</param>
    /// <param name="classScale">r.</param>
    /// <param name="influenceScale">s.</param>
    /// <param name="labelSmoothing">Of both cross-entropies.</param>
    /// <exception cref="TensorArgumentException">The prototypes are not a matrix.</exception>
    public CompatibilityLoss(Tensor oldPrototypes, double classWeight = 5, double influenceWeight = 10, double cosineWeight = 5,
        double classScale = 1, double influenceScale = 1, double labelSmoothing = 0.1)
    {
        ArgumentNullException.ThrowIfNull(oldPrototypes);
        if (oldPrototypes.Rank != 2)
            throw new TensorArgumentException(nameof(CompatibilityLoss), nameof(oldPrototypes), $"{oldPrototypes.Shape}",
                "[classes, features]");
        (this.classWeight, this.influenceWeight, this.cosineWeight) = (classWeight, influenceWeight, cosineWeight);
        (this.classScale, this.influenceScale, this.labelSmoothing) = (classScale, influenceScale, labelSmoothing);
        using (Graph.NoGrad())
        {
            prototypes = TensorScope.Release(oldPrototypes.Clone());
            directions = TensorScope.Release(prototypes.Normalize());
        }
    }

    /// <summary>The loss of a batch.</summary>
    /// <param name="logits">[batch, classes].</param>
    /// <param name="compatible">c [batch, oldFeatures], of length 1.</param>
    /// <param name="labels">Int64 [batch].</param>
    /// <exception cref="TensorArgumentException">Shapes or dtypes do not fit each other or the prototypes.</exception>
    public Tensor Evaluate(Tensor logits, Tensor compatible, Tensor labels)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(compatible);
        ArgumentNullException.ThrowIfNull(labels);
        if (compatible.Rank != 2 || compatible.Shape[1] != prototypes.Shape[1])
            throw new TensorArgumentException(nameof(CompatibilityLoss), nameof(compatible), $"{compatible.Shape}",
                $"[batch, {prototypes.Shape[1]}], as the prototypes");
        var loss = (logits * classScale).CrossEntropy(labels, labelSmoothing) * classWeight
            + (compatible.MatMul(prototypes.T) * influenceScale).CrossEntropy(labels, labelSmoothing) * influenceWeight;
        if (cosineWeight == 0)
            return loss;
        var cosines = (directions.IndexSelect(0, labels) * compatible).Sum([1]);
        return loss + (1 - cosines.Mean()) * cosineWeight;
    }
}
