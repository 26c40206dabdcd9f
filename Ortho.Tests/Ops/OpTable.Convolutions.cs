using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Ops;

public static partial class OpTable
{
    /// <summary>y[b, o, i, j] = bias[o] + sum over c, p, q of w[o, c, p, q] x[b, c, i s + p d - before, j s + q d - before].</summary>
    public static Nd ConvolutionOf(Nd x, Nd w, Nd? bias, Extent2 stride, (int Before, int After) rows, (int Before, int After) columns, Extent2 dilation, int groups)
    {
        var (h, width, kh, kw, outputs) = (x.Shape[2], x.Shape[3], w.Shape[2], w.Shape[3], w.Shape[0] / groups);
        var height = (h + rows.Before + rows.After - dilation.Height * (kh - 1) - 1) / stride.Height + 1;
        var across = (width + columns.Before + columns.After - dilation.Width * (kw - 1) - 1) / stride.Width + 1;
        return Nd.Of([x.Shape[0], w.Shape[0], height, across], at => (bias is null ? 0 : bias.Data[at[1]]) + SumOf(
            from c in Enumerable.Range(0, w.Shape[1])
            from p in Enumerable.Range(0, kh)
            from q in Enumerable.Range(0, kw)
            let i = at[2] * stride.Height + p * dilation.Height - rows.Before
            let j = at[3] * stride.Width + q * dilation.Width - columns.Before
            where i >= 0 && i < h && j >= 0 && j < width
            select w[at[1], c, p, q] * x[at[0], at[1] / outputs * w.Shape[1] + c, i, j]));
    }

    /// <summary>y[b, c, i s + p d - before, j s + q d - before] += w[o, c, p, q] x[b, o, i, j].</summary>
    public static Nd TransposedConvolutionOf(Nd x, Nd w, Nd? bias, Extent2 stride, (int Before, int After) rows, (int Before, int After) columns, Extent2 dilation, Extent2 more, int groups)
    {
        var (kh, kw, inputs, outputs) = (w.Shape[2], w.Shape[3], w.Shape[0] / groups, w.Shape[1]);
        var height = (x.Shape[2] - 1) * stride.Height - rows.Before - rows.After + dilation.Height * (kh - 1) + more.Height + 1;
        var across = (x.Shape[3] - 1) * stride.Width - columns.Before - columns.After + dilation.Width * (kw - 1) + more.Width + 1;
        return Nd.Of([x.Shape[0], groups * outputs, height, across], at => (bias is null ? 0 : bias.Data[at[1]]) + SumOf(
            from o in Enumerable.Range(at[1] / outputs * inputs, inputs)
            from p in Enumerable.Range(0, kh)
            from q in Enumerable.Range(0, kw)
            let i = at[2] + rows.Before - p * dilation.Height
            let j = at[3] + columns.Before - q * dilation.Width
            where i >= 0 && i % stride.Height == 0 && i / stride.Height < x.Shape[2] && j >= 0 && j % stride.Width == 0 && j / stride.Width < x.Shape[3]
            select w[o, at[1] % outputs, p, q] * x[at[0], o, i / stride.Height, j / stride.Width]));
    }

    static Nd OnTorus(Nd x, Nd w, Nd? bias, Extent2 stride, (int Before, int After) rows, (int Before, int After) columns, Extent2 dilation)
    {
        var (h, width) = (x.Shape[2], x.Shape[3]);
        var longer = Nd.Of([x.Shape[0], x.Shape[1], h + rows.Before + rows.After, width + columns.Before + columns.After],
            at => x[at[0], at[1], (at[2] - rows.Before + h) % h, (at[3] - columns.Before + width) % width]);
        return ConvolutionOf(longer, w, bias, stride, (0, 0), (0, 0), dilation, 1);
    }

    static Nd Rowed(Nd x) => new([x.Shape[0], x.Shape[1], 1, x.Shape[2]], x.Data);

    static Nd Unrowed(Nd x) => new([x.Shape[0], x.Shape[1], x.Shape[3]], x.Data);

