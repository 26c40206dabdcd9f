using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>X L^-H with X^H X = L L^H, twice: the Q of <see cref="Qr"/>, made of products and triangular solves alone. Real and complex.
/// Yamamoto, Nakatsukasa, Yanagisawa and Fukaya 2015 (CholeskyQR2); as a layer's map, Hu, Leino, Wang and Fredrikson 2024.</summary>
/// <remarks>The second pass makes Q orthogonal to working precision as long as the first succeeds, for condition numbers of X up to the
/// root of the dtype's precision (4e3 in float32, 1e8 in float64); beyond, NaN. Every matrix with orthonormal columns is reached, and is
/// its own free numbers.</remarks>
public sealed class CholeskyQr : OrthogonalParametrization
{
    /// <inheritdoc/>
    protected override Tensor MapTall(Tensor free) => Pass(Pass(free));

    static Tensor Pass(Tensor x) => x.H.MatMul(x).Cholesky().TriangularSolve(x.H, upper: false).H;

    /// <inheritdoc/>
    protected override Tensor UnmapTall(Tensor q) => q;
}
