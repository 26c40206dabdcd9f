using System.Numerics;
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
            case (DType.Float32, GpuDevice gpu): TruthOnDevice<P, F32, float, SingleCell>(gpu, loops, y, operands); break;
            case (DType.Float64, GpuDevice gpu): TruthOnDevice<P, F64, double, DoubleCell>(gpu, loops, y, operands); break;
            case (DType.Complex64, GpuDevice gpu): TruthOnDevice<P, Cx<F32>, Complex64, Complex64Cell>(gpu, loops, y, operands); break;
            case (DType.Complex128, GpuDevice gpu): TruthOnDevice<P, Cx<F64>, Complex, Complex128Cell>(gpu, loops, y, operands); break;
            case (DType.Int32, GpuDevice gpu): TruthOnDevice<P, I32, int, Int32Cell>(gpu, loops, y, operands); break;
            case (DType.Int64, GpuDevice gpu): TruthOnDevice<P, I64, long, Int64Cell>(gpu, loops, y, operands); break;
            case (_, GpuDevice gpu): TruthOnDevice<P, I32, byte, BoolCell>(gpu, loops, y, operands); break;
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

    static void TruthOnDevice<P, T, E, F>(GpuDevice gpu, Iteration loops, Tensor y, ReadOnlySpan<Operand> operands)
        where P : struct, IPointwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        // The operands' struct has a place for results of their own type, which stays unused.
        Tensor? any = null;
        foreach (var operand in operands)
            any ??= operand.Tensor;
        gpu.Launch(TruthKernel<P, T, E, F>, y.ElementCount, new TruthArguments<T, E>
        {
            Operands = Arguments<T, E>(gpu, loops, GpuDevice.Reach<E>(any!), y, operands, 1),
            Y = GpuDevice.View<byte>(y),
        });
    }

    internal static void TruthKernel<P, T, E, F>(Index1D index, TruthArguments<T, E> x)
        where P : struct, IPointwise where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var at = Index6.Split(index, x.Operands.Extents);
        var a = Piece<E, Lone<E>>(x.Operands.Flat.A, x.Operands.Flat.StepA, at, x.Operands.A);
        var b = P.Arity > 1 ? Piece<E, Lone<E>>(x.Operands.Flat.B, x.Operands.Flat.StepB, at, x.Operands.B) : a;
        var c = P.Arity > 2 ? Piece<E, Lone<E>>(x.Operands.Flat.C, x.Operands.Flat.StepC, at, x.Operands.C) : a;
        var d = P.Arity > 3 ? Piece<E, Lone<E>>(x.Operands.Flat.D, x.Operands.Flat.StepD, at, x.Operands.D) : a;
        x.Y[index] = T.Truth(Value<P, T, E, F, Lone<E>>(0, a, b, c, d, x.Operands.Flat));
    }
}
