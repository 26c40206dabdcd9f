using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.MatMul;

/// <summary>Batched matrix product of real, complex or integer matrices in any layout, in half precision too.</summary>
/// <remarks>
/// Each element is a chain of fused multiply-adds over the inner dimension, broken every <see cref="KBlock"/> real products, on every
/// device and vector width: the same bits everywhere, and tiles may be cut in any way. On the host a register-blocked micro-kernel reads
/// small operands where they lie, and others from packed panels, which takes any strides in its stride; on devices each thread
/// keeps a square of sums and reads panels in shared memory (<see cref="TiledMatMul"/>, <see cref="LaneMatMul"/>).
/// </remarks>
public static class MatMul
{
    /// <summary>Real products that are chained before their sum is added to the result.</summary>
    internal const int KBlock = 256;

    /// <summary>Whether a Hermitian result of that many rows is computed by half. Below, all of its elements are: turning the tiles round
    /// costs as much as computing them.</summary>
    internal static bool IsHalved(int rows) => rows >= 64;

    /// <summary>a [..., rows, inner] times b [..., inner, columns]; leading dimensions broadcast.</summary>
    /// <exception cref="TensorArgumentException">Fewer than two dimensions, inner dimensions that differ, leading dimensions that do not
    /// broadcast, or dtypes or devices that differ.</exception>
    public static Tensor Run(Tensor a, Tensor b) => Run("MatMul", a, b);

    /// <summary>a b, or alpha a b + beta c: each element is the product's, times alpha, to which beta c is added by a fused multiply-add.</summary>
    /// <param name="operation">Who asks, for messages.</param>
    /// <param name="a">[..., rows, inner].</param>
    /// <param name="b">[..., inner, columns]; leading dimensions broadcast.</param>
    /// <param name="c">Of a's dtype, broadcast to the result; the product itself is the result when null. Not of integers.</param>
    /// <param name="alpha">Factor of the product where there is a c.</param>
    /// <param name="beta">Factor of c.</param>
    /// <param name="isHermitian">Whether the result is known to be Hermitian but for rounding: of large ones the lower triangle is computed,
    /// from that of c, and elements above it are conjugates of those below. Not of integers.</param>
    /// <exception cref="TensorArgumentException">Fewer than two dimensions, inner dimensions that differ, shapes that do not broadcast, or
    /// dtypes or devices that differ.</exception>
    internal static Tensor Run(string operation, Tensor a, Tensor b, Tensor? c = null, double alpha = 1, double beta = 1, bool isHermitian = false)
        => Run(operation, null, a, b, c, alpha, beta, isHermitian, null);

    /// <summary>y becomes beta y + alpha a b: as <see cref="Run(string, Tensor, Tensor, Tensor, double, double, bool)"/> with y for c, in y's memory.</summary>
    /// <param name="operation">Who asks, for messages.</param>
    /// <param name="y">Dense, of the product's shape, and no part of it read by a or b.</param>
    /// <param name="a">[..., rows, inner], of one chain: no more than <see cref="KBlock"/> real products make an element.</param>
    /// <param name="b">[..., inner, columns].</param>
    /// <param name="alpha">Factor of the product.</param>
    /// <param name="beta">Factor of y.</param>
    /// <exception cref="TensorArgumentException">As <see cref="Run(string, Tensor, Tensor, Tensor, double, double, bool)"/>; or y does not fit, or the inner dimension is longer than a
    /// chain, whose sums y would have to hold.</exception>
    internal static void Update(string operation, Tensor y, Tensor a, Tensor b, double alpha = 1, double beta = 1)
    {
        if (a.Rank < 2 || !y.Layout.IsContiguous || y.DType.IsHalfPrecision || a.Shape[^1] > KBlock / (y.DType.IsComplex ? 2 : 1))
            throw new TensorArgumentException(operation, nameof(y), $"{y.DType} {y.Shape} for an a {a.Shape}", $"a dense tensor, and at most {KBlock} real products for an element");
        _ = Run(operation, y, a, b, y, alpha, beta, isHermitian: false, turns: null);
    }

