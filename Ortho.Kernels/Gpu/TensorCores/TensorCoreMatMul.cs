using Ortho.Kernels.MatMul;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Gpu.TensorCores;

/// <summary>Matrix products by a <see cref="TensorCoreKernel"/>: operands that are rounded, laid out in whole tiles and multiplied.</summary>
static class TensorCoreMatMul
{
    // Products that have so many of its tiles are made by the larger kernel: as many blocks as a device has multiprocessors.
    const int ManyTiles = 128;

    // Blocks along z.
    const int MostMatrices = 65_535;

    /// <summary>alpha a b + beta c, Float32; see <see cref="ReducedMatMul"/>.</summary>
    /// <param name="gpu">Where they are.</param>
    /// <param name="operation">Who asks, for messages.</param>
    /// <param name="a">[..., rows, inner], rounded.</param>
    /// <param name="b">[..., inner, columns], rounded, of a's dtype.</param>
    /// <param name="c">Float32, of the result's shape, its rows contiguous, or null.</param>
    /// <param name="alpha">Factor of the product where there is a c.</param>
    /// <param name="beta">Factor of c.</param>
    /// <param name="isSymmetric">Whether the result is symmetric but for rounding: its lower triangle is made and mirrored.</param>
    public static Tensor Run(GpuDevice gpu, string operation, Tensor a, Tensor b, Tensor? c, double alpha, double beta, bool isSymmetric)
    {
        var product = Prepare(TensorCoreKernel.For(gpu.Architecture), operation, a, b, c, alpha, beta, isSymmetric);
        var kernel = product.Kernel;
        foreach (var (grid, arguments) in product.Launches)
            gpu.LaunchPtx(kernel, TensorCoreKernel.Entry, kernel.Ptx, grid, kernel.Threads, kernel.SharedBytes, arguments);
        foreach (var panel in product.Panels)
        {
            if (panel.Storage != a.Storage && panel.Storage != b.Storage)
                panel.Dispose();
        }
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(product);
        return product.Y;
    }

    /// <summary>What is launched for a product, and the tensors whose addresses its arguments hold.</summary>
    internal sealed record Product(TensorCoreKernel Kernel, IReadOnlyList<Tensor> Panels, Tensor? C, Tensor Y,
        IReadOnlyList<((int X, int Y, int Z) Grid, TensorCoreKernel.Arguments Arguments)> Launches);

    /// <summary>Operands and result of a product in the memory of a device, and the launches that make it.</summary>
    /// <param name="kernels">Of the device's architecture.</param>
    /// <param name="operation">As for <see cref="Run"/>, as are the others.</param>
    /// <param name="a">[..., rows, inner].</param>
    /// <param name="b">[..., inner, columns].</param>
    /// <param name="c">What is added.</param>
    /// <param name="alpha">Factor of the product.</param>
    /// <param name="beta">Factor of c.</param>
    /// <param name="isSymmetric">Whether the result is.</param>
    /// <param name="most">Matrices of one launch.</param>
    internal static Product Prepare(IReadOnlyList<TensorCoreKernel> kernels, string operation, Tensor a, Tensor b, Tensor? c, double alpha, double beta,
        bool isSymmetric, int most = MostMatrices)
    {
        var (m, n) = (a.Shape[^2], b.Shape[^1]);
        var batch = Shape.Broadcast(a.Shape[..^2], b.Shape[..^2], operation);
        var y = Tensor.Empty(batch.Concat([m, n]), DType.Float32, a.Device);
        var count = checked((int)batch.ElementCount);
        var kernel = Choose(kernels, a.DType == DType.BFloat16 ? MmaType.BFloat16 : MmaType.TensorFloat32, m, n, count, isSymmetric);
        var transposed = Linalg.Matrices.H(b);
        var (left, leftBatch) = Panel(operation, kernel, a, kernel.TileM, batch);
        // x x^T has one panel, unless its tiles end elsewhere.
        var isOne = a.Storage == b.Storage && a.Layout.IsSame(transposed.Layout) && Tiles(m, kernel.TileM) * kernel.TileM >= Tiles(n, kernel.TileN) * kernel.TileN;
        var (right, rightBatch) = isOne ? (left, leftBatch) : Panel(operation, kernel, transposed, kernel.TileN, batch);
        var (added, addedBatch) = c is null ? (null, 0) : MatMul.MatMul.Plan.Regular(c);
        var cRow = added?.Layout.Strides[^2] ?? 0;
        var arguments = new TensorCoreKernel.Arguments
        {
            A = GpuDevice.Address(left), B = GpuDevice.Address(right), Y = GpuDevice.Address(y), C = added is null ? 0 : GpuDevice.Address(added),
            Rows = m, Columns = n, RowBytes = checked(left.Shape[^1] * kernel.ElementBytes), CRowBytes = checked(4 * (int)cRow),
            ABatch = leftBatch, BBatch = rightBatch, YBatch = 4L * m * n, CBatch = 4 * addedBatch,
            Alpha = added is null ? 1 : (float)alpha, Beta = added is null ? -0f : (float)beta, IsSymmetric = isSymmetric ? 1 : 0,
            HasPairs = !isSymmetric && n % 2 == 0 && (added is null || (added.Layout.Offset % 2 == 0 && cRow % 2 == 0 && addedBatch % 2 == 0)) ? 1 : 0,
        };
        var launches = new List<((int, int, int), TensorCoreKernel.Arguments)>();
        for (var first = 0; first < count; first += most)
        {
            launches.Add(((Tiles(n, kernel.TileN), Tiles(m, kernel.TileM), Math.Min(most, count - first)), arguments with
            {
                A = arguments.A + first * arguments.ABatch, B = arguments.B + first * arguments.BBatch, Y = arguments.Y + first * arguments.YBatch,
                C = arguments.C + first * arguments.CBatch,
            }));
        }
        return new(kernel, isOne ? [left] : [left, right], added, y, launches);
    }

