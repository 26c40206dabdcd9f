using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Derivatives of functions, without touching <c>Grad</c> of any tensor.</summary>
/// <remarks>Everything here follows from the ops' reverse rules. Functions may use other tensors besides their arguments; these count as
/// constants.</remarks>
public static class Derivatives
{
    /// <summary>The gradient of a function with one output element.</summary>
    /// <param name="function">The function.</param>
    /// <param name="x">Where.</param>
    /// <returns>Of x's shape.</returns>
    /// <exception cref="TensorArgumentException">The function has several output elements.</exception>
    public static Tensor Gradient(Func<Tensor, Tensor> function, Tensor x) => Vjp(function, x, null).Gradient;

    /// <summary>Vector-Jacobian product: value f(x) and the gradient of sum(f(x) * v).</summary>
    /// <param name="function">The function.</param>
    /// <param name="x">Where.</param>
    /// <param name="v">Of f(x)'s shape; null for 1 when f(x) has one element.</param>
    public static (Tensor Value, Tensor Gradient) Vjp(Func<Tensor, Tensor> function, Tensor x, Tensor? v)
    {
        ArgumentNullException.ThrowIfNull(function);
        using var recording = Graph.Recording();
        var at = Leaf(x);
        var y = function(at);
        return (y.Detach(), Pull(y, at, v, createGraph: false));
    }

