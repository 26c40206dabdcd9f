using Ortho.Kernels.MatMul;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Orthogonal matrices from free ones: Householder products and polar iterations. Batched, real and complex. BFloat16 and Half are
/// computed in float32.</summary>
/// <remarks>
/// A product of reflections H(v) = I - 2 v v^H / (v^H v) is applied in compact form: H(v_1) ... H(v_r) = I - V S^-1 V^H with
/// S = diag(V^H V) / 2 + striu(V^H V): a Gram matrix, a small triangular inverse and two products for each block of <see cref="BlockSize"/> columns.
/// A column with |v|^2 below 1e-12 is no reflection: it acts as the identity and gets gradient 0. Everything is a composition of
/// differentiable operations, so gradients of every order follow.
/// </remarks>
[OpFamily("orthogonal")]
public static class OrthogonalOps
{
    /// <summary>Reflections that are merged into one compact block.</summary>
    public const int BlockSize = 64;

    const double ZeroColumn = 1e-12;

    extension(Tensor v)
    {
        /// <summary>Q = H(v_1) H(v_2) ... H(v_r) for the columns of v [..., d, r]: the orthogonal matrix [..., d, d], or its first columns.</summary>
        /// <param name="columns">How many columns of Q; all d when null.</param>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, or more columns than d.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor HouseholderProduct(int? columns = null)
        {
            if (v.IsHalf)
                return v.Wide.HouseholderProduct(columns).To(v.DType);
            var d = CheckReflectors("HouseholderProduct", v);
            var n = columns ?? d;
            if (n < 0 || n > d)
                throw new TensorArgumentException("HouseholderProduct", nameof(columns), $"{n}", $"0 to {d}, the rows of v");
            var start = Tensor.Eye(d, n, v.DType, v.Device);
            var lead = v.Shape[..^2];
            return Reflect(v, start.Expand([.. lead.Concat([d, n]).Span]), transpose: false);
        }

        /// <summary>Q x, or Q^H x, for the Q of <c>HouseholderProduct</c>, without forming it.</summary>
        /// <param name="x">[..., d, n]; leading dimensions broadcast with those of v.</param>
        /// <param name="transpose">Whether Q^H, the inverse, is applied.</param>
        /// <exception cref="TensorArgumentException">Shapes, dtypes or devices do not fit.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor HouseholderApply(Tensor x, bool transpose = false)
        {
            if (v.IsHalf && x.DType == v.DType)
                return v.Wide.HouseholderApply(x.Wide, transpose).To(v.DType);
            var d = CheckReflectors("HouseholderApply", v);
            if (x.Rank < 2 || x.Shape[^2] != d)
                throw new TensorArgumentException("HouseholderApply", nameof(x), $"of shape {x.Shape}", $"[..., {d}, *]");
            if (x.DType != v.DType || x.Device != v.Device)
                throw new TensorArgumentException("HouseholderApply", nameof(x), $"{x.DType} on {x.Device}", $"{v.DType} on {v.Device}");
            _ = Shape.Broadcast(v.Shape[..^2], x.Shape[..^2], "HouseholderApply");
            return Reflect(v, x, transpose);
        }

        /// <summary>Orthonormal columns [..., d, r] from the strictly lower triangle of this tensor [..., d, r], r &lt;= d: the first r
        /// columns of the product of the reflections with vectors tril(x, -1) + I. No parameter is redundant.</summary>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, or more columns than rows.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor HouseholderFrame()
        {
            if (v.IsHalf)
                return v.Wide.HouseholderFrame().To(v.DType);
            var d = CheckReflectors("HouseholderFrame", v);
            var r = v.Shape[^1];
            if (r > d)
                throw new TensorArgumentException("HouseholderFrame", nameof(v), $"of shape {v.Shape}", "at most as many columns as rows");
            return r == 0 ? v.Clone() : Trapezoidal(v.Tril(-1) + Tensor.Eye(d, r, v.DType, v.Device));
        }
    }

    extension(Tensor x)
    {
        /// <summary>Iterates x = c_0 x + c_1 (x x^H) x + c_2 (x x^H)^2 x + ... with the polynomials of a schedule, one for each step: the odd
        /// polynomial c_0 s + c_1 s^3 + ... acts on every singular value s and leaves the singular vectors.</summary>
        /// <remarks>The products run on the smaller side. For matrices at least twice as long as the other side several steps are made on the
        /// Gram matrix alone, and it is formed anew before its rounding errors have grown: the same map, with fewer and smaller products. A zero
        /// matrix stays zero.</remarks>
        /// <param name="schedule">The polynomials; <see cref="NewtonSchulzSchedule.Muon"/> when null.</param>
        /// <param name="norm">What x is divided by first, broadcasting with x, besides the schedule's input scale; its Frobenius norm (of each
        /// matrix) when null, which brings every singular value to at most 1.</param>
        /// <param name="precision">Of the products' operands; less than full of Float32 only, and never used unless asked for.</param>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, or a dtype that does not fit.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor NewtonSchulz(NewtonSchulzSchedule? schedule = null, Tensor? norm = null, MatMulPrecision precision = MatMulPrecision.Float32)
        {
            schedule ??= NewtonSchulzSchedule.Muon();
            return Iterate("NewtonSchulz", x, [.. schedule.Steps], schedule.InputScale, norm, precision);
        }

