using Ortho.Kernels.Linalg;
using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>What the matrix functions and their derivative rules share.</summary>
static class MatrixParts
{
    /// <summary>Refuses what is no matrix of floating-point or complex numbers.</summary>
    public static void RequireMatrix(string operation, Tensor a)
    {
        if (a.Rank < 2)
            throw new TensorArgumentException(operation, nameof(a), $"of shape {a.Shape}", "at least two dimensions");
        if (!a.DType.IsDifferentiable)
            throw new TensorArgumentException(operation, nameof(a), $"{a.DType}", "a floating-point or complex tensor");
    }

    /// <summary>Refuses what is no square matrix of floating-point or complex numbers.</summary>
    public static void RequireSquare(string operation, Tensor a)
    {
        if (a.Rank < 2 || a.Shape[^1] != a.Shape[^2])
            throw new TensorArgumentException(operation, nameof(a), $"of shape {a.Shape}", "square matrices [..., n, n]");
        RequireMatrix(operation, a);
    }

    /// <summary>The matrices with these diagonals [..., n].</summary>
    public static Tensor OnDiagonal(Tensor diagonal) => diagonal.Unsqueeze(-1) * Tensor.Eye(diagonal.Shape[^1], dtype: diagonal.DType, device: diagonal.Device);

    /// <summary>x - x^H.</summary>
    public static Tensor Skew(Tensor x) => x - x.H;

    /// <summary>The Hermitian matrices with the strict upper triangles and the real parts of the diagonals of x [..., n, n].</summary>
    public static Tensor OfUpper(Tensor x)
        => Graph.Record("OfUpper", Mirror.Run(x), (x, g => (g + g.H).Triu(1) + OnDiagonal(g.Diagonal().Real().To(g.DType))));

    /// <summary>(x + x^H) / 2.</summary>
    public static Tensor Hermitian(Tensor x) => (x + x.H) * 0.5;

    /// <summary>V diag(values) V^H for real values [..., n].</summary>
    public static Tensor Compose(Tensor vectors, Tensor values) => (vectors * values.To(vectors.DType).Unsqueeze(-2)).MatMul(vectors.H);

    /// <summary>1 / (b_j - b_i) off the diagonal and 0 on it, for values b [..., n]; infinite where values are equal.</summary>
    public static Tensor Gaps(Tensor values)
    {
        var eye = Tensor.Eye(values.Shape[^1], dtype: values.DType, device: values.Device);
        return (1 - eye) / (values.Unsqueeze(-2) - values.Unsqueeze(-1) + eye);
    }

    /// <summary>The distance of 1 from the next number of a dtype.</summary>
    public static double Epsilon(DType dtype) => dtype.RealType == DType.Float64 ? 2.220446049250313e-16 : 1.1920928955078125e-7;

    /// <summary>Refuses matrices [..., m, n] with an element that is not finite. Waits for the device.</summary>
    /// <exception cref="ArithmeticException">There is one.</exception>
    public static void RequireFinite(string operation, Tensor y, string failure)
    {
        using var pause = Graph.NoGrad();
        var marks = (y.DType.IsComplex ? y.Real() * 0.0 + y.Imag() * 0.0 : y * 0.0).Sum([-2, -1]).Flatten().To(DType.Float64).ToArray<double>();
        var at = Array.FindIndex(marks, double.IsNaN);
        if (at >= 0)
            throw new ArithmeticException($"{operation}: matrix {at} of {marks.Length} {failure}.");
    }
}
