using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers.Losses;

/// <summary>Losses for 1-Lipschitz networks whose certificates are to be large.</summary>
public static class CertifiedTraining
{
    extension(Tensor logits)
    {
        /// <summary>Hinge Kantorovich-Rubinstein loss, each class against all others: weight max(0, margin - t f) averaged, minus the
        /// Wasserstein distance that f shows, the mean of f over a class less that over the others, averaged over the classes; t = 1 for
        /// the label and -1 for the others. Serrurier et al. 2021.</summary>
        /// <param name="labels">Int64 [batch] for logits [batch, classes]. A class that the batch lacks, or that is all of it, has the mean
        /// 0 there.</param>
        /// <param name="margin">The distance to the boundary asked for.</param>
        /// <param name="weight">Of the hinge.</param>
        /// <exception cref="TensorArgumentException">Shapes or dtypes do not fit.</exception>
        public Tensor HingeKantorovichRubinstein(Tensor labels, double margin, double weight = 10)
        {
            ClassificationLosses.Check("HingeKantorovichRubinstein", logits, labels);
            var own = labels.OneHot(logits.Shape[1], logits.DType);
            var others = 1.0 - own;
            var distance = Mean(own) - Mean(others);
            var hinge = (margin - logits * (own * 2.0 - 1.0)).Relu().Mean();
            return hinge * weight - distance.Mean();

            Tensor Mean(Tensor members) => (logits * members).Sum([0]) / members.Sum([0]).Clamp(1, double.PositiveInfinity);
        }

        /// <summary>Certificate regularisation: minus weight times the mean of the certified radii max(0, margin) / sqrt 2 of a 1-Lipschitz
        /// network, to be added to a loss. Singla, Singla and Feizi 2022.</summary>
        /// <param name="labels">Int64 [batch] for logits [batch, classes].</param>
        /// <param name="weight">How much radii count.</param>
        /// <exception cref="TensorArgumentException">Shapes or dtypes do not fit.</exception>
        public Tensor CertificateRegularization(Tensor labels, double weight)
        {
            ClassificationLosses.Check("CertificateRegularization", logits, labels);
            return Robustness.Margin(logits, labels).Relu().Mean() * (-weight / Math.Sqrt(2));
        }
    }
}
