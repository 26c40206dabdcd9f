using System.Runtime.CompilerServices;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Orthogonal;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Reductions;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>The exponential of matrices and its derivative, by scaling, the Taylor polynomial of degree 16 and squaring (Moler and Van Loan 2003, method
/// 3; Higham 2008, chapter 10).</summary>
/// <remarks>Each matrix of a batch is halved as often as its own norm asks for. How often is known to its device alone: there as many squarings are
/// launched as there can be, and a matrix takes part in the last of them.</remarks>
public static class MatrixExponential
{
    const string Name = "MatrixExp";

    /// <summary>Squarings at most; a norm that asks for more leaves no figure of the result.</summary>
    internal static int MostSquarings(bool isDouble) => isDouble ? 64 : 32;

    // Row k: those of x^4k, ..., x^(4k + 3) in the Taylor polynomial of e^x, and in the last row that of x^16.
    static readonly Constants cubics = new([.. Enumerable.Range(0, 20).Select(i => i % 5 < 4 || i == 19 ? Taylor(i / 5 * 4 + i % 5) : 0)], [4, 5]);

    // 1 / k!
    static double Taylor(int k) => k < 2 ? 1 : Taylor(k - 1) / k;

    /// <summary>e^a = I + a + a^2 / 2 + ... [..., n, n]. A matrix with an element that is not finite, or whose 1-norm is at least 2^30 (of
    /// single precision) or 2^62, gives NaN in its own place of the batch.</summary>
    /// <param name="a">Square matrices [..., n, n].</param>
    /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
    public static Tensor Run(Tensor a)
    {
        using var scope = new TensorScope();
        return scope.Keep(Evaluate(a).Value);
    }

    /// <summary>e^a, and what it was made of, from which derivatives follow.</summary>
    /// <param name="a">As for <see cref="Run"/>.</param>
    /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
    public static Evaluation Evaluate(Tensor a) => new(a);

    /// <summary>The derivative of e^a in the direction e: lim (e^(a + t e) - e^a) / t [..., n, n] (Al-Mohy and Higham 2009).</summary>
    /// <param name="a">As for <see cref="Run"/>.</param>
    /// <param name="e">Of the same shape and dtype.</param>
    /// <exception cref="TensorArgumentException">The matrices are not square, or of an unsuitable dtype.</exception>
    public static Tensor Derivative(Tensor a, Tensor e)
    {
        using var scope = new TensorScope();
        return scope.Keep(Evaluate(a).Derivative(e));
    }

    /// <summary>An exponential and what it was made of.</summary>
    public sealed class Evaluation
    {
        readonly Tensor? factor, first;
        readonly Powers? powers;

        // Horner's values: of degree 3, 7, 11 and 15 in x, the first with x^4 as well and so on.
        readonly Tensor[] made = new Tensor[4];

        internal Evaluation(Tensor a)
        {
            var m = Matrices.Square(a, Name, nameof(a));
            if (m.ElementCount == 0)
            {
                Value = Copy.Dense(a);
                return;
            }
            (factor, first) = Scale(m);
            powers = new(m, factor);
            var cubic = powers.Combined();
            made[0] = cubic(3);
            for (var k = 1; k < 4; k++)
                made[k] = Matrices.Product(powers[4], made[k - 1], 1, cubic(3 - k));
            Value = Matrices.Unbatched(Squared(made[3], first), a);
        }

        /// <summary>e^a.</summary>
        public Tensor Value { get; }

        /// <summary>The derivative in a direction; its adjoint is that at a^H.</summary>
        /// <param name="e">Of a's shape and dtype.</param>
        public Tensor Derivative(Tensor e)
        {
            var d = Matrices.Square(e, Name, nameof(e));
            if (powers is null)
                return Copy.Dense(e);
            using var scope = new TensorScope();
            var slopes = new Powers(powers, d, factor!);
            var cubic = slopes.Combined();
            var dy = cubic(3);
            for (var k = 1; k < 4; k++)
                dy = Matrices.Product(powers[4], dy, 1, Matrices.Product(slopes[4], made[k - 1], 1, cubic(3 - k)));
            return scope.Keep(Matrices.Unbatched(Squared(made[3], dy, first!), e));
        }
    }

    // 2^-s for each matrix, [batch, 1, 1], NaN where there is none; and the step in which its squarings begin, all matrices ending together.
    static (Tensor Factor, Tensor First) Scale(Tensor m)
    {
        Shape shape = [m.Shape[0], 1, 1];
        var norm = Reduce.Over<LargestPart>(Name, Reduce.Over<AbsSum>(Name, m, 1, 1), 1, 1);
        return (Skeletons.Pointwise.Run<Unary<ScalingFactor>>(Name, norm).View(Layout.Dense(shape)),
            Skeletons.Pointwise.Run<Unary<FirstSquaring>>(Name, norm).View(Layout.Dense(shape)));
    }

    /// <summary>I, x, x^2, x^3, x^4, or their derivatives, [5, batch, n, n].</summary>
    sealed class Powers
    {
        readonly Tensor all;
        readonly Shape shape;

        Powers(Shape shape, DType dtype, Device device) => (all, this.shape) = (Tensor.Empty([5, .. shape], dtype, device), shape);

        public Powers(Tensor m, Tensor factor) : this(m.Shape, m.DType, m.Device)
        {
            var n = m.Shape[1];
            Copy.Into(this[0], Matrices.Identity(n, n, m.DType, m.Device).View(Layout.Strided(shape, [0, n, 1], 0)));
            Skeletons.Pointwise.Into<Binary<Multiply>>(Name, this[1], m, factor);
            MatMul.MatMul.Into(Name, this[2], this[1], this[1]);
            MatMul.MatMul.Into(Name, this[3], this[2], this[1]);
            MatMul.MatMul.Into(Name, this[4], this[2], this[2]);
        }

        /// <summary>Their derivatives in a direction.</summary>
        public Powers(Powers x, Tensor direction, Tensor factor) : this(direction.Shape, direction.DType, direction.Device)
        {
            Skeletons.Pointwise.Into<Unary<Identity>>(Name, this[0], 0);
            Skeletons.Pointwise.Into<Binary<Multiply>>(Name, this[1], direction, factor);
            MatMul.MatMul.Into(Name, this[2], x[1], this[1], Matrices.Product(this[1], x[1]));
            MatMul.MatMul.Into(Name, this[3], x[2], this[1], Matrices.Product(this[2], x[1]));
            MatMul.MatMul.Into(Name, this[4], x[2], this[2], Matrices.Product(this[2], x[2]));
        }

        public Tensor this[int k] => Part(all, k);

        /// <summary>The four cubics of Paterson and Stockmeyer 1973, of which the Taylor polynomial is one of degree 3 in x^4; the last with x^4 as well.
        /// All are combinations of the same five matrices: a product with a matrix of numbers.</summary>
        public Func<int, Tensor> Combined()
        {
            var sums = Matrices.Product(cubics.On(all.Device, all.DType), all.View(Layout.Dense([5, checked((int)shape.ElementCount)])));
            return k => Part(sums, k);
        }

        Tensor Part(Tensor of, int k) => of.View(Layout.Strided(shape, shape.DenseStrides(), k * shape.ElementCount));
    }

    // Squares to and fro between two places, in both of which a matrix lies until its first turn. y stays.
    static Tensor Squared(Tensor y, Tensor first)
    {
        var steps = MostSquarings(y.DType.RealType == DType.Float64);
        var n = y.Shape[1];
        if (y.Device is GpuDevice && GroupMatrices.Fits(y.DType, new(n, n), new(n, n), new(1, 1)))
        {
            var square = Tensor.Empty(y.Shape, y.DType, y.Device);
            ByColumns.Run<Squarings>(y.DType, y.Device, y.Shape[0], new(n, n, y, square), new(n, n), new(1, 1, first), steps);
            return square;
        }
        var (now, next, turns) = (Copy.Dense(y), Copy.Dense(y), Turns(first));
        for (var turn = Earliest(turns, steps); turn < steps; turn++, (now, next) = (next, now))
            MatMul.MatMul.Into(Name, next, now, now, turns: new(turns, turn));
        return now;
    }

    // What becomes of dy when (y, dy) becomes (y y, y dy + dy y) again and again. y stays.
    static Tensor Squared(Tensor y, Tensor dy, Tensor first)
    {
        var steps = MostSquarings(y.DType.RealType == DType.Float64);
        var n = y.Shape[1];
        if (y.Device is GpuDevice && GroupMatrices.Fits(y.DType, new(n, 2 * n), new(n, 2 * n), new(1, 1)))
        {
            var both = Tensor.Empty([y.Shape[0], n, 2 * n], y.DType, y.Device);
            Copy.Into(Matrices.Columns(both, 0, n), y);
            Copy.Into(Matrices.Columns(both, n, n), dy);
            ByColumns.Run<Squarings>(y.DType, y.Device, y.Shape[0], new(n, 2 * n, both, both), new(n, 2 * n), new(1, 1, first), steps);
            return Copy.Dense(Matrices.Columns(both, n, n));
        }
        var (now, next, slope, nextSlope, turns) = (Copy.Dense(y), Copy.Dense(y), dy, Copy.Dense(dy), Turns(first));
        var half = Tensor.Empty(y.Shape, y.DType, y.Device);
        for (var turn = Earliest(turns, steps); turn < steps; turn++, (now, next, slope, nextSlope) = (next, now, nextSlope, slope))
        {
            MatMul.MatMul.Into(Name, half, now, slope, turns: new(turns, turn));
            MatMul.MatMul.Into(Name, nextSlope, slope, now, half, turns: new(turns, turn));
            MatMul.MatMul.Into(Name, next, now, now, turns: new(turns, turn));
        }
        return slope;
    }

    static Tensor Turns(Tensor first) => Cast.To(Matrices.RealPart(first, [checked((int)first.ElementCount)]), DType.Int32);

    // The host sees when the first of all matrices has its turn.
    static int Earliest(Tensor turns, int steps)
    {
        if (turns.Device is GpuDevice)
            return 0;
        var earliest = steps;
        foreach (var turn in turns.AsSpan<int>())
            earliest = Math.Min(earliest, turn);
        GC.KeepAlive(turns);
        return earliest;
    }
}

/// <summary>Sum of |x|, of complex numbers |Re x| + |Im x|.</summary>
readonly struct AbsSum : IReduction
{
    [MethodImpl(Inline.Always)] public static State<T> Zero<T>() where T : struct, ILane<T> => new(T.Of(0), T.Of(0));

    [MethodImpl(Inline.Always)] public static State<T> Lift<T>(T x) where T : struct, ILane<T> => new(T.AbsSum(x), T.Of(0));

    [MethodImpl(Inline.Always)] public static State<T> Join<T>(State<T> p, State<T> q) where T : struct, ILane<T> => new(p.A + q.A, p.B);

    [MethodImpl(Inline.Always)] public static T Read<T>(State<T> state) where T : struct, ILane<T> => state.A;
}

/// <summary>How often a matrix of some norm is halved until the norm is below 1/2, where the first term left out, 0.5^17 / 17!, is far under the last
/// place of float64.</summary>
static class Halvings
{
    [MethodImpl(Inline.Always)]
    public static T Of<T>(T norm) where T : struct, ILane<T> => T.SelectLess(norm, T.Of(0.5), T.Of(0), Scaling.Exponent(norm) + T.Of(2));

    [MethodImpl(Inline.Always)]
    public static T Limit<T>() where T : struct, ILane<T> => T.Of(Math.ScaleB(1, MatrixExponential.MostSquarings(T.IsDouble) - 2));
}

/// <summary>2^-s for a matrix of a norm, s times halved; NaN where it would be too often.</summary>
readonly struct ScalingFactor : IUnary
{
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T norm) where T : struct, ILane<T>
        => T.SelectLess(norm, Halvings.Limit<T>(), T.Exp2Int(-Halvings.Of(norm)), T.Of(double.NaN));
}

