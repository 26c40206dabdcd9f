using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;

namespace Ortho.Layers.ConvolutionMethods;

/// <summary>A method whose filter is a kernel.</summary>
public abstract class KernelMethod : IConvolutionMethod
{
    /// <inheritdoc/>
    public FilterUse? UseFor(ConvolutionShape shape, int batch, int height, int width, bool isTraining) => null;

    /// <inheritdoc/>
    public virtual void Require(ConvolutionShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ConvolutionExistence.Require(GetType().Name, Built(shape));
        if (shape.Dilation != 1 && shape.Stride != 1)
            throw new TensorArgumentException(GetType().Name, "dilation", $"{shape.Dilation} beside a stride",
                "a dilation or a stride, not both");
    }

    /// <inheritdoc/>
    public abstract IReadOnlyList<FreeNumbers> Initial(ConvolutionShape shape, Generator generator, DType dtype);

    /// <summary>The kernel [outputs, inputs / groups, kernel height, kernel width] of the free numbers.</summary>
    protected abstract Tensor Build(ConvolutionShape shape, IReadOnlyList<Tensor> free);

    /// <summary>The architecture with the size of the kernel that is built.</summary>
    protected virtual ConvolutionShape Built(ConvolutionShape shape) => shape;

    /// <inheritdoc/>
    public Tensor Filter(ConvolutionShape shape, IReadOnlyList<Tensor> free, FilterUse? use) => Build(shape, free);

    /// <inheritdoc/>
    public Tensor? Kernel(ConvolutionShape shape, Tensor filter) => filter;

    /// <inheritdoc/>
    public Tensor Apply(ConvolutionShape shape, Tensor filter, Tensor x, bool isTraining)
        => ExplicitConvolution.Apply(Built(shape), filter, x);

    /// <inheritdoc/>
    public Tensor ApplyAdjoint(ConvolutionShape shape, Tensor filter, Tensor y, bool isTraining)
        => ExplicitConvolution.ApplyAdjoint(Built(shape), filter, y);

    /// <inheritdoc/>
    public Tensor Symbol(ConvolutionShape shape, Tensor filter, int height, int width)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return ConvolutionSpectrum.Symbol(filter, height, width, shape.Stride, shape.Dilation, shape.Groups);
    }

    /// <summary>A parametrization for the matrices of a kernel, which has no numbers of its own: methods keep none.</summary>
    private protected static IOrthogonalParametrization Stateless(IOrthogonalParametrization? map)
        => map is not Module ? map ?? new Householder()
            : throw new ArgumentException(
                $"{map.GetType().Name} has numbers of its own, which a method of convolutions does not keep; expected one without.",
                    nameof(map));

    /// <summary>Free numbers of random matrices [count, rows, columns].</summary>
    private protected static Tensor Sample(IOrthogonalParametrization map, Shape shape, Generator generator, DType dtype)
        => map.Inverse(map.Sample(shape, generator, DType.Float64)).To(dtype);
}
