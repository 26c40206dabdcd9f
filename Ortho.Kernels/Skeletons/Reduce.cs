using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Skeletons;

/// <summary>What a reduction remembers of the elements seen so far.</summary>
/// <param name="a">First number.</param>
/// <param name="b">Second number, for reductions that need one.</param>
public readonly struct State<T>(T a, T b) where T : struct, ILane<T>
{
    /// <summary>First number.</summary>
    public readonly T A = a;

    /// <summary>Second number.</summary>
    public readonly T B = b;
}

/// <summary>A reduction, written once: lift an element to a state, join two states, read the result off a state.</summary>
public interface IReduction
{
    /// <summary>The state of no elements; joining it changes nothing.</summary>
    static abstract State<T> Zero<T>() where T : struct, ILane<T>;

    /// <summary>The state of one element.</summary>
    static abstract State<T> Lift<T>(T x) where T : struct, ILane<T>;

    /// <summary>The state of both sets of elements.</summary>
    static abstract State<T> Join<T>(State<T> p, State<T> q) where T : struct, ILane<T>;

    /// <summary>The result.</summary>
    static abstract T Read<T>(State<T> state) where T : struct, ILane<T>;
}

/// <summary>The skeleton of reductions over one run of dimensions, in a fixed order of joining on every device.</summary>
/// <remarks>
/// Over the innermost dimension: element i joins partial i mod 64, in order of i, and partials are joined by a binary tree; a row longer
/// than <see cref="Chunk"/> is reduced chunk by chunk and then the chunks' states likewise. Over other dimensions: runs of
/// <see cref="Run"/> elements in order, the runs joined in order. The order depends on the shape alone, never on threads or widths.
/// </remarks>
public static class Reduce
{
    /// <summary>Partials of a row.</summary>
    internal const int Partials = 64;

    /// <summary>Elements of a row that one group of threads reduces.</summary>
    internal const int Chunk = 16384;

    /// <summary>Elements of a column that are joined before they join the column's state.</summary>
    const int Run = 64;

    /// <summary>Reduces dimensions [first, first + count) of <paramref name="x"/> (at least one element along them unless the reduction
    /// has a value for none); the result lacks these dimensions.</summary>
    /// <exception cref="TensorArgumentException">The dtype is a half-precision one.</exception>
    public static Tensor Over<R>(string operation, Tensor x, int first, int count) where R : struct, IReduction
    {
        if (x.DType.IsHalfPrecision)
            throw new TensorArgumentException(operation, nameof(x),
                $"{x.DType}", "a dtype with arithmetic of its own; convert with To(dtype)");
        var span = x.Shape.Span;
        var (outer, n, inner) = (Product(span[..first]), Product(span[first..(first + count)]), Product(span[(first + count)..]));
        var y = Tensor.Empty(x.Shape[..first].Concat(span[(first + count)..]), x.DType, x.Device);
        if (y.ElementCount == 0)
            return y;
        x = Copy.Contiguous(x);
        switch (x.DType)
        {
            case DType.Float32: Typed<R, F32, float, SingleCell, Quad<float>>(x, y, outer, n, inner); break;
            case DType.Float64: Typed<R, F64, double, DoubleCell, Twin<double>>(x, y, outer, n, inner); break;
            case DType.Int32: Typed<R, I32, int, Int32Cell, Quad<int>>(x, y, outer, n, inner); break;
            case DType.Int64: Typed<R, I64, long, Int64Cell, Twin<long>>(x, y, outer, n, inner); break;
            case DType.Bool: Typed<R, I32, byte, BoolCell, Quad<byte>>(x, y, outer, n, inner); break;
            case DType.Complex64: Typed<R, Cx<F32>, Complex64, Complex64Cell, Twin<Complex64>>(x, y, outer, n, inner); break;
            default: Typed<R, Cx<F64>, Complex, Complex128Cell, Lone<Complex>>(x, y, outer, n, inner); break;
        }
        return y;
    }

    static int Product(ReadOnlySpan<int> extents)
    {
        var product = 1;
        foreach (var extent in extents)
            product = checked(product * extent);
        return product;
    }

    internal static bool HasVectors<T>()
        => typeof(T) == typeof(F32) || typeof(T) == typeof(F64) || typeof(T) == typeof(I32) || typeof(T) == typeof(I64);

