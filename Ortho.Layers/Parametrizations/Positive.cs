using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>Positive numbers from all real ones: the softplus log (1 + e^x).</summary>
static class Positive
{
    public static Tensor Of(Tensor x) => x.Softplus();

    /// <summary>x = s + log (1 - e^-s); -infinity for 0, NaN below.</summary>
    public static Tensor Inverse(Tensor s) => s + (-(-s).Expm1()).Log();
}
