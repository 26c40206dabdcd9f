using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>A convolution of any architecture by an explicit kernel, and its adjoint, summed directly.</summary>
static class ExplicitConvolution
{
    /// <summary>The convolution.</summary>
    /// <param name="shape">The architecture; the stride divides the extents of x.</param>
    /// <param name="kernel">[outputs, inputs / groups, kernel height, kernel width].</param>
    /// <param name="x">[batch, inputs, height, width].</param>
    /// <returns>[batch, outputs, height / stride, width / stride]; less without padding.</returns>
    public static Tensor Apply(ConvolutionShape shape, Tensor kernel, Tensor x)
    {
        var (before, after) = (shape.Before, shape.After);
        var around = new Padding2(before.Height, after.Height, before.Width, after.Width);
        if (shape.Padding != ConvolutionPadding.Circular)
            return x.Conv2d(kernel, null, shape.Stride, shape.Padding == ConvolutionPadding.Zeros ? around : 0, shape.Dilation, shape.Groups);
        var goesRoundOnce = Math.Max(before.Height, after.Height) <= x.Shape[2] && Math.Max(before.Width, after.Width) <= x.Shape[3];
        return goesRoundOnce
            ? x.Conv2d(kernel, null, shape.Stride, around, shape.Dilation, shape.Groups, PadMode.Circular)
            : Around(x, (before.Height, after.Height), (before.Width, after.Width)).Conv2d(kernel, null, shape.Stride, 0, shape.Dilation, shape.Groups);
    }

    /// <summary>The adjoint, which takes outputs to inputs.</summary>
    /// <param name="shape">The architecture.</param>
    /// <param name="kernel">As for <see cref="Apply"/>.</param>
    /// <param name="y">[batch, outputs, height, width].</param>
    public static Tensor ApplyAdjoint(ConvolutionShape shape, Tensor kernel, Tensor y)
    {
        if (shape.Padding == ConvolutionPadding.Valid)
            return y.ConvTranspose2d(kernel, null, shape.Stride, null, null, shape.Dilation, shape.Groups);
        var (before, after, stride) = (shape.Before, shape.After, shape.Stride);
        var (rows, columns) = (0, 0);
        if (shape.Padding == ConvolutionPadding.Circular)
        {
            // On a torus y goes on beyond its edges; what of the adjoint of the longer y falls on the image is the adjoint on the torus.
            (rows, columns) = (Wrap(before.Height, after.Height, stride.Height), Wrap(before.Width, after.Width, stride.Width));
            y = Around(y, (rows, rows), (columns, columns));
        }
        var (top, bottom, below) = Crop(rows, before.Height, after.Height, stride.Height);
        var (left, right, beside) = Crop(columns, before.Width, after.Width, stride.Width);
        return y.ConvTranspose2d(kernel, null, stride, new(top, bottom, left, right), (below, beside), shape.Dilation, shape.Groups);
    }

    // The torus unrolled; kernels larger than the images go round it more than once.
    static Tensor Around(Tensor x, (int Before, int After) rows, (int Before, int After) columns)
    {
        var (height, width) = (x.Shape[2], x.Shape[3]);
        while (Math.Max(rows.Before, rows.After) > height || Math.Max(columns.Before, columns.After) > width)
        {
            x = x.Pad([(height, height), (width, width)], PadMode.Circular);
            (rows, columns) = ((rows.Before - height, rows.After - height), (columns.Before - width, columns.After - width));
        }
        return x.Pad([rows, columns], PadMode.Circular);
    }

    // Places of y beyond an edge whose kernels reach the image.
    static int Wrap(int before, int after, int stride) => (Math.Max(before, after) + stride - 1) / stride;

    // What is left out before and behind the image, or is missing behind it.
    static (int Before, int Behind, int Missing) Crop(int wrap, int before, int after, int stride)
    {
        var behind = (wrap - 1) * stride + 1 + after;
        return (wrap * stride + before, Math.Max(0, behind), Math.Max(0, -behind));
    }
}
