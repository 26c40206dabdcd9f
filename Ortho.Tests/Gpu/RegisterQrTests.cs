using System.Runtime.InteropServices;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Orthogonal;
using Ortho.Tensors;
using Ortho.Tests.Linalg;
using Ortho.Tests.Support;

namespace Ortho.Tests.Gpu;

/// <summary>QR of small matrices with columns in registers: the bits of the CPU's, of any shape, layout and contents.</summary>
[TestFixture, Category("Devices")]
public class RegisterQrTests
{
    // Matrices, rows, columns.
    static readonly int[][] small = [[3, 1, 1], [5, 4, 4], [3, 7, 3], [2, 3, 8], [1, 16, 16], [1, 21, 6], [1, 40, 3], [1, 70, 5]];
    static readonly int[][] large =
    [
        .. small, [70, 3, 3], [40, 8, 8], [9, 13, 16], [9, 16, 11], [17, 32, 32], [3, 32, 4], [5, 31, 17], [2, 18, 32], [3, 30, 100], [3, 64, 64],
        [2, 61, 50], [5, 64, 20], [2, 50, 64], [2, 33, 200], [2, 128, 128], [3, 100, 70], [2, 65, 128], [3, 128, 20], [1, 89, 101], [1, 127, 3],
    ];

    static int[][] Sizes(Device device) => device.Kind == DeviceKind.Simulator ? small : large;

    // Of zeros too, unlike comparing numbers.
    static byte[] Bits(Tensor x) => MemoryMarshal.AsBytes(MatrixSamples.Numbers(x.To(Device.Cpu)).AsSpan()).ToArray();

    static void AssertSame(Tensor x, Device device, string what, Func<Tensor, Tensor>? view = null)
    {
        using var scope = new TensorScope();
        view ??= y => y;
        var ((q, r), (onQ, onR)) = (Qr.Reduced(view(x)), Qr.Reduced(view(x.To(device))));
        Assert.That(Bits(onR), Is.EqualTo(Bits(r)), $"{device}: R of {what}, {x.DType} {x.Shape}");
        Assert.That(Bits(onQ), Is.EqualTo(Bits(q)), $"{device}: Q of {what}, {x.DType} {x.Shape}");
        Assert.That(Bits(Qr.Triangle(view(x.To(device)))), Is.EqualTo(Bits(r)), $"{device}: R alone of {what}, {x.DType} {x.Shape}");
    }

    [Test]
    public void Any_size([Values(DType.Float32, DType.Float64)] DType dtype)
    {
        foreach (var device in Devices.Gpus)
        {
            foreach (var size in Sizes(device))
                AssertSame(MatrixSamples.Random(size, dtype), device, "random matrices");
        }
    }

    [Test]
    public void Columns_of_zeros_of_either_sign_dependent_ones_and_those_that_squares_do_not_hold()
    {
        foreach (var device in Devices.Gpus)
        {
            using var scope = new TensorScope();
            foreach (var size in device.Kind == DeviceKind.Simulator ? new int[][] { [1, 6, 5] } : [[3, 10, 7], [2, 32, 32], [2, 30, 20], [1, 64, 33], [1, 99, 60]])
            {
                var x = MatrixSamples.Random(size, DType.Float32);
                AssertSame(x * Tensor.Zeros([1]), device, "zeros of both signs");
                AssertSame(Tensor.Zeros(size), device, "zeros");
                AssertSame(-Tensor.Zeros(size), device, "negative zeros");
                AssertSame(Tensor.Eye(size[2]).Narrow(0, 0, Math.Min(size[1], size[2])).Unsqueeze(0), device, "the identity");
                AssertSame(Tensor.Concat([x.Slice(2, 0, 3), x.Slice(2, 0, 3), -x.Slice(2, 1, 3)], 2), device, "dependent columns");
                AssertSame(x * 1e-38, device, "tiny numbers");
                AssertSame(x * 1e-44, device, "subnormal numbers");
                AssertSame(x * 1e38, device, "large numbers");
                AssertSame(x.Sign() * (x.Abs() * 80 - 60).Exp(), device, "numbers of all sizes");
                AssertSame((x - 0.3).Relu() * -x, device, "sparse matrices");
            }
        }
    }

    [Test]
    public void Views_are_read_where_they_lie()
    {
        foreach (var device in Devices.Gpus)
        {
            using var scope = new TensorScope();
            var x = MatrixSamples.Random([3, 12, 16], DType.Float32);
            AssertSame(x, device, "a transposed view with gaps", y => y.Transpose(-1, -2).Slice(1, step: 2));
            AssertSame(x, device, "a reversed view", y => y.Flip(1).Slice(2, 0, 9));
            AssertSame(x, device, "one matrix for all", y => y.Slice(0, 0, 1).Slice(2, 0, 10).Expand(4, 12, 10));
        }
    }
}
