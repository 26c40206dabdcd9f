using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Symmetric matrices, (X + X^T) / 2; complex: Hermitian, (X + X^H) / 2. Samples are this map of normal numbers.</summary>
public sealed class Symmetric : Parametrization
{
    /// <inheritdoc/>
    protected override string Elements => "Hermitian matrices";

    /// <inheritdoc/>
    protected override string? Misfit(Shape value) => NotSquare(value);

    /// <inheritdoc/>
    protected override Tensor Map(Tensor free) => (free + free.H) * 0.5;

    /// <inheritdoc/>
    protected override Tensor Unmap(Tensor value) => value;

    /// <inheritdoc/>
    protected override double Distance(Tensor value) => Largest(value - value.H) / 2;

    /// <inheritdoc/>
    protected override Tensor Draw(Shape shape, Generator generator, DType dtype, Device? device)
        => Map(NormalMatrix.Of(shape, generator, dtype, device));
}
