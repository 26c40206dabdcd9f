using Ortho.Kernels.Convolution;
using Ortho.Tensors;
using ConvolutionKernel = Ortho.Kernels.Convolution.Convolution;

namespace Ortho.Autograd;

/// <summary>Convolutions of signals and images with zeros around them, summed directly: what PyTorch calls by the same names.</summary>
/// <remarks>
/// They are cross-correlations: the kernel is not turned round. Forward, gradient of the images and gradient of the kernel are the three maps
/// of one trilinear form, each of which is differentiated by the other two: gradients exist to any order. A place outside the image is a
/// zero that takes part in the sums. Complex tensors are convolved by the real numbers they consist of. Dumoulin and Visin, "A guide to
/// convolution arithmetic for deep learning", 2016.
/// </remarks>
[OpFamily("convolution")]
public static class ConvolutionOps
{
    const Numbers Taken = Numbers.Real | Numbers.Complex;

    extension(Tensor x)
    {
        /// <summary>y[b, o, i, j] = bias[o] + sum over c, p, q of weight[o, c, p, q] x[b, c, i s + p d - top, j s' + q d' - left], zero outside
        /// x; with groups, over the channels of o's group.</summary>
        /// <param name="weight">[outputs, inputs / groups, kernel height, kernel width], of the dtype of x [batch, inputs, height, width].</param>
        /// <param name="bias">[outputs], or null for none.</param>
        /// <param name="stride">s, s': 1 unless given.</param>
        /// <param name="padding">Zeros around x: none unless given.</param>
        /// <param name="dilation">d, d': 1 unless given.</param>
        /// <param name="groups">Groups of neighbouring channels that are convolved apart; divides inputs and outputs.</param>
        /// <param name="mode">What the padding consists of: zeros unless given; the images continued, as by <c>Pad</c>.</param>
        /// <returns>[batch, outputs, height', width'] with height' = floor((height + top + bottom - d (kernel height - 1) - 1) / s) + 1.</returns>
        /// <exception cref="TensorArgumentException">Shapes, dtypes or devices do not fit, the kernel with its dilation exceeds the image with its
        /// zeros, or a size is out of range.</exception>
        [Op(Takes = Taken)]
        public Tensor Conv2d(Tensor weight, Tensor? bias = null, Extent2? stride = null, Padding2? padding = null, Extent2? dilation = null, int groups = 1,
            PadMode mode = PadMode.Constant)
            => mode == PadMode.Constant
                ? Convolve("Conv2d", x, weight, bias, stride ?? 1, padding ?? 0, dilation ?? 1, groups)
                : Continued("Conv2d", x, weight, bias, stride ?? 1, padding ?? 0, dilation ?? 1, groups, mode);

        /// <summary>y[b, o, i] = bias[o] + sum over c, q of weight[o, c, q] x[b, c, i stride + q dilation - left], zero outside x; with groups,
        /// over the channels of o's group.</summary>
        /// <param name="weight">[outputs, inputs / groups, taps], of the dtype of x [batch, inputs, length].</param>
        /// <param name="bias">[outputs], or null for none.</param>
        /// <param name="stride">1 or more.</param>
        /// <param name="padding">Zeros before and behind x (left and right): none unless given.</param>
        /// <param name="dilation">1 or more.</param>
        /// <param name="groups">Groups of neighbouring channels that are convolved apart; divides inputs and outputs.</param>
        /// <returns>[batch, outputs, length'] with length' = floor((length + left + right - dilation (taps - 1) - 1) / stride) + 1.</returns>
        /// <exception cref="TensorArgumentException">As for <c>Conv2d</c>.</exception>
        [Op(Takes = Taken)]
        public Tensor Conv1d(Tensor weight, Tensor? bias = null, int stride = 1, Padding2? padding = null, int dilation = 1, int groups = 1)
        {
            CheckRank("Conv1d", nameof(x), x, 3);
            CheckRank("Conv1d", nameof(weight), weight, 3);
            return Convolve("Conv1d", x.Unsqueeze(2), weight.Unsqueeze(2), bias, (1, stride), Flat(padding), (1, dilation), groups).Squeeze(2);
        }

