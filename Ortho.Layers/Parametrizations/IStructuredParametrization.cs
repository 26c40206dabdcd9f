using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>A set of matrices whose structure makes products fast: they are applied without being formed.</summary>
public interface IStructuredParametrization : IParametrization
{
    /// <summary>x W^T for W = <c>Forward(free)</c>. Differentiable.</summary>
    /// <param name="free">Free numbers of one matrix.</param>
    /// <param name="x">[..., columns of W].</param>
    /// <returns>[..., rows of W].</returns>
    /// <exception cref="TensorArgumentException">Shapes or dtypes do not fit.</exception>
    Tensor Apply(Tensor free, Tensor x);
}
