using System.Runtime.CompilerServices;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Linalg;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Random;
using Ortho.Kernels.Reductions;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Orthogonal;

/// <summary>The unitary polar factor of batches of matrices: the nearest matrix with orthonormal columns.</summary>
/// <remarks>
/// Scaled Newton iteration X = (z X + X^-H / z) / 2 (Higham 1986), to which every singular value below 1 becomes one above; once they lie within a
/// factor of <see cref="HalleyRange"/>, larger matrices go on by dynamically weighted Halley steps, which need no pivots (Nakatsukasa, Bai and
/// Gygi 2010), and Newton-Schulz. What Newton cannot begin with - matrices that are singular to working precision - takes the way
/// of the singular value decomposition. Each matrix of a batch goes its own way, the same on every device.
/// </remarks>
public static class Polar
{
    /// <summary>Matrices that are iterated whole, as many at a time as a vector has positions.</summary>
    internal const int Whole = 32;

    // Newton takes 9 steps from a condition of 1e15.
    const int Steps = 14;

    /// <summary>Largest over smallest singular value at which Halley's weights, which amplify rounding errors by as much, begin.</summary>
    internal const double HalleyRange = 64;

    /// <summary>U [..., m, n] of matrices [..., m, n], m &gt;= n: a = U P with U^H U = I. Columns that the matrix leaves open complete the others.</summary>
    /// <exception cref="TensorArgumentException">More columns than rows, or an unsuitable dtype.</exception>
    public static Tensor Run(Tensor a)
    {
        var x = Matrices.Batched(a, "PolarDecomposition", nameof(a));
        var (batch, m, n) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        if (m < n)
            throw new TensorArgumentException("PolarDecomposition", nameof(a), $"of shape {a.Shape}", "at least as many rows as columns");
        if (x.ElementCount == 0)
            return Matrices.Unbatched(Copy.Dense(x), a);
        var (q, r) = m > n ? Qr.Reduced(x) : (null, x);
        var u = n <= Whole ? Small(r) : Large(r);
        return Matrices.Unbatched(q is null ? u : Matrices.Product(q, u), a);
    }

    static Tensor Small(Tensor x)
    {
        var (batch, n) = (x.Shape[0], x.Shape[1]);
        var (u, failed) = (Tensor.Empty(x.Shape, x.DType, x.Device), Tensor.Empty([batch, 1, 1], x.DType, x.Device));
        ByColumns.Run<NewtonPolar>(x.DType, x.Device, batch, new(n, n, x, u), new(n, n), new(2 * n + 2, n, null, failed), Steps);
        var marks = Matrices.Numbers(failed);
        for (var k = 0; k < batch; k++)
        {
            if (marks[k] != 0)
                Copy.Into(Matrices.One(u, k), BySingularValues(Matrices.One(x, k)));
        }
        return u;
    }

    static Tensor Large(Tensor x)
    {
        var u = Tensor.Empty(x.Shape, x.DType, x.Device);
        for (var k = 0; k < x.Shape[0]; k++)
        {
            var factor = Iterated(Matrices.One(x, k)) ?? BySingularValues(Matrices.One(x, k));
            Copy.Into(Matrices.One(u, k), factor);
            factor.Dispose();
        }
        return u;
    }

    static Tensor BySingularValues(Tensor x)
    {
        var (u, _, v) = SingularValues.Decompose(x);
        return Matrices.Product(u, Matrices.H(v));
    }

    /// <summary>Condition, of Frobenius norms, up to which inverses keep enough figures.</summary>
    internal static double Limit(bool keepsMore) => keepsMore ? 1e13 : 3e6;