        /// <summary>The adjoint of <c>Conv2d</c> with this weight, plus bias: y[b, c, i s + p d - top, j s' + q d' - left] is the sum of
        /// weight[o, c, p, q] x[b, o, i, j] over all o, p, q, i, j that lead there.</summary>
        /// <param name="weight">[inputs, outputs / groups, kernel height, kernel width], of the dtype of x [batch, inputs, height, width].</param>
        /// <param name="bias">[outputs], or null for none.</param>
        /// <param name="stride">s, s': 1 unless given.</param>
        /// <param name="padding">Rows and columns of y that are left out at its edges: none unless given.</param>
        /// <param name="outputPadding">Rows and columns of y more at the bottom and on the right: less than the stride or the dilation, 0 unless
        /// given.</param>
        /// <param name="dilation">d, d': 1 unless given.</param>
        /// <param name="groups">Groups of neighbouring channels that are convolved apart; divides inputs and outputs.</param>
        /// <returns>[batch, outputs, height', width'] with height' = (height - 1) s - top - bottom + d (kernel height - 1) + output padding + 1.</returns>
        /// <exception cref="TensorArgumentException">Shapes, dtypes or devices do not fit, nothing would be left of y, or a size is out of
        /// range.</exception>
        [Op(Takes = Taken)]
        public Tensor ConvTranspose2d(Tensor weight, Tensor? bias = null, Extent2? stride = null, Padding2? padding = null, Extent2? outputPadding = null, Extent2? dilation = null, int groups = 1)
            => Transpose("ConvTranspose2d", x, weight, bias, stride ?? 1, padding ?? 0, outputPadding ?? 0, dilation ?? 1, groups);

        /// <summary>The adjoint of <c>Conv1d</c> with this weight, plus bias: y[b, c, i stride + q dilation - left] is the sum of weight[o, c, q]
        /// x[b, o, i] over all o, q, i that lead there.</summary>
        /// <param name="weight">[inputs, outputs / groups, taps], of the dtype of x [batch, inputs, length].</param>
        /// <param name="bias">[outputs], or null for none.</param>
        /// <param name="stride">1 or more.</param>
        /// <param name="padding">Places of y that are left out at its ends (left and right): none unless given.</param>
        /// <param name="outputPadding">Places of y more at its end: less than the stride or the dilation.</param>
        /// <param name="dilation">1 or more.</param>
        /// <param name="groups">Groups of neighbouring channels that are convolved apart; divides inputs and outputs.</param>
        /// <returns>[batch, outputs, length'] with length' = (length - 1) stride - left - right + dilation (taps - 1) + outputPadding + 1.</returns>
        /// <exception cref="TensorArgumentException">As for <c>ConvTranspose2d</c>.</exception>
        [Op(Takes = Taken)]
        public Tensor ConvTranspose1d(Tensor weight, Tensor? bias = null, int stride = 1, Padding2? padding = null, int outputPadding = 0, int dilation = 1, int groups = 1)
        {
            CheckRank("ConvTranspose1d", nameof(x), x, 3);
            CheckRank("ConvTranspose1d", nameof(weight), weight, 3);
            return Transpose("ConvTranspose1d", x.Unsqueeze(2), weight.Unsqueeze(2), bias, (1, stride), Flat(padding), (0, outputPadding), (1, dilation), groups).Squeeze(2);
        }
    }

    // A signal is an image of one row.
    static Padding2 Flat(Padding2? padding) => padding is not { } around ? 0 : around == Padding2.Same ? around : around with { Top = 0, Bottom = 0 };

    // ---- sizes, and what is refused

    static void CheckRank(string operation, string argument, Tensor x, int rank)
    {
        if (x.Rank != rank)
            throw new TensorArgumentException(operation, argument, $"{x.Shape}", rank == 3 ? "three dimensions [*, *, length]" : "four dimensions [*, *, height, width]");
    }

