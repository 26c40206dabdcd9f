using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.MatMul;

/// <summary>The products that an odd polynomial of matrices is made of, of whatever holds them.</summary>
/// <typeparam name="M">A matrix, or a batch of them.</typeparam>
public interface IMatrixProducts<M>
{
    /// <summary>Conjugate transpose.</summary>
    M Adjoint(M x);

    /// <summary>a b.</summary>
    M Product(M a, M b, bool isHermitian);

    /// <summary>alpha a b + beta c.</summary>
    M Product(M a, M b, M c, double alpha, double beta, bool isHermitian);

    /// <summary>factor x + shift I of square matrices.</summary>
    M Shifted(M x, double factor, double shift);
}

/// <summary>What the gradient of an odd polynomial is made of.</summary>
/// <typeparam name="M">A matrix, or a batch of them.</typeparam>
public interface IGradientProducts<M> : IMatrixProducts<M>
{
    /// <summary>x + x^H of square matrices.</summary>
    M Symmetric(M x);
}

/// <summary>Steps of <see cref="OddPolynomial"/> that were made on one Gram matrix, and what they were made of.</summary>
/// <typeparam name="M">A matrix, or a batch of them.</typeparam>
public sealed class OddSteps<M>
{
    internal OddSteps(M x, int count) => (X, Count, Grams, Powers, Factors, Sides, Products) = (x, count, new M[count], new M[count][], new M[count], new M[count], new M[count]);

    /// <summary>Where they begin.</summary>
    public M X { get; }

    /// <summary>Where they end.</summary>
    public M Y { get; internal set; } = default!;

    /// <summary>How many there are.</summary>
    public int Count { get; }

    // Of each step: the Gram matrix g, the stages of its polynomial, q, q g, and the product of all q so far.
    internal M[] Grams { get; }

    internal M[][] Powers { get; }

    internal M[] Factors { get; }

    internal M[] Sides { get; }

    internal M[] Products { get; }
}

/// <summary>x = c_0 x + c_1 (x x^H) x + c_2 (x x^H)^2 x + ..., one polynomial after another.</summary>
public static class OddPolynomial
{
    // Rounding errors of the Gram matrix grow by c_0^2 in each step that is made on it alone: by how much they may. Three steps of the
    // quintic are then as exact as steps on x itself (float32, measured for condition numbers up to 1e6). A Gram matrix of rounded operands
    // has errors to begin with: two steps of the quintic.
    const double Growth = 150, ReducedGrowth = 12;

    // Steps on a Gram matrix beyond which nothing is gained.
    const int MostGramSteps = 8;

    /// <summary>The first of some steps.</summary>
    /// <remarks>
    /// With the polynomial x = q(g) x in the Gram matrix g = x x^H (or x^H x: the smaller one), the next Gram matrix is q g q. For matrices
    /// at least twice as wide as high, or as high as wide, several steps are made on g, and x is multiplied by the product of their q once;
    /// then a new g is formed, before the errors of the old one have grown. Everything commutes, so all of these products are Hermitian.
    /// </remarks>
    /// <param name="on">Where the products are computed.</param>
    /// <param name="x">Matrices.</param>
    /// <param name="rows">Their rows.</param>
    /// <param name="columns">Their columns.</param>
    /// <param name="polynomials">c_0, c_1, ... of each step that is left, at least two of each: at least one step.</param>
    /// <param name="precision">Of the products.</param>
    public static OddSteps<M> Advance<M, P>(P on, M x, int rows, int columns, ReadOnlySpan<IReadOnlyList<double>> polynomials,
        MatMulPrecision precision = MatMulPrecision.Float32) where P : IMatrixProducts<M>
    {
        var isTall = rows >= columns;
        var adjoint = on.Adjoint(x);
        var gram = isTall ? on.Product(adjoint, x, isHermitian: true) : on.Product(x, adjoint, isHermitian: true);
        var steps = GramSteps(rows, columns, polynomials, precision);
        var made = new OddSteps<M>(x, steps);
        (made.Grams[0], made.Powers[0]) = (gram, new M[polynomials[0].Count - 2]);
        var (p, lead) = Horner(on, gram, polynomials[0], made.Powers[0]);
        if (steps == 1)
        {
            made.Factors[0] = p;
            made.Y = isTall
                ? on.Product(x, p, x, lead, polynomials[0][0], isHermitian: false)
                : on.Product(p, x, x, lead, polynomials[0][0], isHermitian: false);
            return made;
        }
        var q = on.Shifted(p, lead, polynomials[0][0]);
        var all = q;
        (made.Factors[0], made.Products[0]) = (q, all);
        for (var step = 1; step < steps; step++)
        {
            made.Sides[step - 1] = on.Product(q, gram, isHermitian: true);
            gram = on.Product(made.Sides[step - 1], q, isHermitian: true);
            (made.Grams[step], made.Powers[step]) = (gram, new M[polynomials[step].Count - 2]);
            (p, lead) = Horner(on, gram, polynomials[step], made.Powers[step]);
            q = on.Shifted(p, lead, polynomials[step][0]);
            all = on.Product(q, all, isHermitian: true);
            (made.Factors[step], made.Products[step]) = (q, all);
        }
        made.Y = isTall ? on.Product(x, all, isHermitian: false) : on.Product(all, x, isHermitian: false);
        return made;
    }

