using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>y = x W^T + b with W [outputs, inputs] kept in a set by a parametrization: low rank, a spectral norm, a structure (which is applied fast), or
/// whatever else there is one for.</summary>
public class ParametrizedLinear : Module, ICertifiable
{
    readonly Parametrized weight;

    /// <summary>A layer with a random weight of the set and zero bias.</summary>
    /// <param name="inputs">Features of x [..., inputs].</param>
    /// <param name="outputs">Features of y [..., outputs].</param>
    /// <param name="generator">Source of the initial weight.</param>
    /// <param name="parametrization">The set and its map.</param>
    /// <param name="bias">Whether b exists.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="TensorArgumentException">The set has no matrices [outputs, inputs].</exception>
    public ParametrizedLinear(int inputs, int outputs, Generator generator, IParametrization parametrization, bool bias = true,
        DType dtype = DType.Float32)
    {
        weight = Register("weight", Parametrized.Sample(parametrization, [outputs, inputs], generator, dtype: dtype));
        Bias = bias ? Register("bias", Tensor.Zeros([outputs], dtype), ParameterRole.Vector) : null;
    }

    /// <summary>The set and its map.</summary>
    public IParametrization Parametrization => weight.Parametrization;

    /// <summary>The free numbers.</summary>
    public Parameter Free => weight.Free;

    /// <summary>b [outputs], if there is one.</summary>
    public Parameter? Bias { get; }

    /// <summary>W [outputs, inputs].</summary>
    public Tensor Weight => weight.Value;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => weight.Apply(x, Bias?.Value);

    /// <inheritdoc/>
    public Spectrum Certify() => weight.Certify();
}
