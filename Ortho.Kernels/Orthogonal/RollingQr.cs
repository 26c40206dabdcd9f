using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Linalg;
using Ortho.Tensors;

namespace Ortho.Kernels.Orthogonal;

/// <summary><see cref="RegisterQr"/> of matrices with more rows, up to 128 or, of float64, 64: a column takes most registers of its thread.</summary>
/// <remarks>
/// A text for each quad of the pivot's rows would be long, and v would be kept in registers beside the column. Here the pivot's quad is the
/// first of the registers: when its four steps are done it is R's, and all others move up. What has moved away is not computed on, by parts.
/// To make Q they move down again.
/// </remarks>
static class RollingQr
{
    // A group has as many at most.
    const int Threads = 128;

    /// <summary>Shared memory of a group.</summary>
    internal interface IRoom
    {
        /// <summary>Quads of all reflections of all matrices.</summary>
        static abstract int Quads { get; }
    }

    /// <summary>For up to 64 rows of float64: a matrix of 64 x 64.</summary>
    [LaunchBounds(Threads, 2)]
    internal readonly struct Double : IRoom
    {
        public static int Quads { [MethodImpl(Inline.Always)] get => 641; }
    }

    /// <summary>For up to 128 rows: a matrix of 128 x 128.</summary>
    [LaunchBounds(Threads, 2)]
    internal readonly struct Whole : IRoom
    {
        public static int Quads { [MethodImpl(Inline.Always)] get => 2561; }
    }

    /// <summary>Four parts of a column: the pivot's quad is the first one's first.</summary>
    struct Parts<C> where C : struct
    {
        public C P0, P1, P2, P3;
    }

    /// <summary>Factors matrices, or says that they are too large; see <see cref="RegisterQr.Run"/>.</summary>
    public static bool Run(GpuDevice gpu, Tensor x, Tensor r, Tensor? q) => (x.DType, x.Shape[1]) switch
    {
        (DType.Float32, <= 128) => Run<Whole, Twice<Twice<Twice<FourRows<F32>, F32>, F32>, F32>, F32, float, SingleCell>(gpu, x, r, q, -0.0f),
        (DType.Float64, <= 64) => Run<Double, Twice<Twice<FourRows<F64>, F64>, F64>, F64, double, DoubleCell>(gpu, x, r, q, -0.0),
        _ => false,
    };

