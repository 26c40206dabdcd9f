using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.MatMul;
using Ortho.Tensors;

namespace Ortho.Kernels.Convolution;

/// <summary>Convolutions on devices, large enough for register tiles: products of matrices of which the second is never made.</summary>
/// <remarks>
/// <para>All three maps are products, and <see cref="ITiledMap"/> says what their rows, columns and steps are. The first operand - kernel, or
/// gradient of the result - is packed beforehand, a panel of a tile behind the other, steps of each chain padded to whole panels by -0. The
/// second is gathered into shared memory: a thread brings numbers of its own column, and what is the same for all columns of a step - an
/// offset, and bits that say which columns see a zero - lies in a table in shared memory, made once for each chain, while the one before is
/// not yet at its end.</para>
/// <para>Panels, sums and barriers are those of <see cref="TiledMatMul"/>. A chain's sums are added to the result, as everywhere; products of
/// +0 and -0 beyond its end change no sum, not even -0.</para>
/// </remarks>
static class TiledConvolution
{
    internal struct Arguments<E> where E : unmanaged
    {
        /// <summary>The first operand as it comes; packed; the gathered one; the result, and what is added to each of its rows.</summary>
        public ArrayView<E> Source, Packed, From, To, Bias;
        public TiledAxis Rows, Columns;
        public int HasBias, Groups, TilesM, TilesN;

        /// <summary>Rows and columns of each group's product, and channels of a group of the gathered operand.</summary>
        public int Lines, Width, Channels;

        /// <summary>Steps of the packed operand, and of a segment.</summary>
        public int Steps, SegmentSteps;

        /// <summary>Steps fall into periods, periods into chains: how long they are, and how long with their padding.</summary>
        public int PeriodLength, PeriodSteps, ChainLength, ChainSteps, ImagePeriods;

        /// <summary>From one row of the result to the next, and from a row of its pixels.</summary>
        public int GoalRow, GoalWidth;

        /// <summary>Whether columns that share a unit go to neighbours that do, too.</summary>
        public int HasUnits;

        /// <summary>Distances in the source: of groups, rows, channels (or images) and rows of taps.</summary>
        public int SourceGroup, SourceRow, SourceChannel, SourceWidth;
    }

    /// <summary>Two neighbouring steps of the table: one access of 128 bits.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct StepPair(HalfPlace first, HalfPlace second)
    {
        public int Offset0 = first.Offset, Bits0 = first.Bits, Offset1 = second.Offset, Bits1 = second.Bits;
    }

    // Pairs of steps in the two longest chains that follow each other: a power of two.
    const int RingPairs = 256;

    // Below these a tile would be mostly empty; and so many large tiles that a GPU has work for all of its multiprocessors.
    const int LeastLines = 16, LeastWidth = 32, ManyTiles = 128;

    /// <summary>Whether a product of so many rows and columns is made here.</summary>
    public static bool Takes(ConvolutionGeometry geometry, int lines, long width)
        => lines >= LeastLines && width is >= LeastWidth and < int.MaxValue && geometry.Taps * geometry.ChannelBlock <= RingPairs
            && geometry.Rows.Kernel + geometry.Columns.Kernel <= HalfPlace.MostBits;

