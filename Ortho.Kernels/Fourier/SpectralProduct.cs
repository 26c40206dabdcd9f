using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Fourier;

/// <summary>How a product addresses the numbers of one frequency: images between neighbours along each of its three letters; 0 where a
/// factor (or the result) does not have the letter.</summary>
public readonly record struct Letters(int I, int J, int K);

/// <summary>
/// What is multiplied at every frequency: z[i, j, k] = sum over the letters z does not have of x[i, j, k] y[i, j, k], each factor
/// constant along the letters it does not have. Matrix products in any arrangement and products of channels are of this form, and so are
/// their derivatives: those of z in x exchange z and x.
/// </summary>
/// <param name="Extents">Extents of the letters.</param>
/// <param name="X">The first factor's letters.</param>
/// <param name="Y">The second factor's.</param>
/// <param name="Z">The result's; it lacks at most one letter whose extent is not 1; over that one is summed, in rising order.</param>
/// <param name="ConjugateX">Whether the first factor is conjugated.</param>
/// <param name="ConjugateY">Whether the second is; not both.</param>
public readonly record struct SpectralProduct(Letters Extents, Letters X, Letters Y, Letters Z, bool ConjugateX = false, bool ConjugateY = false)
{
    /// <summary>The product of matrices [i, k] and [k, j], row after row: [i, j].</summary>
    public static SpectralProduct Matrices(int i, int k, int j) => new(new(i, j, k), new(k, 0, 1), new(0, 1, j), new(j, 1, 0));

    /// <summary>One factor [j] for all rows i of [i, j]: [i, j].</summary>
    public static SpectralProduct Channels(int i, int j) => new(new(i, j, 1), new(0, 1, 0), new(j, 1, 0), new(j, 1, 0));

    /// <summary>Numbers of the result at a frequency.</summary>
    public int Count => Has(Extents.I, Z.I) * Has(Extents.J, Z.J) * Has(Extents.K, Z.K);

    static int Has(int extent, int step) => step == 0 ? 1 : extent;

    /// <summary>The gradient in x, of the gradient in z and y.</summary>
    public SpectralProduct OfX => new(Extents, Z, Y, X, ConjugateX, ConjugateX ? ConjugateY : !ConjugateY);

    /// <summary>The gradient in y, of x and the gradient in z.</summary>
    public SpectralProduct OfY => new(Extents, X, Z, Y, ConjugateY ? ConjugateX : !ConjugateX, ConjugateY);

    /// <summary>The same product with its letters in an order that z[i, j] = sum over k: k is not a letter of z, and neighbours along j
    /// are neighbours in z.</summary>
    internal SpectralProduct Ordered()
    {
        var ordered = this;
        if (IsSummed(Extents.I, Z.I))
            ordered = Exchanged(0);
        else if (IsSummed(Extents.J, Z.J))
            ordered = Exchanged(1);
        else if (IsFree(Extents.K, Z.K))
            ordered = Exchanged(IsFree(Extents.I, Z.I) ? 1 : 0);
        return ordered.Z.I == 1 && ordered.Extents.I > 1 ? ordered.Exchanged(2) : ordered;
    }

    static bool IsSummed(int extent, int step) => step == 0 && extent != 1;

    static bool IsFree(int extent, int step) => step != 0 && extent != 1;

    SpectralProduct Exchanged(int which)
    {
        Letters Change(Letters x) => which switch { 0 => new(x.K, x.J, x.I), 1 => new(x.I, x.K, x.J), _ => new(x.J, x.I, x.K) };
        return this with { Extents = Change(Extents), X = Change(X), Y = Change(Y), Z = Change(Z) };
    }
}

static class DeviceSpectra
{
    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> X, Y, Z;
        public int CountX, CountY, CountZ, I, J, K;
        public int XI, XJ, XK, YI, YJ, YK, ZI, ZJ;
        public int ConjugateX, ConjugateY;
    }

    internal static void Kernel<T, E, F>(Index1D index, Arguments<E> at) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E>
    {
        int rest = index;
        var j = rest % at.J;
        rest /= at.J;
        var i = rest % at.I;
        var frequency = rest / at.I;
        var (from, to) = (frequency * at.CountX + i * at.XI + j * at.XJ, frequency * at.CountY + i * at.YI + j * at.YJ);
        var sum = Cx<T>.Of(0);
        for (var k = 0; k < at.K; k++)
        {
            var (x, y) = (F.Splat(at.X[from + k * at.XK]), F.Splat(at.Y[to + k * at.YK]));
            if (at.ConjugateX != 0)
                x = Cx<T>.Conj(x);
            if (at.ConjugateY != 0)
                y = Cx<T>.Conj(y);
            sum = Cx<T>.Fma(x, y, sum);
        }
        at.Z[frequency * at.CountZ + i * at.ZI + j * at.ZJ] = F.Pack(sum);
    }

    public static void Product<T, E, F>(GpuDevice gpu, SpectralProduct product, Tensor x, Tensor y, Tensor z)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<Cx<T>, E>
    {
        var p = product.Ordered();
        gpu.Launch(Kernel<T, E, F>, (long)x.Shape[0] * p.Extents.I * p.Extents.J, new Arguments<E>
        {
            X = GpuDevice.View<E>(x), Y = GpuDevice.View<E>(y), Z = GpuDevice.View<E>(z),
            CountX = x.Shape[1], CountY = y.Shape[1], CountZ = z.Shape[1], I = p.Extents.I, J = p.Extents.J, K = p.Extents.K,
            XI = p.X.I, XJ = p.X.J, XK = p.X.K, YI = p.Y.I, YJ = p.Y.J, YK = p.Y.K, ZI = p.Z.I, ZJ = p.Z.J,
            ConjugateX = p.ConjugateX ? 1 : 0, ConjugateY = p.ConjugateY ? 1 : 0,
        });
    }
}
