using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>K K^T and K^T K of a convolution of stride 1 with kernel K: convolutions too, whose kernels are K's correlations with
/// itself.</summary>
static class KernelGram
{
    /// <summary>K K^T: A [out, out, 2 kh - 1, 2 kw - 1] for a kernel [out, in, kh, kw].</summary>
    public static Tensor OfRows(Tensor kernel) => kernel.Conv2d(kernel, null, 1, (kernel.Shape[2] - 1, kernel.Shape[3] - 1));

    /// <summary>Sums over j and taps of the elements |A[i, j]| of K^T K, [in]: what the diagonal of a matrix above K^T K needs to have, for
    /// images of any size, circular or with zeros around them.</summary>
    public static Tensor ColumnSums(Tensor kernel) => OfRows(kernel.Transpose(0, 1).Contiguous()).Abs().Sum([1, 2, 3]);
}
