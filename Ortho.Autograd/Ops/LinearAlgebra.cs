using Ortho.Tensors;
using MatMulKernel = Ortho.Kernels.MatMul.MatMul;

namespace Ortho.Autograd;

/// <summary>Matrix products.</summary>
[OpFamily("matrix")]
public static class MatMulOps
{
    extension(Tensor a)
    {
        /// <summary>a [..., rows, inner] times b [..., inner, columns]; leading dimensions broadcast. Real or complex.</summary>
        /// <exception cref="TensorArgumentException">Shapes, dtypes or devices do not fit.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor MatMul(Tensor b)
            => Graph.Record("MatMul", MatMulKernel.Run(a, b), (a, g => g.MatMul(b.H).SumTo(a.Shape)), (b, g => a.H.MatMul(g).SumTo(b.Shape)));
    }
}
