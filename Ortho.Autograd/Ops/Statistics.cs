using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Variances and norms over dimensions: all of them when none are given; negative ones count from the end.</summary>
/// <remarks>Half-precision tensors are reduced in Float32, and the result is rounded once.</remarks>
[OpFamily("reduction")]
public static class StatisticsOps
{
    extension(Tensor x)
    {
        /// <summary>Variance and mean over some dimensions: the squared distances from the mean, summed and divided by n -
        /// correction.</summary>
        /// <param name="dimensions">The dimensions.</param>
        /// <param name="correction">1 for the unbiased estimate, 0 for the mean of the squared distances. NaN unless n exceeds it.</param>
        /// <param name="keepDimensions">Whether they stay, with extent 1.</param>
        /// <returns>The variance, which is real, and the mean.</returns>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public (Tensor Variance, Tensor Mean) VarMean(int[]? dimensions = null, double correction = 1, bool keepDimensions = false)
            => Moments("VarMean", x, dimensions, correction, keepDimensions);

        /// <summary>The variance of <c>VarMean</c>.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Var(int[]? dimensions = null, double correction = 1, bool keepDimensions = false)
            => Moments("Var", x, dimensions, correction, keepDimensions).Variance;

        /// <summary>The square root of the variance of <c>VarMean</c>; where it is 0 its gradient is 0.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Std(int[]? dimensions = null, double correction = 1, bool keepDimensions = false)
            => x.IsHalf
                ? x.Wide.Std(dimensions, correction, keepDimensions).To(x.DType)
                : Root(Moments("Std", x, dimensions, correction, keepDimensions).Variance);

        /// <summary>Euclidean norm over some dimensions; a real number also of complex elements. Its gradient at 0 is 0.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Norm(int[]? dimensions = null, bool keepDimensions = false)
            => ReductionOps.RequireFloating("Norm", x).IsHalf
                ? x.Wide.Norm(dimensions, keepDimensions).To(x.DType)
                : Root(Squares(x).Sum(ReductionOps.Axes("Norm", x, dimensions), keepDimensions));

        /// <summary>The norm (sum |x|^p)^(1/p) over some dimensions; a real number also of complex elements. Its gradient at 0 is
        /// 0.</summary>
        /// <param name="p">Infinity for the largest |x|, minus infinity for the smallest, 0 for the number of elements that are not
        /// 0.</param>
        /// <param name="dimensions">The dimensions.</param>
        /// <param name="keepDimensions">Whether they stay, with extent 1.</param>
        /// <exception cref="TensorArgumentException">p is NaN, or infinite and there is no element.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Norm(double p, int[]? dimensions = null, bool keepDimensions = false)
        {
            if (double.IsNaN(p))
                throw new TensorArgumentException("Norm", nameof(p), "NaN", "a number or an infinity");
            if (ReductionOps.RequireFloating("Norm", x).IsHalf)
                return x.Wide.Norm(p, dimensions, keepDimensions).To(x.DType);
            dimensions = ReductionOps.Axes("Norm", x, dimensions);
            switch (p)
            {
                case 0: return x.CountNonzero(dimensions, keepDimensions).To(x.DType.RealType);
                case 1: return x.Abs().Sum(dimensions, keepDimensions);
                case 2: return x.Norm(dimensions, keepDimensions);
                case double.PositiveInfinity: return x.Abs().Max(dimensions, keepDimensions);
                case double.NegativeInfinity: return x.Abs().Min(dimensions, keepDimensions);
            }
            return Power(Power(x.Abs(), p).Sum(dimensions, keepDimensions), 1 / p);
        }
    }

    static (Tensor Variance, Tensor Mean) Moments(string operation, Tensor x, int[]? dimensions, double correction, bool keepDimensions)
    {
        ReductionOps.RequireFloating(operation, x);
        if (x.IsHalf)
        {
            var (wideVariance, wideMean) = Moments(operation, x.Wide, dimensions, correction, keepDimensions);
            return (wideVariance.To(x.DType), wideMean.To(x.DType));
        }
        var count = ReductionOps.CountOf(operation, x, dimensions) - correction;
        var mean = x.Mean(dimensions, keepDimensions: true);
        // Two passes: the distances are exact where a sum of squares minus a square would cancel.
        var variance = Squares(x - mean).Sum(dimensions, keepDimensions) * (count > 0 ? 1 / count : double.NaN);
        return (variance, keepDimensions ? mean : mean.Reshape([.. variance.Shape.Span]));
    }

    static Tensor Squares(Tensor x) => x.DType.IsComplex ? x.Real().Square() + x.Imag().Square() : x.Square();

    static Tensor Root(Tensor x) => AwayFromZero(x, y => y.Sqrt(), x);

    // x^p of numbers that are not negative; 0^p is infinite for negative p.
    static Tensor Power(Tensor x, double p)
        => AwayFromZero(x, y => y.Pow(p), p > 0 ? x : Tensor.Full([], double.PositiveInfinity, x.DType, x.Device));

    // f of the elements that are not 0. In the place of zeros it is taken of 1 and discarded, so that no 0 * infinity arises in the
    // gradient.
    static Tensor AwayFromZero(Tensor x, Func<Tensor, Tensor> f, Tensor atZero)
    {
        var isZero = x.EqualTo(0);
        return Tensor.Where(isZero, atZero, f(Tensor.Where(isZero, Tensor.Ones([], x.DType, x.Device), x)));
    }
}
