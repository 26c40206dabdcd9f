using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.Skeletons;

/// <summary>Pointwise functions whose values, 0 and 1, are stored as truth values.</summary>
public static partial class Pointwise
{
    /// <summary>y = P(operands) != 0 with broadcasting, as a new dense Bool tensor; no tensor in the operands' dtype is made.</summary>
    /// <exception cref="TensorArgumentException">Shapes do not broadcast, or dtypes or devices differ.</exception>
    public static Tensor Truth<P>(string operation, params ReadOnlySpan<Operand> operands) where P : struct, IPointwise
    {
        var (shape, dtype, device) = Check(operation, operands, null);
        if (dtype.IsHalfPrecision)
            return Truth<P>(operation, Widened(operands));
        var y = Tensor.Empty(shape, DType.Bool, device);
        if (y.ElementCount == 0)
            return y;
        var loops = Loops(operation, y, ref operands);
        switch (dtype, device)
        {
            case (DType.Float32, GpuDevice gpu): TruthOnDevice<P, F32, float, SingleCell, Quad<float>, Quad<byte>>(gpu, loops, y, operands); break;
            case (DType.Float64, GpuDevice gpu): TruthOnDevice<P, F64, double, DoubleCell, Twin<double>, Twin<byte>>(gpu, loops, y, operands); break;
            case (DType.Complex64, GpuDevice gpu): TruthOnDevice<P, Cx<F32>, Complex64, Complex64Cell, Twin<Complex64>, Twin<byte>>(gpu, loops, y, operands); break;
            case (DType.Complex128, GpuDevice gpu): TruthOnDevice<P, Cx<F64>, Complex, Complex128Cell, Lone<Complex>, Lone<byte>>(gpu, loops, y, operands); break;
            case (DType.Int32, GpuDevice gpu): TruthOnDevice<P, I32, int, Int32Cell, Quad<int>, Quad<byte>>(gpu, loops, y, operands); break;
            case (DType.Int64, GpuDevice gpu): TruthOnDevice<P, I64, long, Int64Cell, Twin<long>, Twin<byte>>(gpu, loops, y, operands); break;
            case (_, GpuDevice gpu): TruthOnDevice<P, I32, byte, BoolCell, Quad<byte>, Quad<byte>>(gpu, loops, y, operands); break;
            case (DType.Float32, _): TruthOnHost<P, F32, float, SingleCell>(loops, y, operands, static x => (float)x); break;
            case (DType.Float64, _): TruthOnHost<P, F64, double, DoubleCell>(loops, y, operands, static x => x); break;
            case (DType.Complex64, _): TruthOnHost<P, Cx<F32>, Complex64, Complex64Cell>(loops, y, operands, static x => new((float)x, 0)); break;
            case (DType.Complex128, _): TruthOnHost<P, Cx<F64>, Complex, Complex128Cell>(loops, y, operands, static x => x); break;
            case (DType.Int32, _): TruthOnHost<P, I32, int, Int32Cell>(loops, y, operands, static x => (int)x); break;
            case (DType.Int64, _): TruthOnHost<P, I64, long, Int64Cell>(loops, y, operands, static x => (long)x); break;
            default: OnHost<P, byte, byte>(loops, y, operands, static x => (byte)x, RealRow<P, I32, byte, BoolCell>); break;
        }
        return y;
    }

    static Operand[] Widened(ReadOnlySpan<Operand> operands)
    {
        var wide = operands.ToArray();
        for (var k = 0; k < wide.Length; k++)
        {
            if (wide[k].Tensor is { } tensor)
                wide[k] = Cast.To(tensor, DType.Float32);
        }
        return wide;
    }