    /// <summary>A convolution or its adjoint.</summary>
    public static void Run<T, E, U, F>(GpuDevice gpu, ConvolutionGeometry geometry, Tensor to, Tensor from, Tensor w, Tensor? bias, bool isAdjoint)
        where T : struct, ILane<T> where E : unmanaged where U : unmanaged, IWide<U, E> where F : struct, ICell<T, E>
    {
        var (rows, columns) = (geometry.Rows, geometry.Columns);
        if (!isAdjoint)
        {
            Correlate(Taps.Forward(rows), Taps.Forward(columns));
            return;
        }
        for (var i = 0; i < Math.Min(rows.Stride, rows.Input); i++)
        {
            for (var j = 0; j < Math.Min(columns.Stride, columns.Input); j++)
                Correlate(Taps.Adjoint(rows, i), Taps.Adjoint(columns, j));
        }

        void Correlate(Taps down, Taps across)
        {
            var (taps, kernel) = (down.All.Length * across.All.Length, geometry.Taps);
            var (results, channels) = isAdjoint ? (geometry.Inputs, geometry.Outputs) : (geometry.Outputs, geometry.Inputs);
            var steps = channels * taps;
            var chain = Math.Max(1, geometry.ChannelBlock * taps);
            Launch<T, E, U, F, PixelColumns>(gpu, geometry, segments: 1, to, from, w, bias, Math.Max(steps, 1), chain, periods: 1, segmentPeriods: 1, new()
            {
                Rows = TiledAxis.Of(down), Columns = TiledAxis.Of(across),
                Lines = results, Width = geometry.Batch * down.Count * across.Count, Channels = channels, PeriodLength = steps, ImagePeriods = 1,
                HasUnits = down.Step == 1 && across.Step == 1 && down.Count * across.Count % U.Count == 0 ? 1 : 0,
                GoalRow = isAdjoint ? geometry.InputPixels : geometry.OutputPixels, GoalWidth = isAdjoint ? columns.Input : columns.Output,
                SourceGroup = geometry.Outputs * geometry.Inputs * kernel, SourceRow = isAdjoint ? kernel : geometry.Inputs * kernel,
                SourceChannel = isAdjoint ? geometry.Inputs * kernel : kernel, SourceWidth = columns.Kernel,
            });
        }
    }

    /// <summary>The gradient of a kernel, by segments.</summary>
    public static void Weights<T, E, U, F>(GpuDevice gpu, ConvolutionGeometry geometry, Tensor parts, Tensor x, Tensor y)
        where T : struct, ILane<T> where E : unmanaged where U : unmanaged, IWide<U, E> where F : struct, ICell<T, E>
    {
        // A chain is some rows of an image, which is a period, or a part of a row, which is one then.
        var (pixels, row) = (geometry.OutputPixels, geometry.Columns.Output);
        var imagePeriods = geometry.PixelChain < row ? geometry.Rows.Output : 1;
        Launch<T, E, U, F, TapColumns>(gpu, geometry, geometry.Segments, parts, x, y, null, pixels / imagePeriods, geometry.PixelChain,
            geometry.Batch * imagePeriods, geometry.SegmentImages * imagePeriods, new()
            {
                Rows = TiledAxis.Of(Taps.Forward(geometry.Rows)), Columns = TiledAxis.Of(Taps.Forward(geometry.Columns)),
                Lines = geometry.Outputs, Width = geometry.Inputs * geometry.Taps, Channels = geometry.Inputs,
                PeriodLength = pixels / imagePeriods, ImagePeriods = imagePeriods,
                GoalRow = geometry.Inputs * geometry.Taps, HasUnits = geometry.Inputs * geometry.Taps % U.Count == 0 ? 1 : 0,
                SourceGroup = geometry.Outputs * pixels, SourceRow = pixels, SourceChannel = geometry.Groups * geometry.Outputs * pixels,
            });
    }