    /// <summary>The gradient of all steps.</summary>
    /// <remarks>Gram matrices, their polynomials and the gradients of these are Hermitian and stand for their adjoints; D is the gradient of one
    /// plus its adjoint, so that x^H x passes x D on.</remarks>
    /// <param name="on">Where the products are computed.</param>
    /// <param name="x">Where the steps begin.</param>
    /// <param name="g">The gradient of where they end.</param>
    /// <param name="rows">Rows of x.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="polynomials">As for <see cref="Advance"/>.</param>
    public static M Pull<M, P>(P on, M x, M g, int rows, int columns, IReadOnlyList<double>[] polynomials) where P : IGradientProducts<M>
    {
        if (rows < columns)
            return on.Adjoint(Pull(on, on.Adjoint(x), on.Adjoint(g), columns, rows, polynomials));
        var all = new List<OddSteps<M>>();
        var made = 0;
        for (; made < polynomials.Length; made += all[^1].Count)
            all.Add(Advance(on, all.Count == 0 ? x : all[^1].Y, rows, columns, polynomials.AsSpan(made)));
        for (var k = all.Count - 1; k >= 0; k--)
        {
            made -= all[k].Count;
            g = Pull(on, all[k], g, polynomials.AsSpan(made));
        }
        return g;
    }

    static M Pull<M, P>(P on, OddSteps<M> made, M g, ReadOnlySpan<IReadOnlyList<double>> polynomials) where P : IGradientProducts<M>
    {
        var last = made.Count - 1;
        // Of the product of all q.
        var outer = on.Product(on.Adjoint(made.X), g, isHermitian: false);
        if (last == 0)
        {
            var (inner, factor) = PullHorner(on, made.Grams[0], polynomials[0], made.Powers[0], on.Symmetric(outer));
            var (c, lead) = (polynomials[0][0], polynomials[0].Count == 2 ? polynomials[0][^1] : 1);
            return on.Product(made.X, inner, on.Product(g, made.Factors[0], g, lead, c, isHermitian: false), factor, 1, isHermitian: false);
        }
        // D of the Gram matrix is `scale` times this.
        var (d, scale) = (default(M)!, 0.0);
        for (var step = last; step >= 0; step--)
        {
            var own = step == 0 ? outer : on.Product(outer, made.Products[step - 1], isHermitian: false);
            if (step > 0)
                outer = on.Product(made.Factors[step], outer, isHermitian: false);
            if (step < last)
                own = on.Product(d, made.Sides[step], own, scale, 1, isHermitian: false);
            var (inner, factor) = PullHorner(on, made.Grams[step], polynomials[step], made.Powers[step], on.Symmetric(own));
            (d, scale) = step == last
                ? (inner, factor)
                : (on.Product(on.Product(made.Factors[step], d, isHermitian: false), made.Factors[step], inner, scale, factor, isHermitian: false), 1);
        }
        return on.Product(made.X, d, on.Product(g, made.Products[last], isHermitian: false), scale, 1, isHermitian: false);
    }

    // How many of the next steps are made on one Gram matrix.
    static int GramSteps(int rows, int columns, ReadOnlySpan<IReadOnlyList<double>> polynomials, MatMulPrecision precision)
    {
        if (Math.Max(rows, columns) < 2 * (long)Math.Min(rows, columns))
            return 1;
        var (steps, growth) = (1, 1.0);
        while (steps < Math.Min(MostGramSteps, polynomials.Length))
        {
            var slope = Math.Max(1, Math.Abs(polynomials[steps - 1][0]));
            growth *= slope * slope;
            if (growth > (precision == MatMulPrecision.Float32 ? Growth : ReducedGrowth))
                break;
            steps++;
        }
        return steps;
    }

