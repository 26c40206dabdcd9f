using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Fourier;
using Ortho.Kernels.Lanes;
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
        ([300, 16], 1), ([2, 12, 190], 1), ([5, 210], 1), ([3, 1024], 1), ([3, 1025], 1), ([3, 2048], 1), ([2, 2050], 1), ([2, 4096], 1),
        ([2, 4096, 3], 1), ([3, 8192], 1), ([2, 16384], 1), ([7, 2, 3], 1), ([1, 1], 1),
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

    // What no simulator has threads for, at the lengths that it has threads for.
    [Test]
    public void Transforms_in_place_give_the_bits_of_the_host([Values(2, 4, 8, 16, 32, 64, 128)] int n, [Range(0, 2)] int transform, [Values] bool inverse)
    {
        var kind = (TransformKind)transform;
        foreach (var gpu in Devices.Gpus)
        {
            foreach (var (outer, inner) in ((int, int)[])[(5, 1), (2, 3)])
            {
                using var scope = new TensorScope();
                var real = kind == TransformKind.Complex ? n : 2 * n;
                Tensor Real(int length, ulong seed) => Tensor.Normal([outer, length, inner], new Generator(seed));
                var (x, y) = kind switch
                {
                    TransformKind.Complex => (Tensor.Complex(Real(n, 1), Real(n, 2)), Tensor.Zeros([outer, n, inner], DType.Complex64)),
                    TransformKind.RealToComplex => (Real(2 * n, 1), Tensor.Zeros([outer, n + 1, inner], DType.Complex64)),
                    _ => (Tensor.Complex(Real(n + 1, 1), Real(n + 1, 2)), Tensor.Zeros([outer, 2 * n, inner])),
                };
                var expected = kind switch
                {
                    TransformKind.Complex => Fft.Complex("Fft", x, 1, inverse, 0.5),
                    TransformKind.RealToComplex => Fft.RealToComplex("Fft", x, 1, 0.5),
                    _ => Fft.ComplexToReal("Fft", x, real, 1, 0.5),
                };
                var job = new Fft.Job(FftPlan.Of(kind, real), outer, inner, Fft.Source(kind, real, inverse), Fft.Result(kind, real, inverse), 0.5);
                Assert.That(InPlaceFft.Takes(job, ToyFill.Elements), Is.True);
                var (there, obtained) = (x.To(gpu), y.To(gpu));
                InPlaceFft.Run<ToyFill, F32, Complex64, Complex64Cell, float, SingleCell>(gpu, job, there, obtained);
                Assert.That(Bits(obtained), Is.EqualTo(Bits(expected)), $"{gpu}: {kind} of {n}, {outer} x {inner}");
            }
        }
    }

    [Test]
    public void Only_powers_of_two_that_fit_are_transformed_in_place()
    {
        static bool Takes(TransformKind kind, int n)
            => InPlaceFft.Takes(new(FftPlan.Of(kind, n), 1, 1, Fft.Source(kind, n, false), Fft.Result(kind, n, false), 1), SingleFill.Elements);
        Assert.Multiple(() =>
        {
            Assert.That(Takes(TransformKind.Complex, 4096) && Takes(TransformKind.RealToComplex, 8192) && Takes(TransformKind.ComplexToReal, 8192), Is.True);
            Assert.That(Takes(TransformKind.Complex, 8192) || Takes(TransformKind.RealToComplex, 16384) || Takes(TransformKind.ComplexToReal, 16384), Is.False);
            Assert.That(Takes(TransformKind.Complex, 3072) || Takes(TransformKind.Complex, 4093) || Takes(TransformKind.RealToComplex, 4095), Is.False);
        });
    }

    static long[] Bits(Tensor x)
    {
        if (x.DType.IsComplex)
            x = Tensor.Stack([x.Real(), x.Imag()], 0);
        return x.DType == DType.Float32 ? [.. x.ToArray<float>().Select(number => (long)BitConverter.SingleToInt32Bits(number))] : [.. x.ToArray<double>().Select(BitConverter.DoubleToInt64Bits)];
    }
}
