using System.Numerics;
using System.Runtime.Intrinsics;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Fourier;
using Ortho.Kernels.Gpu;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Fourier;

/// <summary>Transforms against the defining sum in float64, and against each other on every width, layout and device.</summary>
[Category("Kernels")]
public sealed class FourierTests
{
    static readonly int[] Lengths = [.. Enumerable.Range(1, 33), 37, 49, 64, 74, 97, 100, 121, 128, 194, 243, 257, 360, 625, 1000, 1024];

    static readonly DType[] RealTypes = [DType.Float32, DType.Float64];

    // A butterfly of r inputs errs by about one rounding of its result; log2(n) of them follow each other, and Bluestein runs through three
    // transforms. The norm of the error is then near eps sqrt(log2 n) of the result's; twice eps (2 + log2 n) covers all lengths.
    static double Tolerance(DType dtype, int n) => (dtype.RealType == DType.Float32 ? 1.2e-7 : 1e-15) * (2 + Math.Log2(n));

    internal static Tensor Random(Shape shape, DType dtype, int seed)
    {
        var random = new Random(seed);
        double Next() => random.NextDouble() * 2 - 1;
        var count = (int)shape.ElementCount;
        return dtype switch
        {
            DType.Float32 => Tensor.From(Enumerable.Range(0, count).Select(_ => (float)Next()).ToArray(), shape),
            DType.Float64 => Tensor.From(Enumerable.Range(0, count).Select(_ => Next()).ToArray(), shape),
            DType.Complex64 => Tensor.From(Enumerable.Range(0, count).Select(_ => new Complex64((float)Next(), (float)Next())).ToArray(), shape),
            _ => Tensor.From(Enumerable.Range(0, count).Select(_ => new Complex(Next(), Next())).ToArray(), shape),
        };
    }

    internal static Complex[] Values(Tensor x) => x.DType switch
    {
        DType.Float32 => [.. x.ToArray<float>().Select(v => new Complex(v, 0))],
        DType.Float64 => [.. x.ToArray<double>().Select(v => new Complex(v, 0))],
        DType.Complex64 => [.. x.ToArray<Complex64>().Select(v => (Complex)v)],
        _ => x.ToArray<Complex>(),
    };

    static byte[] Bits(Tensor x)
    {
        var dense = x.Contiguous();
        var bytes = new byte[dense.ElementCount * dense.DType.Size];
        dense.Device.Download(dense.Storage.Block, dense.Layout.Offset * dense.DType.Size, bytes);
        return bytes;
    }

    internal static double RelativeError(Complex[] actual, Complex[] expected)
    {
        Assert.That(actual, Has.Length.EqualTo(expected.Length));
        var (error, norm) = (0.0, 0.0);
        for (var i = 0; i < actual.Length; i++)
        {
            error += Square(actual[i] - expected[i]);
            norm += Square(expected[i]);
        }
        return Math.Sqrt(error) / Math.Max(1e-300, Math.Sqrt(norm));

        static double Square(Complex x) => x.Real * x.Real + x.Imaginary * x.Imaginary;
    }

    // Angles are reduced in integers, so that the sum's own error is that of its additions.
    static Complex[] DftSum(Complex[] rows, int n, int sign)
    {
        var roots = Enumerable.Range(0, n).Select(k => Complex.FromPolarCoordinates(1, sign * 2 * Math.PI * k / n)).ToArray();
        var result = new Complex[rows.Length];
        for (var start = 0; start < rows.Length; start += n)
        {
            for (var k = 0; k < n; k++)
            {
                var sum = Complex.Zero;
                for (var j = 0; j < n; j++)
                    sum += rows[start + j] * roots[(long)j * k % n];
                result[start + k] = sum;
            }
        }
        return result;
    }

    static Complex[] HalfRows(Complex[] rows, int n) => [.. rows.Where((_, i) => i % n <= n / 2)];

    [TestCaseSource(nameof(Lengths))]
    public void Every_length_equals_the_sum_that_defines_it(int n)
    {
        foreach (var real in RealTypes)
        {
            var x = Random([3, n], real.ComplexType, n);
            Assert.That(RelativeError(Values(x.Fft()), DftSum(Values(x), n, -1)), Is.LessThan(Tolerance(real, n)), $"forward, {real}");
            var inverse = DftSum(Values(x), n, +1).Select(v => v / n).ToArray();
            Assert.That(RelativeError(Values(x.Ifft()), inverse), Is.LessThan(Tolerance(real, n)), $"inverse, {real}");
            Assert.That(RelativeError(Values(x.Fft().Ifft()), Values(x)), Is.LessThan(2 * Tolerance(real, n)), $"there and back, {real}");
        }
    }

