using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Skeletons;

/// <summary>A running result, written once: what is remembered of the elements up to each place.</summary>
public interface IScan
{
    /// <summary>The state before the first element; joining to it changes nothing.</summary>
    static abstract State<T> Zero<T>() where T : struct, ILane<T>;

    /// <summary>The state of one element.</summary>
    /// <param name="x">The element.</param>
    /// <param name="second">The element of the second operand, or the element's position when there is none.</param>
    static abstract State<T> Lift<T>(T x, T second) where T : struct, ILane<T>;

    /// <summary>The state of the elements of p, followed by those of q.</summary>
    static abstract State<T> Join<T>(State<T> p, State<T> q) where T : struct, ILane<T>;

    /// <summary>The result up to here.</summary>
    static abstract T Read<T>(State<T> state) where T : struct, ILane<T>;
}

/// <summary>The running form of a reduction.</summary>
public readonly struct Running<R> : IScan where R : struct, IReduction
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Zero<T>() where T : struct, ILane<T> => R.Zero<T>();

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Lift<T>(T x, T second) where T : struct, ILane<T> => R.Lift(x);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static State<T> Join<T>(State<T> p, State<T> q) where T : struct, ILane<T> => R.Join(p, q);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static T Read<T>(State<T> state) where T : struct, ILane<T> => R.Read(state);
}

/// <summary>The skeleton of scans along one dimension, in a fixed order of joining on every device.</summary>
/// <remarks>
/// A line is cut into chunks of <see cref="Chunk"/> elements. The chunks' states are found, each in order; the states before each chunk
/// follow from them, in order; and each chunk is run through once more from the state before it. The order depends on the line's length
/// alone. Of floating-point lines with positions, 2^24 elements (Float32) can be counted.
/// </remarks>
public static class Scan
{
    /// <summary>Elements that one thread runs through.</summary>
    const int Chunk = 256;

    /// <summary>The running result along dimension <paramref name="axis"/>, from the end with <paramref name="reverse"/>.</summary>
    /// <param name="operation">Name, for messages.</param>
    /// <param name="x">Any dtype but Bool and the half-precision ones.</param>
    /// <param name="second">The second operand, of x's shape and dtype; null for positions.</param>
    /// <param name="axis">The dimension.</param>
    /// <param name="reverse">Whether to run from the last element to the first.</param>
    /// <param name="states">When not null, of x's shape and dtype: receives the second number of each state.</param>
    /// <exception cref="TensorArgumentException">The dtype has no arithmetic of its own.</exception>
    public static Tensor Over<S>(string operation, Tensor x, Tensor? second, int axis, bool reverse = false, Tensor? states = null) where S : struct, IScan
    {
        var y = Tensor.Empty(x.Shape, x.DType, x.Device);
        if (y.ElementCount == 0)
            return y;
        x = Copy.Contiguous(x);
        second = second is null ? null : Copy.Contiguous(second);
        var job = new Job(x, second, y, states, x.Shape[axis], checked((int)x.Shape[(axis + 1)..].ElementCount), reverse);
        switch (x.DType)
        {
            case DType.Float32: Typed<S, F32, float, SingleCell>(job); break;
            case DType.Float64: Typed<S, F64, double, DoubleCell>(job); break;
            case DType.Complex64: Typed<S, Cx<F32>, Complex64, Complex64Cell>(job); break;
            case DType.Complex128: Typed<S, Cx<F64>, Complex, Complex128Cell>(job); break;
            case DType.Int32: Typed<S, I32, int, Int32Cell>(job); break;
            case DType.Int64: Typed<S, I64, long, Int64Cell>(job); break;
            default: throw new TensorArgumentException(operation, nameof(x),
                $"{x.DType}", "a dtype with arithmetic of its own; convert with To(dtype)");
        }
        return y;
    }

    sealed record Job(Tensor X, Tensor? Second, Tensor Y, Tensor? States, int N, int Inner, bool Reverse)
    {
        public int Lines => (int)(X.ElementCount / N);

        public int Chunks => (N + Chunk - 1) / Chunk;
    }

