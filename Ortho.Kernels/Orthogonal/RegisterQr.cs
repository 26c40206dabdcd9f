using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Util;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Linalg;
using Ortho.Tensors;

namespace Ortho.Kernels.Orthogonal;

/// <summary>Householder QR of small real matrices on devices: a thread for each column, which stays in its registers, and several matrices to a
/// group. Reads its matrices where they lie and writes R and Q where they are wanted, in one launch.</summary>
/// <remarks>
/// The arithmetic is <see cref="SmallQr"/>'s, number by number. Threads hand the pivot column of each step to shared memory; there as many
/// neighbouring threads as the group has matrices reduce one each, in place, so that square roots and quotients are computed for all
/// matrices at once; then every column meets the reflection. v's stay until Q is made of them, without any more meetings: q's columns take the
/// registers of those of R.
/// A row behind the last changes nothing, not even a sign of zero: the column has 0 there and v has -0.
/// </remarks>
static class RegisterQr
{
    /// <summary>Threads and shared memory of a group.</summary>
    internal interface IGroup
    {
        /// <summary>Most threads: a power of two.</summary>
        static abstract int Threads { get; }

        /// <summary>Quads of all reflections of all matrices.</summary>
        static abstract int Room { get; }
    }

    /// <summary>For up to 16 rows: sixteen matrices of 16 x 16.</summary>
    [LaunchBounds(256, 4)]
    internal readonly struct Tiny : IGroup
    {
        public static int Threads { [MethodImpl(Inline.Always)] get => 256; }
        public static int Room { [MethodImpl(Inline.Always)] get => 16 * 41; }
    }

    /// <summary>For up to 32 rows: eight matrices of 32 x 32.</summary>
    [LaunchBounds(256, 3)]
    internal readonly struct Small : IGroup
    {
        public static int Threads { [MethodImpl(Inline.Always)] get => 256; }
        public static int Room { [MethodImpl(Inline.Always)] get => 8 * 145; }
    }

    /// <summary>For up to 64 rows: two matrices of 64 x 64.</summary>
    [LaunchBounds(128, 3)]
    internal readonly struct Medium : IGroup
    {
        public static int Threads { [MethodImpl(Inline.Always)] get => 128; }
        public static int Room { [MethodImpl(Inline.Always)] get => 2 * 545; }
    }

    /// <summary>For up to 16 rows of float64: eight matrices of 16 x 16.</summary>
    [LaunchBounds(128, 5)]
    internal readonly struct Few : IGroup
    {
        public static int Threads { [MethodImpl(Inline.Always)] get => 128; }
        public static int Room { [MethodImpl(Inline.Always)] get => 8 * 41; }
    }

    /// <summary>For up to 32 rows of float64: four matrices of 32 x 32.</summary>
    [LaunchBounds(128, 3)]
    internal readonly struct Wide : IGroup
    {
        public static int Threads { [MethodImpl(Inline.Always)] get => 128; }
        public static int Room { [MethodImpl(Inline.Always)] get => 4 * 145; }
    }

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> A, R, Q;
        public long BatchA, BatchR, BatchQ;
        public int RowA, ColumnA, RowR, ColumnR, RowQ, ColumnQ;
        public int Batch, Rows, Columns, Steps, HasQ;

