using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>Attention in its parts: what looks at, edits or compresses one of them takes the others from here.</summary>
/// <remarks>Queries are [..., heads, queries, features], keys and values [..., heads, items, features]; all heads at once or one alone.
/// There may be several times as many heads of queries as of keys and values: neighbouring ones then share a head (grouped-query attention,
/// Ainslie et al. 2023), and nothing is repeated in memory.</remarks>
public static class Attention
{
    /// <summary>softmax(scale q k^T, masked) v: scaled dot-product attention. Vaswani et al. 2017, equation 1.</summary>
    /// <param name="queries">[..., heads, queries, features].</param>
    /// <param name="keys">[..., heads, items, features].</param>
    /// <param name="values">[..., heads, items, valueFeatures].</param>
    /// <param name="mask">See <see cref="Softmax"/>.</param>
    /// <param name="scale">1 / sqrt(features) when null.</param>
    /// <returns>[..., heads, queries, valueFeatures].</returns>
    /// <exception cref="TensorArgumentException">Shapes or dtypes do not fit.</exception>
    public static Tensor ScaledDotProduct(Tensor queries, Tensor keys, Tensor values, Tensor? mask = null, double? scale = null)
        => Combine(Softmax(Logits(queries, keys, scale), mask), values);

    /// <summary>scale q k^T [..., heads, queries, items].</summary>
    /// <param name="queries">[..., heads, queries, features].</param>
    /// <param name="keys">[..., heads, items, features].</param>
    /// <param name="scale">1 / sqrt(features) when null.</param>
    /// <exception cref="TensorArgumentException">Shapes or dtypes do not fit.</exception>
    public static Tensor Logits(Tensor queries, Tensor keys, double? scale = null)
    {
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentNullException.ThrowIfNull(keys);
        if (queries.Rank < 2 || keys.Rank < 2 || queries.Shape[^1] != keys.Shape[^1])
            throw new TensorArgumentException("Attention.Logits", nameof(keys), $"{keys.Shape} beside queries {queries.Shape}",
                "[..., heads, items, features] beside [..., heads, queries, features]");
        return Shared("Attention.Logits", queries * (scale ?? 1 / Math.Sqrt(queries.Shape[^1])), HeadsOf(keys),
            rows => rows.MatMul(keys.T));
    }

    /// <summary>Weights that are not negative and sum to 1 over the items that a query may look at.</summary>
    /// <param name="logits">[..., heads, queries, items].</param>
    /// <param name="mask">Bool, broadcasting to the logits: true where a query may look at an item; a query that may look at none gets
    /// weights 0. Or numbers, which are added to the logits. None when null.</param>
    /// <exception cref="TensorArgumentException">The mask does not fit.</exception>
    public static Tensor Softmax(Tensor logits, Tensor? mask = null)
    {
        ArgumentNullException.ThrowIfNull(logits);
        if (mask is null)
            return logits.Softmax();
        if (mask.DType != DType.Bool)
            return (logits + mask).Softmax();
        // Not -infinity: a row of nothing else has no softmax, and its gradient would be NaN.
        var hidden = ~mask;
        return logits.MaskedFill(hidden, logits.DType == DType.Half ? -6e4 : -1e30).Softmax().MaskedFill(hidden, 0);
    }

    /// <summary>Sums of values by weights [..., heads, queries, valueFeatures].</summary>
    /// <param name="weights">[..., heads, queries, items].</param>
    /// <param name="values">[..., heads, items, valueFeatures].</param>
    /// <exception cref="TensorArgumentException">Shapes or dtypes do not fit.</exception>
    public static Tensor Combine(Tensor weights, Tensor values)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(values);
        if (weights.Rank < 2 || values.Rank < 2 || weights.Shape[^1] != values.Shape[^2])
            throw new TensorArgumentException("Attention.Combine", nameof(values), $"{values.Shape} beside weights {weights.Shape}",
                "[..., heads, items, features] beside [..., heads, queries, items]");
        return Shared("Attention.Combine", weights, HeadsOf(values), rows => rows.MatMul(values));
    }

    /// <summary>Which items come no later than a query, when the last query stands beside the last item: Bool [queries, items].</summary>
    /// <param name="queries">How many queries there are.</param>
    /// <param name="items">How many items there are.</param>
    /// <param name="device">Where the mask lies; the CPU when null.</param>
    public static Tensor CausalMask(int queries, int items, Device? device = null)
        => Tensor.Arange(items, DType.Int64, device).Unsqueeze(0)
            .LessEqual(Tensor.Arange(queries, DType.Int64, device).Unsqueeze(1) + (long)(items - queries));

    /// <summary>[..., items, heads * features] as [..., heads, items, features].</summary>
    /// <exception cref="TensorArgumentException">The heads do not divide the last extent.</exception>
    public static Tensor SplitHeads(Tensor x, int heads)
    {
        ArgumentNullException.ThrowIfNull(x);
        return x.Rank >= 2 && heads > 0 && x.Shape[^1] % heads == 0
            ? x.Unflatten(-1, heads, x.Shape[^1] / heads).Transpose(-3, -2)
            : throw new TensorArgumentException("Attention.SplitHeads", nameof(x), $"{x.Shape}", $"[..., items, {heads} * features]");
    }

    /// <summary>[..., heads, items, features] as [..., items, heads * features].</summary>
    /// <exception cref="TensorArgumentException">There are fewer than three dimensions.</exception>
    public static Tensor MergeHeads(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return x.Rank >= 3
            ? x.Transpose(-3, -2).Flatten(-2)
            : throw new TensorArgumentException("Attention.MergeHeads", nameof(x), $"{x.Shape}", "[..., heads, items, features]");
    }

    static int? HeadsOf(Tensor x) => x.Rank >= 3 ? x.Shape[^3] : null;

    /// <summary>Applies a product with what some heads have to rows of these or of several times as many heads: the rows of neighbouring
    /// heads are then rows of the head that they share.</summary>
    internal static Tensor Shared(string operation, Tensor x, int? heads, Func<Tensor, Tensor> product)
    {
        if (heads is not { } shared || x.Rank < 3 || x.Shape[^3] == shared || x.Shape[^3] == 1)
            return product(x);
        if (shared == 0 || x.Shape[^3] % shared != 0)
            throw new TensorArgumentException(operation, nameof(x), $"of {x.Shape[^3]} heads", $"a multiple of {shared}");
        var (lead, rows) = (x.Shape[..^3], x.Shape[^2]);
        var y = product(x.Reshape([.. lead, shared, x.Shape[^3] / shared * rows, x.Shape[^1]]));
        return y.Reshape([.. lead, x.Shape[^3], rows, y.Shape[^1]]);
    }
}
