using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;
using static Ortho.Tests.Fourier.FourierTests;

namespace Ortho.Tests.Fourier;

/// <summary>Circular convolution through the Fourier domain against the direct sum.</summary>
[Category("Kernels")]
public sealed class CircularConvolutionTests
{
    // y[b, m, p] = sum over c, t of K[m, c, t] x[b, c, (p + t - r) mod n], r = floor(k/2).
    static double[] DirectSum(Tensor x, Tensor kernel)
    {
        var (xs, ks) = (Values(x), Values(kernel));
        var (batch, channels, h, w) = (x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]);
        var (outputs, kh, kw) = (kernel.Shape[0], kernel.Shape[2], kernel.Shape[3]);
        var y = new double[batch * outputs * h * w];
        for (var i = 0; i < y.Length; i++)
        {
            var (column, row, m, b) = (i % w, i / w % h, i / (w * h) % outputs, i / (w * h * outputs));
            for (var c = 0; c < channels; c++)
            {
                for (var t = 0; t < kh * kw; t++)
                {
                    var from = (row + t / kw - kh / 2 + h) % h * w + (column + t % kw - kw / 2 + w) % w;
                    y[i] += (ks[(m * channels + c) * kh * kw + t] * xs[(b * channels + c) * h * w + from]).Real;
                }
            }
        }
        return y;
    }

    [Test]
    public void Two_dimensions_equal_the_direct_sum()
    {
        foreach (var (h, w, kh, kw) in ((int, int, int, int)[])[(1, 1, 1, 1), (4, 4, 3, 3), (5, 5, 3, 3), (6, 4, 2, 3), (5, 8, 4, 2), (5, 5, 5, 5), (4, 6, 4, 6), (7, 3, 1, 3)])
        {
            foreach (var (dtype, tolerance) in ((DType, double)[])[(DType.Float32, 1e-6), (DType.Float64, 2e-15)])
            {
                var (x, kernel) = (Random([3, 2, h, w], dtype, h), Random([4, 2, kh, kw], dtype, w));
                var y = x.CircularConv2d(kernel);
                Assert.That(y.Shape, Is.EqualTo(Shape.Create([3, 4, h, w])));
                var expected = DirectSum(x, kernel).Select(v => new System.Numerics.Complex(v, 0)).ToArray();
                Assert.That(RelativeError(Values(y), expected), Is.LessThan(tolerance), $"{h} x {w}, kernel {kh} x {kw}, {dtype}");
            }
        }
    }

    [Test]
    public void One_dimension_is_an_image_of_one_row()
    {
        foreach (var (n, k) in ((int, int)[])[(1, 1), (5, 3), (6, 3), (6, 2), (7, 4), (8, 8), (9, 9), (37, 5)])
        {
            var (x, kernel) = (Random([2, 3, n], DType.Float64, n), Random([2, 3, k], DType.Float64, k));
            var expected = DirectSum(x.Unsqueeze(2), kernel.Unsqueeze(2)).Select(v => new System.Numerics.Complex(v, 0)).ToArray();
            Assert.That(RelativeError(Values(x.CircularConv1d(kernel)), expected), Is.LessThan(2e-15), $"n = {n}, k = {k}");
        }
    }

    [Test]
    public void The_symbol_holds_the_spectrum_of_the_layer()
    {
        // The operator's squared Frobenius norm: by its taps, and by the symbol with conjugate bins counted twice.
        var (kernel, h, w) = (Random([3, 2, 3, 2], DType.Float64, 4), 4, 6);
        var symbol = Values(Tensor.ConvolutionSymbol(kernel, h, w));
        var taps = h * w * Values(kernel).Sum(v => v.Real * v.Real);
        var total = symbol.Select((v, i) => v.Magnitude * v.Magnitude * (i / 6 % 4 is 0 or 3 ? 1 : 2)).Sum();
        Assert.That(total, Is.EqualTo(taps).Within(1e-13 * taps));
        // A single tap at the centre is the identity: its symbol is 1 everywhere.
        var identity = Tensor.From<double>([0, 0, 0, 0, 1, 0, 0, 0, 0], [1, 1, 3, 3]);
        Assert.That(RelativeError(Values(Tensor.ConvolutionSymbol(identity, 5, 4)), [.. Enumerable.Repeat(System.Numerics.Complex.One, 15)]), Is.LessThan(1e-15));
    }

    // Products run on vectors of images or of channels, and on what is left of them: neither counts.
    [Test]
    public void An_image_has_the_same_bits_in_every_batch()
    {
        foreach (var dtype in (DType[])[DType.Float32, DType.Float64])
        {
            var (x, kernel) = (Random([35, 3, 4, 5], dtype, 1), Random([6, 3, 3, 2], dtype, 2));
            var (signals, taps) = (x.Reshape(35, 3, 20), Random([3, 7], dtype, 3));
            var (y, z) = (Values(x.CircularConv2d(kernel)), Values(signals.CausalConv1d(taps)));
            foreach (var (first, count) in ((int, int)[])[(0, 1), (5, 4), (3, 17), (1, 31)])
            {
                Assert.That(Values(x.Narrow(0, first, count).CircularConv2d(kernel)), Is.EqualTo(y.Skip(first * 120).Take(count * 120)), $"{count} images, {dtype}");
                Assert.That(Values(signals.Narrow(0, first, count).CausalConv1d(taps)), Is.EqualTo(z.Skip(first * 60).Take(count * 60)), $"{count} signals, {dtype}");
            }
        }
    }

    [Test, Category("Devices")]
    public void Every_device_gives_the_bits_of_the_host_in_gradients()
    {
        var (x, kernel, y) = (Random([17, 3, 4, 4], DType.Float32, 1), Random([18, 3, 3, 3], DType.Float32, 2), Random([17, 18, 4, 4], DType.Float32, 3));
        float[][] Gradients(Device device)
        {
            Tensor[] at = [x.To(device).RequiresGrad(), kernel.To(device).RequiresGrad()];
            return [.. Graph.Gradients([at[0].CircularConv2d(at[1])], at, [y.To(device)]).Select(g => g.ToArray<float>())];
        }
        var host = Gradients(Device.Cpu);
        foreach (var device in Devices.Gpus)
            Assert.That(Gradients(device), Is.EqualTo(host), $"{device}");
    }

    [Test]
    public void Sums_over_nothing_are_zero()
    {
        foreach (var device in (Device[])[Device.Cpu, .. Devices.Gpus])
        {
            foreach (var (batch, channels, outputs) in ((int, int, int)[])[(0, 2, 3), (2, 0, 3), (2, 2, 0)])
            {
                Tensor[] at = [Tensor.Ones([batch, channels, 2, 3], device: device).RequiresGrad(), Tensor.Ones([outputs, channels, 1, 2], device: device).RequiresGrad()];
                var y = at[0].CircularConv2d(at[1]);
                Assert.That(y.Shape, Is.EqualTo(Shape.Create([batch, outputs, 2, 3])));
                var gradients = Graph.Gradients([y], at, [Tensor.Ones(y.Shape, y.DType, device)]);
                Assert.That(gradients.Append(y).SelectMany(g => g.ToArray<float>()), Is.All.Zero, $"{batch}, {channels}, {outputs} on {device}");
            }
            var taps = Tensor.Ones([2, 3], device: device).RequiresGrad();
            var none = Tensor.Zeros([0, 2, 4], device: device).CausalConv1d(taps);
            Assert.That(Graph.Gradients([none], [taps], [none.Detach()])[0].ToArray<float>(), Is.All.Zero, $"{device}");
        }
    }

    [Test]
    public void Causal_convolutions_equal_the_direct_sum()
    {
        foreach (var (n, k) in ((int, int)[])[(1, 1), (2, 2), (7, 3), (16, 16), (33, 20), (100, 1)])
        {
            var (x, kernel, mixing) = (Random([2, 3, n], DType.Float64, n), Random([3, k], DType.Float64, k), Random([4, 3, k], DType.Float64, k + 1));
            var (xs, ks, ms) = (Values(x), Values(kernel), Values(mixing));
            System.Numerics.Complex At(int b, int c, int t, Func<int, System.Numerics.Complex> taps)
                => Enumerable.Range(0, Math.Min(k, t + 1)).Aggregate(System.Numerics.Complex.Zero, (sum, s) => sum + taps(s) * xs[(b * 3 + c) * n + t - s]);
            var depthwise = Enumerable.Range(0, 6 * n).Select(i => At(i / n / 3, i / n % 3, i % n, s => ks[i / n % 3 * k + s])).ToArray();
            Assert.That(RelativeError(Values(x.CausalConv1d(kernel)), depthwise), Is.LessThan(2e-15), $"n = {n}, k = {k}");
            var mixed = Enumerable.Range(0, 8 * n).Select(i => Enumerable.Range(0, 3).Aggregate(System.Numerics.Complex.Zero,
                (sum, c) => sum + At(i / n / 4, c, i % n, s => ms[(i / n % 4 * 3 + c) * k + s]))).ToArray();
            Assert.That(RelativeError(Values(x.CausalConv1d(mixing)), mixed), Is.LessThan(2e-15), $"n = {n}, k = {k}, mixing");
        }
    }

    [Test, Category("Devices")]
    public void Every_device_gives_the_bits_of_the_host()
    {
        var (x, kernel) = (Random([2, 2, 4, 5], DType.Float32, 1), Random([2, 2, 3, 3], DType.Float32, 2));
        foreach (var device in Devices.Gpus)
            Assert.That(x.To(device).CircularConv2d(kernel.To(device)).ToArray<float>(), Is.EqualTo(x.CircularConv2d(kernel).ToArray<float>()), $"{device}");
    }

    [Test]
    public void Arguments_that_do_not_fit_are_refused_by_name()
    {
        var (x, kernel) = (Random([1, 2, 4, 4], DType.Float32, 1), Random([3, 2, 3, 3], DType.Float32, 2));
        Refused(() => x.CircularConv2d(Random([3, 2, 5, 3], DType.Float32, 2)), "CircularConv2d", "kernel", "no larger");
        Refused(() => x.CircularConv2d(Random([3, 1, 3, 3], DType.Float32, 2)), "CircularConv2d", "kernel", "2 input channels");
        Refused(() => x.CircularConv2d(kernel.To(DType.Float64)), "CircularConv2d", "kernel", "Float64");
        Refused(() => x.To(DType.Complex64).CircularConv2d(kernel), "CircularConv2d", "x", "real");
        Refused(() => x.Select(0, 0).CircularConv2d(kernel), "CircularConv2d", "x", "B, C, h, w");
        Refused(() => x.Select(0, 0).CircularConv1d(kernel), "CircularConv1d", "kernel", "M, C, k");
        var (signals, taps) = (x.Reshape(1, 2, 16), Random([2, 4], DType.Float32, 2));
        Refused(() => signals.CausalConv1d(Random([2, 17], DType.Float32, 2)), "CausalConv1d", "kernel", "no longer");
        Refused(() => signals.CausalConv1d(Random([3, 4], DType.Float32, 2)), "CausalConv1d", "kernel", "2 input channels");
        Refused(() => signals.CausalConv1d(taps.To(DType.Float64)), "CausalConv1d", "kernel", "Float64");
        Refused(() => signals.CausalConv1d(taps.Select(0, 0)), "CausalConv1d", "kernel", "[C, k] or [M, C, k]");
        Refused(() => x.CausalConv1d(taps), "CausalConv1d", "x", "B, C, n");
        Refused(() => signals.To(DType.Complex64).CausalConv1d(taps), "CausalConv1d", "x", "real");
        Refused(() => Tensor.ConvolutionSymbol(kernel, 2, 4), "ConvolutionSymbol", "kernel", "no larger");
        Refused(() => Tensor.ApplySymbol(Tensor.ConvolutionSymbol(kernel, 4, 6), x), "ApplySymbol", "symbol", "[12, M, 2]");
        Refused(() => Tensor.ApplySymbol(Tensor.ConvolutionSymbol(kernel, 4, 4).To(DType.Complex128), x), "ApplySymbol", "symbol", "Complex64");
    }
}