    internal static int PartialCount(int n) => Math.Min(Partials, (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, n)));

    static void Typed<R, T, E, F, W>(Tensor x, Tensor y, int outer, int n, int inner) where R : struct, IReduction
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        if (inner > 1)
        {
            Columns<R, T, E, F, W>(x, y, outer, n, inner);
            return;
        }
        var chunks = Math.Max(1, (n + Chunk - 1) / Chunk);
        if (chunks == 1)
        {
            Rows<R, T, E, F, W>(x, null, y, null, outer, n, n, lift: true, read: true);
            return;
        }
        var (a, b) = (Tensor.Empty([outer, chunks], x.DType, x.Device), Tensor.Empty([outer, chunks], x.DType, x.Device));
        Rows<R, T, E, F, W>(x, null, a, b, outer, n, Chunk, lift: true, read: false);
        Rows<R, T, E, F, W>(a, b, y, null, outer, chunks, chunks, lift: false, read: true);
        a.Dispose();
        b.Dispose();
    }

    // ---- rows: [outer, n] in chunks; elements are lifted or are states already; results are read or left as states

    internal struct RowArguments<E> where E : unmanaged
    {
        public ArrayView<E> A, B, Y, Z;
        public int N, Chunk, Chunks, Cells, Partials, Lift, Read;
        public RowShare Share;
    }

    /// <summary>How the threads of a group share rows: each row has its lanes, which share its partials.</summary>
    internal struct RowShare
    {
        /// <summary>Threads of a row, and rows of a group.</summary>
        public int Lanes, Rows;

        /// <summary>1 when a thread has partials side by side, whose elements it reads at once; else its partials are the lanes
        /// apart.</summary>
        public int IsWhole;

        /// <summary>The share of a group of <see cref="Threads"/>.</summary>
        /// <param name="gpu">The device.</param>
        /// <param name="rows">Rows in all.</param>
        /// <param name="partials">Partials of a row.</param>
        /// <param name="piece">Elements that are read at once.</param>
        /// <param name="isWhole">Whether rows are made of aligned pieces.</param>
        public static RowShare Of(GpuDevice gpu, int rows, int partials, int piece, bool isWhole)
        {
            var lanes = Math.Clamp(isWhole ? partials / piece : partials, 1, Threads(gpu));
            // Rather more groups than rows of a group, as long as multiprocessors wait for any.
            var busy = gpu.Kind == DeviceKind.Simulator ? 1 : GroupsPerMultiprocessor * gpu.Accelerator.NumMultiprocessors;
            return new() { Lanes = lanes, Rows = Math.Clamp(rows / busy, 1, Threads(gpu) / lanes), IsWhole = isWhole ? 1 : 0 };
        }

        /// <summary>Threads of a group: as many as a row has partials, or what the device has.</summary>
        public static int Threads(GpuDevice gpu) => Math.Min(gpu.GroupSize, Partials);

        const int GroupsPerMultiprocessor = 8;
    }

    static unsafe void Rows<R, T, E, F, W>(Tensor a, Tensor? b, Tensor y, Tensor? z, int outer, int n, int chunk, bool lift, bool read)
        where R : struct, IReduction where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        var chunks = Math.Max(1, (n + chunk - 1) / Math.Max(1, chunk));
        if (a.Device is GpuDevice gpu)
        {
            var (cells, count) = (outer * chunks, PartialCount(Math.Min(n, chunk)));
            var share = RowShare.Of(gpu, cells, count, W.Count, isWhole: lift && n > 0 && n % W.Count == 0 && a.Layout.Offset % W.Count == 0);
            gpu.LaunchGroups(RowKernel<R, T, E, F, W>, (cells + share.Rows - 1) / share.Rows, RowShare.Threads(gpu), new RowArguments<E>
            {
                A = GpuDevice.View<E>(a), B = GpuDevice.View<E>(b ?? a), Y = GpuDevice.View<E>(y), Z = GpuDevice.View<E>(z ?? y),
                N = n, Chunk = chunk, Chunks = chunks, Cells = cells, Partials = count, Lift = lift ? 1 : 0, Read = read ? 1 : 0, Share = share,
            });
            return;
        }
        var (pa, pb, py, pz) = ((nint)HostMemory.Pointer<E>(a), b is null ? 0 : (nint)HostMemory.Pointer<E>(b),
            (nint)HostMemory.Pointer<E>(y), z is null ? 0 : (nint)HostMemory.Pointer<E>(z));
        var partials = PartialCount(Math.Min(n, chunk));
        HostThreads.Range((long)outer * chunks, Math.Max(1, HostThreads.Grain / Math.Max(1, Math.Min(n, chunk))), (begin, end) =>
        {
            for (var cell = begin; cell < end; cell++)
            {
                var (row, start) = (cell / chunks, (int)(cell % chunks) * chunk);
                var offset = row * n + start;
                var state = HostRow<R, T, E, F>((E*)pa + offset, lift ? null : (E*)pb + offset, Math.Min(chunk, n - start), partials);
                if (read)
                {
                    ((E*)py)[cell] = F.Pack(R.Read(state));
                    continue;
                }
                ((E*)py)[cell] = F.Pack(state.A);
                ((E*)pz)[cell] = F.Pack(state.B);
            }
        });
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(y);
        GC.KeepAlive(z);
    }

    static unsafe State<T> HostRow<R, T, E, F>(E* a, E* b, int n, int partials)
        where R : struct, IReduction where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        => b == null
            ? Row<R, T, E, F, Elements<E>>(new() { A = a }, n, partials)
            : Row<R, T, E, F, States<E>>(new() { A = a, B = b }, n, partials);

    /// <summary>What the partials of a row on the host join, by position: elements, states, or values computed from elements.</summary>
    internal interface ISource<E> where E : unmanaged
    {
        /// <summary>Whether a state takes a long formula: one copy of it in a loop is then enough for speed, and all that the JIT's
        /// inlining budget allows.</summary>
        static virtual bool IsLong => false;

        /// <summary>The states of the lane's elements from position <paramref name="i"/> of the row on.</summary>
        State<V> At<R, V, F>(nint i) where R : struct, IReduction where V : struct, ILane<V> where F : struct, IFormat<V, E>;
    }

    /// <summary>Elements as they are.</summary>
    internal unsafe struct Elements<E> : ISource<E> where E : unmanaged
    {
        public E* A;

        [MethodImpl(Inline.Always)]
        public readonly State<V> At<R, V, F>(nint i) where R : struct, IReduction where V : struct, ILane<V> where F : struct, IFormat<V, E>
            => R.Lift(F.Load(A + i));
    }

    unsafe struct States<E> : ISource<E> where E : unmanaged
    {
        public E* A, B;

        [MethodImpl(Inline.Always)]
        public readonly State<V> At<R, V, F>(nint i) where R : struct, IReduction where V : struct, ILane<V> where F : struct, IFormat<V, E>
            => new(F.Load(A + i), F.Load(B + i));
    }

    /// <summary>Elements that all partials have joined before the next ones are looked at: narrow vectors hold the partials in several
    /// groups, and each group reads what the one before has brought into the first cache.</summary>
    const int Tile = 4096;

    /// <summary>The joint state of the first <paramref name="n"/> positions of a source, on the host.</summary>
    [SkipLocalsInit]
    internal static unsafe State<T> Row<R, T, E, F, S>(in S source, int n, int partials)
        where R : struct, IReduction where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where S : struct, ISource<E>
    {
        E* p = stackalloc E[Partials], q = stackalloc E[Partials];
        var rounds = n / partials * partials;
        for (var begin = 0; begin < rounds; begin += Tile)
        {
            // Vector lanes hold neighbouring partials; widths that exceed the partials of a short row leave them to the scalar loop.
            var end = Math.Min(rounds, begin + Tile);
            if (HasVectors<T>() && Vector512.IsHardwareAccelerated && Packed512<E>.Width <= partials)
                Accumulate<R, Vec512<E>, E, Packed512<E>, S>(source, begin, end, partials, p, q);
            else if (HasVectors<T>() && Vector256.IsHardwareAccelerated && Packed256<E>.Width <= partials)
                Accumulate<R, Vec256<E>, E, Packed256<E>, S>(source, begin, end, partials, p, q);
            else if (HasVectors<T>() && Vector128.IsHardwareAccelerated && Packed128<E>.Width <= partials)
                Accumulate<R, Vec128<E>, E, Packed128<E>, S>(source, begin, end, partials, p, q);
            else
                Accumulate<R, T, E, F, S>(source, begin, end, partials, p, q);
        }
        if (rounds == 0)
        {
            var zero = R.Zero<T>();
            new Span<E>(p, partials).Fill(F.Pack(zero.A));
            new Span<E>(q, partials).Fill(F.Pack(zero.B));
        }
        // The last, incomplete round.
        for (var i = rounds; i < n; i++)
        {
            var k = i - rounds;
            var state = R.Join(new State<T>(F.Splat(p[k]), F.Splat(q[k])), source.At<R, T, F>(i));
            (p[k], q[k]) = (F.Pack(state.A), F.Pack(state.B));
        }
        if (HasVectors<T>() && Vector512.IsHardwareAccelerated && sizeof(E) == 4 && partials == Partials)
            return Tree<R, T, E, F>(p, q);
        var half = partials / 2;
        if (HasVectors<T>())
        {
            if (Vector512.IsHardwareAccelerated && half >= Packed512<E>.Width)
                half = Fold<R, Vec512<E>, E, Packed512<E>>(p, q, half);
            if (Vector256.IsHardwareAccelerated && half >= Packed256<E>.Width)
                half = Fold<R, Vec256<E>, E, Packed256<E>>(p, q, half);
            if (Vector128.IsHardwareAccelerated && half >= Packed128<E>.Width)
                half = Fold<R, Vec128<E>, E, Packed128<E>>(p, q, half);
        }
        _ = Fold<R, T, E, F>(p, q, half);
        return new(F.Splat(p[0]), F.Splat(q[0]));
    }

    // The rounds of partials from begin to end.
    static unsafe void Accumulate<R, V, E, F, S>(in S source, int begin, int end, int partials, E* p, E* q)
        where R : struct, IReduction where V : struct, ILane<V> where E : unmanaged where F : struct, IFormat<V, E> where S : struct, ISource<E>
    {
        var j = S.IsLong ? 0 : JoinFour<R, V, E, F, S>(source, begin, end, partials, p, q);
        if (j < partials)
            JoinOne<R, V, E, F, S>(source, begin, end, partials, p, q, j);
    }

    // Four lanes of partials at a time, because a state waits for its last join; how many have been joined.
    [MethodImpl(Inline.Root)]
    static unsafe int JoinFour<R, V, E, F, S>(in S source, int begin, int end, int partials, E* p, E* q)
        where R : struct, IReduction where V : struct, ILane<V> where E : unmanaged where F : struct, IFormat<V, E> where S : struct, ISource<E>
    {
        var from = source;
        var j = 0;
        for (; j + 4 * F.Width <= partials; j += 4 * F.Width)
        {
            State<V> s0 = R.Zero<V>(), s1 = s0, s2 = s0, s3 = s0;
            if (begin > 0)
            {
                (s0, s1) = (Partial<V, E, F>(p, q, j), Partial<V, E, F>(p, q, j + F.Width));
                (s2, s3) = (Partial<V, E, F>(p, q, j + 2 * F.Width), Partial<V, E, F>(p, q, j + 3 * F.Width));
            }
            for (nint i = begin + j; i < end; i += partials)
            {
                s0 = R.Join(s0, from.At<R, V, F>(i));
                s1 = R.Join(s1, from.At<R, V, F>(i + F.Width));
                s2 = R.Join(s2, from.At<R, V, F>(i + 2 * F.Width));
                s3 = R.Join(s3, from.At<R, V, F>(i + 3 * F.Width));
            }
            Keep<V, E, F>(s0, p, q, j);
            Keep<V, E, F>(s1, p, q, j + F.Width);
            Keep<V, E, F>(s2, p, q, j + 2 * F.Width);
            Keep<V, E, F>(s3, p, q, j + 3 * F.Width);
        }
        return j;
    }

    [MethodImpl(Inline.Root)]
    static unsafe void JoinOne<R, V, E, F, S>(in S source, int begin, int end, int partials, E* p, E* q, int first)
        where R : struct, IReduction where V : struct, ILane<V> where E : unmanaged where F : struct, IFormat<V, E> where S : struct, ISource<E>
    {
        var from = source;
        for (var j = first; j < partials; j += F.Width)
        {
            var state = begin > 0 ? Partial<V, E, F>(p, q, j) : R.Zero<V>();
            for (nint i = begin + j; i < end; i += partials)
                state = R.Join(state, from.At<R, V, F>(i));
            Keep<V, E, F>(state, p, q, j);
        }
    }

    [MethodImpl(Inline.Always)]
    static unsafe State<V> Partial<V, E, F>(E* p, E* q, int j) where V : struct, ILane<V> where E : unmanaged where F : struct, IFormat<V, E>
        => new(F.Load(p + j), F.Load(q + j));

    [MethodImpl(Inline.Always)]
    static unsafe void Keep<V, E, F>(State<V> state, E* p, E* q, int j) where V : struct, ILane<V> where E : unmanaged where F : struct, IFormat<V, E>
    {
        F.Store(p + j, state.A);
        F.Store(q + j, state.B);
    }

    // The tree over 64 partials of four bytes, four 512-bit lanes: but for the last two levels, in registers.
    [MethodImpl(Inline.Root)]
    static unsafe State<T> Tree<R, T, E, F>(E* p, E* q)
        where R : struct, IReduction where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var width = Packed512<E>.Width;
        var even = R.Join(Partial<Vec512<E>, E, Packed512<E>>(p, q, 0), Partial<Vec512<E>, E, Packed512<E>>(p, q, 2 * width));
        var odd = R.Join(Partial<Vec512<E>, E, Packed512<E>>(p, q, width), Partial<Vec512<E>, E, Packed512<E>>(p, q, 3 * width));
        var lane = R.Join(even, odd);
        var half = R.Join(new State<Vec256<E>>(new(lane.A.Value.GetLower()), new(lane.B.Value.GetLower())),
            new(new(lane.A.Value.GetUpper()), new(lane.B.Value.GetUpper())));
        var quarter = R.Join(new State<Vec128<E>>(new(half.A.Value.GetLower()), new(half.B.Value.GetLower())),
            new(new(half.A.Value.GetUpper()), new(half.B.Value.GetUpper())));
        Keep<Vec128<E>, E, Packed128<E>>(quarter, p, q, 0);
        return R.Join(R.Join(Partial<T, E, F>(p, q, 0), Partial<T, E, F>(p, q, 2)), R.Join(Partial<T, E, F>(p, q, 1), Partial<T, E, F>(p, q, 3)));
    }

    // The tree's levels that fill a lane; half the number of partials that are left.
    [MethodImpl(Inline.Root)]
    static unsafe int Fold<R, V, E, F>(E* p, E* q, int half)
        where R : struct, IReduction where V : struct, ILane<V> where E : unmanaged where F : struct, IFormat<V, E>
    {
        for (; half >= F.Width; half /= 2)
        {
            for (var k = 0; k < half; k += F.Width)
                Keep<V, E, F>(R.Join(Partial<V, E, F>(p, q, k), Partial<V, E, F>(p, q, k + half)), p, q, k);
        }
        return half;
    }

    // The lanes of a row share the partials of a chunk.
    [Budget(32, 2048, typeof(Reductions.Sum), typeof(F32), typeof(float), typeof(SingleCell), typeof(Quad<float>), LoadsWide = true)]
    internal static void RowKernel<R, T, E, F, W>(RowArguments<E> x) where R : struct, IReduction
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        // Lanes times the elements that each reads at once are the partials at most, so the partials of all rows of a group fit.
        var (p, q) = (SharedMemory.Allocate<E>(Partials * W.Count), SharedMemory.Allocate<E>(Partials * W.Count));
        var (lane, slot) = (Group.IdxX % x.Share.Lanes, Group.IdxX / x.Share.Lanes);
        var cell = Grid.IdxX * x.Share.Rows + slot;
        var (from, n, offset) = (slot * x.Partials, 0, 0);
        if (slot < x.Share.Rows && cell < x.Cells)
        {
            var start = cell % x.Chunks * x.Chunk;
            offset = cell / x.Chunks * x.N + start;
            n = IntrinsicMath.Min(x.Chunk, x.N - start);
        }
        if (x.Share.IsWhole != 0)
            Accumulate<R, T, E, F, W>(x, p, q, from, lane, offset / W.Count, n / W.Count);
        else
            Accumulate<R, T, E, F>(x, p, q, from, lane, offset, n);
        Group.Barrier();
        for (var half = x.Partials / 2; half > 0; half /= 2)
        {
            for (var k = from + lane; k < from + half; k += x.Share.Lanes)
            {
                var state = R.Join(new State<T>(F.Splat(p[k]), F.Splat(q[k])), new State<T>(F.Splat(p[k + half]), F.Splat(q[k + half])));
                p[k] = F.Pack(state.A);
                q[k] = F.Pack(state.B);
            }
            Group.Barrier();
        }
        if (lane == 0 && slot < x.Share.Rows && cell < x.Cells)
        {
            var state = new State<T>(F.Splat(p[from]), F.Splat(q[from]));
            if (x.Read != 0)
            {
                x.Y[cell] = F.Pack(R.Read(state));
            }
            else
            {
                x.Y[cell] = p[from];
                x.Z[cell] = q[from];
            }
        }
    }

    [MethodImpl(Inline.Always)]
    static void Accumulate<R, T, E, F>(RowArguments<E> x, ArrayView<E> p, ArrayView<E> q, int from, int lane, int offset, int n)
        where R : struct, IReduction where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        for (var k = lane; k < x.Partials; k += x.Share.Lanes)
        {
            var state = R.Zero<T>();
            for (var i = k; i < n; i += x.Partials)
            {
                var element = F.Splat(x.A[offset + i]);
                var lifted = R.Lift(element);
                if (x.Lift == 0)
                    lifted = new(element, F.Splat(x.B[offset + i]));
                state = R.Join(state, lifted);
            }
            p[from + k] = F.Pack(state.A);
            q[from + k] = F.Pack(state.B);
        }
    }

    // The same for partials side by side; offset and n count pieces.
    [MethodImpl(Inline.Always)]
    static void Accumulate<R, T, E, F, W>(RowArguments<E> x, ArrayView<E> p, ArrayView<E> q, int from, int lane, int offset, int n) where R : struct, IReduction
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        var zero = R.Zero<T>();
        for (var set = lane; set < x.Partials / W.Count; set += x.Share.Lanes)
        {
            W a = Wide.Filled<W, E>(F.Pack(zero.A)), b = Wide.Filled<W, E>(F.Pack(zero.B));
            for (var i = set; i < n; i += x.Partials / W.Count)
            {
                var piece = x.A.Cast<W>()[offset + i];
                for (var k = 0; k < W.Count; k++)
                {
                    var state = R.Join(new State<T>(F.Splat(W.Get(a, k)), F.Splat(W.Get(b, k))), R.Lift(F.Splat(W.Get(piece, k))));
                    a = W.With(a, k, F.Pack(state.A));
                    b = W.With(b, k, F.Pack(state.B));
                }
            }
            for (var k = 0; k < W.Count; k++)
            {
                p[from + set * W.Count + k] = W.Get(a, k);
                q[from + set * W.Count + k] = W.Get(b, k);
            }
        }
    }

    // ---- columns: [outer, n, inner] -> [outer, inner]; neighbours along inner share vectors and memory transactions

    internal struct ColumnArguments<E> where E : unmanaged
    {
        /// <summary>Elements, or the two numbers of states; and the results, or the two numbers of theirs.</summary>
        public ArrayView<E> A, B, Y, Z;

        /// <summary>Rows, and pieces of one.</summary>
        public int N, Pieces;

        /// <summary>Rows of a part, and parts; as elsewhere, whether elements are lifted and results read.</summary>
        public int PartRows, Parts, Lift, Read;
    }

    static unsafe void Columns<R, T, E, F, W>(Tensor x, Tensor y, int outer, int n, int inner) where R : struct, IReduction
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        if (x.Device is GpuDevice gpu)
        {
            if (inner % W.Count == 0 && x.Layout.Offset % W.Count == 0)
                DeviceColumns<R, T, E, F, W>(gpu, x, y, outer, n, inner);
            else
                DeviceColumns<R, T, E, F, Lone<E>>(gpu, x, y, outer, n, inner);
            return;
        }
        var (px, py) = ((nint)HostMemory.Pointer<E>(x), (nint)HostMemory.Pointer<E>(y));
        // A piece is a strip of columns of one matrix: wide enough for the memory to be read in long runs.
        var strip = (int)Math.Clamp(HostThreads.Grain / Math.Max(1, (long)n), Narrowest, Widest);
        var strips = (inner + strip - 1) / strip;
        HostThreads.Range((long)outer * strips, Math.Max(1, HostThreads.Grain / Math.Max(1, (long)n * Math.Min(strip, inner))), (begin, end) =>
        {
            for (var piece = begin; piece < end; piece++)
            {
                var (matrix, column) = (piece / strips, (int)(piece % strips) * strip);
                HostColumns<R, T, E, F>((E*)px + matrix * n * inner + column, (E*)py + matrix * inner + column, n, inner, Math.Min(strip, inner - column));
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    // Columns of a strip.
    const int Narrowest = 256, Widest = 512;

    [SkipLocalsInit]
    static unsafe void HostColumns<R, T, E, F>(E* x, E* y, int n, int inner, int count)
        where R : struct, IReduction where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        E* p = stackalloc E[Widest], q = stackalloc E[Widest];
        var zero = R.Zero<T>();
        new Span<E>(p, count).Fill(F.Pack(zero.A));
        new Span<E>(q, count).Fill(F.Pack(zero.B));
        for (var row = 0; row < n; row += Run)
        {
            var from = x + (nint)row * inner;
            var (rows, column) = (Math.Min(Run, n - row), 0);
            if (HasVectors<T>())
            {
                if (Vector512.IsHardwareAccelerated && count >= Packed512<E>.Width)
                    column = Strip<R, Vec512<E>, E, Packed512<E>>(from, p, q, rows, inner, column, count);
                if (Vector256.IsHardwareAccelerated && count - column >= Packed256<E>.Width)
                    column = Strip<R, Vec256<E>, E, Packed256<E>>(from, p, q, rows, inner, column, count);
                if (Vector128.IsHardwareAccelerated && count - column >= Packed128<E>.Width)
                    column = Strip<R, Vec128<E>, E, Packed128<E>>(from, p, q, rows, inner, column, count);
            }
            if (column < count)
                _ = Strip<R, T, E, F>(from, p, q, rows, inner, column, count);
        }
        for (var column = 0; column < count; column++)
            y[column] = F.Pack(R.Read(new State<T>(F.Splat(p[column]), F.Splat(q[column]))));
    }

    // One run of every column joins the column's state; four lanes of columns at a time, for the joins' latency and for whole pages.
    [MethodImpl(Inline.Root)]
    static unsafe int Strip<R, V, E, F>(E* x, E* p, E* q, int rows, int inner, int column, int last)
        where R : struct, IReduction where V : struct, ILane<V> where E : unmanaged where F : struct, IFormat<V, E>
    {
        for (; column + 4 * F.Width <= last; column += 4 * F.Width)
        {
            State<V> s0 = R.Zero<V>(), s1 = s0, s2 = s0, s3 = s0;
            var at = x + column;
            for (var i = 0; i < rows; i++, at += inner)
            {
                s0 = R.Join(s0, R.Lift(F.Load(at)));
                s1 = R.Join(s1, R.Lift(F.Load(at + F.Width)));
                s2 = R.Join(s2, R.Lift(F.Load(at + 2 * F.Width)));
                s3 = R.Join(s3, R.Lift(F.Load(at + 3 * F.Width)));
            }
            Keep<V, E, F>(R.Join(Partial<V, E, F>(p, q, column), s0), p, q, column);
            Keep<V, E, F>(R.Join(Partial<V, E, F>(p, q, column + F.Width), s1), p, q, column + F.Width);
            Keep<V, E, F>(R.Join(Partial<V, E, F>(p, q, column + 2 * F.Width), s2), p, q, column + 2 * F.Width);
            Keep<V, E, F>(R.Join(Partial<V, E, F>(p, q, column + 3 * F.Width), s3), p, q, column + 3 * F.Width);
        }
        for (; column + F.Width <= last; column += F.Width)
        {
            var run = R.Zero<V>();
            for (var i = 0; i < rows; i++)
                run = R.Join(run, R.Lift(F.Load(x + (nint)i * inner + column)));
            Keep<V, E, F>(R.Join(Partial<V, E, F>(p, q, column), run), p, q, column);
        }
        return column;
    }

    static void DeviceColumns<R, T, E, F, W>(GpuDevice gpu, Tensor x, Tensor y, int outer, int n, int inner) where R : struct, IReduction
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        var (pieces, runs) = (inner / W.Count, (n + Run - 1) / Run);
        // Without rows there is nothing to read, but there has to be an address.
        var arguments = new ColumnArguments<E> { A = GpuDevice.View<E>(n == 0 ? y : x), Y = GpuDevice.View<E>(y), N = n, Pieces = pieces, PartRows = n, Parts = 1, Lift = 1, Read = 1 };
        (arguments.B, arguments.Z) = (arguments.A, arguments.Y);
        // Where columns are too few for a GPU's threads, each run has one; then the runs' states are joined in order.
        if (runs < 2 || (long)outer * pieces >= ColumnThreads(gpu))
        {
            gpu.Launch(ColumnKernel<R, T, E, F, W>, (long)outer * pieces, arguments);
            return;
        }
        var (a, b) = (Tensor.Empty([outer, runs, inner], x.DType, gpu), Tensor.Empty([outer, runs, inner], x.DType, gpu));
        var (states, rest) = (arguments with { Read = 0, PartRows = Run, Parts = runs }, arguments with { Lift = 0, N = runs, PartRows = runs });
        (states.Y, states.Z) = (GpuDevice.View<E>(a), GpuDevice.View<E>(b));
        (rest.A, rest.B) = (states.Y, states.Z);
        gpu.Launch(ColumnKernel<R, T, E, F, W>, (long)outer * runs * pieces, states);
        gpu.Launch(ColumnKernel<R, T, E, F, W>, (long)outer * pieces, rest);
        a.Dispose();
        b.Dispose();
    }

    // Columns that keep a device busy.
    static int ColumnThreads(GpuDevice gpu) => gpu.Kind == DeviceKind.Simulator ? 16 : 512 * gpu.Accelerator.NumMultiprocessors;

    // One piece of neighbouring columns: all of their rows, or those of a part, which is one run.
    [Budget(28, 0, typeof(Reductions.Sum), typeof(F32), typeof(float), typeof(SingleCell), typeof(Quad<float>), LoadsWide = true, StoresWide = true)]
    [Budget(40, 0, typeof(Reductions.Sum), typeof(F64), typeof(double), typeof(DoubleCell), typeof(Twin<double>), LoadsWide = true, StoresWide = true)]
    [Budget(24, 0, typeof(Reductions.Sum), typeof(F32), typeof(float), typeof(SingleCell), typeof(Lone<float>))]
    internal static void ColumnKernel<R, T, E, F, W>(Index1D index, ColumnArguments<E> x) where R : struct, IReduction
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        int cell = index;
        var (row, column) = (cell / x.Pieces, cell % x.Pieces);
        var (matrix, part) = (row / x.Parts, row % x.Parts);
        var first = part * x.PartRows;
        var last = IntrinsicMath.Min(x.N, first + x.PartRows);
        var (from, other) = (x.A.Cast<W>().SubView((long)matrix * x.N * x.Pieces + column), x.B.Cast<W>().SubView((long)matrix * x.N * x.Pieces + column));
        var zero = R.Zero<T>();
        W zeroA = Wide.Filled<W, E>(F.Pack(zero.A)), zeroB = Wide.Filled<W, E>(F.Pack(zero.B)), totalA = zeroA, totalB = zeroB;
        if (x.Lift == 0)
        {
            for (var i = first; i < last; i++)
                (totalA, totalB) = Joined<R, T, E, F, W>(totalA, totalB, from[i * x.Pieces], other[i * x.Pieces]);
        }
        else
        {
            for (var i0 = first; i0 < last; i0 += Run)
            {
                W a = zeroA, b = zeroB;
                var end = IntrinsicMath.Min(last, i0 + Run);
                for (var i = i0; i < end; i++)
                {
                    var piece = from[i * x.Pieces];
                    for (var k = 0; k < W.Count; k++)
                    {
                        var state = R.Join(new State<T>(F.Splat(W.Get(a, k)), F.Splat(W.Get(b, k))), R.Lift(F.Splat(W.Get(piece, k))));
                        a = W.With(a, k, F.Pack(state.A));
                        b = W.With(b, k, F.Pack(state.B));
                    }
                }
                // A part is one run.
                if (x.Read == 0)
                    (totalA, totalB) = (a, b);
                else
                    (totalA, totalB) = Joined<R, T, E, F, W>(totalA, totalB, a, b);
            }
        }
        if (x.Read != 0)
        {
            for (var k = 0; k < W.Count; k++)
                totalA = W.With(totalA, k, F.Pack(R.Read(new State<T>(F.Splat(W.Get(totalA, k)), F.Splat(W.Get(totalB, k))))));
        }
        else
        {
            x.Z.Cast<W>()[cell] = totalB;
        }
        x.Y.Cast<W>()[cell] = totalA;
    }

    // The states of neighbouring columns join others.
    [MethodImpl(Inline.Always)]
    static (W A, W B) Joined<R, T, E, F, W>(W a, W b, W otherA, W otherB) where R : struct, IReduction
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        for (var k = 0; k < W.Count; k++)
        {
            var state = R.Join(new State<T>(F.Splat(W.Get(a, k)), F.Splat(W.Get(b, k))), new State<T>(F.Splat(W.Get(otherA, k)), F.Splat(W.Get(otherB, k))));
            a = W.With(a, k, F.Pack(state.A));
            b = W.With(b, k, F.Pack(state.B));
        }
        return (a, b);
    }
}