    // x [1, n, n]; nothing if it does not converge. Matrices that are done with go back to the pool at once, to be there in the cache for the next.
    static Tensor? Iterated(Tensor x)
    {
        var element = Matrices.Numbers(Reduce.Over<LargestPart>("PolarDecomposition", x, 0, 3))[0];
        if (!(element > 0 && double.IsFinite(element)))
            return null;
        x = Matrices.Combined(x, Math.ScaleB(1, -Math.ILogB(element)), x, 0);
        Tensor? gram = null;
        // The largest singular value: a scale for the first step, and a bound after it.
        var largest = Stretch(x);
        for (var step = 0; step == 0 || largest > HalleyRange; step++)
        {
            var inverse = Inverse.Run(x);
            var inverseNorm = 1.0;
            if (step == 0)
            {
                // Inverses by blocks lose figures in proportion to the condition (measured), whatever the precision.
                var size = Matrices.SquaredLength(inverse);
                if (!(Math.Sqrt(size * Matrices.SquaredLength(x)) <= Limit(x.DType.RealType == DType.Float64 && x.Shape[1] <= Inverse.Whole)))
                    return null;
                inverseNorm = Math.Sqrt(size);
            }
            // The largest singular value and that of the inverse come to the same size; after the first step every one is at least 1.
            var z = Math.Sqrt(inverseNorm / largest);
            var adjoint = Copy.Dense(Matrices.H(inverse));
            Matrices.Replace(ref x!, Matrices.Combined(x, z / 2, adjoint, 0.5 / z));
            Matrices.Replace(ref gram, Gram(x));
            inverse.Dispose();
            adjoint.Dispose();
            largest = Math.Sqrt(LargestSquare(gram!));
            if (step == Steps || !double.IsFinite(largest))
                return null;
        }
        return Finished(x, gram!, largest);
    }

    // From singular values between 1 and scale.
    static Tensor? Finished(Tensor x, Tensor? gram, double scale)
    {
        var isDouble = x.DType.RealType == DType.Float64;
        var low = 1 / scale;
        var identity = Matrices.Identity(x.Shape[1], x.Shape[1], x.DType, x.Device).View(Layout.Dense(x.Shape));
        for (var step = 0; step < Steps; step++)
        {
            if (low < 0.98)
            {
                var (a, b, c) = Weights(low);
                var shifted = Matrices.Combined(identity, 1, gram!, c / (scale * scale));
                var inner = Inverse.OfPositive(shifted);
                Matrices.Replace(ref x!, Matrices.Product(x, inner, (a - b / c) / scale, x, b / c / scale));
                shifted.Dispose();
                inner.Dispose();
                low = Math.Min(1, low * (a + b * low * low) / (1 + c * low * low));
                scale = 1;
            }
            else
            {
                var rest = Matrices.Combined(identity, 1, gram!, -1);
                var missing = Math.Sqrt(Matrices.SquaredLength(rest));
                // Halley's steps leave every column some hundredths at most.
                if (!(missing < 0.2 * Math.Sqrt(x.Shape[1])))
                    return null;
                // No square of a singular value is farther from 1 than the weights say and all of them together are.
                var farthest = Math.Min(missing, 1 - low * low);
                if (missing > 2 * Math.Sqrt(x.Shape[1]) * farthest)
                    farthest = missing;
                // Newton-Schulz: the series of (1 - rest)^-1/2 to the first or second power, which leaves the next one.
                var enough = isDouble ? 2e-16 : 1e-7;
                var left = 0.75 * farthest * farthest;
                if (left < enough)
                {
                    Matrices.Replace(ref x!, Matrices.Product(x, rest, 0.5, x));
                }
                else
                {
                    var series = Matrices.Product(rest, rest, 0.375, rest, 0.5, isHermitian: true);
                    Matrices.Replace(ref x!, Matrices.Product(x, series, 1, x));
                    series.Dispose();
                    left = 0.625 * farthest * farthest * farthest;
                }
                rest.Dispose();
                if (left < enough)
                    return x;
                low = 1 - left / 2;
            }
            Matrices.Replace(ref gram, Gram(x));
        }
        return null;
    }

    static Tensor Gram(Tensor x) => Matrices.HermitianProduct(Matrices.H(x), x);

    // By how much a matrix stretches random vectors, turned before to where it stretches most: some two thirds of the largest singular value or more.
    static double Stretch(Tensor x)
    {
        const int Vectors = 8;
        var n = x.Shape[1];
        // Pairs of real numbers are complex ones.
        var random = RandomFill.Run<Uniform>("PolarDecomposition", [n, Vectors * (x.DType.IsComplex ? 2 : 1)], 2, -1, new Generator(0), x.DType.RealType, x.Device);
        var v = random.View(Layout.Dense([1, n, Vectors]), x.DType);
        v = Matrices.Product(Matrices.H(x), Matrices.Product(x, v));
        return Math.Sqrt(Matrices.SquaredLength(Matrices.Product(x, v)) / Matrices.SquaredLength(v));
    }

