using Ortho.Kernels.Random;
using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Random tensors: the same seed gives the same numbers on every device and number of threads.</summary>
[OpFamily("creation")]
public static class RandomOps
{
    extension(Tensor)
    {
        /// <summary>Uniform in [low, high); in half precision, rounding may give <paramref name="high"/> itself.</summary>
        /// <exception cref="TensorArgumentException">The dtype is not floating-point.</exception>
        [Op(Derivative = Derivative.None)]
        public static Tensor Uniform(Shape shape, Generator generator, double low = 0, double high = 1, DType dtype = DType.Float32, Device? device = null)
        {
            ArgumentNullException.ThrowIfNull(generator);
            return RandomFill.Run<Uniform>("Uniform", shape, high - low, low, generator, dtype, device ?? Device.Cpu);
        }

        /// <summary>Normal with this mean and standard deviation.</summary>
        /// <exception cref="TensorArgumentException">The dtype is not floating-point.</exception>
        [Op(Derivative = Derivative.None)]
        public static Tensor Normal(Shape shape, Generator generator, double mean = 0, double deviation = 1, DType dtype = DType.Float32, Device? device = null)
        {
            ArgumentNullException.ThrowIfNull(generator);
            return RandomFill.Run<Normal>("Normal", shape, deviation, mean, generator, dtype, device ?? Device.Cpu);
        }

        /// <summary>Normal with this mean and standard deviation, on condition that it lies in [low, high]: the inverse of the distribution
        /// function at uniform numbers, in float64. Intervals that lie more than 8 deviations to one side of the mean are not resolved.</summary>
        /// <exception cref="TensorArgumentException">The dtype is not floating-point, the deviation not positive, or the interval empty.</exception>
        [Op(Derivative = Derivative.None)]
        public static Tensor TruncatedNormal(
            Shape shape, Generator generator, double mean = 0, double deviation = 1, double low = -2, double high = 2, DType dtype = DType.Float32, Device? device = null)
        {
            ArgumentNullException.ThrowIfNull(generator);
            if (!dtype.IsFloatingPoint)
                throw new TensorArgumentException("TruncatedNormal", nameof(dtype), $"{dtype}", "a floating-point type");
            if (!(deviation > 0))
                throw new TensorArgumentException("TruncatedNormal", nameof(deviation), $"{deviation}", "a positive number");
            if (!(low < high))
                throw new TensorArgumentException("TruncatedNormal", nameof(high), $"{high} with low {low}", "low < high");
            var scale = deviation * Math.Sqrt(2);
            var (from, to) = (Erf((low - mean) / scale), Erf((high - mean) / scale));
            return (Tensor.Uniform(shape, generator, from, to, DType.Float64, device).Erfinv() * scale + mean).Clamp(low, high).To(dtype);

            static double Erf(double x) => double.IsInfinity(x) ? Math.Sign(x) : Tensor.Scalar(x).Erf().Item();
        }

        /// <summary>1 with this probability, else 0, of any dtype: the numbers <c>Uniform</c> of float32 that are less than it.</summary>
        /// <exception cref="TensorArgumentException">The probability is not in [0, 1].</exception>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public static Tensor Bernoulli(Shape shape, Generator generator, double probability, DType dtype = DType.Float32, Device? device = null)
            => probability is >= 0 and <= 1
                ? Tensor.Uniform(shape, generator, device: device).Less(probability).To(dtype)
                : throw new TensorArgumentException("Bernoulli", nameof(probability), $"{probability}", "0 to 1");

        /// <summary>Whole numbers in [low, high), all equally likely.</summary>
        /// <exception cref="TensorArgumentException">The dtype is not an integer type or does not hold the range, or the range is empty.</exception>
        [Op(Takes = Numbers.Integer, Derivative = Derivative.None)]
        public static Tensor RandInt(Shape shape, long low, long high, Generator generator, DType dtype = DType.Int64, Device? device = null)
        {
            ArgumentNullException.ThrowIfNull(generator);
            if (dtype is not (DType.Int32 or DType.Int64))
                throw new TensorArgumentException("RandInt", nameof(dtype), $"{dtype}", "Int32 or Int64");
            if (low >= high)
                throw new TensorArgumentException("RandInt", nameof(high), $"{high} with low {low}", "low < high");
            if (dtype == DType.Int32 && (low < int.MinValue || high - 1 > int.MaxValue))
                throw new TensorArgumentException("RandInt", nameof(dtype), $"{dtype} for {low} to {high - 1}", "Int64");
            return RandomIntegers.Run(shape, low, high, generator, device ?? Device.Cpu).To(dtype);
        }

        /// <summary>0, 1, ..., count - 1 in random order, every order equally likely (Fisher and Yates, on the host).</summary>
        /// <exception cref="TensorArgumentException">The count is negative, or the dtype not an integer type.</exception>
        [Op(Takes = Numbers.Integer, Derivative = Derivative.None)]
        public static Tensor Permutation(int count, Generator generator, DType dtype = DType.Int64, Device? device = null)
        {
            ArgumentNullException.ThrowIfNull(generator);
            if (count < 0)
                throw new TensorArgumentException("Permutation", nameof(count), $"{count}", "0 or more");
            if (dtype is not (DType.Int32 or DType.Int64))
                throw new TensorArgumentException("Permutation", nameof(dtype), $"{dtype}", "Int32 or Int64");
            // A stream of its own: how many numbers are rejected is not known before, and the generator moves by blocks that are.
            var block = Philox.Block(generator.Seed, generator.Take(1));
            int[] order = [.. Enumerable.Range(0, count)];
            new PhiloxStream(block.X | ((ulong)block.Y << 32)).Shuffle<int>(order);
            return Tensor.From(order, [count]).To(dtype).To(device ?? Device.Cpu);
        }
    }

