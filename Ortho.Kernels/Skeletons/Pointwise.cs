using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Skeletons;

/// <summary>The skeleton of all element-by-element kernels: one loop for the host, two kernels for devices.</summary>
public static partial class Pointwise
{
    /// <summary>y = P(operands) with broadcasting, as a new dense tensor.</summary>
    /// <param name="operation">Name for error messages.</param>
    /// <param name="operands">As many as the function's arity; the tensors among them share dtype and device.</param>
    /// <exception cref="TensorArgumentException">Shapes do not broadcast, or dtypes or devices differ.</exception>
    public static Tensor Run<P>(string operation, params ReadOnlySpan<Operand> operands) where P : struct, IPointwise
    {
        var (shape, dtype, device) = Check(operation, operands, null);
        var y = Tensor.Empty(shape, dtype, device);
        Into<P>(operation, y, operands);
        return y;
    }

    /// <summary>y = P(operands), written into a dense tensor that may be one of the operands. The operands may all be numbers.</summary>
    /// <exception cref="TensorArgumentException">The operands do not broadcast to the destination, or it is not dense.</exception>
    public static void Into<P>(string operation, Tensor y, params ReadOnlySpan<Operand> operands) where P : struct, IPointwise
    {
        if (operands.Length != P.Arity)
            throw new ArgumentException($"{operation}: {operands.Length} operands for a function of {P.Arity}.", nameof(operands));
        var (_, dtype, device) = Check(operation, operands, y);
        if (!y.IsContiguous || y.DType != dtype || y.Device != device)
            throw new TensorArgumentException(operation, "destination",
                $"{y.DType} on {y.Device}, {(y.IsContiguous ? "dense" : "strided")}", $"dense {dtype} on {device}");
        if (y.ElementCount == 0)
            return;
        y.Storage.Version++;

        var loops = Loops(operation, y, ref operands);

        switch (dtype, device)
        {
            case (DType.Float32, GpuDevice gpu): OnDevice<P, F32, float, SingleCell, Quad<float>>(gpu, loops, y, operands); break;
            case (DType.Float64, GpuDevice gpu): OnDevice<P, F64, double, DoubleCell, Twin<double>>(gpu, loops, y, operands); break;
            case (DType.Complex64, GpuDevice gpu): OnDevice<P, Cx<F32>, Complex64, Complex64Cell, Twin<Complex64>>(gpu, loops, y, operands); break;
            case (DType.Complex128, GpuDevice gpu): OnDevice<P, Cx<F64>, Complex, Complex128Cell, Lone<Complex>>(gpu, loops, y, operands); break;
            case (DType.BFloat16, GpuDevice gpu): OnDevice<P, F32, ushort, BFloat16Cell, Octet>(gpu, loops, y, operands); break;
            case (DType.Half, GpuDevice gpu): OnDevice<P, F32, ushort, HalfCell, Octet>(gpu, loops, y, operands); break;
            case (DType.Int32, GpuDevice gpu): OnDevice<P, I32, int, Int32Cell, Quad<int>>(gpu, loops, y, operands); break;
            case (DType.Int64, GpuDevice gpu): OnDevice<P, I64, long, Int64Cell, Twin<long>>(gpu, loops, y, operands); break;
            case (DType.Bool, GpuDevice gpu): OnDevice<P, I32, byte, BoolCell, Quad<byte>>(gpu, loops, y, operands); break;
            case (DType.Float32, _): OnHost<P, float, float>(loops, y, operands, static x => (float)x, RealRow<P, F32, float, SingleCell>); break;
            case (DType.Float64, _): OnHost<P, double, double>(loops, y, operands, static x => x, RealRow<P, F64, double, DoubleCell>); break;
            case (DType.Complex64, _): OnHost<P, Complex64, Complex64>(loops, y, operands, static x => new((float)x, 0), ComplexRow<P, Cx<F32>, Complex64, Complex64Cell>); break;
            case (DType.Complex128, _): OnHost<P, Complex, Complex>(loops, y, operands, static x => x, ComplexRow<P, Cx<F64>, Complex, Complex128Cell>); break;
            case (DType.BFloat16, _): OnHost<P, ushort, float>(loops, y, operands, static x => (float)x, HalfRow<P, BFloat16Cell>); break;
            case (DType.Int32, _): OnHost<P, int, int>(loops, y, operands, static x => (int)x, RealRow<P, I32, int, Int32Cell>); break;
            case (DType.Int64, _): OnHost<P, long, long>(loops, y, operands, static x => (long)x, RealRow<P, I64, long, Int64Cell>); break;
            case (DType.Bool, _): OnHost<P, byte, byte>(loops, y, operands, static x => (byte)x, RealRow<P, I32, byte, BoolCell>); break;
            default: OnHost<P, ushort, float>(loops, y, operands, static x => (float)x, HalfRow<P, HalfCell>); break;
        }
    }

