using System.Numerics;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Fourier;

/// <summary>Real images on a circular plane, and which part of it they cover: their element (0, 0) lies at (<paramref name="Top"/>,
/// <paramref name="Left"/>), and what leaves the plane on one side comes in on the other. Elsewhere the plane is zero.</summary>
/// <param name="Height">Rows of the plane.</param>
/// <param name="Width">Columns of the plane.</param>
/// <param name="Rows">Rows of an image.</param>
/// <param name="Columns">Columns of an image.</param>
/// <param name="Top">0 .. Height - 1.</param>
/// <param name="Left">0 .. Width - 1.</param>
public readonly record struct Plane(int Height, int Width, int Rows, int Columns, int Top, int Left)
{
    /// <summary>Frequencies of the half spectrum.</summary>
    public int Frequencies => Height * (Width / 2 + 1);

    internal Window Window => new(Rows, Columns, Top, Left);
}

/// <summary>Half spectra of many real images in the order in which they are multiplied: for each frequency one number of every image.</summary>
/// <remarks>
/// <para>Such a tensor belongs to the device that made it: on the host it is real, [frequencies, 2, images], real parts before imaginary ones
/// and the images padded to whole vectors, so that neither the transforms, which write and read it directly, nor the products permute
/// anything; on GPUs it is complex, [frequencies, images]. The arithmetic is that of <see cref="Fft"/> everywhere.</para>
/// <para>It stands for whole spectra: the other half are conjugates. With gradients meant likewise, <see cref="Forward"/> and
/// <see cref="Inverse"/> of the same scale are adjoints.</para>
/// </remarks>
public static class Spectra
{
    /// <summary>scale * the transforms of images.</summary>
    /// <param name="x">[p, q, rows, columns], Float32 or Float64; image (i, j) becomes image i q + j, or j p + i when swapped.</param>
    /// <param name="plane">The plane they lie on.</param>
    /// <param name="swap">Whether the first dimension is the inner one.</param>
    /// <param name="scale">The factor.</param>
    public static Tensor Forward(Tensor x, Plane plane, bool swap, double scale = 1)
    {
        x = Copy.Contiguous(x);
        var count = x.Shape[0] * x.Shape[1];
        if (x.Device is GpuDevice)
        {
            var spectrum = Fft.RealToComplex2("Spectra", Placed(x, plane), scale);
            int[] order = swap ? [2, 3, 1, 0] : [2, 3, 0, 1];
            return Reshape(Copy.Contiguous(spectrum.View(spectrum.Layout.Permute(order, "Spectra"))), [plane.Frequencies, count]);
        }
        var y = Empty(plane.Frequencies, count, x.DType, x.Device);
        var job = new HostPlane.Job(TransformKind.RealToComplex, plane.Height, plane.Width, inverse: false, scale);
        if (x.DType == DType.Float32)
            HostSpectra.Forward<F32, float, SingleCell>(job, plane.Window, new(x, swap), y);
        else
            HostSpectra.Forward<F64, double, DoubleCell>(job, plane.Window, new(x, swap), y);
        return y;
    }

    /// <summary>scale * the images with these spectra, by a transform that divides by nothing, where they meet the window of the plane.</summary>
    /// <param name="spectra">Spectra of p q images.</param>
    /// <param name="p">Extent of the first dimension of the result.</param>
    /// <param name="q">Extent of the second.</param>
    /// <param name="plane">The plane.</param>
    /// <param name="swap">As for <see cref="Forward"/>.</param>
    /// <param name="scale">The factor.</param>
    /// <returns>[p, q, rows, columns].</returns>
    public static Tensor Inverse(Tensor spectra, int p, int q, Plane plane, bool swap, double scale = 1)
    {
        var (real, bins) = (spectra.DType.RealType, plane.Width / 2 + 1);
        if (spectra.Device is GpuDevice)
        {
            Shape shape = swap ? [plane.Height, bins, q, p] : [plane.Height, bins, p, q];
            int[] order = swap ? [3, 2, 0, 1] : [2, 3, 0, 1];
            var images = Reshape(Copy.Contiguous(spectra), shape);
            images = Fft.ComplexToReal2("Spectra", Copy.Contiguous(images.View(images.Layout.Permute(order, "Spectra"))), plane.Width, scale);
            return Taken(images, plane);
        }
        var y = Tensor.Empty([p, q, plane.Rows, plane.Columns], real, spectra.Device);
        var job = new HostPlane.Job(TransformKind.ComplexToReal, plane.Height, plane.Width, inverse: true, scale);
        spectra = Copy.Contiguous(spectra);
        if (real == DType.Float32)
            HostSpectra.Inverse<F32, float, SingleCell>(job, plane.Window, spectra, new(y, swap));
        else
            HostSpectra.Inverse<F64, double, DoubleCell>(job, plane.Window, spectra, new(y, swap));
        return y;
    }

