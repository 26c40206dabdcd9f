using System.Runtime.InteropServices;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Convolution;
using Ortho.Kernels.Gpu;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Gpu;

/// <summary>Convolutions by register tiles on devices: the bits of the CPU's in all three maps, at the edges of images, tiles, panels and
/// chains.</summary>
[TestFixture, Category("Devices")]
public class TiledConvolutionTests
{
    /// <summary>Images, kernel, stride, padding, dilation, groups.</summary>
    public sealed record Case(int[] Images, int[] Kernel, int Stride = 1, int Padding = 1, int Dilation = 1, int Groups = 1)
    {
        public override string ToString()
            => $"{string.Join(" x ", Images)} by {string.Join(" x ", Kernel)}, stride {Stride}, padding {Padding}, dilation {Dilation}, groups {Groups}";
    }

    // What the simulator does in moments: several chains, strides that leave taps out, rows longer than a chain, more than one segment.
    static readonly Case[] small =
    [
        new([1, 23, 5, 7], [20, 23, 3, 3]),
        new([2, 17, 5, 7], [16, 17, 3, 3], Stride: 2),
        new([1, 17, 6, 7], [17, 17, 3, 2], Dilation: 2),
        new([2, 34, 5, 5], [36, 17, 3, 3], Stride: 2, Padding: 2, Groups: 2),
        new([3, 33, 4, 5], [33, 33, 1, 1], Padding: 0),
        new([1, 16, 1, 270], [16, 16, 1, 2], Padding: 0),
        new([2, 16, 7, 7], [16, 16, 2, 3], Stride: 3),
    ];

    // What a device needs for its large tiles (the fourth) and its small ones.
    static readonly Case[] large =
    [
        new([2, 70, 40, 40], [72, 70, 3, 3]),
        new([1, 3, 100, 90], [65, 3, 7, 7], Stride: 2, Padding: 3),
        new([3, 300, 20, 17], [130, 300, 1, 1], Padding: 0),
        new([16, 68, 33, 40], [80, 68, 3, 3]),
        new([4, 64, 30, 33], [96, 32, 3, 3], Stride: 2, Padding: 2, Dilation: 2, Groups: 2),
        new([1, 50, 3, 1001], [32, 50, 3, 5], Padding: 2),
        new([5, 130, 7, 7], [66, 130, 3, 3]),
    ];

    static IEnumerable<TestCaseData> Cases
        => from index in Enumerable.Range(0, small.Length) from dtype in (DType[])[DType.Float32, DType.Float64] select new TestCaseData(index, dtype);

    static Tensor Sample(int[] shape, DType dtype, ulong seed) => Tensor.Normal([.. shape], new Generator(seed), dtype: dtype);

    // The convolution with its bias, and the gradients of the images and of the kernel.
    static Tensor[] Results(Case x, DType dtype, Device device)
    {
        var images = Sample(x.Images, dtype, 1).To(device).RequiresGrad();
        var kernel = Sample(x.Kernel, dtype, 2).To(device).RequiresGrad();
        var bias = Sample([x.Kernel[0]], dtype, 3).To(device);
        var y = images.Conv2d(kernel, bias, x.Stride, x.Padding, dilation: x.Dilation, groups: x.Groups);
        return [y.Detach(), .. Graph.Gradients([y], [images, kernel], [Sample([.. y.Shape], dtype, 4).To(device)])];
    }

    static byte[] Bits(Tensor x)
        => x.DType == DType.Float32 ? MemoryMarshal.AsBytes<float>(x.ToArray<float>()).ToArray() : MemoryMarshal.AsBytes<double>(x.ToArray<double>()).ToArray();

    [TestCaseSource(nameof(Cases))]
    public void All_three_maps_have_the_bits_of_the_cpu(int index, DType dtype)
    {
        foreach (var gpu in Devices.Gpus)
        {
            var x = (gpu.Kind == DeviceKind.Simulator ? small : large)[index];
            using var scope = new TensorScope();
            foreach (var (got, expected) in Results(x, dtype, gpu).Zip(Results(x, dtype, Device.Cpu)))
                Assert.That(Bits(got).AsSpan().SequenceEqual(Bits(expected)), $"{gpu}: {x}, {got.Shape}");
        }
    }

    [Test]
    public void Transposed_convolutions_have_the_bits_of_the_cpu_and_places_that_no_tap_meets_have_the_bias()
    {
        foreach (var gpu in Devices.Gpus)
        {
            var (batch, channels) = gpu.Kind == DeviceKind.Simulator ? (1, 16) : (8, 70);
            using var scope = new TensorScope();
            Tensor Result(Device device) => Sample([batch, 18, 5, 6], DType.Float32, 1).To(device)
                .ConvTranspose2d(Sample([18, channels, 2, 2], DType.Float32, 2).To(device), Sample([channels], DType.Float32, 3).To(device), stride: 3);
            Assert.That(Bits(Result(gpu)).AsSpan().SequenceEqual(Bits(Result(Device.Cpu))), $"{gpu}");
        }
    }

    [Test]
    public void Zeros_beyond_the_edge_meet_infinite_weights_and_zeros_of_the_padding_do_not()
    {
        foreach (var gpu in Devices.Gpus)
        {
            using var scope = new TensorScope();
            // 17 channels: chains of 153 steps, which fill no panel. Products of -2^-100 and 2^-60 are rounded to -0, which +0 would change.
            Tensor Negative(Device device) => Tensor.Full([1, 17, 6, 6], -Math.ScaleB(1, -100), device: device)
                .Conv2d(Tensor.Full([16, 17, 3, 3], Math.ScaleB(1, -60), device: device));
            Tensor Infinite(Device device) => Tensor.Ones([1, 17, 6, 6], device: device)
                .Conv2d(Tensor.Full([16, 17, 3, 3], double.PositiveInfinity, device: device), padding: 1);
            Assert.That(Bits(Negative(gpu)).AsSpan().SequenceEqual(Bits(Negative(Device.Cpu))), $"{gpu}");
            Assert.That(Negative(gpu).ToArray<float>().All(float.IsNegative), $"{gpu}");
            var infinite = Infinite(gpu).ToArray<float>();
            Assert.That(infinite, Is.EqualTo(Infinite(Device.Cpu).ToArray<float>()), $"{gpu}");
            Assert.That(infinite[0], Is.NaN, "infinity times the zero beyond the corner");
            Assert.That(infinite[7], Is.EqualTo(float.PositiveInfinity));
        }
    }

    [Test]
    public void Tiles_are_taken_where_they_are_not_mostly_empty()
    {
        static ConvolutionAxis Axis(Case x, int dimension)
            => new(x.Images[dimension], x.Kernel[dimension], x.Images[dimension], x.Stride, x.Padding, x.Dilation);
        static bool Takes(Case x, int lines, long width)
            => TiledConvolution.Takes(new(x.Images[0], x.Groups, x.Kernel[1], x.Kernel[0] / x.Groups, Axis(x, 2), Axis(x, 3)), lines, width);
        foreach (var x in small.Concat(large))
            Assert.That(Takes(x, x.Kernel[0] / x.Groups, (long)x.Images[0] * x.Images[2] * x.Images[3]), $"{x}");
        var depthwise = new Case([8, 32, 16, 16], [32, 1, 3, 3], Groups: 32);
        Assert.That(Takes(depthwise, 1, 2048), Is.False, "one channel for each group");
        Assert.That(Takes(new Case([8, 32, 1, 400], [32, 32, 1, 64]), 32, 3200), Is.False, "more rows and columns of the kernel than bits");
    }
}
