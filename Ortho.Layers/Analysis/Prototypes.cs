using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Analysis;

/// <summary>One vector for each class.</summary>
public static class Prototypes
{
    /// <summary>The mean of each class's features. Differentiable in the features; reads the number of samples of each class on the
    /// host.</summary>
    /// <param name="features">[samples, ...].</param>
    /// <param name="labels">Int64 [samples], each from 0 to classes - 1.</param>
    /// <param name="classes">How many classes there are.</param>
    /// <returns>[classes, ...].</returns>
    /// <exception cref="TensorArgumentException">Shapes do not fit, a label is no class, or a class has no sample: it is named.</exception>
    public static Tensor FromFeatures(Tensor features, Tensor labels, int classes)
    {
        const string operation = "Prototypes.FromFeatures";
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(labels);
        if (features.Rank < 2)
            throw new TensorArgumentException(operation, nameof(features), $"{features.Shape}", "[samples, ...]");
        if (labels.DType != DType.Int64 || labels.Rank != 1 || labels.Shape[0] != features.Shape[0])
            throw new TensorArgumentException(operation, nameof(labels), $"{labels.DType} {labels.Shape}", $"Int64 [{features.Shape[0]}]");
        var (seen, counts) = (labels.ToArray<long>(), new long[classes]);
        foreach (var label in seen)
        {
            if (label < 0 || label >= classes)
                throw new TensorArgumentException(operation, nameof(labels), $"{label} among the labels",
                    $"classes from 0 to {classes - 1}");
            counts[label]++;
        }
        return Array.IndexOf(counts, 0) is var empty and >= 0
            ? throw new TensorArgumentException(operation, nameof(labels), $"without a sample of class {empty}",
                "at least one of each class")
            : features.SegmentMean(labels, classes);
    }
}
