using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.ConvolutionMethods;

/// <summary>Orthogonal kernels as products of factors with two taps, P and I - P for a projector P, along one dimension or both.</summary>
/// <remarks>Kernels here are [groups, out, in, height, width]. Xiao et al. 2018; Li et al. 2019.</remarks>
static class ProjectorFactors
{
    /// <summary>Frames from which projectors are made, for a kernel of this size.</summary>
    public static int Count(Extent2 kernel) => kernel.Height - 1 + kernel.Width - 1;

    /// <summary>The projectors V V^T of frames V [..., c, r] with orthonormal columns.</summary>
    public static Tensor Projectors(Tensor frames) => frames.MatMul(frames.T);

    /// <summary>The product of the factors of all projectors, a square kernel [groups, c, c, height, width].</summary>
    /// <param name="projectors">[count, groups, c, c]: those of the height first.</param>
    /// <param name="kernel">Height and width, not both 1.</param>
    public static Tensor Product(Tensor projectors, Extent2 kernel)
    {
        var (rows, columns) = (kernel.Height - 1, kernel.Width - 1);
        var both = Math.Min(rows, columns);
        var eye = Tensor.Eye(projectors.Shape[^1], dtype: projectors.DType, device: projectors.Device);
        // [count, 2, groups, c, c]: the two taps of each factor.
        var taps = Tensor.Stack([projectors, eye - projectors], 1);
        Tensor? product = null;
        if (both > 0)
        {
            // B(P, Q) = [[P Q, P (I - Q)], [(I - P) Q, (I - P)(I - Q)]]
            var squares = taps.Narrow(0, 0, both).Unsqueeze(2).MatMul(taps.Narrow(0, rows, both).Unsqueeze(1));
            product = Fold(squares.Permute(0, 3, 4, 5, 1, 2));
        }
        if (rows > both)
            product = With(product, Fold(taps.Narrow(0, both, rows - both).Permute(0, 2, 3, 4, 1).Unsqueeze(-1)));
        if (columns > both)
            product = With(product, Fold(taps.Narrow(0, rows + both, columns - both).Permute(0, 2, 3, 4, 1).Unsqueeze(-2)));
        return product!;
    }

    /// <summary>The 1 x 1 kernel square after the product of the factors, with the first channels of each group: [outputs, inputs / groups,
    /// ...].</summary>
    /// <param name="shape">The architecture; groups stand behind one another.</param>
    /// <param name="kernel">Its taps.</param>
    /// <param name="square">Orthogonal [groups, c, c].</param>
    /// <param name="projectors">[count groups, c, c]; null where there is one tap.</param>
    public static Tensor Kernel(ConvolutionShape shape, Extent2 kernel, Tensor square, Tensor? projectors)
    {
        var (c, groups) = (square.Shape[^1], shape.Groups);
        var rows = square.Narrow(1, 0, shape.GroupOutputs);
        if (projectors is null)
            return rows.Narrow(2, 0, shape.GroupInputs).Reshape(shape.Outputs, shape.GroupInputs, 1, 1);
        var product = Product(projectors.Reshape(projectors.Shape[0] / groups, groups, c, c), kernel).Narrow(2, 0, shape.GroupInputs);
        var taps = product.Reshape(groups, c, shape.GroupInputs * kernel.Height * kernel.Width);
        return rows.MatMul(taps).Reshape(shape.Outputs, shape.GroupInputs, kernel.Height, kernel.Width);
    }

    /// <summary>Refuses groups whose larger side is a single channel: a projector of rank 1/2 does not exist.</summary>
    public static void RequireChannels(string method, ConvolutionShape shape)
    {
        if (Math.Max(shape.GroupInputs, shape.GroupOutputs) < 2 && shape.Kernel != 1)
            throw new TensorArgumentException(method, "channels", $"1 in a group",
                "at least 2 on one side: an orthogonal convolution of one channel is a shift");
    }

    static Tensor With(Tensor? product, Tensor next) => product is null ? next : Compose(next, product);

    // The product of kernels [count, groups, c, c, height, width], in pairs while there are any.
    static Tensor Fold(Tensor kernels)
    {
        Tensor? rest = null;
        while (kernels.Shape[0] > 1)
        {
            var (half, groups, c) = (kernels.Shape[0] / 2, kernels.Shape[1], kernels.Shape[2]);
            if (kernels.Shape[0] % 2 == 1)
                rest = With(rest, kernels.Select(0, 2 * half));
            var pairs = Compose(Merged(kernels.Narrow(0, half, half)), Merged(kernels.Narrow(0, 0, half)));
            kernels = pairs.Reshape(half, groups, c, c, pairs.Shape[3], pairs.Shape[4]);
        }
        return With(rest, kernels.Select(0, 0));

        static Tensor Merged(Tensor x) => x.Reshape(x.Shape[0] * x.Shape[1], x.Shape[2], x.Shape[3], x.Shape[4], x.Shape[5]);
    }

    /// <summary>The kernel of b after a: [groups, out, in, ...] with (b * a)[o, i] the sum over m of the full convolutions of b[o, m] and
    /// a[m, i].</summary>
    /// <param name="b">[groups, out, middle, h, w].</param>
    /// <param name="a">[groups, middle, in, h', w'].</param>
    public static Tensor Compose(Tensor b, Tensor a)
    {
        var (groups, outputs, middle, h, w) = (b.Shape[0], b.Shape[1], b.Shape[2], b.Shape[3], b.Shape[4]);
        var inputs = a.Shape[2];
        var images = a.Permute(2, 0, 1, 3, 4).Reshape(inputs, groups * middle, a.Shape[3], a.Shape[4]);
        var y = images.Conv2d(b.Flip(3, 4).Reshape(groups * outputs, middle, h, w), null, 1, (h - 1, w - 1), 1, groups);
        return y.Reshape(inputs, groups, outputs, y.Shape[2], y.Shape[3]).Permute(1, 2, 0, 3, 4);
    }
}
