using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>A function without parameters as a part of a network: <c>new Activation(x => x.Relu())</c>.</summary>
/// <param name="function">Any composition of differentiable operations.</param>
public sealed class Activation(Func<Tensor, Tensor> function) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => function(x);
}
