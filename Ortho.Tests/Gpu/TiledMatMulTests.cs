using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.MatMul;
using Ortho.Tensors;
using Ortho.Tests.Support;
using MatMulKernel = Ortho.Kernels.MatMul.MatMul;

namespace Ortho.Tests.Gpu;

/// <summary>Products by register tiles on devices: the bits of the CPU's, in every layout, at the edges of tiles, panels and
/// chains.</summary>
[TestFixture, Category("Devices")]
public class TiledMatMulTests
{
    // Rows, inner, columns: what the simulator does in moments, and what a device needs for its large and its small tiles.
    static readonly int[][] small = [[32, 16, 32], [33, 17, 35], [36, 260, 40], [40, 515, 33]];
    static readonly int[][] large = [[64, 64, 64], [130, 300, 68], [257, 515, 131], [1412, 260, 1540]];

    static IEnumerable<GpuDevice> Gpus => Devices.Gpus;

    static int[][] Sizes(Device device) => device.Kind == DeviceKind.Simulator ? small : large;

    // A matrix that lies in memory by rows, by columns, by rows that are not aligned, or with gaps.
    static Tensor Laid(Device device, int rows, int columns, ulong seed, int layout) => layout switch
    {
        0 => Sample([rows, columns], seed).To(device),
        1 => Sample([columns, rows], seed).To(device).T,
        2 => Sample([rows, columns + 1], seed).To(device).Slice(1, 1),
        _ => Sample([rows, 2 * columns], seed).To(device).Slice(1, step: 2),
    };

    static Tensor Sample(Shape shape, ulong seed) => Tensor.Normal(shape, new Generator(seed));

    static void AssertSameBits(Tensor expected, Tensor obtained, string what)
        => Assert.That(obtained.ToArray<float>().Select(BitConverter.SingleToInt32Bits), Is.EqualTo(expected.ToArray<float>().Select(BitConverter.SingleToInt32Bits)), what);

    [Test]
    public void Products_have_the_bits_of_the_cpu([Range(0, 3)] int left, [Range(0, 3)] int right)
    {
        foreach (var gpu in Gpus)
        {
            foreach (var size in Sizes(gpu))
            {
                using var scope = new TensorScope();
                Tensor Product(Device device) => Laid(device, size[0], size[1], 1, left).MatMul(Laid(device, size[1], size[2], 2, right));
                AssertSameBits(Product(Device.Cpu), Product(gpu), $"{gpu}: {string.Join(" x ", size)}");
            }
        }
    }

    [Test]
    public void Columns_that_fill_no_quad_are_written_one_by_one()
    {
        foreach (var gpu in Gpus)
        {
            var (m, k, n) = gpu.Kind == DeviceKind.Simulator ? (32, 20, 37) : (1412, 260, 1541);
            using var scope = new TensorScope();
            Tensor Product(Device device) => Sample([m, k], 1).To(device).MatMul(Sample([n, k], 2).To(device).T);
            AssertSameBits(Product(Device.Cpu), Product(gpu), $"{gpu}: {m} x {k} x {n}");
        }
    }

    [Test]
    public void Batches_broadcast()
    {
        foreach (var gpu in Gpus)
        {
            var (m, k, n) = gpu.Kind == DeviceKind.Simulator ? (32, 20, 36) : (192, 272, 160);
            using var scope = new TensorScope();
            var (a, b, shared) = (Sample([3, 1, m, k], 1), Sample([2, k, n], 2), Sample([k, n], 3));
            AssertSameBits(a.MatMul(b), a.To(gpu).MatMul(b.To(gpu)), $"{gpu}: batches of both");
            AssertSameBits(a.MatMul(shared), a.To(gpu).MatMul(shared.To(gpu)), $"{gpu}: one b");
        }
    }

    [Test]
    public void What_is_scaled_and_added_has_the_bits_of_the_cpu([Values(0, 2)] int layout)
    {
        foreach (var gpu in Gpus)
        {
            foreach (var size in Sizes(gpu))
            {
                using var scope = new TensorScope();
                Tensor Sum(Device device) => Laid(device, size[0], size[2], 3, layout)
                    .Addmm(Sample([size[0], size[1]], 1).To(device), Sample([size[1], size[2]], 2).To(device), 0.75, -1.25);
                AssertSameBits(Sum(Device.Cpu), Sum(gpu), $"{gpu}: {string.Join(" x ", size)}");
            }
        }
    }

    [Test]
    public void Hermitian_products_have_the_bits_of_the_cpu([Values] bool adds)
    {
        foreach (var gpu in Gpus)
        {
            foreach (var (n, k) in gpu.Kind == DeviceKind.Simulator ? [(64, 20), (67, 260)] : new[] { (64, 300), (200, 515), (1540, 64) })
            {
                using var scope = new TensorScope();
                var a = Sample([n, k], 1);
                var c = adds ? a.MatMul(a.T) : null;
                var onGpu = a.To(gpu);
                AssertSameBits(MatMulKernel.Run("Test", a, a.T, c, 0.5, 2, isHermitian: true), MatMulKernel.Run("Test", onGpu, onGpu.T, c?.To(gpu), 0.5, 2, isHermitian: true), $"{gpu}: {n} x {k}");
            }
        }
    }

    [Test]
    public void Numbers_beyond_the_last_inner_index_change_nothing()
    {
        foreach (var gpu in Gpus)
        {
            using var scope = new TensorScope();
            // 17 and 18 inner indices: the panels are padded. Infinities must not meet the padding, and a sum of -0 stays one: -2^-100
            // times
            // 2^-60 is rounded to -0.
            var (a, b) = (Tensor.Full([64, 18], -Math.ScaleB(1, -100)), Tensor.Full([18, 64], Math.ScaleB(1, -60)));
            AssertSameBits(a.MatMul(b), a.To(gpu).MatMul(b.To(gpu)), $"{gpu}: -0");
            Assert.That(float.IsNegative(a.MatMul(b).ToArray<float>()[0]), Is.True);
            var infinite = Tensor.Full([64, 17], double.PositiveInfinity);
            AssertSameBits(infinite.MatMul(b.Slice(0, 1)), infinite.To(gpu).MatMul(b.Slice(0, 1).To(gpu)), $"{gpu}: infinity");
        }
    }
}
