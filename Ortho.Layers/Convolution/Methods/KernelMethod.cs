using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Layers.Parametrizations;
using Ortho.Tensors;

namespace Ortho.Layers.ConvolutionMethods;

/// <summary>A method whose filter is a kernel.</summary>
public abstract class KernelMethod : IConvolutionMethod
{
    /// <inheritdoc/>
    public bool DependsOnImage => false;

    /// <inheritdoc/>
    public virtual void Require(ConvolutionShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ConvolutionExistence.Require(GetType().Name, Built(shape));
        if (shape.Dilation != 1 && shape.Stride != 1)
            throw new TensorArgumentException(GetType().Name, "dilation", $"{shape.Dilation} beside a stride", "a dilation or a stride, not both");
    }

    /// <inheritdoc/>
    public abstract IReadOnlyList<FreeNumbers> Initial(ConvolutionShape shape, Generator generator, DType dtype);

    /// <summary>The kernel [outputs, inputs / groups, kernel height, kernel width] of the free numbers.</summary>
    protected abstract Tensor Build(ConvolutionShape shape, IReadOnlyList<Tensor> free);

    /// <summary>The architecture with the size of the kernel that is built.</summary>
    protected virtual ConvolutionShape Built(ConvolutionShape shape) => shape;

    /// <inheritdoc/>
    public Tensor Filter(ConvolutionShape shape, IReadOnlyList<Tensor> free, int height, int width) => Build(shape, free);

    /// <inheritdoc/>
    public Tensor? Kernel(ConvolutionShape shape, Tensor filter) => filter;

    /// <inheritdoc/>
    public Tensor Apply(ConvolutionShape shape, Tensor filter, Tensor x, bool isTraining) => ExplicitConvolution.Apply(Built(shape), filter, x);

    /// <inheritdoc/>
    public Tensor ApplyAdjoint(ConvolutionShape shape, Tensor filter, Tensor y, bool isTraining) => ExplicitConvolution.ApplyAdjoint(Built(shape), filter, y);

    /// <inheritdoc/>
    public Tensor Symbol(ConvolutionShape shape, Tensor filter, int height, int width)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return ConvolutionSpectrum.Symbol(filter, height, width, shape.Stride, shape.Dilation, shape.Groups);
    }

    /// <summary>Orthonormal rows or columns [..., rows, columns] of free numbers, which are those of a tall matrix in any case.</summary>
    private protected static Tensor Orthonormal(IOrthogonalParametrization map, Tensor free, bool isWide) => isWide ? map.Forward(free).T : map.Forward(free);

    /// <summary>Free numbers [count, rows, columns] of uniformly distributed frames; of rotations where they are square.</summary>
    private protected static Tensor Frames(IOrthogonalParametrization map, int count, int rows, int columns, Generator generator, DType dtype)
    {
        using var pause = Graph.NoGrad();
        var frames = Tensor.Haar([count, rows, columns], generator, special: rows == columns, dtype: DType.Float64);
        return Tensor.Stack([.. frames.Unbind().Select(map.Inverse)]).To(dtype);
    }
}
