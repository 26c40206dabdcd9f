using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>K^T K of a convolution with kernel K: itself a convolution, whose kernel is K's correlation with itself.</summary>
static class KernelGram
{
    /// <summary>Its kernel A [in, in, 2 kh - 1, 2 kw - 1] for a kernel [out, in, kh, kw] of stride 1.</summary>
    public static Tensor Of(Tensor kernel)
    {
        var turned = kernel.Transpose(0, 1);
        return turned.Conv2d(turned.Contiguous(), null, 1, (kernel.Shape[2] - 1, kernel.Shape[3] - 1));
    }

    /// <summary>Sums over j and taps of |A[i, j]|, [in]: what the diagonal of a matrix above K^T K needs to have, for images of any size,
    /// circular or with zeros around them.</summary>
    public static Tensor RowSums(Tensor kernel) => Of(kernel).Abs().Sum([1, 2, 3]);
}