    extension(Tensor probabilities)
    {
        /// <summary>1 with the probability given by each element, else 0.</summary>
        /// <exception cref="TensorArgumentException">The probabilities are not floating-point.</exception>
        [Op(Takes = Numbers.Real, Derivative = Derivative.None)]
        public Tensor Bernoulli(Generator generator)
        {
            ArgumentNullException.ThrowIfNull(generator);
            if (!probabilities.DType.IsFloatingPoint)
                throw new TensorArgumentException("Bernoulli", nameof(probabilities), $"{probabilities.DType}", "a floating-point type");
            var wide = probabilities.Detach().To(DTypes.Promote(probabilities.DType, DType.Float32));
            return Tensor.Uniform(wide.Shape, generator, dtype: wide.DType, device: wide.Device).Less(wide).To(probabilities.DType);
        }

        /// <summary>Classes drawn, with replacement, in proportion to the weights in the last dimension: Int64 [..., count]. In float64, by the
        /// largest of log w + Gumbel noise, which takes memory for count times the weights.</summary>
        /// <param name="count">How many from each row.</param>
        /// <param name="generator">The source of random numbers.</param>
        /// <exception cref="TensorArgumentException">The weights are not floating-point or have no last dimension, or the count is negative.</exception>
        [Op(Takes = Numbers.Real, Derivative = Derivative.None)]
        public Tensor Multinomial(int count, Generator generator)
        {
            ArgumentNullException.ThrowIfNull(generator);
            if (!probabilities.DType.IsFloatingPoint || probabilities.Rank == 0 || probabilities.Shape[^1] == 0)
                throw new TensorArgumentException("Multinomial", nameof(probabilities),
                    $"{probabilities.DType} {probabilities.Shape}", "floating-point weights [..., classes]");
            if (count < 0)
                throw new TensorArgumentException("Multinomial", nameof(count), $"{count}", "0 or more");
            var weights = probabilities.Detach().To(DType.Float64).Log().Unsqueeze(-2);
            // Above 0, whose logarithm would win against every weight.
            const double smallest = 1.0 / (1L << 54);
            var shape = probabilities.Shape[..^1].Concat([count, probabilities.Shape[^1]]);
            var uniform = Tensor.Uniform(shape, generator, smallest, 1, DType.Float64, probabilities.Device);
            return (weights - (-uniform.Log()).Log()).ArgMax();
        }
    }

    extension(Tensor)
    {
        /// <summary>Random matrices [..., rows, columns] with orthonormal columns, Q^H Q = I, uniformly distributed (Haar measure); real or complex.</summary>
        /// <param name="shape">Rows are at least columns.</param>
        /// <param name="generator">Source of the normal matrices whose QR decompositions these are, with R's diagonal made positive.
        /// Mezzadri 2007.</param>
        /// <param name="special">Whether the determinant is 1: uniform on the rotations, or on the special unitary group. Square matrices only.</param>
        /// <param name="dtype">Floating-point or complex; BFloat16 and Half are rounded from Float32.</param>
        /// <param name="device">The CPU when null.</param>
        /// <exception cref="TensorArgumentException">Fewer than two dimensions, more columns than rows, special matrices that are not square, or an
        /// unsuitable dtype.</exception>
        [Op(Family = "orthogonal", Takes = Numbers.Real | Numbers.Complex, Derivative = Derivative.None)]
        public static Tensor Haar(Shape shape, Generator generator, bool special = false, DType dtype = DType.Float32, Device? device = null)
        {
            ArgumentNullException.ThrowIfNull(generator);
            if (shape.Rank < 2 || shape[^2] < shape[^1])
                throw new TensorArgumentException("Haar", nameof(shape), $"{shape}", "[..., rows, columns] with rows >= columns");
            if (special && shape[^2] != shape[^1])
                throw new TensorArgumentException("Haar", nameof(special), $"matrices of shape {shape}", "square matrices: others have no determinant");
            if (!dtype.IsDifferentiable)
                throw new TensorArgumentException("Haar", nameof(dtype), $"{dtype}", "a floating-point or complex dtype");
            if (dtype.IsHalfPrecision)
                return Tensor.Haar(shape, generator, special, DType.Float32, device).To(dtype);
            using var pause = Graph.NoGrad();
            var normal = Tensor.Normal(shape, generator, dtype: dtype.RealType, device: device);
            var (q, r) = (dtype.IsComplex ? Tensor.Complex(normal, Tensor.Normal(shape, generator, dtype: dtype.RealType, device: device)) : normal).Qr();
            q *= r.Diagonal().Real().Sign().To(dtype).Unsqueeze(-2);
            if (!special || shape[^1] == 0)
                return q;
            // One column turned by the determinant's phase: the map of the whole group onto those of determinant 1 that keeps its measure.
            var turn = q.SlogDet().Sign.Conj().Unsqueeze(-1).Unsqueeze(-1);
            return Tensor.Concat([q.Narrow(-1, 0, 1) * turn, q.Narrow(-1, 1, shape[^1] - 1)], -1);
        }
    }
}
