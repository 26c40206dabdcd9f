using Ortho.Autograd;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;

namespace Ortho.Layers.ConvolutionMethods;

/// <summary>The Cayley map of the kernel's symbol at every frequency. Trockman and Kolter 2021.</summary>
/// <remarks>The symbol is first scaled so that the root mean square of its singular values is a learnable number, <c>scale</c>, whatever
/// the size of the image.</remarks>
public sealed class FourierCayley : SymbolMethod
{
    static readonly Cayley cayley = new();

    /// <summary>A normal kernel of variance 1 / (inputs stride^2 k^2) and a scale of 1.</summary>
    public override IReadOnlyList<FreeNumbers> Initial(ConvolutionShape shape, Generator generator, DType dtype)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var inner = shape.Inputs * shape.Block;
        var deviation = 1 / Math.Sqrt((double)inner * shape.Kernel.Height * shape.Kernel.Width);
        return [new("weight",
            Tensor.Normal([shape.Outputs, inner, shape.Kernel.Height, shape.Kernel.Width], generator, deviation: deviation, dtype: dtype),
            ParameterRole.Convolution),
            new("scale", Tensor.Ones([], dtype), ParameterRole.Vector)];
    }

    /// <inheritdoc/>
    protected override Tensor Orthogonalize(Tensor symbol, IReadOnlyList<Tensor> free)
    {
        var (frequencies, rank) = (symbol.Shape[0], Math.Min(symbol.Shape[1], symbol.Shape[2]));
        var size = symbol.Norm() / Math.Sqrt((double)frequencies * rank) + 1e-12;
        return cayley.Forward(symbol * (free[1] / size));
    }
}
