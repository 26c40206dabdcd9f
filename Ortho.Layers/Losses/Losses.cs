using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers.Losses;

/// <summary>Losses of classifiers, averaged over the batch.</summary>
public static class ClassificationLosses
{
    extension(Tensor logits)
    {
        /// <summary>Cross-entropy -log softmax(logits)[label], averaged; with smoothing s the label has the share 1 - s and all classes
        /// together, the label among them, s: (1 - s) (-log p[label]) + s mean(-log p). Szegedy et al. 2016.</summary>
        /// <param name="labels">Int64 [batch] for logits [batch, classes].</param>
        /// <param name="labelSmoothing">s, from 0 to 1.</param>
        /// <exception cref="TensorArgumentException">Shapes or dtypes do not fit.</exception>
        public Tensor CrossEntropy(Tensor labels, double labelSmoothing = 0)
        {
            Check("CrossEntropy", logits, labels);
            if (labelSmoothing is not (>= 0 and <= 1))
                throw new TensorArgumentException("CrossEntropy", nameof(labelSmoothing), $"{labelSmoothing}", "a share from 0 to 1");
            var logarithms = logits.LogSoftmax(1);
            var ofLabels = -logarithms.Gather(1, labels.Unsqueeze(1)).Mean();
            return labelSmoothing == 0 ? ofLabels : ofLabels * (1 - labelSmoothing) - logarithms.Mean() * labelSmoothing;
        }

        /// <summary>How far the softmax of these logits (a student's) is from that of a teacher's, T^2 KL(teacher || student) with both sets of
        /// logits divided by the temperature T, averaged over the batch. Hinton, Vinyals and Dean 2015; T^2 keeps the size of the gradient
        /// when T changes.</summary>
        /// <param name="teacher">Logits [..., classes] of the student's shape; they get no gradient.</param>
        /// <param name="temperature">T.</param>
        /// <exception cref="TensorArgumentException">The shapes differ, or T is not positive.</exception>
        public Tensor Distillation(Tensor teacher, double temperature = 1)
        {
            ArgumentNullException.ThrowIfNull(teacher);
            if (teacher.Shape != logits.Shape || logits.Rank == 0)
                throw new TensorArgumentException("Distillation", nameof(teacher), $"{teacher.Shape}", $"the student's {logits.Shape}, at least one dimension");
            if (!(temperature > 0))
                throw new TensorArgumentException("Distillation", nameof(temperature), $"{temperature}", "a positive number");
            var (goal, own) = ((teacher.Detach() / temperature).LogSoftmax(), (logits / temperature).LogSoftmax());
            return (goal.Exp() * (goal - own)).Sum([-1]).Mean() * (temperature * temperature);
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
