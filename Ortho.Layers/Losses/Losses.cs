using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers.Losses;

/// <summary>Losses of classifiers, averaged over the batch.</summary>
public static class ClassificationLosses
{
    extension(Tensor logits)
    {
        /// <summary>Cross-entropy -log softmax(logits)[label], averaged.</summary>
        /// <param name="labels">Int64 [batch] for logits [batch, classes].</param>
        /// <exception cref="TensorArgumentException">Shapes or dtypes do not fit.</exception>
        public Tensor CrossEntropy(Tensor labels)
        {
            Check("CrossEntropy", logits, labels);
            return -logits.LogSoftmax(1).Gather(1, labels.Unsqueeze(1)).Mean();
        }

        /// <summary>Cross-entropy of t (logits - margin at the label), divided by t: certified training for 1-Lipschitz networks, whose
        /// logits cannot grow. The margin asks for a distance to the decision boundary, the temperature for decided softmax.</summary>
        /// <param name="labels">Int64 [batch] for logits [batch, classes].</param>
        /// <param name="margin">Subtracted from the label's logit; sqrt(2) times a radius asks for that radius.</param>
        /// <param name="temperature">t.</param>
        /// <remarks>Prach and Lampert 2022, equation 8.</remarks>
        public Tensor MarginCrossEntropy(Tensor labels, double margin, double temperature = 1)
        {
            Check("MarginCrossEntropy", logits, labels);
            var lowered = logits - labels.OneHot(logits.Shape[1], logits.DType) * margin;
            return (lowered * temperature).CrossEntropy(labels) / temperature;
        }

        /// <summary>Multi-class hinge max(0, margin - (label's logit - largest other logit)), averaged. Crammer and Singer 2001.</summary>
        /// <param name="labels">Int64 [batch] for logits [batch, classes].</param>
        /// <param name="margin">The distance asked for.</param>
        public Tensor MultiClassHinge(Tensor labels, double margin)
        {
            Check("MultiClassHinge", logits, labels);
            return (margin - Robustness.Margin(logits, labels)).Relu().Mean();
        }
    }

    internal static void Check(string operation, Tensor logits, Tensor labels)
    {
        if (logits.Rank != 2)
            throw new TensorArgumentException(operation, nameof(logits), $"{logits.Shape}", "[batch, classes]");
        if (labels.DType != DType.Int64 || labels.Rank != 1 || labels.Shape[0] != logits.Shape[0])
            throw new TensorArgumentException(operation, nameof(labels), $"{labels.DType} {labels.Shape}", $"Int64 [{logits.Shape[0]}]");
    }
}
