using System.Numerics;
using System.Runtime.InteropServices;
using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.MatMul;
using Ortho.Tensors;
using Ortho.Tests.Support;
using MatMulKernel = Ortho.Kernels.MatMul.MatMul;

namespace Ortho.Tests.Gpu;

/// <summary>Products of float64 and complex numbers, and small ones of float32, by register tiles on devices: the bits of the CPU's for every
/// size of tile, in every layout, at the edges of tiles, panels and chains.</summary>
[TestFixture, Category("Devices")]
public class LaneMatMulTests
{
    static readonly DType[] dtypes = [DType.Float32, DType.Float64, DType.Complex64, DType.Complex128];

    // Batch, rows, inner, columns: several matrices to a group, small tiles, results that are hardly more than vectors, and more than a chain.
    static readonly int[][] small = [[3, 5, 4, 6], [2, 19, 130, 18], [1, 20, 270, 7], [2, 9, 6, 1]];

    // The last two are what makes large tiles: 130 and 144 of them.
    static readonly int[][] large =
    [
        [37, 16, 16, 16], [5, 13, 19, 11], [9, 32, 64, 32], [3, 30, 300, 27], [2, 70, 17, 50], [1, 300, 40, 1], [4, 3, 33, 65], [1, 200, 515, 130],
        [65, 64, 130, 128], [1, 768, 70, 765],
    ];

    static int[][] Sizes(Device device) => device.Kind == DeviceKind.Simulator ? small : large;

    static Tensor Sample(Shape shape, DType dtype, ulong seed)
    {
        var parts = Enumerable.Range(0, 2).Select(part => Tensor.Normal(shape, new Generator(seed + 100 * (ulong)part), dtype: dtype.RealType)).ToArray();
        return dtype.IsComplex ? Tensor.Complex(parts[0], parts[1]) : parts[0];
    }

    // Matrices that lie in memory by rows, by columns, or with gaps.
    static Tensor Laid(Device device, DType dtype, int batch, int rows, int columns, ulong seed, int layout) => layout switch
    {
        0 => Sample([batch, rows, columns], dtype, seed).To(device),
        1 => Sample([batch, columns, rows], dtype, seed).To(device).Transpose(-1, -2),
        _ => Sample([batch, rows, 2 * columns + 1], dtype, seed).To(device).Slice(2, 1, step: 2),
    };

    static byte[] Bits(Tensor x) => x.DType switch
    {
        DType.Float32 => Bytes(x.ToArray<float>()),
        DType.Float64 => Bytes(x.ToArray<double>()),
        DType.Complex64 => Bytes(x.ToArray<Complex64>()),
        _ => Bytes(x.ToArray<Complex>()),
    };

    static byte[] Bytes<E>(E[] elements) where E : unmanaged => MemoryMarshal.AsBytes(elements.AsSpan()).ToArray();

    static void AssertSameBits(Tensor expected, Tensor obtained, string what) => Assert.That(Bits(obtained).AsSpan().SequenceEqual(Bits(expected)), what);

    [Test]
    public void Products_have_the_bits_of_the_cpu([ValueSource(nameof(dtypes))] DType dtype, [Range(0, 2)] int layout)
    {
        var (left, right) = (layout, layout % 2);
        foreach (var gpu in Devices.Gpus)
        {
            foreach (var size in Sizes(gpu))
            {
                using var scope = new TensorScope();
                Tensor Product(Device device) => Laid(device, dtype, size[0], size[1], size[2], 1, left).MatMul(Laid(device, dtype, size[0], size[2], size[3], 2, right));
                AssertSameBits(Product(Device.Cpu), Product(gpu), $"{gpu}: {string.Join(" x ", size)}");
            }
        }
    }