    // Tiles of a size, and how chains are padded to whole panels of it.
    static void Launch<T, E, U, F, M>(GpuDevice gpu, ConvolutionGeometry geometry, int segments, Tensor to, Tensor from, Tensor source, Tensor? bias,
        int period, int chain, int periods, int segmentPeriods, Arguments<E> x)
        where T : struct, ILane<T> where E : unmanaged where U : unmanaged, IWide<U, E> where F : struct, ICell<T, E>
        where M : struct, ITiledMap
    {
        var batches = geometry.Groups * segments;
        // Gradients of kernels, and float64, take more registers than 256 threads have, twice.
        var isLarge = typeof(T) == typeof(F32) && typeof(M) == typeof(PixelColumns) && x.Lines > 64 && (long)batches * Over(x.Lines, 128) * Over(x.Width, 128) >= ManyTiles;
        if (gpu.Kind == DeviceKind.Simulator)
            Launch<Side4>();
        else if (isLarge)
            Launch<Side16>();
        else if (typeof(T) == typeof(F64))
            Launch<Side8Wide>();
        else
            Launch<Side8>();

        void Launch<S>() where S : struct, ITileSide
        {
            x.Groups = geometry.Groups;
            x.ChainLength = Math.Min(chain, period);
            x.ChainSteps = Over(x.ChainLength, S.Side) * S.Side;
            var last = period - (period - 1) / x.ChainLength * x.ChainLength;
            x.PeriodSteps = (period - 1) / x.ChainLength * x.ChainSteps + Over(last, S.Side) * S.Side;
            x.Steps = checked(periods * x.PeriodSteps);
            x.SegmentSteps = segmentPeriods * x.PeriodSteps;
            (x.TilesM, x.TilesN) = (Over(x.Lines, 8 * S.Side), Over(x.Width, 8 * S.Side));
            using var scope = new TensorScope();
            // Behind the last panel another one is read, and not used.
            var packed = Tensor.Empty([checked((geometry.Groups * x.TilesM * x.Steps + S.Side) * Tiles<SumTile<T>, E, U, S>.LineUnits), U.Count], to.DType, gpu);
            (x.Source, x.Packed) = (GpuDevice.View<E>(source), GpuDevice.View<E>(packed));
            (x.From, x.To) = (GpuDevice.View<E>(from), GpuDevice.View<E>(to));
            (x.Bias, x.HasBias) = (GpuDevice.View<E>(bias ?? source), bias is null ? 0 : 1);
            gpu.Launch(PackKernel<T, E, F, S, M>, (long)geometry.Groups * x.TilesM * x.Steps * 8, x);
            gpu.LaunchGroups(Kernel<T, E, U, F, S, M>, checked(batches * x.TilesM * x.TilesN), S.Side * S.Side, x);
        }
    }

    static int Over(int count, int each) => (count + each - 1) / each;

    // One row of one panel: neighbouring threads have neighbouring rows of the operand, and each reads neighbouring steps.
    [Budget(32, 0, typeof(F32), typeof(float), typeof(SingleCell), typeof(Side16), typeof(PixelColumns))]
    [Budget(32, 0, typeof(F32), typeof(float), typeof(SingleCell), typeof(Side8), typeof(TapColumns))]
    internal static void PackKernel<T, E, F, S, M>(Index1D index, Arguments<E> x)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where S : struct, ITileSide where M : struct, ITiledMap
    {
        int at = index;
        var (line, panel) = (at % (8 * S.Side), at / (8 * S.Side));
        var panels = x.Steps / S.Side;
        var (tile, step) = (panel / panels, panel % panels * S.Side);
        var (group, row) = (tile / x.TilesM, tile % x.TilesM * (8 * S.Side) + line);
        var (period, chained) = (step / x.PeriodSteps, step % x.PeriodSteps);
        var s = chained % x.ChainSteps;
        var first = chained / x.ChainSteps * x.ChainLength;
        var to = x.Packed.SubView((long)panel * (8 * S.Side * S.Side) + line);
        for (var k = 0; k < S.Side; k++)
        {
            var number = T.Of(-0.0);
            if (row < x.Lines && s + k < x.ChainLength && first + s + k < x.PeriodLength)
                number = F.Splat(x.Source[M.Source(x, group, row, period, first + s + k)]);
            to[k * (8 * S.Side)] = F.Pack(number);
        }
    }

