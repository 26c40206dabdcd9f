using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Orthogonal matrices of well-known transforms, rows being the basis vectors: y = B x is the transform, x = B^T y its inverse.
/// Made on the host in float64.</summary>
/// <remarks>Constants; <c>Tensor.DctMatrix</c> is another and <c>Tensor.Haar</c> a random one. For a learnt turn of one, make it the base
/// of a <see cref="DynamicTrivialization"/>.</remarks>
public static class OrthogonalBases
{
    /// <summary>Sylvester's Hadamard matrix over sqrt n: B[k, i] = (-1)^(number of ones in k and i) / sqrt n, symmetric.</summary>
    /// <exception cref="ArgumentOutOfRangeException">n is not a power of two.</exception>
    public static Tensor Hadamard(int n, DType dtype = DType.Float32)
    {
        RequirePowerOfTwo(n);
        return Of(n, dtype, (k, i) => (int.PopCount(k & i) % 2 == 0 ? 1 : -1) / Math.Sqrt(n));
    }

    /// <summary>Haar's wavelets: the constant, then from the coarsest to the finest scale +h on one half of an interval and -h on the
    /// other.</summary>
    /// <exception cref="ArgumentOutOfRangeException">n is not a power of two.</exception>
    public static Tensor HaarWavelet(int n, DType dtype = DType.Float32)
    {
        RequirePowerOfTwo(n);
        return Of(n, dtype, (k, i) =>
        {
            if (k == 0)
                return 1 / Math.Sqrt(n);
            var scale = (int)Math.Log2(k);
            var length = n >> scale;
            var at = i - (k - (1 << scale)) * length;
            return at < 0 || at >= length ? 0 : (at < length / 2 ? 1 : -1) / Math.Sqrt(length);
        });
    }

    static void RequirePowerOfTwo(int n)
    {
        if (n < 1 || !int.IsPow2(n))
            throw new ArgumentOutOfRangeException(nameof(n), n, "A power of two.");
    }

    static Tensor Of(int n, DType dtype, Func<int, int, double> element)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 1);
        var elements = new double[n * n];
        for (var k = 0; k < n; k++)
        {
            for (var i = 0; i < n; i++)
                elements[k * n + i] = element(k, i);
        }
        return Tensor.From(elements, [n, n]).To(dtype);
    }
}