    static void Check(string operation, Tensor x, Tensor weight, Tensor? bias, Extent2 stride, Extent2 dilation, int groups)
    {
        CheckRank(operation, nameof(x), x, 4);
        CheckRank(operation, nameof(weight), weight, 4);
        if (!x.DType.IsDifferentiable)
            throw new TensorArgumentException(operation, nameof(x), $"{x.DType}", "a floating-point or complex tensor");
        if (weight.DType != x.DType || weight.Device != x.Device)
            throw new TensorArgumentException(operation, nameof(weight), $"{weight.DType} on {weight.Device}", $"{x.DType} on {x.Device}, as x");
        if (stride.Height < 1 || stride.Width < 1)
            throw new TensorArgumentException(operation, nameof(stride), $"{stride}", "1 or more");
        if (dilation.Height < 1 || dilation.Width < 1)
            throw new TensorArgumentException(operation, nameof(dilation), $"{dilation}", "1 or more");
        if (weight.ElementCount == 0)
            throw new TensorArgumentException(operation, nameof(weight), $"{weight.Shape}", "at least one channel and one tap in each dimension");
        if (groups < 1 || weight.Shape[0] % groups != 0)
            throw new TensorArgumentException(operation, nameof(groups), $"{groups} beside a weight {weight.Shape}", "a divisor of its first extent");
        if (bias is not null && (bias.DType != x.DType || bias.Device != x.Device))
            throw new TensorArgumentException(operation, nameof(bias), $"{bias.DType} on {bias.Device}", $"{x.DType} on {x.Device}, as x");
    }

    static void CheckBias(string operation, Tensor? bias, int outputs)
    {
        if (bias is not null && bias.Shape != Shape.Create([outputs]))
            throw new TensorArgumentException(operation, nameof(bias), $"{bias.Shape}", $"[{outputs}]");
    }

    // The zeros that Same stands for.
    static Padding2 Around(string operation, Padding2 padding, Tensor weight, Extent2 stride, Extent2 dilation)
    {
        if (padding != Padding2.Same)
        {
            return Math.Min(Math.Min(padding.Top, padding.Bottom), Math.Min(padding.Left, padding.Right)) >= 0
                ? padding
                : throw new TensorArgumentException(operation, nameof(padding), $"{padding}", "0 or more on every side");
        }
        if (stride != 1)
            throw new TensorArgumentException(operation, nameof(padding), $"Same with {stride}", "stride 1 beside it");
        var (down, across) = (dilation.Height * (weight.Shape[2] - 1), dilation.Width * (weight.Shape[3] - 1));
        return new(down / 2, down - down / 2, across / 2, across - across / 2);
    }

    static ConvolutionAxis Axis(string operation, int input, int kernel, int stride, int before, int after, int dilation)
    {
        var room = (long)input + before + after - ((long)dilation * (kernel - 1) + 1);
        return room >= 0
            ? new(input, kernel, checked((int)(room / stride) + 1), stride, before, dilation)
            : throw new TensorArgumentException(operation, "weight", $"{kernel} taps with dilation {dilation}", $"at most the {input} places of x and {before + after} zeros");
    }

    static ConvolutionAxis TransposedAxis(string operation, int output, int kernel, int stride, int before, int after, int dilation, int more)
    {
        if (more < 0 || more >= Math.Max(stride, dilation))
            throw new TensorArgumentException(operation, "outputPadding", $"{more}", $"0 or more, less than the stride {stride} or the dilation {dilation}");
        var input = (output - 1L) * stride - before - after + (long)dilation * (kernel - 1) + more + 1;
        return output > 0 && input > 0
            ? new(checked((int)input), kernel, output, stride, before, dilation)
            : throw new TensorArgumentException(operation, "padding", $"{before} and {after} of {output} places", "less than what is left out of the result");
    }

    // ---- the ops

