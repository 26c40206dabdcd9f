using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>The polar factor U of X = U P, P Hermitian positive semidefinite: the nearest matrix with orthonormal columns. Real and
/// complex. Higham 1986.</summary>
/// <remarks>To working precision whatever X's condition, unlike <see cref="Bjorck"/>. Every matrix with orthonormal columns is reached, and is its own
/// free numbers; the gradient is not finite where X has no full rank.</remarks>
public sealed class Polar : OrthogonalParametrization
{
    /// <inheritdoc/>
    protected override Tensor MapTall(Tensor free) => free.PolarFactor();

    /// <inheritdoc/>
    protected override Tensor UnmapTall(Tensor q) => q;
}
