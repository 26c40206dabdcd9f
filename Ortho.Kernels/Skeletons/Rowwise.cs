using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Reductions;
using Ortho.Tensors;

namespace Ortho.Kernels.Skeletons;

/// <summary>What has been found of a row so far: up to four numbers, in the order of the totals.</summary>
public struct Found<T> where T : struct, ILane<T>
{
    /// <summary>What was made of the first total.</summary>
    public T First;

    /// <summary>What was made of the second total.</summary>
    public T Second;

    /// <summary>What was made of the third total.</summary>
    public T Third;

    /// <summary>What was made of the fourth total.</summary>
    public T Fourth;
}

/// <summary>A function of whole rows, written once: totals over the row, each of which may need the ones before, and a result for each
/// element that needs them all. Softmax and normalizations.</summary>
public interface IRowwise
{
    /// <summary>Number of totals, 1 to 4. A compile-time constant.</summary>
    static abstract int Totals { get; }

    /// <summary>Whether there is a second operand; only then is it loaded. A compile-time constant.</summary>
    static virtual bool HasSecond => false;

    /// <summary>Whether the columns may have weights and biases. A compile-time constant.</summary>
    static virtual bool HasWeights => false;

    /// <summary>Whether a total is the largest term (NaN when one is) and not the sum of the terms.</summary>
    static virtual bool IsLargest(int total) => false;

    /// <summary>The total whose terms are kept, and take the place of a in later terms and results; -1 for none.</summary>
    static virtual int Kept => -1;

    /// <summary>Whether the terms of a total are the elements of the first operand. A compile-time constant.</summary>
    static virtual bool IsPlain(int total) => false;

    /// <summary>Whether the terms of a total take a long formula, such as an exponential. A compile-time constant.</summary>
    static virtual bool IsLong(int total) => false;

    /// <summary>Whether there is one result for the row, which depends on the totals only.</summary>
    static virtual bool IsSummary => false;

    /// <summary>What an element adds to a total.</summary>
    /// <param name="total">Number of the total, from 0; a compile-time constant.</param>
    /// <param name="a">The element of the first operand.</param>
    /// <param name="b">The element of the second operand.</param>
    /// <param name="weight">The column's weight.</param>
    /// <param name="found">What was found of the row before.</param>
    static abstract T Term<T>(int total, T a, T b, T weight, Found<T> found) where T : struct, ILane<T>;

    /// <summary>What is remembered of a total.</summary>
    /// <param name="total">Number of the total, from 0; a compile-time constant.</param>
    /// <param name="value">The sum or largest of the terms.</param>
    /// <param name="count">Elements of the row.</param>
    /// <param name="option">The number that the caller has given.</param>
    /// <param name="found">What was found of the row before.</param>
    static abstract T Settle<T>(int total, T value, T count, T option, Found<T> found) where T : struct, ILane<T>;

    /// <summary>The result.</summary>
    /// <param name="a">The element of the first operand.</param>
    /// <param name="b">The element of the second operand.</param>
    /// <param name="weight">The column's weight.</param>
    /// <param name="bias">The column's bias.</param>
    /// <param name="found">All that was found of the row.</param>
    static abstract T Result<T>(T a, T b, T weight, T bias, Found<T> found) where T : struct, ILane<T>;
}