    /// <summary>The kernel for a product: the first whose tiles are many, or else the last.</summary>
    internal static TensorCoreKernel Choose(IReadOnlyList<TensorCoreKernel> kernels, MmaType type, int m, int n, int count, bool isSymmetric)
    {
        var own = kernels.Where(kernel => kernel.Type == type).ToList();
        // About half of the tiles of a symmetric result are made.
        return own.FirstOrDefault(kernel => (long)count * Tiles(m, kernel.TileM) * Tiles(n, kernel.TileN) >= (isSymmetric ? 2 : 1) * ManyTiles) ?? own[^1];
    }

    static int Tiles(int count, int tile) => (count + tile - 1) / tile;

    // Dense, zeros up to whole tiles - the operand itself where it is that - and the bytes from one matrix to the next, 0 for one that all share.
    internal static (Tensor Panel, long BatchBytes) Panel(string operation, TensorCoreKernel kernel, Tensor x, int tile, Shape batch)
    {
        var (rows, inner) = (x.Shape[^2], x.Shape[^1]);
        var (wholeRows, wholeInner) = (Tiles(rows, tile) * tile, Tiles(inner, kernel.TileK) * kernel.TileK);
        // One matrix for all of the batch is laid out once.
        var isShared = x.Shape[..^2].ElementCount == 1;
        if (isShared)
            x = x.View(x.Layout.TryReshape([rows, inner])!);
        else if (x.Shape[..^2] != batch)
            x = x.View(x.Layout.Expand(batch.Concat(x.Shape[^2..].Span), operation));
        var batchBytes = isShared ? 0 : (long)wholeRows * wholeInner * kernel.ElementBytes;
        // Copies take 16 bytes at a time.
        if ((wholeRows, wholeInner) == (rows, inner) && x.IsContiguous && x.Layout.Offset * kernel.ElementBytes % 16 == 0)
            return (x, batchBytes);
        var panel = Tensor.Empty(x.Shape[..^2].Concat([wholeRows, wholeInner]), x.DType, x.Device);
        var zero = Tensor.Empty([1], x.DType, x.Device);
        Skeletons.Pointwise.Into<Unary<Identity>>(operation, zero, 0);
        Zero(panel.Layout.Slice(x.Rank - 2, rows, wholeRows - rows, 1));
        Zero(panel.Layout.Slice(x.Rank - 1, inner, wholeInner - inner, 1));
        Copy.Into(panel.View(panel.Layout.Slice(x.Rank - 2, 0, rows, 1).Slice(x.Rank - 1, 0, inner, 1)), x);
        return (panel, batchBytes);

        void Zero(Layout margin)
        {
            if (margin.Shape.ElementCount > 0)
                Copy.Into(panel.View(margin), zero);
        }
    }
}