    [Budget(128, 38_416, typeof(F32), typeof(float), typeof(Quad<float>), typeof(SingleCell), typeof(Side16), typeof(PixelColumns), MultiplyAdds = 0.85)]
    [Budget(255, 21_264, typeof(F64), typeof(double), typeof(Twin<double>), typeof(DoubleCell), typeof(Side8Wide), typeof(PixelColumns), MultiplyAdds = 0.74)]
    [Budget(255, 21_264, typeof(F64), typeof(double), typeof(Twin<double>), typeof(DoubleCell), typeof(Side8Wide), typeof(TapColumns), MultiplyAdds = 0.74)]
    [Budget(152, 13_072, typeof(F32), typeof(float), typeof(Quad<float>), typeof(SingleCell), typeof(Side8), typeof(PixelColumns), MultiplyAdds = 0.79)]
    [Budget(152, 13_072, typeof(F32), typeof(float), typeof(Quad<float>), typeof(SingleCell), typeof(Side8), typeof(TapColumns), MultiplyAdds = 0.79)]
    internal static void Kernel<T, E, U, F, S, M>(Arguments<E> x) where T : struct, ILane<T> where E : unmanaged where U : unmanaged, IWide<U, E>
        where F : struct, ICell<T, E> where S : struct, ITileSide where M : struct, ITiledMap
    {
        var panelsA = SharedMemory.Allocate<U>(2 * S.Side * (8 * S.Side / U.Count + 1));
        var panelsB = SharedMemory.Allocate<U>(2 * S.Side * (8 * S.Side / U.Count + 1));
        // The places of a chain's steps, and of the next one's, in a ring; and where the columns go.
        var places = SharedMemory.Allocate<StepPair>(RingPairs);
        var goals = SharedMemory.Allocate<int>(8 * S.Side + Marks);
        var (row, column, group, segment) = Tile<S, E>(x);
        var part = Gathered<E>.Of<S, M>(x, group, column);
        for (var c = Group.IdxX; c < 8 * S.Side; c += S.Side * S.Side)
            goals[Marks + c] = Goal<E, M>(x, segment, group, column + c);
        var k = segment * x.SegmentSteps;
        // What is not needed in the loop takes no registers there.
        if (Group.IdxX == 0)
        {
            (goals[FirstStep], goals[LastStep]) = (k, IntrinsicMath.Min(k + x.SegmentSteps, x.Steps));
            (goals[FirstRow], goals[FirstBias]) = (row, group * x.Lines);
        }
        Fill<E, S, M>(x, places, k, k);
        var unitsA = x.Packed.Cast<U>();
        var unit = (group * x.TilesM * (8 * S.Side) + row) / U.Count * x.Steps + Group.IdxX;
        Group.Barrier();
        var (tx, ty) = S.Place(Group.IdxX);
        var (firstA, firstB) = (panelsA.SubView(Panel<T, E, U, S>(k) + Packing<T, E, U, S>.Target(Group.IdxX)), panelsB.SubView(Panel<T, E, U, S>(k)));
        Bring<T, E, U, S>(firstA, firstB, unitsA.SubView(unit + k * Tiles<SumTile<T>, E, U, S>.LineUnits), part, places.SubView(Ring(k)), 0);
        Bring<T, E, U, S>(firstA, firstB, unitsA.SubView(unit + k * Tiles<SumTile<T>, E, U, S>.LineUnits), part, places.SubView(Ring(k)), 1);
        do
        {
            // Chains end with their period. The next one's places; behind the last chain, whose next panel is read for nothing, its own again.
            var end = k + IntrinsicMath.Min(x.ChainSteps, x.PeriodSteps - k % (x.PeriodSteps + (k >> 31)));
            Fill<E, S, M>(x, places, end, end < goals[LastStep] ? end : k);
            Group.Barrier();
            var sums = default(SumTile<T>);
            do
            {
                var (a, b) = (panelsA.SubView(Panel<T, E, U, S>(k) + ty), panelsB.SubView(Panel<T, E, U, S>(k) + tx));
                k += S.Side;
                // The next panel may be the next chain's. Half of it comes while half of this one is multiplied.
                var (units, steps) = (unitsA.SubView(unit + k * Tiles<SumTile<T>, E, U, S>.LineUnits), places.SubView(Ring(k)));
                // k >> 31 is 0, which the assembler cannot know: it would keep the thread's target in a register.
                var toA = panelsA.SubView(Panel<T, E, U, S>(k) + Packing<T, E, U, S>.Target(Group.IdxX + (k >> 31)));
                var toB = panelsB.SubView(Panel<T, E, U, S>(k));
                sums = Multiply<T, E, U, F, S>(sums, a, b, toA, toB, units, part, steps, 0);
                sums = Multiply<T, E, U, F, S>(sums, a, b, toA, toB, units, part, steps, 1);
                Group.Barrier();
            }
            while (k < end);
            Finish<T, E, U, F, S>(x, goals, k > goals[FirstStep] + x.ChainSteps, k >= goals[LastStep], sums);
        }
        while (k < goals[LastStep]);
    }

