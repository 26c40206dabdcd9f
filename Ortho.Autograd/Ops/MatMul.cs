using Ortho.Kernels.MatMul;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;
using MatMulKernel = Ortho.Kernels.MatMul.MatMul;

namespace Ortho.Autograd;

/// <summary>Matrix products. Integer products are exact, modulo 2^32 or 2^64 where they overflow, and not differentiable.</summary>
[OpFamily("matrix")]
public static class MatMulOps
{
    const Numbers Factors = Numbers.Real | Numbers.Complex | Numbers.Integer;

    extension(Tensor a)
    {
        /// <summary>a [..., rows, inner] times b [..., inner, columns], [..., rows, columns]; leading dimensions broadcast. A vector a [inner]
        /// is one row, a vector b [inner] one column, and the dimension of extent 1 does not appear in the result: NumPy's rule.</summary>
        /// <param name="b">Of a's dtype.</param>
        /// <exception cref="TensorArgumentException">A tensor without dimensions, or shapes, dtypes or devices that do not fit.</exception>
        [Op(Takes = Factors)]
        public Tensor MatMul(Tensor b)
        {
            if (a.Rank == 0 || b.Rank == 0)
                throw new TensorArgumentException("MatMul", a.Rank == 0 ? nameof(a) : nameof(b), $"{(a.Rank == 0 ? a : b).Shape}", "at least one dimension");
            var inner = a.Shape[^1];
            if (b.Shape[b.Rank == 1 ? ^1 : ^2] != inner)
                throw new TensorArgumentException("MatMul", nameof(b), $"{b.Shape} beside a {a.Shape}", b.Rank == 1 ? $"[{inner}]" : $"[..., {inner}, *]");
            if (a.Rank == 1)
                return a.Unsqueeze(0).MatMul(b).Squeeze(b.Rank == 1 ? 0 : -2);
            if (b.Rank == 1)
                return a.MatMul(b.Unsqueeze(1)).Squeeze(-1);
            return Product("MatMul", a, b);
        }

        /// <summary>The same product of Float32 matrices with operands rounded first: faster on the tensor cores of CUDA devices, and never
        /// used unless asked for. Its gradients are of the same precision. Where that is BFloat16 operands may be BFloat16 tensors, which are
        /// read as they are; the result is one when both are.</summary>
        /// <param name="b">[..., inner, columns], Float32 or BFloat16.</param>
        /// <param name="precision">Of the operands; sums are float32.</param>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, another dtype, or shapes or devices that do not fit.</exception>
        [Op]
        public Tensor MatMul(Tensor b, MatMulPrecision precision)
            => Reduced("MatMul", a, b, precision, dtype: a.IsHalf && b.IsHalf ? a.DType : DType.Float32);

        /// <summary>The sum of a_i b_i over two vectors [n], without conjugation.</summary>
        /// <param name="b">A vector of a's length and dtype.</param>
        /// <exception cref="TensorArgumentException">Not two vectors of one length, dtype and device.</exception>
        [Op(Takes = Factors)]
        public Tensor Dot(Tensor b)
        {
            if (a.Rank != 1 || b.Shape != a.Shape)
                throw new TensorArgumentException("Dot", nameof(b), $"{b.Shape} beside a {a.Shape}", "two vectors of one length");
            return a.MatMul(b);
        }

        /// <summary>A matrix [rows, inner] times a vector [inner]: [rows].</summary>
        /// <param name="b">The vector, of a's dtype.</param>
        /// <exception cref="TensorArgumentException">Not a matrix and a vector that fit.</exception>
        [Op(Takes = Factors)]
        public Tensor Mv(Tensor b)
        {
            if (a.Rank != 2 || b.Rank != 1 || a.Shape[1] != b.Shape[0])
                throw new TensorArgumentException("Mv", nameof(b), $"{b.Shape} beside a {a.Shape}", "a matrix [rows, inner] and a vector [inner]");
            return a.MatMul(b);
        }

        /// <summary>a^exponent for square matrices [..., n, n], by repeated squaring; negative powers are those of the inverse.</summary>
        /// <param name="exponent">Any integer; 0 gives the identity.</param>
        /// <exception cref="TensorArgumentException">The matrices are not square, or integers have a negative power.</exception>
        [Op(Takes = Factors)]
        public Tensor MatrixPower(int exponent)
        {
            if (a.Rank < 2 || a.Shape[^1] != a.Shape[^2])
                throw new TensorArgumentException("MatrixPower", nameof(a), $"of shape {a.Shape}", "square matrices [..., n, n]");
            if (exponent < 0 && !a.DType.IsDifferentiable)
                throw new TensorArgumentException("MatrixPower", nameof(exponent), $"{exponent} of {a.DType}", "0 or more: the inverse is not an integer matrix");
            if (a.IsHalf)
                return a.Wide.MatrixPower(exponent).To(a.DType);
            if (exponent == 0)
                return Tensor.Eye(a.Shape[^1], dtype: a.DType, device: a.Device).Expand([.. a.Shape.Span]).Clone();
            var square = exponent < 0 ? a.Inverse() : a;
            Tensor? power = null;
            for (var rest = Math.Abs((long)exponent); rest > 0; rest >>= 1)
            {
                if ((rest & 1) == 1)
                    power = power is null ? square : power.MatMul(square);
                if (rest > 1)
                    square = square.MatMul(square);
            }
            return power!;
        }
    }

