using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Hermitian positive definite matrices: L L^H with L lower triangular, its diagonal log (1 + e^x). The upper triangle of the free
/// numbers has no influence. Real and complex.</summary>
/// <remarks>An open set: <c>Error</c> is the distance from the semidefinite matrices. Samples are X X^H / (2 n) for normal X [n, 2
/// n].</remarks>
public sealed class PositiveDefinite : Parametrization
{
    /// <inheritdoc/>
    protected override string Elements => "Hermitian positive definite matrices";

    /// <inheritdoc/>
    protected override string? Misfit(Shape value) => NotSquare(value);

    /// <inheritdoc/>
    protected override Tensor Map(Tensor free)
    {
        var l = Factor(free);
        return l.MatMul(l.H);
    }

    /// <summary>L.</summary>
    internal static Tensor Factor(Tensor free)
        => free.Tril(-1) + Positive.Of(free.Diagonal().Real()).To(free.DType).DiagEmbed();

    /// <inheritdoc/>
    protected override Tensor Unmap(Tensor value) => FreeFactor(value);

    /// <summary>The free numbers of L.</summary>
    internal static Tensor FreeFactor(Tensor value)
    {
        var l = value.Cholesky();
        return l.Tril(-1) + Positive.Inverse(l.Diagonal().Real()).To(value.DType).DiagEmbed();
    }

    /// <inheritdoc/>
    protected override double Distance(Tensor value) => PositiveSemidefinite.FromSemidefinite(value, value.Shape[^1]);

    /// <inheritdoc/>
    protected override Tensor Draw(Shape shape, Generator generator, DType dtype, Device? device)
    {
        var x = NormalMatrix.Of(shape.With(shape.Rank - 1, 2 * shape[^1]), generator, dtype, device);
        return x.MatMul(x.H) * (0.5 / shape[^1]);
    }
}