    static Iteration Loops(string operation, Tensor y, ref ReadOnlySpan<Operand> operands)
    {
        var layouts = new Layout?[operands.Length + 1];
        layouts[0] = Layout.Dense(y.Shape);
        for (var k = 0; k < operands.Length; k++)
            layouts[k + 1] = operands[k].Tensor?.Layout;
        var loops = Iteration.Over(y.Shape, layouts, operation);
        if (y.Device is not GpuDevice || loops.Extents.Length <= Index6.Loops)
            return loops;
        // Deeper nests than kernels have loops: the operands are laid out as the result is.
        var dense = operands.ToArray();
        for (var k = 0; k < dense.Length; k++)
        {
            if (dense[k].Tensor is { } tensor)
                dense[k] = Copy.Dense(tensor.View(tensor.Layout.Expand(y.Shape, operation)));
        }
        operands = dense;
        return Loops(operation, y, ref operands);
    }

    static (Shape, DType, Tensors.Device) Check(string operation, ReadOnlySpan<Operand> operands, Tensor? destination)
    {
        var first = destination;
        Shape shape = [];
        foreach (var operand in operands)
        {
            if (operand.Tensor is not { } tensor)
                continue;
            first ??= tensor;
            if (tensor.DType != first.DType)
                throw new TensorArgumentException(operation, "operand", $"{tensor.DType} beside {first.DType}", "one dtype");
            if (tensor.Device != first.Device)
                throw new TensorArgumentException(operation, "operand", $"on {tensor.Device} beside {first.Device}", "one device");
            shape = Shape.Broadcast(shape, tensor.Shape, operation);
        }
        return first is null
            ? throw new ArgumentException($"{operation}: at least one operand must be a tensor.", nameof(operands))
            : (shape, first.DType, first.Device);
    }

    // ---- host: rows of the iteration, cut into pieces of fixed size

    /// <summary>Up to four operands of one row: where each starts and how far its neighbours are apart (0 repeats one element).</summary>
    struct Row
    {
        public nint Y, A, B, C, D;
        public nint StepA, StepB, StepC, StepD;

        /// <summary>Bit k is set when operand k is a number: of the lane's type, which is not that of the elements in half
        /// precision.</summary>
        public int Numbers;

        /// <summary>Whether the results, which begin at a cache line, are written past the cache.</summary>
        public bool IsPast;

        public readonly bool IsVector => StepA is 0 or 1 && StepB is 0 or 1 && StepC is 0 or 1 && StepD is 0 or 1;
    }

    delegate void RowLoop(in Row row, nint n);

