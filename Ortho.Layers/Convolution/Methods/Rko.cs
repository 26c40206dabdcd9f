using Ortho.Autograd;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;

namespace Ortho.Layers.ConvolutionMethods;

/// <summary>Reshaped kernel orthogonalisation: the matrix [outputs, inputs k^2] of the kernel is orthogonal. Serrurier et al.
/// 2021.</summary>
/// <remarks>That makes the convolution orthogonal only where the kernels do not overlap, k = stride, which is required.</remarks>
/// <param name="map">How free numbers become orthonormal columns; Householder when null, whose
/// accuracy does not depend on where training has led.</param>
public sealed class Rko(IOrthogonalParametrization? map = null) : KernelMethod
{
    readonly IOrthogonalParametrization map = Stateless(map);

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">The kernels overlap, or do not cover the images.</exception>
    public override void Require(ConvolutionShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        if (shape.Kernel != shape.Stride)
            throw new TensorArgumentException("Rko", "kernelSize", $"{shape.Kernel} beside stride {shape.Stride}",
                "the stride: an orthogonal matrix of overlapping kernels is no orthogonal convolution");
        base.Require(shape);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FreeNumbers> Initial(ConvolutionShape shape, Generator generator, DType dtype)
        => [new("weight", Initial(map, shape, generator, dtype), ParameterRole.Matrix)];

    /// <inheritdoc/>
    protected override Tensor Build(ConvolutionShape shape, IReadOnlyList<Tensor> free) => Kernel(map, shape, free[0]);

    internal static Tensor Initial(IOrthogonalParametrization map, ConvolutionShape shape, Generator generator, DType dtype)
    {
        var (outputs, columns) = (shape.GroupOutputs, shape.GroupInputs * shape.Kernel.Height * shape.Kernel.Width);
        return Sample(map, [shape.Groups, outputs, columns], generator, dtype);
    }

    internal static Tensor Kernel(IOrthogonalParametrization map, ConvolutionShape shape, Tensor free)
        => map.Forward(free).Reshape(shape.Outputs, shape.GroupInputs, shape.Kernel.Height, shape.Kernel.Width);
}
