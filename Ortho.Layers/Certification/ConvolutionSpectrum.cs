using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Certification;

/// <summary>Singular values of circular convolutions: those of one small matrix for each frequency. Sedghi, Gupta and Long 2019; with a
/// stride, Achour, Malgouyres and Mamalet 2022.</summary>
public static class ConvolutionSpectrum
{
    /// <summary>All singular values of a circular convolution of h x w images, exactly, in float64 on the host.</summary>
    /// <param name="kernel">Real [outputs, inputs / groups, kernel height, kernel width], also larger than the images.</param>
    /// <param name="height">h.</param>
    /// <param name="width">w.</param>
    /// <param name="stride">Divides h and w; 1 unless given.</param>
    /// <param name="dilation">1 unless given.</param>
    /// <param name="groups">Groups of channels that are convolved apart.</param>
    /// <returns>Float64 [groups h w / stride^2, min(outputs, inputs stride^2) / groups], each row descending.</returns>
    /// <exception cref="TensorArgumentException">Not a real kernel of four dimensions, or the stride does not divide the
    /// extents.</exception>
    public static Tensor SingularValues(Tensor kernel, int height, int width, Extent2? stride = null, Extent2? dilation = null,
        int groups = 1)
    {
        using (Graph.NoGrad())
            return Symbol(kernel, height, width, stride, dilation, groups).SingularValues();
    }

    /// <summary>The matrices of a circular convolution at all frequencies (1 / S) [K-hat(xi + j N)] over j in {0 .. S-1}^2, N = n / S;
    /// Complex128, on the host, not differentiable.</summary>
    /// <returns>[groups h w / stride^2, outputs / groups, inputs stride^2 / groups].</returns>
    internal static Tensor Symbol(Tensor kernel, int height, int width, Extent2? stride = null, Extent2? dilation = null, int groups = 1)
    {
        const string operation = "ConvolutionSpectrum";
        ArgumentNullException.ThrowIfNull(kernel);
        var (s, d) = (stride ?? 1, dilation ?? 1);
        if (kernel.Rank != 4 || !kernel.DType.IsFloatingPoint)
            throw new TensorArgumentException(operation, nameof(kernel), $"{kernel.DType} {kernel.Shape}",
                "a real kernel [outputs, inputs / groups, height, width]");
        if (height < 1 || width < 1 || height % s.Height != 0 || width % s.Width != 0)
            throw new TensorArgumentException(operation, nameof(stride), $"{s} for {height} x {width} images",
                "a divisor of their extents");
        var (outputs, inputs, kh, kw) = (kernel.Shape[0], kernel.Shape[1], kernel.Shape[2], kernel.Shape[3]);
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        // On the torus taps beyond the edge come in again on the other side.
        var taps = kernel.Detach().To(Device.Cpu).To(DType.Float64).ToArray<double>();
        var wrapped = new double[(long)outputs * inputs * height * width];
        for (var o = 0; o < outputs * inputs; o++)
            for (var i = 0; i < kh; i++)
                for (var j = 0; j < kw; j++)
                {
                    var at = ((long)o * height + Place(i, kh, d.Height, height)) * width + Place(j, kw, d.Width, width);
                    wrapped[at] += taps[((long)o * kh + i) * kw + j];
                }
        var spectra = Tensor.From(wrapped, [outputs, inputs, height, width]).Fft2().Conj();
        var (rows, columns) = (height / s.Height, width / s.Width);
        // Frequencies that differ by a multiple of N meet under the stride.
        var symbol = spectra.Reshape(groups, outputs / groups, inputs, s.Height, rows, s.Width, columns).Permute(0, 4, 6, 1, 2, 3, 5)
            .Reshape(groups * rows * columns, outputs / groups, inputs * s.Height * s.Width) * (1 / Math.Sqrt((double)s.Height * s.Width));
        return scope.Keep(symbol);

        static int Place(int tap, int taps, int dilation, int extent) => ((tap - taps / 2) * dilation % extent + extent) % extent;
    }

    /// <summary>An upper bound of the largest singular value of a circular convolution of h x w images, on the kernel's device and
    /// differentiable: <see cref="GramIteration"/> at every frequency.</summary>
    /// <remarks>With zeros around the images the convolution is a part of that on the torus of (h + kernel height - 1) x (w + kernel width
    /// - 1), whose bound is one of it.</remarks>
    /// <param name="kernel">Real [outputs, inputs, kernel height, kernel width], no larger than the images.</param>
    /// <param name="height">h.</param>
    /// <param name="width">w.</param>
    /// <param name="iterations">Gram iterations.</param>
    /// <returns>A scalar.</returns>
    public static Tensor GramBound(Tensor kernel, int height, int width, int iterations = 6)
        => GramIteration.Bound(Tensor.ConvolutionSymbol(kernel, height, width), iterations).Max();
}