    static Tensor Convolve(string operation, Tensor x, Tensor weight, Tensor? bias, Extent2 stride, Padding2 padding, Extent2 dilation, int groups)
    {
        Check(operation, x, weight, bias, stride, dilation, groups);
        var (inputs, outputs) = (weight.Shape[1], weight.Shape[0] / groups);
        if (x.Shape[1] != groups * inputs)
            throw new TensorArgumentException(operation, nameof(x), $"{x.Shape} beside a weight {weight.Shape}", $"{groups * inputs} channels");
        CheckBias(operation, bias, groups * outputs);
        padding = Around(operation, padding, weight, stride, dilation);
        var rows = Axis(operation, x.Shape[2], weight.Shape[2], stride.Height, padding.Top, padding.Bottom, dilation.Height);
        var columns = Axis(operation, x.Shape[3], weight.Shape[3], stride.Width, padding.Left, padding.Right, dilation.Width);
        if (x.IsHalf)
            return Forward(operation, new(x.Shape[0], groups, inputs, outputs, rows, columns), x.Wide, weight.Wide, bias?.Wide).To(x.DType);
        if (!x.DType.IsComplex)
            return Forward(operation, new(x.Shape[0], groups, inputs, outputs, rows, columns), x, weight, bias);
        return Complex(Forward(operation, new(x.Shape[0], groups, 2 * inputs, 2 * outputs, rows, columns), Parts(x), Parts(weight, -1), bias is null ? null : Parts(bias)));
    }

    static Tensor Continued(
        string operation, Tensor x, Tensor weight, Tensor? bias, Extent2 stride, Padding2 padding, Extent2 dilation, int groups, PadMode mode)
    {
        Check(operation, x, weight, bias, stride, dilation, groups);
        padding = Around(operation, padding, weight, stride, dilation);
        var isTorus = mode == PadMode.Circular && stride == 1 && groups == 1 && !x.IsHalf && !x.DType.IsComplex && x.Shape[1] == weight.Shape[1]
            && padding.Top + padding.Bottom == dilation.Height * (weight.Shape[2] - 1) && padding.Left + padding.Right == dilation.Width * (weight.Shape[3] - 1);
        if (!isTorus)
            return Convolve(operation, x.Pad([(padding.Top, padding.Bottom), (padding.Left, padding.Right)], mode), weight, bias, stride, 0, dilation, groups);
        CheckBias(operation, bias, weight.Shape[0]);
        return OnTorus(operation, x, weight, bias, padding, dilation);
    }

    // On a torus the adjoint of a convolution is one of the same kind, with the kernel turned round: cheaper than the images of longer ones, folded.
    static Tensor OnTorus(string operation, Tensor x, Tensor weight, Tensor? bias, Padding2 padding, Extent2 dilation)
    {
        (int, int)[] widths = [(padding.Top, padding.Bottom), (padding.Left, padding.Right)];
        ConvolutionGeometry geometry = new(x.Shape[0], 1, weight.Shape[1], weight.Shape[0],
            Axis(operation, x.Shape[2] + padding.Top + padding.Bottom, weight.Shape[2], 1, 0, 0, dilation.Height),
            Axis(operation, x.Shape[3] + padding.Left + padding.Right, weight.Shape[3], 1, 0, 0, dilation.Width));
        Tensor y;
        using (Graph.NoGrad())
            y = ConvolutionKernel.Forward(geometry, x.Pad(widths, PadMode.Circular), weight, bias);
        Func<Tensor, Tensor> images = g => OnTorus(operation, g, weight.Transpose(0, 1).Flip(2, 3).Contiguous(), null,
            new(padding.Bottom, padding.Top, padding.Right, padding.Left), dilation);
        Func<Tensor, Tensor> kernel = g => Weight(operation, geometry, x.Pad(widths, PadMode.Circular), g);
        return bias is null
            ? Graph.Record(operation, y, (x, images), (weight, kernel))
            : Graph.Record(operation, y, (x, images), (weight, kernel), (bias, Channels));
    }