    /// <summary>Jacobian-vector product: value f(x) and the derivative of f along v, that of f(x + t v) at t = 0.</summary>
    /// <param name="function">The function; its ops must have second derivatives.</param>
    /// <param name="x">Where.</param>
    /// <param name="v">The direction, of x's shape. Real.</param>
    /// <remarks>The vector-Jacobian product u -> J^T u is linear in u; the derivative of (J^T u) v in u is J v. So forward mode comes from the
    /// reverse rules alone, at about three times the cost of the function.</remarks>
    /// <exception cref="TensorArgumentException">v does not fit x, or a dtype is complex.</exception>
    public static (Tensor Value, Tensor Derivative) Jvp(Func<Tensor, Tensor> function, Tensor x, Tensor v)
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(v);
        if (v.Shape != x.Shape || v.DType != x.DType || x.DType.IsComplex)
            throw new TensorArgumentException("Jvp", nameof(v), $"{v.DType} {v.Shape} for x {x.DType} {x.Shape}", "real tensors of one shape and dtype");
        using var recording = Graph.Recording();
        var at = Leaf(x);
        var y = function(at);
        var u = Tensor.Zeros(y.Shape, y.DType, y.Device).RequiresGrad();
        var pulled = Pull(y, at, u, createGraph: true);
        var directional = (pulled * v).Sum();
        return (y.Detach(), directional.WantsGrad ? Graph.Gradients([directional], [u])[0] : Tensor.Zeros(y.Shape, y.DType, y.Device));
    }

    /// <summary>All partial derivatives, [f(x)'s shape..., x's shape...].</summary>
    /// <param name="function">The function.</param>
    /// <param name="x">Where. Real.</param>
    /// <remarks>One backward pass for each output element.</remarks>
    public static Tensor Jacobian(Func<Tensor, Tensor> function, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(function);
        using var recording = Graph.Recording();
        var at = Leaf(x);
        var y = function(at);
        return Rows(y, at);
    }

    /// <summary>Second derivatives of a function with one output element, [x's shape..., x's shape...].</summary>
    /// <param name="function">The function; its ops must have second derivatives.</param>
    /// <param name="x">Where. Real.</param>
    /// <exception cref="TensorArgumentException">The function has several output elements.</exception>
    public static Tensor Hessian(Func<Tensor, Tensor> function, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(function);
        using var recording = Graph.Recording();
        var at = Leaf(x);
        return Rows(Pull(function(at), at, null, createGraph: true), at);
    }

    /// <summary>H v for the second derivatives H of a function with one output element, without forming H.</summary>
    /// <param name="function">The function; its ops must have second derivatives.</param>
    /// <param name="x">Where. Real.</param>
    /// <param name="v">Of x's shape.</param>
    public static Tensor HessianVectorProduct(Func<Tensor, Tensor> function, Tensor x, Tensor v)
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(v);
        if (v.Shape != x.Shape || v.DType != x.DType)
            throw new TensorArgumentException("HessianVectorProduct", nameof(v), $"{v.DType} {v.Shape}", $"{x.DType} {x.Shape}");
        using var recording = Graph.Recording();
        var at = Leaf(x);
        var along = (Pull(function(at), at, null, createGraph: true) * v).Sum();
        return Pull(along, at, null, createGraph: false);
    }

    /// <summary>The value, the gradient and the Hessian H of a function with one output element, H as the map v -> H v: the graph of the gradient is
    /// made once and walked for each v, where <see cref="HessianVectorProduct"/> would make it each time.</summary>
    /// <param name="function">The function; its ops must have second derivatives.</param>
    /// <param name="x">Where. Real.</param>
    /// <exception cref="TensorArgumentException">The function has several output elements.</exception>
    public static (Tensor Value, Tensor Gradient, Func<Tensor, Tensor> Hessian) QuadraticModel(Func<Tensor, Tensor> function, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(function);
        using var recording = Graph.Recording();
        var at = Leaf(x);
        var y = function(at);
        var gradient = Pull(y, at, null, createGraph: true);
        // The gradient of a linear function does not depend on x.
        return (y.Detach(), gradient.Detach(), v => gradient.WantsGrad
            ? Graph.Gradients([gradient], [at], [v], retainGraph: true)[0]
            : Tensor.Zeros(at.Shape, at.DType, at.Device));
    }

    /// <summary>Runs a function without keeping what its backward pass needs; the backward pass runs it again. Memory for time.</summary>
    /// <param name="function">The function; it must give the same result each time.</param>
    /// <param name="inputs">Its arguments.</param>
    /// <param name="captured">Other tensors it uses that want gradients (a module's parameters).</param>
    /// <remarks>Chen, Xu, Zhang and Guestrin 2016. A tensor that wants a gradient and is neither argument nor captured gets none.</remarks>
    public static Tensor Checkpoint(Func<Tensor[], Tensor> function, Tensor[] inputs, params Tensor[] captured)
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(inputs);
        Tensor y;
        using (Graph.NoGrad())
            y = function(inputs).Detach();
        // The walk back asks for each gradient in turn; all are computed at the first.
        Tensor[]? found = null;
        Tensor? last = null;
        var joint = new List<JointInput>();
        foreach (var (k, input) in inputs.Concat(captured).Index())
            joint.Add((input, gradients => Again(gradients[0]!, k)));
        Graph.Record("Checkpoint", [y], [.. joint]);
        return y;

        Tensor Again(Tensor gradient, int k)
        {
            if (found is not null && ReferenceEquals(last, gradient))
                return found[k];
            var createGraph = Graph.IsRecording;
            using var recording = Graph.Recording();
            Tensor[] at = [.. inputs.Select(input => !Graph.Wants(input) ? input : createGraph ? Alias(input) : Leaf(input))];
            var output = function(at);
            Tensor[] wanted = [.. at.Concat(captured).Where(Graph.Wants)];
            var gradients = new Queue<Tensor>(wanted.Length == 0 || !output.WantsGrad
                ? wanted.Select(tensor => Tensor.Zeros(tensor.Shape, tensor.DType, tensor.Device))
                : Graph.Gradients([output], wanted, [gradient], createGraph));
            found = [.. at.Concat(captured).Select(tensor => Graph.Wants(tensor) ? gradients.Dequeue() : tensor)];
            last = gradient;
            return found[k];
        }
    }

    static Tensor Leaf(Tensor x) => x.Detach().RequiresGrad();

    static Tensor Alias(Tensor x) => Graph.Record("Alias", x.Detach(), (x, g => g));

    static Tensor Pull(Tensor y, Tensor at, Tensor? weight, bool createGraph)
        => y.WantsGrad
            ? Graph.Gradients([y], [at], weight is null ? null : [weight], createGraph)[0]
            : Tensor.Zeros(at.Shape, at.DType, at.Device);

    static Tensor Rows(Tensor y, Tensor at)
    {
        if (y.DType.IsComplex || at.DType.IsComplex)
            throw new TensorArgumentException("Jacobian", nameof(at), $"{at.DType} to {y.DType}", "real tensors");
        var flat = y.Flatten();
        var rows = new List<Tensor>();
        for (var k = 0; k < flat.ElementCount; k++)
        {
            var element = flat.Select(0, k);
            rows.Add(element.WantsGrad ? Graph.Gradients([element], [at], retainGraph: true)[0] : Tensor.Zeros(at.Shape, at.DType, at.Device));
        }
        int[] shape = [.. y.Shape, .. at.Shape];
        return rows.Count == 0 ? Tensor.Zeros(shape, at.DType, at.Device) : Tensor.Stack(rows, 0).Reshape(shape);
    }
}
