using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>Eigenvalues and eigenvectors of general matrices by their <see cref="SchurForm"/>.</summary>
public static class GeneralEigen
{
    /// <summary>a V = V diag(L) for square matrices [..., n, n]: L [..., n] and V [..., n, n], V's columns of Euclidean norm 1
    /// (Golub and Van Loan, chapter 7).</summary>
    /// <param name="operation">Name, for messages.</param>
    /// <param name="a">Complex.</param>
    /// <param name="vectors">Whether V is wanted; it is empty otherwise.</param>
    /// <remarks>A matrix with an element that is not finite gives NaN in its own place of the batch.</remarks>
    /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
    public static (Tensor Values, Tensor Vectors) Run(string operation, Tensor a, bool vectors)
    {
        var x = Matrices.Square(a, operation, nameof(a));
        if (!a.DType.IsComplex)
            throw new TensorArgumentException(operation, nameof(a), $"{a.DType}", "a complex tensor");
        var (batch, n) = (x.Shape[0], x.Shape[1]);
        var (values, columns) = (Tensor.Empty([batch, n, 1], a.DType, a.Device), Tensor.Empty(vectors ? x.Shape : [0], a.DType, a.Device));
        if (n > 0)
        {
            PerMatrix.Run<SchurForm>(a.DType, a.Device, batch, new(n, n, x), vectors ? new(n, n, null, columns) : default,
                new(n, SchurForm.WorkColumns, null, values), vectors ? 1 : 0, isAlone: true);
        }
        return (values.View(Layout.Dense(a.Shape[..^1])), vectors ? Matrices.Unbatched(columns, a) : columns);
    }
}
