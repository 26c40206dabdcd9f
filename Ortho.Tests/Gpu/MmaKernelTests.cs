using NUnit.Framework;
using Ortho.Kernels.Gpu.TensorCores;
using Ortho.Tests.Support;

namespace Ortho.Tests.Gpu;

/// <summary>Generated tensor-core kernels, run by the emulator and assembled.</summary>
public class MmaKernelTests
{
    // Small tiles that have every path, and the tiles that are used.
    static readonly MmaKernel[] kernels =
    [
        new(MmaType.BFloat16, 64, 64, 64, 32, 32, 4),
        new(MmaType.Half, 64, 64, 64, 32, 32, 3),
        new(MmaType.TensorFloat32, 64, 64, 64, 32, 32, 4),
        new(MmaType.TensorFloat32, 64, 64, 128, 32, 32, 3),
        .. MmaKernel.Used,
    ];

    static IEnumerable<string> Names => kernels.Select(kernel => $"{kernel.Type} {kernel.TileM} x {kernel.TileN}, rows of {kernel.RowBytes} bytes");

    static MmaKernel Find(string name) => kernels[Names.Index().First(entry => entry.Item == name).Index];

    [Test]
    public void Products_are_right([ValueSource(nameof(Names))] string name, [Values(0, 1)] int smaller)
    {
        var kernel = Find(name);
        // Two tiles each way, four of the inner dimension; or a little less, with zeros beyond.
        var (m, n, k, batch) = (2 * kernel.TileM - 9 * smaller, 2 * kernel.TileN - 5 * smaller, 4 * kernel.TileK - 3 * smaller, 1 + smaller);
        if (kernel.TileM + kernel.TileN > 256) (m, n, batch) = (kernel.TileM - 9 * smaller, kernel.TileN - 5 * smaller, 1);
        var (rowsM, rowsN) = (Whole(m, kernel.TileM), Whole(n, kernel.TileN));
        var rowBytes = Whole(k, kernel.TileK) * kernel.ElementBytes;
        var (aBatch, bBatch, yBatch) = (rowsM * rowBytes, rowsN * rowBytes, m * n * 4);
        var (bStart, yStart) = (aBatch * batch, (aBatch + bBatch) * batch);
        var memory = new byte[yStart + yBatch * batch];
        var random = new Random(7);
        var a = Fill(0, batch, m, rowsM);
        var b = Fill(bStart, batch, n, rowsN);
        Array.Fill(memory, (byte)0xff, yStart, yBatch * batch);

        new PtxEmulator(kernel.Ptx("sm_80"), memory).Launch((rowsN / kernel.TileN, rowsM / kernel.TileM, batch), kernel.Threads, kernel.SharedBytes,
            0, bStart, yStart, m, n, rowBytes, aBatch, bBatch, yBatch);

        double largest = 0;
        for (var z = 0; z < batch; z++)
        {
            for (var i = 0; i < m; i++)
            {
                for (var j = 0; j < n; j++)
                {
                    double sum = 0;
                    for (var l = 0; l < k; l++)
                        sum += (double)a[(z * m + i) * k + l] * b[(z * n + j) * k + l];
                    var difference = Math.Abs(sum - BitConverter.ToSingle(memory, yStart + z * yBatch + (i * n + j) * 4));
                    largest = Math.Max(largest, double.IsNaN(difference) ? double.PositiveInfinity : difference);
                }
            }
        }
        // Products are exact in float32, or nearly, and the sums of up to 512 of them below 30 are rounded k times.
        Assert.That(largest, Is.LessThan(k * 30 * Math.ScaleB(1, -24)));

        float[] Fill(int start, int count, int rows, int rowsUp)
        {
            var numbers = new float[count * rows * k];
            for (var i = 0; i < numbers.Length; i++)
            {
                var (row, column) = Math.DivRem(i, k);
                var place = memory.AsSpan(start + (row / rows * rowsUp + row % rows) * rowBytes + column * kernel.ElementBytes);
                // Random numbers of the type: cut.
                var bits = BitConverter.SingleToUInt32Bits(2 * random.NextSingle() - 1) & (kernel.Type == MmaType.BFloat16 ? 0xffff0000 : 0xffffe000);
                numbers[i] = BitConverter.UInt32BitsToSingle(bits);
                if (kernel.Type == MmaType.Half)
                {
                    BitConverter.TryWriteBytes(place, (Half)numbers[i]);
                    numbers[i] = (float)(Half)numbers[i];
                }
                else
                {
                    BitConverter.TryWriteBytes(place, kernel.Type == MmaType.BFloat16 ? (ushort)(bits >> 16) : bits);
                    if (kernel.Type == MmaType.TensorFloat32)
                        BitConverter.TryWriteBytes(place, bits);
                }
            }
            return numbers;
        }
    }

    static int Whole(int count, int tile) => (count + tile - 1) / tile * tile;

    [Test]
    public void Kernels_stay_within_their_budget([ValueSource(nameof(Names))] string name, [Values("sm_80", "sm_90")] string target)
    {
        var kernel = Find(name);
        Ptxas.Require();
        var usage = Ptxas.Assemble(kernel.Ptx(target), target);
        TestContext.Out.WriteLine($"{kernel} {target}: {usage}");
        Assert.That((usage.SpillLoads, usage.SpillStores, usage.Stack), Is.EqualTo((0, 0, 0)));
        // All threads of a block must find registers: 65,536 of a multiprocessor, at most 255 each.
        Assert.That(usage.Registers * kernel.Threads, Is.AtMost(65_536));
        Assert.That(kernel.SharedBytes, Is.AtMost(163 << 10), "shared memory of a block of sm_80");
    }

    [Test]
    public void The_emulator_sees_what_goes_wrong()
    {
        var kernel = kernels[0];
        var ptx = kernel.Ptx("sm_80");
        Assert.That(() => Run(ptx), Throws.Nothing);
        Assert.That(float.IsNaN(Run(ptx.Replace("cp.async.wait_group 2;", "cp.async.wait_group 9;", StringComparison.Ordinal))), Is.True, "numbers that have not come yet");
        Assert.That(() => Run(ptx.Replace("shl.b32 swap, swap, 4;", "shl.b32 swap, swap, 3;", StringComparison.Ordinal)), Throws.InvalidOperationException, "misaligned");
        Assert.That(() => Run(ptx.Replace("setp.lt.u32 go, tile, tileCount;", "setp.lt.u32 go, lane, tileCount;", StringComparison.Ordinal)), Throws.InvalidOperationException, "branches that part");
        Assert.That(() => new MmaKernel(MmaType.Half, 64, 64, 96, 32, 32, 3).Ptx("sm_80"), Throws.InvalidOperationException);

        float Run(string text)
        {
            var memory = new byte[2 * 64 * 128 + 64 * 64 * 4];
            new PtxEmulator(text, memory).Launch((1, 1, 1), kernel.Threads, kernel.SharedBytes, 0, 64 * 128, 2 * 64 * 128, 64, 64, 128, 0, 0, 0);
            return BitConverter.ToSingle(memory, 2 * 64 * 128);
        }
    }
}
