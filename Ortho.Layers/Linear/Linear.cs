using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>y = x W^T + b with an unconstrained W [outputs, inputs].</summary>
public sealed class Linear : Module, ICertifiable
{
    /// <summary>A layer with Kaiming-uniform weights (bound 1 / sqrt(inputs)) and zero bias.</summary>
    /// <param name="inputs">Features of x [..., inputs].</param>
    /// <param name="outputs">Features of y [..., outputs].</param>
    /// <param name="generator">Source of the initial weights.</param>
    /// <param name="bias">Whether b exists.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    public Linear(int inputs, int outputs, Generator generator, bool bias = true, DType dtype = DType.Float32)
    {
        var bound = 1 / Math.Sqrt(inputs);
        Weight = Register("weight", Tensor.Uniform([outputs, inputs], generator, -bound, bound, dtype), ParameterRole.Matrix);
        Bias = bias ? Register("bias", Tensor.Zeros([outputs], dtype), ParameterRole.Vector) : null;
    }

    /// <summary>W [outputs, inputs].</summary>
    public Parameter Weight { get; }

    /// <summary>b [outputs], if there is one.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => LinearMap.Apply(x, Weight, Bias?.Value);

    /// <inheritdoc/>
    public Spectrum Certify() => Spectrum.OfMatrix(Weight);
}

static class LinearMap
{
    /// <summary>x W^T + b.</summary>
    public static Tensor Apply(Tensor x, Tensor weight, Tensor? bias)
    {
        if (x.Rank == 0 || x.Shape[^1] != weight.Shape[^1])
            throw new TensorArgumentException("Linear", nameof(x), $"{x.Shape}", $"[..., {weight.Shape[^1]}]");
        var rows = x.Rank == 1 ? x.Unsqueeze(0) : x;
        var y = bias is null ? rows.MatMul(weight.T) : bias.Addmm(rows, weight.T);
        return x.Rank == 1 ? y.Squeeze(0) : y;
    }
}
