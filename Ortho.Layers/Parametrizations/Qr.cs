using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>The Q of X = Q R with R's diagonal positive: Gram and Schmidt's orthonormalisation, by reflections. Real and complex.</summary>
/// <remarks>Every matrix with orthonormal columns is reached, and is its own free numbers. The gradient is not finite where columns of X
/// depend on each other. A random normal X gives Haar measure.</remarks>
public sealed class Qr : OrthogonalParametrization
{
    /// <inheritdoc/>
    protected override Tensor MapTall(Tensor free)
    {
        var (q, r) = free.Qr();
        return q * Phases(r);
    }

    // R's diagonal is real: its signs, with 1 for 0.
    static Tensor Phases(Tensor r)
    {
        using var pause = Graph.NoGrad();
        return (1 - r.Diagonal().Real().Less(0).To(r.DType.RealType) * 2.0).To(r.DType).Unsqueeze(-2);
    }

    /// <inheritdoc/>
    protected override Tensor UnmapTall(Tensor q) => q;
}