    // The square of the largest singular value; eight steps of the power method may miss a tenth.
    static double LargestSquare(Tensor gram)
    {
        var (n, estimate) = (gram.Shape[1], Tensor.Empty([1, 1, 1], gram.DType, gram.Device));
        ByColumns.Run<LargestEigenvalue>(gram.DType, gram.Device, 1, new(n, n, gram), new(2, n), new(1, 1, null, estimate), 8);
        return Matrices.Numbers(estimate)[0] * 1.1;
    }

    // Of the best rational function x (a + b x^2) / (1 + c x^2) on [low, 1].
    static (double A, double B, double C) Weights(double low)
    {
        var square = low * low;
        var d = Math.Cbrt(4 * (1 - square) / (square * square));
        var root = Math.Sqrt(1 + d);
        var a = root + Math.Sqrt(8 - 4 * d + 8 * (2 - square) / (square * root)) / 2;
        var b = (a - 1) * (a - 1) / 4;
        return (a, b, a + b - 1);
    }

}

/// <summary>a [n, n] becomes its unitary polar factor by Newton's iteration; element (0, 0) of c [2 n + 2, n] becomes 1 where it did not come to that,
/// else 0. b [n, n] is room for the inverse.</summary>
readonly struct NewtonPolar : IByColumns
{
    public static bool TakesVectors => true;

    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        var (zero, one) = (T.Of(0), T.Of(1));
        Shrink<M, T, W>(a, c);
        var count = zero;
        for (var j = 0; j < a.Columns; j++)
            count += one;
        // Sum of squares at which the next step, whose error is half the square of this one's, is the last.
        var near = T.Of(T.IsDouble ? 2e-8 : 3e-4);
        var limit = T.Of(Polar.Limit(T.IsDouble));
        var (ended, failed) = (zero, zero);
        for (var step = 0; step < option; step++)
        {
            for (var j = W.Index; j < a.Columns; j += W.Step)
            {
                for (var i = 0; i < a.Rows; i++)
                    b.Set(i, j, a.Get(i, j));
            }
            PivotedGaussJordan.Invert<M, T, W>(b, c, 2);
            Lengths<M, T, W>(a, c, 0);
            Lengths<M, T, W>(b, c, 1);
            W.Meet();
            var (size, inverseSize) = (Total<M, T>(c, 0), Total<M, T>(c, 1));
            if (step == 0)
                failed = T.SelectLess(T.SqrtReal(size) * T.SqrtReal(inverseSize), limit, zero, one);
            var z = T.SqrtReal(T.SqrtReal(T.OverReal(inverseSize, size)));
            Newton<M, T, W>(a, b, z * T.Of(0.5), T.OverReal(T.Of(0.5), z), ended);
            // The singular values are 1 where the sums of their squares and of their inverses' are the number of columns.
            var missing = T.Max(T.Abs(size - count), T.Abs(inverseSize - count));
            ended = T.Max(ended, T.Max(failed, T.SelectLess(missing, near, one, zero)));
            if (M.IsZero(one - ended))
                break;
        }
        W.Meet();
        if (W.Index == 0)
            c.Put(0, 0, T.SelectEqual(ended, one, failed, one));
    }

    // The largest element comes near 1, so that no square overflows.
    [MethodImpl(Inline.Step)]
    static void Shrink<M, T, W>(M a, M room) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        for (var j = W.Index; j < a.Columns; j += W.Step)
        {
            var top = T.Of(0);
            for (var i = 0; i < a.Rows; i++)
                top = T.Max(T.LargerPart(a.Get(i, j)), top);
            room.Set(0, j, top);
        }
        W.Meet();
        var largest = T.Of(0);
        for (var j = 0; j < a.Columns; j++)
            largest = T.Max(room.At(0, j), largest);
        var shrink = T.Exp2Int(-Scaling.Exponent(largest));
        W.Meet();
        for (var j = W.Index; j < a.Columns; j += W.Step)
        {
            for (var i = 0; i < a.Rows; i++)
                a.Set(i, j, a.Get(i, j) * shrink);
        }
    }

    // Row `row` of the room: each column's sum of squares.
    [MethodImpl(Inline.Step)]
    static void Lengths<M, T, W>(M a, M room, int row) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        for (var j = W.Index; j < a.Columns; j += W.Step)
        {
            var sum = T.Of(0);
            for (var i = 0; i < a.Rows; i++)
                sum += T.SquaredAbs(a.Get(i, j));
            room.Set(row, j, sum);
        }
    }

    [MethodImpl(Inline.Always)]
    static T Total<M, T>(M room, int row) where M : struct, IMat<T> where T : struct, ILane<T>
    {
        var sum = T.Of(0);
        for (var j = 0; j < room.Columns; j++)
            sum += room.At(row, j);
        return sum;
    }

    // a = half a + other b^H, where the iteration has not ended.
    [MethodImpl(Inline.Step)]
    static void Newton<M, T, W>(M a, M b, T half, T other, T ended) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        for (var j = W.Index; j < a.Columns; j += W.Count)
        {
            for (var i = 0; i < a.Rows; i++)
            {
                var x = a.At(i, j);
                a.Put(i, j, T.SelectEqual(ended, T.Of(0), T.Fma(other, T.Conj(b.At(j, i)), half * x), x));
            }
        }
        W.Meet();
    }
}

