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
/// factor of <see cref="RationalRange"/>, larger matrices go on by the best rational function with few poles, which needs no pivots (Zolotarev's:
/// Nakatsukasa and Freund 2016), and Newton-Schulz. What Newton cannot begin with - matrices that are singular to working precision - takes the way
/// of the singular value decomposition. Each matrix of a batch goes its own way, the same on every device.
/// </remarks>
public static class Polar
{
    /// <summary>Matrices that are iterated whole, as many at a time as a vector has positions.</summary>
    internal const int Whole = 32;

    // Newton takes 9 steps from a condition of 1e15.
    const int Steps = 14;

    /// <summary>Largest over smallest singular value at which the rational function, which amplifies rounding errors by some of its square, begins.</summary>
    internal const double RationalRange = 64;

    // Poles of the rational function: with three, what is left of the range above is within 2 percent of 1.
    const int MostPoles = 3;

    // Least singular value from which Newton-Schulz takes over, the largest being as far from 1.
    const double Near = 0.95;

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
        for (var step = 0; step == 0 || largest > RationalRange; step++)
        {
            var inverse = Inverse.Run(Matrices.H(x));
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
            Matrices.Replace(ref x!, Matrices.Combined(x, z / 2, inverse, 0.5 / z));
            Matrices.Replace(ref gram, Matrices.HermitianProduct(Matrices.H(x), x));
            inverse.Dispose();
            largest = Math.Sqrt(LargestSquare(gram!));
            if (step == Steps || !double.IsFinite(largest))
                return null;
        }
        return Finished(x, gram!, largest);
    }

    // From singular values between 1 and scale.
    static Tensor? Finished(Tensor x, Tensor gram, double scale)
    {
        var enough = x.DType.RealType == DType.Float64 ? 2e-16 : 1e-7;
        var identity = Matrices.Identity(x.Shape[1], x.Shape[1], x.DType, x.Device).View(Layout.Dense(x.Shape));
        var low = 1 / scale;
        if (low < Near)
        {
            var sign = SignApproximation.On(low, 1);
            for (var poles = 2; poles <= MostPoles && Missing(Centred(sign.Least), 4) > enough; poles++)
                sign = SignApproximation.On(low, poles);
            x = Signs(x, identity, gram, scale, sign);
            low = Centred(sign.Least);
        }
        else
        {
            x = Matrices.Combined(x, 2 / (1 + low) / scale, x, 0);
            low = Centred(low);
        }
        gram.Dispose();
        for (var step = 0; step < Steps; step++)
        {
            var rest = Matrices.Product(Matrices.H(x), x, -1, identity, isHermitian: true);
            var missing = Math.Sqrt(Matrices.SquaredLength(rest));
            // What is before leaves every column some hundredths at most.
            if (!(missing < 0.2 * Math.Sqrt(x.Shape[1])))
                return null;
            // No square of a singular value is farther from 1 than the approximation says and all of them together are.
            var farthest = Math.Min(missing, Farthest(low));
            if (missing > 2 * Math.Sqrt(x.Shape[1]) * farthest)
                farthest = missing;
            low = 1 - farthest / 2;
            // Newton-Schulz: the series of (1 - rest)^-1/2 to a power that is enough.
            var power = Missing(low, 1) <= enough ? 1 : Missing(low, 2) <= enough ? 2 : 4;
            Matrices.Replace(ref x!, NewtonSchulz(x, rest, power));
            rest.Dispose();
            var left = Missing(low, power);
            if (left <= enough)
                return x;
            low = 1 - left / 2;
        }
        return null;
    }

    // A range [low, 1] scaled to have 1 in its middle.
    static double Centred(double low) => 2 * low / (1 + low);

    // Farthest that squares are from 1 in such a range.
    static double Farthest(double low) => (2 - low) * (2 - low) - 1;

    // The same after a series to a power: twice the coefficient that is left out, and some more.
    static double Missing(double low, int power) => power switch
    {
        1 => 0.75,
        2 => 0.625,
        _ => 0.5,
    } * Math.Pow(Farthest(low), power + 1);

    // The function of x / scale, which has squares gram / scale^2, centred: factor x (1 + sum of w (gram + p)^-1) = factor x (1 + sum of (w / p) (1 + gram / p)^-1).
    static Tensor Signs(Tensor x, Tensor identity, Tensor gram, double scale, SignApproximation sign)
    {
        var factor = sign.Factor * 2 / (1 + sign.Least) / scale;
        Tensor? sum = null;
        // The sum is so many times what is held of it.
        var weight = 1.0;
        foreach (var (pole, residue) in sign.Poles.Zip(sign.Weights, (pole, residue) => (pole, residue / pole)))
        {
            var shifted = Matrices.Combined(identity, 1, gram, 1 / (scale * scale * pole));
            var inverse = Inverse.OfPositive(shifted);
            shifted.Dispose();
            if (sum is not null)
            {
                Matrices.Replace(ref sum!, Matrices.Combined(sum, weight / residue, inverse, 1));
                inverse.Dispose();
            }
            sum ??= inverse;
            weight = residue;
        }
        var y = Matrices.Product(x, sum!, factor * weight, x, factor);
        x.Dispose();
        sum!.Dispose();
        return y;
    }

    // x (1 + r/2 + 3/8 r^2 + 5/16 r^3 + 35/128 r^4) to power 1, 2 or 4.
    static Tensor NewtonSchulz(Tensor x, Tensor rest, int power)
    {
        if (power == 1)
            return Matrices.Product(x, rest, 0.5, x);
        var series = Matrices.Product(rest, rest, power == 2 ? 0.375 : 1, rest, power == 2 ? 0.5 : 0, isHermitian: true);
        if (power == 4)
        {
            var (high, low) = (Matrices.Combined(series, 35.0 / 128, rest, 5.0 / 16), Matrices.Combined(series, 0.375, rest, 0.5));
            Matrices.Replace(ref series!, Matrices.Product(series, high, 1, low, isHermitian: true));
            high.Dispose();
            low.Dispose();
        }
        var y = Matrices.Product(x, series, 1, x);
        series.Dispose();
        return y;
    }

    // By how much a matrix stretches random vectors, turned before to where it stretches most: some two thirds of the largest singular value or more.
    static double Stretch(Tensor x)
    {
        // As many as the host multiplies without packing.
        const int Vectors = 16;
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
            var j = W.Index;
            for (; W.IsAlone && j + 3 * W.Step < a.Columns; j += 4 * W.Step)
            {
                var (j1, j2, j3) = (j + W.Step, j + 2 * W.Step, j + 3 * W.Step);
                T s0 = T.Of(0), s1 = s0, s2 = s0, s3 = s0;
                for (var i = 0; i < a.Rows; i++)
                {
                    var x = b.At(0, i);
                    s0 = T.Fma(x, a.Get(i, j), s0);
                    s1 = T.Fma(x, a.Get(i, j1), s1);
                    s2 = T.Fma(x, a.Get(i, j2), s2);
                    s3 = T.Fma(x, a.Get(i, j3), s3);
                }
                b.Set(1, j, s0 * scale);
                b.Set(1, j1, s1 * scale);
                b.Set(1, j2, s2 * scale);
                b.Set(1, j3, s3 * scale);
            }
            for (; j < a.Columns; j += W.Step)
            {
                var sum = T.Of(0);
                for (var i = 0; i < a.Rows; i++)
                    sum = T.Fma(b.At(0, i), a.Get(i, j), sum);
                b.Set(1, j, sum * scale);
            }
            W.Meet();
            var (before, after) = (T.Of(0), T.Of(0));
            for (j = 0; j < a.Columns; j++)
            {
                before += T.SquaredAbs(b.At(0, j));
                after += T.SquaredAbs(b.At(1, j));
            }
            // Vectors are scaled by the last estimate, so their length changes little.
            estimate *= T.SqrtReal(T.OverReal(after, before));
            W.Meet();
            for (j = W.Index; j < a.Columns; j += W.Step)
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