    // c_1 g + c_2 g^2 + ... = lead p, by stages that begin with g.
    static (M P, double Lead) Horner<M, P>(P on, M gram, IReadOnlyList<double> coefficients, M[] stages) where P : IMatrixProducts<M>
    {
        var (p, lead) = (gram, coefficients[^1]);
        for (var k = coefficients.Count - 2; k > 0; k--)
        {
            stages[^k] = p;
            (p, lead) = (on.Product(p, gram, gram, lead, coefficients[k], isHermitian: true), 1);
        }
        return (p, lead);
    }

    // D of g from D of c_1 g + c_2 g^2 + ...: so many times the result.
    static (M D, double Factor) PullHorner<M, P>(P on, M gram, IReadOnlyList<double> coefficients, M[] stages, M d) where P : IGradientProducts<M>
    {
        if (coefficients.Count == 2)
            return (d, coefficients[1]);
        // A stage is lead p g + c g.
        var sum = default(M)!;
        for (var k = 1; k <= coefficients.Count - 2; k++)
        {
            var lead = k == coefficients.Count - 2 ? coefficients[^1] : 1;
            var through = on.Shifted(stages[^k], lead, coefficients[k]);
            sum = k == 1 ? on.Product(through, d, isHermitian: false) : on.Product(through, d, sum, 1, 1, isHermitian: false);
            if (k == coefficients.Count - 2)
                return (on.Product(d, gram, sum, lead, 1, isHermitian: false), 1);
            d = on.Product(d, gram, isHermitian: false);
        }
        return (sum, 1);
    }

    /// <summary>Hermitian matrices that steps between two products with x make at most.</summary>
    internal static int MostProducts(int rows, int columns, IReadOnlyList<double>[] polynomials)
    {
        var most = 0;
        for (var made = 0; made < polynomials.Length;)
        {
            var steps = GramSteps(rows, columns, polynomials.AsSpan(made), MatMulPrecision.Float32);
            most = Math.Max(most, polynomials[made..(made + steps)].Sum(polynomial => polynomial.Count + 2));
            made += steps;
        }
        return most;
    }

    /// <summary>All steps, of x [..., rows, columns].</summary>
    /// <param name="x">Float32, Float64, Complex64 or Complex128.</param>
    /// <param name="polynomials">c_0, c_1, ... of each step: at least two.</param>
    /// <param name="precision">Of the products; less than full of Float32 only.</param>
    public static Tensor Run(Tensor x, IReadOnlyList<double>[] polynomials, MatMulPrecision precision = MatMulPrecision.Float32)
    {
        if (x.ElementCount > 0 && x.Device is not GpuDevice && IsSmall(x, precision))
        {
            var y = Tensor.Empty(x.Shape, x.DType, x.Device);
            HostPolynomial.Run(Skeletons.Copy.Contiguous(x), null, y, polynomials);
            return y;
        }
        if (x is { ElementCount: > 0, DType.IsComplex: false, Device: GpuDevice gpu } && precision == MatMulPrecision.Float32 && FusedPolynomial.Run(gpu, x, polynomials) is { } fused)
            return fused;
        return precision == MatMulPrecision.Float32
            ? Run(new TensorProducts(), x, polynomials, precision, static (Tensor x) => x, static x => x)
            : Run(new ReducedProducts(precision), x, polynomials, precision, static x => new RoundedMatrix(x), static x => x.Value);
    }

    static Tensor Run<M, P>(P products, Tensor x, IReadOnlyList<double>[] polynomials, MatMulPrecision precision, Func<Tensor, M> of, Func<M, Tensor> value) where P : IMatrixProducts<M>
    {
        var given = x;
        for (var made = 0; made < polynomials.Length;)
        {
            using var scope = new TensorScope();
            var next = Advance(products, of(x), x.Shape[^2], x.Shape[^1], polynomials.AsSpan(made), precision);
            if (x != given)
                x.Dispose();
            (x, made) = (scope.Keep(value(next.Y)), made + next.Count);
        }
        return x;
    }

    // Elements of a real matrix that, with its Gram matrices, stays in the second-level cache through all steps.
    const int CachedElements = 1 << 14;