    extension(Tensor c)
    {
        /// <summary>beta c + alpha a b for matrices a [..., rows, inner] and b [..., inner, columns], in one pass: beta c is added to alpha
        /// a b by a fused multiply-add where the product is made. Leading dimensions broadcast; c broadcasts to the product's shape: a bias
        /// [columns], a matrix, a batch of them.</summary>
        /// <param name="a">Of this tensor's dtype.</param>
        /// <param name="b">Of this tensor's dtype.</param>
        /// <param name="beta">Factor of this tensor.</param>
        /// <param name="alpha">Factor of the product.</param>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions of a or b, or shapes, dtypes or devices that do not
        /// fit.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Addmm(Tensor a, Tensor b, double beta = 1, double alpha = 1)
        {
            if (!c.DType.IsDifferentiable)
                throw new TensorArgumentException("Addmm", nameof(c), $"{c.DType}", "a floating-point or complex tensor");
            return Product("Addmm", a, b, c, alpha, beta);
        }
    }

    extension(Tensor)
    {
        /// <summary>The product of matrices in the order of association that takes the fewest multiplications. The first may be a vector
        /// [inner], a row, and the last one, a column.</summary>
        /// <param name="factors">At least one matrix [rows, inner], of one dtype, whose inner dimensions fit.</param>
        /// <exception cref="TensorArgumentException">No factors, a factor of another rank, or factors that do not fit.</exception>
        [Op(Takes = Factors)]
        public static Tensor MultiDot(IReadOnlyList<Tensor> factors)
        {
            ArgumentNullException.ThrowIfNull(factors);
            var n = factors.Count;
            if (n == 0)
                throw new TensorArgumentException("MultiDot", nameof(factors), "an empty list", "at least one matrix");
            for (var k = 0; k < n; k++)
            {
                if (factors[k].Rank != 2 && !(factors[k].Rank == 1 && (k == 0 || k == n - 1) && n > 1))
                    throw new TensorArgumentException("MultiDot", nameof(factors), $"factor {k} {factors[k].Shape}", "matrices, but for a vector at either end");
            }
            if (factors[0].IsHalf && factors.All(factor => factor.DType == factors[0].DType))
                return Tensor.MultiDot([.. factors.Select(factor => factor.Wide)]).To(factors[0].DType);
            // Sizes as matrices: factor k is [sizes[k], sizes[k + 1]].
            var rows = factors[0].Rank == 1 ? 1 : factors[0].Shape[0];
            long[] sizes = [rows, .. factors.Select((factor, k) => factor.Rank == 1 && k > 0 ? 1 : factor.Shape[^1])];
            for (var k = 1; k < n; k++)
            {
                if (factors[k].Shape[0] != sizes[k])
                    throw new TensorArgumentException("MultiDot", nameof(factors), $"factor {k} {factors[k].Shape} beside {factors[k - 1].Shape}", $"[{sizes[k]}, *]");
            }
            var splits = Splits(sizes);
            return Product(0, n - 1);

            Tensor Product(int first, int last)
                => first == last ? factors[first] : Product(first, splits[first, last]).MatMul(Product(splits[first, last] + 1, last));
        }
    }

    /// <summary>a b, or alpha a b + beta c, of matrices; see <see cref="MatMulKernel"/>.</summary>
    internal static Tensor Product(string operation, Tensor a, Tensor b, Tensor? c = null, double alpha = 1, double beta = 1, bool isHermitian = false)
        // Gradients of half precision are float32 ones, rounded once.
        => Record(operation, MatMulKernel.Run(operation, a, b, c, alpha, beta, isHermitian), a, b, c, alpha, beta, static (x, y) => x.Wide.MatMul(y.Wide));

    /// <summary>The same with rounded operands; see <see cref="ReducedMatMul"/>.</summary>
    internal static Tensor Reduced(string operation, Tensor a, Tensor b, MatMulPrecision precision, Tensor? c = null, double alpha = 1, double beta = 1, bool isSymmetric = false,
        DType dtype = DType.Float32)
        => Record(operation, Cast.To(ReducedMatMul.Run(operation, a, b, precision, c, alpha, beta, isSymmetric), dtype), a, b, c, alpha, beta, (x, y) => Reduced(operation, x, y, precision));

    static Tensor Record(string operation, Tensor y, Tensor a, Tensor b, Tensor? c, double alpha, double beta, Func<Tensor, Tensor, Tensor> multiply)
    {
        // The product itself is not scaled.
        if (c is null)
            return Graph.Record(operation, y, (a, g => Summed(multiply(g, b.H), 1, a)), (b, g => Summed(multiply(a.H, g), 1, b)));
        return Graph.Record(operation, y, (a, g => Summed(multiply(g, b.H), alpha, a)), (b, g => Summed(multiply(a.H, g), alpha, b)), (c, g => Summed(g.Wide, beta, c)));

        static Tensor Summed(Tensor x, double factor, Tensor like) => (factor == 1 ? x : x * factor).SumTo(like.Shape).To(like.DType);
    }

    // Where the product of factors first .. last is best cut (Cormen et al., section 15.2).
    static int[,] Splits(long[] sizes)
    {
        var n = sizes.Length - 1;
        var (cost, splits) = (new double[n, n], new int[n, n]);
        for (var length = 2; length <= n; length++)
        {
            for (var first = 0; first + length <= n; first++)
            {
                var last = first + length - 1;
                cost[first, last] = double.PositiveInfinity;
                for (var cut = first; cut < last; cut++)
                {
                    var total = cost[first, cut] + cost[cut + 1, last] + (double)sizes[first] * sizes[cut + 1] * sizes[last + 1];
                    if (total < cost[first, last])
                        (cost[first, last], splits[first, last]) = (total, cut);
                }
            }
        }
        return splits;
    }
}