    static void TruthOnHost<P, T, E, F>(Iteration loops, Tensor y, ReadOnlySpan<Operand> operands, Func<double, E> convert)
        where P : struct, IPointwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        RowLoop compute = typeof(E) == typeof(Complex64) || typeof(E) == typeof(Complex) ? ComplexRow<P, T, E, F> : RealRow<P, T, E, F>;
        OnHost<P, E, E>(loops, y, operands, convert, Truths<T, E, F>(compute));
    }

    // A row is computed piece by piece in the operands' type, into a buffer that stays in the first cache.
    static unsafe RowLoop Truths<T, E, F>(RowLoop compute) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        => (in Row row, nint n) =>
        {
            var buffer = stackalloc E[Block];
            for (nint begin = 0; begin < n; begin += Block)
            {
                var piece = row;
                (piece.Y, piece.IsPast) = ((nint)buffer, false);
                piece.A += begin * row.StepA * sizeof(E);
                piece.B += begin * row.StepB * sizeof(E);
                piece.C += begin * row.StepC * sizeof(E);
                piece.D += begin * row.StepD * sizeof(E);
                var count = Math.Min(Block, n - begin);
                compute(piece, count);
                var truths = (byte*)row.Y + begin;
                for (var i = 0; i < count; i++)
                    truths[i] = T.Truth(F.Splat(buffer[i]));
            }
        };

    internal struct TruthArguments<T, E> where T : struct where E : unmanaged
    {
        public StridedArguments<T, E> Operands;
        public ArrayView<byte> Y;
    }

    static void TruthOnDevice<P, T, E, F, W, B>(GpuDevice gpu, Iteration loops, Tensor y, ReadOnlySpan<Operand> operands)
        where P : struct, IPointwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        where W : unmanaged, IWide<W, E> where B : unmanaged, IWide<B, byte>
    {
        // The operands' struct has a place for results of their own type, which stays unused.
        Tensor? any = null;
        foreach (var operand in operands)
            any ??= operand.Tensor;
        var arguments = new TruthArguments<T, E>
        {
            Operands = Arguments<T, E>(gpu, loops, GpuDevice.Reach<E>(any!), y, operands, W.Count),
            Y = GpuDevice.View<byte>(y),
        };
        var pieces = (y.ElementCount + W.Count - 1) / W.Count;
        if (loops.IsFlat)
            gpu.Launch(FlatTruthKernel<P, T, E, F, W, B>, pieces, arguments);
        else if (loops.Inner % W.Count == 0)
            gpu.Launch(TruthKernel<P, T, E, F, W, B>, pieces, arguments);
        else
            gpu.Launch(TruthKernel<P, T, E, F, Lone<E>, Lone<byte>>, y.ElementCount, arguments);
    }

    [Budget(32, 0, typeof(Binary<Kernels.Pointwise.Less>), typeof(F32), typeof(float), typeof(SingleCell), typeof(Quad<float>), typeof(Quad<byte>), LoadsWide = true)]
    [Budget(32, 0, typeof(Binary<Kernels.Pointwise.Less>), typeof(F64), typeof(double), typeof(DoubleCell), typeof(Twin<double>), typeof(Twin<byte>), LoadsWide = true)]
    internal static void FlatTruthKernel<P, T, E, F, W, B>(Index1D index, TruthArguments<T, E> x)
        where P : struct, IPointwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        where W : unmanaged, IWide<W, E> where B : unmanaged, IWide<B, byte>
    {
        var (piece, flat) = ((int)index, x.Operands.Flat);
        var a = Piece<E, W>(flat.A, flat.StepA, piece, flat.Count);
        var b = P.Arity > 1 ? Piece<E, W>(flat.B, flat.StepB, piece, flat.Count) : a;
        var c = P.Arity > 2 ? Piece<E, W>(flat.C, flat.StepC, piece, flat.Count) : a;
        var d = P.Arity > 3 ? Piece<E, W>(flat.D, flat.StepD, piece, flat.Count) : a;
        WriteTruths<P, T, E, F, W, B>(piece, a, b, c, d, x);
    }

    internal static void TruthKernel<P, T, E, F, W, B>(Index1D index, TruthArguments<T, E> x)
        where P : struct, IPointwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        where W : unmanaged, IWide<W, E> where B : unmanaged, IWide<B, byte>
    {
        int piece = index;
        var at = Index6.Split(piece * W.Count, x.Operands.Extents);
        var a = Piece<E, W>(x.Operands.Flat.A, x.Operands.Flat.StepA, at, x.Operands.A);
        var b = P.Arity > 1 ? Piece<E, W>(x.Operands.Flat.B, x.Operands.Flat.StepB, at, x.Operands.B) : a;
        var c = P.Arity > 2 ? Piece<E, W>(x.Operands.Flat.C, x.Operands.Flat.StepC, at, x.Operands.C) : a;
        var d = P.Arity > 3 ? Piece<E, W>(x.Operands.Flat.D, x.Operands.Flat.StepD, at, x.Operands.D) : a;
        WriteTruths<P, T, E, F, W, B>(piece, a, b, c, d, x);
    }

    [MethodImpl(Inline.Always)]
    static void WriteTruths<P, T, E, F, W, B>(int piece, W a, W b, W c, W d, TruthArguments<T, E> x)
        where P : struct, IPointwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        where W : unmanaged, IWide<W, E> where B : unmanaged, IWide<B, byte>
    {
        B y = default;
        for (var k = 0; k < W.Count; k++)
            y = B.With(y, k, T.Truth(Value<P, T, E, F, W>(k, a, b, c, d, x.Operands.Flat)));
        Write<byte, B>(x.Y, x.Operands.Flat.StepY, piece, x.Operands.Flat.Count, y);
    }
}
