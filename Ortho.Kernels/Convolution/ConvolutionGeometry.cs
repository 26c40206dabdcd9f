namespace Ortho.Kernels.Convolution;

/// <summary>One dimension of a convolution: place i of the result meets place i * stride - before + k * dilation of the images at tap k of
/// the kernel.</summary>
/// <param name="Input">Extent of the images.</param>
/// <param name="Kernel">Taps.</param>
/// <param name="Output">Extent of the result.</param>
/// <param name="Stride">Places of the images from one place of the result to the next.</param>
/// <param name="Before">Zeros before the first place of the images. How many there are behind the last follows from the extents.</param>
/// <param name="Dilation">Places of the images from one tap to the next.</param>
public readonly record struct ConvolutionAxis(int Input, int Kernel, int Output, int Stride, int Before, int Dilation)
{
    // Each place of the result meets the same place of the images and no other.
    internal bool IsPointwise => Kernel == 1 && Stride == 1 && Before == 0 && Input == Output;
}

/// <summary>A convolution of images [batch, groups * inputs, height, width] to [batch, groups * outputs, height', width'] by a kernel
/// [groups * outputs, inputs, kernel height, kernel width].</summary>
/// <param name="Batch">Images.</param>
/// <param name="Groups">Groups of channels, each convolved by itself.</param>
/// <param name="Inputs">Channels of the images in each group.</param>
/// <param name="Outputs">Channels of the result in each group.</param>
/// <param name="Rows">The vertical dimension.</param>
/// <param name="Columns">The horizontal dimension.</param>
public sealed record ConvolutionGeometry(int Batch, int Groups, int Inputs, int Outputs, ConvolutionAxis Rows, ConvolutionAxis Columns)
{
    // Real products of one chain, at most (of one channel, when the kernel alone has more taps): what three vectors read of a copy for each
    // tap is half of the first-level cache.
    const int Chain = 192;

    /// <summary>Taps of the kernel.</summary>
    internal int Taps => Rows.Kernel * Columns.Kernel;

    /// <summary>Channels whose products are chained before their sum is added to the result.</summary>
    internal int ChannelBlock => Math.Max(1, Chain / Taps);

    /// <summary>Places of the result that are chained in a gradient of the kernel.</summary>
    internal const int PixelBlock = 256;

    /// <summary>Pixels of a plane of the images.</summary>
    internal int InputPixels => Rows.Input * Columns.Input;

    /// <summary>Pixels of a plane of the result.</summary>
    internal int OutputPixels => Rows.Output * Columns.Output;

    // Parts into which the images are cut for a gradient of the kernel, and the elements that all parts' gradients may have.
    const int MostSegments = 16;
    const long SegmentElements = 1 << 21;

    /// <summary>Images whose products are summed one after the other in a gradient of the kernel.</summary>
    internal int SegmentImages
    {
        get
        {
            var segments = Math.Clamp(SegmentElements / ((long)Groups * Outputs * Inputs * Taps), 1, MostSegments);
            return (int)Math.Max(1, (Batch + segments - 1) / segments);
        }
    }

    /// <summary>Parts into which the images are cut for a gradient of the kernel.</summary>
    internal int Segments => (Batch + SegmentImages - 1) / SegmentImages;

    /// <summary>The same convolution with the pixels of a plane in one row, where no pixel meets a neighbour: rows as long as can be.</summary>
    internal ConvolutionGeometry Flattened()
    {
        if (!Rows.IsPointwise || !Columns.IsPointwise)
            return this;
        return this with { Rows = new(1, 1, 1, 1, 0, 1), Columns = new(InputPixels, 1, InputPixels, 1, 0, 1) };
    }
}
