using System.Numerics;
using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>The principal logarithm of a unitary matrix or of a rotation, on the host in float64.</summary>
static class UnitaryLogarithm
{
    /// <summary>The skew-Hermitian A with e^A = q [n, n], its eigenvalues' angles in [-pi, pi]; real for a rotation. Where q is real and
    /// not a rotation there is none, and what comes back is not its logarithm.</summary>
    public static Tensor Of(Tensor q)
    {
        var logarithm = ByRoots(q);
        // An eigenvalue at -1 or near it has no root that products could find. (A reflection has one, and no logarithm.)
        var isDone = (logarithm.MatrixExp() - q).Norm().Item() < 1e-14 * q.Shape[0] || (!q.DType.IsComplex && q.Det().Item() < 0);
        return isDone ? logarithm : ByEigenvectors(q);
    }

    // Four square roots, each the polar factor of I + q = q^1/2 (q^1/2 + q^-1/2), leave angles up to pi / 16, and S = (q - I) (q + I)^-1
    // with singular values up to tan(pi / 32) < 0.1: log q = 2 (S + S^3 / 3 + S^5 / 5 + ...).
    static Tensor ByRoots(Tensor q)
    {
        var eye = Tensor.Eye(q.Shape[0], dtype: q.DType);
        for (var k = 0; k < 4; k++)
            q = (eye + q).PolarFactor();
        var s = (q - eye).MatMul((q + eye).Inverse());
        s = (s - s.H) * 0.5;
        var (square, sum) = (s.MatMul(s), eye * (1.0 / 17));
        for (var k = 15; k >= 1; k -= 2)
            sum = square.MatMul(sum) + eye * (1.0 / k);
        var logarithm = s.MatMul(sum) * 32.0;
        return (logarithm - logarithm.H) * 0.5;
    }

    static Tensor ByEigenvectors(Tensor q)
    {
        var n = q.Shape[0];
        var unitary = q.To(DType.Complex128);
        // q's eigenvectors are those of every Hermitian combination cos(s) (q + q^H) / 2 + sin(s) (q - q^H) / 2i, whose eigenvalues cos(t -
        // s) are equal for t and 2 s - t: a matter of chance, so the best of a few s is taken.
        var (best, residual) = (unitary, double.PositiveInfinity);
        foreach (var s in (double[])[1, 0.3, 2.2, 0.77])
        {
            var half = unitary * Tensor.Scalar(Complex.FromPolarCoordinates(0.5, -s));
            var vectors = (half + half.H).Eigh().Eigenvectors;
            var turned = vectors.H.MatMul(unitary).MatMul(vectors);
            var off = (turned - turned.Diagonal().DiagEmbed()).Norm().Item();
            if (off < residual)
                (best, residual) = (vectors, off);
            if (residual < 2e-15 * n)
                break;
        }
        var values = best.H.MatMul(unitary).MatMul(best).Diagonal().ToArray<Complex>();
        var angles = values.Select(value => value.Phase).ToArray();
        if (q.DType.IsComplex)
            return Compose(best, angles);
        // A real matrix has angles in pairs t, -t. A half turn is its own partner: its plane is spanned by two real vectors of the
        // eigenspace of -1.
        int[] halves = [.. Enumerable.Range(0, n).Where(k => Math.Abs(angles[k]) > Math.PI - 1e-7)];
        foreach (var k in halves)
            angles[k] = 0;
        var logarithm = Compose(best, angles).Real();
        if (halves.Length < 2)
            return logarithm;
        var space = Tensor.Concat([.. halves.Select(k => best.Narrow(1, k, 1))], 1);
        var basis = space.MatMul(space.H).Real().Eigh().Eigenvectors;
        for (var k = 0; k + 1 < halves.Length; k += 2)
        {
            var (first, second) = (basis.Narrow(1, n - 1 - k, 1), basis.Narrow(1, n - 2 - k, 1));
            logarithm += (first.MatMul(second.T) - second.MatMul(first.T)) * Math.PI;
        }
        return logarithm;
    }

    static Tensor Compose(Tensor vectors, double[] angles)
    {
        Complex[] turns = [.. angles.Select(angle => new Complex(0, angle))];
        return (vectors * Tensor.From(turns, [turns.Length])).MatMul(vectors.H);
    }
}
