using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

static class NormalMatrix
{
    /// <summary>Standard normal elements; complex ones with both parts so.</summary>
    public static Tensor Of(Shape shape, Generator generator, DType dtype, Device? device)
    {
        var real = Tensor.Normal(shape, generator, dtype: dtype.RealType, device: device);
        return dtype.IsComplex ? Tensor.Complex(real, Tensor.Normal(shape, generator, dtype: dtype.RealType, device: device)) : real;
    }
}
