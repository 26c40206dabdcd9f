using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Regular grids, and tensors like others. The numbers of a grid are computed on the host in float64, and are therefore the same
/// everywhere.</summary>
[OpFamily("creation")]
public static class CreationOps
{
    extension(Tensor)
    {
        /// <summary>start, start + step, ... before end: ceil((end - start) / step) numbers, element k is start + k step.</summary>
        /// <exception cref="TensorArgumentException">The step is 0 or leads away from the end, or a number is not finite.</exception>
        [Op(Derivative = Derivative.None)]
        public static Tensor Arange(double start, double end, double step, DType dtype = DType.Float32, Device? device = null)
        {
            if (!double.IsFinite(start) || !double.IsFinite(end))
                throw new TensorArgumentException("Arange", nameof(end), $"{end} after {start}", "finite numbers");
            var count = start == end && step != 0 ? 0 : Math.Ceiling((end - start) / step);
            if (!double.IsFinite(step) || !(count >= 0) || count > int.MaxValue)
                throw new TensorArgumentException("Arange", nameof(step), $"{step} from {start} to {end}",
                    $"a step that leads there in 0 to {int.MaxValue} steps");
            return Grid((int)count, k => start + k * step, dtype, device);
        }

        /// <summary>Equally spaced numbers from start to end, both included; a single one is the start.</summary>
        /// <exception cref="TensorArgumentException">The count is negative, or the dtype not floating-point.</exception>
        [Op(Derivative = Derivative.None)]
        public static Tensor Linspace(double start, double end, int count, DType dtype = DType.Float32, Device? device = null)
            => Grid(Checked("Linspace", count, dtype), Line(start, end, count), dtype, device);

        /// <summary>base^x for equally spaced x from start to end, both included. Uses the power function of the operating system's
        /// mathematics library, so the last bit of float64 may differ between systems, though not between devices.</summary>
        /// <exception cref="TensorArgumentException">The count is negative, the base not positive, or the dtype not floating-point.</exception>
        [Op(Derivative = Derivative.None)]
        public static Tensor Logspace(double start, double end, int count, double @base = 10, DType dtype = DType.Float32, Device? device = null)
        {
            if (!(@base > 0))
                throw new TensorArgumentException("Logspace", "base", $"{@base}", "a positive number");
            var exponent = Line(start, end, count);
            return Grid(Checked("Logspace", count, dtype), k => Math.Pow(@base, exponent(k)), dtype, device);
        }
    }

    extension(Tensor x)
    {
        /// <summary>A tensor of the same shape, dtype and device, all elements 0.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor ZerosLike() => x.FullLike(0);

        /// <summary>A tensor of the same shape, dtype and device, all elements 1.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor OnesLike() => x.FullLike(1);

        /// <summary>A tensor of the same shape, dtype and device, all elements the same number.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor FullLike(double value) => Tensor.Full(x.Shape, value, x.DType, x.Device);

        /// <summary>A dense tensor of the same shape, dtype and device, whose elements are not set.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor EmptyLike() => Tensor.Empty(x.Shape, x.DType, x.Device);
    }

    static Tensor Grid(int count, Func<int, double> value, DType dtype, Device? device)
    {
        var numbers = new double[count];
        for (var k = 0; k < count; k++)
            numbers[k] = value(k);
        return Tensor.From(numbers, [count]).To(dtype).To(device ?? Device.Cpu);
    }

    // Counted from both ends: each is met exactly.
    static Func<int, double> Line(double start, double end, int count)
    {
        var step = count > 1 ? (end - start) / (count - 1) : 0;
        return k => 2 * k < count ? start + k * step : end - (count - 1 - k) * step;
    }

    static int Checked(string operation, int count, DType dtype)
        => count < 0 ? throw new TensorArgumentException(operation, nameof(count), $"{count}", "0 or more")
            : !dtype.IsFloatingPoint ? throw new TensorArgumentException(operation, nameof(dtype), $"{dtype}", "a floating-point type")
            : count;
}