    [Test]
    public void What_is_scaled_and_added_has_the_bits_of_the_cpu([ValueSource(nameof(dtypes))] DType dtype, [Values(0, 2)] int layout)
    {
        foreach (var gpu in Devices.Gpus)
        {
            foreach (var size in Sizes(gpu))
            {
                using var scope = new TensorScope();
                Tensor Sum(Device device) => MatMulKernel.Run("Test", Sample([size[0], size[1], size[2]], dtype, 1).To(device), Sample([size[2], size[3]], dtype, 2).To(device),
                    Laid(device, dtype, size[0], size[1], size[3], 3, layout), 0.75, -1.25);
                AssertSameBits(Sum(Device.Cpu), Sum(gpu), $"{gpu}: {string.Join(" x ", size)}");
            }
        }
    }

    [Test]
    public void Only_matrices_whose_turn_it_is_are_computed([ValueSource(nameof(dtypes))] DType dtype, [Values(3, 8, 20, 70)] int n)
    {
        const int batch = 9, turn = 4;
        var (a, before, first) = (Sample([batch, n, n], dtype, 1), Sample([batch, n, n], dtype, 2), Enumerable.Range(0, batch).Select(k => 2 * k % 7).ToArray());
        var product = a.MatMul(a);
        foreach (var device in Devices.Present.Where(device => device.Kind != DeviceKind.Simulator || n <= 8))
        {
            using var scope = new TensorScope();
            var (x, y) = (a.To(device), before.To(device).Clone());
            MatMulKernel.Into("Test", y, x, x, turns: new(Tensor.From(first, [batch], device), turn));
            for (var k = 0; k < batch; k++)
                AssertSameBits((first[k] <= turn ? product : before).Select(0, k), y.Select(0, k), $"{device}: matrix {k}, from turn {first[k]} on");
        }
    }

    [Test]
    public void Hermitian_products_have_the_bits_of_the_cpu([ValueSource(nameof(dtypes))] DType dtype, [Values] bool adds)
    {
        foreach (var gpu in Devices.Gpus)
        {
            foreach (var (batch, n, k) in gpu.Kind == DeviceKind.Simulator ? [(1, 64, 5), (1, 67, 130)] : new[] { (2, 64, 300), (1, 197, 70), (3, 640, 20) })
            {
                using var scope = new TensorScope();
                var a = Sample([batch, n, k], dtype, 1);
                var c = adds ? a.MatMul(a.H) : null;
                var onGpu = a.To(gpu);
                AssertSameBits(MatMulKernel.Run("Test", a, a.H, c, 0.5, 2, isHermitian: true),
                    MatMulKernel.Run("Test", onGpu, onGpu.H, c?.To(gpu), 0.5, 2, isHermitian: true), $"{gpu}: {n} x {k}");
            }
        }
    }

    [Test]
    public void Products_over_no_inner_index_are_zero_and_inner_indices_beyond_the_last_change_nothing([ValueSource(nameof(dtypes))] DType dtype)
    {
        foreach (var gpu in Devices.Gpus)
        {
            using var scope = new TensorScope();
            Tensor Empty(Device device) => MatMulKernel.Run("Test", Tensor.Empty([6, 0], dtype, device), Tensor.Empty([0, 7], dtype, device), Sample([6, 7], dtype, 1).To(device), 1, 3);
            AssertSameBits(Empty(Device.Cpu), Empty(gpu), $"{gpu}: nothing");
            // A product of real parts that is rounded to -0, and a panel that is not full.
            var (small, tiny) = dtype.RealType == DType.Float32 ? (Math.ScaleB(1, -100), Math.ScaleB(1, -60)) : (Math.ScaleB(1, -600), Math.ScaleB(1, -500));
            Tensor Negative(Device device) => Tensor.Full([16, 5], -small, dtype, device).MatMul(Tensor.Full([5, 16], tiny, dtype, device));
            AssertSameBits(Negative(Device.Cpu), Negative(gpu), $"{gpu}: -0");
            // Infinite complex numbers would be NaN, whose sign devices choose.
            if (dtype.IsComplex)
                continue;
            Tensor Infinite(Device device) => Tensor.Full([16, 5], double.PositiveInfinity, dtype, device).MatMul(Tensor.Full([5, 16], tiny, dtype, device));
            AssertSameBits(Infinite(Device.Cpu), Infinite(gpu), $"{gpu}: infinity");
        }
    }
}