    [TestCaseSource(nameof(Lengths))]
    public void Real_transforms_are_half_of_complex_ones(int n)
    {
        foreach (var real in RealTypes)
        {
            var x = Random([3, n], real, n);
            var spectrum = x.Rfft();
            Assert.That(spectrum.Shape, Is.EqualTo(Shape.Create([3, n / 2 + 1])));
            Assert.That(RelativeError(Values(spectrum), HalfRows(DftSum(Values(x), n, -1), n)), Is.LessThan(Tolerance(real, n)), $"{real}");
            Assert.That(RelativeError(Values(spectrum.Irfft(n)), Values(x)), Is.LessThan(2 * Tolerance(real, n)), $"there and back, {real}");

            // A spectrum that no real signal has: the imaginary parts of the self-conjugate bins are ignored.
            var any = Random([3, n / 2 + 1], real.ComplexType, n + 1);
            var full = new Complex[3 * n];
            for (var i = 0; i < full.Length; i++)
            {
                var k = i % n;
                var bin = Values(any)[i / n * (n / 2 + 1) + Math.Min(k, n - k)];
                full[i] = k == 0 || 2 * k == n ? bin.Real : k <= n / 2 ? bin : Complex.Conjugate(bin);
            }
            var expected = DftSum(full, n, +1).Select(v => v / n).ToArray();
            Assert.That(RelativeError(Values(any.Irfft(n)), expected), Is.LessThan(Tolerance(real, n)), $"any spectrum, {real}");
        }
    }

    // NumPy 1.24 on x_j = sin(j^2 + 1) + i cos(3 j): fft of x at some bins, rfft of Re x, irfft of the first n/2 + 1 of x at some places.
    [Test]
    public void Values_are_those_of_numpy()
    {
        Check(6, [new(0.048983984681115866, 0.14321357403891444), new(3.082864192344809, 0.0050563842840918305), new(-2.2066855481507126, 5.464834916726801), new(3.280297642897703, 0.263499484643138)],
            [new(0.04898398468111598, 0), new(3.1815809176212557, -0.12922155017952386), new(-2.2066855481507135, 0)],
            [0.033032696373935536, 0.5508945633356016, 0.5336767023930937]);
        Check(37, [new(4.923779832700375, 0.7206173938877661), new(2.862353394777638, 0.7092906006950792), new(8.90089985176141, 5.828492027627698), new(2.9908865704881853, 0.7314978021629441)],
            [new(4.923779832700375, 0), new(2.9266199826329116, -0.01110360073393224), new(-1.046392916349972, -4.447031567338537)],
            [0.08082922903618078, -0.04526764920995286, -0.05005534906196506]);

        static void Check(int n, Complex[] full, Complex[] half, Complex[] inverse)
        {
            var x = Tensor.From([.. Enumerable.Range(0, n).Select(j => new Complex(Math.Sin((double)j * j + 1), Math.Cos(3.0 * j)))], [n]);
            var (forward, real, back) = (Values(x.Fft()), Values(x.Real().Rfft()), Values(x.Narrow(0, 0, n / 2 + 1).Irfft(n)));
            Assert.That(RelativeError([forward[0], forward[1], forward[n / 2], forward[n - 1]], full), Is.LessThan(1e-14));
            Assert.That(RelativeError([real[0], real[1], real[n / 2]], half), Is.LessThan(1e-14));
            Assert.That(RelativeError([back[0], back[1], back[n - 1]], inverse), Is.LessThan(1e-14));
        }
    }

    [Test]
    public void Energy_is_kept()
    {
        foreach (var n in (int[])[1, 2, 15, 64, 97, 360])
        {
            var x = Random([5, n], DType.Complex128, n);
            double Energy(Tensor t) => Values(t).Sum(v => v.Magnitude * v.Magnitude);
            Assert.That(Energy(x.Fft()) / n, Is.EqualTo(Energy(x)).Within(1e-13 * Energy(x)));
        }
    }