        /// <summary>Threads of a matrix are 1 &lt;&lt; Shift; its reflections take Stride quads.</summary>
        public int Shift, Stride;
        public E MinusZero;
    }

    /// <summary>Factors matrices, or says that they are too large.</summary>
    /// <param name="gpu">The device.</param>
    /// <param name="x">[batch, m, n], Float32 or Float64.</param>
    /// <param name="r">[batch, min(m, n), n].</param>
    /// <param name="q">[batch, m, min(m, n)], or nothing.</param>
    public static bool Run(GpuDevice gpu, Tensor x, Tensor r, Tensor? q)
    {
        var rows = x.Shape[1];
        return x.DType switch
        {
            DType.Float32 => rows switch
            {
                <= 4 => Run<Tiny, FourRows<F32>, F32, float, SingleCell>(gpu, x, r, q, -0.0f),
                <= 8 => Run<Tiny, Twice<FourRows<F32>, F32>, F32, float, SingleCell>(gpu, x, r, q, -0.0f),
                <= 16 => Run<Tiny, Twice<Twice<FourRows<F32>, F32>, F32>, F32, float, SingleCell>(gpu, x, r, q, -0.0f),
                <= 32 => Run<Small, Twice<Twice<Twice<FourRows<F32>, F32>, F32>, F32>, F32, float, SingleCell>(gpu, x, r, q, -0.0f),
                <= 64 => Run<Medium, Twice<Twice<Twice<Twice<FourRows<F32>, F32>, F32>, F32>, F32>, F32, float, SingleCell>(gpu, x, r, q, -0.0f),
                _ => RollingQr.Run(gpu, x, r, q),
            },
            DType.Float64 => rows switch
            {
                <= 4 => Run<Few, FourRows<F64>, F64, double, DoubleCell>(gpu, x, r, q, -0.0),
                <= 8 => Run<Few, Twice<FourRows<F64>, F64>, F64, double, DoubleCell>(gpu, x, r, q, -0.0),
                <= 16 => Run<Few, Twice<Twice<FourRows<F64>, F64>, F64>, F64, double, DoubleCell>(gpu, x, r, q, -0.0),
                <= 32 => Run<Wide, Twice<Twice<Twice<FourRows<F64>, F64>, F64>, F64>, F64, double, DoubleCell>(gpu, x, r, q, -0.0),
                _ => RollingQr.Run(gpu, x, r, q),
            },
            _ => false,
        };
    }

    static bool Run<S, C, T, E, F>(GpuDevice gpu, Tensor x, Tensor r, Tensor? q, E minusZero)
        where S : struct, IGroup where C : struct, IRegisterColumn<C, T>
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        // v's from the quad of their pivot on; an odd number of quads apart, so that the threads that reduce them meet in no bank.
        var stride = 0;
        for (var step = 0; step < r.Shape[1]; step++)
            stride += C.Quads - (step >> 2);
        return Launch(gpu, x, r, q, Kernel<S, C, T, E, F>, S.Threads, S.Room, stride, minusZero);
    }

    /// <summary>Runs a kernel whose groups have room for so many quads of reflections, or says that the matrices are too large for it.</summary>
    internal static bool Launch<E>(GpuDevice gpu, Tensor x, Tensor r, Tensor? q, Action<Arguments<E>> kernel, int threads, int room, int stride, E minusZero)
        where E : unmanaged
    {
        var (batch, m, n, k) = (x.Shape[0], x.Shape[1], x.Shape[2], r.Shape[1]);
        var shift = 2;
        while (1 << shift < n)
            shift++;
        stride |= 1;
        threads = Math.Min(threads, gpu.GroupSize);
        while ((threads >> shift) * stride > room)
            threads >>= 1;
        // A few matrices need no more threads than columns.
        while (threads > 32 && (threads >> 1 >> shift) >= batch)
            threads >>= 1;
        if (threads >> shift == 0)
            return false;
        var matrices = threads >> shift;
        x = Skeletons.Copy.Forward(x);
        var a = x.Layout.Strides;
        var to = r.Layout.Strides;
        var other = (q ?? r).Layout.Strides;
        gpu.LaunchGroups(kernel, (batch + matrices - 1) / matrices, threads, new Arguments<E>
        {
            A = GpuDevice.View<E>(x), R = GpuDevice.View<E>(r), Q = GpuDevice.View<E>(q ?? r),
            BatchA = a[0], RowA = checked((int)a[1]), ColumnA = checked((int)a[2]),
            BatchR = to[0], RowR = checked((int)to[1]), ColumnR = checked((int)to[2]),
            BatchQ = other[0], RowQ = checked((int)other[1]), ColumnQ = checked((int)other[2]),
            Batch = batch, Rows = m, Columns = n, Steps = k, HasQ = q is null ? 0 : 1, Shift = shift, Stride = stride, MinusZero = minusZero,
        });
        GC.KeepAlive(x);
        return true;
    }

    [Budget(48, 14_000, typeof(Tiny), typeof(FourRows<F32>), typeof(F32), typeof(float), typeof(SingleCell))]
    [Budget(64, 14_000, typeof(Tiny), typeof(Twice<Twice<FourRows<F32>, F32>, F32>), typeof(F32), typeof(float), typeof(SingleCell))]
    [Budget(80, 21_000, typeof(Small), typeof(Twice<Twice<Twice<FourRows<F32>, F32>, F32>, F32>), typeof(F32), typeof(float), typeof(SingleCell))]
    [Budget(152, 19_000, typeof(Medium), typeof(Twice<Twice<Twice<Twice<FourRows<F32>, F32>, F32>, F32>, F32>),
        typeof(F32), typeof(float), typeof(SingleCell))]
    [Budget(128, 14_000, typeof(Few), typeof(Twice<Twice<FourRows<F64>, F64>, F64>), typeof(F64), typeof(double), typeof(DoubleCell))]
    [Budget(168, 21_000, typeof(Wide), typeof(Twice<Twice<Twice<FourRows<F64>, F64>, F64>, F64>), typeof(F64), typeof(double), typeof(DoubleCell))]
    internal static void Kernel<S, C, T, E, F>(Arguments<E> x)
        where S : struct, IGroup where C : struct, IRegisterColumn<C, T>
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var room = SharedMemory.Allocate<Quad<E>>(S.Room);
        var taus = SharedMemory.Allocate<E>(S.Threads);
        var diagonals = SharedMemory.Allocate<E>(S.Threads);
        var (thread, shift) = (Group.IdxX, x.Shift);
        var (part, lane, matrices) = (thread >> shift, thread & ((1 << shift) - 1), Group.DimX >> shift);
        var index = Grid.IdxX * matrices + part;
        // Threads without a column work on the last one, and groups without a matrix on the last one: nobody reads what they make of it.
        var (matrix, own) = (IntrinsicMath.Min(index, x.Batch - 1), IntrinsicMath.Min(lane, x.Columns - 1));
        var column = C.Load<E, F>(x.A.SubView(matrix * x.BatchA + own * x.ColumnA), 0, x.RowA, 0, x.Rows);
        var v = room.SubView(part * x.Stride);
        var shared = part << shift;
        if (lane == 0)
            C.Put<E, F>(column, -1, v);
        Group.Barrier();
        // Quad c of this step's v is number at + c.
        var (at, step) = (0, 0);
        do
        {
            // Another warp each time.
            var worker = (thread - 32 * step) & (Group.DimX - 1);
            if (worker < matrices)
            {
                var number = (worker << shift) + step;
                var (tau, diagonal) = Reflect<T, E, F>(room.SubView(worker * x.Stride + at), step, x.Rows, C.Quads, x.MinusZero);
                taus[number] = F.Pack(tau);
                diagonals[number] = F.Pack(diagonal);
            }
            Group.Barrier();
            column = Apply<C, T, E, F>(column, step, v.SubView(at), F.Splat(taus[shared + step]), lane == step + 1 & lane < x.Steps);
            step++;
            at += C.Quads - (step >> 2);
            Group.Barrier();
        }
        while (step < x.Steps);
        if (index < x.Batch & lane < x.Columns)
            C.StoreUpper<E, F>(column, x.R.SubView(matrix * x.BatchR + lane * x.ColumnR), x.RowR, 0, x.Steps, lane, diagonals[thread]);
        if (x.HasQ == 0)
            return;
        column = C.Identity<E, F>(0, x.Rows, lane, x.MinusZero);
        do
        {
            at -= C.Quads - (step >> 2);
            step--;
            if (lane >= step)
                column = Form<C, T, E, F>(column, step, v.SubView(at), F.Splat(taus[shared + step]));
        }
        while (step > 0);
        if (index < x.Batch & lane < x.Steps)
            C.Store<E, F>(column, x.Q.SubView(matrix * x.BatchQ + lane * x.ColumnQ), 0, x.RowQ, 0, x.Rows);
    }

    // Turns the pivot column of a step into v, with zeros above its 1; see Householder.Reflect.
    [MethodImpl(Inline.Always)]
    internal static (T Tau, T Diagonal) Reflect<T, E, F>(ArrayView<Quad<E>> v, int step, int rows, int quads, E minusZero)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (quad, place) = (step >> 2, step & 3);
        var head = v[quad];
        var zero = F.Pack(T.Of(0));
        var (x0, x1, x2, x3) = (F.Splat(head.X), F.Splat(head.Y), F.Splat(head.Z), F.Splat(head.W));
        // Rows above the pivot are R's.
        T y0 = F.Splat(Utilities.Select(place > 0, zero, head.X)), y1 = F.Splat(Utilities.Select(place > 1, zero, head.Y)),
            y2 = F.Splat(Utilities.Select(place > 2, zero, head.Z));
        var largest = T.Max(T.LargerPart(y0), T.Of(0));
        largest = T.Max(T.LargerPart(y1), largest);
        largest = T.Max(T.LargerPart(y2), largest);
        largest = T.Max(T.LargerPart(x3), largest);
        var whole = rows >> 2;
        for (var k = quad + 1; k < (rows + 3) >> 2; k++)
        {
            var x = v[k];
            largest = T.Max(T.LargerPart(F.Splat(x.X)), largest);
            largest = T.Max(T.LargerPart(F.Splat(x.Y)), largest);
            largest = T.Max(T.LargerPart(F.Splat(x.Z)), largest);
            largest = T.Max(T.LargerPart(F.Splat(x.W)), largest);
        }
        var exponent = Scaling.Exponent(largest);
        var shrink = T.Exp2Int(-exponent);
        var tail = F.Splat(Utilities.Select(place == 0, F.Pack(T.SquaredAbs(x1 * shrink)), zero));
        tail += F.Splat(Utilities.Select(place <= 1, F.Pack(T.SquaredAbs(x2 * shrink)), zero));
        tail += F.Splat(Utilities.Select(place <= 2, F.Pack(T.SquaredAbs(x3 * shrink)), zero));
        for (var k = quad + 1; k < (rows + 3) >> 2; k++)
        {
            var x = v[k];
            tail += T.SquaredAbs(F.Splat(x.X) * shrink);
            tail += T.SquaredAbs(F.Splat(x.Y) * shrink);
            tail += T.SquaredAbs(F.Splat(x.Z) * shrink);
            tail += T.SquaredAbs(F.Splat(x.W) * shrink);
        }
        var given = Utilities.Select(place == 0, head.X, Utilities.Select(place == 1, head.Y, Utilities.Select(place == 2, head.Z, head.W)));
        var (tau, scale, diagonal) = Householder.Pivot(F.Splat(given), exponent, shrink, tail);
        var one = F.Pack(T.Of(1));
        (head.X, head.Y) = (Utilities.Select(place == 0, one, zero), Utilities.Select(place == 1, one, F.Pack(x1 * shrink * scale)));
        (head.Z, head.W) = (Utilities.Select(place == 2, one, F.Pack(x2 * shrink * scale)), Utilities.Select(place == 3, one, F.Pack(x3 * shrink * scale)));
        head.Y = Utilities.Select(place > 1, zero, head.Y);
        head.Z = Utilities.Select(place > 2, zero, head.Z);
        if (quad == whole)
            head = Upto(head, rows & 3, minusZero);
        v[quad] = head;
        for (var k = quad + 1; k < whole; k++)
            v[k] = Scaled<T, E, F>(v[k], shrink, scale);
        for (var k = IntrinsicMath.Max(quad + 1, whole); k < quads; k++)
            v[k] = Upto(Scaled<T, E, F>(v[k], shrink, scale), rows - 4 * k, minusZero);
        return (tau, diagonal);
    }

    [MethodImpl(Inline.Always)]
    static Quad<E> Scaled<T, E, F>(Quad<E> x, T shrink, T scale)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        => new(F.Pack(F.Splat(x.X) * shrink * scale), F.Pack(F.Splat(x.Y) * shrink * scale),
            F.Pack(F.Splat(x.Z) * shrink * scale), F.Pack(F.Splat(x.W) * shrink * scale));

    // The first rows of a quad.
    [MethodImpl(Inline.Always)]
    static Quad<E> Upto<E>(Quad<E> x, int rows, E minusZero) where E : unmanaged
        => new(Utilities.Select(rows > 0, x.X, minusZero), Utilities.Select(rows > 1, x.Y, minusZero),
            Utilities.Select(rows > 2, x.Z, minusZero), Utilities.Select(rows > 3, x.W, minusZero));

    // The column after the reflection of a step; the next pivot column goes to shared memory. One text for each quad: registers have no index.
    [MethodImpl(Inline.Always)]
    static C Apply<C, T, E, F>(C column, int step, ArrayView<Quad<E>> v, T tau, bool isNext)
        where C : struct, IRegisterColumn<C, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var place = step & 3;
        switch (step >> 2)
        {
            case 0: column = Apply<C, T, E, F>(column, 0, place, v, tau, isNext); break;
            case 1: if (C.Quads > 1) column = Apply<C, T, E, F>(column, 1, place, v, tau, isNext); break;
            case 2: if (C.Quads > 2) column = Apply<C, T, E, F>(column, 2, place, v, tau, isNext); break;
            case 3: if (C.Quads > 3) column = Apply<C, T, E, F>(column, 3, place, v, tau, isNext); break;
            case 4: if (C.Quads > 4) column = Apply<C, T, E, F>(column, 4, place, v, tau, isNext); break;
            case 5: if (C.Quads > 5) column = Apply<C, T, E, F>(column, 5, place, v, tau, isNext); break;
            case 6: if (C.Quads > 6) column = Apply<C, T, E, F>(column, 6, place, v, tau, isNext); break;
            case 7: if (C.Quads > 7) column = Apply<C, T, E, F>(column, 7, place, v, tau, isNext); break;
            case 8: if (C.Quads > 8) column = Apply<C, T, E, F>(column, 8, place, v, tau, isNext); break;
            case 9: if (C.Quads > 9) column = Apply<C, T, E, F>(column, 9, place, v, tau, isNext); break;
            case 10: if (C.Quads > 10) column = Apply<C, T, E, F>(column, 10, place, v, tau, isNext); break;
            case 11: if (C.Quads > 11) column = Apply<C, T, E, F>(column, 11, place, v, tau, isNext); break;
            case 12: if (C.Quads > 12) column = Apply<C, T, E, F>(column, 12, place, v, tau, isNext); break;
            case 13: if (C.Quads > 13) column = Apply<C, T, E, F>(column, 13, place, v, tau, isNext); break;
            case 14: if (C.Quads > 14) column = Apply<C, T, E, F>(column, 14, place, v, tau, isNext); break;
            case 15: if (C.Quads > 15) column = Apply<C, T, E, F>(column, 15, place, v, tau, isNext); break;
        }
        return column;
    }

    [MethodImpl(Inline.Always)]
    static C Apply<C, T, E, F>(C column, int quad, int place, ArrayView<Quad<E>> v, T tau, bool isNext)
        where C : struct, IRegisterColumn<C, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (head, factors) = (C.Get(column, quad), v[quad]);
        var (v1, v2, v3) = (F.Splat(factors.Y), F.Splat(factors.Z), F.Splat(factors.W));
        // From the pivot's row on.
        var sum = After<T, E, F>(place > 0, head.Y, T.Fma(v1, head.Y, head.X));
        sum = After<T, E, F>(place > 1, head.Z, T.Fma(v2, head.Z, sum));
        sum = After<T, E, F>(place > 2, head.W, T.Fma(v3, head.W, sum));
        var w = -(tau * C.Dot<E, F>(column, quad, v, sum));
        column = C.Plus<E, F>(column, quad, v, w);
        head = new(After<T, E, F>(place > 0, head.X, T.Fma(F.Splat(factors.X), w, head.X)), After<T, E, F>(place > 1, head.Y, T.Fma(v1, w, head.Y)),
            After<T, E, F>(place > 2, head.Z, T.Fma(v2, w, head.Z)), T.Fma(v3, w, head.W));
        column = C.With(column, quad, head);
        if (isNext)
        {
            // Behind this v, which begins at its own quad.
            var next = v.SubView(C.Quads - quad - ((place + 1) >> 2));
            if (place < 3)
                next[quad] = new(F.Pack(head.X), F.Pack(head.Y), F.Pack(head.Z), F.Pack(head.W));
            C.Put<E, F>(column, quad, next);
        }
        return column;
    }

    [MethodImpl(Inline.Always)]
    internal static T After<T, E, F>(bool isAbove, T yes, T no) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        => F.Splat(Utilities.Select(isAbove, F.Pack(yes), F.Pack(no)));

    // A column of the product of reflections after one more from the left. It is a column of the identity before, so that v's zeros and 1 count
    // as any number.
    [MethodImpl(Inline.Always)]
    static C Form<C, T, E, F>(C column, int step, ArrayView<Quad<E>> v, T tau)
        where C : struct, IRegisterColumn<C, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        switch (step >> 2)
        {
            case 0: column = Form<C, T, E, F>(-1, column, v, tau); break;
            case 1: if (C.Quads > 1) column = Form<C, T, E, F>(0, column, v, tau); break;
            case 2: if (C.Quads > 2) column = Form<C, T, E, F>(1, column, v, tau); break;
            case 3: if (C.Quads > 3) column = Form<C, T, E, F>(2, column, v, tau); break;
            case 4: if (C.Quads > 4) column = Form<C, T, E, F>(3, column, v, tau); break;
            case 5: if (C.Quads > 5) column = Form<C, T, E, F>(4, column, v, tau); break;
            case 6: if (C.Quads > 6) column = Form<C, T, E, F>(5, column, v, tau); break;
            case 7: if (C.Quads > 7) column = Form<C, T, E, F>(6, column, v, tau); break;
            case 8: if (C.Quads > 8) column = Form<C, T, E, F>(7, column, v, tau); break;
            case 9: if (C.Quads > 9) column = Form<C, T, E, F>(8, column, v, tau); break;
            case 10: if (C.Quads > 10) column = Form<C, T, E, F>(9, column, v, tau); break;
            case 11: if (C.Quads > 11) column = Form<C, T, E, F>(10, column, v, tau); break;
            case 12: if (C.Quads > 12) column = Form<C, T, E, F>(11, column, v, tau); break;
            case 13: if (C.Quads > 13) column = Form<C, T, E, F>(12, column, v, tau); break;
            case 14: if (C.Quads > 14) column = Form<C, T, E, F>(13, column, v, tau); break;
            case 15: if (C.Quads > 15) column = Form<C, T, E, F>(14, column, v, tau); break;
        }
        return column;
    }

    [MethodImpl(Inline.Always)]
    static C Form<C, T, E, F>(int before, C column, ArrayView<Quad<E>> v, T tau)
        where C : struct, IRegisterColumn<C, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        => C.Plus<E, F>(column, before, v, -(tau * C.Dot<E, F>(column, before, v, T.Of(0))));
}
