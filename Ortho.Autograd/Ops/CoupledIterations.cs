using Ortho.Tensors;
using Kernel = Ortho.Kernels.MatMul.CoupledNewtonSchulz;

namespace Ortho.Autograd;

/// <summary>Inverse square roots by products alone.</summary>
[OpFamily("orthogonal")]
public static class CoupledIterations
{
    extension(Tensor a)
    {
        /// <summary>The iterate Z of the coupled Newton-Schulz iteration, which comes to a^(-1/2) quadratically for Hermitian matrices [..., n, n] with
        /// eigenvalues between 0 and 3: Y = a, Z = I; then R = (3 I - Z Y) / 2, Y &lt;- Y R, Z &lt;- R Z. Higham 2008, equation 6.35.</summary>
        /// <remarks>Z is a polynomial f of a, and its derivative is that of f, for matrices that are not Hermitian as well, whatever has been reached. BFloat16 and
        /// Half are computed in float32.</remarks>
        /// <param name="iterations">At least one.</param>
        /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
        /// <exception cref="ArgumentOutOfRangeException">No iteration.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor CoupledNewtonSchulz(int iterations)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(iterations, 1);
            if (a.IsHalf)
                return a.Wide.CoupledNewtonSchulz(iterations).To(a.DType);
            MatrixParts.RequireSquare("CoupledNewtonSchulz", a);
            // With L the derivative of f, the adjoint of e -> L(a, e) is g -> L(a^H, g): f has real coefficients.
            return Graph.Record("CoupledNewtonSchulz", Kernel.Run(a, iterations), (a, g => Slope(a.H, g, iterations)));
        }
    }

    // L(a, e). It is a corner of f: f([[a, e], [0, a]]) = [[f(a), L(a, e)], [0, f(a)]] (Higham 2008, theorem 3.6); so its own derivative at a in direction g
    // is the same corner of L.
    static Tensor Slope(Tensor a, Tensor e, int iterations)
        => Graph.Record("CoupledNewtonSchulzSlope", Kernel.Slope(a, e, iterations), (e, g => Slope(a.H, g, iterations)), (a, g =>
        {
            var (n, zero) = (a.Shape[^1], a * 0.0);
            return Slope(Blocks(a.H, e.H, zero, a.H), Blocks(g, zero, zero, g), iterations).Narrow(-2, 0, n).Narrow(-1, n, n);
        }));

    static Tensor Blocks(Tensor a, Tensor b, Tensor c, Tensor d) => Tensor.Concat([Tensor.Concat([a, b], -1), Tensor.Concat([c, d], -1)], -2);
}
