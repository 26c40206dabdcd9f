using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.ConvolutionMethods;

/// <summary>The kernel itself, free: orthogonal as far as training with <c>kernel.OrthogonalityLoss(stride)</c> makes it so. Architectures
/// for which no orthogonal convolution exists are refused all the same. Achour, Malgouyres and Mamalet 2022.</summary>
/// <remarks>Where outputs = inputs stride^2, kernels that are orthogonal on both sides are hard to reach by descent: the loss of a random
/// square kernel was measured to stall between 0.01 and 0.3, while wide and tall ones reach 1e-4. Exact methods do not have that
/// problem.</remarks>
public sealed class Regularized : KernelMethod
{
    /// <summary>Normal numbers of variance 1 / (inputs k^2): rows of norm 1 in the mean, as an orthogonal kernel's.</summary>
    public override IReadOnlyList<FreeNumbers> Initial(ConvolutionShape shape, Generator generator, DType dtype)
    {
        ArgumentNullException.ThrowIfNull(shape);
        Shape kernel = [shape.Outputs, shape.GroupInputs, shape.Kernel.Height, shape.Kernel.Width];
        return [new("weight", Tensor.Normal(kernel, generator, deviation: 1 / Math.Sqrt(kernel[1..].ElementCount), dtype: dtype),
            ParameterRole.Convolution)];
    }

    /// <inheritdoc/>
    protected override Tensor Build(ConvolutionShape shape, IReadOnlyList<Tensor> free) => free[0];
}
