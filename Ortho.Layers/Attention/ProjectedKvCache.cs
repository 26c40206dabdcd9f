using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>The keys and values of one layer's past tokens in the first coordinates of their bases, a number of their own for each head.
/// For use, not for training: nothing is recorded.</summary>
public sealed class ProjectedKvCache
{
    readonly CoordinateCache keys, values;

    /// <summary>An empty cache. The bases are copied.</summary>
    /// <param name="keyBasis">Bases of the keys.</param>
    /// <param name="valueBasis">Bases of the values, of as many heads.</param>
    /// <param name="keyRanks">Coordinates kept of the keys of each head.</param>
    /// <param name="valueRanks">Coordinates kept of the values of each head.</param>
    /// <exception cref="ArgumentException">There are not as many ranks as heads, or one is not from 1 to the head's features.</exception>
    public ProjectedKvCache(HeadBasis keyBasis, HeadBasis valueBasis, IReadOnlyList<int> keyRanks, IReadOnlyList<int> valueRanks)
        => (keys, values) = (new(keyBasis, keyRanks, nameof(keyRanks)), new(valueBasis, valueRanks, nameof(valueRanks)));

    /// <summary>How many tokens are held.</summary>
    public int Length => keys.Length;

    /// <summary>Memory of the tokens that are held, (sum of all ranks) * batch * tokens * size of a number. Up to twice as much is
    /// reserved.</summary>
    public long Bytes => keys.Bytes + values.Bytes;

    /// <summary>Adds tokens.</summary>
    /// <param name="k">Keys [batch, heads, tokens, features], after a rotary embedding if there is one.</param>
    /// <param name="v">Values [batch, heads, tokens, features].</param>
    /// <exception cref="TensorArgumentException">Shapes do not fit each other, the bases, or what is held.</exception>
    public void Append(Tensor k, Tensor v)
    {
        ArgumentNullException.ThrowIfNull(k);
        ArgumentNullException.ThrowIfNull(v);
        if (k.Rank != 4 || v.Rank != 4 || k.Shape[..3] != v.Shape[..3])
            throw new TensorArgumentException("ProjectedKvCache.Append", nameof(v), $"{v.Shape} beside keys {k.Shape}",
                "[batch, heads, tokens, features] for both");
        keys.Check(nameof(k), k);
        values.Check(nameof(v), v);
        using var pause = Graph.NoGrad();
        keys.Append(k);
        values.Append(v);
    }

    /// <summary>What queries find in the tokens that are held.</summary>
    /// <param name="q">[batch, heads or a multiple, queries, features].</param>
    /// <param name="mask">See <see cref="Attention.Softmax"/>; all tokens that are held when null.</param>
    /// <returns>[batch, heads or a multiple, queries, features].</returns>
    /// <exception cref="TensorArgumentException">Shapes do not fit.</exception>
    /// <exception cref="InvalidOperationException">Nothing is held.</exception>
    public Tensor Attend(Tensor q, Tensor? mask = null)
    {
        ArgumentNullException.ThrowIfNull(q);
        if (Length == 0)
            throw new InvalidOperationException("ProjectedKvCache.Attend: the cache is empty; Append tokens first.");
        using var pause = Graph.NoGrad();
        var scaled = q * (1 / Math.Sqrt(q.Shape[^1]));
        var weights = Attention.Softmax(Attention.Shared("ProjectedKvCache", scaled, keys.Heads, keys.Products), mask);
        return Attention.Shared("ProjectedKvCache", weights, values.Heads, values.Sums);
    }
}
