using NUnit.Framework;
using Ortho.Kernels.Gpu.TensorCores;
using Ortho.Tests.Support;

namespace Ortho.Tests.Gpu;

/// <summary>Generated tensor-core kernels, run by the emulator.</summary>
public class TensorCoreKernelTests
{
    // Small tiles that have every path, and the tiles that are used.
    internal static readonly TensorCoreKernel[] All =
    [
        new MmaKernel(MmaType.BFloat16, 64, 64, 64, 32, 32, 4),
        new MmaKernel(MmaType.Half, 64, 64, 64, 32, 32, 3),
        new MmaKernel(MmaType.TensorFloat32, 64, 64, 64, 32, 32, 4),
        new MmaKernel(MmaType.TensorFloat32, 64, 64, 128, 32, 32, 3),
        .. MmaKernel.Used,
        new WgmmaKernel(MmaType.BFloat16, 128, 64, 3),
        new WgmmaKernel(MmaType.Half, 64, 32, 4),
        new WgmmaKernel(MmaType.TensorFloat32, 64, 32, 5),
        .. WgmmaKernel.Used,
    ];

    internal static IEnumerable<string> Names => All.Select(Name);

    static string Name(TensorCoreKernel kernel)
        => $"{kernel.GetType().Name} {kernel.Type} {kernel.TileM} x {kernel.TileN}, {kernel.Stages} stages of {kernel.RowBytes} bytes";

    internal static TensorCoreKernel Find(string name) => All.First(kernel => Name(kernel) == name);

    // One that the kernel is for.
    internal static string Architecture(TensorCoreKernel kernel) => kernel is WgmmaKernel ? "sm_90" : "sm_80";

    /// <summary>A product's memory: operands in whole tiles, and what becomes of them.</summary>
    sealed class Product
    {
        readonly TensorCoreKernel kernel;
        readonly int m, n, k, batch, rowsM, rowsN, rowBytes, aBatch, bBatch, aCount, bCount, cRow, bStart, cStart, yStart;
        readonly byte[] memory;
        readonly float[] a, b, c;

        public Product(TensorCoreKernel kernel, int m, int n, int k, int batch, bool sharesB = false, bool sharesA = false, int cRow = 0)
        {
            (this.kernel, this.m, this.n, this.k, this.batch, this.cRow) = (kernel, m, n, k, batch, cRow);
            (rowsM, rowsN, rowBytes) = (Whole(m, kernel.TileM), Whole(n, kernel.TileN), Whole(k, kernel.TileK) * kernel.ElementBytes);
            (aBatch, bBatch, aCount, bCount) = (sharesA ? 0 : rowsM * rowBytes, sharesB ? 0 : rowsN * rowBytes, sharesA ? 1 : batch, sharesB ? 1 : batch);
            bStart = aCount * rowsM * rowBytes;
            cStart = bStart + bCount * rowsN * rowBytes;
            yStart = Whole(cStart + batch * m * cRow * 4, 16);
            memory = new byte[yStart + 4 * batch * m * n];
            var random = new Random(7);
            a = Fill(random, 0, aCount, m, rowsM);
            b = Fill(random, bStart, bCount, n, rowsN);
            c = [.. Enumerable.Range(0, batch * m * cRow).Select(_ => 2 * random.NextSingle() - 1)];
            Buffer.BlockCopy(c, 0, memory, cStart, 4 * c.Length);
            Array.Fill(memory, (byte)0xff, yStart, memory.Length - yStart);
        }

        static int Whole(int count, int tile) => (count + tile - 1) / tile * tile;

