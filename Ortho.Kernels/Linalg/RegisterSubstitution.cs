using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Linalg;

/// <summary>Substitution in small triangles on devices: a thread for each right-hand side, whose unknowns stay in its registers, and the triangle
/// in shared memory; several triangles to a group where there are few right-hand sides.</summary>
/// <remarks>
/// The arithmetic is <see cref="TriangularSolve"/>'s, number by number: what an unknown adds to a later one does so in the order of the solved
/// ones, whether each gathers or each is handed on. As many unknowns as a thread holds gather from those before them, which are read
/// again, and then hand on among themselves. That needs nothing of another thread: threads meet once, when the triangle is there. An upper
/// triangle is a lower one, read from its last row and column.
/// </remarks>
static class RegisterSubstitution
{
    /// <summary>Shared memory of a group.</summary>
    internal interface IRoom
    {
        /// <summary>Quads of all triangles.</summary>
        static abstract int Quads { get; }
    }

    /// <summary>Sixteen triangles of 16 rows.</summary>
    [LaunchBounds(Threads, 5)]
    internal readonly struct Small : IRoom
    {
        public static int Quads { [MethodImpl(Inline.Always)] get => 16 * 41; }
    }

    /// <summary>Eight triangles of 32 rows, or two of 64.</summary>
    [LaunchBounds(Threads, 4)]
    internal readonly struct Large : IRoom
    {
        public static int Quads { [MethodImpl(Inline.Always)] get => 8 * 145; }
    }

    /// <summary>Four triangles of 32 rows, or one of 64: of elements of eight or sixteen bytes.</summary>
    [LaunchBounds(Threads, 4)]
    internal readonly struct Wide : IRoom
    {
        public static int Quads { [MethodImpl(Inline.Always)] get => 4 * 145; }
    }

    /// <summary>Rows of the largest triangle that every room holds.</summary>
    public const int MostRows = 64;

    const int Threads = 128;

    // Fewer would spend their time on reading the triangle.
    const int LeastShift = 3;

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> A, X;
        public long BatchA, BatchX;
        public int StartA, RowA, ColumnA, StartX, RowX, ColumnX;
        public int Batch, N, Columns, IsUnit;

