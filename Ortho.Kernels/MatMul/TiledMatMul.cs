using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.MatMul;

/// <summary>Products of float32 matrices on devices, large enough for tiles of 64 x 64 and more: each thread of a group keeps 8 x 8 sums.
/// All others are <see cref="LaneMatMul"/>'s.</summary>
/// <remarks>
/// <para>Panels of a and b, a few inner indices at a time, lie in shared memory twice: while the threads multiply one pair, the next is on
/// its way,
/// and one barrier parts the two. a's panel is transposed as it comes, so that a thread's eight numbers of either are two accesses of 128
/// bits.
/// The loop over panels is one basic block: beyond the last panel its end is read again, and numbers beyond the last inner index are zeros that
/// change no sum.</para>
/// <para>Sums are chains of <see cref="MatMul.KBlock"/> fused multiply-adds; the sum of a chain is added to y, as on the host. So y holds
/// the
/// earlier chains' sums, where registers for twice as many would halve the threads.</para>
/// </remarks>
static class TiledMatMul
{
    internal struct Arguments
    {
        public ArrayView<float> A, B, C, Y;
        public float Alpha, Beta;
        public int Scales;
        public int M, K, N, TilesM, TilesN;

        /// <summary>From one matrix, line and inner index to the next: lines are rows of a and columns of b. Quads are counted where quads
        /// are read.</summary>
        public int ALine, AStep, BLine, BStep, CRow;
        public long ABatch, BBatch, CBatch;

        /// <summary>Of a and b, the last inner index; with quads along it, the last quad. Numbers that a kernel is given cost no
        /// registers.</summary>
        public int ALast, BLast;

        /// <summary>1 for a Hermitian result, of which tiles above the diagonal are left out.</summary>
        public int IsHermitian;

        /// <summary>See <see cref="MatMul.Turns"/>.</summary>
        public int Turn;
        public ArrayView<int> First;
    }

    // Fewer inner indices would not fill the panels; and so many large tiles that a GPU has work for all of its multiprocessors.
    const int LeastInner = 16, ManyTiles = 128;

    /// <summary>Whether products of these sizes are made here: tiles of 64 x 64 are not mostly empty.</summary>
    public static bool Takes(MatMul.Plan plan)
        => plan.K >= LeastInner && 2 * 64 * 64 * (long)Tiles(plan.M, 64) * Tiles(plan.N, 64) <= 3 * 32 * 32 * (long)Tiles(plan.M, 32) * Tiles(plan.N, 32);

    /// <summary>Computes a product.</summary>
    public static void Run(GpuDevice gpu, MatMul.Plan plan)
    {
        var x = new Operands(plan);
        // Operands that are read number by number take more registers than 256 threads have, twice.
        var isLarge = (long)plan.Batches * Tiles(plan.M, 128) * Tiles(plan.N, 128) >= ManyTiles && x.KindA <= PanelKind.AcrossQuads && x.KindB <= PanelKind.AcrossQuads;
        if (gpu.Kind == DeviceKind.Simulator)
            Run<Side4>(gpu, plan, x);
        else if (isLarge)
            Run<Side16>(gpu, plan, x);
        else
            Run<Side8>(gpu, plan, x);
    }

    /// <summary>Tiles of a side.</summary>
    internal static int Tiles(int count, int tile) => (count + tile - 1) / tile;

    /// <summary>Computes a product by tiles of a size.</summary>
    internal static void Run<S>(GpuDevice gpu, MatMul.Plan plan, Operands x) where S : struct, ITileSide
    {
        var (turn, first) = plan.DeviceTurns;
        var launch = new Launch<S>(gpu, plan.Batches, new()
        {
            A = GpuDevice.View<float>(x.A), B = GpuDevice.View<float>(x.B), C = GpuDevice.View<float>(x.C), Y = GpuDevice.View<float>(plan.Y),
            Alpha = (float)plan.Alpha, Beta = (float)plan.Beta, Scales = plan.C is null ? 0 : 1,
            M = plan.M, K = plan.K, N = plan.N, TilesM = Tiles(plan.M, 8 * S.Side), TilesN = Tiles(plan.N, 8 * S.Side),
            ALine = checked((int)x.A.Layout.Strides[^2]), AStep = checked((int)x.A.Layout.Strides[^1]), ABatch = x.ABatch,
            BLine = checked((int)x.B.Layout.Strides[^1]), BStep = checked((int)x.B.Layout.Strides[^2]), BBatch = x.BBatch,
            CRow = checked((int)x.C.Layout.Strides[^2]), CBatch = x.CBatch, ALast = plan.K - 1, BLast = plan.K - 1, IsHermitian = plan.IsHermitian ? 1 : 0,
            Turn = turn, First = first,
        });
        launch.Run(x.KindA, x.KindB, x.IsWhole);
    }