/// <summary>c [1, 1] becomes an estimate from below of the largest eigenvalue of Hermitian positive semidefinite a [n, n] by the power method; b [2, n] is
/// room for its vectors.</summary>
readonly struct LargestEigenvalue : IByColumns
{
    public static bool TakesVectors => true;

    [MethodImpl(Inline.Always)]
    public static void Apply<M, T, W>(M a, M b, M c, int option) where M : struct, IMat<T> where T : struct, ILane<T> where W : struct, IWorkers
    {
        // Multiples of the golden section modulo 1: a vector that structured matrices do not know.
        var (value, one) = (T.Of(0), T.Of(1));
        for (var j = 0; j < a.Columns; j++)
        {
            value += T.Of(0.6180339887498949);
            value = T.SelectLess(one, value, value - one, value);
            if (W.Index == 0)
                b.Put(0, j, value - T.Of(0.5));
        }
        var estimate = one;
        for (var step = 0; step < option; step++)
        {
            var scale = T.OverReal(one, estimate);
            W.Meet();
            for (var j = W.Index; j < a.Columns; j += W.Step)
            {
                var sum = T.Of(0);
                for (var i = 0; i < a.Rows; i++)
                    sum = T.Fma(b.At(0, i), a.Get(i, j), sum);
                b.Set(1, j, sum * scale);
            }
            W.Meet();
            var (before, after) = (T.Of(0), T.Of(0));
            for (var j = 0; j < a.Columns; j++)
            {
                before += T.SquaredAbs(b.At(0, j));
                after += T.SquaredAbs(b.At(1, j));
            }
            // Vectors are scaled by the last estimate, so their length changes little.
            estimate *= T.SqrtReal(T.OverReal(after, before));
            W.Meet();
            for (var j = W.Index; j < a.Columns; j += W.Step)
                b.Set(0, j, b.Get(1, j));
        }
        if (W.Index == 0)
            c.Put(0, 0, estimate);
    }
}

/// <summary>The largest real or imaginary part, NaN where there is one.</summary>
readonly struct LargestPart : IReduction
{
    [MethodImpl(Inline.Always)] public static State<T> Zero<T>() where T : struct, ILane<T> => new(T.Of(0), T.Of(0));

    [MethodImpl(Inline.Always)] public static State<T> Lift<T>(T x) where T : struct, ILane<T> => new(T.LargerPart(x), T.Of(0));

    [MethodImpl(Inline.Always)] public static State<T> Join<T>(State<T> p, State<T> q) where T : struct, ILane<T> => new(Max.Larger(p.A, q.A), p.B);

    [MethodImpl(Inline.Always)] public static T Read<T>(State<T> state) where T : struct, ILane<T> => state.A;
}
