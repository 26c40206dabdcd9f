using Ortho.Kernels.Gpu;
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
/// Nakatsukasa and Freund 2016), and Newton-Schulz. Of what Newton cannot begin with, matrices that are singular to working precision, small ones are
/// factored by their singular values, and larger ones begin by two steps of Halley's iteration, dynamically weighted and by QR (Nakatsukasa, Bai and Gygi
/// 2010), which no condition harms, after they were moved by some rounding errors in a direction that no structure knows. Each matrix of a batch goes its
/// own way, the same on every device, and no number leaves its device for that (<see cref="Decisions"/>). The steps of each kind that any matrix can need
/// are few: what is between a condition of at most the limit and the range above is one step of Newton's, or two, after the first.
/// </remarks>
public static class Polar
{
    /// <summary>Matrices that are iterated whole, as many at a time as a vector has positions.</summary>
    internal const int Whole = 32;

    // In one kernel Newton goes on to the end: 9 steps from a condition of 1e15.
    const int WholeSteps = 14;

    // Sweeps of Jacobi rotations; convergence is quadratic.
    const int Sweeps = 20;

    /// <summary>Largest over smallest singular value at which the rational function, which amplifies rounding errors by some of its square, begins.</summary>
    internal const double RationalRange = 64;

    /// <summary>Poles of the rational function: with three, what is left of the range above is within 2 percent of 1.</summary>
    internal const int MostPoles = 3;

    /// <summary>Least singular value from which Newton-Schulz takes over, the largest being as far from 1.</summary>
    internal const double Near = 0.95;

    /// <summary>Squares of singular values that are so far from 1 are there.</summary>
    internal const double EnoughSingle = 1e-7, EnoughDouble = 2e-16;

    const string Name = "PolarDecomposition";

    /// <summary>U [..., m, n] of matrices [..., m, n], m &gt;= n: a = U P with U^H U = I. Columns that the matrix leaves open complete the others; one that is
    /// not finite gives NaN in its own place of the batch.</summary>
    /// <exception cref="TensorArgumentException">More columns than rows, or an unsuitable dtype.</exception>
    public static Tensor Run(Tensor a)
    {
        var x = Matrices.Batched(a, Name, nameof(a));
        var (m, n) = (x.Shape[1], x.Shape[2]);
        if (m < n)
            throw new TensorArgumentException(Name, nameof(a), $"of shape {a.Shape}", "at least as many rows as columns");
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
        ByColumns.Run<NewtonPolar>(x.DType, x.Device, batch, new(n, n, x, u), new(n, n), new(2 * n + 2, n, null, failed), WholeSteps);
        if (!Decisions.IsPossible(failed))
            return u;
        var marks = failed.View(failed.Layout.Expand([batch, 2 * n + 1, n], Name));
        ByColumns.Run<CompletedPolar>(x.DType, x.Device, batch, new(n, n, x, u), new(n, n, u), new(2 * n + 1, n, marks), Sweeps);
        return u;
    }

    static Tensor Large(Tensor x)
    {
        var n = x.Shape[1];
        var identity = Matrices.Identity(n, n, x.DType, x.Device).View(Layout.Dense([1, n, n]));
        // As many as the host multiplies without packing.
        var vectors = Noise(n, 16, 1, x);
        return Decisions.Each(x, one => Iterated(one, identity, vectors));
    }

    /// <summary>Condition, of Frobenius norms, up to which inverses keep enough figures.</summary>
    internal static double Limit(bool keepsMore) => keepsMore ? 1e13 : 3e6;

    // Inverses by blocks lose figures in proportion to the condition (measured), whatever the precision.
    static bool KeepsMore(Tensor x) => x.DType.RealType == DType.Float64 && x.Shape[1] <= Inverse.Whole;

    // x [batch, n, n]. Matrices that are done with go back to the pool at once, to be there in the cache for the next.
    static Tensor Iterated(Tensor x, Tensor identity, Tensor vectors)
    {
        var isDouble = x.DType.RealType == DType.Float64;
        var top = Matrices.Each<LargestPart>(x);
        x = Matrices.Times(x, Decisions.Known(Skeletons.Pointwise.Run<Unary<Shrinkage>>(Name, top)));
        First(ref x, vectors, isDouble);
        Tensor? gram = Matrices.HermitianProduct(Matrices.H(x), x);
        var bound = Bound(gram);
        for (var step = KeepsMore(x) ? 2 : 1; step > 0; step--)
        {
            var taken = Matrices.Rows(bound, 1, 1);
            if (!Decisions.IsPossible(taken))
                break;
            var inverse = Inverse.Run(Matrices.H(x));
            Decisions.Take(ref x, taken, Newton(x, Matrices.Rows(bound, 2, 1), inverse, Matrices.Rows(bound, 3, 1)));
            inverse.Dispose();
            Matrices.Replace(ref gram, Matrices.HermitianProduct(Matrices.H(x), x));
            bound = Bound(gram!);
        }
        var sign = Choice(bound);
        Signs(ref x, identity, gram!, sign);
        gram!.Dispose();
        Finish(ref x, identity, Matrices.Rows(sign, SignChoice.Rows - 1, 1), isDouble ? 3 : 2);
        return x;
    }

