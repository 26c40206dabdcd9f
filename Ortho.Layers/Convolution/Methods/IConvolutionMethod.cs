using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers.ConvolutionMethods;

/// <summary>Free numbers with which a method starts.</summary>
/// <param name="Name">Name of the parameter that they become.</param>
/// <param name="Value">The numbers.</param>
/// <param name="Role">What they are used for.</param>
public readonly record struct FreeNumbers(string Name, Tensor Value, ParameterRole Role);

/// <summary>Images that a filter is made for.</summary>
/// <param name="Height">Height of x.</param>
/// <param name="Width">Width of x.</param>
/// <param name="IsTraining">Whether less accuracy will do.</param>
public readonly record struct FilterUse(int Height, int Width, bool IsTraining);

/// <summary>A way from free numbers to a convolution that preserves norms. It has no numbers of its own; the layers keep them.</summary>
/// <remarks>The free numbers become a <em>filter</em> - a kernel, or one matrix for each frequency - which layers keep while no parameter
/// changes; the filter is then applied to images, forwards or as adjoint.</remarks>
public interface IConvolutionMethod
{
    /// <summary>Refuses architectures that the method does not have, or for which no orthogonal convolution exists.</summary>
    /// <exception cref="TensorArgumentException">It is one of these; the message says which inequality is violated.</exception>
    void Require(ConvolutionShape shape);

    /// <summary>Random free numbers.</summary>
    /// <param name="shape">A permitted architecture.</param>
    /// <param name="generator">What they are drawn from.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    IReadOnlyList<FreeNumbers> Initial(ConvolutionShape shape, Generator generator, DType dtype);

    /// <summary>What the filter depends on beside the free numbers; null where it is one for all images. Equal uses have equal
    /// filters.</summary>
    /// <param name="shape">The architecture.</param>
    /// <param name="batch">Images.</param>
    /// <param name="height">Height of x.</param>
    /// <param name="width">Width of x.</param>
    /// <param name="isTraining">Whether less accuracy will do.</param>
    FilterUse? UseFor(ConvolutionShape shape, int batch, int height, int width, bool isTraining);

    /// <summary>The filter; differentiable.</summary>
    /// <param name="shape">The architecture.</param>
    /// <param name="free">The free numbers, in the order of <see cref="Initial"/>.</param>
    /// <param name="use">By <see cref="UseFor"/>.</param>
    Tensor Filter(ConvolutionShape shape, IReadOnlyList<Tensor> free, FilterUse? use);

    /// <summary>The kernel [outputs, inputs / groups, kernel height, kernel width] of which the layer is the convolution; null where none
    /// is smaller than the images.</summary>
    Tensor? Kernel(ConvolutionShape shape, Tensor filter);

    /// <summary>The convolution of images [batch, inputs, height, width].</summary>
    /// <param name="shape">The architecture.</param>
    /// <param name="filter">That of their use.</param>
    /// <param name="x">The images.</param>
    /// <param name="isTraining">Whether less accuracy will do.</param>
    Tensor Apply(ConvolutionShape shape, Tensor filter, Tensor x, bool isTraining);

    /// <summary>The adjoint, which takes [batch, outputs, height / stride, width / stride] to images.</summary>
    /// <param name="shape">The architecture.</param>
    /// <param name="filter">That of the use of the images that come out.</param>
    /// <param name="y">What is taken back.</param>
    /// <param name="isTraining">Whether less accuracy will do.</param>
    Tensor ApplyAdjoint(ConvolutionShape shape, Tensor filter, Tensor y, bool isTraining);

    /// <summary>The matrices whose singular values are all those of the convolution on a torus; on the host, as wide as the filter at
    /// least.</summary>
    /// <param name="shape">The architecture, padding apart.</param>
    /// <param name="filter">A filter in use.</param>
    /// <param name="height">Height of x.</param>
    /// <param name="width">Width of x.</param>
    /// <returns>Complex [blocks, rows, columns].</returns>
    Tensor Symbol(ConvolutionShape shape, Tensor filter, int height, int width);
}