    /// <summary>Matrices of a batch that take part in a step: those whose first step it is, or a step after that. The device alone needs to know.</summary>
    /// <param name="First">Int32 [batch], dense.</param>
    /// <param name="Turn">The step.</param>
    internal readonly record struct Turns(Tensor First, int Turn);

    /// <summary>y becomes alpha a b + beta c, or a b, in those matrices whose turn it is; the others stay as they are.</summary>
    /// <param name="operation">Who asks, for messages.</param>
    /// <param name="y">Dense, of the product's shape, and no part of it read by a, b or c.</param>
    /// <param name="a">[..., rows, inner], not in half precision.</param>
    /// <param name="b">[..., inner, columns].</param>
    /// <param name="c">See <see cref="Run(string, Tensor, Tensor, Tensor, double, double, bool)"/>.</param>
    /// <param name="alpha">Factor of the product where there is a c.</param>
    /// <param name="beta">Factor of c.</param>
    /// <param name="turns">Which matrices; all of them when null.</param>
    internal static void Into(string operation, Tensor y, Tensor a, Tensor b, Tensor? c = null, double alpha = 1, double beta = 1, Turns? turns = null)
    {
        if (a.Rank < 2 || b.Rank < 2 || !y.Layout.IsContiguous || y.DType != a.DType || a.DType.IsHalfPrecision
            || y.Shape != Shape.Broadcast(a.Shape[..^2], b.Shape[..^2], operation).Concat([a.Shape[^2], b.Shape[^1]]))
            throw new TensorArgumentException(operation, nameof(y), $"{y.DType} {y.Shape} for {a.DType} {a.Shape} times {b.Shape}", "a dense tensor of the product's shape and dtype");
        _ = Run(operation, y, a, b, c, alpha, beta, isHermitian: false, turns);
    }

    static Tensor Run(string operation, Tensor? into, Tensor a, Tensor b, Tensor? c, double alpha, double beta, bool isHermitian, Turns? turns)
    {
        if (a.Rank < 2 || b.Rank < 2)
            throw new TensorArgumentException(operation, a.Rank < 2 ? nameof(a) : nameof(b), $"{(a.Rank < 2 ? a : b).Shape}", "at least two dimensions");
        if (a.DType == DType.Bool || a.DType != b.DType)
            throw new TensorArgumentException(operation, nameof(b), $"{b.DType} beside {a.DType}", "one dtype: floating-point, complex or integer");
        if (a.Device != b.Device)
            throw new TensorArgumentException(operation, nameof(b), $"on {b.Device} beside {a.Device}", "one device");
        var (m, k, n) = (a.Shape[^2], a.Shape[^1], b.Shape[^1]);
        if (b.Shape[^2] != k)
            throw new TensorArgumentException(operation, nameof(b), $"{b.Shape} beside a {a.Shape}", $"[..., {k}, *]");
        var batch = Shape.Broadcast(a.Shape[..^2], b.Shape[..^2], operation);
        var shape = batch.Concat([m, n]);
        if (c is not null)
            c = Added(operation, c, a.DType, a.Device, shape);
        // Half precision is computed in float32 and rounded once. The host widens what it packs; devices are given widened copies.
        var dtype = a.DType;
        if (a.Device is GpuDevice)
            (a, b) = (Cast.Widened(a), Cast.Widened(b));
        var y = into ?? Tensor.Empty(shape, dtype.IsHalfPrecision ? DType.Float32 : dtype, a.Device);
        if (y.ElementCount == 0)
            return Cast.To(y, dtype);
        var plan = new Plan(m, k, n, a.View(a.Layout.Expand(batch.Concat([m, k]), operation)), b.View(b.Layout.Expand(batch.Concat([k, n]), operation)), y)
        {
            C = c, Alpha = alpha, Beta = beta, IsHermitian = isHermitian && IsHalved(m), Turns = turns,
        };
        switch (y.DType, a.Device)
        {
            case (DType.Float32, GpuDevice gpu) when TiledMatMul.Takes(plan): TiledMatMul.Run(gpu, plan); break;
            case (DType.Int32, _): IntegerMatMul.Run<int, IntegerMatMul.Int32Number>(plan); break;
            case (DType.Int64, _): IntegerMatMul.Run<long, IntegerMatMul.Int64Number>(plan); break;
            case (_, GpuDevice gpu): LaneMatMul.Run(gpu, plan); break;
            case (DType.Float32 or DType.Complex64, _): HostMatMul.Run<float, F32, SingleCell>(plan); break;
            default: HostMatMul.Run<double, F64, DoubleCell>(plan); break;
        }
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(c);
        GC.KeepAlive(y);
        return Cast.To(y, dtype);
    }

