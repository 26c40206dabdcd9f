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
    const int Partials = 64;

    /// <summary>Elements of a row that one group of threads reduces.</summary>
    const int Chunk = 16384;

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
            case DType.Float32: Typed<R, F32, float, SingleCell>(x, y, outer, n, inner); break;
            case DType.Float64: Typed<R, F64, double, DoubleCell>(x, y, outer, n, inner); break;
            case DType.Int32: Typed<R, I32, int, Int32Cell>(x, y, outer, n, inner); break;
            case DType.Int64: Typed<R, I64, long, Int64Cell>(x, y, outer, n, inner); break;
            case DType.Bool: Typed<R, I32, byte, BoolCell>(x, y, outer, n, inner); break;
            case DType.Complex64: Typed<R, Cx<F32>, Complex64, Complex64Cell>(x, y, outer, n, inner); break;
            default: Typed<R, Cx<F64>, Complex, Complex128Cell>(x, y, outer, n, inner); break;
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

    static bool HasVectors<T>()
        => typeof(T) == typeof(F32) || typeof(T) == typeof(F64) || typeof(T) == typeof(I32) || typeof(T) == typeof(I64);

    static int PartialCount(int n) => Math.Min(Partials, (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, n)));

    static void Typed<R, T, E, F>(Tensor x, Tensor y, int outer, int n, int inner)
        where R : struct, IReduction where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        if (inner > 1)
        {
            Columns<R, T, E, F>(x, y, outer, n, inner);
            return;
        }
        var chunks = Math.Max(1, (n + Chunk - 1) / Chunk);
        if (chunks == 1)
        {
            Rows<R, T, E, F>(x, null, y, null, outer, n, n, lift: true, read: true);
            return;
        }
        var (a, b) = (Tensor.Empty([outer, chunks], x.DType, x.Device), Tensor.Empty([outer, chunks], x.DType, x.Device));
        Rows<R, T, E, F>(x, null, a, b, outer, n, Chunk, lift: true, read: false);
        Rows<R, T, E, F>(a, b, y, null, outer, chunks, chunks, lift: false, read: true);
        a.Dispose();
        b.Dispose();
    }

    // ---- rows: [outer, n] in chunks; elements are lifted or are states already; results are read or left as states

    internal struct RowArguments<E> where E : unmanaged
    {
        public ArrayView<E> A, B, Y, Z;
        public int N, Chunk, Chunks, Partials, Lift, Read;
    }

    static unsafe void Rows<R, T, E, F>(Tensor a, Tensor? b, Tensor y, Tensor? z, int outer, int n, int chunk, bool lift, bool read)
        where R : struct, IReduction where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var chunks = Math.Max(1, (n + chunk - 1) / Math.Max(1, chunk));
        if (a.Device is GpuDevice gpu)
        {
            gpu.LaunchGroups(RowKernel<R, T, E, F>, outer * chunks, Math.Min(gpu.GroupSize, Partials), new RowArguments<E>
            {
                A = GpuDevice.View<E>(a), B = GpuDevice.View<E>(b ?? a), Y = GpuDevice.View<E>(y), Z = GpuDevice.View<E>(z ?? y),
                N = n, Chunk = chunk, Chunks = chunks, Partials = PartialCount(Math.Min(n, chunk)), Lift = lift ? 1 : 0, Read = read ? 1 : 0,
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
    {
        var p = stackalloc E[Partials];
        var q = stackalloc E[Partials];
        // Vector lanes hold neighbouring partials; widths that exceed the partials of a short row leave them to the scalar loop.
        if (HasVectors<T>() && Vector512.IsHardwareAccelerated && Packed512<E>.Width <= partials)
            Accumulate<R, Vec512<E>, E, Packed512<E>, T, F>(a, b, n, partials, p, q);
        else if (HasVectors<T>() && Vector256.IsHardwareAccelerated && Packed256<E>.Width <= partials)
            Accumulate<R, Vec256<E>, E, Packed256<E>, T, F>(a, b, n, partials, p, q);
        else if (HasVectors<T>() && Vector128.IsHardwareAccelerated && Packed128<E>.Width <= partials)
            Accumulate<R, Vec128<E>, E, Packed128<E>, T, F>(a, b, n, partials, p, q);
        else
            Accumulate<R, T, E, F, T, F>(a, b, n, partials, p, q);
        return Tree<R, T, E, F>(p, q, partials);
    }

    // V is the lane of the bulk, T that of the last incomplete round of partials.
    [MethodImpl(Inline.Root)]
    static unsafe void Accumulate<R, V, E, FV, T, F>(E* a, E* b, int n, int partials, E* p, E* q)
        where R : struct, IReduction where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
        where T : struct, ILane<T> where F : struct, ICell<T, E>
    {
        var rounds = n / partials * partials;
        for (var j = 0; j < partials; j += FV.Width)
        {
            var state = R.Zero<V>();
            for (var i = j; i < rounds; i += partials)
                state = R.Join(state, b == null ? R.Lift(FV.Load(a + i)) : new(FV.Load(a + i), FV.Load(b + i)));
            FV.Store(p + j, state.A);
            FV.Store(q + j, state.B);
        }
        for (var i = rounds; i < n; i++)
        {
            var k = i - rounds;
            var state = R.Join(new State<T>(F.Splat(p[k]), F.Splat(q[k])), b == null ? R.Lift(F.Splat(a[i])) : new(F.Splat(a[i]), F.Splat(b[i])));
            (p[k], q[k]) = (F.Pack(state.A), F.Pack(state.B));
        }
    }

    static unsafe State<T> Tree<R, T, E, F>(E* p, E* q, int partials)
        where R : struct, IReduction where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        for (var half = partials / 2; half > 0; half /= 2)
        {
            for (var k = 0; k < half; k++)
            {
                var state = R.Join(new State<T>(F.Splat(p[k]), F.Splat(q[k])), new(F.Splat(p[k + half]), F.Splat(q[k + half])));
                (p[k], q[k]) = (F.Pack(state.A), F.Pack(state.B));
            }
        }
        return new(F.Splat(p[0]), F.Splat(q[0]));
    }

    // One group a chunk; a thread owns partials t, t + threads, ...
    internal static void RowKernel<R, T, E, F>(RowArguments<E> x)
        where R : struct, IReduction where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (p, q) = (SharedMemory.Allocate<E>(Partials), SharedMemory.Allocate<E>(Partials));
        var (cell, thread) = (Grid.IdxX, Group.IdxX);
        var start = cell % x.Chunks * x.Chunk;
        var offset = cell / x.Chunks * x.N + start;
        var n = IntrinsicMath.Min(x.Chunk, x.N - start);
        for (var k = thread; k < x.Partials; k += Group.DimX)
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
            p[k] = F.Pack(state.A);
            q[k] = F.Pack(state.B);
        }
        Group.Barrier();
        for (var half = x.Partials / 2; half > 0; half /= 2)
        {
            for (var k = thread; k < half; k += Group.DimX)
            {
                var state = R.Join(new State<T>(F.Splat(p[k]), F.Splat(q[k])), new State<T>(F.Splat(p[k + half]), F.Splat(q[k + half])));
                p[k] = F.Pack(state.A);
                q[k] = F.Pack(state.B);
            }
            Group.Barrier();
        }
        if (thread == 0)
        {
            var state = new State<T>(F.Splat(p[0]), F.Splat(q[0]));
            if (x.Read != 0)
            {
                x.Y[cell] = F.Pack(R.Read(state));
            }
            else
            {
                x.Y[cell] = p[0];
                x.Z[cell] = q[0];
            }
        }
    }

    // ---- columns: [outer, n, inner] -> [outer, inner]; neighbours along inner share vectors and memory transactions

    internal struct ColumnArguments<E> where E : unmanaged
    {
        public ArrayView<E> X, Y;
        public int N, Inner;
    }

    static unsafe void Columns<R, T, E, F>(Tensor x, Tensor y, int outer, int n, int inner)
        where R : struct, IReduction where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        if (x.Device is GpuDevice gpu)
        {
            gpu.Launch(ColumnKernel<R, T, E, F>, (long)outer * inner,
                new ColumnArguments<E> { X = GpuDevice.View<E>(x), Y = GpuDevice.View<E>(y), N = n, Inner = inner });
            return;
        }
        var (px, py) = ((nint)HostMemory.Pointer<E>(x), (nint)HostMemory.Pointer<E>(y));
        // A piece is a strip of columns of one matrix.
        var strip = Math.Max(64, HostThreads.Grain / Math.Max(1, n));
        var strips = (inner + strip - 1) / strip;
        HostThreads.Range((long)outer * strips, Math.Max(1, HostThreads.Grain / Math.Max(1, (long)n * Math.Min(strip, inner))), (begin, end) =>
        {
            for (var piece = begin; piece < end; piece++)
            {
                var (matrix, column) = (piece / strips, (int)(piece % strips) * strip);
                var last = Math.Min(inner, column + strip);
                var from = (E*)px + matrix * n * inner;
                var to = (E*)py + matrix * inner;
                if (HasVectors<T>())
                {
                    if (Vector512.IsHardwareAccelerated)
                        column = Strip<R, Vec512<E>, E, Packed512<E>>(from, to, n, inner, column, last);
                    else if (Vector256.IsHardwareAccelerated)
                        column = Strip<R, Vec256<E>, E, Packed256<E>>(from, to, n, inner, column, last);
                    else if (Vector128.IsHardwareAccelerated)
                        column = Strip<R, Vec128<E>, E, Packed128<E>>(from, to, n, inner, column, last);
                }
                _ = Strip<R, T, E, F>(from, to, n, inner, column, last);
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    [MethodImpl(Inline.Root)]
    static unsafe int Strip<R, T, E, F>(E* x, E* y, int n, int inner, int column, int last)
        where R : struct, IReduction where T : struct, ILane<T> where E : unmanaged where F : struct, IFormat<T, E>
    {
        for (; column + F.Width <= last; column += F.Width)
        {
            var total = R.Zero<T>();
            for (var i0 = 0; i0 < n; i0 += Run)
            {
                var run = R.Zero<T>();
                var end = Math.Min(n, i0 + Run);
                for (var i = i0; i < end; i++)
                    run = R.Join(run, R.Lift(F.Load(x + (nint)i * inner + column)));
                total = R.Join(total, run);
            }
            F.Store(y + column, R.Read(total));
        }
        return column;
    }

    internal static void ColumnKernel<R, T, E, F>(Index1D index, ColumnArguments<E> x)
        where R : struct, IReduction where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        int cell = index;
        var offset = cell / x.Inner * x.N * x.Inner + cell % x.Inner;
        var total = R.Zero<T>();
        for (var i0 = 0; i0 < x.N; i0 += Run)
        {
            var run = R.Zero<T>();
            var end = IntrinsicMath.Min(x.N, i0 + Run);
            for (var i = i0; i < end; i++)
                run = R.Join(run, R.Lift(F.Splat(x.X[offset + i * x.Inner])));
            total = R.Join(total, run);
        }
        x.Y[cell] = F.Pack(R.Read(total));
    }
}
