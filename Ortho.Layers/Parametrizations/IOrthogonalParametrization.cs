using Ortho.Tensors;

namespace Ortho.Layers.Parametrizations;

/// <summary>A differentiable map from free numbers to matrices with orthonormal columns, Q^T Q = I.</summary>
/// <remarks>All are batched: leading dimensions are matrices of their own. Complex matrices where stated: then Q^H Q = I.</remarks>
public interface IOrthogonalParametrization
{
    /// <summary>The matrix.</summary>
    /// <param name="free">Free numbers [..., rows, columns], rows &gt;= columns.</param>
    /// <returns>Q [..., rows, columns].</returns>
    Tensor Forward(Tensor free);

    /// <summary>Free numbers that give a matrix: <c>Forward(Inverse(q)) = q</c>. Not differentiable.</summary>
    /// <param name="q">Orthonormal columns [rows, columns].</param>
    Tensor Inverse(Tensor q);
}

static class Tall
{
    public static void Require(string name, Tensor matrix)
    {
        if (matrix.Rank < 2 || matrix.Shape[^2] < matrix.Shape[^1])
            throw new TensorArgumentException(name, nameof(matrix), $"{matrix.Shape}", "[..., rows, columns] with rows >= columns");
    }
}