    // Half of a panel.
    [MethodImpl(Inline.Always)]
    static void Bring<T, E, U, S>(ArrayView<U> toA, ArrayView<U> toB, ArrayView<U> units, Gathered<E> part, ArrayView<StepPair> steps, int half)
        where T : struct, ILane<T> where E : unmanaged where U : unmanaged, IWide<U, E> where S : struct, ITileSide
    {
        Packing<T, E, U, S>.Put(toA, half, Packing<T, E, U, S>.Half(units, half));
        Gathered<E>.Put<T, U, S>(toB, half, Gathered<E>.Half<S>(part, steps, half));
    }

    // Half of a panel's inner indices, while half of the next one comes.
    [MethodImpl(Inline.Always)]
    static SumTile<T> Multiply<T, E, U, F, S>(SumTile<T> sums, ArrayView<U> a, ArrayView<U> b, ArrayView<U> toA, ArrayView<U> toB, ArrayView<U> units,
        Gathered<E> part, ArrayView<StepPair> steps, int half)
        where T : struct, ILane<T> where E : unmanaged where U : unmanaged, IWide<U, E> where F : struct, ICell<T, E> where S : struct, ITileSide
    {
        var packed = Packing<T, E, U, S>.Half(units, half);
        var numbers = Gathered<E>.Half<S>(part, steps, half);
        var first = half * (S.Side / 2 * Tiles<SumTile<T>, E, U, S>.Pitch);
        sums = S.Multiply<SumTile<T>, T, E, F, U>(sums, a.SubView(first), b.SubView(first));
        Packing<T, E, U, S>.Put(toA, half, packed);
        Gathered<E>.Put<T, U, S>(toB, half, numbers);
        return sums;
    }

    // What a group remembers in front of its columns' goals: its first step, the end of its steps, its first row, and its bias.
    const int FirstStep = 0, LastStep = 1, FirstRow = 2, FirstBias = 3, Marks = 4;

    // Where a group's tile is: its first row and column, its group of channels, and its segment.
    [MethodImpl(Inline.Always)]
    static (int Row, int Column, int Group, int Segment) Tile<S, E>(Arguments<E> x) where S : struct, ITileSide where E : unmanaged
    {
        var (batch, tile) = (Grid.IdxX / (x.TilesM * x.TilesN), Grid.IdxX % (x.TilesM * x.TilesN));
        return (tile % x.TilesM * (8 * S.Side), tile / x.TilesM * (8 * S.Side), batch % x.Groups, batch / x.Groups);
    }

    // Columns beyond the last go nowhere.
    [MethodImpl(Inline.Always)]
    static int Goal<E, M>(Arguments<E> x, int segment, int group, int column) where E : unmanaged where M : struct, ITiledMap
        => column < x.Width ? M.Goal(x, segment, group, column) : -1;