    static bool Run<S, C, T, E, F>(GpuDevice gpu, Tensor x, Tensor r, Tensor? q, E minusZero)
        where S : struct, IRoom where C : struct, IRegisterColumn<C, T>
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (rows, steps) = (x.Shape[1], r.Shape[1]);
        var stride = 0;
        for (var step = 0; step < steps; step++)
            stride += Length((rows + 3) >> 2, step >> 2, C.Quads);
        return RegisterQr.Launch(gpu, x, r, q, Kernel<S, C, T, E, F>, Threads, S.Quads, stride, minusZero);
    }

    // Quads of a v whose pivot is in a quad of rows: whole parts.
    [MethodImpl(Inline.Always)]
    static int Length(int quads, int quad, int part) => (quads - quad + part - 1) & -part;

    [Budget(232, 42_000, typeof(Whole), typeof(Twice<Twice<Twice<FourRows<F32>, F32>, F32>, F32>), typeof(F32), typeof(float), typeof(SingleCell))]
    [Budget(224, 22_560, typeof(Double), typeof(Twice<Twice<FourRows<F64>, F64>, F64>), typeof(F64), typeof(double), typeof(DoubleCell))]
    internal static void Kernel<S, C, T, E, F>(RegisterQr.Arguments<E> x)
        where S : struct, IRoom where C : struct, IRegisterColumn<C, T>
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var room = SharedMemory.Allocate<Quad<E>>(S.Quads);
        var taus = SharedMemory.Allocate<E>(Threads);
        var diagonals = SharedMemory.Allocate<E>(Threads);
        var (thread, shift) = (Group.IdxX, x.Shift);
        var (part, lane, matrices) = (thread >> shift, thread & ((1 << shift) - 1), Group.DimX >> shift);
        var index = Grid.IdxX * matrices + part;
        // Threads without a column, and groups without a matrix, as in RegisterQr.
        var (matrix, own) = (IntrinsicMath.Min(index, x.Batch - 1), IntrinsicMath.Min(lane, x.Columns - 1));
        var column = Load<C, T, E, F>(x.A.SubView(matrix * x.BatchA + own * x.ColumnA), x.RowA, x.Rows);
        var (quads, shared) = ((x.Rows + 3) >> 2, part << shift);
        var v = room.SubView(part * x.Stride);
        var length = Length(quads, 0, C.Quads);
        if (lane == 0)
            Put<C, T, E, F>(column, length, v);
        Group.Barrier();
        // This step's v begins at quad number at.
        var (at, step) = (0, 0);
        var r = x.R.SubView(matrix * x.BatchR + lane * x.ColumnR);
        var isInside = index < x.Batch & lane < x.Columns;
        do
        {
            // Another warp each time.
            var worker = (thread - 32 * step) & (Group.DimX - 1);
            if (worker < matrices)
            {
                var number = (worker << shift) + step;
                var first = step >> 2;
                var (tau, diagonal) = RegisterQr.Reflect<T, E, F>(room.SubView(worker * x.Stride + at - first), step, x.Rows, first + length, x.MinusZero);
                taus[number] = F.Pack(tau);
                diagonals[number] = F.Pack(diagonal);
            }
            Group.Barrier();
            column = Apply<C, T, E, F>(column, step & 3, length, v.SubView(at), F.Splat(taus[shared + step]));
            step++;
            at += length;
            if ((step & 3) == 0 | step == x.Steps)
            {
                var first = (step - 1) & -4;
                if (isInside)
                    FourRows<T>.StoreUpper<E, F>(FourRows<T>.With(default, 0, C.Get(column.P0, 0)), r, x.RowR, first, x.Steps, lane, diagonals[thread]);
                column = Up<C, T>(column);
                length = Length(quads, step >> 2, C.Quads);
            }
            if (lane == step & step < x.Steps)
                Put<C, T, E, F>(column, length, v.SubView(at));
            Group.Barrier();
        }
        while (step < x.Steps);
        if (x.HasQ == 0)
            return;
        var quad = (step - 1) >> 2;
        column = Identity<C, T, E, F>(4 * quad, x.Rows, lane, x.MinusZero);
        do
        {
            length = Length(quads, quad, C.Quads);
            do
            {
                step--;
                at -= length;
                if (lane >= step)
                    column = Form<C, T, E, F>(column, length, v.SubView(at), F.Splat(taus[shared + step]));
            }
            while ((step & 3) != 0);
            quad--;
            if (quad >= 0)
                column = Down<C, T>(column, FourRows<T>.Get(FourRows<T>.Identity<E, F>(4 * quad, x.Rows, lane, x.MinusZero), 0));
        }
        while (quad >= 0);
        if (index < x.Batch & lane < x.Steps)
            Store<C, T, E, F>(column, x.Q.SubView(matrix * x.BatchQ + lane * x.ColumnQ), x.RowQ, x.Rows);
    }

    // The column after the reflection of a step, whose row is in its first quad.
    [MethodImpl(Inline.Always)]
    static Parts<C> Apply<C, T, E, F>(Parts<C> column, int place, int length, ArrayView<Quad<E>> v, T tau)
        where C : struct, IRegisterColumn<C, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (head, factors) = (C.Get(column.P0, 0), v[0]);
        var (v1, v2, v3) = (F.Splat(factors.Y), F.Splat(factors.Z), F.Splat(factors.W));
        // From the pivot's row on.
        var sum = RegisterQr.After<T, E, F>(place > 0, head.Y, T.Fma(v1, head.Y, head.X));
        sum = RegisterQr.After<T, E, F>(place > 1, head.Z, T.Fma(v2, head.Z, sum));
        sum = RegisterQr.After<T, E, F>(place > 2, head.W, T.Fma(v3, head.W, sum));
        var w = -(tau * Dot<C, T, E, F>(column, 0, length, v, sum));
        column = Plus<C, T, E, F>(column, 0, length, v, w);
        column.P0 = C.With(column.P0, 0, new(RegisterQr.After<T, E, F>(place > 0, head.X, T.Fma(F.Splat(factors.X), w, head.X)),
            RegisterQr.After<T, E, F>(place > 1, head.Y, T.Fma(v1, w, head.Y)), RegisterQr.After<T, E, F>(place > 2, head.Z, T.Fma(v2, w, head.Z)),
            T.Fma(v3, w, head.W)));
        return column;
    }

    // A column of the product of reflections after one more from the left; see RegisterQr.Form.
    [MethodImpl(Inline.Always)]
    static Parts<C> Form<C, T, E, F>(Parts<C> column, int length, ArrayView<Quad<E>> v, T tau)
        where C : struct, IRegisterColumn<C, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        => Plus<C, T, E, F>(column, -1, length, v, -(tau * Dot<C, T, E, F>(column, -1, length, v, T.Of(0))));

    // ---- parts that have rows

    [MethodImpl(Inline.Always)]
    static T Dot<C, T, E, F>(Parts<C> column, int quad, int length, ArrayView<Quad<E>> v, T sum)
        where C : struct, IRegisterColumn<C, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        sum = C.Dot<E, F>(column.P0, quad, v, sum);
        if (length > C.Quads)
            sum = C.Dot<E, F>(column.P1, -1, v.SubView(C.Quads), sum);
        if (length > 2 * C.Quads)
            sum = C.Dot<E, F>(column.P2, -1, v.SubView(2 * C.Quads), sum);
        if (length > 3 * C.Quads)
            sum = C.Dot<E, F>(column.P3, -1, v.SubView(3 * C.Quads), sum);
        return sum;
    }

    [MethodImpl(Inline.Always)]
    static Parts<C> Plus<C, T, E, F>(Parts<C> column, int quad, int length, ArrayView<Quad<E>> v, T factor)
        where C : struct, IRegisterColumn<C, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        column.P0 = C.Plus<E, F>(column.P0, quad, v, factor);
        if (length > C.Quads)
            column.P1 = C.Plus<E, F>(column.P1, -1, v.SubView(C.Quads), factor);
        if (length > 2 * C.Quads)
            column.P2 = C.Plus<E, F>(column.P2, -1, v.SubView(2 * C.Quads), factor);
        if (length > 3 * C.Quads)
            column.P3 = C.Plus<E, F>(column.P3, -1, v.SubView(3 * C.Quads), factor);
        return column;
    }

    [MethodImpl(Inline.Always)]
    static void Put<C, T, E, F>(Parts<C> column, int length, ArrayView<Quad<E>> to)
        where C : struct, IRegisterColumn<C, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        C.Put<E, F>(column.P0, -1, to);
        if (length > C.Quads)
            C.Put<E, F>(column.P1, -1, to.SubView(C.Quads));
        if (length > 2 * C.Quads)
            C.Put<E, F>(column.P2, -1, to.SubView(2 * C.Quads));
        if (length > 3 * C.Quads)
            C.Put<E, F>(column.P3, -1, to.SubView(3 * C.Quads));
    }

    // ---- all parts

    [MethodImpl(Inline.Always)]
    static Parts<C> Up<C, T>(Parts<C> column) where C : struct, IRegisterColumn<C, T> where T : struct, ILane<T> => new()
    {
        P0 = C.Up(column.P0, C.Get(column.P1, 0)), P1 = C.Up(column.P1, C.Get(column.P2, 0)), P2 = C.Up(column.P2, C.Get(column.P3, 0)),
        P3 = C.Up(column.P3, new(T.Of(0), T.Of(0), T.Of(0), T.Of(0))),
    };

    [MethodImpl(Inline.Always)]
    static Parts<C> Down<C, T>(Parts<C> column, Quad<T> first) where C : struct, IRegisterColumn<C, T> where T : struct, ILane<T> => new()
    {
        P0 = C.Down(column.P0, first), P1 = C.Down(column.P1, C.Get(column.P0, C.Quads - 1)),
        P2 = C.Down(column.P2, C.Get(column.P1, C.Quads - 1)), P3 = C.Down(column.P3, C.Get(column.P2, C.Quads - 1)),
    };

    [MethodImpl(Inline.Always)]
    static Parts<C> Load<C, T, E, F>(ArrayView<E> from, int step, int rows)
        where C : struct, IRegisterColumn<C, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        => new()
        {
            P0 = C.Load<E, F>(from, 0, step, 0, rows), P1 = C.Load<E, F>(from, 0, step, 4 * C.Quads, rows),
            P2 = C.Load<E, F>(from, 0, step, 8 * C.Quads, rows), P3 = C.Load<E, F>(from, 0, step, 12 * C.Quads, rows),
        };

    [MethodImpl(Inline.Always)]
    static void Store<C, T, E, F>(Parts<C> column, ArrayView<E> to, int step, int rows)
        where C : struct, IRegisterColumn<C, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        C.Store<E, F>(column.P0, to, 0, step, 0, rows);
        C.Store<E, F>(column.P1, to, 0, step, 4 * C.Quads, rows);
        C.Store<E, F>(column.P2, to, 0, step, 8 * C.Quads, rows);
        C.Store<E, F>(column.P3, to, 0, step, 12 * C.Quads, rows);
    }

    [MethodImpl(Inline.Always)]
    static Parts<C> Identity<C, T, E, F>(int first, int rows, int diagonal, E minusZero)
        where C : struct, IRegisterColumn<C, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        => new()
        {
            P0 = C.Identity<E, F>(first, rows, diagonal, minusZero), P1 = C.Identity<E, F>(first + 4 * C.Quads, rows, diagonal, minusZero),
            P2 = C.Identity<E, F>(first + 8 * C.Quads, rows, diagonal, minusZero), P3 = C.Identity<E, F>(first + 12 * C.Quads, rows, diagonal, minusZero),
        };
}