    /// <summary>Operands whose matrices lie at constant distances, and how they are read.</summary>
    internal sealed class Operands
    {
        public Operands(MatMul.Plan plan)
        {
            (A, ABatch) = MatMul.Plan.Regular(plan.A);
            (B, BBatch) = MatMul.Plan.Regular(plan.B);
            // A kernel without c is given y to read from, and does not.
            (C, CBatch) = plan.C is null ? (plan.Y, 0) : MatMul.Plan.Regular(plan.C);
            KindA = KindOf(A, ABatch, plan.M, plan.K, A.Layout.Strides[^2], A.Layout.Strides[^1]);
            KindB = KindOf(B, BBatch, plan.N, plan.K, B.Layout.Strides[^1], B.Layout.Strides[^2]);
            IsWhole = plan.N % 4 == 0 && C.Layout.Strides[^2] % 4 == 0 && C.Layout.Offset % 4 == 0 && CBatch % 4 == 0;
        }

        public Tensor A { get; }
        public Tensor B { get; }
        public Tensor C { get; }
        public long ABatch { get; }
        public long BBatch { get; }
        public long CBatch { get; }
        public PanelKind KindA { get; }
        public PanelKind KindB { get; }

        /// <summary>Whether the result's quads are whole and aligned, and c's.</summary>
        public bool IsWhole { get; }
    }

    /// <summary>Which <see cref="IPanel"/> an operand is.</summary>
    internal enum PanelKind
    {
        AlongQuads,
        AcrossQuads,
        AlongStrides,
        AcrossStrides,
    }

    // Quads where they are aligned; threads run along whatever is contiguous.
    static PanelKind KindOf(Tensor x, long batch, int lines, int k, long line, long step)
    {
        var isAligned = x.Layout.Offset % 4 == 0 && batch % 4 == 0;
        return step == 1 && isAligned && line % 4 == 0 && k % 4 == 0 ? PanelKind.AlongQuads
            : line == 1 && isAligned && step % 4 == 0 && lines % 4 == 0 ? PanelKind.AcrossQuads
            : line == 1 ? PanelKind.AcrossStrides
            : PanelKind.AlongStrides;
    }

    // Types for what is known of the operands, one after the other.
    readonly struct Launch<S>(GpuDevice gpu, int batches, Arguments arguments) where S : struct, ITileSide
    {
        public void Run(PanelKind a, PanelKind b, bool isWhole)
        {
            switch (a)
            {
                case PanelKind.AlongQuads: Run<AlongQuads>(b, isWhole, arguments with { ALine = arguments.ALine / 4, ALast = arguments.K / 4 - 1 }); break;
                case PanelKind.AcrossQuads: Run<AcrossQuads>(b, isWhole, arguments with { AStep = arguments.AStep / 4 }); break;
                case PanelKind.AlongStrides: Run<AlongStrides>(b, isWhole, arguments); break;
                default: Run<AcrossStrides>(b, isWhole, arguments); break;
            }
        }

        void Run<PA>(PanelKind b, bool isWhole, Arguments x) where PA : struct, IPanel
        {
            switch (b)
            {
                case PanelKind.AlongQuads: Run<PA, AlongQuads>(isWhole, x with { BLine = x.BLine / 4, BLast = x.K / 4 - 1 }); break;
                case PanelKind.AcrossQuads: Run<PA, AcrossQuads>(isWhole, x with { BStep = x.BStep / 4 }); break;
                case PanelKind.AlongStrides: Run<PA, AlongStrides>(isWhole, x); break;
                default: Run<PA, AcrossStrides>(isWhole, x); break;
            }
        }

        void Run<PA, PB>(bool isWhole, Arguments x) where PA : struct, IPanel where PB : struct, IPanel
        {
            var groups = checked(batches * x.TilesM * x.TilesN);
            if (x.IsHermitian != 0)
                gpu.LaunchGroups(Kernel<S, PA, PB, LowerTriangle>, groups, S.Side * S.Side, x);
            else if (isWhole)
                gpu.LaunchGroups(Kernel<S, PA, PB, WholeUnits>, groups, S.Side * S.Side, x);
            else
                gpu.LaunchGroups(Kernel<S, PA, PB, EachNumber>, groups, S.Side * S.Side, x);
        }
    }

