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
    }
}