    static unsafe void OnHost<P, E, C>(Iteration loops, Tensor y, ReadOnlySpan<Operand> operands, Func<double, C> convert, RowLoop run)
        where P : struct, IPointwise where E : unmanaged where C : unmanaged
    {
        // Numbers are read like tensors of one element, from here.
        var constants = stackalloc C[4];
        var numbers = 0;
        var bases = new nint[5];
        bases[0] = (nint)HostMemory.Parts<byte>(y);
        var size = y.DType.Size;
        for (var k = 0; k < 4; k++)
        {
            if (k < operands.Length && operands[k].Tensor is { } tensor)
            {
                bases[k + 1] = (nint)HostMemory.Pointer<E>(tensor);
                continue;
            }
            numbers |= 1 << k;
            constants[k] = k < operands.Length ? convert(operands[k].Constant) : default;
            bases[k + 1] = (nint)(constants + k);
        }

        // What is read before it is written is in the cache already.
        var isPast = HostMemory.IsPastCache(y) && !IsOperand(y, operands) && HostMemory.AreAligned(bases[0], loops.Rows == 1 ? 0 : (nint)loops.Inner * size);
        if (loops.Rows == 1)
        {
            HostThreads.Range(loops.Inner, HostThreads.Grain, (begin, end) =>
            {
                run(At(0, begin), (nint)(end - begin));
                if (isPast)
                    HostMemory.Fence();
            });
        }
        else
        {
            var rows = Math.Max(1, HostThreads.Grain / loops.Inner);
            var across = loops.Extents.Length > 1 ? loops.Extents[^2] : 1;
            HostThreads.Range(loops.Rows, rows, (begin, end) =>
            {
                for (var row = begin; row < end;)
                {
                    // Neighbouring rows are a step apart: what divides is done once for a run of them.
                    var at = At(row, 0);
                    for (var stop = Math.Min(end, (row / across + 1) * across); row < stop; row++)
                    {
                        run(at, loops.Inner);
                        at.Y += (nint)loops.Inner * size;
                        at.A += Across(1);
                        at.B += Across(2);
                        at.C += Across(3);
                        at.D += Across(4);
                    }
                }
                if (isPast)
                    HostMemory.Fence();
            });
        }
        HostMemory.KeepAlive(y, operands);

        nint Across(int k) => k < loops.Strides.Length && loops.Extents.Length > 1 ? (nint)loops.Strides[k][^2] * sizeof(E) : 0;

        Row At(long row, long column)
        {
            var at = new Row { Numbers = numbers, IsPast = isPast, Y = bases[0] + (nint)((row * loops.Inner + column) * size) };
            (at.A, at.StepA) = Place(1);
            (at.B, at.StepB) = Place(2);
            (at.C, at.StepC) = Place(3);
            (at.D, at.StepD) = Place(4);
            return at;

            (nint, nint) Place(int k) => k < loops.Strides.Length
                ? ((nint)((E*)bases[k] + loops.RowOffset(k, row) + column * loops.Strides[k][^1]), (nint)loops.Strides[k][^1])
                : (bases[k], 0);
        }
    }

    static bool IsOperand(Tensor y, ReadOnlySpan<Operand> operands)
    {
        foreach (var operand in operands)
        {
            if (operand.Tensor?.Storage == y.Storage)
                return true;
        }
        return false;
    }