        /// <summary>Björck and Bowie's iteration x = (1 + beta) x - beta x x^H x towards the nearest orthogonal matrix (the polar factor).</summary>
        /// <param name="beta">Step; 1/2 converges quadratically.</param>
        /// <param name="steps">Number of iterations. Small singular values grow by 1 + beta each, so they decide how many are needed.</param>
        /// <param name="norm">What x is divided by first; its Frobenius norm when null. Singular values must end below sqrt 3.</param>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, or a negative number of steps.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Bjorck(double beta = 0.5, int steps = 12, Tensor? norm = null)
        {
            if (steps < 0)
                throw new TensorArgumentException("Bjorck", nameof(steps), $"{steps}", "0 or more");
            return Iterate("Bjorck", x, [.. Enumerable.Repeat<IReadOnlyList<double>>([1 + beta, -beta], steps)], 1, norm, MatMulPrecision.Float32);
        }
    }

    // A norm is at least this: zeros stay zeros, and numbers whose squares vanish in float32 do not overflow.
    const double SmallestNorm = 1e-20;

    static Tensor Iterate(string operation, Tensor x, IReadOnlyList<double>[] polynomials, double scale, Tensor? norm, MatMulPrecision precision)
    {
        if (precision != MatMulPrecision.Float32 && x.DType != DType.Float32)
            throw new TensorArgumentException(operation, nameof(x), $"{x.DType}", "Float32, which a precision is asked for");
        if (x.IsHalf)
            return Iterate(operation, x.Wide, polynomials, scale, norm?.Wide, precision).To(x.DType);
        if (x.Rank < 2)
            throw new TensorArgumentException(operation, nameof(x), $"of shape {x.Shape}", "at least two dimensions");
        if (!x.DType.HasArithmetic)
            throw new TensorArgumentException(operation, nameof(x), $"{x.DType}", "a floating-point or complex tensor");
        norm ??= x.Norm([-2, -1], keepDimensions: true);
        var y = x / ((scale == 1 ? norm : norm * scale) + SmallestNorm);
        if (!y.WantsGrad)
            return OddPolynomial.Run(y, polynomials, precision);
        if (OddPolynomial.IsSmall(y, precision))
        {
            return Graph.Record(operation, OddPolynomial.Run(y, polynomials), (y, g => Graph.IsRecording
                ? OddPolynomial.Pull(new RecordedProducts(precision), y, g, y.Shape[^2], y.Shape[^1], polynomials)
                : OddPolynomial.Pull(y, g, polynomials)));
        }
        // The same products, each of which knows its derivative.
        for (var made = 0; made < polynomials.Length;)
        {
            var steps = OddPolynomial.Advance(new RecordedProducts(precision), y, y.Shape[^2], y.Shape[^1], polynomials.AsSpan(made), precision);
            (y, made) = (steps.Y, made + steps.Count);
        }
        return y;
    }

    readonly struct RecordedProducts(MatMulPrecision precision) : IGradientProducts<Tensor>
    {
        public Tensor Adjoint(Tensor x) => x.H;

        public Tensor Product(Tensor a, Tensor b, bool isHermitian)
            => precision == MatMulPrecision.Float32
                ? MatMulOps.Product("Polynomial", a, b, isHermitian: isHermitian)
                : MatMulOps.Reduced("Polynomial", a, b, precision, isSymmetric: isHermitian);

        public Tensor Product(Tensor a, Tensor b, Tensor c, double alpha, double beta, bool isHermitian)
            => precision == MatMulPrecision.Float32
                ? MatMulOps.Product("Polynomial", a, b, c, alpha, beta, isHermitian)
                : MatMulOps.Reduced("Polynomial", a, b, precision, c, alpha, beta, isHermitian);

        public Tensor Shifted(Tensor x, double factor, double shift)
            => (factor == 1 ? x : x * factor) + Tensor.Eye(x.Shape[^1], dtype: x.DType, device: x.Device) * shift;

        public Tensor Symmetric(Tensor x) => x + x.H;
    }

    static int CheckReflectors(string operation, Tensor v)
    {
        if (v.Rank < 2)
            throw new TensorArgumentException(operation, nameof(v), $"of shape {v.Shape}", "at least two dimensions [..., d, r]");
        if (!v.DType.HasArithmetic)
            throw new TensorArgumentException(operation, nameof(v), $"{v.DType}", "a floating-point or complex tensor");
        return v.Shape[^2];
    }

