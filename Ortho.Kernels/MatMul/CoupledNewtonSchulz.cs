using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Linalg;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.MatMul;

/// <summary>What the coupled iteration is made of, of whatever holds the matrices.</summary>
/// <typeparam name="M">Square matrices of one size.</typeparam>
interface ICoupledProducts<M>
{
    /// <summary>a b.</summary>
    M Product(M a, M b);

    /// <summary>factor (a b + c).</summary>
    M Product(M a, M b, M c, double factor);

    /// <summary>3/2 I - a b / 2.</summary>
    M Rest(M a, M b);

    /// <summary>shift I - x / 2.</summary>
    M Shifted(M x, double shift);

    /// <summary>Says that a result is not needed any more.</summary>
    void Release(M x);
}

/// <summary>The coupled Newton-Schulz iteration for the inverse square root of a, whose eigenvalues lie between 0 and 3: Y = a, Z = I; then R = (3 I - Z Y) / 2,
/// Y &lt;- Y R, Z &lt;- R Z. Higham 2008, equation 6.35.</summary>
/// <remarks>Z is a polynomial of a, for matrices of any kind. On the host a vector holds as many small matrices as it has positions, and those stay in
/// the second-level cache through all iterations; elsewhere each product is one of the batch. The same bits either way.</remarks>
public static class CoupledNewtonSchulz
{
    // Matrices that share vectors: more rows would not leave the ten matrices of a slope in the second-level cache.
    const int LaneRows = 24;

    /// <summary>Z [..., n, n] after some iterations.</summary>
    /// <param name="a">[..., n, n], Float32, Float64, Complex64 or Complex128.</param>
    /// <param name="iterations">At least one.</param>
    public static Tensor Run(Tensor a, int iterations)
        => OnLanes(a) ? LaneProducts.Run(a, null, iterations) : Root(new TensorProducts(a), a, iterations);

    /// <summary>The slope of Z at a in a direction: d/dt Z(a + t direction) at t = 0.</summary>
    /// <param name="a">[..., n, n].</param>
    /// <param name="direction">Of a's shape and dtype.</param>
    /// <param name="iterations">At least one.</param>
    public static Tensor Slope(Tensor a, Tensor direction, int iterations)
        => OnLanes(a) ? LaneProducts.Run(a, direction, iterations) : Slope(new TensorProducts(a), a, direction, iterations);

    static bool OnLanes(Tensor a) => a.Device is not GpuDevice && a.Shape[^1] <= LaneRows;

    internal static M Root<M, P>(P on, M a, int iterations) where P : ICoupledProducts<M>
    {
        // Z = I at first.
        var z = on.Shifted(a, 1.5);
        if (iterations == 1)
            return z;
        var y = on.Product(a, z);
        for (var step = 2; ; step++)
        {
            var r = on.Rest(z, y);
            var next = on.Product(r, z);
            on.Release(z);
            z = next;
            if (step < iterations)
            {
                next = on.Product(y, r);
                on.Release(y);
                on.Release(r);
                y = next;
                continue;
            }
            on.Release(y);
            on.Release(r);
            return z;
        }
    }

    // Slopes are named after what they are slopes of.
    internal static M Slope<M, P>(P on, M a, M da, int iterations) where P : ICoupledProducts<M>
    {
        var (z, dz) = (on.Shifted(a, 1.5), on.Shifted(da, 0));
        if (iterations == 1)
            return dz;
        var (y, dy) = (on.Product(a, z), Sum(on, da, z, a, dz, 1));
        for (var step = 2; ; step++)
        {
            var (r, dr) = (on.Rest(z, y), Sum(on, dz, y, z, dy, -0.5));
            var slope = Sum(on, dr, z, r, dz, 1);
            on.Release(dz);
            dz = slope;
            if (step == iterations)
            {
                foreach (var done in (ReadOnlySpan<M>)[z, y, dy, r, dr])
                    on.Release(done);
                return dz;
            }
            var next = on.Product(r, z);
            on.Release(z);
            z = next;
            slope = Sum(on, dy, r, y, dr, 1);
            next = on.Product(y, r);
            foreach (var done in (ReadOnlySpan<M>)[y, dy, r, dr])
                on.Release(done);
            (y, dy) = (next, slope);
        }
    }

    // factor (a b + c d).
    static M Sum<M, P>(P on, M a, M b, M c, M d, double factor) where P : ICoupledProducts<M>
    {
        var first = on.Product(a, b);
        var sum = on.Product(c, d, first, factor);
        on.Release(first);
        return sum;
    }

    readonly struct TensorProducts(Tensor like) : ICoupledProducts<Tensor>
    {
        readonly Tensor identity = Matrices.Identity(like.Shape[^1], like.Shape[^1], like.DType, like.Device);

        public Tensor Product(Tensor a, Tensor b) => MatMul.Run("CoupledNewtonSchulz", a, b);

        public Tensor Product(Tensor a, Tensor b, Tensor c, double factor) => MatMul.Run("CoupledNewtonSchulz", a, b, c, factor, factor);

        public Tensor Rest(Tensor a, Tensor b) => MatMul.Run("CoupledNewtonSchulz", a, b, identity, -0.5, 1.5);

        public Tensor Shifted(Tensor x, double shift) => Skeletons.Pointwise.Run<Combination>("CoupledNewtonSchulz", identity, shift, x, -0.5);

        public void Release(Tensor x) => x.Dispose();
    }
}