    static void Typed<S, T, E, F>(Job job) where S : struct, IScan where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        // The states before each chunk: [lines, chunks].
        var a = Tensor.Empty([job.Lines, job.Chunks], job.X.DType, job.X.Device);
        var b = Tensor.Empty([job.Lines, job.Chunks], job.X.DType, job.X.Device);
        if (job.X.Device is GpuDevice gpu)
            OnDevice<S, T, E, F>(gpu, job, a, b);
        else
            OnHost<S, T, E, F>(job, a, b);
        a.Dispose();
        b.Dispose();
    }

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> X, Second, Y, States, A, B;
        public int N, Inner, Chunks, Reverse, HasSecond, HasStates;
    }

    static void OnDevice<S, T, E, F>(GpuDevice gpu, Job job, Tensor a, Tensor b)
        where S : struct, IScan where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var arguments = new Arguments<E>
        {
            X = GpuDevice.View<E>(job.X), Second = GpuDevice.View<E>(job.Second ?? job.X), Y = GpuDevice.View<E>(job.Y),
            States = GpuDevice.View<E>(job.States ?? job.Y), A = GpuDevice.View<E>(a), B = GpuDevice.View<E>(b), N = job.N, Inner = job.Inner,
            Chunks = job.Chunks, Reverse = job.Reverse ? 1 : 0, HasSecond = job.Second is null ? 0 : 1, HasStates = job.States is null ? 0 : 1,
        };
        if (job.Chunks > 1)
            gpu.Launch(TotalKernel<S, T, E, F>, a.ElementCount, arguments);
        gpu.Launch(PrefixKernel<S, T, E, F>, job.Lines, arguments);
        gpu.Launch(RunKernel<S, T, E, F>, a.ElementCount, arguments);
    }

    // Where element i of a line, in the direction of the scan, is.
    [MethodImpl(Inline.Always)]
    static long Place(int line, int i, int n, int inner, int reverse)
        => ((long)(line / inner) * n + (reverse != 0 ? n - 1 - i : i)) * inner + line % inner;

    internal static void TotalKernel<S, T, E, F>(Index1D cell, Arguments<E> x)
        where S : struct, IScan where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (line, start) = (cell / x.Chunks, cell % x.Chunks * Chunk);
        var state = S.Zero<T>();
        var position = T.Of(start);
        for (var i = start; i < IntrinsicMath.Min(start + Chunk, x.N); i++)
        {
            state = S.Join(state, Element<S, T, E, F>(x, Place(line, i, x.N, x.Inner, x.Reverse), position));
            position += T.Of(1);
        }
        x.A[cell] = F.Pack(state.A);
        x.B[cell] = F.Pack(state.B);
    }

    [MethodImpl(Inline.Always)]
    static State<T> Element<S, T, E, F>(Arguments<E> x, long place, T position)
        where S : struct, IScan where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var second = position;
        if (x.HasSecond != 0)
            second = F.Splat(x.Second[place]);
        return S.Lift(F.Splat(x.X[place]), second);
    }

    internal static void PrefixKernel<S, T, E, F>(Index1D line, Arguments<E> x)
        where S : struct, IScan where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var state = S.Zero<T>();
        for (var chunk = 0; chunk < x.Chunks; chunk++)
        {
            var cell = line * x.Chunks + chunk;
            var total = new State<T>(F.Splat(x.A[cell]), F.Splat(x.B[cell]));
            x.A[cell] = F.Pack(state.A);
            x.B[cell] = F.Pack(state.B);
            state = S.Join(state, total);
        }
    }

    internal static void RunKernel<S, T, E, F>(Index1D cell, Arguments<E> x)
        where S : struct, IScan where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (line, start) = (cell / x.Chunks, cell % x.Chunks * Chunk);
        var state = new State<T>(F.Splat(x.A[cell]), F.Splat(x.B[cell]));
        var position = T.Of(start);
        for (var i = start; i < IntrinsicMath.Min(start + Chunk, x.N); i++)
        {
            var place = Place(line, i, x.N, x.Inner, x.Reverse);
            state = S.Join(state, Element<S, T, E, F>(x, place, position));
            position += T.Of(1);
            x.Y[place] = F.Pack(S.Read(state));
            if (x.HasStates != 0)
                x.States[place] = F.Pack(state.B);
        }
    }

    static unsafe void OnHost<S, T, E, F>(Job job, Tensor a, Tensor b)
        where S : struct, IScan where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (x, y) = ((nint)HostMemory.Pointer<E>(job.X), (nint)HostMemory.Pointer<E>(job.Y));
        var (pa, pb) = ((nint)HostMemory.Pointer<E>(a), (nint)HostMemory.Pointer<E>(b));
        var second = job.Second is null ? 0 : (nint)HostMemory.Pointer<E>(job.Second);
        var states = job.States is null ? 0 : (nint)HostMemory.Pointer<E>(job.States);
        var (n, inner, chunks) = (job.N, job.Inner, job.Chunks);
        nint step = job.Reverse ? -inner : inner;
        var grain = Math.Max(1, HostThreads.Grain / Math.Min(n, Chunk));

        void Pass(bool write) => HostThreads.Range(a.ElementCount, grain, (begin, end) =>
        {
            for (var cell = begin; cell < end; cell++)
            {
                var (line, start) = ((int)(cell / chunks), (int)(cell % chunks) * Chunk);
                var place = (nint)Place(line, start, n, inner, job.Reverse ? 1 : 0);
                var state = write ? new State<T>(F.Splat(((E*)pa)[cell]), F.Splat(((E*)pb)[cell])) : S.Zero<T>();
                state = Line<S, T, E, F>((E*)x + place, second == 0 ? null : (E*)second + place, write ? (E*)y + place : null,
                    write && states != 0 ? (E*)states + place : null, step, start, Math.Min(Chunk, n - start), state);
                if (write)
                    continue;
                ((E*)pa)[cell] = F.Pack(state.A);
                ((E*)pb)[cell] = F.Pack(state.B);
            }
        });

        if (chunks > 1)
            Pass(write: false);
        for (var line = 0; line < job.Lines; line++)
        {
            var state = S.Zero<T>();
            for (var cell = line * chunks; cell < (line + 1) * chunks; cell++)
            {
                var total = new State<T>(F.Splat(((E*)pa)[cell]), F.Splat(((E*)pb)[cell]));
                (((E*)pa)[cell], ((E*)pb)[cell]) = (F.Pack(state.A), F.Pack(state.B));
                state = S.Join(state, total);
            }
        }
        Pass(write: true);
        GC.KeepAlive(job);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
    }

    [MethodImpl(Inline.Root)]
    static unsafe State<T> Line<S, T, E, F>(E* x, E* second, E* y, E* states, nint step, int start, int count, State<T> state)
        where S : struct, IScan where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var position = T.Of(start);
        for (nint i = 0; i < count; i++)
        {
            state = S.Join(state, S.Lift(F.Splat(x[i * step]), second == null ? position : F.Splat(second[i * step])));
            position += T.Of(1);
            if (y != null)
                y[i * step] = F.Pack(S.Read(state));
            if (states != null)
                states[i * step] = F.Pack(state.B);
        }
        return state;
    }
}
