using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Recording of operations and the walk back through them.</summary>
public static class Graph
{
    [ThreadStatic] static int pauses;

    /// <summary>Whether operations on this thread are being recorded.</summary>
    public static bool IsRecording => pauses == 0;

    /// <summary>Stops recording on this thread until the scope is disposed.</summary>
    /// <example><code>using (Graph.NoGrad()) { weight.CopyFrom(weight - gradient * 0.1); }</code></example>
    public static NoGradScope NoGrad() => new();

    /// <summary>The scope of <see cref="NoGrad"/>.</summary>
    public sealed class NoGradScope : IDisposable
    {
        bool disposed;

        internal NoGradScope() => pauses++;

        /// <summary>Records again.</summary>
        public void Dispose()
        {
            if (!disposed)
                pauses--;
            disposed = true;
        }
    }

    /// <summary>Records on this thread until the scope is disposed, also inside <see cref="NoGrad"/>.</summary>
    internal static RecordScope Recording() => new();

    internal readonly struct RecordScope : IDisposable
    {
        readonly int before;

        public RecordScope()
        {
            before = pauses;
            pauses = 0;
        }

        public void Dispose() => pauses = before;
    }

    [ThreadStatic] static bool detectsAnomalies;

    /// <summary>Looks for NaN in the result and in the gradients of every recorded operation on this thread, until the scope is disposed;
    /// the first one found is an <see cref="ArithmeticException"/> that names the operation. Slow: each check waits for the device.</summary>
    public static IDisposable DetectAnomaly()
    {
        var scope = new AnomalyScope(detectsAnomalies);
        detectsAnomalies = true;
        return scope;
    }

    sealed class AnomalyScope(bool before) : IDisposable
    {
        public void Dispose() => detectsAnomalies = before;
    }

    internal static void CheckForNaN(string what, Tensor tensor)
    {
        if (!detectsAnomalies || !tensor.DType.IsDifferentiable || tensor.ElementCount == 0)
            return;
        // The check's own operations are neither recorded nor checked.
        detectsAnomalies = false;
        try
        {
            using var pause = NoGrad();
            var parts = tensor.DType.IsComplex ? new[] { tensor.Real(), tensor.Imag() } : [tensor];
            if (parts.Any(part => part.EqualTo(part).To(DType.Float32).Min().Item() == 0))
                throw new ArithmeticException($"NaN in {what}, {tensor.DType} {tensor.Shape}.");
        }
        finally
        {
            detectsAnomalies = true;
        }
    }

    internal static GradientState StateOf(Tensor tensor) => (GradientState)(tensor.GradientState ??= new GradientState());

    internal static GradientState? Peek(Tensor tensor) => (GradientState?)tensor.GradientState;

    internal static bool Wants(Tensor tensor) => Peek(tensor) is { } state && (state.RequiresGradient || state.Producer is not null);

    /// <summary>Makes <paramref name="output"/> differentiable in the inputs that want gradients.</summary>
    /// <param name="operation">Its name, for messages.</param>
    /// <param name="output">What the operation computed.</param>
    /// <param name="inputs">The inputs and, for each, how the gradient passes to it.</param>
    /// <returns><paramref name="output"/>.</returns>
    public static Tensor Record(string operation, Tensor output, params ReadOnlySpan<Input> inputs)
    {
        CheckForNaN($"the result of {operation}", output);
        if (!IsRecording || !AnyWants(inputs))
            return output;
        var joint = new JointInput[inputs.Length];
        for (var k = 0; k < inputs.Length; k++)
        {
            var pull = inputs[k].Pull;
            joint[k] = new(inputs[k].Tensor, gradients => pull(gradients[0]!));
        }
        Join(operation, [output], joint);
        return output;
    }

    static bool AnyWants(ReadOnlySpan<Input> inputs)
    {
        foreach (var input in inputs)
        {
            if (Wants(input.Tensor))
                return true;
        }
        return false;
    }

    /// <summary>Makes several outputs of one operation differentiable.</summary>
    public static void Record(string operation, ReadOnlySpan<Tensor> outputs, params ReadOnlySpan<JointInput> inputs)
    {
        foreach (var output in outputs)
            CheckForNaN($"the result of {operation}", output);
        if (IsRecording)
            Join(operation, outputs, inputs);
    }

    static void Join(string operation, ReadOnlySpan<Tensor> outputs, ReadOnlySpan<JointInput> inputs)
    {
        var (states, pulls) = (new GradientState?[inputs.Length], new Func<Tensor?[], Tensor>?[inputs.Length]);
        var types = new (Shape, DType)[inputs.Length];
        var any = false;
        for (var k = 0; k < inputs.Length; k++)
        {
            if (!Wants(inputs[k].Tensor))
                continue;
            (states[k], pulls[k], types[k], any) = (Peek(inputs[k].Tensor), inputs[k].Pull, (inputs[k].Tensor.Shape, inputs[k].Tensor.DType), true);
        }
        if (!any)
            return;
        // Rules may hold any input: all of them must be unchanged when the gradient passes.
        var saved = new (Storage, int)[inputs.Length];
        for (var k = 0; k < inputs.Length; k++)
            saved[k] = (inputs[k].Tensor.Storage, inputs[k].Tensor.Storage.Version);
        var node = new GradientNode(operation, states, pulls, types, saved, outputs.Length);
        for (var k = 0; k < outputs.Length; k++)
        {
            var state = StateOf(outputs[k]);
            (state.Producer, state.OutputIndex) = (node, k);
        }
    }

