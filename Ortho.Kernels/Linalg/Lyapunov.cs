using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Orthogonal;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>Lyapunov equations s X + X s = c with Hermitian positive definite s, by the iteration of the matrix sign function (Roberts 1980): s goes to
/// the identity by scaled Newton steps and c, carried along, to 2 X.</summary>
public static class Lyapunov
{
    // From a condition of 1e15 it is 9 steps.
    const int Steps = 14;

    const string Name = "Lyapunov";

    /// <summary>Whether matrices of this size are solved here: smaller ones are by their eigenvectors, many at a time.</summary>
    public static bool Iterates(int n) => n > Polar.Whole;

    /// <summary>X [..., n, n]; NaN where s is singular to working precision. Every matrix of a batch goes its own way, the same on every device.</summary>
    /// <param name="s">Hermitian positive definite [..., n, n].</param>
    /// <param name="c">Of the same shape and dtype.</param>
    /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
    public static Tensor Run(Tensor s, Tensor c)
        => Matrices.Unbatched(Decisions.Each(Matrices.Square(s, Name, nameof(s)), Matrices.Square(c, Name, nameof(c)), Iterated), c);

    // s and c [batch, n, n].
    static Tensor Iterated(Tensor s, Tensor c)
    {
        var n = s.Shape[1];
        var enough = (s.DType.RealType == DType.Float64 ? 1e-31 : 4e-14) * n;
        var identity = Matrices.Identity(n, n, s.DType, s.Device).View(Layout.Dense([1, n, n]));
        var (p, q) = (Copy.Dense(s), Copy.Dense(c));
        var goesOn = default(Tensor);
        for (var step = 0; step < Steps && (goesOn is null || Decisions.IsPossible(goesOn)); step++)
        {
            var inverse = Inverse.OfPositive(p);
            var half = Skeletons.Pointwise.Run<Binary<Balance>>(Name, Matrices.Each<SquaredLength>(inverse), Matrices.Each<SquaredLength>(p));
            var (z, other) = (Decisions.Known(half), Decisions.Known(Skeletons.Pointwise.Run<Binary<Divide>>(Name, 0.25, half)));
            var product = Matrices.Product(inverse, q);
            var turned = Matrices.Product(product, inverse);
            product.Dispose();
            var (nextQ, nextP) = (Matrices.Combined(turned, other, q, z), Matrices.Combined(p, z, inverse, other));
            turned.Dispose();
            inverse.Dispose();
            if (goesOn is null)
            {
                (p, q) = (nextP, nextQ);
            }
            else
            {
                Decisions.Take(ref p, goesOn, nextP);
                Decisions.Take(ref q, goesOn, nextQ);
            }
            // All eigenvalues are at least 1 now; q is as far from its limit as p is.
            var rest = Matrices.Combined(identity, 1, p, -1);
            goesOn = Skeletons.Pointwise.Run<Binary<NotBelow>>(Name, Matrices.Each<SquaredLength>(rest), enough);
            rest.Dispose();
        }
        p.Dispose();
        var x = Matrices.Times(q, 0.5);
        q.Dispose();
        if (Decisions.IsPossible(goesOn!))
            Decisions.Take(ref x, goesOn!, Matrices.Times(x, double.NaN));
        return x;
    }
}

/// <summary>z / 2 for the z that brings a matrix with square norm b and its inverse, with a, to one size.</summary>
readonly struct Balance : IBinary
{
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b) where T : struct, ILane<T> => T.SqrtReal(T.SqrtReal(T.OverReal(a, b))) * T.Of(0.5);
}

/// <summary>1 where a is not less than b, or no number; else 0.</summary>
readonly struct NotBelow : IBinary
{
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b) where T : struct, ILane<T> => T.SelectLess(a, b, T.Of(0), T.Of(1));
}
