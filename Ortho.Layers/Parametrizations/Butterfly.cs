using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Orthogonal butterflies: a product of log2 n layers of plane rotations, layer s turning the pairs of places i and i + 2^s in
/// every block of 2^(s + 1), as a fast Fourier transform does. Real, n a power of two. Free numbers: the angles, n / 2 for each layer,
/// first layer first. Dao et al. 2019; as an adapter, Liu et al. 2024 (BOFT).</summary>
/// <remarks>n log2(n) / 2 angles: a small part of the rotations, with Hadamard's matrix and its kin (up to signs) in it.
/// <see cref="Givens"/> reaches all. <c>Error</c> is the distance from the butterfly that peeling off the layers, the last first, finds:
/// exact in the set, an upper bound outside. Samples have uniform angles.</remarks>
public sealed class Butterfly : StructuredParametrization, IOrthogonalParametrization
{
    readonly int n, layers;

    /// <summary>Matrices [n, n].</summary>
    /// <param name="n">A power of two, 2 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not.</exception>
    public Butterfly(int n) : base(n, n, n / 2 * int.Log2(Math.Max(n, 1)))
    {
        if (n < 2 || !int.IsPow2(n))
            throw new ArgumentOutOfRangeException(nameof(n), n, "Butterfly: a power of two.");
        (this.n, layers) = (n, int.Log2(n));
    }

    /// <inheritdoc/>
    protected override string Elements => $"orthogonal butterflies [{n}, {n}]";

    /// <inheritdoc/>
    protected override bool IsReal => true;

    // Rows x [..., n, columns], turned by the layers in order.
    Tensor Turn(Tensor free, Tensor x)
    {
        int[] lead = [.. free.Shape.Span[..^1]];
        var angles = free.Reshape([.. lead, layers, n / 2]);
        var (cosines, sines) = (angles.Cos(), angles.Sin());
        for (var s = 0; s < layers; s++)
        {
            var (block, half) = (n >> (s + 1), 1 << s);
            var (cosine, sine) = (Layer(cosines), Layer(sines));
            var pairs = x.Reshape([.. lead, block, 2, half, x.Shape[^1]]);
            var (upper, lower) = (pairs.Select(-3, 0), pairs.Select(-3, 1));
            x = Tensor.Stack([cosine * upper - sine * lower, sine * upper + cosine * lower], -3).Reshape([.. lead, n, x.Shape[^1]]);

            Tensor Layer(Tensor of) => of.Select(-2, s).Reshape([.. lead, block, half, 1]);
        }
        return x;
    }

    /// <inheritdoc/>
    protected override Tensor Map(Tensor free)
        => Turn(free, Tensor.Eye(n, dtype: free.DType, device: free.Device).Expand([.. free.Shape.Span[..^1], n, n]));

    private protected override Tensor Multiply(Tensor free, Tensor x) => Turn(free, x.T).T;

    /// <inheritdoc/>
    protected override Tensor Unmap(Tensor value)
    {
        double[][] angles = [.. value.Reshape(-1, n, n).Unbind(0).Select(matrix => Peel(matrix.ToArray<double>()))];
        return Tensor.From([.. angles.SelectMany(one => one)], [.. FreeShape(value.Shape).Span]);
    }

    // The last layer first. Rows i and i + 2^s after it are [cos q, -sin p] and [sin q, cos p], with q and p the rows before it: q has
    // elements in the first half of the block's columns alone, p in the second.
    double[] Peel(double[] a)
    {
        var angles = new double[layers * (n / 2)];
        for (var s = layers - 1; s >= 0; s--)
        {
            var half = 1 << s;
            for (var pair = 0; pair < n / 2; pair++)
            {
                var (block, at) = (pair / half * 2 * half, pair % half);
                var (upper, lower) = ((block + at) * n + block, (block + at + half) * n + block);
                // |q| = |p| = 1: the angle that explains all four parts best.
                double uu = 0, ul = 0, ll = 0;
                for (var j = 0; j < half; j++)
                {
                    uu += a[upper + j] * a[upper + j] + a[lower + half + j] * a[lower + half + j];
                    ll += a[lower + j] * a[lower + j] + a[upper + half + j] * a[upper + half + j];
                    ul += a[upper + j] * a[lower + j] - a[upper + half + j] * a[lower + half + j];
                }
                // cos^2, sin^2 and cos sin, twice each: the double angle.
                var angle = 0.5 * Math.Atan2(2 * ul, uu - ll);
                angles[s * (n / 2) + pair] = angle;
                var (sine, cosine) = Math.SinCos(angle);
                for (var j = 0; j < 2 * half; j++)
                {
                    var (x, y) = (a[upper + j], a[lower + j]);
                    (a[upper + j], a[lower + j]) = (cosine * x + sine * y, cosine * y - sine * x);
                }
            }
        }
        // What is left is a matrix of signs, as angles were found up to half turns: they move through the layers, first to last.
        double[] signs = [.. Enumerable.Range(0, n).Select(i => a[i * n + i] < 0 ? -1.0 : 1)];
        for (var s = 0; s < layers; s++)
        {
            var half = 1 << s;
            for (var pair = 0; pair < n / 2; pair++)
            {
                var first = pair / half * 2 * half + pair % half;
                ref var angle = ref angles[s * (n / 2) + pair];
                // R(t) diag(x, y) = x R(t) diag(1, x y), and x = -1 is a half turn.
                var (x, y) = (signs[first], signs[first + half]);
                if (x < 0)
                    angle += Math.PI;
                // R(t) diag(1, -1) = diag(1, -1) R(-t).
                if (x * y < 0)
                    angle = -angle;
                (signs[first], signs[first + half]) = (1, x * y);
            }
        }
        return angles;
    }

    /// <inheritdoc/>
    protected override Tensor Draw(Shape shape, Generator generator, DType dtype, Device? device)
        => Map(Tensor.Uniform(FreeShape(shape), generator, -Math.PI, Math.PI, dtype, device));
}
