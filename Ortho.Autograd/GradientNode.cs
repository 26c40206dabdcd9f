using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>How the gradient of an operation's output becomes that of one of its inputs.</summary>
/// <param name="Tensor">The input.</param>
/// <param name="Pull">From the gradient of the output to that of the input, of the input's shape and dtype, by differentiable
/// operations. Complex gradients follow the convention dL/dRe + i dL/dIm.</param>
public readonly record struct Input(Tensor Tensor, Func<Tensor, Tensor> Pull)
{
    /// <summary>A tensor that the rules hold but that no gradient passes to, as a detached result: it must not be changed in place before
    /// they are used.</summary>
    public static Input Kept(Tensor tensor) => new(tensor, _ => throw new InvalidOperationException("No gradient passes to a tensor that is only kept."));

    /// <summary>So that an operation reads <c>Record("Exp", y, (x, g => g * y))</c>.</summary>
    public static implicit operator Input((Tensor Tensor, Func<Tensor, Tensor> Pull) pair) => new(pair.Tensor, pair.Pull);
}

/// <summary>The same for an operation of several outputs: gradients are null for outputs that nothing depends on.</summary>
/// <param name="Tensor">The input.</param>
/// <param name="Pull">From the gradients of the outputs to that of the input.</param>
public readonly record struct JointInput(Tensor Tensor, Func<Tensor?[], Tensor> Pull)
{
    /// <summary>So that an operation reads <c>Record("Qr", [q, r], (x, g => ...))</c>.</summary>
    public static implicit operator JointInput((Tensor Tensor, Func<Tensor?[], Tensor> Pull) pair) => new(pair.Tensor, pair.Pull);
}

/// <summary>What is known of a tensor for differentiation: whether it wants a gradient, the gradient, and the node it came from.</summary>
sealed class GradientState
{
    public bool RequiresGradient;
    public Tensor? Gradient;
    public GradientNode? Producer;
    public int OutputIndex;

    /// <summary>Whether <see cref="Gradient"/> is kept although the tensor is no leaf.</summary>
    public bool RetainsGradient;

    /// <summary>Called with the gradient of this tensor; what they return replaces it.</summary>
    public List<Func<Tensor, Tensor?>>? Hooks;

    public Tensor ApplyHooks(Tensor gradient)
    {
        foreach (var hook in Hooks ?? [])
        {
            var replaced = hook(gradient) ?? gradient;
            if (replaced.Shape != gradient.Shape || replaced.DType != gradient.DType)
                throw new InvalidOperationException($"Hook: returned {replaced.DType} {replaced.Shape} for a gradient of {gradient.DType} {gradient.Shape}.");
            gradient = replaced;
        }
        return gradient;
    }
}

/// <summary>One recorded operation: its inputs and how gradients pass back to them.</summary>
/// <remarks>The graph is made of nodes and of what their rules hold; it is freed as it is walked.</remarks>
sealed class GradientNode(string operation, GradientState?[] inputs, Func<Tensor?[], Tensor>?[] pulls, (Shape Shape, DType DType)[] inputTypes, (Storage Storage, int Version)[] saved, int outputs)
{
    Func<Tensor?[], Tensor>?[]? rules = pulls;

    public string Operation { get; } = operation;

    /// <summary>States of the inputs; null for those that want no gradient.</summary>
    public GradientState?[] Inputs { get; } = inputs;

    public int Outputs { get; } = outputs;

    public Tensor Pull(int input, Tensor?[] gradients)
    {
        var rule = (rules ?? throw new InvalidOperationException(
            $"Backward: the graph through {Operation} was freed by an earlier Backward; pass retainGraph: true to the first."))[input]!;
        foreach (var (storage, version) in saved)
        {
            if (storage.Version != version)
                throw new InvalidOperationException($"Backward: an input of {Operation} was changed in place after it was used ({storage.Version - version} times); its gradient would be wrong. Clone it before the change, or change it after Backward.");
        }
        var gradient = rule(gradients);
        Graph.CheckForNaN($"the gradient of {Operation}, input {input}", gradient);
        var (shape, dtype) = inputTypes[input];
        return gradient.Shape == shape && gradient.DType == dtype
            ? gradient
            : throw new InvalidOperationException($"{Operation}: the gradient of input {input} is {gradient.DType} {gradient.Shape}; the input is {dtype} {shape}.");
    }

    public void Free() => rules = null;
}
