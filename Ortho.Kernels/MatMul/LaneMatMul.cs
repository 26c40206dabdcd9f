using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.MatMul;

/// <summary>Products of any lane on devices: float64 and complex numbers of all sizes, and of float32 the small ones, of which there are
/// often many.</summary>
/// <remarks>
/// <para>As <see cref="TiledMatMul"/>, in any layout number by number: each thread of a tile keeps a square of sums in registers, 8 x 8 of
/// numbers of 64 bits in tiles of 64 x 64, 4 x 4 in tiles of 32 x 32 and of 16 x 16, of which a group makes four; one sum where the result
/// is hardly more than a vector. Two panels of each operand lie in shared memory, and one barrier parts them.</para>
/// <para>The inner indices that fill no panel follow one by one: complex numbers have no padding that changes no sum, -0 among them.</para>
/// </remarks>
static class LaneMatMul
{
    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> A, B, C, Y;
        public E Alpha, Beta;
        public int Scales, IsHermitian;
        public int M, K, N, TilesM, TilesN, Tiles;

        /// <summary>Inner indices of a chain.</summary>
        public int Chain;

        /// <summary>From one matrix, line and inner index to the next: lines are rows of a and columns of b.</summary>
        public int ALine, AStep, BLine, BStep, CRow;
        public long ABatch, BBatch, CBatch;