    // Vectors hold several signals; a signal's bits depend neither on its neighbours nor on the width it happens to be run with.
    [Test]
    public void A_signal_has_the_same_bits_in_every_batch()
    {
        foreach (var real in RealTypes)
        {
            var width = Vector512.IsHardwareAccelerated ? 64 / real.Size : Vector256.IsHardwareAccelerated ? 32 / real.Size : 16 / real.Size;
            foreach (var n in (int[])[1, 2, 3, 5, 7, 8, 12, 37, 60, 64, 80])
            {
                var (x, z) = (Random([2 * width + 3, n], real, 1), Random([2 * width + 3, n], real.ComplexType, 2));
                foreach (var transform in Transforms(n))
                {
                    var input = transform(x, z);
                    foreach (var batch in (int[])[1, 2, 3, width / 2 + 1, width - 1, width, width + 1, 2 * width + 3])
                    {
                        var together = transform(x.Narrow(0, 0, batch), z.Narrow(0, 0, batch));
                        Assert.That(Bits(together), Is.EqualTo(Bits(input.Narrow(0, 0, batch))), $"n = {n}, {batch} signals, {real}");
                    }
                    Assert.That(Bits(transform(x.Narrow(0, 2, 1), z.Narrow(0, 2, 1))), Is.EqualTo(Bits(input.Narrow(0, 2, 1))), $"n = {n}, alone, {real}");
                }
            }
        }
    }

    static Func<Tensor, Tensor, Tensor>[] Transforms(int n, int axis = -1) =>
    [
        (_, z) => z.Fft(axis),
        (_, z) => z.Ifft(axis),
        (x, _) => x.Rfft(axis),
        (_, z) => z.Narrow(axis, 0, n / 2 + 1).Irfft(n, axis),
    ];

    [Test]
    public void Any_dimension_and_layout_gives_the_bits_of_the_dense_last_one()
    {
        foreach (var real in RealTypes)
        {
            foreach (var (n, inner) in ((int, int)[])[(6, 1), (8, 2), (9, 4), (10, 7), (12, 8), (4, 9), (7, 16), (5, 19), (37, 3)])
            {
                var (x, z) = (Random([3, n, inner], real, n), Random([3, n, inner], real.ComplexType, n + 1));
                var (last, middle) = (Transforms(n), Transforms(n, 1));
                for (var k = 0; k < last.Length; k++)
                {
                    var expected = Bits(last[k](x.Transpose(1, 2).Contiguous(), z.Transpose(1, 2).Contiguous()).Transpose(1, 2));
                    Assert.That(Bits(middle[k](x, z)), Is.EqualTo(expected), $"dimension 1 of [3, {n}, {inner}], transform {k}, {real}");
                    Assert.That(Bits(last[k](x.Transpose(1, 2), z.Transpose(1, 2)).Transpose(1, 2)), Is.EqualTo(expected), $"a view of [3, {n}, {inner}], transform {k}, {real}");
                }
            }
        }
    }

    [Test, Category("Devices")]
    public void Every_device_gives_the_bits_of_the_host()
    {
        foreach (var device in Devices.Gpus)
        {
            foreach (var real in RealTypes)
            {
                foreach (var (n, inner) in (IEnumerable<(int, int)>)
                    [(1, 1), (2, 1), (3, 2), (4, 1), (5, 3), (6, 1), (7, 2), (8, 1), (9, 1), (12, 2), (15, 1), (16, 1), (24, 1), (37, 1), (74, 1),
                     .. device.Kind == DeviceKind.Simulator ? [] : Lengths.Select(n => (n, n % 5 + 1))])
                {
                    var (x, z) = (Random([2, n, inner], real, n), Random([2, n, inner], real.ComplexType, n + 1));
                    foreach (var (transform, k) in Transforms(n, 1).Select((transform, k) => (transform, k)))
                    {
                        var onDevice = transform(x.To(device), z.To(device));
                        Assert.That(onDevice.Device, Is.SameAs(device));
                        Assert.That(Bits(onDevice), Is.EqualTo(Bits(transform(x, z))), $"{device}, [2, {n}, {inner}], transform {k}, {real}");
                    }
                }
            }
        }
    }

