using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>Sandwich layer: y = sqrt 2 A^T P relu(sqrt 2 P^-1 B x + b) with A A^T + B B^T = I and a positive diagonal P = exp(psi), learnt:
/// 1-Lipschitz. [A B]^T is the Cayley map of free numbers. Wang and Manchester 2023.</summary>
public sealed class SandwichLinear : Module, ILipschitz
{
    static readonly Cayley cayley = new();

    readonly Cached<bool> frame;

    /// <summary>A layer with normal free numbers of variance 1 / (inputs + outputs), P = I and zero bias.</summary>
    /// <param name="inputs">Features of x [..., inputs].</param>
    /// <param name="outputs">Features of y [..., outputs].</param>
    /// <param name="generator">Source of the free numbers.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    public SandwichLinear(int inputs, int outputs, Generator generator, DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputs, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(outputs, 1);
        Free = Register("free",
            Tensor.Normal([outputs + inputs, outputs], generator, deviation: 1 / Math.Sqrt(inputs + outputs), dtype: dtype),
            ParameterRole.Matrix);
        Psi = Register("psi", Tensor.Zeros([outputs], dtype), ParameterRole.Vector);
        Bias = Register("bias", Tensor.Zeros([outputs], dtype), ParameterRole.Vector);
        frame = new([Free], _ => cayley.Forward(Free));
    }

    /// <summary>Free numbers [outputs + inputs, outputs].</summary>
    public Parameter Free { get; }

    /// <summary>Logarithms of P's diagonal [outputs].</summary>
    public Parameter Psi { get; }

    /// <summary>b [outputs].</summary>
    public Parameter Bias { get; }

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">The features differ.</exception>
    public override Tensor Forward(Tensor x)
    {
        var (outputs, inputs) = (Free.Value.Shape[1], Free.Value.Shape[0] - Free.Value.Shape[1]);
        if (x.Rank < 2 || x.Shape[^1] != inputs)
            throw new TensorArgumentException("SandwichLinear", nameof(x), $"{x.Shape}", $"[..., {inputs}] of two dimensions or more");
        var (q, p) = (frame.Of(true), Psi.Value.Exp() * Math.Sqrt(2));
        var inner = x.MatMul(q.Narrow(0, outputs, inputs)) * (2.0 / p) + Bias;
        return (inner.Relu() * p).MatMul(q.Narrow(0, 0, outputs).T);
    }

    /// <summary>|[A B]|^2, in float64 on the host: 1, but for rounding.</summary>
    public double LipschitzBound()
    {
        using var pause = Graph.NoGrad();
        return Math.Pow(Spectrum.OfMatrix(frame.Of(true)).Largest, 2);
    }
}