    /// <summary>A product at every frequency; see <see cref="SpectralProduct"/>.</summary>
    public static Tensor Product(Tensor x, Tensor y, SpectralProduct product)
    {
        (x, y) = (Copy.Contiguous(x), Copy.Contiguous(y));
        if (x.Device is GpuDevice gpu)
        {
            var result = Tensor.Empty([x.Shape[0], product.Count], x.DType, x.Device);
            if (x.DType == DType.Complex64)
                DeviceSpectra.Product<F32, Complex64, Complex64Cell>(gpu, product, x, y, result);
            else
                DeviceSpectra.Product<F64, Complex, Complex128Cell>(gpu, product, x, y, result);
            return result;
        }
        var z = Empty(x.Shape[0], product.Count, x.DType, x.Device);
        if (x.DType == DType.Float32)
            HostSpectra.Product<F32, float, SingleCell>(product, x, y, z);
        else
            HostSpectra.Product<F64, double, DoubleCell>(product, x, y, z);
        return z;
    }

    /// <summary>Complex numbers [frequencies, ...] as spectra.</summary>
    public static Tensor FromComplex(Tensor x)
    {
        x = Copy.Contiguous(x);
        var (frequencies, count) = (x.Shape[0], (int)x.Shape[1..].ElementCount);
        if (x.Device is GpuDevice)
            return Reshape(x, [frequencies, count]);
        var y = Empty(frequencies, count, x.DType.RealType, x.Device);
        if (y.DType == DType.Float32)
            HostSpectra.Separate<F32, float, SingleCell>(x, y, count);
        else
            HostSpectra.Separate<F64, double, DoubleCell>(x, y, count);
        return y;
    }

    /// <summary>Spectra as complex numbers of a shape [frequencies, ...].</summary>
    public static Tensor ToComplex(Tensor spectra, Shape shape)
    {
        spectra = Copy.Contiguous(spectra);
        if (spectra.Device is GpuDevice)
            return Reshape(spectra, shape);
        var y = Tensor.Empty(shape, spectra.DType.ComplexType, spectra.Device);
        if (spectra.DType == DType.Float32)
            HostSpectra.Join<F32, float, SingleCell>(spectra, y, (int)shape[1..].ElementCount);
        else
            HostSpectra.Join<F64, double, DoubleCell>(spectra, y, (int)shape[1..].ElementCount);
        return y;
    }

    // Rows of whole vectors of 512 bits, whatever the vectors are: blocks of images never share one.
    static Tensor Empty(int frequencies, int count, DType dtype, Tensors.Device device)
    {
        var lanes = 64 / dtype.Size;
        return Tensor.Empty([frequencies, 2, (count + lanes - 1) / lanes * lanes], dtype, device);
    }

    static Tensor Reshape(Tensor x, Shape shape) => x.View(x.Layout.TryReshape(shape)!);

    // ---- devices: images on the whole plane, and the part of it that they cover

    static Tensor Placed(Tensor x, Plane plane)
    {
        if (plane.Rows == plane.Height && plane.Columns == plane.Width && plane.Top == 0 && plane.Left == 0)
            return x;
        var y = Tensor.Empty([x.Shape[0], x.Shape[1], plane.Height, plane.Width], x.DType, x.Device);
        Skeletons.Pointwise.Into<Unary<Kernels.Pointwise.Identity>>("Spectra", y, 0);
        foreach (var (given, whole) in Pieces(x, y, plane))
            Copy.Into(whole, given);
        return y;
    }

    static Tensor Taken(Tensor y, Plane plane)
    {
        if (plane.Rows == plane.Height && plane.Columns == plane.Width && plane.Top == 0 && plane.Left == 0)
            return y;
        var x = Tensor.Empty([y.Shape[0], y.Shape[1], plane.Rows, plane.Columns], y.DType, y.Device);
        foreach (var (given, whole) in Pieces(x, y, plane))
            Copy.Into(given, whole);
        return x;
    }

    // The window is cut where it leaves the plane: at most twice two rectangles.
    static IEnumerable<(Tensor Given, Tensor Whole)> Pieces(Tensor x, Tensor y, Plane plane)
    {
        var (rows, columns) = (Math.Min(plane.Rows, plane.Height - plane.Top), Math.Min(plane.Columns, plane.Width - plane.Left));
        foreach (var (row, height, top) in ((int, int, int)[])[(0, rows, plane.Top), (rows, plane.Rows - rows, 0)])
        {
            foreach (var (column, width, left) in ((int, int, int)[])[(0, columns, plane.Left), (columns, plane.Columns - columns, 0)])
            {
                if (height > 0 && width > 0)
                {
                    yield return (x.View(x.Layout.Slice(2, row, height, 1).Slice(3, column, width, 1)),
                        y.View(y.Layout.Slice(2, top, height, 1).Slice(3, left, width, 1)));
                }
            }
        }
    }
}
