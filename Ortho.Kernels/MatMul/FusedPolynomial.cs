using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.MatMul;

/// <summary>All steps of an odd polynomial of small real matrices in one launch: a group of threads for each matrix (or for four),
/// which stays in shared memory with all that is computed of it; and their gradient, which makes the steps again.</summary>
/// <remarks>
/// The group works through a <see cref="PolynomialProgram"/>. Each thread keeps 4 x 4 sums in registers, chains of fused multiply-adds as
/// everywhere; all meet before and after the sums are written, so that a result may lie where its operands were.
/// </remarks>
static class FusedPolynomial
{
    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> X, Y;

        /// <summary>The gradient of the result, and what a group has saved.</summary>
        public ArrayView<E> G, Saved;
        public ArrayView<int> Numbers;
        public ArrayView<E> Factors;

        /// <summary>Columns of a matrix in x and y, and all of its elements.</summary>
        public int Columns, Elements;

        /// <summary>From row to row and from column to column of x and y in shared memory, in numbers.</summary>
        public int Down, Across;
        public int Batch, Steps, Longer, Shorter, Result;

        /// <summary>The launch's first matrix, and quads that each saves.</summary>
        public int First, SavedQuads;
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
            return program.Side == 4 && quads <= Fused16Alone.Quads ? Run<Fused16Alone>(gpu, x, null, program) : null;
        return program.Side switch
        {
            4 when quads <= Fused16.Quads => Run<Fused16>(gpu, x, null, program),
            4 when quads <= Fused16Alone.Quads => Run<Fused16Alone>(gpu, x, null, program),
            8 when quads <= Fused32.Quads => Run<Fused32>(gpu, x, null, program),
            8 when quads <= Fused32More.Quads => Run<Fused32More>(gpu, x, null, program),
            12 when quads <= Fused48.Quads => Run<Fused48>(gpu, x, null, program),
            16 when isSingle && quads <= Fused64.Quads => Run<Fused64>(gpu, x, null, program),
            16 when isSingle && quads <= Fused64More.Quads => Run<Fused64More>(gpu, x, null, program),
            _ => null,
        };
    }

    /// <summary>The gradient of all steps, or nothing if the matrices are too large.</summary>
    /// <param name="gpu">x's device.</param>
    /// <param name="x">Where the steps begin; as for <see cref="Run(GpuDevice, Tensor, IReadOnlyList{double}[])"/>.</param>
    /// <param name="g">The gradient of where they end.</param>
    /// <param name="polynomials">See <see cref="OddPolynomial.Run"/>.</param>
    public static Tensor? Pull(GpuDevice gpu, Tensor x, Tensor g, IReadOnlyList<double>[] polynomials)
    {
        var (rows, columns) = (x.Shape[^2], x.Shape[^1]);
        if (Math.Max(rows, columns) > MatMul.KBlock || Math.Min(rows, columns) > 64 || polynomials.Length == 0)
            return null;
        var isSingle = x.DType == DType.Float32;
        if (gpu.Kind == DeviceKind.Simulator)
            return Math.Min(rows, columns) <= 16 ? Pull<Fused16Alone>(gpu, x, g, polynomials) : null;
        return ((Math.Min(rows, columns) + 15) / 16) switch
        {
            1 => Pull<Fused16More>(gpu, x, g, polynomials) ?? Pull<Fused16Alone>(gpu, x, g, polynomials),
            2 => Pull<Fused32More>(gpu, x, g, polynomials) ?? (isSingle ? Pull<Fused32Most>(gpu, x, g, polynomials) : null),
            3 when isSingle => Pull<Fused48More>(gpu, x, g, polynomials),
            3 => Pull<Fused48>(gpu, x, g, polynomials),
            4 when isSingle => Pull<Fused64>(gpu, x, g, polynomials),
            _ => null,
        };
    }

    static Tensor? Pull<S>(GpuDevice gpu, Tensor x, Tensor g, IReadOnlyList<double>[] polynomials) where S : struct, IFusedSize
    {
        var program = PolynomialProgram.Gradient(x.DType, x.Shape[^2], x.Shape[^1], polynomials, S.Quads);
        return program.Count > 0 ? Run<S>(gpu, x, g, program) : null;
    }

    static Tensor Run<S>(GpuDevice gpu, Tensor x, Tensor? g, PolynomialProgram program) where S : struct, IFusedSize
        => x.DType == DType.Float32 ? Run<S, F32, float, SingleCell>(gpu, x, g, program) : Run<S, F64, double, DoubleCell>(gpu, x, g, program);

    // Bytes that the groups of a launch save, at most.
    const long MostSaved = 1 << 27;

    static Tensor Run<S, T, E, F>(GpuDevice gpu, Tensor x, Tensor? g, PolynomialProgram program)
        where S : struct, IFusedSize where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        x = Skeletons.Copy.Contiguous(x);
        g = g is null ? null : Skeletons.Copy.Contiguous(g);
        var y = Tensor.Empty(x.Shape, x.DType, gpu);
        var (rows, columns) = (x.Shape[^2], x.Shape[^1]);
        var batch = checked((int)(x.ElementCount / (rows * columns)));
        var (numbers, factors) = program.On(gpu, x.DType);
        var isWide = rows < columns;
        // Groups of four matrices save those of all.
        var groups = (batch + S.Matrices - 1) / S.Matrices;
        var each = 4L * program.SavedQuads * S.Matrices;
        var atOnce = each == 0 ? groups : (int)Math.Clamp(MostSaved / (each * x.DType.Size), 1, groups);
        using var scope = new TensorScope();
        var saved = each == 0 ? x : Tensor.Empty([checked((int)(each * atOnce))], x.DType, gpu);
        var arguments = new Arguments<E>
        {
            X = GpuDevice.View<E>(x), Y = GpuDevice.View<E>(y), G = GpuDevice.View<E>(g ?? x), Saved = GpuDevice.View<E>(saved), SavedQuads = program.SavedQuads,
            Numbers = GpuDevice.View<int>(numbers), Factors = GpuDevice.View<E>(factors),
            Columns = columns, Elements = rows * columns, Down = isWide ? 1 : 4 * program.Stride, Across = isWide ? 4 * program.Stride : 1,
            Batch = batch, Steps = program.Count, Longer = program.Longer, Shorter = program.Shorter, Result = program.Result,
        };
        for (var group = 0; group < groups; group += atOnce)
        {
            arguments.First = group * S.Matrices;
            var (count, threads) = (Math.Min(atOnce, groups - group), S.Matrices * S.Side * S.Side);
            if (g is null)
                gpu.LaunchGroups(Kernel<S, T, E, F, FusedSteps>, count, threads, arguments);
            else
                gpu.LaunchGroups(Kernel<S, T, E, F, FusedGradient>, count, threads, arguments);
        }
        GC.KeepAlive(x);
        GC.KeepAlive(g);
        return scope.Keep(y);
    }

    [Budget(80, 34_816, typeof(Fused64), typeof(F32), typeof(float), typeof(SingleCell), typeof(FusedSteps), MultiplyAdds = 0.79)]
    [Budget(80, 49_152, typeof(Fused64More), typeof(F32), typeof(float), typeof(SingleCell), typeof(FusedSteps), MultiplyAdds = 0.79)]
    [Budget(80, 19_968, typeof(Fused48), typeof(F32), typeof(float), typeof(SingleCell), typeof(FusedSteps), MultiplyAdds = 0.79)]
    [Budget(80, 9_216, typeof(Fused32), typeof(F32), typeof(float), typeof(SingleCell), typeof(FusedSteps), MultiplyAdds = 0.79)]
    [Budget(80, 10_240, typeof(Fused16), typeof(F32), typeof(float), typeof(SingleCell), typeof(FusedSteps), MultiplyAdds = 0.79)]
    [Budget(120, 39_936, typeof(Fused48), typeof(F64), typeof(double), typeof(DoubleCell), typeof(FusedSteps))]
    [Budget(120, 49_152, typeof(Fused32More), typeof(F64), typeof(double), typeof(DoubleCell), typeof(FusedSteps))]
    [Budget(120, 18_432, typeof(Fused32), typeof(F64), typeof(double), typeof(DoubleCell), typeof(FusedSteps))]
    [Budget(80, 34_816, typeof(Fused64), typeof(F32), typeof(float), typeof(SingleCell), typeof(FusedGradient), MultiplyAdds = 0.79)]
    [Budget(72, 49_152, typeof(Fused48More), typeof(F32), typeof(float), typeof(SingleCell), typeof(FusedGradient), MultiplyAdds = 0.79)]
    [Budget(72, 24_576, typeof(Fused32More), typeof(F32), typeof(float), typeof(SingleCell), typeof(FusedGradient), MultiplyAdds = 0.79)]
    [Budget(72, 20_480, typeof(Fused16More), typeof(F32), typeof(float), typeof(SingleCell), typeof(FusedGradient), MultiplyAdds = 0.79)]
    [Budget(124, 39_936, typeof(Fused48), typeof(F64), typeof(double), typeof(DoubleCell), typeof(FusedGradient))]
    [Budget(124, 49_152, typeof(Fused32More), typeof(F64), typeof(double), typeof(DoubleCell), typeof(FusedGradient))]
    internal static void Kernel<S, T, E, F, D>(Arguments<E> x)
        where S : struct, IFusedSize where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where D : struct, IFusedList
    {
        var rooms = SharedMemory.Allocate<Quad<E>>(S.Matrices * S.Quads);
        var (part, thread) = (Group.IdxX / (S.Side * S.Side), Group.IdxX % (S.Side * S.Side));
        var room = rooms.SubView(part * S.Quads);
        var index = x.First + Grid.IdxX * S.Matrices + part;
        // What the batch does not fill works on its last matrix and keeps the result to itself.
        var start = (long)IntrinsicMath.Min(index, x.Batch - 1) * x.Elements;
        var numbers = room.Cast<E>();
        for (var at = thread; at < x.Elements; at += S.Side * S.Side)
            numbers[at / x.Columns * x.Down + at % x.Columns * x.Across] = x.X[start + at];
        Group.Barrier();
        for (var step = 0; step < x.Steps; step++)
        {
            var (alpha, beta) = (F.Splat(x.Factors[2 * step]), F.Splat(x.Factors[2 * step + 1]));
            var list = x.Numbers.SubView(step * PolynomialProgram.StepNumbers);
            if (D.IsGradient && list[0] >= (int)PolynomialProgram.Kind.Input)
                Move<S, E>(room, x, list, start, part, thread);
            else
                Step<S, T, E, F, D>(room, x, list, alpha, beta, part, thread);
        }
        if (index < x.Batch)
        {
            numbers = room.SubView(x.Result).Cast<E>();
            for (var at = thread; at < x.Elements; at += S.Side * S.Side)
                x.Y[start + at] = numbers[at / x.Columns * x.Down + at % x.Columns * x.Across];
        }
    }

    // What the group has saved of a matrix.
    [MethodImpl(Inline.Always)]
    static ArrayView<Quad<E>> Saved<S, E>(Arguments<E> x, int part) where S : struct, IFusedSize where E : unmanaged
        => x.Saved.Cast<Quad<E>>().SubView((long)(Grid.IdxX * S.Matrices + part) * x.SavedQuads);

    // Threads restore what they have saved themselves.
    [MethodImpl(Inline.Always)]
    static void Move<S, E>(ArrayView<Quad<E>> room, Arguments<E> x, ArrayView<int> step, long start, int part, int thread)
        where S : struct, IFusedSize where E : unmanaged
    {
        if (step[0] == (int)PolynomialProgram.Kind.Input)
        {
            var numbers = room.SubView(step[4]).Cast<E>();
            for (var at = thread; at < x.Elements; at += S.Side * S.Side)
            {
                var to = at / x.Columns * x.Down + at % x.Columns * x.Across;
                if (step[1] == 0)
                    numbers[to] = x.X[start + at];
                else
                    numbers[to] = x.G[start + at];
            }
        }
        else
        {
            var saved = Saved<S, E>(x, part);
            var (tx, ty) = S.Place(thread);
            for (var row = ty; row < step[5]; row += S.Side)
            {
                var at = row * (S.Side + 1) + tx;
                if (step[0] == (int)PolynomialProgram.Kind.Save)
                    saved[step[4] + at] = room[step[1] + at];
                else
                    room[step[4] + at] = saved[step[1] + at];
            }
        }
        Group.Barrier();
    }

    [MethodImpl(Inline.Always)]
    static void Step<S, T, E, F, D>(ArrayView<Quad<E>> room, Arguments<E> x, ArrayView<int> step, T alpha, T beta, int part, int thread)
        where S : struct, IFusedSize where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where D : struct, IFusedList
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
            else if (D.IsGradient && kind == (int)PolynomialProgram.Kind.Symmetric)
            {
                var (a, across) = (room.SubView(step[1] + first * (S.Side + 1) + tx), room.SubView(step[1] + 4 * tx * (S.Side + 1)).Cast<E>().SubView(first));
                sums = new()
                {
                    R0 = Symmetric<S, T, E, F>(a[0], across), R1 = Symmetric<S, T, E, F>(a[S.Side * (S.Side + 1)], across.SubView(S.Side)),
                    R2 = Symmetric<S, T, E, F>(a[2 * S.Side * (S.Side + 1)], across.SubView(2 * S.Side)),
                    R3 = Symmetric<S, T, E, F>(a[3 * S.Side * (S.Side + 1)], across.SubView(3 * S.Side)),
                };
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
            if (step[6] == 1)
                sums = Scaled<T, E, F>(sums, room.SubView(step[3] + at), apart, alpha, beta);
            if (D.IsGradient && step[6] == 2)
                sums = Scaled<T, E, F>(sums, Saved<S, E>(x, part).SubView(step[3] + at), apart, alpha, beta);
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

    // Four neighbours of a row, and those of a column.
    [MethodImpl(Inline.Always)]
    static Quad<T> Symmetric<S, T, E, F>(Quad<E> row, ArrayView<E> column)
        where S : struct, IFusedSize where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> => new()
    {
        X = F.Splat(row.X) + F.Splat(column[0]), Y = F.Splat(row.Y) + F.Splat(column[4 * (S.Side + 1)]),
        Z = F.Splat(row.Z) + F.Splat(column[8 * (S.Side + 1)]), W = F.Splat(row.W) + F.Splat(column[12 * (S.Side + 1)]),
    };

    [MethodImpl(Inline.Always)]
    static SumSquare<T> Scaled<T, E, F>(SumSquare<T> sums, ArrayView<Quad<E>> c, int apart, T alpha, T beta)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> => new()
    {
        R0 = Scaled<T, E, F>(sums.R0, c[0], alpha, beta), R1 = Scaled<T, E, F>(sums.R1, c[apart], alpha, beta),
        R2 = Scaled<T, E, F>(sums.R2, c[2 * apart], alpha, beta), R3 = Scaled<T, E, F>(sums.R3, c[3 * apart], alpha, beta),
    };

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
