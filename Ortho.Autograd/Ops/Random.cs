using Ortho.Kernels.Random;
using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Random tensors: the same seed gives the same numbers on every device and number of threads.</summary>
[OpFamily("creation")]
public static class RandomOps
{
    extension(Tensor)
    {
        /// <summary>Uniform in [low, high).</summary>
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