        /// <summary>Threads of a triangle are 1 &lt;&lt; Shift, which solve for all columns in Parts parts; it takes Stride quads.</summary>
        public int Shift, Parts, Stride;
    }

    /// <summary>Solves in place.</summary>
    /// <param name="gpu">The device.</param>
    /// <param name="a">[batch, n, n] with at most <see cref="MostRows"/> rows, no dimension reversed.</param>
    /// <param name="x">[batch, n, columns], no dimension reversed.</param>
    /// <param name="upper">Whether a is an upper triangle.</param>
    /// <param name="unit">Whether a's diagonal is 1 and not read.</param>
    public static void Run(GpuDevice gpu, Tensor a, Tensor x, bool upper, bool unit)
    {
        switch (a.DType, a.Shape[1])
        {
            case (DType.Float32, <= 4): Run<Small, FourRows<F32>, F32, float, SingleCell>(gpu, a, x, upper, unit); break;
            case (DType.Float32, <= 8): Run<Small, Twice<FourRows<F32>, F32>, F32, float, SingleCell>(gpu, a, x, upper, unit); break;
            case (DType.Float32, <= 16): Run<Small, Twice<Twice<FourRows<F32>, F32>, F32>, F32, float, SingleCell>(gpu, a, x, upper, unit); break;
            case (DType.Float32, _): Run<Large, Twice<Twice<Twice<FourRows<F32>, F32>, F32>, F32>, F32, float, SingleCell>(gpu, a, x, upper, unit); break;
            case (DType.Float64, _): Run<Wide, Twice<Twice<FourRows<F64>, F64>, F64>, F64, double, DoubleCell>(gpu, a, x, upper, unit); break;
            case (DType.Complex64, _): Run<Wide, Twice<FourRows<Cx<F32>>, Cx<F32>>, Cx<F32>, Complex64, Complex64Cell>(gpu, a, x, upper, unit); break;
            default: Run<Wide, FourRows<Cx<F64>>, Cx<F64>, Complex, Complex128Cell>(gpu, a, x, upper, unit); break;
        }
    }

    static void Run<S, C, T, E, F>(GpuDevice gpu, Tensor a, Tensor x, bool upper, bool unit)
        where S : struct, IRoom where C : struct, IRegisterColumn<C, T>
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (batch, n, columns) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        var (threads, shift) = (Math.Min(Threads, gpu.GroupSize), LeastShift);
        // Odd: neighbouring triangles begin in other banks.
        var quads = (n + 3) / 4;
        var stride = Slot(quads, quads) | 1;
        while (1 << shift < Math.Min(columns, threads))
            shift++;
        while ((threads >> shift) * stride > S.Quads)
        {
            if (1 << shift < Math.Min(32, threads))
                shift++;
            else
                threads >>= 1;
        }
        while (threads > 32 && threads >> shift > 1 && (threads >> 1 >> shift) >= batch)
            threads >>= 1;
        shift = Math.Min(shift, BitOperations.Log2((uint)threads));
        var (matrices, parts) = (threads >> shift, (columns + (1 << shift) - 1) >> shift);
        var from = a.Layout.Strides;
        var to = x.Layout.Strides;
        var sign = upper ? -1 : 1;
        var last = upper ? n - 1 : 0;
        gpu.LaunchGroups(Kernel<S, C, T, E, F>, checked((int)(((long)batch * parts + matrices - 1) / matrices)), threads, new Arguments<E>
        {
            A = GpuDevice.View<E>(a), X = GpuDevice.View<E>(x), BatchA = from[0], BatchX = to[0],
            StartA = checked((int)(last * (from[1] + from[2]))), RowA = sign * checked((int)from[1]), ColumnA = sign * checked((int)from[2]),
            StartX = checked((int)(last * to[1])), RowX = sign * checked((int)to[1]), ColumnX = checked((int)to[2]),
            Batch = batch, N = n, Columns = columns, IsUnit = unit ? 1 : 0, Shift = shift, Parts = parts, Stride = stride,
        });
    }

    // Quads before those of the four columns whose diagonal is in a quad of rows, when each has its rows from that quad on.
    [MethodImpl(Inline.Always)]
    static int Slot(int quads, int quad) => 4 * (quad * quads - quad * (quad - 1) / 2);

    [Budget(48, 10_496, typeof(Small), typeof(FourRows<F32>), typeof(F32), typeof(float), typeof(SingleCell))]
    [Budget(96, 10_496, typeof(Small), typeof(Twice<Twice<FourRows<F32>, F32>, F32>), typeof(F32), typeof(float), typeof(SingleCell))]
    [Budget(128, 18_560, typeof(Large), typeof(Twice<Twice<Twice<FourRows<F32>, F32>, F32>, F32>), typeof(F32), typeof(float), typeof(SingleCell))]
    [Budget(128, 18_560, typeof(Wide), typeof(Twice<Twice<FourRows<F64>, F64>, F64>), typeof(F64), typeof(double), typeof(DoubleCell))]
    [Budget(128, 18_560, typeof(Wide), typeof(Twice<FourRows<Cx<F32>>, Cx<F32>>), typeof(Cx<F32>), typeof(Complex64), typeof(Complex64Cell))]
    [Budget(128, 37_120, typeof(Wide), typeof(FourRows<Cx<F64>>), typeof(Cx<F64>), typeof(Complex), typeof(Complex128Cell))]
    internal static void Kernel<S, C, T, E, F>(Arguments<E> x)
        where S : struct, IRoom where C : struct, IRegisterColumn<C, T>
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var room = SharedMemory.Allocate<Quad<E>>(S.Quads);
        var (lane, lanes) = (Group.IdxX & ((1 << x.Shift) - 1), 1 << x.Shift);
        var index = Grid.IdxX * (Group.DimX >> x.Shift) + (Group.IdxX >> x.Shift);
        // What there is not is computed on the last one.
        var (matrix, number) = (IntrinsicMath.Min(index / x.Parts, x.Batch - 1), ((index % x.Parts) << x.Shift) + lane);
        var own = x.X.SubView(matrix * x.BatchX + IntrinsicMath.Min(number, x.Columns - 1) * x.ColumnX);
        var triangle = room.SubView((Group.IdxX >> x.Shift) * x.Stride);
        var (elements, quads) = (triangle.Cast<E>(), (x.N + 3) >> 2);
        var from = x.A.SubView(matrix * x.BatchA);
        for (var k = lane; k < x.N; k += lanes)
        {
            var quad = k >> 2;
            var at = 4 * (Slot(quads, quad) + (k & 3) * (quads - quad) - quad);
            var place = x.StartA + k * (x.RowA + x.ColumnA);
            elements[at + k] = F.Pack(x.IsUnit != 0 ? T.Of(1) : F.Splat(from[place]));
            for (var row = k + 1; row < x.N; row++)
            {
                place += x.RowA;
                elements[at + row] = F.Pack(-F.Splat(from[place]));
            }
        }
        Group.Barrier();
        var isOwn = index < x.Batch * x.Parts & number < x.Columns;
        for (var first = 0; first < quads; first += C.Quads)
        {
            // Rows from here on are numbered anew; so are those of the triangle's columns.
            var (left, start) = (x.N - 4 * first, x.StartX + 4 * first * x.RowX);
            var column = C.Load<E, F>(own, start, x.RowX, 0, left);
            for (var quad = 0; quad < first; quad++)
            {
                var (at, apart, row) = (Slot(quads, quad) - quad + first, quads - quad, x.StartX + 4 * quad * x.RowX);
                var known = new Quad<T>(F.Splat(own[row]), F.Splat(own[row + x.RowX]), F.Splat(own[row + 2 * x.RowX]), F.Splat(own[row + 3 * x.RowX]));
                column = C.Plus<E, F>(column, -1, triangle.SubView(at), triangle.SubView(at + apart), triangle.SubView(at + 2 * apart),
                    triangle.SubView(at + 3 * apart), known);
            }
            column = Solve<C, T, E, F>(column, triangle, first, quads, left);
            if (isOwn)
                C.Store<E, F>(column, own, start, x.RowX, 0, left);
        }
    }

    // One text for each quad: registers have no index.
    [MethodImpl(Inline.Always)]
    static C Solve<C, T, E, F>(C column, ArrayView<Quad<E>> triangle, int first, int quads, int left)
        where C : struct, IRegisterColumn<C, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        column = Solve<C, T, E, F>(column, 0, triangle, first, quads);
        if (C.Quads > 1 && left > 4)
            column = Solve<C, T, E, F>(column, 1, triangle, first, quads);
        if (C.Quads > 2 && left > 8)
            column = Solve<C, T, E, F>(column, 2, triangle, first, quads);
        if (C.Quads > 3 && left > 12)
            column = Solve<C, T, E, F>(column, 3, triangle, first, quads);
        if (C.Quads > 4 && left > 16)
            column = Solve<C, T, E, F>(column, 4, triangle, first, quads);
        if (C.Quads > 5 && left > 20)
            column = Solve<C, T, E, F>(column, 5, triangle, first, quads);
        if (C.Quads > 6 && left > 24)
            column = Solve<C, T, E, F>(column, 6, triangle, first, quads);
        if (C.Quads > 7 && left > 28)
            column = Solve<C, T, E, F>(column, 7, triangle, first, quads);
        return column;
    }

    [MethodImpl(Inline.Always)]
    static C Solve<C, T, E, F>(C column, int quad, ArrayView<Quad<E>> triangle, int first, int quads)
        where C : struct, IRegisterColumn<C, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        // Columns as if they began at the first of these rows.
        var (at, apart) = (Slot(quads, first + quad) - quad, quads - first - quad);
        var (a0, a1, a2, a3) = (triangle.SubView(at), triangle.SubView(at + apart), triangle.SubView(at + 2 * apart), triangle.SubView(at + 3 * apart));
        var x = C.Get(column, quad);
        var d = a0[quad];
        x.X /= F.Splat(d.X);
        x.Y = T.Fma(F.Splat(d.Y), x.X, x.Y);
        x.Z = T.Fma(F.Splat(d.Z), x.X, x.Z);
        x.W = T.Fma(F.Splat(d.W), x.X, x.W);
        d = a1[quad];
        x.Y /= F.Splat(d.Y);
        x.Z = T.Fma(F.Splat(d.Z), x.Y, x.Z);
        x.W = T.Fma(F.Splat(d.W), x.Y, x.W);
        d = a2[quad];
        x.Z /= F.Splat(d.Z);
        x.W = T.Fma(F.Splat(d.W), x.Z, x.W);
        x.W /= F.Splat(a3[quad].W);
        return C.Plus<E, F>(C.With(column, quad, x), quad, a0, a1, a2, a3, x);
    }
}
