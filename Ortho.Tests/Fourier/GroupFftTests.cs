using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Fourier;

/// <summary>Transforms in shared memory where groups hold several signals, the last one fewer, and at the lengths where they end.</summary>
[TestFixture, Category("Devices")]
public class GroupFftTests
{
    // Shape and axis: more signals than one group takes, signals side by side, and lengths around what there is room for.
    static readonly (int[] Shape, int Axis)[] cases =
    [
        ([300, 16], 1), ([2, 12, 190], 1), ([5, 210], 1), ([3, 1024], 1), ([3, 1025], 1), ([3, 2048], 1), ([2, 2050], 1), ([2, 4096], 1), ([7, 2, 3], 1), ([1, 1], 1),
    ];

    [Test]
    public void Every_device_gives_the_bits_of_the_host([Values(DType.Float32, DType.Float64)] DType dtype)
    {
        foreach (var gpu in Devices.Gpus)
        {
            // The simulator's threads are too few for long signals.
            foreach (var (shape, axis) in cases.Where(one => gpu.Kind != DeviceKind.Simulator || one.Shape[one.Axis] < 1000))
            {
                using var scope = new TensorScope();
                var x = Tensor.Normal(shape, new Generator(1), dtype: dtype);
                var z = Tensor.Complex(x, Tensor.Normal(shape, new Generator(2), dtype: dtype));
                foreach (var (name, input, transform) in new (string, Tensor, Func<Tensor, Tensor>)[]
                {
                    ("Fft", z, a => a.Fft(axis)), ("Ifft", z, a => a.Ifft(axis)), ("Rfft", x, a => a.Rfft(axis)), ("Irfft", x.Rfft(axis), a => a.Irfft(shape[axis], axis)),
                })
                    Assert.That(Bits(transform(input.To(gpu))), Is.EqualTo(Bits(transform(input))), $"{gpu}: {name} of {string.Join(" x ", shape)} along {axis}");
            }
        }
    }

    static long[] Bits(Tensor x)
    {
        if (x.DType.IsComplex)
            x = Tensor.Stack([x.Real(), x.Imag()], 0);
        return x.DType == DType.Float32 ? [.. x.ToArray<float>().Select(number => (long)BitConverter.SingleToInt32Bits(number))] : [.. x.ToArray<double>().Select(BitConverter.DoubleToInt64Bits)];
    }
}
