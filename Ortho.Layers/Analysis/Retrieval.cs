using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Analysis;

/// <summary>How well a similarity finds what belongs together.</summary>
/// <param name="Top1">Share of the queries whose most similar item of the gallery has their label (CMC at rank 1, recall at 1).</param>
/// <param name="MeanAveragePrecision">Mean over the queries of the average precision: the mean, over the relevant items, of the share of
/// relevant items up to and with that one.</param>
/// <param name="Queries">How many queries were judged: those with at least one relevant item.</param>
public readonly record struct RetrievalScore(double Top1, double MeanAveragePrecision, int Queries);

/// <summary>Search by similarity, and how it is judged.</summary>
public static class Retrieval
{
    /// <summary>Cosines of each query with each item, both cut to the shorter length and then brought to length 1: vectors of nested
    /// embeddings are compared by the dimensions they share.</summary>
    /// <param name="queries">[queries, features].</param>
    /// <param name="gallery">[items, features], not necessarily as many features.</param>
    /// <returns>[queries, items].</returns>
    /// <exception cref="TensorArgumentException">Not two matrices with at least one feature.</exception>
    public static Tensor CosineTruncated(Tensor queries, Tensor gallery)
    {
        RequireVectors(nameof(queries), queries);
        RequireVectors(nameof(gallery), gallery);
        var length = Math.Min(queries.Shape[1], gallery.Shape[1]);
        return queries.Narrow(1, 0, length).Normalize().MatMul(gallery.Narrow(1, 0, length).Normalize().T);
    }

    /// <summary>Judges a ranking of a gallery by similarity. An item is relevant when it has the query's label; queries without a relevant
    /// item are left out. Of equally similar items the earlier one comes first.</summary>
    /// <param name="similarity">[queries, items], larger for what is closer.</param>
    /// <param name="queryLabels">Int64 [queries].</param>
    /// <param name="galleryLabels">Int64 [items].</param>
    /// <param name="excludeSelf">Whether query i and item i are the same, so that item i does not count for query i.</param>
    /// <exception cref="TensorArgumentException">Shapes do not fit, or itself is to be excluded from a gallery of another size.</exception>
    public static RetrievalScore Evaluate(Tensor similarity, Tensor queryLabels, Tensor galleryLabels, bool excludeSelf)
    {
        const string operation = "Retrieval.Evaluate";
        ArgumentNullException.ThrowIfNull(similarity);
        if (similarity.Rank != 2 || similarity.Shape[1] == 0)
            throw new TensorArgumentException(operation, nameof(similarity), $"{similarity.Shape}", "[queries, items], at least one item");
        var (queries, items) = (similarity.Shape[0], similarity.Shape[1]);
        RequireLabels(operation, nameof(queryLabels), queryLabels, queries);
        RequireLabels(operation, nameof(galleryLabels), galleryLabels, items);
        if (excludeSelf && queries != items)
            throw new TensorArgumentException(operation, nameof(excludeSelf), $"true for {queries} queries and {items} items",
                "as many items as queries");
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        var relevant = queryLabels.Unsqueeze(1).EqualTo(galleryLabels.Unsqueeze(0));
        if (excludeSelf)
        {
            var self = Tensor.Eye(items, dtype: DType.Bool, device: similarity.Device);
            (relevant, similarity) = (relevant & ~self, similarity.MaskedFill(self, double.NegativeInfinity));
        }
        var hits = relevant.To(DType.Float64).Gather(1, similarity.ArgSort(1, descending: true));
        var precision = hits.CumSum(1) / (Tensor.Arange(items, DType.Float64, similarity.Device) + 1.0);
        var (found, first, sums) = (hits.Sum([1]).ToArray<double>(), hits.Select(1, 0).ToArray<double>(),
            (precision * hits).Sum([1]).ToArray<double>());
        int[] judged = [.. Enumerable.Range(0, queries).Where(query => found[query] > 0)];
        return judged.Length == 0
            ? new(double.NaN, double.NaN, 0)
            : new(judged.Average(query => first[query]), judged.Average(query => sums[query] / found[query]), judged.Length);
    }

    static void RequireVectors(string name, Tensor vectors)
    {
        ArgumentNullException.ThrowIfNull(vectors, name);
        if (vectors.Rank != 2 || vectors.Shape[1] == 0)
            throw new TensorArgumentException("Retrieval.CosineTruncated", name, $"{vectors.Shape}",
                "[vectors, features], at least one feature");
    }

    static void RequireLabels(string operation, string name, Tensor labels, int count)
    {
        ArgumentNullException.ThrowIfNull(labels, name);
        if (labels.DType != DType.Int64 || labels.Rank != 1 || labels.Shape[0] != count)
            throw new TensorArgumentException(operation, name, $"{labels.DType} {labels.Shape}", $"Int64 [{count}]");
    }
}