/// <summary>The skeleton of functions of rows: a row is gone through while it is in the cache, once for each total and once for the
/// results.</summary>
/// <remarks>Totals are taken in the order of <see cref="Reduce"/>: it depends on the length of the row alone.</remarks>
public static class Rowwise
{
    /// <summary>A function of the rows of <paramref name="n"/> elements that the last dimensions of a tensor make up.</summary>
    /// <param name="a">The first operand, Float32 or Float64.</param>
    /// <param name="b">The second operand, of a's shape, dtype and device; null when there is none.</param>
    /// <param name="n">Elements of a row, at least one; the operands are made of whole rows.</param>
    /// <param name="option">A number for <see cref="IRowwise.Settle"/>.</param>
    /// <param name="weight">One number for each column, of a's dtype and device; null for 1.</param>
    /// <param name="bias">One number for each column, of a's dtype and device; null for 0.</param>
    /// <returns>A dense tensor of a's shape; of one number for each row when the function is a summary.</returns>
    public static Tensor Run<P>(Tensor a, Tensor? b, int n, double option = 0, Tensor? weight = null, Tensor? bias = null) where P : struct, IRowwise
    {
        var rows = checked((int)(a.ElementCount / n));
        var y = Tensor.Empty(P.IsSummary ? [rows] : a.Shape, a.DType, a.Device);
        if (rows == 0)
            return y;
        var job = new Job(Copy.Contiguous(a), b is null ? null : Copy.Contiguous(b), weight is null ? null : Copy.Contiguous(weight),
            bias is null ? null : Copy.Contiguous(bias), y, rows, n, option);
        if (a.DType == DType.Float32)
            Typed<P, F32, float, SingleCell, Quad<float>>(job);
        else
            Typed<P, F64, double, DoubleCell, Twin<double>>(job);
        return y;
    }

    sealed record Job(Tensor A, Tensor? B, Tensor? Weight, Tensor? Bias, Tensor Y, int Rows, int N, double Option)
    {
        public int Chunks => (N + Reduce.Chunk - 1) / Reduce.Chunk;
    }

    static void Typed<P, T, E, F, W>(Job job) where P : struct, IRowwise
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        if (job.A.Device is not GpuDevice gpu)
        {
            OnHost<P, T, E, F>(job);
            return;
        }
        var partials = Reduce.PartialCount(Math.Min(job.N, Reduce.Chunk));
        var isWhole = job.N % W.Count == 0 && IsAligned(job.A) && IsAligned(job.B) && IsAligned(job.Y) && IsAligned(job.Weight) && IsAligned(job.Bias);
        var share = Reduce.RowShare.Of(gpu, job.Rows, partials, W.Count, isWhole);
        gpu.LaunchGroups(Kernel<P, T, E, F, W>, (job.Rows + share.Rows - 1) / share.Rows, Reduce.RowShare.Threads(gpu), new Arguments<E>
        {
            A = GpuDevice.View<E>(job.A), B = GpuDevice.View<E>(job.B ?? job.A), Y = GpuDevice.View<E>(job.Y),
            Weight = GpuDevice.View<E>(job.Weight ?? job.A), Bias = GpuDevice.View<E>(job.Bias ?? job.A), Totals = P.Totals, N = job.N, Rows = job.Rows,
            Chunks = job.Chunks, Partials = partials, ChunkPartials = Reduce.PartialCount(job.Chunks),
            HasWeight = job.Weight is null ? 0 : 1, HasBias = job.Bias is null ? 0 : 1, Option = F.Pack(T.Of(job.Option)), Share = share,
        });