    /// <summary>Whether each matrix stays in the host's cache through all steps, so that to make them again costs less than to keep what they
    /// were made of. The same on all devices.</summary>
    public static bool IsSmall(Tensor x, MatMulPrecision precision)
        => !x.DType.IsComplex && x.Shape[^2] * (long)x.Shape[^1] <= CachedElements && precision == MatMulPrecision.Float32;

    /// <summary>The gradient of all steps at small x; see <see cref="IsSmall"/>.</summary>
    /// <param name="x">Where the steps begin.</param>
    /// <param name="g">The gradient of where they end.</param>
    /// <param name="polynomials">As for <see cref="Run"/>.</param>
    public static Tensor Pull(Tensor x, Tensor g, IReadOnlyList<double>[] polynomials)
    {
        if (x is { ElementCount: > 0, DType.IsComplex: false, Device: GpuDevice gpu } && FusedPolynomial.Pull(gpu, x, g, polynomials) is { } fused)
            return fused;
        if (x.ElementCount == 0 || x.Device is GpuDevice)
            return Pull(new TensorProducts(), x, g, x.Shape[^2], x.Shape[^1], polynomials);
        var y = Tensor.Empty(x.Shape, x.DType, x.Device);
        HostPolynomial.Run(Skeletons.Copy.Contiguous(x), Skeletons.Copy.Contiguous(g), y, polynomials);
        return y;
    }

    readonly struct TensorProducts : IGradientProducts<Tensor>
    {
        public Tensor Adjoint(Tensor x) => Linalg.Matrices.H(x);

        public Tensor Product(Tensor a, Tensor b, bool isHermitian) => MatMul.Run("Polynomial", a, b, isHermitian: isHermitian);

        public Tensor Product(Tensor a, Tensor b, Tensor c, double alpha, double beta, bool isHermitian)
            => MatMul.Run("Polynomial", a, b, c, alpha, beta, isHermitian);

        public Tensor Shifted(Tensor x, double factor, double shift)
        {
            var eye = Linalg.Matrices.Identity(x.Shape[^1], x.Shape[^1], x.DType, x.Device);
            var scaled = factor == 1 ? x : Skeletons.Pointwise.Run<Binary<Multiply>>("Polynomial", x, factor);
            return Skeletons.Pointwise.Run<Ternary<AddScaled>>("Polynomial", scaled, eye, shift);
        }

        public Tensor Symmetric(Tensor x) => Skeletons.Pointwise.Run<Binary<Pointwise.Add>>("Polynomial", x, Linalg.Matrices.H(x));
    }

    // A float32 matrix, and what it is rounded to, once, however many products it is in.
    sealed class RoundedMatrix(Tensor value, RoundedMatrix? adjoint = null, bool isSymmetric = false)
    {
        Tensor? rounded;

        public Tensor Value => value;

        // A product takes columns of its second operand from the rows of a symmetric one, which need not be copied together.
        public bool IsSymmetric => isSymmetric;

        public Tensor Rounded(MatMulPrecision precision)
            => rounded ??= adjoint is null ? ReducedMatMul.Rounded(value, precision) : Linalg.Matrices.H(adjoint.Rounded(precision));
    }

    readonly struct ReducedProducts(MatMulPrecision precision) : IMatrixProducts<RoundedMatrix>
    {
        public RoundedMatrix Adjoint(RoundedMatrix x) => new(Linalg.Matrices.H(x.Value), x);

        public RoundedMatrix Product(RoundedMatrix a, RoundedMatrix b, bool isHermitian)
            => Result(ReducedMatMul.Multiply("Polynomial", a.Rounded(precision), Second(b), isSymmetric: isHermitian), isHermitian);

        public RoundedMatrix Product(RoundedMatrix a, RoundedMatrix b, RoundedMatrix c, double alpha, double beta, bool isHermitian)
            => Result(ReducedMatMul.Multiply("Polynomial", a.Rounded(precision), Second(b), c.Value, alpha, beta, isHermitian), isHermitian);

        // Small ones are symmetric but for rounding.
        static RoundedMatrix Result(Tensor y, bool isHermitian) => new(y, isSymmetric: isHermitian && MatMul.IsHalved(y.Shape[^1]));

        Tensor Second(RoundedMatrix b) => b.IsSymmetric ? Linalg.Matrices.H(b.Rounded(precision)) : b.Rounded(precision);

        public RoundedMatrix Shifted(RoundedMatrix x, double factor, double shift) => new(default(TensorProducts).Shifted(x.Value, factor, shift), isSymmetric: x.IsSymmetric);
    }
}
