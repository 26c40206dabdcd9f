using System.Runtime.InteropServices;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Linalg;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;
using Ortho.Tests.Linalg;
using Ortho.Tests.Support;
using QrKernel = Ortho.Kernels.Orthogonal.Qr;

namespace Ortho.Tests.Gpu;

/// <summary>Matrices that a group of threads keeps in shared memory: the bits of the CPU's, of any shape and layout.</summary>
[TestFixture, Category("Devices")]
public class GroupMatricesTests
{
    // Rows and columns. The last ones of either do not fit and take the way through the device's memory.
    static readonly int[][] small = [[18, 17], [5, 18]];
    static readonly int[][] large = [[32, 32], [40, 17], [17, 70], [64, 64], [90, 55], [100, 90]];

    static int[][] Sizes(Device device) => device.Kind == DeviceKind.Simulator ? small : large;

    // Of zeros too, unlike comparing numbers.
    static byte[] Bits(Tensor x) => MemoryMarshal.AsBytes(MatrixSamples.Numbers(x.To(Device.Cpu)).AsSpan()).ToArray();

    static void AssertSame(Func<Tensor, Tensor[]> run, Tensor x, Device device, string what)
    {
        using var scope = new TensorScope();
        var (expected, obtained) = (run(x), run(x.To(device)));
        for (var k = 0; k < expected.Length; k++)
            Assert.That(Bits(obtained[k]), Is.EqualTo(Bits(expected[k])), $"{device}: {what}, {x.DType} {x.Shape}, result {k}");
    }

    static Tensor[] Both((Tensor, Tensor) pair) => [pair.Item1, pair.Item2];

    [Test]
    public void Qr([Values(DType.Float32, DType.Float64, DType.Complex64)] DType dtype)
    {
        foreach (var device in Devices.Gpus)
        {
            foreach (var size in Sizes(device))
            {
                AssertSame(x => Both(QrKernel.Reduced(x)), MatrixSamples.Random([2, .. size], dtype), device, "QR");
                if (dtype == DType.Float32)
                    AssertSame(x => [QrKernel.Triangle(x)], MatrixSamples.Random([2, .. size], dtype), device, "R");
            }
        }
    }

    [Test]
    public void Views_are_read_where_they_lie()
    {
        foreach (var device in Devices.Gpus)
        {
            var x = MatrixSamples.Random([3, 20, 40], DType.Float32);
            AssertSame(y => Both(QrKernel.Reduced(y.Transpose(-1, -2).Slice(1, step: 2))), x, device, "transposed, with gaps");
            AssertSame(y => Both(QrKernel.Reduced(y.Flip(1).Slice(2, 0, 20))), x, device, "reversed");
            AssertSame(y => Both(QrKernel.Reduced(y.Slice(0, 0, 1).Slice(2, 0, 19).Expand(4, 20, 19))), x, device, "one for all");
        }
    }

    [Test]
    public void Squares()
    {
        foreach (var device in Devices.Gpus)
        {
            foreach (var n in device.Kind == DeviceKind.Simulator ? new[] { 17 } : [31, 48, 64, 100])
            {
                var x = MatrixSamples.Random([2, n, n], DType.Float32);
                AssertSame(y => [Cholesky.Run(y.MatMul(y.T) + Tensor.Eye(n, device: y.Device))], x, device, "Cholesky");
                AssertSame(y => [Inverse.Run(y)], x, device, "inverse");
                AssertSame(y => [Lu.Run("Lu", y).Factors], x, device, "LU");
                AssertSame(y => [Solve.Run(y, y.Slice(2, 0, 3))], x, device, "solution");
            }
        }
    }

    [Test]
    public void Only_what_does_not_fit_is_worked_on_in_the_devices_memory()
    {
        foreach (var device in Devices.Gpus)
        {
            using var scope = new TensorScope();
            Assert.That(Takes(18, 18), Is.True);
            Assert.That(Takes(110, 110), Is.EqualTo(device.Kind != DeviceKind.Simulator));
            Assert.That(Takes(111, 111), Is.False);

            bool Takes(int rows, int columns)
            {
                if (device.Kind == DeviceKind.Simulator && rows > 32)
                    return false;
                var x = Tensor.Zeros([1, rows, columns], device: device);
                return GroupMatrices.Run<CholeskyFactor, F32, float, SingleCell>(device, 1, new(rows, columns, x, x), default, default, 0);
            }
        }
    }
}
