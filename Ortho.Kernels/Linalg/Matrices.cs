using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>The vocabulary of blocked algorithms: views of parts of [batch, rows, columns] and arithmetic on them, on any device.</summary>
static class Matrices
{
    /// <summary>The matrices of a tensor [..., m, n] as [batch, m, n]; a view where possible.</summary>
    public static Tensor Batched(Tensor a, string operation, string argument)
    {
        if (a.Rank < 2)
            throw new TensorArgumentException(operation, argument, $"of shape {a.Shape}", "at least two dimensions");
        if (!a.DType.HasArithmetic)
            throw new TensorArgumentException(operation, argument, $"{a.DType}", "a floating-point or complex tensor");
        Shape shape = [checked((int)a.Shape[..^2].ElementCount), a.Shape[^2], a.Shape[^1]];
        return a.Layout.TryReshape(shape) is { } layout ? a.View(layout) : Copy.Dense(a).View(Layout.Dense(shape));
    }

    /// <summary>As <see cref="Batched"/>, of matrices that must be square.</summary>
    public static Tensor Square(Tensor a, string operation, string argument)
        => a.Rank >= 2 && a.Shape[^1] == a.Shape[^2]
            ? Batched(a, operation, argument)
            : throw new TensorArgumentException(operation, argument, $"of shape {a.Shape}", "square matrices [..., n, n]");

    /// <summary>Real numbers carried by a dense tensor that may be complex, as a real tensor of another shape.</summary>
    public static Tensor RealPart(Tensor y, Shape shape)
        => y.DType.IsComplex
            ? Copy.Dense(y.View(Layout.Strided(shape, [.. shape.DenseStrides().Select(stride => 2 * stride)], 0), y.DType.RealType))
            : y.View(Layout.Dense(shape));

    /// <summary>Dense matrices [batch, m, n] with the leading dimensions of another tensor.</summary>
    public static Tensor Unbatched(Tensor y, Tensor like)
    {
        y = Copy.Contiguous(y);
        return y.View(Layout.Strided(like.Shape[..^2].Concat(y.Shape[1..].Span), like.Shape[..^2].Concat(y.Shape[1..].Span).DenseStrides(), y.Layout.Offset));
    }

    /// <summary>Where a matrix of this size is halved: a multiple of 32, which products like.</summary>
    public static int Half(int n) => (n / 2 + 31) / 32 * 32;

    public static Tensor Rows(Tensor x, int first, int count) => x.View(x.Layout.Slice(1, first, count, 1));

    public static Tensor Columns(Tensor x, int first, int count) => x.View(x.Layout.Slice(2, first, count, 1));

    public static Tensor Corner(Tensor x, int row, int rows, int column, int columns) => Columns(Rows(x, row, rows), column, columns);

    /// <summary>Conjugate transpose; a view when real.</summary>
    public static Tensor H(Tensor x)
    {
        var order = Enumerable.Range(0, x.Rank).ToArray();
        (order[^1], order[^2]) = (order[^2], order[^1]);
        var transposed = x.View(x.Layout.Permute(order, "H"));
        return x.DType.IsComplex ? Skeletons.Pointwise.Run<Unary<Conjugate>>("H", transposed) : transposed;
    }

    public static Tensor Product(Tensor a, Tensor b) => MatMul.MatMul.Run(a, b);

    /// <summary>A product that is Hermitian but for rounding.</summary>
    public static Tensor HermitianProduct(Tensor a, Tensor b) => MatMul.MatMul.Run("MatMul", a, b, isHermitian: true);

    /// <summary>alpha a b + beta c.</summary>
    public static Tensor Product(Tensor a, Tensor b, double alpha, Tensor c, double beta = 1, bool isHermitian = false)
        => MatMul.MatMul.Run("MatMul", a, b, c, alpha, beta, isHermitian);

    /// <summary>The real numbers (or real parts) of a small tensor; waits for its device.</summary>
    public static double[] Numbers(Tensor y)
    {
        var real = Copy.To(RealPart(y, [checked((int)y.ElementCount)]), Tensors.Device.Cpu);
        return Cast.To(real, DType.Float64).ToArray<double>();
    }

    public static Tensor Minus(Tensor a, Tensor b) => Skeletons.Pointwise.Run<Binary<Subtract>>("Subtract", a, b);

    public static Tensor Negative(Tensor a) => Skeletons.Pointwise.Run<Unary<Negate>>("Negate", a);

    public static Tensor Zeros(Shape shape, Tensor like)
    {
        var y = Tensor.Empty(shape, like.DType, like.Device);
        Skeletons.Pointwise.Into<Unary<Identity>>("Zeros", y, 0);
        return y;
    }

    /// <summary>[rows, columns] with ones on the diagonal.</summary>
    public static Tensor Identity(int rows, int columns, DType dtype, Device device)
    {
        var y = Tensor.Empty([rows, columns], dtype, device);
        Skeletons.Pointwise.Into<Unary<Identity>>("Identity", y, 0);
        var ones = Tensor.Empty([Math.Min(rows, columns)], dtype, device);
        Skeletons.Pointwise.Into<Unary<Identity>>("Identity", ones, 1);
        Copy.Into(y.View(Layout.Strided(ones.Shape, [columns + 1], 0)), ones);
        return y;
    }
}