/// <summary>The step in which the squarings of a matrix of a norm begin, so that they end with the last of all.</summary>
readonly struct FirstSquaring : IUnary
{
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T norm) where T : struct, ILane<T>
    {
        var most = T.Of(MatrixExponential.MostSquarings(T.IsDouble));
        return T.SelectLess(norm, Halvings.Limit<T>(), most - Halvings.Of(norm), most);
    }
}

/// <summary>Matrices y [n, n] in the first columns of a [n, n] or [n, 2 n] are squared in the steps from that in c [1, 1] on to the last, the option; the other
/// columns, dy, become y dy + dy y. b, of a's shape, is room. On devices: matrices end apart.</summary>
readonly struct Squarings : IByColumns
{
    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        var n = a.Rows;
        for (var left = T.Of(option) - c.At(0, 0); !M.IsZero(left); left -= T.Of(1))
        {
            for (var j = W.Index; j < a.Columns; j += W.Step)
            {
                for (var i = 0; i < n; i++)
                {
                    var sum = T.Of(0);
                    for (var k = 0; k < n; k++)
                        sum = T.Fma(a.At(i, k), a.Get(k, j), sum);
                    if (j >= n)
                    {
                        var other = T.Of(0);
                        for (var k = 0; k < n; k++)
                            other = T.Fma(a.At(i, n + k), a.Get(k, j - n), other);
                        sum = other + sum;
                    }
                    b.Set(i, j, sum);
                }
            }
            W.Meet();
            for (var j = W.Index; j < a.Columns; j += W.Step)
            {
                for (var i = 0; i < n; i++)
                    a.Set(i, j, b.Get(i, j));
            }
            W.Meet();
        }
    }
}