    // Where the panel of a step begins: the two take turns.
    [MethodImpl(Inline.Always)]
    static int Panel<T, E, U, S>(int step) where T : struct, ILane<T> where E : unmanaged where U : unmanaged, IWide<U, E> where S : struct, ITileSide
        => (step & S.Side) * Tiles<SumTile<T>, E, U, S>.Pitch;

    // Where a step's pair is in the ring.
    [MethodImpl(Inline.Always)] static int Ring(int step) => (step / 2) & (RingPairs - 1);

    // The places of the chain that begins at a step, where in the ring another step's are expected.
    [MethodImpl(Inline.Always)]
    static void Fill<E, S, M>(Arguments<E> x, ArrayView<StepPair> places, int to, int step) where E : unmanaged where S : struct, ITileSide where M : struct, ITiledMap
    {
        // 0, which the assembler cannot know: it would keep what it needs to divide by these through the loop.
        var zero = step >> 31;
        (x.PeriodSteps, x.ImagePeriods) = (x.PeriodSteps + zero, x.ImagePeriods + zero);
        (x.Columns.Count, x.Columns.Taps) = (x.Columns.Count + zero, x.Columns.Taps + zero);
        var (period, first) = (step / x.PeriodSteps, step % x.PeriodSteps / x.ChainSteps * x.ChainLength);
        var length = IntrinsicMath.Min(x.ChainLength, x.PeriodLength - first);
        for (var pair = Group.IdxX; 2 * pair < x.ChainSteps; pair += S.Side * S.Side)
            places[Ring(to + 2 * pair)] = new(Step<E, M>(x, period, first, 2 * pair, length), Step<E, M>(x, period, first, 2 * pair + 1, length));
    }

    [MethodImpl(Inline.Always)]
    static HalfPlace Step<E, M>(Arguments<E> x, int period, int first, int s, int length) where E : unmanaged where M : struct, ITiledMap
    {
        var place = new HalfPlace(0, HalfPlace.NoStep);
        if (s < length)
            place = M.Step(x, period, first + s);
        return new(place.Offset, place.Bits | HalfPlace.NoColumn);
    }

    [MethodImpl(Inline.Always)]
    static void Finish<T, E, U, F, S>(Arguments<E> x, ArrayView<int> goals, bool adds, bool isLast, SumTile<T> sums)
        where T : struct, ILane<T> where E : unmanaged where U : unmanaged, IWide<U, E> where F : struct, ICell<T, E>
        where S : struct, ITileSide
    {
        var (tx, ty) = S.Place(Group.IdxX);
        var (row, bias) = (goals[FirstRow] + U.Count * ty, goals[FirstBias]);
        goals = goals.SubView(Marks + U.Count * tx);
        var to = new Eight<int>
        {
            A = goals[Tiles<SumTile<T>, E, U, S>.Line(0)], B = goals[Tiles<SumTile<T>, E, U, S>.Line(1)], C = goals[Tiles<SumTile<T>, E, U, S>.Line(2)], D = goals[Tiles<SumTile<T>, E, U, S>.Line(3)],
            E = goals[Tiles<SumTile<T>, E, U, S>.Line(4)], F = goals[Tiles<SumTile<T>, E, U, S>.Line(5)], G = goals[Tiles<SumTile<T>, E, U, S>.Line(6)], H = goals[Tiles<SumTile<T>, E, U, S>.Line(7)],
        };
        var hasBias = isLast && x.HasBias != 0;
        Row<T, E, U, F>(x, to, bias, row + Tiles<SumTile<T>, E, U, S>.Line(0), adds, hasBias, sums.R0);
        Row<T, E, U, F>(x, to, bias, row + Tiles<SumTile<T>, E, U, S>.Line(1), adds, hasBias, sums.R1);
        Row<T, E, U, F>(x, to, bias, row + Tiles<SumTile<T>, E, U, S>.Line(2), adds, hasBias, sums.R2);
        Row<T, E, U, F>(x, to, bias, row + Tiles<SumTile<T>, E, U, S>.Line(3), adds, hasBias, sums.R3);
        Row<T, E, U, F>(x, to, bias, row + Tiles<SumTile<T>, E, U, S>.Line(4), adds, hasBias, sums.R4);
        Row<T, E, U, F>(x, to, bias, row + Tiles<SumTile<T>, E, U, S>.Line(5), adds, hasBias, sums.R5);
        Row<T, E, U, F>(x, to, bias, row + Tiles<SumTile<T>, E, U, S>.Line(6), adds, hasBias, sums.R6);
        Row<T, E, U, F>(x, to, bias, row + Tiles<SumTile<T>, E, U, S>.Line(7), adds, hasBias, sums.R7);
    }

