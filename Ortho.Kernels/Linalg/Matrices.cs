using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
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

    /// <summary>One matrix of a batch, [1, rows, columns].</summary>
    public static Tensor One(Tensor x, int k) => x.View(x.Layout.Slice(0, k, 1, 1));

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

    /// <summary>a x + b y.</summary>
    public static Tensor Combined(Tensor x, Operand a, Tensor y, Operand b) => Skeletons.Pointwise.Run<Combination>("Combined", x, a, y, b);

    /// <summary>Each matrix of [batch, m, n] times a number, of [batch, 1, 1] or one for all.</summary>
    public static Tensor Times(Tensor x, Operand a) => Skeletons.Pointwise.Run<Binary<Multiply>>("Times", x, a);

    /// <summary>A reduction of each matrix of [batch, m, n] to a number, [batch, 1, 1].</summary>
    public static Tensor Each<R>(Tensor x) where R : struct, IReduction
        => Reduce.Over<R>("Reduce", x, 1, 2) is var y ? y.View(Layout.Dense([x.Shape[0], 1, 1])) : y;

    /// <summary>Puts another tensor in place of one that nobody else holds, and its memory back to the pool.</summary>
    public static void Replace(ref Tensor? x, Tensor by)
    {
        x?.Dispose();
        x = by;
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

/// <summary>a b + c d.</summary>
readonly struct Combination : IPointwise
{
    public static int Arity => 4;

    [MethodImpl(Inline.Always)] public static T Apply<T>(T a, T b, T c, T d) where T : struct, ILane<T> => T.Fma(a, b, c * d);

    [MethodImpl(Inline.Always)]
    public static T Slope<T>(int argument, T a, T b, T c, T d) where T : struct, ILane<T> => Slopes.Of<Combination, T>(argument, a, b, c, d);
}

/// <summary>Sum of |x|^2.</summary>
readonly struct SquaredLength : IReduction
{
    [MethodImpl(Inline.Always)] public static State<T> Zero<T>() where T : struct, ILane<T> => new(T.Of(0), T.Of(0));

    [MethodImpl(Inline.Always)] public static State<T> Lift<T>(T x) where T : struct, ILane<T> => new(T.SquaredAbs(x), T.Of(0));

    [MethodImpl(Inline.Always)] public static State<T> Join<T>(State<T> p, State<T> q) where T : struct, ILane<T> => new(p.A + q.A, p.B);

    [MethodImpl(Inline.Always)] public static T Read<T>(State<T> state) where T : struct, ILane<T> => state.A;
}