    static Tensor Transpose(string operation, Tensor x, Tensor weight, Tensor? bias, Extent2 stride, Padding2 padding, Extent2 more, Extent2 dilation, int groups)
    {
        Check(operation, x, weight, bias, stride, dilation, groups);
        var (inputs, outputs) = (weight.Shape[1], weight.Shape[0] / groups);
        if (x.Shape[1] != weight.Shape[0])
            throw new TensorArgumentException(operation, nameof(x), $"{x.Shape} beside a weight {weight.Shape}", $"{weight.Shape[0]} channels");
        CheckBias(operation, bias, groups * inputs);
        padding = Around(operation, padding, weight, stride, dilation);
        var rows = TransposedAxis(operation, x.Shape[2], weight.Shape[2], stride.Height, padding.Top, padding.Bottom, dilation.Height, more.Height);
        var columns = TransposedAxis(operation, x.Shape[3], weight.Shape[3], stride.Width, padding.Left, padding.Right, dilation.Width, more.Width);
        if (x.IsHalf)
            return Images(operation, new(x.Shape[0], groups, inputs, outputs, rows, columns), x.Wide, weight.Wide, bias?.Wide).To(x.DType);
        if (!x.DType.IsComplex)
            return Images(operation, new(x.Shape[0], groups, inputs, outputs, rows, columns), x, weight, bias);
        return Complex(Images(operation, new(x.Shape[0], groups, 2 * inputs, 2 * outputs, rows, columns), Parts(x), Parts(weight, 1), bias is null ? null : Parts(bias)));
    }

    // Sums over images and pixels, rows of which lie together.
    static Tensor Channels(Tensor g) => g.Sum([2, 3]).Sum([0]);

    static Tensor Forward(string operation, ConvolutionGeometry geometry, Tensor x, Tensor weight, Tensor? bias)
    {
        var y = ConvolutionKernel.Forward(geometry, x, weight, bias);
        Func<Tensor, Tensor> images = g => Images(operation, geometry, g, weight, null), kernel = g => Weight(operation, geometry, x, g);
        return bias is null
            ? Graph.Record(operation, y, (x, images), (weight, kernel))
            : Graph.Record(operation, y, (x, images), (weight, kernel), (bias, Channels));
    }

    static Tensor Images(string operation, ConvolutionGeometry geometry, Tensor y, Tensor weight, Tensor? bias)
    {
        var x = ConvolutionKernel.Images(geometry, y, weight, bias);
        Func<Tensor, Tensor> result = g => Forward(operation, geometry, g, weight, null), kernel = g => Weight(operation, geometry, g, y);
        return bias is null
            ? Graph.Record(operation, x, (y, result), (weight, kernel))
            : Graph.Record(operation, x, (y, result), (weight, kernel), (bias, Channels));
    }

    static Tensor Weight(string operation, ConvolutionGeometry geometry, Tensor x, Tensor y)
        => Graph.Record(operation, ConvolutionKernel.Weights(geometry, x, y),
            (x, g => Images(operation, geometry, y, g, null)), (y, g => Forward(operation, geometry, x, g, null)));

    // ---- complex numbers as two real channels: (Re, Im) of each

    // [n, channels, ...] as [n, 2 channels, ...]; [channels] as [2 channels].
    static Tensor Parts(Tensor x)
    {
        var channel = x.Rank == 1 ? 0 : 1;
        return Tensor.Stack([x.Real(), x.Imag()], channel + 1).Flatten(channel, channel + 1);
    }

    // Each number as the matrix [[Re, sign Im], [-sign Im, Re]] that it is to two real ones: sign -1 where it is multiplied from the left, by
    // a convolution, 1 where from the right.
    static Tensor Parts(Tensor weight, int sign)
    {
        var (re, im) = (weight.Real(), sign < 0 ? -weight.Imag() : weight.Imag());
        return Tensor.Stack([Tensor.Stack([re, im], 2), Tensor.Stack([-im, re], 2)], 1).Flatten(2, 3).Flatten(0, 1);
    }

    static Tensor Complex(Tensor parts)
    {
        var pairs = parts.Unflatten(1, -1, 2);
        return Tensor.Complex(pairs.Select(2, 0), pairs.Select(2, 1));
    }
}