        static bool IsAligned(Tensor? tensor) => (tensor?.Layout.Offset ?? 0) % W.Count == 0;
    }

    // ---- host

    // One row, and what was found of it.
    unsafe struct Row<P, E> where P : struct, IRowwise where E : unmanaged
    {
        public E* A, B, Y, Kept, Weight, Bias;
        public nint WeightStep, BiasStep;
        public bool IsPast;
        public E First, Second, Third, Fourth;

        [MethodImpl(Inline.Always)]
        public readonly Found<V> Found<V, F>() where V : struct, ILane<V> where F : struct, IFormat<V, E>
            => new() { First = F.Splat(First), Second = F.Splat(Second), Third = F.Splat(Third), Fourth = F.Splat(Fourth) };

        // The row from an element on.
        public readonly Row<P, E> From(int start)
        {
            var part = this;
            part.A += start;
            part.B += start;
            part.Kept += start;
            part.Weight += start;
            part.Bias += start;
            return part;
        }

        // Terms and results after the kept total read what it has left in place of the first operand.
        [MethodImpl(Inline.Always)]
        public readonly V FirstAt<V, F>(int total, nint i) where V : struct, ILane<V> where F : struct, IFormat<V, E>
            => F.Load((P.Kept >= 0 && total > P.Kept ? Kept : A) + i);

        [MethodImpl(Inline.Always)]
        public readonly V SecondAt<V, F>(nint i) where V : struct, ILane<V> where F : struct, IFormat<V, E>
            => P.HasSecond ? F.Load(B + i) : V.Of(0);

        [MethodImpl(Inline.Always)]
        public readonly V WeightAt<V, F>(nint i) where V : struct, ILane<V> where F : struct, IFormat<V, E>
            => P.HasWeights && WeightStep != 0 ? F.Load(Weight + i) : V.Of(1);

        [MethodImpl(Inline.Always)]
        public readonly V BiasAt<V, F>(nint i) where V : struct, ILane<V> where F : struct, IFormat<V, E>
            => P.HasWeights && BiasStep != 0 ? F.Load(Bias + i) : V.Of(0);
    }

    // The terms of total K.
    unsafe struct Terms<P, K, E>(Row<P, E> row) : Reduce.ISource<E> where P : struct, IRowwise where K : struct, IArgument where E : unmanaged
    {
        readonly Row<P, E> row = row;

        public static bool IsLong { [MethodImpl(Inline.Always)] get => P.IsLong(K.Index); }

        [MethodImpl(Inline.Always)]
        public readonly State<V> At<R, V, F>(nint i) where R : struct, IReduction where V : struct, ILane<V> where F : struct, IFormat<V, E>
        {
            var term = P.Term(K.Index, row.FirstAt<V, F>(K.Index, i), row.SecondAt<V, F>(i), row.WeightAt<V, F>(i), row.Found<V, F>());
            if (K.Index == P.Kept)
                F.Store(row.Kept + i, term);
            return R.Lift(term);
        }
    }

    static unsafe void OnHost<P, T, E, F>(Job job) where P : struct, IRowwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var n = job.N;
        var (a, b, y) = ((nint)HostMemory.Pointer<E>(job.A), (nint)HostMemory.Pointer<E>(job.B ?? job.A), (nint)HostMemory.Pointer<E>(job.Y));
        var (weight, bias) = (job.Weight is null ? 0 : (nint)HostMemory.Pointer<E>(job.Weight), job.Bias is null ? 0 : (nint)HostMemory.Pointer<E>(job.Bias));
        // Kept terms that stay in the first cache need not pass through a large result.
        var isScratch = P.Kept >= 0 && n * sizeof(E) <= ScratchBytes;
        var isPast = !P.IsSummary && (P.Kept < 0 || isScratch) && HostMemory.IsPastCache(job.Y) && HostMemory.AreAligned(y, n * sizeof(E));
        HostThreads.Range(job.Rows, Math.Max(1, HostThreads.Grain / n), (begin, end) =>
        {
            var rows = new Row<P, E>
            {
                A = (E*)a, B = (E*)b, Y = (E*)y, Weight = (E*)weight, Bias = (E*)bias, WeightStep = weight == 0 ? 0 : 1, BiasStep = bias == 0 ? 0 : 1,
                IsPast = isPast,
            };
            HostRows<P, T, E, F>(rows, begin, end, n, T.Of(job.Option));
        });
        GC.KeepAlive(job);
    }

    const int ScratchBytes = 16384;

    [SkipLocalsInit]
    static unsafe void HostRows<P, T, E, F>(in Row<P, E> rows, long begin, long end, int n, T option)
        where P : struct, IRowwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var scratch = stackalloc byte[P.Kept >= 0 ? ScratchBytes : 0];
        for (var index = begin; index < end; index++)
        {
            var row = rows;
            row.A += index * n;
            row.B += index * n;
            row.Y += P.IsSummary ? index : index * n;
            row.Kept = row.IsPast ? (E*)scratch : row.Y;
            HostRow<P, T, E, F>(ref row, n, option);
        }
        if (rows.IsPast)
            HostMemory.Fence();
    }

    static unsafe void HostRow<P, T, E, F>(ref Row<P, E> row, int n, T option)
        where P : struct, IRowwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        row.First = Total<P, First, T, E, F>(row, n, option);
        if (P.Totals > 1)
            row.Second = Total<P, Second, T, E, F>(row, n, option);
        if (P.Totals > 2)
            row.Third = Total<P, Third, T, E, F>(row, n, option);
        if (P.Totals > 3)
            row.Fourth = Total<P, Fourth, T, E, F>(row, n, option);
        if (P.IsSummary)
        {
            *row.Y = F.Pack(P.Result(T.Of(0), T.Of(0), T.Of(1), T.Of(0), row.Found<T, F>()));
            return;
        }
        // Loops are called, and compiled, when there is something left for them.
        var done = 0;
        if (Vector512.IsHardwareAccelerated && n >= Packed512<E>.Width)
            done = Results<P, Vec512<E>, E, Packed512<E>>(row, done, n);
        if (Vector256.IsHardwareAccelerated && n - done >= Packed256<E>.Width)
            done = Results<P, Vec256<E>, E, Packed256<E>>(row, done, n);
        if (Vector128.IsHardwareAccelerated && n - done >= Packed128<E>.Width)
            done = Results<P, Vec128<E>, E, Packed128<E>>(row, done, n);
        if (done < n)
            _ = Results<P, T, E, F>(row, done, n);
    }

    static unsafe E Total<P, K, T, E, F>(in Row<P, E> row, int n, T option)
        where P : struct, IRowwise where K : struct, IArgument where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var total = P.IsLargest(K.Index) ? Total<P, K, Max, T, E, F>(row, n) : Total<P, K, Sum, T, E, F>(row, n);
        return F.Pack(P.Settle(K.Index, total, T.Of(n), option, row.Found<T, F>()));
    }

    [SkipLocalsInit]
    static unsafe T Total<P, K, R, T, E, F>(in Row<P, E> row, int n)
        where P : struct, IRowwise where K : struct, IArgument where R : struct, IReduction
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var partials = Reduce.PartialCount(Math.Min(n, Reduce.Chunk));
        if (n <= Reduce.Chunk)
            return ChunkTotal<P, K, R, T, E, F>(row, n, partials).A;
        // The chunks' totals, as a row of their own.
        var chunks = (n + Reduce.Chunk - 1) / Reduce.Chunk;
        var count = Reduce.PartialCount(chunks);
        var joined = stackalloc E[Reduce.Partials];
        new Span<E>(joined, count).Fill(F.Pack(R.Zero<T>().A));
        for (var chunk = 0; chunk < chunks; chunk++)
        {
            var start = chunk * Reduce.Chunk;
            var total = ChunkTotal<P, K, R, T, E, F>(row.From(start), Math.Min(Reduce.Chunk, n - start), partials);
            joined[chunk % count] = F.Pack(R.Join(new(F.Splat(joined[chunk % count]), T.Of(0)), total).A);
        }
        for (var half = count / 2; half > 0; half /= 2)
        {
            for (var k = 0; k < half; k++)
                joined[k] = F.Pack(R.Join(new State<T>(F.Splat(joined[k]), T.Of(0)), new(F.Splat(joined[k + half]), T.Of(0))).A);
        }
        return F.Splat(joined[0]);
    }

    // Plain terms have a source of their own: in a loop that joins four lanes of terms, formulas of other totals would use up the JIT's
    // inlining budget before it finds that they do not count.
    static unsafe State<T> ChunkTotal<P, K, R, T, E, F>(in Row<P, E> row, int n, int partials)
        where P : struct, IRowwise where K : struct, IArgument where R : struct, IReduction
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        => P.IsPlain(K.Index)
            ? Reduce.Row<R, T, E, F, Reduce.Elements<E>>(new() { A = row.A }, n, partials)
            : Reduce.Row<R, T, E, F, Terms<P, K, E>>(new(row), n, partials);

    [MethodImpl(Inline.Root)]
    static unsafe int Results<P, V, E, F>(in Row<P, E> at, int begin, int n)
        where P : struct, IRowwise where V : struct, ILane<V> where E : unmanaged where F : struct, IFormat<V, E>
    {
        var row = at;
        var found = row.Found<V, F>();
        var i = begin;
        for (; i + F.Width <= n; i += F.Width)
        {
            var y = P.Result(row.FirstAt<V, F>(P.Totals, i), row.SecondAt<V, F>(i), row.WeightAt<V, F>(i), row.BiasAt<V, F>(i), found);
            if (F.Width > 1 && row.IsPast)
                F.StorePast(row.Y + i, y);
            else
                F.Store(row.Y + i, y);
        }
        return i;
    }

    // ---- devices: the lanes of a row share its partials, in totals and results alike

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> A, B, Y, Weight, Bias;
        public int Totals, N, Rows, Chunks, Partials, ChunkPartials, HasWeight, HasBias;
        public E Option;
        public Reduce.RowShare Share;
    }

    // The row of a thread: its number, its elements (none for threads that have no row), its place in shared memory, and the thread's lane.
    readonly struct Place(int row, int n, int slot, int lane)
    {
        public readonly int Row = row, N = n, Slot = slot, Lane = lane;
    }

    [Budget(40, 2048, typeof(Reductions.Softmax), typeof(F32), typeof(float), typeof(SingleCell), typeof(Quad<float>), LoadsWide = true, StoresWide = true)]
    [Budget(40, 2048, typeof(Reductions.LayerNorm), typeof(F32), typeof(float), typeof(SingleCell), typeof(Quad<float>), LoadsWide = true, StoresWide = true)]
    internal static void Kernel<P, T, E, F, W>(Arguments<E> x) where P : struct, IRowwise
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        // Lanes times the elements that each reads at once are the partials at most, so the partials of all rows of a group fit.
        var (p, joined) = (SharedMemory.Allocate<E>(Reduce.Partials * W.Count), SharedMemory.Allocate<E>(Reduce.Partials * W.Count));
        var (slot, n) = (Group.IdxX / x.Share.Lanes, 0);
        var row = Grid.IdxX * x.Share.Rows + slot;
        if (slot < x.Share.Rows && row < x.Rows)
            n = x.N;
        var at = new Place(row, n, slot, Group.IdxX % x.Share.Lanes);
        var zero = T.Of(0);
        var found = new Found<T> { First = zero, Second = zero, Third = zero, Fourth = zero };
        // One text for all totals: compilers that follow every way from barrier to barrier take exponential time over several.
        for (var total = 0; total < x.Totals; total++)
        {
            var value = GroupTotal<P, T, E, F, W>(x, at, p, joined, found, total);
            if (total == 0)
                found.First = value;
            if (total == 1)
                found.Second = value;
            if (total == 2)
                found.Third = value;
            if (total == 3)
                found.Fourth = value;
        }
        if (P.IsSummary)
        {
            if (at.Lane == 0 && n > 0)
                x.Y[row] = F.Pack(P.Result(zero, zero, T.Of(1), zero, found));
        }
        else if (x.Share.IsWhole != 0)
        {
            Results<P, T, E, F, W>(x, at, found);
        }
        else
        {
            Results<P, T, E, F>(x, at, found);
        }
    }

    [MethodImpl(Inline.Always)]
    static void Results<P, T, E, F>(Arguments<E> x, Place at, Found<T> found)
        where P : struct, IRowwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        for (var k = at.Lane; k < x.Partials; k += x.Share.Lanes)
        {
            for (var i = k; i < at.N; i += x.Partials)
            {
                var place = at.Row * x.N + i;
                var a = F.Splat(P.Kept >= 0 ? x.Y[place] : x.A[place]);
                var (weight, bias) = (T.Of(1), T.Of(0));
                if (P.HasWeights && x.HasWeight != 0)
                    weight = F.Splat(x.Weight[i]);
                if (P.HasWeights && x.HasBias != 0)
                    bias = F.Splat(x.Bias[i]);
                x.Y[place] = F.Pack(P.Result(a, P.HasSecond ? F.Splat(x.B[place]) : T.Of(0), weight, bias, found));
            }
        }
    }

    // The same for partials side by side; what is counted is pieces.
    [MethodImpl(Inline.Always)]
    static void Results<P, T, E, F, W>(Arguments<E> x, Place at, Found<T> found) where P : struct, IRowwise
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        for (var set = at.Lane; set < x.Partials / W.Count; set += x.Share.Lanes)
        {
            for (var i = set; i < at.N / W.Count; i += x.Partials / W.Count)
            {
                var place = at.Row * (x.N / W.Count) + i;
                var a = P.Kept >= 0 ? x.Y.Cast<W>()[place] : x.A.Cast<W>()[place];
                var b = P.HasSecond ? x.B.Cast<W>()[place] : a;
                var (weights, biases) = (a, a);
                if (P.HasWeights && x.HasWeight != 0)
                    weights = x.Weight.Cast<W>()[i];
                if (P.HasWeights && x.HasBias != 0)
                    biases = x.Bias.Cast<W>()[i];
                for (var k = 0; k < W.Count; k++)
                {
                    var (weight, bias) = (T.Of(1), T.Of(0));
                    if (P.HasWeights && x.HasWeight != 0)
                        weight = F.Splat(W.Get(weights, k));
                    if (P.HasWeights && x.HasBias != 0)
                        bias = F.Splat(W.Get(biases, k));
                    a = W.With(a, k, F.Pack(P.Result(F.Splat(W.Get(a, k)), P.HasSecond ? F.Splat(W.Get(b, k)) : T.Of(0), weight, bias, found)));
                }
                x.Y.Cast<W>()[place] = a;
            }
        }
    }

    [MethodImpl(Inline.Always)]
    static T GroupTotal<P, T, E, F, W>(Arguments<E> x, Place at, ArrayView<E> p, ArrayView<E> joined, Found<T> found, int number) where P : struct, IRowwise
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        var zero = T.Of(0);
        if (P.IsLargest(number))
            zero = T.Lowest;
        var (from, fromChunk) = (at.Slot * x.Partials, at.Slot * x.ChunkPartials);
        for (var k = at.Lane; k < x.ChunkPartials; k += x.Share.Lanes)
            joined[fromChunk + k] = F.Pack(zero);
        for (var chunk = 0; chunk < x.Chunks; chunk++)
        {
            var start = chunk * Reduce.Chunk;
            var end = IntrinsicMath.Min(at.N, start + Reduce.Chunk);
            if (x.Share.IsWhole != 0)
                Accumulate<P, T, E, F, W>(x, at, p, found, number, zero, start / W.Count, end / W.Count);
            else
                Accumulate<P, T, E, F>(x, at, p, found, number, zero, start, end);
            Group.Barrier();
            GroupTree<P, T, E, F>(number, p, from, x.Partials, at.Lane, x.Share.Lanes);
            if (at.Lane == 0)
            {
                var k = fromChunk + chunk % x.ChunkPartials;
                joined[k] = F.Pack(Joined<P, T>(number, F.Splat(joined[k]), F.Splat(p[from])));
            }
            Group.Barrier();
        }
        GroupTree<P, T, E, F>(number, joined, fromChunk, x.ChunkPartials, at.Lane, x.Share.Lanes);
        var all = F.Splat(joined[fromChunk]);
        Group.Barrier();
        return P.Settle(number, all, T.Of(x.N), F.Splat(x.Option), found);
    }

    [MethodImpl(Inline.Always)]
    static void Accumulate<P, T, E, F>(Arguments<E> x, Place at, ArrayView<E> p, Found<T> found, int number, T zero, int start, int end)
        where P : struct, IRowwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        for (var k = at.Lane; k < x.Partials; k += x.Share.Lanes)
        {
            var total = zero;
            for (var i = start + k; i < end; i += x.Partials)
            {
                var place = at.Row * x.N + i;
                var a = F.Splat(x.A[place]);
                if (P.Kept >= 0 && number > P.Kept)
                    a = F.Splat(x.Y[place]);
                var weight = T.Of(1);
                if (P.HasWeights && x.HasWeight != 0)
                    weight = F.Splat(x.Weight[i]);
                var term = P.Term(number, a, P.HasSecond ? F.Splat(x.B[place]) : T.Of(0), weight, found);
                if (number == P.Kept)
                    x.Y[place] = F.Pack(term);
                total = Joined<P, T>(number, total, term);
            }
            p[at.Slot * x.Partials + k] = F.Pack(total);
        }
    }

    // The same for partials side by side; what is counted is pieces.
    [MethodImpl(Inline.Always)]
    static void Accumulate<P, T, E, F, W>(Arguments<E> x, Place at, ArrayView<E> p, Found<T> found, int number, T zero, int start, int end)
        where P : struct, IRowwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        for (var set = at.Lane; set < x.Partials / W.Count; set += x.Share.Lanes)
        {
            var totals = Wide.Filled<W, E>(F.Pack(zero));
            for (var i = start + set; i < end; i += x.Partials / W.Count)
            {
                var place = at.Row * (x.N / W.Count) + i;
                var a = x.A.Cast<W>()[place];
                if (P.Kept >= 0 && number > P.Kept)
                    a = x.Y.Cast<W>()[place];
                var b = P.HasSecond ? x.B.Cast<W>()[place] : a;
                var weights = a;
                if (P.HasWeights && x.HasWeight != 0)
                    weights = x.Weight.Cast<W>()[i];
                for (var k = 0; k < W.Count; k++)
                {
                    var weight = T.Of(1);
                    if (P.HasWeights && x.HasWeight != 0)
                        weight = F.Splat(W.Get(weights, k));
                    var term = P.Term(number, F.Splat(W.Get(a, k)), P.HasSecond ? F.Splat(W.Get(b, k)) : T.Of(0), weight, found);
                    a = W.With(a, k, F.Pack(term));
                    totals = W.With(totals, k, F.Pack(Joined<P, T>(number, F.Splat(W.Get(totals, k)), term)));
                }
                if (number == P.Kept)
                    x.Y.Cast<W>()[place] = a;
            }
            for (var k = 0; k < W.Count; k++)
                p[at.Slot * x.Partials + set * W.Count + k] = W.Get(totals, k);
        }
    }

    [MethodImpl(Inline.Always)]
    static void GroupTree<P, T, E, F>(int number, ArrayView<E> p, int from, int partials, int lane, int lanes)
        where P : struct, IRowwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        for (var half = partials / 2; half > 0; half /= 2)
        {
            for (var k = from + lane; k < from + half; k += lanes)
                p[k] = F.Pack(Joined<P, T>(number, F.Splat(p[k]), F.Splat(p[k + half])));
            Group.Barrier();
        }
    }

    [MethodImpl(Inline.Always)]
    static T Joined<P, T>(int number, T a, T b) where P : struct, IRowwise where T : struct, ILane<T>
        => P.IsLargest(number) ? Max.Larger(a, b) : a + b;
}
