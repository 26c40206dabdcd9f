using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>Attention in several heads: queries, keys and values are linear maps of what asks and of what is asked, and a linear map of all
/// heads side by side is the answer. Vaswani et al. 2017, section 3.2.2; with fewer heads of keys and values than of queries, grouped-query
/// attention (Ainslie et al. 2023).</summary>
public sealed class MultiHeadAttention : Module
{
    /// <summary>A layer with random weights and zero biases.</summary>
    /// <param name="features">Features of what asks, and of the answer.</param>
    /// <param name="heads">Heads of queries; they divide the features.</param>
    /// <param name="generator">Source of the initial weights.</param>
    /// <param name="keyValueHeads">Heads of keys and values, which divide those of queries; as many when null.</param>
    /// <param name="memoryFeatures">Features of what is asked; as many when null.</param>
    /// <param name="bias">Whether the four maps have biases.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentException">Heads do not divide what they should.</exception>
    public MultiHeadAttention(int features, int heads, Generator generator, int? keyValueHeads = null, int? memoryFeatures = null,
        bool bias = true,
        DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(heads, 1);
        (Heads, KeyValueHeads) = (heads, keyValueHeads ?? heads);
        ArgumentOutOfRangeException.ThrowIfLessThan(KeyValueHeads, 1, nameof(keyValueHeads));
        if (features < 1 || features % heads != 0 || heads % KeyValueHeads != 0)
            throw new ArgumentException($"MultiHeadAttention: {features} features, {heads} heads and {KeyValueHeads} heads of keys and values; "
                + "expected heads that divide the features, and heads of keys and values that divide the heads.", nameof(heads));
        HeadFeatures = features / heads;
        var memory = memoryFeatures ?? features;
        Query = Register("query", new Linear(features, features, generator, bias, dtype));
        Key = Register("key", new Linear(memory, KeyValueHeads * HeadFeatures, generator, bias, dtype));
        Value = Register("value", new Linear(memory, KeyValueHeads * HeadFeatures, generator, bias, dtype));
        Output = Register("output", new Linear(features, features, generator, bias, dtype));
    }

    /// <summary>Heads of queries.</summary>
    public int Heads { get; }

    /// <summary>Heads of keys and values.</summary>
    public int KeyValueHeads { get; }

    /// <summary>Features of a head.</summary>
    public int HeadFeatures { get; }

    /// <summary>From what asks to the queries of all heads.</summary>
    public Linear Query { get; }

    /// <summary>From what is asked to the keys of all heads.</summary>
    public Linear Key { get; }

    /// <summary>From what is asked to the values of all heads.</summary>
    public Linear Value { get; }

    /// <summary>From all heads to the answer.</summary>
    public Linear Output { get; }

    /// <summary>Self-attention without a mask.</summary>
    /// <param name="x">[..., items, features].</param>
    public override Tensor Forward(Tensor x) => Forward(x, x);

    /// <summary>What x finds in a memory.</summary>
    /// <param name="x">[..., queries, features].</param>
    /// <param name="memory">[..., items, memoryFeatures]; x itself for self-attention.</param>
    /// <param name="mask">See <see cref="Attention.Softmax"/>.</param>
    /// <returns>[..., queries, features].</returns>
    /// <exception cref="TensorArgumentException">Shapes or dtypes do not fit.</exception>
    public Tensor Forward(Tensor x, Tensor memory, Tensor? mask = null)
        => Output.Forward(Attention.MergeHeads(Attention.Combine(Weights(x, memory, mask), Values(memory))));

    /// <summary>How each head of each query weighs the items [..., heads, queries, items].</summary>
    /// <param name="x">[..., queries, features].</param>
    /// <param name="memory">[..., items, memoryFeatures].</param>
    /// <param name="mask">See <see cref="Attention.Softmax"/>.</param>
    /// <exception cref="TensorArgumentException">Shapes or dtypes do not fit.</exception>
    public Tensor Weights(Tensor x, Tensor memory, Tensor? mask = null)
        => Attention.Softmax(Attention.Logits(Queries(x), Keys(memory)), mask);

    /// <summary>The queries [..., heads, queries, headFeatures] of x.</summary>
    public Tensor Queries(Tensor x) => Attention.SplitHeads(Query.Forward(x), Heads);

    /// <summary>The keys [..., keyValueHeads, items, headFeatures] of a memory.</summary>
    public Tensor Keys(Tensor memory) => Attention.SplitHeads(Key.Forward(memory), KeyValueHeads);

    /// <summary>The values [..., keyValueHeads, items, headFeatures] of a memory.</summary>
    public Tensor Values(Tensor memory) => Attention.SplitHeads(Value.Forward(memory), KeyValueHeads);
}
