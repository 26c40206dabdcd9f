using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.ConvolutionMethods;

/// <summary>The explicit kernel of <see cref="Soc"/>'s exponential, cut off after few terms: L^0 + L + L * L / 2 + ... + L^T / T!, of T (k
/// - 1) + 1 taps. Circular only: with zeros around the images such a kernel is far from orthogonal. Boissin et al. 2025.</summary>
/// <remarks>L is divided by a bound of its norm for any size of image, the root of the largest row sum of <c>|L^T L|</c>, so |L| &lt;= 1.
/// The singular values are within e / (T + 1)! of 1 for the worst L - 0.11 for three terms - and much nearer for most; <c>Certify</c>
/// tells.</remarks>
/// <param name="terms">T.</param>
public sealed class AdaptiveSoc(int terms = 3) : KernelMethod
{
    readonly int terms = terms > 0 ? terms : throw new ArgumentOutOfRangeException(nameof(terms), terms, "AdaptiveSoc: at least one term.");

    /// <inheritdoc/>
    public override void Require(ConvolutionShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        if (shape.Groups != 1)
            throw new TensorArgumentException("AdaptiveSoc", "groups", $"{shape.Groups}", "1; Aoc has others");
        if (shape.Stride != 1 && shape.Outputs > shape.Inputs)
            throw new TensorArgumentException("AdaptiveSoc", "stride",
                $"{shape.Stride} with {shape.Outputs} outputs > {shape.Inputs} inputs", "1, or outputs <= inputs; Aoc has every stride");
        if (shape.Padding != ConvolutionPadding.Circular)
            throw new TensorArgumentException("AdaptiveSoc", "padding", $"{shape.Padding}", "Circular; Soc has Zeros");
        SkewKernels.RequireOdd("AdaptiveSoc", shape);
        base.Require(shape);
    }

    /// <inheritdoc/>
    protected override ConvolutionShape Built(ConvolutionShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return shape with { Kernel = new(terms * (shape.Kernel.Height - 1) + 1, terms * (shape.Kernel.Width - 1) + 1) };
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FreeNumbers> Initial(ConvolutionShape shape, Generator generator, DType dtype)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return [SkewKernels.Initial(Math.Max(shape.Outputs, shape.Inputs), shape.Kernel, generator, dtype)];
    }

    /// <inheritdoc/>
    protected override Tensor Build(ConvolutionShape shape, IReadOnlyList<Tensor> free)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(free);
        var skew = SkewKernels.Of(free[0]);
        skew = (skew / KernelGram.ColumnSums(skew).Max().Sqrt()).Unsqueeze(0);
        // Horner: 1 + L (1 + L / 2 (1 + L / 3 ...)), each time surrounded by zeros to the size of the longer product.
        var c = skew.Shape[1];
        var one = Tensor.Eye(c, dtype: skew.DType, device: skew.Device).Reshape(1, c, c, 1, 1);
        var sum = one;
        for (var j = terms; j > 0; j--)
        {
            sum = ProjectorFactors.Compose(skew, sum) * (1.0 / j);
            sum += one.Pad([(sum.Shape[3] / 2, sum.Shape[3] / 2), (sum.Shape[4] / 2, sum.Shape[4] / 2)]);
        }
        return sum.Reshape(c, c, sum.Shape[3], sum.Shape[4]).Narrow(0, 0, shape.Outputs).Narrow(1, 0, shape.Inputs);
    }
}
