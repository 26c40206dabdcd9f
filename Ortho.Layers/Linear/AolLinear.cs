using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>Almost-orthogonal layer: y = x D W^T + b with D_ii = (sum over j of |W^T W|_ij)^(-1/2), so that |W D| &lt;= 1. Prach and
/// Lampert 2022, theorem 1.</summary>
public sealed class AolLinear : Module, ICertifiable
{
    readonly Cached<bool> weight;

    /// <summary>A layer with normal numbers of variance 1 / inputs and zero bias.</summary>
    /// <param name="inputs">Features of x [..., inputs].</param>
    /// <param name="outputs">Features of y [..., outputs].</param>
    /// <param name="generator">Source of the initial weights.</param>
    /// <param name="bias">Whether b exists.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    public AolLinear(int inputs, int outputs, Generator generator, bool bias = true, DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputs, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(outputs, 1);
        Free = Register("weight", Tensor.Normal([outputs, inputs], generator, deviation: 1 / Math.Sqrt(inputs), dtype: dtype),
            ParameterRole.Matrix);
        Bias = bias ? Register("bias", Tensor.Zeros([outputs], dtype), ParameterRole.Vector) : null;
        // The floor lets a column of zeros be one.
        weight = new([Free], _ => Free.Value / (Free.Value.T.MatMul(Free).Abs().Sum([1]) + 1e-12).Sqrt());
    }

    /// <summary>W [outputs, inputs], free.</summary>
    public Parameter Free { get; }

    /// <summary>b [outputs], if there is one.</summary>
    public Parameter? Bias { get; }

    /// <summary>W D.</summary>
    public Tensor Weight => weight.Of(true);

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">The features differ.</exception>
    public override Tensor Forward(Tensor x) => LinearMap.Apply(x, Weight, Bias?.Value);

    /// <inheritdoc/>
    public Spectrum Certify()
    {
        using (Graph.NoGrad())
            return Spectrum.OfMatrix(Weight);
    }
}
