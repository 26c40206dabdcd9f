using System.Runtime.InteropServices;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Linalg;
using Ortho.Tensors;
using Ortho.Tests.Linalg;
using Ortho.Tests.Support;

namespace Ortho.Tests.Gpu;

/// <summary>Triangular systems with unknowns in registers: the bits of the CPU's, for any size, side, layout and number of right-hand
/// sides.</summary>
[TestFixture, Category("Devices")]
public class RegisterSubstitutionTests
{
    // Triangles, rows, right-hand sides.
    static readonly int[][] small = [[3, 1, 1], [2, 7, 9], [1, 16, 20], [1, 21, 3]];
    static readonly int[][] large =
    [
        .. small, [5, 4, 2], [70, 3, 1], [40, 8, 8], [9, 13, 16], [33, 16, 1], [17, 32, 32], [3, 31, 5], [2, 30, 300],
        [3, 64, 64], [5, 61, 1], [2, 50, 130], [2, 100, 40],
    ];

    static int[][] Sizes(Device device) => device.Kind == DeviceKind.Simulator ? small : large;

    // Of zeros too, unlike comparing numbers.
    static byte[] Bits(Tensor x) => MemoryMarshal.AsBytes(MatrixSamples.Numbers(x.To(Device.Cpu)).AsSpan()).ToArray();

    static Tensor Triangle(int batch, int n, DType dtype)
        => MatrixSamples.Random([batch, n, n], dtype) + 2 * Tensor.Eye(n).To(dtype);

    [Test]
    public void Any_size([Values(DType.Float32, DType.Float64, DType.Complex64, DType.Complex128)] DType dtype, [Values] bool upper, [Values] bool unit)
    {
        foreach (var device in Devices.Gpus)
        {
            foreach (var size in Sizes(device))
            {
                using var scope = new TensorScope();
                var (a, b) = (Triangle(size[0], size[1], dtype), MatrixSamples.Random(size, dtype, seed: 2));
                Assert.That(Bits(TriangularSolve.Run(a.To(device), b.To(device), upper, unit)), Is.EqualTo(Bits(TriangularSolve.Run(a, b, upper, unit))),
                    $"{device}: {string.Join(" x ", size)}");
            }
        }
    }

    [Test]
    public void Views_are_read_where_they_lie([Values] bool upper)
    {
        foreach (var device in Devices.Gpus)
        {
            using var scope = new TensorScope();
            var (a, b) = (Triangle(3, 12, DType.Float32), MatrixSamples.Random([3, 5, 12], DType.Float32, seed: 2));
            AssertSame((x, y) => (x.Transpose(-1, -2), y.Transpose(-1, -2)), "transposed");
            AssertSame((x, y) => (x.Flip(1).Flip(2), y.Transpose(-1, -2)), "reversed");
            AssertSame((x, y) => (x.Slice(0, 0, 1), y.Transpose(-1, -2)), "one triangle for all");
            AssertSame((x, y) => (x.Slice(1, step: 2).Slice(2, step: 2), y.Transpose(-1, -2).Slice(1, 0, 6)), "with gaps");

            void AssertSame(Func<Tensor, Tensor, (Tensor A, Tensor B)> view, string what)
            {
                var (expected, obtained) = (view(a, b), view(a.To(device), b.To(device)));
                Assert.That(Bits(TriangularSolve.Run(obtained.A, obtained.B, upper, unitDiagonal: false)),
                    Is.EqualTo(Bits(TriangularSolve.Run(expected.A, expected.B, upper, unitDiagonal: false))), $"{device}: {what}");
            }
        }
    }
}