    [MethodImpl(Inline.Always)]
    static void Row<T, E, U, F>(Arguments<E> x, Eight<int> goals, int firstBias, int row, bool adds, bool hasBias, Eight<T> sums)
        where T : struct, ILane<T> where E : unmanaged where U : unmanaged, IWide<U, E> where F : struct, ICell<T, E>
    {
        if (row >= x.Lines)
            return;
        var bias = T.Of(0);
        if (hasBias)
            bias = F.Splat(x.Bias[firstBias + row]);
        if (x.HasUnits != 0)
        {
            var units = x.To.Cast<U>().SubView((long)row * (x.GoalRow / U.Count));
            Unit<T, E, U, F>(units, goals.A, adds, hasBias, bias, new(sums.A, sums.B, sums.C, sums.D));
            if (U.Count == 2)
                Unit<T, E, U, F>(units, goals.C, adds, hasBias, bias, new(sums.C, sums.D, sums.C, sums.D));
            Unit<T, E, U, F>(units, goals.E, adds, hasBias, bias, new(sums.E, sums.F, sums.G, sums.H));
            if (U.Count == 2)
                Unit<T, E, U, F>(units, goals.G, adds, hasBias, bias, new(sums.G, sums.H, sums.G, sums.H));
            return;
        }
        var to = x.To.SubView((long)row * x.GoalRow);
        One<T, E, F>(to, goals.A, adds, hasBias, bias, sums.A);
        One<T, E, F>(to, goals.B, adds, hasBias, bias, sums.B);
        One<T, E, F>(to, goals.C, adds, hasBias, bias, sums.C);
        One<T, E, F>(to, goals.D, adds, hasBias, bias, sums.D);
        One<T, E, F>(to, goals.E, adds, hasBias, bias, sums.E);
        One<T, E, F>(to, goals.F, adds, hasBias, bias, sums.F);
        One<T, E, F>(to, goals.G, adds, hasBias, bias, sums.G);
        One<T, E, F>(to, goals.H, adds, hasBias, bias, sums.H);
    }

    [MethodImpl(Inline.Always)]
    static void Unit<T, E, U, F>(ArrayView<U> to, int goal, bool adds, bool hasBias, T bias, Quad<T> sums)
        where T : struct, ILane<T> where E : unmanaged where U : unmanaged, IWide<U, E> where F : struct, ICell<T, E>
    {
        if (goal < 0)
            return;
        goal /= U.Count;
        if (adds)
            sums = Units<T, E, F, U>.Sum(Units<T, E, F, U>.Numbers(to[goal]), sums);
        if (hasBias)
            sums = Units<T, E, F, U>.Sum(sums, new(bias, bias, bias, bias));
        to[goal] = Units<T, E, F, U>.Of(sums);
    }

    [MethodImpl(Inline.Always)]
    static void One<T, E, F>(ArrayView<E> to, int goal, bool adds, bool hasBias, T bias, T sum)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        if (goal < 0)
            return;
        if (adds)
            sum = F.Splat(to[goal]) + sum;
        if (hasBias)
            sum += bias;
        to[goal] = F.Pack(sum);
    }
}