    // The numbers of SignChoice; the host knows which row of the table they are.
    static Tensor Choice(Tensor bound)
    {
        var (batch, ranges) = (bound.Shape[0], SignApproximation.Ranges(bound.DType, bound.Device));
        var (rows, columns) = (ranges.Shape[0], ranges.Shape[1]);
        if (bound.Device is GpuDevice)
        {
            var chosen = Tensor.Empty([batch, SignChoice.Rows, 1], bound.DType, bound.Device);
            ByColumns.Run<SignChoice>(bound.DType, bound.Device, batch, new(bound.Shape[1], 1, bound),
                new(rows, columns, ranges.View(ranges.Layout.Expand([batch, rows, columns], Name))), new(SignChoice.Rows, 1, null, chosen));
            return chosen;
        }
        var (row, largest) = (0, Decisions.Number(bound, 0));
        while (row < rows - 1 && Decisions.Number(ranges, row) < largest)
            row++;
        return ranges.View(Layout.Strided([1, SignChoice.Rows, 1], [columns, 1, 1], ranges.Layout.Offset + row * columns + 1));
    }

    static Tensor Newton(Tensor x, Tensor half, Tensor inverse, Tensor other) => Matrices.Combined(x, Decisions.Known(half), inverse, Decisions.Known(other));

    // The first step, after which every singular value is at least 1. The largest one and that of the inverse come to the same size before.
    static void First(ref Tensor x, Tensor vectors, bool isDouble)
    {
        var stretch = Stretch(x, vectors);
        var inverse = Inverse.Run(Matrices.H(x));
        var size = Matrices.Each<SquaredLength>(inverse);
        var fails = Skeletons.Pointwise.Run<Ternary<Exceeds>>(Name, Matrices.Each<SquaredLength>(x), size, Limit(KeepsMore(x)));
        var half = Skeletons.Pointwise.Run<Binary<HalfScale>>(Name, stretch, size);
        var next = Newton(x, half, inverse, Skeletons.Pointwise.Run<Binary<Divide>>(Name, 0.25, half));
        inverse.Dispose();
        if (Decisions.IsPossible(fails))
            Decisions.Take(ref next, fails, Halley(x, stretch, isDouble));
        x.Dispose();
        x = next;
    }

    // For singular values from those of a rounding error on, the best rational function with one pole: factor x + weight x (x^H x + pole)^-1, by the QR
    // decomposition [x; sqrt(pole)] = [q1; q2] r, for which x (x^H x + pole)^-1 = q1 q2^H / sqrt(pole). A range [low, 1] becomes about [low^(1/3), 1].
    static Tensor Halley(Tensor x, Tensor stretch, bool isDouble)
    {
        var (batch, n) = (x.Shape[0], x.Shape[1]);
        var unit = Math.ScaleB(1, isDouble ? -53 : -24);
        // The root of the pole is some rounding errors of the matrix, and the least singular value of a random matrix some n-th part of its largest.
        var low = 1e-8 * unit;
        // At most 1, or little more where the estimate is bad, which does no harm.
        x = Matrices.Combined(x, Decisions.Known(Skeletons.Pointwise.Run<Binary<Divide>>(Name, 2.0 / 3, stretch)), Noise(n, n, unit, x), 4 / Math.Sqrt(n));
        var (turn, triangle) = Qr.Reduced(Matrices.H(x));
        Matrices.Replace(ref x!, Copy.Dense(Matrices.H(triangle)));
        var identity = Matrices.Identity(n, n, x.DType, x.Device);
        var stacked = Tensor.Empty([batch, 2 * n, n], x.DType, x.Device);
        for (var step = 0; step < 2; step++)
        {
            var sign = SignApproximation.Halley(low);
            low = sign.Least;
            // In the end every singular value is at least 1.
            var (root, scale) = (Math.Sqrt(sign.Poles[0]), step == 1 ? 1 / low : 1);
            Copy.Into(Matrices.Rows(stacked, 0, n), x);
            var rest = Matrices.Times(identity, root);
            Copy.Into(Matrices.Rows(stacked, n, n), rest.View(rest.Layout.Expand(x.Shape, Name)));
            var q = Qr.Reduced(stacked).Q;
            var next = Matrices.Product(Matrices.Rows(q, 0, n), Matrices.H(Matrices.Rows(q, n, n)), scale * sign.Factor * sign.Weights[0] / root, x, scale * sign.Factor);
            q.Dispose();
            x.Dispose();
            x = next;
        }
        stacked.Dispose();
        return Matrices.Product(x, Matrices.H(turn));
    }

