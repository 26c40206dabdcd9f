using Ortho.Layers.Parametrizations;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>y = x W^T + b with W [outputs, inputs] orthogonal: orthonormal rows when outputs &lt;= inputs, orthonormal columns (an isometry)
/// otherwise, by any parametrization.</summary>
/// <param name="inputs">Features of x [..., inputs].</param>
/// <param name="outputs">Features of y [..., outputs].</param>
/// <param name="generator">Source of the initial weight, uniformly distributed.</param>
/// <param name="parametrization">How free numbers become an orthogonal matrix; Cayley when null.</param>
/// <param name="bias">Whether b exists.</param>
/// <param name="dtype">Float32 or Float64.</param>
public sealed class OrthogonalLinear(
    int inputs, int outputs, Generator generator, IOrthogonalParametrization? parametrization = null, bool bias = true,
        DType dtype = DType.Float32)
    : ParametrizedLinear(inputs, outputs, generator, parametrization ?? new Cayley(), bias, dtype);
