using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>y = x W^T + b with W [outputs, inputs] orthogonal: orthonormal rows when outputs &lt;= inputs, orthonormal columns (an isometry)
/// otherwise, by any parametrization.</summary>
public sealed class OrthogonalLinear : Module, ICertifiable
{
    readonly Parametrized weight;

    /// <summary>A layer with a random orthogonal weight and zero bias.</summary>
    /// <param name="inputs">Features of x [..., inputs].</param>
    /// <param name="outputs">Features of y [..., outputs].</param>
    /// <param name="generator">Source of the initial weight.</param>
    /// <param name="parametrization">How free numbers become an orthogonal matrix; Cayley when null.</param>
    /// <param name="bias">Whether b exists.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    public OrthogonalLinear(int inputs, int outputs, Generator generator, IOrthogonalParametrization? parametrization = null, bool bias = true, DType dtype = DType.Float32)
    {
        weight = Register("weight", Parametrized.Sample(parametrization ?? new Cayley(), [outputs, inputs], generator, dtype: dtype));
        Bias = bias ? Register("bias", Tensor.Zeros([outputs], dtype), ParameterRole.Vector) : null;
    }

    /// <summary>How free numbers become an orthogonal matrix.</summary>
    public IOrthogonalParametrization Parametrization => (IOrthogonalParametrization)weight.Parametrization;

    /// <summary>The free numbers.</summary>
    public Parameter Free => weight.Free;

    /// <summary>b [outputs], if there is one.</summary>
    public Parameter? Bias { get; }

    /// <summary>W [outputs, inputs].</summary>
    public Tensor Weight => weight.Value;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => LinearMap.Apply(x, Weight, Bias?.Value);

    /// <inheritdoc/>
    public Spectrum Certify() => weight.Certify();
}
