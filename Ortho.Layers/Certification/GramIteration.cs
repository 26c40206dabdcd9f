using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Certification;

/// <summary>Upper bounds of largest singular values, differentiable and without a memory of earlier steps.</summary>
/// <remarks>Squaring the Gram matrix t times squares the singular values' ratios t times, until its Frobenius norm is that of the largest:
/// s_1 &lt;= |G_t|_F^(2^-t) &lt;= r^(2^-(t+1)) s_1 for matrices of rank r, with G_0 = W, G_(i+1) = G_i^H G_i. Every G_i is divided by its
/// norm, whose logarithm is kept. Delattre et al. 2023. Unlike a power iteration it never gives less than the norm.</remarks>
public static class GramIteration
{
    /// <summary>A bound of the largest singular value of each matrix: at most 1.034 of it at rank 64 and six iterations.</summary>
    /// <param name="matrices">Real or complex [..., rows, columns].</param>
    /// <param name="iterations">t.</param>
    /// <returns>[...], real.</returns>
    /// <exception cref="TensorArgumentException">Fewer than two dimensions.</exception>
    public static Tensor Bound(Tensor matrices, int iterations = 6)
    {
        ArgumentNullException.ThrowIfNull(matrices);
        ArgumentOutOfRangeException.ThrowIfLessThan(iterations, 1);
        if (matrices.Rank < 2)
            throw new TensorArgumentException("GramIteration.Bound", nameof(matrices), $"{matrices.Shape}", "[..., rows, columns]");
        var (gram, logarithm) = (matrices, (Tensor?)null);
        for (var k = 0; k < iterations; k++)
        {
            // Whatever it is divided by, the bound is the same: these norms need no gradients.
            Tensor norm;
            using (Graph.NoGrad())
            {
                norm = Norm(gram);
                logarithm = logarithm is null ? norm.Log() : logarithm * 2.0 + norm.Log();
            }
            gram /= gram.DType.IsComplex ? norm.To(gram.DType) : norm;
            gram = k == 0 && gram.Shape[^2] < gram.Shape[^1] ? gram.MatMul(gram.H) : gram.H.MatMul(gram);
        }
        return ((logarithm! * 2.0 + Norm(gram).Log()) * Math.Pow(0.5, iterations)).Exp().Squeeze(-1).Squeeze(-1);
    }

    // A matrix of zeros stays one: its bound is the floor, to the power 2^-t.
    static Tensor Norm(Tensor matrices) => matrices.Norm([-2, -1], keepDimensions: true) + 1e-30;
}
