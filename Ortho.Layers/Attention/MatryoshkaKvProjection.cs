using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>Trained attention that keeps of its keys and values only the first coordinates in orthogonal bases, as many as each head is
/// given: the logits are (U^T q) . c with c the first r_K coordinates of a key, the result U_V (sum of weights times coordinates of values)
/// + m_V. At full rank it is the attention itself. Lin et al. 2025 (MatryoshkaKV).</summary>
/// <remarks>Trained by <see cref="Training.RankSampler"/> with the attention's own answers as teacher, the attention frozen. The term q .
/// m_K, which is the same for all keys, cancels in the softmax and is left out. Rotary embeddings must be applied before. The bases belong
/// to the cached heads: queries of a group share them. Parameters are those of the bases; the attention's are its owner's.
/// In our miniature of associative recall, at 37.5 % of the cache: principal directions, then trained ones, then unequal ranks by
/// <see cref="Analysis.RankSearch"/> are each better than the one before; training at one rank only is better at that rank and no
/// better beside it: the price of nesting.</remarks>
public sealed class MatryoshkaKvProjection : Module
{
    readonly MultiHeadAttention attention;

    /// <summary>Bases for an attention's keys and values: the identity, until <see cref="InitializeFromPca"/>.</summary>
    /// <param name="attention">The trained attention.</param>
    public MatryoshkaKvProjection(MultiHeadAttention attention)
    {
        ArgumentNullException.ThrowIfNull(attention);
        this.attention = attention;
        var dtype = attention.Key.Weight.Value.DType;
        Keys = Register("keys", new HeadBasis(attention.KeyValueHeads, attention.HeadFeatures, dtype));
        Values = Register("values", new HeadBasis(attention.KeyValueHeads, attention.HeadFeatures, dtype));
    }

    /// <summary>Bases of the keys.</summary>
    public HeadBasis Keys { get; }

    /// <summary>Bases of the values.</summary>
    public HeadBasis Values { get; }

    /// <summary>Starts from the principal directions of the keys and values that a memory has.</summary>
    /// <param name="memory">[..., items, memoryFeatures].</param>
    public void InitializeFromPca(Tensor memory)
    {
        using var pause = Graph.NoGrad();
        Keys.InitializeFromPca(Samples(attention.Keys(memory)));
        Values.InitializeFromPca(Samples(attention.Values(memory)));

        static Tensor Samples(Tensor x) => x.Transpose(-3, -2).Reshape(-1, x.Shape[^3], x.Shape[^1]);
    }

    /// <summary>Self-attention at full rank.</summary>
    /// <param name="x">[..., items, features].</param>
    public override Tensor Forward(Tensor x) => Forward(x, x);

    /// <summary>What x finds in a memory whose keys and values are kept in part.</summary>
    /// <param name="x">[..., queries, features].</param>
    /// <param name="memory">[..., items, memoryFeatures].</param>
    /// <param name="keyRanks">Int64 [keyValueHeads]; full ranks when null.</param>
    /// <param name="valueRanks">Int64 [keyValueHeads]; full ranks when null.</param>
    /// <param name="mask">See <see cref="Attention.Softmax"/>.</param>
    /// <returns>[..., queries, features].</returns>
    public Tensor Forward(Tensor x, Tensor memory, Tensor? keyRanks = null, Tensor? valueRanks = null, Tensor? mask = null)
        => attention.Output.Forward(Attention.MergeHeads(
            Attend(attention.Queries(x), attention.Keys(memory), attention.Values(memory), keyRanks, valueRanks, mask)));

    /// <summary>The heads' results.</summary>
    /// <param name="queries">[..., heads, queries, features].</param>
    /// <param name="keys">[..., keyValueHeads, items, features].</param>
    /// <param name="values">[..., keyValueHeads, items, features].</param>
    /// <param name="keyRanks">Int64 [keyValueHeads]; full ranks when null.</param>
    /// <param name="valueRanks">Int64 [keyValueHeads]; full ranks when null.</param>
    /// <param name="mask">See <see cref="Attention.Softmax"/>.</param>
    /// <returns>[..., heads, queries, features].</returns>
    public Tensor Attend(Tensor queries, Tensor keys, Tensor values, Tensor? keyRanks = null, Tensor? valueRanks = null,
        Tensor? mask = null)
    {
        var basis = Values.Basis;
        return Values.Vectors(AttendCoordinates(queries, keys, values, basis, keyRanks, valueRanks, mask), basis);
    }

    /// <summary>The heads' results in coordinates of the values, as <see cref="Folded"/> takes them.</summary>
    /// <param name="queries">[..., heads, queries, features].</param>
    /// <param name="keys">[..., keyValueHeads, items, features].</param>
    /// <param name="values">[..., keyValueHeads, items, features].</param>
    /// <param name="keyRanks">Int64 [keyValueHeads]; full ranks when null.</param>
    /// <param name="valueRanks">Int64 [keyValueHeads]; full ranks when null.</param>
    /// <param name="mask">See <see cref="Attention.Softmax"/>.</param>
    /// <returns>[..., heads, queries, features].</returns>
    public Tensor AttendCoordinates(Tensor queries, Tensor keys, Tensor values, Tensor? keyRanks = null, Tensor? valueRanks = null,
        Tensor? mask = null)
        => AttendCoordinates(queries, keys, values, Values.Basis, keyRanks, valueRanks, mask);

    Tensor AttendCoordinates(Tensor queries, Tensor keys, Tensor values, Tensor valueBasis, Tensor? keyRanks, Tensor? valueRanks,
        Tensor? mask)
    {
        var keyBasis = Keys.Basis;
        return Attention.ScaledDotProduct(Keys.Directions(queries, keyBasis), Keys.Coordinates(keys, keyBasis, keyRanks),
            Values.Coordinates(values, valueBasis, valueRanks), mask);
    }

    /// <summary>The attention's output map after <see cref="HeadBasis.Vectors(Tensor)"/>, as one linear map of coordinates: W_h U_h for
    /// each head, and W_h m_h added to the bias.</summary>
    public Linear Folded()
    {
        using var pause = Graph.NoGrad();
        var (heads, weight) = (attention.Heads, attention.Output.Weight.Value);
        var ofHeads = weight.Unflatten(1, heads, attention.HeadFeatures).Transpose(0, 1);
        var (share, outputs) = (heads / attention.KeyValueHeads, weight.Shape[0]);
        var (basis, mean) = (Values.Basis.RepeatInterleave(share, 0), Values.Mean.Value.RepeatInterleave(share, 0));
        var folded = new Linear(weight.Shape[1], outputs, new Generator(0), dtype: weight.DType);
        _ = folded.To(weight.Device);
        folded.Weight.Assign(ofHeads.MatMul(basis).Transpose(0, 1).Reshape(outputs, -1));
        var shift = ofHeads.MatMul(mean.Unsqueeze(-1)).Sum([0]).Squeeze(-1);
        folded.Bias!.Assign(attention.Output.Bias is { } bias ? bias.Value + shift : shift);
        return folded;
    }

    /// <summary>An empty cache for these bases as they are now.</summary>
    /// <param name="keyRanks">Coordinates kept of the keys of each head.</param>
    /// <param name="valueRanks">Coordinates kept of the values of each head.</param>
    /// <exception cref="ArgumentException">There are not as many ranks as heads, or one is not from 1 to the head's features.</exception>
    public ProjectedKvCache NewCache(IReadOnlyList<int> keyRanks, IReadOnlyList<int> valueRanks) => new(Keys, Values, keyRanks, valueRanks);
}