    // From singular values between 1 and a largest one, with squares gram, to some near 1: factor x (1 + sum of (w / p) (1 + gram / p)^-1).
    static void Signs(ref Tensor x, Tensor identity, Tensor gram, Tensor sign)
    {
        var scaled = Matrices.Times(x, Decisions.Known(Matrices.Rows(sign, 0, 1)));
        x.Dispose();
        x = scaled;
        Tensor? sum = null;
        Tensor? first = null;
        for (var pole = 1; pole <= MostPoles; pole++)
        {
            var weight = Matrices.Rows(sign, MostPoles + pole, 1);
            if (!Decisions.IsPossible(weight))
                break;
            first ??= weight;
            var shifted = Matrices.Combined(identity, 1, gram, Decisions.Known(Matrices.Rows(sign, pole, 1)));
            var inverse = Inverse.OfPositive(shifted);
            shifted.Dispose();
            Matrices.Replace(ref sum, sum is null
                ? Matrices.Times(inverse, Decisions.Known(weight))
                : Skeletons.Pointwise.Run<Ternary<Accumulated>>(Name, sum, inverse, Decisions.Known(weight)));
            inverse.Dispose();
        }
        if (sum is null)
            return;
        Decisions.Take(ref x, first!, Matrices.Product(x, sum, 1, x));
        sum.Dispose();
    }

    // Newton-Schulz: the series of x (1 - r)^-1/2, r = 1 - x^H x, to a power that is enough.
    static void Finish(ref Tensor x, Tensor identity, Tensor farthest, int steps)
    {
        var taken = default(Tensor);
        for (var step = 0; step < steps && (taken is null || Decisions.IsPossible(taken)); step++)
        {
            var half = Matrices.Product(Matrices.H(x), x, -0.5, identity, 0.5, isHermitian: true);
            var plan = Tensor.Empty([x.Shape[0], SchulzPlan.Rows, 1], x.DType, x.Device);
            ByColumns.Run<SchulzPlan>(x.DType, x.Device, x.Shape[0], new(1, 1, Matrices.Each<SquaredLength>(half)), new(1, 1, farthest),
                new(SchulzPlan.Rows, 1, null, plan), x.Shape[1]);
            // The third step is never more than the last touch.
            var series = step == 2 ? half : Series(half, Matrices.Rows(plan, 0, 1), Matrices.Rows(plan, 1, 1));
            var next = Matrices.Product(x, series, 1, x);
            series.Dispose();
            if (taken is not null)
            {
                Decisions.Take(ref x, taken, next);
            }
            else
            {
                x.Dispose();
                x = next;
            }
            (farthest, taken) = (Matrices.Rows(plan, 2, 1), Matrices.Rows(plan, 3, 1));
        }
    }

    // h + 3/2 h^2 + 5/2 h^3 + 35/8 h^4 to power 1, 2 or 4.
    static Tensor Series(Tensor h, Tensor isTwo, Tensor isFour)
    {
        if (!Decisions.IsPossible(isTwo))
            return h;
        var square = Matrices.HermitianProduct(h, h);
        var low = Matrices.Combined(square, 1.5, h, 1);
        if (Decisions.IsPossible(isFour))
        {
            var high = Matrices.Combined(square, 35.0 / 8, h, 2.5);
            Decisions.Take(ref low, isFour, Matrices.Product(square, high, 1, low, isHermitian: true));
            high.Dispose();
        }
        square.Dispose();
        Decisions.Take(ref h, isTwo, low);
        return h;
    }

    // By how much a matrix stretches random vectors, turned before to where it stretches most: some two thirds of the largest singular value or more.
    static Tensor Stretch(Tensor x, Tensor vectors)
    {
        var v = Matrices.Product(Matrices.H(x), Matrices.Product(x, vectors));
        return Skeletons.Pointwise.Run<Binary<Growth>>(Name, Matrices.Each<SquaredLength>(Matrices.Product(x, v)), Matrices.Each<SquaredLength>(v));
    }

    // [1, rows, columns] of random numbers (or parts of complex ones) of at most a size.
    static Tensor Noise(int rows, int columns, double size, Tensor like)
    {
        // Pairs of real numbers are complex ones.
        var random = RandomFill.Run<Uniform>(Name, [rows, columns * (like.DType.IsComplex ? 2 : 1)], 2 * size, -size, new Generator(0), like.DType.RealType, like.Device);
        return random.View(Layout.Dense([1, rows, columns]), like.DType);
    }

    static Tensor Bound(Tensor gram)
    {
        var (batch, n) = (gram.Shape[0], gram.Shape[1]);
        var numbers = Tensor.Empty([batch, 4, 1], gram.DType, gram.Device);
        ByColumns.Run<NewtonBound>(gram.DType, gram.Device, batch, new(n, n, gram), new(2, n), new(4, 1, null, numbers), 8);
        return numbers;
    }
}
