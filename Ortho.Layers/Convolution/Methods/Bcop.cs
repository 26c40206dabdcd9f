using Ortho.Autograd;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;

namespace Ortho.Layers.ConvolutionMethods;

/// <summary>Block convolution orthogonal parametrization: an orthogonal 1 x 1 kernel after k - 1 blocks of 2 x 2 taps, each made of two
/// projectors, of which the first output or input channels are kept. Li et al. 2019.</summary>
/// <remarks>A square kernel of c = max(inputs, outputs) channels is H * B(P_1, Q_1) * ... * B(P_(k-1), Q_(k-1)) with H in O(c) and
/// projectors of rank floor(c / 2). The kernel does not depend on the image. A stride keeps the rows of an orthogonal operator, so it needs
/// inputs &gt;= outputs; <see cref="Aoc"/> has every stride. Projectors of rank floor(c / 2) are one connected component of many, that of
/// the largest dimension.</remarks>
/// <param name="map">How free numbers become orthonormal columns; Householder when null, whose
/// accuracy does not depend on where training has led.</param>
public sealed class Bcop(IOrthogonalParametrization? map = null) : KernelMethod
{
    readonly IOrthogonalParametrization map = Stateless(map);

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">A single channel, or a stride and more outputs than inputs.</exception>
    public override void Require(ConvolutionShape shape)
    {
        base.Require(shape);
        ProjectorFactors.RequireChannels("Bcop", shape);
        if (shape.Stride != 1 && shape.Outputs > shape.Inputs)
            throw new TensorArgumentException("Bcop", "stride", $"{shape.Stride} with {shape.Outputs} outputs > {shape.Inputs} inputs",
                "1, or outputs <= inputs; Aoc has every stride");
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FreeNumbers> Initial(ConvolutionShape shape, Generator generator, DType dtype)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var c = Math.Max(shape.GroupInputs, shape.GroupOutputs);
        var square = new FreeNumbers("square", Sample(map, [shape.Groups, c, c], generator, dtype), ParameterRole.Matrix);
        var count = ProjectorFactors.Count(shape.Kernel);
        return count == 0 ? [square]
            : [square, new("frames", Sample(map, [count * shape.Groups, c, c / 2], generator, dtype), ParameterRole.Matrix)];
    }

    /// <inheritdoc/>
    protected override Tensor Build(ConvolutionShape shape, IReadOnlyList<Tensor> free)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(free);
        var square = map.Forward(free[0]);
        var projectors = free.Count == 1 ? null : ProjectorFactors.Projectors(map.Forward(free[1]));
        return ProjectorFactors.Kernel(shape, shape.Kernel, square, projectors);
    }
}