        // Random numbers of the type: cut.
        float[] Fill(Random random, int start, int count, int rows, int rowsUp)
        {
            var numbers = new float[count * rows * k];
            for (var i = 0; i < numbers.Length; i++)
            {
                var (row, column) = Math.DivRem(i, k);
                var place = memory.AsSpan(start + (row / rows * rowsUp + row % rows) * rowBytes + column * kernel.ElementBytes);
                var bits = BitConverter.SingleToUInt32Bits(2 * random.NextSingle() - 1) & (kernel.Type == MmaType.BFloat16 ? 0xffff0000 : 0xffffe000);
                numbers[i] = BitConverter.UInt32BitsToSingle(bits);
                if (kernel.Type == MmaType.Half)
                    numbers[i] = (float)(Half)numbers[i];
                _ = kernel.Type switch
                {
                    MmaType.BFloat16 => BitConverter.TryWriteBytes(place, (ushort)(bits >> 16)),
                    MmaType.Half => BitConverter.TryWriteBytes(place, (Half)numbers[i]),
                    _ => BitConverter.TryWriteBytes(place, bits),
                };
            }
            return numbers;
        }

        public void Run(string ptx, float alpha = 1, float beta = -0f, bool isSymmetric = false, bool hasPairs = false)
            => new PtxEmulator(ptx, memory).Launch((rowsN / kernel.TileN, rowsM / kernel.TileM, batch), kernel.Threads, kernel.SharedBytes,
                0, bStart, yStart, c.Length == 0 ? 0 : cStart, m, n, rowBytes, 4 * cRow, aBatch, bBatch, 4L * m * n, 4L * m * cRow,
                BitConverter.SingleToUInt32Bits(alpha), BitConverter.SingleToUInt32Bits(beta), isSymmetric ? 1 : 0, hasPairs ? 1 : 0);

        public float Y(int z, int i, int j) => BitConverter.ToSingle(memory, yStart + ((z * m + i) * n + j) * 4);

        double Exact(int z, int i, int j, double alpha, double beta)
        {
            double sum = 0;
            for (var l = 0; l < k; l++)
                sum += (double)a[(z % aCount * m + i) * k + l] * b[(z % bCount * n + j) * k + l];
            return c.Length == 0 ? sum : alpha * sum + beta * c[(z * m + i) * cRow + j];
        }

        /// <summary>The largest difference from float64; of a symmetric result its lower triangle, above which are the same bits.</summary>
        public double Error(double alpha = 1, double beta = 0, bool isSymmetric = false)
        {
            double largest = 0;
            for (var z = 0; z < batch; z++)
            {
                for (var i = 0; i < m; i++)
                {
                    for (var j = 0; j < n; j++)
                    {
                        var difference = isSymmetric && j > i
                            ? (Y(z, i, j) == Y(z, j, i) ? 0 : double.NaN)
                            : Math.Abs(Exact(z, i, j, alpha, beta) - Y(z, i, j));
                        largest = Math.Max(largest, double.IsNaN(difference) ? double.PositiveInfinity : difference);
                    }
                }
            }
            return largest;
        }

        // Products are exact in float32, or nearly, and the sums of up to 512 of them below 30 are rounded k times.
        public double Tolerance => k * 30 * Math.ScaleB(1, -24);
    }

    // As large as two tiles each way and four of the inner dimension, or with large tiles one.
    static (int M, int N, int K) Sizes(TensorCoreKernel kernel, int smallerM, int smallerN, int smallerK)
    {
        var tiles = kernel.TileM + kernel.TileN > 192 ? 1 : 2;
        return (tiles * kernel.TileM - smallerM, tiles * kernel.TileN - smallerN, 4 * kernel.TileK - smallerK);
    }

    [Test]
    public void Whole_tiles_are_right([ValueSource(nameof(Names))] string name)
    {
        var kernel = Find(name);
        var (m, n, k) = Sizes(kernel, 0, 0, 0);
        var product = new Product(kernel, m, n, k, 1);
        product.Run(kernel.Ptx(Architecture(kernel)), hasPairs: true);
        Assert.That(product.Error(), Is.LessThan(product.Tolerance));
    }

