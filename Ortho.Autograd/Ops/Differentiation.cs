using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Gradients as members of a tensor.</summary>
[OpFamily("structure")]
public static class Differentiation
{
    extension(Tensor x)
    {
        /// <summary>Whether operations on this tensor are recorded: it is a leaf that wants a gradient or was computed from one.</summary>
        public bool WantsGrad => Graph.Wants(x);

        /// <summary>The gradient that <c>Backward</c> has accumulated here; null before, or after <c>ZeroGrad</c>. May be replaced, by a
        /// clipped one for instance.</summary>
        /// <exception cref="TensorArgumentException">Set to a tensor of another shape, dtype or device.</exception>
        public Tensor? Grad
        {
            get => Graph.Peek(x)?.Gradient;
            set
            {
                if (value is not null && (value.Shape != x.Shape || value.DType != x.DType || value.Device != x.Device))
                {
                    throw new TensorArgumentException("Grad", nameof(value), $"{value.DType} {value.Shape} on {value.Device}",
                        $"{x.DType} {x.Shape} on {x.Device}");
                }
                if (value is not null || Graph.Peek(x) is not null)
                    Graph.StateOf(x).Gradient = value;
            }
        }

        /// <summary>Asks for (or no longer asks for) a gradient of this tensor.</summary>
        /// <returns>The tensor.</returns>
        /// <exception cref="TensorArgumentException">The dtype is neither floating-point nor complex.</exception>
        public Tensor RequiresGrad(bool requires = true)
        {
            if (requires && !x.DType.IsDifferentiable)
                throw new TensorArgumentException("RequiresGrad", nameof(x), $"{x.DType}", "a floating-point or complex tensor");
            Graph.StateOf(x).RequiresGradient = requires;
            return x;
        }

        /// <summary>Forgets the accumulated gradient.</summary>
        public void ZeroGrad()
        {
            if (Graph.Peek(x) is { } state)
                state.Gradient = null;
        }

        /// <summary>Keeps <c>Grad</c> of this tensor at the next <c>Backward</c> although it is no leaf.</summary>
        /// <returns>The tensor.</returns>
        public Tensor RetainGrad()
        {
            Graph.StateOf(x).RetainsGradient = true;
            return x;
        }

        /// <summary>Calls a function with the gradient of this tensor whenever one is computed; what it returns (unless null) replaces the
        /// gradient, here and for everything before it.</summary>
        /// <param name="hook">From the gradient to its replacement, of the same shape and dtype.</param>
        /// <returns>Disposing it removes the hook.</returns>
        /// <exception cref="TensorArgumentException">No gradient will ever reach this tensor.</exception>
        public IDisposable RegisterHook(Func<Tensor, Tensor?> hook)
        {
            ArgumentNullException.ThrowIfNull(hook);
            if (!Graph.Wants(x))
                throw new TensorArgumentException("RegisterHook", nameof(x), $"a tensor of shape {x.Shape} that wants no gradient", "one that does; call RequiresGrad() first");
            var hooks = Graph.StateOf(x).Hooks ??= [];
            hooks.Add(hook);
            return new Registration(() => hooks.Remove(hook));
        }

        /// <summary>The same values, cut off from the graph; shares storage.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor Detach() => x.View(x.Layout);

        /// <summary>Adds to <c>Grad</c> of every tensor with <c>RequiresGrad</c> the gradient of this one (of sum(this * weight)).</summary>
        /// <param name="weight">Gradient of this tensor; may be omitted when it has one element.</param>
        /// <param name="createGraph">Records the gradient computation, for gradients of gradients.</param>
        /// <param name="retainGraph">Keeps the graph for another call.</param>
        /// <exception cref="TensorArgumentException">Several elements and no weight, a weight that does not fit, or nothing to differentiate.</exception>
        public void Backward(Tensor? weight = null, bool createGraph = false, bool retainGraph = false)
            => Graph.Backward(x, weight, createGraph, retainGraph);

        /// <summary>Overwrites the values in place with those of another tensor (broadcast to this shape); not recorded.</summary>
        /// <exception cref="TensorArgumentException">Dtypes, devices or shapes do not fit.</exception>
        /// <exception cref="InvalidOperationException">This tensor was computed by a recorded operation, or recording is on and it wants a
        /// gradient: its graph would be falsified.</exception>
        public void CopyFrom(Tensor source)
        {
            if (Graph.Peek(x) is { } state && (state.Producer is not null || (state.RequiresGradient && Graph.IsRecording)))
                throw new InvalidOperationException("CopyFrom: an in-place change of this tensor would falsify gradients; change leaves only, inside Graph.NoGrad().");
            Copy.Into(x, source);
        }
    }

    sealed class Registration(Action remove) : IDisposable
    {
        public void Dispose() => remove();
    }
}