    // One image alone, few, whole vectors of them and some left over; small enough to run in one vector, and too large for that.
    [Test]
    public void Two_dimensions_have_the_bits_of_one_after_the_other()
    {
        foreach (var real in RealTypes)
        {
            var small = from size in ((int, int)[])[(1, 6), (4, 4), (5, 7), (3, 1), (8, 9), (12, 32), (37, 6)]
                        from images in (int[])[1, 3, 8, 16, 19, 35]
                        select (size.Item1, size.Item2, images);
            foreach (var (h, w, images) in small.Concat([(96, 300, 3), (300, 35, 2), (260, 520, 2)]))
            {
                var (x, z, half) = (Random([images, h, w], real, h), Random([images, h, w], real.ComplexType, w), Random([images, h, w / 2 + 1], real.ComplexType, 3));
                Assert.That(Bits(x.Rfft2()), Is.EqualTo(Bits(h == 1 ? x.Rfft() : x.Rfft().Fft(-2))), $"real, {images} of {h} x {w}, {real}");
                Assert.That(Bits(z.Fft2()), Is.EqualTo(Bits(z.Fft().Fft(-2))), $"complex, {images} of {h} x {w}, {real}");
                var inverse = Bits(Fft.Complex("Test", Fft.Complex("Test", z, -1, true), -2, true, 1.0 / (h * w)));
                Assert.That(Bits(z.Ifft2()), Is.EqualTo(inverse), $"inverse, {images} of {h} x {w}, {real}");
                inverse = Bits(Fft.ComplexToReal("Test", h == 1 ? half : Fft.Complex("Test", half, -2, true), w, -1, 1.0 / (h * w)));
                Assert.That(Bits(half.Irfft2(h, w)), Is.EqualTo(inverse), $"back to real, {images} of {h} x {w}, {real}");
            }
        }
    }

    [Test]
    public void Two_dimensions_are_one_after_the_other()
    {
        foreach (var (h, w) in ((int, int)[])[(1, 1), (1, 6), (5, 1), (4, 6), (5, 7), (3, 8), (28, 28)])
        {
            var z = Random([2, h, w], DType.Complex128, h);
            var x = z.Real().Contiguous();
            var full = Values(x.Fft2());
            Assert.That(RelativeError(full, Values(x.Fft(-1).Fft(-2))), Is.LessThan(1e-15));
            Assert.That(RelativeError(Values(z.Fft2().Ifft2()), Values(z)), Is.LessThan(1e-14));
            Assert.That(RelativeError(Values(x.Rfft2()), HalfRows(full, w)), Is.LessThan(1e-14));
            Assert.That(RelativeError(Values(x.Rfft2().Irfft2(h, w)), Values(x)), Is.LessThan(1e-14));
        }
    }

    [Test]
    public void Plans_may_be_made_by_several_threads_at_once()
    {
        var x = Random([1, 509], DType.Complex128, 1);
        var results = new byte[16][];
        _ = Parallel.For(0, results.Length, i => results[i] = Bits(x.Narrow(1, 0, 400 + 109 * (i % 2)).Fft()));
        Assert.That(results.Where((_, i) => i % 2 == 0), Is.All.EqualTo(results[0]));
        Assert.That(results.Where((_, i) => i % 2 == 1), Is.All.EqualTo(results[1]));
    }

    [Test]
    public void A_tensor_scope_does_not_free_a_plan()
    {
        var x = Random([1, 6], DType.Complex64, 3).To(GpuDevice.Simulator);
        byte[] first;
        using (new TensorScope())
            first = Bits(x.Fft());
        Assert.That(Bits(x.Fft()), Is.EqualTo(first));
    }

    [Test]
    public void Nothing_to_transform_gives_nothing()
        => Assert.That(Tensor.Zeros([0, 8], DType.Float32).Rfft().Shape, Is.EqualTo(Shape.Create([0, 5])));

    [Test]
    public void Arguments_that_do_not_fit_are_refused_by_name()
    {
        var z = Random([2, 5], DType.Complex64, 1);
        Refused(() => z.Irfft(7), "Irfft", "n", "8 or 9");
        Refused(() => z.Irfft(10), "Irfft", "n", "8 or 9");
        Refused(() => z.Irfft(0), "Irfft", "n", "8 or 9");
        Refused(() => z.Narrow(1, 0, 1).Irfft(0), "Irfft", "n", "1");
        Refused(() => z.Rfft(), "Rfft", "x", "real");
        Refused(() => Tensor.Arange(4, DType.Int32).Fft(), "Fft", "x", "Int32");
        Refused(() => z.Fft(2), "Fft", "dimension", "-2 to 1");
        Refused(() => Tensor.Zeros([3, 0], DType.Float32).Rfft(), "Rfft", "x", "at least one");
        Refused(() => z.Select(0, 0).Fft2(), "Fft2", "x", "h, w");
        Refused(() => z.Irfft2(2, 6), "Irfft2", "h, w", "w/2 + 1");
        Refused(() => z.Irfft2(3, 8), "Irfft2", "h, w", "w/2 + 1");
    }

    internal static void Refused(Action call, string operation, string argument, string says)
    {
        var error = Assert.Throws<TensorArgumentException>(() => call())!;
        Assert.That((error.Operation, error.Argument), Is.EqualTo((operation, argument)));
        Assert.That(error.Message, Does.Contain(says));
    }
}