    static void RealRow<P, T, E, F>(in Row row, nint n)
        where P : struct, IPointwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        nint done = 0;
        if (row.IsVector)
        {
            if (Vector512.IsHardwareAccelerated)
                done = Loop<P, Vec512<E>, E, Packed512<E>>(row, 0, n);
            else if (Vector256.IsHardwareAccelerated)
                done = Loop<P, Vec256<E>, E, Packed256<E>>(row, 0, n);
            else if (Vector128.IsHardwareAccelerated)
                done = Loop<P, Vec128<E>, E, Packed128<E>>(row, 0, n);
        }
        // Called, and compiled, when there is something left for it.
        if (done < n)
            Loop<P, T, E, F>(row, done, n);
    }

    static void ComplexRow<P, T, E, F>(in Row row, nint n)
        where P : struct, IPointwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        => Loop<P, T, E, F>(row, 0, n);

    /// <summary>y = P(y, x) for <paramref name="n"/> neighbouring elements on the host.</summary>
    internal static unsafe void Accumulate<P, T, E, F>(E* y, E* x, nint n)
        where P : struct, IPointwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var row = new Row { Y = (nint)y, A = (nint)y, StepA = 1, B = (nint)x, StepB = 1, C = (nint)y, D = (nint)y };
        if (Vector128<E>.IsSupported)
            RealRow<P, T, E, F>(row, n);
        else
            ComplexRow<P, T, E, F>(row, n);
    }

    // Elements of a half-precision row that are widened, computed and rounded at a time: five buffers stay in the first cache.
    const int Block = 512;

    static unsafe void HalfRow<P, F>(in Row row, nint n) where P : struct, IPointwise where F : struct, IHalfCell
    {
        float* a = stackalloc float[Block], b = stackalloc float[Block], c = stackalloc float[Block], d = stackalloc float[Block], y = stackalloc float[Block];
        for (nint begin = 0; begin < n; begin += Block)
        {
            var count = (int)Math.Min(Block, n - begin);
            var wide = new Row { Y = (nint)y };
            (wide.A, wide.StepA) = Widen<F>(row, 0, row.A, row.StepA, begin, count, a);
            (wide.B, wide.StepB) = P.Arity > 1 ? Widen<F>(row, 1, row.B, row.StepB, begin, count, b) : ((nint)a, 0);
            (wide.C, wide.StepC) = P.Arity > 2 ? Widen<F>(row, 2, row.C, row.StepC, begin, count, c) : ((nint)a, 0);
            (wide.D, wide.StepD) = P.Arity > 3 ? Widen<F>(row, 3, row.D, row.StepD, begin, count, d) : ((nint)a, 0);
            RealRow<P, F32, float, SingleCell>(wide, count);
            F.Round(new(y, count), new((ushort*)row.Y + begin, count));
        }
    }

    // Where an operand's elements from begin on are, widened, and their step.
    static unsafe (nint, nint) Widen<F>(in Row row, int operand, nint at, nint step, nint begin, int count, float* buffer) where F : struct, IHalfCell
    {
        if ((row.Numbers >> operand & 1) != 0)
            return (at, 0);
        var source = (ushort*)at + begin * step;
        switch (step)
        {
            case 0:
                *buffer = F.Splat(*source).Value;
                return ((nint)buffer, 0);
            case 1:
                F.Widen(new(source, count), new(buffer, count));
                return ((nint)buffer, 1);
            default:
                for (var i = 0; i < count; i++)
                    buffer[i] = F.Splat(source[i * step]).Value;
                return ((nint)buffer, 1);
        }
    }

    [MethodImpl(Inline.Root)]
    static unsafe nint Loop<P, T, E, F>(in Row at, nint begin, nint n)
        where P : struct, IPointwise where T : struct, ILane<T> where E : unmanaged where F : struct, IFormat<T, E>
    {
        var row = at;
        var (pa, pb, pc, pd, py) = (row.A, row.B, row.C, row.D, row.Y);
        var (a, b, c, d) = (F.Splat(*(E*)pa), F.Splat(*(E*)pb), F.Splat(*(E*)pc), F.Splat(*(E*)pd));
        var i = begin;
        for (; i + F.Width <= n; i += F.Width)
        {
            if (row.StepA != 0)
                a = F.Load((E*)pa + i * row.StepA);
            if (P.Arity > 1 && row.StepB != 0)
                b = F.Load((E*)pb + i * row.StepB);
            if (P.Arity > 2 && row.StepC != 0)
                c = F.Load((E*)pc + i * row.StepC);
            if (P.Arity > 3 && row.StepD != 0)
                d = F.Load((E*)pd + i * row.StepD);
            var y = P.Apply(a, b, c, d);
            if (F.Width > 1 && row.IsPast)
                F.StorePast((E*)py + i, y);
            else
                F.Store((E*)py + i, y);
        }
        return i;
    }

    // ---- devices: one thread for a piece of neighbouring elements

    internal struct FlatArguments<T, E> where T : struct where E : unmanaged
    {
        public ArrayView<E> Y, A, B, C, D;

        /// <summary>How each is read: <see cref="Number"/>, 0 for one element, 1 for single elements, or <see cref="Whole"/>.</summary>
        public int StepY, StepA, StepB, StepC, StepD;

        /// <summary>Elements of the result.</summary>
        public int Count;
        public T ConstantA, ConstantB, ConstantC, ConstantD;
    }

    internal struct StridedArguments<T, E> where T : struct where E : unmanaged
    {
        public FlatArguments<T, E> Flat;
        public Index6 Extents;
        public Steps6 A, B, C, D;
    }

    // Steps of an operand that is a number, and of one whose pieces are aligned.
    const int Number = -1, Whole = 2;

    static void OnDevice<P, T, E, F, W>(GpuDevice gpu, Iteration loops, Tensor y, ReadOnlySpan<Operand> operands)
        where P : struct, IPointwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        var arguments = Arguments<T, E>(gpu, loops, GpuDevice.View<E>(y), y, operands, W.Count);
        var pieces = (y.ElementCount + W.Count - 1) / W.Count;
        if (loops.IsFlat)
            gpu.Launch(FlatKernel<P, T, E, F, W>, pieces, arguments.Flat);
        else if (loops.Inner % W.Count == 0)
            gpu.Launch(StridedKernel<P, T, E, F, W>, pieces, arguments);
        else
            gpu.Launch(StridedKernel<P, T, E, F, Lone<E>>, y.ElementCount, arguments);
    }

    // The operands, for pieces of so many elements.
    static StridedArguments<T, E> Arguments<T, E>(GpuDevice gpu, Iteration loops, ArrayView<E> view, Tensor y, ReadOnlySpan<Operand> operands, int piece)
        where T : struct, ILane<T> where E : unmanaged
    {
        var flat = new FlatArguments<T, E> { Y = view, StepY = y.Layout.Offset % piece == 0 ? Whole : 1, Count = checked((int)y.ElementCount) };
        (flat.A, flat.StepA, flat.ConstantA) = Argument(0, operands);
        (flat.B, flat.StepB, flat.ConstantB) = Argument(1, operands);
        (flat.C, flat.StepC, flat.ConstantC) = Argument(2, operands);
        (flat.D, flat.StepD, flat.ConstantD) = Argument(3, operands);
        return new() { Flat = flat, Extents = Index6.Of(loops.Extents, 1), A = Steps(0, operands), B = Steps(1, operands), C = Steps(2, operands), D = Steps(3, operands) };

        (ArrayView<E>, int, T) Argument(int k, ReadOnlySpan<Operand> operands) => k < operands.Length && operands[k].Tensor is { } tensor
            ? (GpuDevice.Reach<E>(tensor), Step(loops.Strides[k + 1], tensor.Layout.Offset), default)
            : (flat.Y, Number, k < operands.Length ? T.Of(operands[k].Constant) : default);

        int Step(long[] strides, long offset)
        {
            if (strides[^1] == 0)
                return 0;
            var isWhole = strides[^1] == 1 && offset % piece == 0;
            foreach (var stride in strides.AsSpan(..^1))
                isWhole &= stride % piece == 0;
            return isWhole ? Whole : 1;
        }

        Steps6 Steps(int k, ReadOnlySpan<Operand> operands)
            => k < operands.Length && operands[k].Tensor is { } tensor ? Steps6.Of(loops.Strides[k + 1], tensor.Layout) : default;
    }

    [Budget(32, 0, typeof(Unary<Kernels.Pointwise.Gelu>), typeof(F32), typeof(float), typeof(SingleCell), typeof(Quad<float>),
        LoadsWide = true, StoresWide = true)]
    internal static void FlatKernel<P, T, E, F, W>(Index1D index, FlatArguments<T, E> x)
        where P : struct, IPointwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        int piece = index;
        var a = Piece<E, W>(x.A, x.StepA, piece, x.Count);
        var b = P.Arity > 1 ? Piece<E, W>(x.B, x.StepB, piece, x.Count) : a;
        var c = P.Arity > 2 ? Piece<E, W>(x.C, x.StepC, piece, x.Count) : a;
        var d = P.Arity > 3 ? Piece<E, W>(x.D, x.StepD, piece, x.Count) : a;
        Write<P, T, E, F, W>(piece, a, b, c, d, x);
    }

    internal static void StridedKernel<P, T, E, F, W>(Index1D index, StridedArguments<T, E> x)
        where P : struct, IPointwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        int piece = index;
        var at = Index6.Split(piece * W.Count, x.Extents);
        var a = Piece<E, W>(x.Flat.A, x.Flat.StepA, at, x.A);
        var b = P.Arity > 1 ? Piece<E, W>(x.Flat.B, x.Flat.StepB, at, x.B) : a;
        var c = P.Arity > 2 ? Piece<E, W>(x.Flat.C, x.Flat.StepC, at, x.C) : a;
        var d = P.Arity > 3 ? Piece<E, W>(x.Flat.D, x.Flat.StepD, at, x.D) : a;
        Write<P, T, E, F, W>(piece, a, b, c, d, x.Flat);
    }

    // A piece of a flat operand. The last piece may be shorter than the others: its last element stands for those beyond it.
    [MethodImpl(Inline.Always)]
    static W Piece<E, W>(ArrayView<E> view, int step, int piece, int count) where E : unmanaged where W : unmanaged, IWide<W, E>
    {
        W value = default;
        var begin = piece * W.Count;
        if (step == Whole && begin <= count - W.Count)
        {
            value = view.Cast<W>()[piece];
        }
        else if (step != Number)
        {
            for (var k = 0; k < W.Count; k++)
                value = W.With(value, k, view[IntrinsicMath.Min(step, 1) * IntrinsicMath.Min(begin + k, count - 1)]);
        }
        return value;
    }

    // A piece of a strided operand, which lies within one run of the innermost loop.
    [MethodImpl(Inline.Always)]
    static W Piece<E, W>(ArrayView<E> view, int step, Index6 at, Steps6 steps) where E : unmanaged where W : unmanaged, IWide<W, E>
    {
        W value = default;
        var begin = Steps6.Dot(at, steps);
        if (step == Whole)
        {
            value = view.Cast<W>()[begin / W.Count];
        }
        else if (step != Number)
        {
            for (var k = 0; k < W.Count; k++)
                value = W.With(value, k, view[begin + k * steps.Strides.I5]);
        }
        return value;
    }

    [MethodImpl(Inline.Always)]
    static void Write<P, T, E, F, W>(int piece, W a, W b, W c, W d, FlatArguments<T, E> x)
        where P : struct, IPointwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        var y = a;
        for (var k = 0; k < W.Count; k++)
            y = W.With(y, k, F.Pack(Value<P, T, E, F, W>(k, a, b, c, d, x)));
        Write<E, W>(x.Y, x.StepY, piece, x.Count, y);
    }

    // Writes a piece of a flat tensor, of which no more elements are written than it has.
    [MethodImpl(Inline.Always)]
    static void Write<E, W>(ArrayView<E> view, int step, int piece, int count, W value) where E : unmanaged where W : unmanaged, IWide<W, E>
    {
        var begin = piece * W.Count;
        if (step == Whole && begin <= count - W.Count)
        {
            view.Cast<W>()[piece] = value;
        }
        else
        {
            for (var k = 0; k < IntrinsicMath.Min(W.Count, count - begin); k++)
                view[begin + k] = W.Get(value, k);
        }
    }

    [MethodImpl(Inline.Always)]
    static T Value<P, T, E, F, W>(int place, W a, W b, W c, W d, FlatArguments<T, E> x)
        where P : struct, IPointwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        var first = Lane<T, E, F, W>(a, place, x.StepA, x.ConstantA);
        return P.Apply(first, P.Arity > 1 ? Lane<T, E, F, W>(b, place, x.StepB, x.ConstantB) : first,
            P.Arity > 2 ? Lane<T, E, F, W>(c, place, x.StepC, x.ConstantC) : first, P.Arity > 3 ? Lane<T, E, F, W>(d, place, x.StepD, x.ConstantD) : first);
    }

    [MethodImpl(Inline.Always)]
    static T Lane<T, E, F, W>(W piece, int place, int step, T constant)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where W : unmanaged, IWide<W, E>
    {
        var value = constant;
        if (step != Number)
            value = F.Splat(W.Get(piece, place));
        return value;
    }
}