    [Budget(128, 33_792, typeof(Side16), typeof(AlongQuads), typeof(AcrossQuads), typeof(WholeUnits), MultiplyAdds = 0.88)]
    [Budget(128, 33_792, typeof(Side16), typeof(AlongQuads), typeof(AlongQuads), typeof(WholeUnits), MultiplyAdds = 0.88)]
    [Budget(128, 33_792, typeof(Side16), typeof(AcrossQuads), typeof(AcrossQuads), typeof(WholeUnits), MultiplyAdds = 0.88)]
    [Budget(128, 33_792, typeof(Side16), typeof(AlongQuads), typeof(AlongQuads), typeof(LowerTriangle), MultiplyAdds = 0.88)]
    [Budget(128, 33_792, typeof(Side16), typeof(AlongQuads), typeof(AlongQuads), typeof(EachNumber), MultiplyAdds = 0.88)]
    [Budget(144, 8_704, typeof(Side8), typeof(AlongQuads), typeof(AcrossQuads), typeof(WholeUnits), MultiplyAdds = 0.83)]
    [Budget(160, 8_704, typeof(Side8), typeof(AcrossStrides), typeof(AcrossStrides), typeof(EachNumber), MultiplyAdds = 0.8)]
    internal static void Kernel<S, PA, PB, W>(Arguments x) where S : struct, ITileSide where PA : struct, IPanel where PB : struct, IPanel where W : struct, ITileFinish
    {
        // Two panels each, and from the one to the other, in quads.
        var panelsA = SharedMemory.Allocate<Quad<float>>(2 * S.Side * (2 * S.Side + 1));
        var panelsB = SharedMemory.Allocate<Quad<float>>(2 * S.Side * (2 * S.Side + 1));
        var other = S.Side * (2 * S.Side + 1);
        var (batch, row, column) = Tile<S>(Grid.IdxX, x.TilesM, x.TilesN);
        if ((x.IsHermitian != 0 && row < column) || !MatMul.IsTurn(x.Turn, x.First, batch))
            return;
        var partA = PanelParts.Of<S, PA>(Group.IdxX, batch * x.ABatch, row, x.M, x.ALine, x.AStep, x.K, x.ALast, -0.0f);
        var partB = PanelParts.Of<S, PB>(Group.IdxX, batch * x.BBatch, column, x.N, x.BLine, x.BStep, x.K, x.BLast, 0.0f);
        var (tx, ty) = S.Place(Group.IdxX);

        PanelParts.Store<S, PA>(panelsA, partA, PA.Load<S>(x.A, partA, 0));
        PanelParts.Store<S, PB>(panelsB, partB, PB.Load<S>(x.B, partB, 0));
        Group.Barrier();
        var (now, k) = (0, 0);
        do
        {
            var sums = default(SumTile<F32>);
            do
            {
                k += S.Side;
                // a's next panel comes while half of these is multiplied, b's during the other half: two quads in registers, not four.
                var (a, b) = (panelsA.SubView(now + ty), panelsB.SubView(now + tx));
                now = other - now;
                var quads = PA.Load<S>(x.A, partA, k);
                sums = S.Multiply<SumTile<F32>, F32, float, SingleCell, Quad<float>>(sums, a, b);
                PanelParts.Store<S, PA>(panelsA.SubView(now), partA, quads);
                quads = PB.Load<S>(x.B, partB, k);
                sums = S.Multiply<SumTile<F32>, F32, float, SingleCell, Quad<float>>(sums, a.SubView(S.Side / 2 * (2 * S.Side + 1)), b.SubView(S.Side / 2 * (2 * S.Side + 1)));
                PanelParts.Store<S, PB>(panelsB.SubView(now), partB, quads);
                Group.Barrier();
            }
            while (k < x.K && (k & (MatMul.KBlock - 1)) != 0);
            Finish<S, W>(x, k, sums);
        }
        while (k < x.K);
    }

    // Where a group's tile is: its matrix, its first row and its first column.
    [MethodImpl(Inline.Always)]
    static (int Batch, int Row, int Column) Tile<S>(int group, int tilesM, int tilesN) where S : struct, ITileSide
    {
        var tile = group % (tilesM * tilesN);
        return (group / (tilesM * tilesN), tile / tilesN * (8 * S.Side), tile % tilesN * (8 * S.Side));
    }

    [MethodImpl(Inline.Always)]
    static void Finish<S, W>(Arguments x, int k, SumTile<F32> sums) where S : struct, ITileSide where W : struct, ITileFinish
    {
        // 0, which the assembler cannot know: it would compute all places in y before the loop, and have no registers left for them.
        var zero = k >> 30;
        var (batch, row, column) = Tile<S>(Grid.IdxX, x.TilesM + zero, x.TilesN + zero);
        var (tx, ty) = S.Place(Group.IdxX + zero);
        var isLast = k >= x.K;
        var target = new TileTarget<float>
        {
            Y = x.Y, YStart = (long)batch * x.M * x.N, C = x.C, CStart = batch * x.CBatch, CRow = x.CRow, M = x.M, N = x.N,
            Alpha = x.Alpha, Beta = x.Beta, Adds = k > MatMul.KBlock, IsLast = isLast, Scales = isLast && x.Scales != 0,
        };
        SumTile<F32>.Put<float, SingleCell, Quad<float>, S, W>(target, row + 4 * ty, column + 4 * tx, sums);
    }
}