    [Test]
    public void Edges_batches_and_shared_operands_are_right([ValueSource(nameof(Names))] string name, [Values] bool sharesB)
    {
        var kernel = Find(name);
        var (m, n, k) = Sizes(kernel, 9, 5, sharesB ? 2 * kernel.TileK + 3 : 3);
        var batch = kernel.TileM + kernel.TileN > 192 ? 1 : 2;
        var product = new Product(kernel, m, n, k, batch, sharesB, sharesA: !sharesB && batch > 1);
        product.Run(kernel.Ptx(Architecture(kernel)));
        Assert.That(product.Error(), Is.LessThan(product.Tolerance));
    }

    [Test]
    public void One_number_is_right([ValueSource(nameof(Names))] string name)
    {
        var kernel = Find(name);
        var product = new Product(kernel, 1, 1, 1, 1);
        product.Run(kernel.Ptx(Architecture(kernel)));
        Assert.That(product.Error(), Is.LessThan(product.Tolerance));
    }

    [Test]
    public void A_matrix_is_added([ValueSource(nameof(Names))] string name, [Values] bool hasPairs)
    {
        var kernel = Find(name);
        var (m, n, k) = Sizes(kernel, 3, hasPairs ? 6 : 7, 2 * kernel.TileK);
        var product = new Product(kernel, m, n, k, 1, cRow: n + (hasPairs ? 4 : 1));
        product.Run(kernel.Ptx(Architecture(kernel)), 0.5f, -1.5f, hasPairs: hasPairs);
        Assert.That(product.Error(0.5, -1.5), Is.LessThan(product.Tolerance));
    }

    [Test]
    public void A_symmetric_result_is_mirrored([ValueSource(nameof(Names))] string name, [Values] bool adds)
    {
        var kernel = Find(name);
        // Tiles above the diagonal, on it and below.
        var n = 2 * Math.Min(kernel.TileM, kernel.TileN) + 7;
        var product = new Product(kernel, n, n, kernel.TileK + 1, 1, cRow: adds ? n : 0);
        product.Run(kernel.Ptx(Architecture(kernel)), adds ? 2 : 1, adds ? 0.5f : -0f, isSymmetric: true);
        Assert.That(product.Error(2, 0.5, isSymmetric: true), Is.LessThan(2 * product.Tolerance));
    }

    // What is taken out of a kernel, or changed, and what the emulator says to it.
    static readonly (string Kernel, string Text, string Instead, string Message)[] mutations =
    [
        ("MmaKernel", "cp.async.wait_group 2;", "cp.async.wait_group 9;", "is read, but is Coming"),
        ("MmaKernel", "bar.sync 0;", "", "is read, but is Arrived"),
        ("MmaKernel", "shl.b32 swap, swap, 4;", "shl.b32 swap, swap, 3;", "for 16 bytes"),
        ("MmaKernel", "setp.lt.u32 go, tile, tileCount;", "setp.lt.u32 go, lane, tileCount;", "do not agree"),
        ("MmaKernel", "xor.b32 from, from, aSwap;", "", ""),
        ("WgmmaKernel", "cp.async.wait_group 1;", "cp.async.wait_group 2;", "is given to the tensor cores, but is Coming"),
        ("WgmmaKernel", "fence.proxy.async.shared::cta;", "", "is given to the tensor cores, but is Met"),
        ("WgmmaKernel", "bar.sync 0;", "", "is given to the tensor cores, but is Fenced"),
        ("WgmmaKernel", "wgmma.fence.sync.aligned;", "", "was written after the last wgmma.fence"),
        ("WgmmaKernel", "wgmma.wait_group.sync.aligned 1;", "wgmma.wait_group.sync.aligned 2;", "is written while a product that reads it is under way"),
        ("WgmmaKernel", "wgmma.wait_group.sync.aligned 0;", "", "is read while a product that adds to it is under way"),
        ("WgmmaKernel", "wgmma.commit_group.sync.aligned;", "", "is written while a product that reads it is under way"),
        ("WgmmaKernel", "selp.u32 writeAt, 0, writeAt, wrap;", "", "outside of the block's shared memory"),
        ("WgmmaKernel", "xor.b32 swap, swap, copyChunk;", "mov.u32 swap, copyChunk;", ""),
        ("WgmmaKernel", "4611686293305360384", "274877972480", "does not name rows with the 128-byte swizzle"),
        ("WgmmaKernel", "4611686293305360384", "4611686155866406912", ""),
        ("WgmmaKernel", "add.u64 aStep, aPlace, 2;", "add.u64 aStep, aPlace, 4;", ""),
        ("WgmmaKernel", "mad.lo.u32 aTile, group,", "mad.lo.u32 aTile, lane,", "do not agree"),
        ("WgmmaKernel", "mov.f32 c0, 0f00000000;", "mov.f32 c0, 0f3f800000;", ""),
    ];