        /// <summary>See <see cref="MatMul.Turns"/>.</summary>
        public int Turn;
        public ArrayView<int> First;
    }

    // So many tiles that a GPU has work for all of its multiprocessors.
    const int ManyTiles = 128;

    // With fewer rows or columns, threads that keep squares of sums would be idle.
    const int LeastSide = 5;

    /// <summary>Computes a product.</summary>
    public static void Run(GpuDevice gpu, MatMul.Plan plan)
    {
        switch (plan.Y.DType)
        {
            case DType.Float32: Run<F32, float, SingleCell, Quad<float>>(gpu, plan); break;
            case DType.Float64: Run<F64, double, DoubleCell, Twin<double>>(gpu, plan); break;
            case DType.Complex64: Run<Cx<F32>, Complex64, Complex64Cell, Twin<Complex64>>(gpu, plan); break;
            default: Run<Cx<F64>, Complex, Complex128Cell, Lone<Complex>>(gpu, plan); break;
        }
    }

    static void Run<T, E, F, U>(GpuDevice gpu, MatMul.Plan plan)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E>
    {
        if (gpu.Kind == DeviceKind.Simulator)
        {
            if (Math.Min(plan.M, plan.N) < LeastSide)
                Run<SumAlone<T>, T, E, F, Lone<E>, Side4>(gpu, plan);
            else
                Run<SumSquare<T>, T, E, F, U, Side4>(gpu, plan);
            return;
        }
        switch (TileSide(plan, U.Count == 1 ? 32 : 16, U.Count == 2 ? 64 : 32))
        {
            case 64: Run<SumTile<T>, T, E, F, U, Side8Wide>(gpu, plan); break;
            case 32: Run<SumSquare<T>, T, E, F, U, Side8>(gpu, plan); break;
            case 16: Run<SumSquare<T>, T, E, F, U, Side4Fourfold>(gpu, plan); break;
            default: Run<SumAlone<T>, T, E, F, Lone<E>, Side16>(gpu, plan); break;
        }
    }

    // Large tiles read less, as long as there are enough of them and they are not emptier than small ones. (Complex numbers of 64 bits each have no
    // registers for several small ones to a group.)
    static int TileSide(MatMul.Plan plan, int least, int most)
    {
        if (Math.Min(plan.M, plan.N) < LeastSide)
            return 1;
        return most >= 64 && Tiles(64) >= ManyTiles && 4 * Elements(64) <= 5 * Elements(32) ? 64
            : least == 32 || 2 * Elements(32) <= 3 * Elements(16) ? 32
            : 16;

        long Tiles(int side) => (long)plan.Batches * TiledMatMul.Tiles(plan.M, side) * TiledMatMul.Tiles(plan.N, side);

        long Elements(int side) => Tiles(side) * side * side;
    }

    /// <summary>Computes a product by tiles of a size.</summary>
    static void Run<Q, T, E, F, U, S>(GpuDevice gpu, MatMul.Plan plan) where Q : struct, ISums<Q, T> where T : struct, ILane<T> where E : unmanaged
        where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E> where S : struct, ITileSide
    {
        var (a, aBatch) = MatMul.Plan.Regular(plan.A);
        var (b, bBatch) = MatMul.Plan.Regular(plan.B);
        // A kernel without c is given y to read from, and does not.
        var (c, cBatch) = plan.C is null ? (plan.Y, 0) : MatMul.Plan.Regular(plan.C);
        var side = Q.Count * S.Side;
        var (tilesM, tilesN) = (TiledMatMul.Tiles(plan.M, side), TiledMatMul.Tiles(plan.N, side));
        var (turn, first) = plan.DeviceTurns;
        var x = new Arguments<E>
        {
            A = GpuDevice.View<E>(a), B = GpuDevice.View<E>(b), C = GpuDevice.View<E>(c), Y = GpuDevice.View<E>(plan.Y),
            Alpha = F.Pack(T.Of(plan.Alpha)), Beta = F.Pack(T.Of(plan.Beta)), Scales = plan.C is null ? 0 : 1, IsHermitian = plan.IsHermitian ? 1 : 0,
            M = plan.M, K = plan.K, N = plan.N, TilesM = tilesM, TilesN = tilesN, Tiles = checked(plan.Batches * tilesM * tilesN),
            Chain = MatMul.KBlock / (plan.Y.DType.IsComplex ? 2 : 1),
            ALine = checked((int)a.Layout.Strides[^2]), AStep = checked((int)a.Layout.Strides[^1]), ABatch = aBatch,
            BLine = checked((int)b.Layout.Strides[^1]), BStep = checked((int)b.Layout.Strides[^2]), BBatch = bBatch,
            CRow = checked((int)c.Layout.Strides[^2]), CBatch = cBatch,
            Turn = turn, First = first,
        };
        var isWhole = ((long)plan.N | c.Layout.Strides[^2] | c.Layout.Offset | cBatch) % U.Count == 0;
        if (x.AStep == 1 && x.ALine != 1)
            Across<AlongStrides>();
        else
            Across<AcrossStrides>();
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(c);

        void Across<PA>() where PA : struct, IPanel
        {
            if (x.BStep == 1 && x.BLine != 1)
                Finished<PA, AlongStrides>();
            else
                Finished<PA, AcrossStrides>();
        }

        void Finished<PA, PB>() where PA : struct, IPanel where PB : struct, IPanel
        {
            if (plan.IsHermitian)
                Launch<PA, PB, LowerTriangle>();
            else if (isWhole)
                Launch<PA, PB, WholeUnits>();
            else
                Launch<PA, PB, EachNumber>();
        }

        void Launch<PA, PB, W>() where PA : struct, IPanel where PB : struct, IPanel where W : struct, ITileFinish
            => gpu.LaunchGroups(Kernel<Q, T, E, F, U, S, PA, PB, W>, TiledMatMul.Tiles(x.Tiles, S.Tiles), S.Tiles * S.Side * S.Side, x);
    }

    [Budget(250, 16_896, typeof(SumTile<F64>), typeof(F64), typeof(double), typeof(DoubleCell), typeof(Twin<double>), typeof(Side8Wide),
        typeof(AlongStrides), typeof(AcrossStrides), typeof(WholeUnits), MultiplyAdds = 0.76)]
    [Budget(250, 16_896, typeof(SumTile<F64>), typeof(F64), typeof(double), typeof(DoubleCell), typeof(Twin<double>), typeof(Side8Wide),
        typeof(AcrossStrides), typeof(AlongStrides), typeof(EachNumber), MultiplyAdds = 0.76)]
    [Budget(250, 16_896, typeof(SumTile<F64>), typeof(F64), typeof(double), typeof(DoubleCell), typeof(Twin<double>), typeof(Side8Wide),
        typeof(AlongStrides), typeof(AlongStrides), typeof(LowerTriangle), MultiplyAdds = 0.76)]
    [Budget(232, 16_896, typeof(SumTile<Cx<F32>>), typeof(Cx<F32>), typeof(Complex64), typeof(Complex64Cell), typeof(Twin<Complex64>),
        typeof(Side8Wide), typeof(AlongStrides), typeof(AcrossStrides), typeof(WholeUnits), MultiplyAdds = 0.92)]
    [Budget(232, 16_896, typeof(SumTile<Cx<F32>>), typeof(Cx<F32>), typeof(Complex64), typeof(Complex64Cell), typeof(Twin<Complex64>),
        typeof(Side8Wide), typeof(AcrossStrides), typeof(AcrossStrides), typeof(LowerTriangle), MultiplyAdds = 0.92)]
    [Budget(168, 16_896, typeof(SumSquare<Cx<F64>>), typeof(Cx<F64>), typeof(Complex), typeof(Complex128Cell), typeof(Lone<Complex>),
        typeof(Side8), typeof(AlongStrides), typeof(AcrossStrides), typeof(WholeUnits), MultiplyAdds = 0.8)]
    [Budget(112, 8_704, typeof(SumSquare<Cx<F32>>), typeof(Cx<F32>), typeof(Complex64), typeof(Complex64Cell), typeof(Twin<Complex64>),
        typeof(Side8), typeof(AlongStrides), typeof(AcrossStrides), typeof(WholeUnits), MultiplyAdds = 0.85)]
    [Budget(128, 8_704, typeof(SumSquare<F64>), typeof(F64), typeof(double), typeof(DoubleCell), typeof(Twin<double>), typeof(Side8),
        typeof(AlongStrides), typeof(AcrossStrides), typeof(WholeUnits), MultiplyAdds = 0.59)]
    [Budget(80, 4_608, typeof(SumSquare<F32>), typeof(F32), typeof(float), typeof(SingleCell), typeof(Quad<float>), typeof(Side8),
        typeof(AlongStrides), typeof(AcrossStrides), typeof(WholeUnits), MultiplyAdds = 0.64)]
    [Budget(112, 9_216, typeof(SumSquare<Cx<F32>>), typeof(Cx<F32>), typeof(Complex64), typeof(Complex64Cell), typeof(Twin<Complex64>),
        typeof(Side4Fourfold), typeof(AlongStrides), typeof(AcrossStrides), typeof(WholeUnits), MultiplyAdds = 0.78)]
    [Budget(80, 5_120, typeof(SumSquare<F32>), typeof(F32), typeof(float), typeof(SingleCell), typeof(Quad<float>), typeof(Side4Fourfold),
        typeof(AlongStrides), typeof(AcrossStrides), typeof(WholeUnits))]
    [Budget(48, 4_352, typeof(SumAlone<F32>), typeof(F32), typeof(float), typeof(SingleCell), typeof(Lone<float>), typeof(Side16),
        typeof(AlongStrides), typeof(AcrossStrides), typeof(EachNumber))]
    [Budget(72, 17_408, typeof(SumAlone<Cx<F64>>), typeof(Cx<F64>), typeof(Complex), typeof(Complex128Cell), typeof(Lone<Complex>),
        typeof(Side16), typeof(AlongStrides), typeof(AcrossStrides), typeof(EachNumber))]
    internal static void Kernel<Q, T, E, F, U, S, PA, PB, W>(Arguments<E> x) where Q : struct, ISums<Q, T> where T : struct, ILane<T> where E : unmanaged
        where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E> where S : struct, ITileSide
        where PA : struct, IPanel where PB : struct, IPanel where W : struct, ITileFinish
    {
        // Two panels each, and from the one to the other, in units.
        var other = Tiles<Q, E, U, S>.PanelUnits;
        var panelsA = SharedMemory.Allocate<U>(2 * S.Tiles * S.Side * (Q.Count * S.Side / U.Count + 1));
        var panelsB = SharedMemory.Allocate<U>(2 * S.Tiles * S.Side * (Q.Count * S.Side / U.Count + 1));
        var (part, thread) = (Group.IdxX / (S.Side * S.Side), Group.IdxX % (S.Side * S.Side));
        var (batch, row, column) = Tile<Q, S, E>(x, part);
        // Only groups of one tile make Hermitian products, and return where it is not their turn.
        if ((x.IsHermitian != 0 && row < column) || (S.Tiles == 1 && !MatMul.IsTurn(x.Turn, x.First, batch)))
            return;
        if (S.Tiles > 1)
        {
            panelsA = panelsA.SubView(part * (2 * other));
            panelsB = panelsB.SubView(part * (2 * other));
        }
        var fromA = LanePanel<E>.Of<Q, U, S, PA>(thread, x.A.SubView(batch * x.ABatch), row, x.M, x.ALine, x.AStep, x.K);
        var fromB = LanePanel<E>.Of<Q, U, S, PB>(thread, x.B.SubView(batch * x.BBatch), column, x.N, x.BLine, x.BStep, x.K);
        var (tx, ty) = S.Place(thread);
        if (x.K > 0)
        {
            LanePanel<E>.Store<Q, U, S, PA>(fromA, panelsA, LanePanel<E>.Load<Q, S, PA>(fromA, 0));
            LanePanel<E>.Store<Q, U, S, PB>(fromB, panelsB, LanePanel<E>.Load<Q, S, PB>(fromB, 0));
        }
        Group.Barrier();
        var (now, k) = (0, 0);
        do
        {
            var sums = default(Q);
            var end = IntrinsicMath.Min(k + x.Chain, x.K);
            var whole = end / S.Side * S.Side;
            if (k < whole)
            {
                do
                {
                    k += S.Side;
                    // a's next panel comes while half of these is multiplied, b's during the other half.
                    var (a, b) = (panelsA.SubView(now + ty), panelsB.SubView(now + tx));
                    now = other - now;
                    var numbers = LanePanel<E>.Load<Q, S, PA>(fromA, k);
                    sums = S.Multiply<Q, T, E, F, U>(sums, a, b);
                    LanePanel<E>.Store<Q, U, S, PA>(fromA, panelsA.SubView(now), numbers);
                    numbers = LanePanel<E>.Load<Q, S, PB>(fromB, k);
                    (a, b) = (a.SubView(S.Side / 2 * Tiles<Q, E, U, S>.Pitch), b.SubView(S.Side / 2 * Tiles<Q, E, U, S>.Pitch));
                    sums = S.Multiply<Q, T, E, F, U>(sums, a, b);
                    LanePanel<E>.Store<Q, U, S, PB>(fromB, panelsB.SubView(now), numbers);
                    Group.Barrier();
                }
                while (k < whole);
            }
            for (var at = now; k < end; k++)
            {
                sums = Q.Step<E, F, U, S>(sums, panelsA.SubView(at + ty), panelsB.SubView(at + tx), 0);
                at += Tiles<Q, E, U, S>.Pitch;
            }
            Finish<Q, T, E, F, U, S, W>(x, k, sums);
        }
        while (k < x.K);
    }

    // Where a tile of a group is: its matrix, its first row and its first column. Beyond the last, that one's.
    [MethodImpl(Inline.Always)]
    static (int Batch, int Row, int Column) Tile<Q, S, E>(Arguments<E> x, int part) where Q : struct, ISums where S : struct, ITileSide where E : unmanaged
    {
        var index = Grid.IdxX * S.Tiles + part;
        if (S.Tiles > 1)
            index = IntrinsicMath.Min(index, x.Tiles - 1);
        var tile = index % (x.TilesM * x.TilesN);
        return (index / (x.TilesM * x.TilesN), tile / x.TilesN * (Q.Count * S.Side), tile % x.TilesN * (Q.Count * S.Side));
    }

    [MethodImpl(Inline.Always)]
    static void Finish<Q, T, E, F, U, S, W>(Arguments<E> x, int k, Q sums) where Q : struct, ISums<Q, T> where T : struct, ILane<T> where E : unmanaged
        where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E> where S : struct, ITileSide where W : struct, ITileFinish
    {
        // 0, which the assembler cannot know: it would compute all places in y before the loop, and have no registers left for them.
        var zero = k >> 30;
        var (part, thread) = ((Group.IdxX + zero) / (S.Side * S.Side), (Group.IdxX + zero) % (S.Side * S.Side));
        (x.TilesM, x.TilesN) = (x.TilesM + zero, x.TilesN + zero);
        var (batch, row, column) = Tile<Q, S, E>(x, part);
        var (tx, ty) = S.Place(thread);
        var isLast = k >= x.K;
        var target = new TileTarget<E>
        {
            Y = x.Y, YStart = (long)batch * x.M * x.N, C = x.C, CStart = batch * x.CBatch, CRow = x.CRow, M = x.M, N = x.N,
            Alpha = x.Alpha, Beta = x.Beta, Adds = k > x.Chain, IsLast = isLast, Scales = isLast && x.Scales != 0,
        };
        // What a group has no tile for is not written, nor what it is not the turn of.
        if (S.Tiles > 1 && (Grid.IdxX * S.Tiles + part >= x.Tiles || !MatMul.IsTurn(x.Turn, x.First, batch)))
            target.M = 0;
        Q.Put<E, F, U, S, W>(target, row + U.Count * ty, column + U.Count * tx, sums);
    }
}