    /// <summary>Gradients of sum(outputs * weights) with respect to some tensors, as functions of them when asked for.</summary>
    /// <param name="outputs">What is differentiated.</param>
    /// <param name="inputs">The tensors whose gradients are wanted; each must want gradients.</param>
    /// <param name="weights">Gradients of the outputs; null for 1 (then the outputs have one element each).</param>
    /// <param name="createGraph">Records the gradient computation, so that it can itself be differentiated.</param>
    /// <param name="retainGraph">Keeps the graph for another walk; implied by <paramref name="createGraph"/>.</param>
    /// <returns>The gradients in the order of <paramref name="inputs"/>; zeros for those the outputs do not depend on.</returns>
    /// <exception cref="TensorArgumentException">An output has several elements and no weight, or a weight does not fit it.</exception>
    public static Tensor[] Gradients(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor>? weights = null, bool createGraph = false, bool retainGraph = false)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        var found = new Dictionary<GradientState, Tensor>(ReferenceEqualityComparer.Instance);
        foreach (var input in inputs)
        {
            if (!Wants(input))
                throw new TensorArgumentException("Gradients", nameof(inputs), $"a tensor of shape {input.Shape} that wants no gradient", "tensors that do; call RequiresGrad() on them first");
            found[StateOf(input)] = null!;
        }
        Walk(outputs, weights, createGraph, retainGraph || createGraph, (state, gradient) =>
        {
            if (found.ContainsKey(state))
                found[state] = gradient;
        });
        return [.. inputs.Select(input => found[StateOf(input)] ?? Tensor.Zeros(input.Shape, input.DType, input.Device))];
    }

    internal static void Backward(Tensor output, Tensor? weight, bool createGraph, bool retainGraph)
        => Walk([output], weight is null ? null : [weight], createGraph, retainGraph || createGraph, (state, gradient) =>
        {
            if (state.RequiresGradient || state.RetainsGradient)
                state.Gradient = state.Gradient is { } before ? before + gradient : gradient;
        });

    static void Walk(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor>? weights, bool createGraph, bool retainGraph, Action<GradientState, Tensor> arrive)
    {
        ArgumentNullException.ThrowIfNull(outputs);
        using var pause = createGraph ? null : NoGrad();
        var gradients = new Dictionary<GradientNode, Tensor?[]>(ReferenceEqualityComparer.Instance);
        var leaves = new Dictionary<GradientState, Tensor>(ReferenceEqualityComparer.Instance);
        var interior = new Dictionary<(GradientNode, int), GradientState>();

        void Give(GradientState state, Tensor gradient)
        {
            if (state.Producer is not { } node)
            {
                leaves[state] = leaves.TryGetValue(state, out var before) ? before + gradient : gradient;
                return;
            }
            if (!gradients.TryGetValue(node, out var slots))
                gradients[node] = slots = new Tensor?[node.Outputs];
            slots[state.OutputIndex] = slots[state.OutputIndex] is { } sum ? sum + gradient : gradient;
            interior[(node, state.OutputIndex)] = state;
        }

        for (var k = 0; k < outputs.Count; k++)
        {
            var output = outputs[k];
            if (!Wants(output))
                throw new TensorArgumentException("Backward", nameof(outputs), $"a tensor of shape {output.Shape} that depends on nothing differentiable", "a tensor computed from one with RequiresGrad(), while recording");
            var weight = weights?[k];
            if (weight is null && output.ElementCount != 1)
                throw new TensorArgumentException("Backward", nameof(outputs), $"a tensor of shape {output.Shape}", "one element, or a weight of its shape");
            if (weight is not null && (weight.Shape != output.Shape || weight.DType != output.DType))
                throw new TensorArgumentException("Backward", nameof(weights), $"{weight.DType} {weight.Shape}", $"{output.DType} {output.Shape}");
            Give(StateOf(output), weight ?? Tensor.Ones(output.Shape, output.DType, output.Device));
        }

        foreach (var node in Order(outputs))
        {
            // Nodes none of whose outputs got a gradient pass nothing on.
            if (gradients.Remove(node, out var slots))
            {
                for (var k = 0; k < slots.Length; k++)
                {
                    if (slots[k] is { } gradient && interior.Remove((node, k), out var state))
                    {
                        slots[k] = gradient = state.ApplyHooks(gradient);
                        arrive(state, gradient);
                    }
                }
                for (var k = 0; k < node.Inputs.Length; k++)
                {
                    if (node.Inputs[k] is { } input)
                        Give(input, node.Pull(k, slots));
                }
            }
            if (!retainGraph)
                node.Free();
        }
        foreach (var (state, gradient) in leaves)
            arrive(state, state.ApplyHooks(gradient));
    }

    // Every node before the nodes its inputs came from: a depth-first search without recursion, finished nodes reversed.
    static List<GradientNode> Order(IReadOnlyList<Tensor> outputs)
    {
        var order = new List<GradientNode>();
        var seen = new HashSet<GradientNode>(ReferenceEqualityComparer.Instance);
        var stack = new Stack<(GradientNode Node, int Next)>();
        foreach (var output in outputs)
        {
            Push(Peek(output)?.Producer);
            while (stack.TryPop(out var top))
            {
                if (top.Next == top.Node.Inputs.Length)
                {
                    order.Add(top.Node);
                    continue;
                }
                stack.Push((top.Node, top.Next + 1));
                Push(top.Node.Inputs[top.Next]?.Producer);
            }
        }
        order.Reverse();
        return order;

        void Push(GradientNode? node)
        {
            if (node is not null && seen.Add(node))
                stack.Push((node, 0));
        }
    }
}
