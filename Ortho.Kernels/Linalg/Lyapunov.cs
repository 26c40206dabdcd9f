using Ortho.Kernels.Orthogonal;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>Lyapunov equations s X + X s = c with Hermitian positive definite s, by the iteration of the matrix sign function (Roberts 1980): s goes to
/// the identity by scaled Newton steps and c, carried along, to 2 X.</summary>
public static class Lyapunov
{
    // From a condition of 1e15 it is 9 steps.
    const int Steps = 14;

    /// <summary>Whether matrices of this size are solved here: smaller ones are by their eigenvectors, many at a time.</summary>
    public static bool Iterates(int n) => n > Polar.Whole;

    /// <summary>X [..., n, n]; NaN where s is singular to working precision. Every matrix of a batch goes its own way, the same on every device, which is
    /// waited for.</summary>
    /// <param name="s">Hermitian positive definite [..., n, n].</param>
    /// <param name="c">Of the same shape and dtype.</param>
    /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
    public static Tensor Run(Tensor s, Tensor c)
    {
        var (p, q) = (Matrices.Square(s, "Lyapunov", nameof(s)), Matrices.Square(c, "Lyapunov", nameof(c)));
        var x = Tensor.Empty(q.Shape, q.DType, q.Device);
        for (var k = 0; k < p.Shape[0]; k++)
        {
            var solution = One(Matrices.One(p, k), Matrices.One(q, k));
            Copy.Into(Matrices.One(x, k), solution);
            solution.Dispose();
        }
        return Matrices.Unbatched(x, c);
    }

    static Tensor One(Tensor s, Tensor c)
    {
        var isDouble = s.DType.RealType == DType.Float64;
        var n = s.Shape[1];
        var identity = Matrices.Identity(n, n, s.DType, s.Device).View(Layout.Dense(s.Shape));
        Tensor? p = Copy.Dense(s), q = Copy.Dense(c);
        for (var step = 0; step < Steps; step++)
        {
            var inverse = Inverse.OfPositive(p!);
            var z = Math.Sqrt(Math.Sqrt(Matrices.SquaredLength(inverse) / Matrices.SquaredLength(p!)));
            if (!double.IsFinite(z))
                break;
            var half = Matrices.Product(inverse, q!);
            Matrices.Replace(ref q, Matrices.Product(half, inverse, 0.5 / z, q!, z / 2));
            Matrices.Replace(ref p, Matrices.Combined(p!, z / 2, inverse, 0.5 / z));
            half.Dispose();
            inverse.Dispose();
            // All eigenvalues are at least 1 now; q is as far from its limit as p is.
            var rest = Matrices.Combined(identity, 1, p!, -1);
            var missing = Matrices.SquaredLength(rest);
            rest.Dispose();
            if (missing < (isDouble ? 1e-31 : 4e-14) * n)
            {
                Matrices.Replace(ref q, Matrices.Combined(q!, 0.5, q!, 0));
                return q!;
            }
        }
        return Matrices.Combined(q!, double.NaN, q!, 0);
    }
}