    [Test]
    public void The_emulator_sees_what_goes_wrong([Range(0, 18)] int mutation)
    {
        var (type, text, instead, message) = mutations[mutation];
        TensorCoreKernel kernel = type == nameof(MmaKernel) ? All[0] : new WgmmaKernel(MmaType.BFloat16, 128, 64, 4);
        var ptx = kernel.Ptx(Architecture(kernel));
        Assert.That(ptx, Does.Contain(text));
        var product = new Product(kernel, kernel.TileM, kernel.TileN, 6 * kernel.TileK, 1);
        if (message.Length > 0)
        {
            Assert.That(() => product.Run(ptx.Replace(text, instead, StringComparison.Ordinal)), Throws.InvalidOperationException.With.Message.Contains(message));
        }
        else
        {
            product.Run(ptx.Replace(text, instead, StringComparison.Ordinal));
            Assert.That(product.Error(), Is.GreaterThan(0.1), "a wrong result");
        }
        var right = new Product(kernel, kernel.TileM, kernel.TileN, 6 * kernel.TileK, 1);
        right.Run(ptx);
        Assert.That(right.Error(), Is.LessThan(right.Tolerance));
    }

    [Test]
    public void Sizes_that_do_not_fit_are_refused()
    {
        Assert.That(() => new MmaKernel(MmaType.Half, 64, 64, 96, 32, 32, 3).Ptx("sm_80"), Throws.InvalidOperationException);
        Assert.That(() => new WgmmaKernel(MmaType.Half, 64, 64, 2).Ptx("sm_90"), Throws.InvalidOperationException);
        Assert.That(() => WgmmaKernel.Used[0].Ptx("sm_100"), Throws.InvalidOperationException.With.Message.Contains("sm_100"));
    }

    [Test]
    public void An_architecture_gets_the_kernels_that_it_runs()
    {
        Assert.That(new[] { (0, 0), (7, 5) }.Select(TensorCoreKernel.For), Is.All.Empty);
        Assert.That(new[] { (8, 0), (8, 9), (10, 0), (12, 0) }.Select(TensorCoreKernel.For), Is.All.SameAs(MmaKernel.Used));
        Assert.That(TensorCoreKernel.For((9, 0)), Is.SameAs(WgmmaKernel.Used));
        Assert.That(TensorCoreMatMul.Choose(WgmmaKernel.Used, MmaType.BFloat16, 4096, 4096, 1, false).TileN, Is.EqualTo(256));
        Assert.That(TensorCoreMatMul.Choose(WgmmaKernel.Used, MmaType.TensorFloat32, 1000, 1000, 1, false), Is.EqualTo(new WgmmaKernel(MmaType.TensorFloat32, 64, 128, 4)));
        // Half of the tiles are left out.
        Assert.That(TensorCoreMatMul.Choose(WgmmaKernel.Used, MmaType.BFloat16, 2048, 2048, 1, true).TileN, Is.EqualTo(128));
    }
}
