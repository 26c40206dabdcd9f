using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.MatMul;

/// <summary>A size of group for <see cref="FusedPolynomial"/>.</summary>
interface IFusedSize
{
    /// <summary>Threads along each side of a matrix's part of a group; a thread computes 4 x 4 numbers at a time.</summary>
    static abstract int Side { get; }

    /// <summary>Matrices of a group.</summary>
    static abstract int Matrices { get; }

    /// <summary>Room for a matrix and all that is computed of it.</summary>
    static abstract int Quads { get; }

    /// <summary>A thread's column and row among those of its matrix.</summary>
    static abstract (int X, int Y) Place(int thread);
}

/// <summary>Up to 16 x 16, four matrices to a group.</summary>
readonly struct Fused16 : IFusedSize
{
    public static int Side { [MethodImpl(Inline.Always)] get => 4; }
    public static int Matrices { [MethodImpl(Inline.Always)] get => 4; }
    public static int Quads { [MethodImpl(Inline.Always)] get => 2 * 16 * 5; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => (thread & 3, thread >> 2);
}

/// <summary>Up to 16 x 16, or some more rows, alone: what the simulator can do.</summary>
readonly struct Fused16Alone : IFusedSize
{
    public static int Side { [MethodImpl(Inline.Always)] get => 4; }
    public static int Matrices { [MethodImpl(Inline.Always)] get => 1; }
    public static int Quads { [MethodImpl(Inline.Always)] get => 7 * 16 * 5; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => (thread & 3, thread >> 2);
}

/// <summary>Up to 32 x 32.</summary>
readonly struct Fused32 : IFusedSize
{
    public static int Side { [MethodImpl(Inline.Always)] get => 8; }
    public static int Matrices { [MethodImpl(Inline.Always)] get => 1; }
    public static int Quads { [MethodImpl(Inline.Always)] get => 2 * 32 * 9; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => (thread & 7, thread >> 3);
}

/// <summary>Up to 32 columns, with more rows or longer polynomials.</summary>
readonly struct Fused32More : IFusedSize
{
    public static int Side { [MethodImpl(Inline.Always)] get => 8; }
    public static int Matrices { [MethodImpl(Inline.Always)] get => 1; }
    public static int Quads { [MethodImpl(Inline.Always)] get => 1536; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => (thread & 7, thread >> 3);
}

/// <summary>Up to 48 x 48.</summary>
readonly struct Fused48 : IFusedSize
{
    public static int Side { [MethodImpl(Inline.Always)] get => 12; }
    public static int Matrices { [MethodImpl(Inline.Always)] get => 1; }
    public static int Quads { [MethodImpl(Inline.Always)] get => 2 * 48 * 13; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => (thread % 12, thread / 12);
}

/// <summary>Up to 64 x 64.</summary>
[LaunchBounds(256, 3)]
readonly struct Fused64 : IFusedSize
{
    public static int Side { [MethodImpl(Inline.Always)] get => 16; }
    public static int Matrices { [MethodImpl(Inline.Always)] get => 1; }
    public static int Quads { [MethodImpl(Inline.Always)] get => 2 * 64 * 17; }

    // A warp is 8 x 4 threads: together they read eight quads of b and four of a.
    [MethodImpl(Inline.Always)]
    public static (int X, int Y) Place(int thread) => (((thread >> 5) & 1) * 8 + (thread & 7), (thread >> 6) * 4 + ((thread >> 3) & 3));
}

/// <summary>Up to 64 columns, with more rows or longer polynomials.</summary>
[LaunchBounds(256, 3)]
readonly struct Fused64More : IFusedSize
{
    public static int Side { [MethodImpl(Inline.Always)] get => 16; }
    public static int Matrices { [MethodImpl(Inline.Always)] get => 1; }
    public static int Quads { [MethodImpl(Inline.Always)] get => 3072; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => Fused64.Place(thread);
}

/// <summary>All steps of an odd polynomial of small real matrices in one launch: a group of threads for each matrix (or for four),
/// which stays in shared memory with all that is computed of it.</summary>
/// <remarks>
/// The group works through a <see cref="PolynomialProgram"/>. Each thread keeps 4 x 4 sums in registers, chains of fused multiply-adds as
/// everywhere; all meet before and after the sums are written, so that a result may lie where its operands were.
/// </remarks>
static class FusedPolynomial
{
    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> X, Y;
        public ArrayView<int> Numbers;
        public ArrayView<E> Factors;

        /// <summary>Columns of a matrix in x and y, and all of its elements.</summary>
        public int Columns, Elements;

        /// <summary>From row to row and from column to column of x and y in shared memory, in numbers.</summary>
        public int Down, Across;
        public int Batch, Steps, Longer, Shorter, Result;
    }

    /// <summary>The result, or nothing if the matrices are too large.</summary>
    /// <param name="gpu">x's device.</param>
    /// <param name="x">Float32 or Float64, not empty.</param>
    /// <param name="polynomials">See <see cref="OddPolynomial.Run"/>.</param>
    public static Tensor? Run(GpuDevice gpu, Tensor x, IReadOnlyList<double>[] polynomials)
    {
        var (rows, columns) = (x.Shape[^2], x.Shape[^1]);
        // Longer sums would be broken.
        if (Math.Max(rows, columns) > MatMul.KBlock || Math.Min(rows, columns) > 64)
            return null;
        var program = PolynomialProgram.Of(x.DType, rows, columns, polynomials);
        var (isSingle, quads) = (x.DType == DType.Float32, program.Quads);
        if (gpu.Kind == DeviceKind.Simulator)
            return program.Side == 4 && quads <= Fused16Alone.Quads ? Run<Fused16Alone>(gpu, x, program) : null;
        return program.Side switch
        {
            4 when quads <= Fused16.Quads => Run<Fused16>(gpu, x, program),
            4 when quads <= Fused16Alone.Quads => Run<Fused16Alone>(gpu, x, program),
            8 when quads <= Fused32.Quads => Run<Fused32>(gpu, x, program),
            8 when quads <= Fused32More.Quads => Run<Fused32More>(gpu, x, program),
            12 when quads <= Fused48.Quads => Run<Fused48>(gpu, x, program),
            16 when isSingle && quads <= Fused64.Quads => Run<Fused64>(gpu, x, program),
            16 when isSingle && quads <= Fused64More.Quads => Run<Fused64More>(gpu, x, program),
            _ => null,
        };
    }

    static Tensor Run<S>(GpuDevice gpu, Tensor x, PolynomialProgram program) where S : struct, IFusedSize
        => x.DType == DType.Float32 ? Run<S, F32, float, SingleCell>(gpu, x, program) : Run<S, F64, double, DoubleCell>(gpu, x, program);

    static Tensor Run<S, T, E, F>(GpuDevice gpu, Tensor x, PolynomialProgram program)
        where S : struct, IFusedSize where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        x = Skeletons.Copy.Contiguous(x);
        var y = Tensor.Empty(x.Shape, x.DType, gpu);
        var (rows, columns) = (x.Shape[^2], x.Shape[^1]);
        var batch = checked((int)(x.ElementCount / (rows * columns)));
        var (numbers, factors) = program.On(gpu, x.DType);
        var isWide = rows < columns;
        gpu.LaunchGroups(Kernel<S, T, E, F>, (batch + S.Matrices - 1) / S.Matrices, S.Matrices * S.Side * S.Side, new Arguments<E>
        {
            X = GpuDevice.View<E>(x), Y = GpuDevice.View<E>(y),
            Numbers = GpuDevice.View<int>(numbers), Factors = GpuDevice.View<E>(factors),
            Columns = columns, Elements = rows * columns, Down = isWide ? 1 : 4 * program.Stride, Across = isWide ? 4 * program.Stride : 1,
            Batch = batch, Steps = program.Count, Longer = program.Longer, Shorter = program.Shorter, Result = program.Result,
        });
        GC.KeepAlive(x);
        return y;
    }

    [Budget(80, 34_816, typeof(Fused64), typeof(F32), typeof(float), typeof(SingleCell), MultiplyAdds = 0.79)]
    [Budget(80, 49_152, typeof(Fused64More), typeof(F32), typeof(float), typeof(SingleCell), MultiplyAdds = 0.79)]
    [Budget(80, 19_968, typeof(Fused48), typeof(F32), typeof(float), typeof(SingleCell), MultiplyAdds = 0.79)]
    [Budget(80, 9_216, typeof(Fused32), typeof(F32), typeof(float), typeof(SingleCell), MultiplyAdds = 0.79)]
    [Budget(80, 10_240, typeof(Fused16), typeof(F32), typeof(float), typeof(SingleCell), MultiplyAdds = 0.79)]
    [Budget(120, 39_936, typeof(Fused48), typeof(F64), typeof(double), typeof(DoubleCell))]
    [Budget(120, 49_152, typeof(Fused32More), typeof(F64), typeof(double), typeof(DoubleCell))]
    [Budget(120, 18_432, typeof(Fused32), typeof(F64), typeof(double), typeof(DoubleCell))]
    internal static void Kernel<S, T, E, F>(Arguments<E> x)
        where S : struct, IFusedSize where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var rooms = SharedMemory.Allocate<Quad<E>>(S.Matrices * S.Quads);
        var (part, thread) = (Group.IdxX / (S.Side * S.Side), Group.IdxX % (S.Side * S.Side));
        var room = rooms.SubView(part * S.Quads);
        var index = Grid.IdxX * S.Matrices + part;
        // What the batch does not fill works on its last matrix and keeps the result to itself.
        var start = (long)IntrinsicMath.Min(index, x.Batch - 1) * x.Elements;
        var numbers = room.Cast<E>();
        for (var at = thread; at < x.Elements; at += S.Side * S.Side)
            numbers[at / x.Columns * x.Down + at % x.Columns * x.Across] = x.X[start + at];
        Group.Barrier();
        for (var step = 0; step < x.Steps; step++)
        {
            var (alpha, beta) = (F.Splat(x.Factors[2 * step]), F.Splat(x.Factors[2 * step + 1]));
            Step<S, T, E, F>(room, x, x.Numbers.SubView(step * PolynomialProgram.StepNumbers), alpha, beta, thread);
        }
        if (index < x.Batch)
        {
            numbers = room.SubView(x.Result).Cast<E>();
            for (var at = thread; at < x.Elements; at += S.Side * S.Side)
                x.Y[start + at] = numbers[at / x.Columns * x.Down + at % x.Columns * x.Across];
        }
    }

    [MethodImpl(Inline.Always)]
    static void Step<S, T, E, F>(ArrayView<Quad<E>> room, Arguments<E> x, ArrayView<int> step, T alpha, T beta, int thread)
        where S : struct, IFusedSize where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (kind, rows) = (step[0], step[5]);
        var (tx, ty) = S.Place(thread);
        for (var top = 0; top < rows; top += 4 * S.Side)
        {
            // Rows of a thread: neighbours where they are columns of a, and far apart where they are rows, that banks are not met twice.
            var (first, apart) = (top + ty, S.Side);
            SumSquare<T> sums;
            if (kind == (int)PolynomialProgram.Kind.Gram)
            {
                (first, apart) = (4 * ty, 1);
                sums = Gram<S, T, E, F>(room.SubView(step[1] + ty), room.SubView(step[2] + tx), x.Longer);
            }
            else if (kind == (int)PolynomialProgram.Kind.Product)
            {
                sums = Product<S, T, E, F>(room.SubView(step[1] + first * (S.Side + 1)), room.SubView(step[2] + tx), x.Shorter);
            }
            else
            {
                var a = room.SubView(step[1] + first * (S.Side + 1) + tx);
                sums = new()
                {
                    R0 = Shifted<T, E, F>(a[0], first - 4 * tx, alpha, beta),
                    R1 = Shifted<T, E, F>(a[S.Side * (S.Side + 1)], first + S.Side - 4 * tx, alpha, beta),
                    R2 = Shifted<T, E, F>(a[2 * S.Side * (S.Side + 1)], first + 2 * S.Side - 4 * tx, alpha, beta),
                    R3 = Shifted<T, E, F>(a[3 * S.Side * (S.Side + 1)], first + 3 * S.Side - 4 * tx, alpha, beta),
                };
            }
            var at = first * (S.Side + 1) + tx;
            apart *= S.Side + 1;
            if (step[6] != 0)
            {
                var c = room.SubView(step[3] + at);
                sums = new()
                {
                    R0 = Scaled<T, E, F>(sums.R0, c[0], alpha, beta), R1 = Scaled<T, E, F>(sums.R1, c[apart], alpha, beta),
                    R2 = Scaled<T, E, F>(sums.R2, c[2 * apart], alpha, beta), R3 = Scaled<T, E, F>(sums.R3, c[3 * apart], alpha, beta),
                };
            }
            Group.Barrier();
            var y = room.SubView(step[4]);
            if (step[7] == (int)PolynomialProgram.Triangle.Both)
            {
                y = y.SubView(at);
                y[0] = Packed<T, E, F>(sums.R0);
                y[apart] = Packed<T, E, F>(sums.R1);
                y[2 * apart] = Packed<T, E, F>(sums.R2);
                y[3 * apart] = Packed<T, E, F>(sums.R3);
            }
            else
            {
                var sign = step[7] == (int)PolynomialProgram.Triangle.Lower ? 1 : -1;
                apart = kind == (int)PolynomialProgram.Kind.Gram ? 1 : S.Side;
                Mirror<S, T, E, F>(y, sign, first, 4 * tx, sums.R0);
                Mirror<S, T, E, F>(y, sign, first + apart, 4 * tx, sums.R1);
                Mirror<S, T, E, F>(y, sign, first + 2 * apart, 4 * tx, sums.R2);
                Mirror<S, T, E, F>(y, sign, first + 3 * apart, 4 * tx, sums.R3);
            }
            Group.Barrier();
        }
    }

    // Sums over the rows of both.
    [MethodImpl(Inline.Always)]
    static SumSquare<T> Gram<S, T, E, F>(ArrayView<Quad<E>> a, ArrayView<Quad<E>> b, int count)
        where S : struct, IFusedSize where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var sums = default(SumSquare<T>);
        var (at, end) = (0, (count >> 2) * 4 * (S.Side + 1));
        if (end > 0)
        {
            // One block of code, or registers are moved about in each turn.
            do
            {
                var (p, q) = (a.SubView(at), b.SubView(at));
                sums = Step<T, E, F>(sums, p[0], q[0]);
                sums = Step<T, E, F>(sums, p[S.Side + 1], q[S.Side + 1]);
                sums = Step<T, E, F>(sums, p[2 * (S.Side + 1)], q[2 * (S.Side + 1)]);
                sums = Step<T, E, F>(sums, p[3 * (S.Side + 1)], q[3 * (S.Side + 1)]);
                at += 4 * (S.Side + 1);
            }
            while (at < end);
        }
        var rest = count & 3;
        if (rest > 0)
        {
            // Written out: the assembler would make four turns of a loop.
            sums = Step<T, E, F>(sums, a[at], b[at]);
            if (rest > 1)
                sums = Step<T, E, F>(sums, a[at + S.Side + 1], b[at + S.Side + 1]);
            if (rest > 2)
                sums = Step<T, E, F>(sums, a[at + 2 * (S.Side + 1)], b[at + 2 * (S.Side + 1)]);
        }
        return sums;
    }

    [MethodImpl(Inline.Always)]
    static SumSquare<T> Step<T, E, F>(SumSquare<T> sums, Quad<E> a, Quad<E> b)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        => SumSquare<T>.Step(sums, F.Splat(a.X), F.Splat(a.Y), F.Splat(a.Z), F.Splat(a.W), Lanes<T, E, F>(b));

    // Sums along four rows of a, which are as far apart as the group is high, and down the columns of b.
    [MethodImpl(Inline.Always)]
    static SumSquare<T> Product<S, T, E, F>(ArrayView<Quad<E>> a, ArrayView<Quad<E>> b, int count)
        where S : struct, IFusedSize where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var sums = default(SumSquare<T>);
        var k = 0;
        if (count > 3)
        {
            do
            {
                var (rows, columns) = (a.SubView(k), b.SubView(4 * k * (S.Side + 1)));
                Quad<E> p = rows[0], q = rows[S.Side * (S.Side + 1)];
                Quad<E> r = rows[2 * S.Side * (S.Side + 1)], s = rows[3 * S.Side * (S.Side + 1)];
                sums = Step<T, E, F>(sums, p.X, q.X, r.X, s.X, columns[0]);
                sums = Step<T, E, F>(sums, p.Y, q.Y, r.Y, s.Y, columns[S.Side + 1]);
                sums = Step<T, E, F>(sums, p.Z, q.Z, r.Z, s.Z, columns[2 * (S.Side + 1)]);
                sums = Step<T, E, F>(sums, p.W, q.W, r.W, s.W, columns[3 * (S.Side + 1)]);
                k++;
            }
            while (k < count >> 2);
        }
        var rest = count & 3;
        if (rest > 0)
        {
            var (rows, columns) = (a.SubView(k), b.SubView(4 * k * (S.Side + 1)));
            Quad<E> p = rows[0], q = rows[S.Side * (S.Side + 1)], r = rows[2 * S.Side * (S.Side + 1)], s = rows[3 * S.Side * (S.Side + 1)];
            sums = Step<T, E, F>(sums, p.X, q.X, r.X, s.X, columns[0]);
            if (rest > 1)
                sums = Step<T, E, F>(sums, p.Y, q.Y, r.Y, s.Y, columns[S.Side + 1]);
            if (rest > 2)
                sums = Step<T, E, F>(sums, p.Z, q.Z, r.Z, s.Z, columns[2 * (S.Side + 1)]);
        }
        return sums;
    }

    [MethodImpl(Inline.Always)]
    static SumSquare<T> Step<T, E, F>(SumSquare<T> sums, E a0, E a1, E a2, E a3, Quad<E> b)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        => SumSquare<T>.Step(sums, F.Splat(a0), F.Splat(a1), F.Splat(a2), F.Splat(a3), Lanes<T, E, F>(b));

    // The diagonal is at the place of that number, if it is one of four.
    [MethodImpl(Inline.Always)]
    static Quad<T> Shifted<T, E, F>(Quad<E> numbers, int diagonal, T factor, T shift)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var x = Lanes<T, E, F>(numbers);
        x = new() { X = x.X * factor, Y = x.Y * factor, Z = x.Z * factor, W = x.W * factor };
        if (diagonal == 0)
            x.X += shift;
        if (diagonal == 1)
            x.Y += shift;
        if (diagonal == 2)
            x.Z += shift;
        if (diagonal == 3)
            x.W += shift;
        return x;
    }

    // The formula of the host's Finishing.
    [MethodImpl(Inline.Always)]
    static Quad<T> Scaled<T, E, F>(Quad<T> sum, Quad<E> c, T alpha, T beta)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> => new()
    {
        X = T.FmaReal(F.Splat(c.X), beta, T.TimesReal(sum.X, alpha)), Y = T.FmaReal(F.Splat(c.Y), beta, T.TimesReal(sum.Y, alpha)),
        Z = T.FmaReal(F.Splat(c.Z), beta, T.TimesReal(sum.Z, alpha)), W = T.FmaReal(F.Splat(c.W), beta, T.TimesReal(sum.W, alpha)),
    };

    [MethodImpl(Inline.Always)]
    static Quad<E> Packed<T, E, F>(Quad<T> x) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        => new() { X = F.Pack(x.X), Y = F.Pack(x.Y), Z = F.Pack(x.Z), W = F.Pack(x.W) };

    [MethodImpl(Inline.Always)]
    static void Mirror<S, T, E, F>(ArrayView<Quad<E>> y, int sign, int row, int column, Quad<T> sums)
        where S : struct, IFusedSize where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        Mirror(y.Cast<E>(), 4 * (S.Side + 1), sign, row, column, F.Pack(sums.X));
        Mirror(y.Cast<E>(), 4 * (S.Side + 1), sign, row, column + 1, F.Pack(sums.Y));
        Mirror(y.Cast<E>(), 4 * (S.Side + 1), sign, row, column + 2, F.Pack(sums.Z));
        Mirror(y.Cast<E>(), 4 * (S.Side + 1), sign, row, column + 3, F.Pack(sums.W));
    }

    // A number on the right side of the diagonal goes to both.
    [MethodImpl(Inline.Always)]
    static void Mirror<E>(ArrayView<E> y, int stride, int sign, int row, int column, E sum) where E : unmanaged
    {
        if (sign * (row - column) >= 0)
        {
            y[row * stride + column] = sum;
            y[column * stride + row] = sum;
        }
    }

    [MethodImpl(Inline.Always)]
    static Quad<T> Lanes<T, E, F>(Quad<E> x) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        => new() { X = F.Splat(x.X), Y = F.Splat(x.Y), Z = F.Splat(x.Z), W = F.Splat(x.W) };
}
