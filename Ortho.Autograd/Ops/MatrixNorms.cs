using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Which norm of a matrix: NumPy's <c>ord</c>.</summary>
public enum NormOrder
{
    /// <summary>The root of the sum of squares.</summary>
    Frobenius,

    /// <summary>The sum of singular values.</summary>
    Nuclear,

    /// <summary>The largest sum of magnitudes of a column.</summary>
    One,

    /// <summary>The smallest sum of magnitudes of a column.</summary>
    MinusOne,

    /// <summary>The largest singular value.</summary>
    Two,

    /// <summary>The smallest singular value.</summary>
    MinusTwo,

    /// <summary>The largest sum of magnitudes of a row.</summary>
    Infinity,

    /// <summary>The smallest sum of magnitudes of a row.</summary>
    MinusInfinity,
}

/// <summary>Norms and condition numbers of matrices, batched over leading dimensions, real and complex.</summary>
[OpFamily("linear algebra")]
public static class MatrixNormOps
{
    extension(Tensor a)
    {
        /// <summary>A norm of matrices [..., m, n]: real numbers [...]. Differentiable; where the largest or smallest is tied, a subgradient.</summary>
        /// <param name="order">Which.</param>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, an unsuitable dtype, or nothing to choose a largest or smallest
        /// from.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor MatrixNorm(NormOrder order = NormOrder.Frobenius)
        {
            MatrixParts.RequireMatrix("MatrixNorm", a);
            if (a.IsHalf)
                return a.Wide.MatrixNorm(order).To(a.DType);
            var smaller = Math.Min(a.Shape[^2], a.Shape[^1]);
            if (smaller == 0 && order is not (NormOrder.Frobenius or NormOrder.Nuclear))
                throw new TensorArgumentException("MatrixNorm", nameof(a), $"of shape {a.Shape}", "at least one row and column");
            return order switch
            {
                NormOrder.Frobenius => a.Norm([-2, -1]),
                NormOrder.Nuclear => a.SingularValues().Sum([-1]),
                NormOrder.Two => a.SingularValues().Select(-1, 0),
                NormOrder.MinusTwo => a.SingularValues().Select(-1, smaller - 1),
                NormOrder.One => Magnitudes(a).Sum([-2]).Max([-1]),
                NormOrder.MinusOne => Magnitudes(a).Sum([-2]).Min([-1]),
                NormOrder.Infinity => Magnitudes(a).Sum([-1]).Max([-1]),
                NormOrder.MinusInfinity => Magnitudes(a).Sum([-1]).Min([-1]),
                _ => throw new TensorArgumentException("MatrixNorm", nameof(order), $"{order}", "a member of NormOrder"),
            };
        }

        /// <summary>The condition number of matrices [..., m, n], real [...]: largest over smallest singular value, or
        /// <c>|a| |a^-1|</c> in another norm. Infinite for singular matrices, large where only rounding keeps them from it.</summary>
        /// <param name="order">Which norm; with any but Two and MinusTwo the matrices must be square.</param>
        /// <exception cref="TensorArgumentException">As for <c>MatrixNorm</c>, or matrices that are not square.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Cond(NormOrder order = NormOrder.Two)
        {
            MatrixParts.RequireMatrix("Cond", a);
            if (a.IsHalf)
                return a.Wide.Cond(order).To(a.DType);
            if (a.Shape[^2] == 0 || a.Shape[^1] == 0)
                throw new TensorArgumentException("Cond", nameof(a), $"of shape {a.Shape}", "matrices with at least one row and column");
            if (order is not (NormOrder.Two or NormOrder.MinusTwo))
                return a.MatrixNorm(order) * a.Inverse().MatrixNorm(order);
            var s = a.SingularValues();
            var (largest, smallest) = (s.Select(-1, 0), s.Select(-1, s.Shape[^1] - 1));
            return order == NormOrder.Two ? largest / smallest : smallest / largest;
        }
    }

    static Tensor Magnitudes(Tensor a) => a.DType.IsComplex ? a.Unsqueeze(-1).Norm([-1]) : a.Abs();
}
