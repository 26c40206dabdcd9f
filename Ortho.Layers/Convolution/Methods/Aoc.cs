using Ortho.Autograd;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;

namespace Ortho.Layers.ConvolutionMethods;

/// <summary>Adaptive orthogonal convolution: <see cref="Bcop"/> with all frames orthogonalised in one batch, and with every stride; groups,
/// dilation and the adjoint come with the explicit kernel. Boissin et al. 2025.</summary>
/// <remarks>
/// The 1 x 1 factor is (I - 2 P)(I - 2 P'), whose determinant is 1 always. Where the stride is 1 or inputs &gt;= outputs the kernel is that
/// of BCOP, whose rows stay orthonormal under a stride. Otherwise it is a kernel of size k - stride + 1 from the inputs to c' = max(inputs,
/// floor(outputs / stride^2)) channels, followed by one of stride x stride taps, an orthogonal matrix, used with that stride
/// (<see cref="Rko"/>, to which all comes down for k = stride).
/// </remarks>
/// <param name="map">How free numbers become orthonormal columns; Householder when null, whose
/// accuracy does not depend on where training has led.</param>
public sealed class Aoc(IOrthogonalParametrization? map = null) : KernelMethod
{
    readonly IOrthogonalParametrization map = Stateless(map);

    /// <summary>The two parts of a kernel: one whose taps overlap, then one whose taps do not; each may be missing.</summary>
    static (ConvolutionShape? Overlapping, ConvolutionShape? Disjoint) Parts(ConvolutionShape shape)
    {
        if (shape.Stride == 1 || (shape.Inputs >= shape.Outputs && shape.Kernel != shape.Stride))
            return (shape, null);
        if (shape.Kernel == shape.Stride)
            return (null, shape);
        var middle = shape.Groups * Math.Max(shape.GroupInputs, shape.GroupOutputs / shape.Block);
        Extent2 kernel = (shape.Kernel.Height - shape.Stride.Height + 1, shape.Kernel.Width - shape.Stride.Width + 1);
        return (shape with { Outputs = middle, Kernel = kernel, Stride = 1 }, shape with { Inputs = middle, Kernel = shape.Stride });
    }

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">A single channel, or a kernel smaller than the stride.</exception>
    public override void Require(ConvolutionShape shape)
    {
        base.Require(shape);
        if (shape.Kernel.Height < shape.Stride.Height || shape.Kernel.Width < shape.Stride.Width)
            throw new TensorArgumentException("Aoc", "kernelSize", $"{shape.Kernel} below the stride {shape.Stride}",
                "a kernel no smaller than the stride");
        if (Parts(shape).Overlapping is { } overlapping)
            ProjectorFactors.RequireChannels("Aoc", overlapping);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<FreeNumbers> Initial(ConvolutionShape shape, Generator generator, DType dtype)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var (overlapping, disjoint) = Parts(shape);
        List<FreeNumbers> free = [];
        if (overlapping is not null)
        {
            var c = Math.Max(overlapping.GroupInputs, overlapping.GroupOutputs);
            var count = 2 + ProjectorFactors.Count(overlapping.Kernel);
            free.Add(new("frames", Sample(map, [count * shape.Groups, c, c / 2], generator, dtype), ParameterRole.Matrix));
        }
        if (disjoint is not null)
            free.Add(new("weight", Rko.Initial(map, disjoint, generator, dtype), ParameterRole.Matrix));
        return free;
    }

    /// <inheritdoc/>
    protected override Tensor Build(ConvolutionShape shape, IReadOnlyList<Tensor> free)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(free);
        var (overlapping, disjoint) = Parts(shape);
        if (overlapping is null)
            return Rko.Kernel(map, disjoint!, free[0]);
        var projectors = ProjectorFactors.Projectors(map.Forward(free[0]));
        var (c, groups) = (projectors.Shape[^1], shape.Groups);
        var eye = Tensor.Eye(c, dtype: projectors.DType, device: projectors.Device);
        var reflections = eye - projectors.Narrow(0, 0, 2 * groups) * 2.0;
        var square = reflections.Narrow(0, 0, groups).MatMul(reflections.Narrow(0, groups, groups));
        var others = projectors.Shape[0] == 2 * groups ? null : projectors.Narrow(0, 2 * groups, projectors.Shape[0] - 2 * groups);
        var kernel = ProjectorFactors.Kernel(overlapping, overlapping.Kernel, square, others);
        return disjoint is null ? kernel : Composed(disjoint, Rko.Kernel(map, disjoint, free[1]), kernel);
    }

    static Tensor Composed(ConvolutionShape after, Tensor b, Tensor a)
    {
        var y = ProjectorFactors.Compose(Grouped(b), Grouped(a));
        return y.Reshape(after.Outputs, y.Shape[2], y.Shape[3], y.Shape[4]);

        Tensor Grouped(Tensor kernel)
            => kernel.Reshape(after.Groups, kernel.Shape[0] / after.Groups, kernel.Shape[1], kernel.Shape[2], kernel.Shape[3]);
    }
}
