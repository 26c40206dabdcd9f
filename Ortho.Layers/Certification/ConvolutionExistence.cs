using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Certification;

/// <summary>The side on which an orthogonal convolution K preserves norms.</summary>
public enum OrthogonalSide
{
    /// <summary>K K^T = I: fewer outputs than inputs stride^2; the adjoint is an isometry.</summary>
    Rows,

    /// <summary>K^T K = I: more outputs than inputs stride^2; an isometry.</summary>
    Columns,

    /// <summary>Both.</summary>
    Both,
}

/// <summary>Whether an architecture has an orthogonal convolution.</summary>
/// <param name="Exists">Whether there is one, for images of every size.</param>
/// <param name="Side">The side on which it preserves norms.</param>
/// <param name="Support">Height and width of the part of the kernel that need not be zero.</param>
/// <param name="Reason">The inequality that decides, with its numbers, as it is.</param>
public sealed record ExistenceReport(bool Exists, OrthogonalSide Side, Extent2 Support, string Reason);

/// <summary>For which architectures orthogonal convolutions exist. Achour, Malgouyres and Mamalet 2022, for circular
/// padding.</summary>
/// <remarks>
/// <para>With M outputs, C inputs, stride S and k taps in each dimension: where M &lt;= C S^2 (rows), one exists iff M &lt;= C k^2; else
/// (columns) iff S &lt;= k. Where S and k differ by dimension, k^2 stands for the product of the lesser of both (derived).</para>
/// <para>Zeros around the images (derived): rows and columns at the border are parts of those within, and all have norm 1, so only the taps
/// from the middle on that stay within one stride may differ from zero - one, at stride 1. Without padding (derived): rows are some of
/// those on the torus; columns at a corner are seen by one tap, so k = S.</para>
/// </remarks>
public static class ConvolutionExistence
{
    /// <summary>Whether an orthogonal convolution exists, for each group of channels.</summary>
    public static ExistenceReport Check(ConvolutionShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var (m, c, k, s) = (shape.GroupOutputs, shape.GroupInputs, shape.Kernel, shape.Stride);
        var side = m == c * shape.Block ? OrthogonalSide.Both : m < c * shape.Block ? OrthogonalSide.Rows : OrthogonalSide.Columns;
        var used = shape.Padding == ConvolutionPadding.Zeros ? FromMiddle(k) : k;
        Extent2 least = new(Math.Min(used.Height, s.Height), Math.Min(used.Width, s.Width));
        var support = shape.Padding == ConvolutionPadding.Zeros ? least : k;
        if (side != OrthogonalSide.Columns)
        {
            var most = c * least.Height * least.Width;
            var name = least.Height == used.Height && least.Width == used.Width ? "k^2" : "min(k, S)^2";
            return new(m <= most, side, support,
                $"M = {m} {(m <= most ? "<=" : ">")} {most} = {c} * {least.Height} * {least.Width} = C {name}");
        }
        if (shape.Padding == ConvolutionPadding.Valid)
            return new(k == s, side, k, $"k = {Text(k)} {(k == s ? "=" : "differs from")} S = {Text(s)}");
        var covers = s.Height <= used.Height && s.Width <= used.Width;
        var taps = shape.Padding == ConvolutionPadding.Zeros ? "k from its middle on" : "k";
        return new(covers, side, support, $"S = {Text(s)} {(covers ? "<=" : ">")} {Text(used)} = {taps}");
    }

    /// <summary>The simplest orthogonal kernel: each output copies a pixel of its own out of a block of the stride's size. Outputs that
    /// exceed the pixels of a block are zero.</summary>
    /// <param name="shape">An architecture that has an orthogonal convolution.</param>
    /// <param name="dtype">A floating-point type.</param>
    /// <returns>[outputs, inputs / groups, kernel height, kernel width].</returns>
    /// <exception cref="TensorArgumentException">There is none.</exception>
    public static Tensor PermutationKernel(ConvolutionShape shape, DType dtype = DType.Float32)
    {
        Refuse("PermutationKernel", shape);
        var zeros = shape.Padding == ConvolutionPadding.Zeros;
        var (k, c) = (shape.Kernel, shape.GroupInputs);
        var used = zeros ? FromMiddle(k) : k;
        var (rows, columns) = (Math.Min(used.Height, shape.Stride.Height), Math.Min(used.Width, shape.Stride.Width));
        var (top, left) = zeros ? (k.Height / 2, k.Width / 2) : (0, 0);
        var kernel = new double[shape.Outputs * c * k.Height * k.Width];
        for (var m = 0; m < shape.Outputs; m++)
        {
            var pixel = m % shape.GroupOutputs;
            if (pixel >= c * rows * columns)
                continue;
            var (channel, i, j) = (pixel / (rows * columns), pixel / columns % rows, pixel % columns);
            kernel[((m * c + channel) * k.Height + top + i) * k.Width + left + j] = 1;
        }
        return Tensor.From(kernel, [shape.Outputs, c, k.Height, k.Width]).To(dtype);
    }

    /// <summary>Refuses architectures without an orthogonal convolution that uses all of its kernel.</summary>
    internal static void Require(string operation, ConvolutionShape shape)
    {
        var report = Refuse(operation, shape);
        if (report.Support != shape.Kernel)
            throw new TensorArgumentException(operation, "padding", $"{shape.Padding} beside {Text(shape.Kernel)} taps",
                $"Circular: with zeros around the images orthogonal kernels have at most {Text(report.Support)} taps that differ from 0");
    }

    static ExistenceReport Refuse(string operation, ConvolutionShape shape)
    {
        var report = Check(shape);
        return report.Exists ? report : throw new TensorArgumentException(operation, nameof(shape), $"one with {report.Reason}",
            report.Side != OrthogonalSide.Columns ? "M <= C k^2 where M <= C S^2: no orthogonal convolution exists otherwise"
            : shape.Padding == ConvolutionPadding.Valid
                ? "k = S where M > C S^2 without padding: no orthogonal convolution exists otherwise"
            : "S <= k where M > C S^2: no orthogonal convolution exists otherwise");
    }

    static Extent2 FromMiddle(Extent2 k) => new(k.Height - k.Height / 2, k.Width - k.Width / 2);

    static string Text(Extent2 extent) => extent.Height == extent.Width ? $"{extent.Height}" : $"{extent.Height} x {extent.Width}";
}
