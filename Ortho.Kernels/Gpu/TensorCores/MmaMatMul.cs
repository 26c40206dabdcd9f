using Ortho.Kernels.MatMul;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Gpu.TensorCores;

/// <summary>Matrix products by <see cref="MmaKernel"/>: operands rounded, laid out in whole tiles and multiplied.</summary>
static class MmaMatMul
{
    // Products that have so many of its tiles are made by the larger kernel: as many blocks as a device has multiprocessors.
    const int ManyTiles = 128;

    /// <summary>a [..., rows, inner] times b [..., inner, columns], Float32, on one device.</summary>
    public static Tensor Run(GpuDevice gpu, string operation, Tensor a, Tensor b, MatMulPrecision precision)
    {
        var (m, n) = (a.Shape[^2], b.Shape[^1]);
        var batch = Shape.Broadcast(a.Shape[..^2], b.Shape[..^2], operation);
        var y = Tensor.Empty(batch.Concat([m, n]), DType.Float32, gpu);
        var count = checked((int)batch.ElementCount);
        var kernels = MmaKernel.Used.Where(kernel => kernel.Type == TypeOf(precision)).ToList();
        var kernel = kernels.FirstOrDefault(kernel => (long)count * Tiles(m, kernel.TileM) * Tiles(n, kernel.TileN) >= ManyTiles) ?? kernels[^1];
        var transposed = b.View(b.Layout.Permute([.. Enumerable.Range(0, b.Rank - 2), b.Rank - 1, b.Rank - 2], operation));
        var (left, leftBatch) = Panel(operation, kernel, precision, a, kernel.TileM, batch);
        var (right, rightBatch) = Panel(operation, kernel, precision, transposed, kernel.TileN, batch);
        gpu.LaunchPtx(kernel, MmaKernel.Entry, kernel.Ptx, (Tiles(n, kernel.TileN), Tiles(m, kernel.TileM), count), kernel.Threads, kernel.SharedBytes,
            new Arguments
            {
                A = GpuDevice.Address(left), B = GpuDevice.Address(right), Y = GpuDevice.Address(y), Rows = m, Columns = n, RowBytes = checked(left.Shape[^1] * kernel.ElementBytes),
                ABatch = leftBatch, BBatch = rightBatch, YBatch = 4L * m * n,
            });
        left.Dispose();
        right.Dispose();
        return y;
    }

    /// <summary>The parameters of <see cref="MmaKernel.Ptx"/>, as PTX lays them out.</summary>
    internal struct Arguments
    {
        public long A, B, Y;
        public int Rows, Columns, RowBytes;
        public long ABatch, BBatch, YBatch;
    }

    static MmaType TypeOf(MatMulPrecision precision) => precision == MatMulPrecision.BFloat16 ? MmaType.BFloat16 : MmaType.TensorFloat32;

    static int Tiles(int count, int tile) => (count + tile - 1) / tile;

    // Rounded, dense, zeros up to whole tiles; and the bytes from one matrix of the batch to the next, 0 for one that all share.
    internal static (Tensor Panel, long BatchBytes) Panel(string operation, MmaKernel kernel, MatMulPrecision precision, Tensor x, int tile, Shape batch)
    {
        if (x.Rank > 2)
            x = x.View(x.Layout.Expand(batch.Concat(x.Shape[^2..].Span), operation));
        var (rows, inner) = (x.Shape[^2], x.Shape[^1]);
        var rounded = precision == MatMulPrecision.BFloat16 ? Cast.To(x, DType.BFloat16) : ReducedMatMul.Rounded(x, precision);
        var shape = x.Shape[..^2].Concat([Tiles(rows, tile) * tile, Tiles(inner, kernel.TileK) * kernel.TileK]);
        var panel = rounded;
        if (shape != x.Shape)
        {
            panel = Tensor.Empty(shape, rounded.DType, x.Device);
            Skeletons.Pointwise.Into<Unary<Identity>>(operation, panel, 0);
            Copy.Into(panel.View(panel.Layout.Slice(x.Rank - 2, 0, rows, 1).Slice(x.Rank - 1, 0, inner, 1)), rounded);
            rounded.Dispose();
        }
        return (panel, x.Rank > 2 ? (long)shape[^2] * shape[^1] * kernel.ElementBytes : 0);
    }
}