    /// <summary>What is added to a product: of its shape, half precision widened, and its rows contiguous, for they are read as vectors.</summary>
    /// <exception cref="TensorArgumentException">Another dtype or device, or a shape that does not broadcast.</exception>
    internal static Tensor Added(string operation, Tensor c, DType dtype, Tensors.Device device, Shape shape)
    {
        if (c.DType != dtype || c.Device != device)
            throw new TensorArgumentException(operation, nameof(c), $"{c.DType} on {c.Device}", $"{dtype} on {device}");
        c = Cast.Widened(c.View(c.Layout.Expand(shape, operation)));
        return shape[^1] > 1 && c.Layout.Strides[^1] != 1 ? Copy.Dense(c) : c;
    }

    /// <summary>One product: sizes, and the operands expanded to the batch of the result.</summary>
    internal sealed record Plan(int M, int K, int N, Tensor A, Tensor B, Tensor Y)
    {
        public int Batches { get; } = checked((int)Y.Shape[..^2].ElementCount);

        /// <summary>What is added, with the result's shape; see <see cref="Run(string, Tensor, Tensor, Tensor, double, double, bool)"/>.</summary>
        public Tensor? C { get; init; }

        public double Alpha { get; init; } = 1;

        public double Beta { get; init; } = 1;

        public bool IsHermitian { get; init; }

        /// <summary>Which matrices are computed; all of them when null. Not of integers.</summary>
        public Turns? Turns { get; init; }

        /// <summary>The step, and each matrix's first one on a device; where all matrices are computed, anything that has an address.</summary>
        public (int Turn, ArrayView<int> First) DeviceTurns
            => Turns is { } turns ? (turns.Turn, GpuDevice.View<int>(turns.First)) : (int.MaxValue, GpuDevice.View<int>(Y));

        /// <summary>Where matrix <paramref name="batch"/> of an operand begins, in elements from the operand's first.</summary>
        public static long BatchOffset(Tensor operand, long batch)
        {
            long offset = 0;
            for (var d = operand.Rank - 3; d >= 0; d--)
            {
                (batch, var index) = Math.DivRem(batch, operand.Shape.Span[d]);
                offset += index * operand.Layout.Strides[d];
            }
            return offset;
        }

        /// <summary>An operand whose matrices lie at a constant distance, none of them reversed, copied if it has to be, and that distance.</summary>
        public static (Tensor Operand, long Stride) Regular(Tensor operand)
        {
            operand = Copy.Forward(operand);
            var stride = operand.Rank > 2 ? operand.Layout.Strides[operand.Rank - 3] : 0;
            var expected = stride;
            for (var d = operand.Rank - 3; d >= 0; d--)
            {
                if (operand.Shape.Span[d] != 1 && operand.Layout.Strides[d] != expected)
                    return (Copy.Dense(operand), (long)operand.Shape[^2] * operand.Shape[^1]);
                expected = operand.Layout.Strides[d] * operand.Shape.Span[d];
            }
            return (operand, stride);
        }
    }

    /// <summary>Whether a device computes a matrix; see <see cref="Turns"/>.</summary>
    [MethodImpl(Inline.Always)]
    internal static bool IsTurn(int turn, ArrayView<int> first, int batch) => turn == int.MaxValue || turn >= first[batch];
}
