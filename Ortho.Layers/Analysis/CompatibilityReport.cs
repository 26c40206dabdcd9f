using Ortho.Tensors;

namespace Ortho.Layers.Analysis;

/// <summary>Whether a new model's queries can be answered from a gallery that an old model has filled.</summary>
/// <param name="Old">Old queries in the old gallery: what there was before.</param>
/// <param name="Cross">New queries in the old gallery, compared by the dimensions they share.</param>
/// <param name="New">New queries in the gallery filled anew: what re-indexing would give.</param>
/// <remarks>Shen et al. 2020, the criterion that Ricci et al. 2024 judge by.</remarks>
public readonly record struct CompatibilityReport(RetrievalScore Old, RetrievalScore Cross, RetrievalScore New)
{
    /// <summary>Whether the new model improves on the old one without re-indexing, by mean average precision.</summary>
    public bool IsCompatible => Cross.MeanAveragePrecision > Old.MeanAveragePrecision;

    /// <summary>Judges two models on the same samples, each of which is a query for all the others.</summary>
    /// <param name="old">Embeddings by the old model [samples, features].</param>
    /// <param name="new">Embeddings by the new model [samples, features], not necessarily as many features.</param>
    /// <param name="labels">Int64 [samples].</param>
    /// <exception cref="TensorArgumentException">Shapes do not fit.</exception>
    public static CompatibilityReport Of(Tensor old, Tensor @new, Tensor labels)
    {
        return new(Score(old, old), Score(@new, old), Score(@new, @new));

        RetrievalScore Score(Tensor queries, Tensor gallery)
            => Retrieval.Evaluate(Retrieval.CosineTruncated(queries, gallery), labels, labels, excludeSelf: true);
    }
}