    // Q x takes the blocks from the last to the first, Q^H x from the first to the last.
    static Tensor Reflect(Tensor v, Tensor x, bool transpose)
    {
        var r = v.Shape[^1];
        var blocks = (r + BlockSize - 1) / BlockSize;
        if (blocks == 0)
            return x.Expand([.. Shape.Broadcast(v.Shape[..^2], x.Shape[..^2], "HouseholderApply").Concat(x.Shape[^2..].Span).Span]);
        var given = x;
        for (var k = 0; k < blocks; k++)
        {
            var first = (transpose ? k : blocks - 1 - k) * BlockSize;
            var y = ReflectBlock(v.Narrow(-1, first, Math.Min(BlockSize, r - first)), x, transpose);
            if (x != given && !y.WantsGrad)
                x.Dispose();
            x = y;
        }
        return x;
    }

    static Tensor ReflectBlock(Tensor v, Tensor x, bool transpose)
    {
        var t = Triangle(v);
        var inner = (transpose ? t.H : t).MatMul(v.H.MatMul(x));
        var y = x.Addmm(v, inner, alpha: -1);
        // Held by no graph: back to the pool at once rather than with the garbage.
        if (!y.WantsGrad)
            inner.Dispose();
        return y;
    }

    // The first r columns of the product for lower trapezoidal v [..., d, r], from the last block up: a block leaves the rows and columns before it
    // alone, so that what it is applied to is [[I, 0], [0, y]] with the product y of those after it.
    static Tensor Trapezoidal(Tensor v)
    {
        var (d, r) = (v.Shape[^2], v.Shape[^1]);
        var lead = v.Shape[..^2];
        // What no graph holds is changed where it lies, by all blocks.
        var result = v.WantsGrad || r <= BlockSize ? null : Tensor.Eye(d, r, v.DType, v.Device).Expand([.. lead.Concat([d, r]).Span]).Clone();
        Tensor? y = null;
        for (var first = (r - 1) / BlockSize * BlockSize; first >= 0; first -= BlockSize)
        {
            var width = Math.Min(BlockSize, r - first);
            var block = v.Narrow(-2, first, d - first).Narrow(-1, first, width);
            var t = Triangle(block);
            var inner = t.MatMul(block.Narrow(-2, 0, width).H);
            if (y is not null)
                inner = Tensor.Concat([inner, t.MatMul(block.Narrow(-2, width, d - first - width).H.MatMul(y))], -1);
            var place = result?.Narrow(-2, first, d - first).Narrow(-1, first, r - first);
            var changed = (place ?? Bordered(y, width, d - first, v)).Addmm(block, inner, alpha: -1);
            if (place is not null)
            {
                Copy.Into(place, changed);
                changed.Dispose();
            }
            y = place ?? changed;
        }
        return result ?? y!;
    }

    // [[I, 0], [0, y]] with that many columns before y and that many rows in all.
    static Tensor Bordered(Tensor? y, int width, int rows, Tensor like)
    {
        var lead = like.Shape[..^2];
        var border = Tensor.Eye(rows, width, like.DType, like.Device).Expand([.. lead.Concat([rows, width]).Span]);
        if (y is null)
            return border;
        var above = Tensor.Zeros(lead.Concat([width, y.Shape[^1]]), like.DType, like.Device);
        return Tensor.Concat([border, Tensor.Concat([above, y], -2)], -1);
    }

    // T with H(v_1) ... H(v_r) = I - V T V^H, the inverse of S. Columns that are no reflections get 1 on the diagonal of S, so that it can be
    // inverted, and zeros in T, so that they change nothing and no gradient reaches them.
    static Tensor Triangle(Tensor v)
    {
        var r = v.Shape[^1];
        var real = v.DType.RealType;
        var gram = MatMulOps.Product("Gram", v.H, v, isHermitian: true);
        var live = 1 - gram.Detach().Diagonal().Real().Less(Tensor.Full([], ZeroColumn, real, v.Device)).To(real);
        var both = live.Unsqueeze(-1) * live.Unsqueeze(-2);
        var eye = Tensor.Eye(r, dtype: real, device: v.Device);
        var s = gram * (both * HalfDiagonal(r, v)) + (1 - live).Unsqueeze(-1) * eye;
        return s.TriangularSolve(Tensor.Eye(r, dtype: v.DType, device: v.Device), upper: true) * both;
    }

    // 1/2 on the diagonal, 1 above, 0 below.
    static Tensor HalfDiagonal(int r, Tensor like)
        => Tensor.Ones([r, r], like.DType.RealType, like.Device).Triu() - Tensor.Eye(r, dtype: like.DType.RealType, device: like.Device) * 0.5;
}