    static IEnumerable<OpRow> Convolutions()
    {
        const double single = 3e-6, exact = 2e-14;
        return
        [
            new("Conv2d", x => x[0].Conv2d(x[1], padding: 1), x => ConvolutionOf(x[0], x[1], null, 1, (1, 1), (1, 1), 1, 1),
                [[2, 3, 5, 18], [3, 3, 3, 3]], [[1, 1, 4, 4], [1, 1, 3, 3]], [[1, 2, 1, 1], [9, 2, 3, 3]], [[0, 2, 4, 4], [2, 2, 3, 3]]) { IsComplex = true, Single = single, Double = exact },
            new("Conv2d", x => x[0].Conv2d(x[1], x[2], stride: (2, 3), padding: new(0, 2, 1, 3), dilation: (2, 1), groups: 2),
                x => ConvolutionOf(x[0], x[1], x[2], (2, 3), (0, 2), (1, 3), (2, 1), 2), [[2, 4, 7, 9], [6, 2, 3, 2], [6]]) { IsComplex = true, Single = single, Double = exact },
            new("Conv2d", x => x[0].Conv2d(x[1], x[2], padding: Padding2.Same), x => ConvolutionOf(x[0], x[1], x[2], 1, (0, 1), (1, 2), 1, 1),
                [[1, 2, 4, 6], [2, 2, 2, 4], [2]]) { IsComplex = true, Single = single, Double = exact },
            // More taps than a chain has, and a pointwise kernel.
            new("Conv2d", x => x[0].Conv2d(x[1], x[2]), x => ConvolutionOf(x[0], x[1], x[2], 1, (0, 0), (0, 0), 1, 1),
                [[1, 40, 4, 4], [2, 40, 3, 3], [2]], [[2, 3, 4, 5], [4, 3, 1, 1], [4]]) { IsComplex = true, Single = 2e-6, Double = exact },
            // On a torus: an odd kernel, an even one with a dilation; and with a stride.
            new("Conv2d", x => x[0].Conv2d(x[1], x[2], padding: 1, mode: PadMode.Circular), x => OnTorus(x[0], x[1], x[2], 1, (1, 1), (1, 1), 1),
                [[2, 3, 4, 17], [2, 3, 3, 3], [2]], [[1, 1, 1, 2], [2, 1, 3, 3], [2]]) { IsComplex = true, Single = single, Double = exact },
            new("Conv2d", x => x[0].Conv2d(x[1], padding: new(2, 1, 2, 2), dilation: (1, 2), mode: PadMode.Circular), x => OnTorus(x[0], x[1], null, 1, (2, 1), (2, 2), (1, 2)),
                [[2, 2, 5, 6], [3, 2, 4, 3]]) { IsComplex = true, Single = single, Double = exact },
            new("Conv2d", x => x[0].Conv2d(x[1], stride: 2, padding: 1, mode: PadMode.Circular), x => OnTorus(x[0], x[1], null, 2, (1, 1), (1, 1), 1),
                [[1, 2, 4, 6], [3, 2, 3, 3]]) { IsComplex = true, Single = single, Double = exact },
            new("Conv1d", x => x[0].Conv1d(x[1], x[2], stride: 2, padding: 3, dilation: 2),
                x => Unrowed(ConvolutionOf(Rowed(x[0]), Rowed(x[1]), x[2], (1, 2), (0, 0), (3, 3), (1, 2), 1)), [[2, 3, 11], [4, 3, 3], [4]]) { IsComplex = true, Single = single, Double = exact },
            // Longer than a chain of a kernel's gradient.
            new("Conv1d", x => x[0].Conv1d(x[1], padding: 1), x => Unrowed(ConvolutionOf(Rowed(x[0]), Rowed(x[1]), null, 1, (0, 0), (1, 1), 1, 1)), [[1, 1, 520], [2, 1, 3]]) { IsComplex = true, Single = single, Double = exact },
            new("ConvTranspose2d", x => x[0].ConvTranspose2d(x[1], x[2], stride: (2, 3), padding: new(1, 0, 0, 1), outputPadding: (1, 0), dilation: (1, 2), groups: 2),
                x => TransposedConvolutionOf(x[0], x[1], x[2], (2, 3), (1, 0), (0, 1), (1, 2), (1, 0), 2), [[2, 4, 3, 4], [4, 3, 3, 2], [6]]) { IsComplex = true, Single = single, Double = exact },
            new("ConvTranspose2d", x => x[0].ConvTranspose2d(x[1], stride: 2), x => TransposedConvolutionOf(x[0], x[1], null, 2, (0, 0), (0, 0), 1, 0, 1),
                [[2, 2, 3, 3], [2, 3, 1, 1]], [[1, 2, 2, 18], [2, 2, 3, 3]]) { IsComplex = true, Single = single, Double = exact },
            new("ConvTranspose1d", x => x[0].ConvTranspose1d(x[1], x[2], stride: 2, padding: 1, outputPadding: 1),
                x => Unrowed(TransposedConvolutionOf(Rowed(x[0]), Rowed(x[1]), x[2], (1, 2), (0, 0), (1, 1), 1, (0, 1), 1)), [[2, 3, 5], [3, 2, 4], [2]]) { IsComplex = true, Single = single, Double = exact },
        ];
    }
}
