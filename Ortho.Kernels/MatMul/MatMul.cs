using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.MatMul;

/// <summary>Batched matrix product of real, complex or integer matrices in any layout.</summary>
/// <remarks>
/// Each element is a chain of fused multiply-adds over the inner dimension, broken every <see cref="KBlock"/> real products, on every
/// device and vector width: the same bits everywhere. On the host both matrices are packed into panels (which takes any strides in its
/// stride) and multiplied by a register-blocked micro-kernel; on devices by tiles in shared memory.
/// </remarks>
public static class MatMul
{
    /// <summary>Real products that are chained before their sum is added to the result.</summary>
    internal const int KBlock = 256;

    /// <summary>a [..., rows, inner] times b [..., inner, columns]; leading dimensions broadcast.</summary>
    /// <exception cref="TensorArgumentException">Fewer than two dimensions, inner dimensions that differ, leading dimensions that do not
    /// broadcast, or dtypes or devices that differ.</exception>
    public static Tensor Run(Tensor a, Tensor b)
    {
        if (a.Rank < 2 || b.Rank < 2)
            throw new TensorArgumentException("MatMul", a.Rank < 2 ? nameof(a) : nameof(b), $"{(a.Rank < 2 ? a : b).Shape}", "at least two dimensions");
        if (!(a.DType.HasArithmetic || a.DType is DType.Int32 or DType.Int64) || a.DType != b.DType)
            throw new TensorArgumentException("MatMul", nameof(b), $"{b.DType} beside {a.DType}", "one dtype that is computed in: floating-point, complex or integer");
        if (a.Device != b.Device)
            throw new TensorArgumentException("MatMul", nameof(b), $"on {b.Device} beside {a.Device}", "one device");
        var (m, k, n) = (a.Shape[^2], a.Shape[^1], b.Shape[^1]);
        if (b.Shape[^2] != k)
            throw new TensorArgumentException("MatMul", nameof(b), $"{b.Shape} beside a {a.Shape}", $"[..., {k}, *]");
        var batch = Shape.Broadcast(a.Shape[..^2], b.Shape[..^2], "MatMul");
        var y = Tensor.Empty(batch.Concat([m, n]), a.DType, a.Device);
        if (y.ElementCount == 0)
            return y;
        var plan = new Plan(m, k, n, a.View(a.Layout.Expand(batch.Concat([m, k]), "MatMul")), b.View(b.Layout.Expand(batch.Concat([k, n]), "MatMul")), y);
        switch (a.DType, a.Device)
        {
            case (DType.Float32, GpuDevice gpu): OnDevice<F32, float, SingleCell>(gpu, plan, 1); break;
            case (DType.Float64, GpuDevice gpu): OnDevice<F64, double, DoubleCell>(gpu, plan, 1); break;
            case (DType.Complex64, GpuDevice gpu): OnDevice<Cx<F32>, Complex64, Complex64Cell>(gpu, plan, 2); break;
            case (DType.Complex128, GpuDevice gpu): OnDevice<Cx<F64>, Complex, Complex128Cell>(gpu, plan, 2); break;
            case (DType.Int32, _): IntegerMatMul.Run<int, IntegerMatMul.Int32Number>(plan); break;
            case (DType.Int64, _): IntegerMatMul.Run<long, IntegerMatMul.Int64Number>(plan); break;
            case (DType.Float32 or DType.Complex64, _): HostMatMul.Run<float, F32, SingleCell>(plan); break;
            default: HostMatMul.Run<double, F64, DoubleCell>(plan); break;
        }
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(y);
        return y;
    }

    /// <summary>One product: sizes, and the operands expanded to the batch of the result.</summary>
    internal sealed record Plan(int M, int K, int N, Tensor A, Tensor B, Tensor Y)
    {
        public int Batches { get; } = checked((int)Y.Shape[..^2].ElementCount);

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
            operand = Skeletons.Copy.Forward(operand);
            var stride = operand.Rank > 2 ? operand.Layout.Strides[operand.Rank - 3] : 0;
            var expected = stride;
            for (var d = operand.Rank - 3; d >= 0; d--)
            {
                if (operand.Shape.Span[d] != 1 && operand.Layout.Strides[d] != expected)
                    return (Skeletons.Copy.Dense(operand), (long)operand.Shape[^2] * operand.Shape[^1]);
                expected = operand.Layout.Strides[d] * operand.Shape.Span[d];
            }
            return (operand, stride);
        }
    }

    // ---- device: one thread for each element of the result, operands through square tiles in shared memory

    internal struct Arguments<E> where E : unmanaged
    {
        public ArrayView<E> A, B, Y;
        public int M, K, N, KChain, Side, TilesM, TilesN;
        public int ABatch, ARow, AColumn, BBatch, BRow, BColumn;
    }

    // Elements of a tile at the largest side, 16.
    const int TileElements = 256;

    static void OnDevice<T, E, F>(GpuDevice gpu, Plan plan, int partsPerElement)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (a, aBatch) = Plan.Regular(plan.A);
        var (b, bBatch) = Plan.Regular(plan.B);
        var side = (int)Math.Sqrt(gpu.GroupSize);
        var (tilesM, tilesN) = ((plan.M + side - 1) / side, (plan.N + side - 1) / side);
        gpu.LaunchGroups(Kernel<T, E, F>, checked(plan.Batches * tilesM * tilesN), side * side, new Arguments<E>
        {
            A = GpuDevice.View<E>(a), B = GpuDevice.View<E>(b), Y = GpuDevice.View<E>(plan.Y),
            M = plan.M, K = plan.K, N = plan.N, KChain = KBlock / partsPerElement, Side = side, TilesM = tilesM, TilesN = tilesN,
            ABatch = (int)aBatch, ARow = (int)a.Layout.Strides[^2], AColumn = (int)a.Layout.Strides[^1],
            BBatch = (int)bBatch, BRow = (int)b.Layout.Strides[^2], BColumn = (int)b.Layout.Strides[^1],
        });
    }

    internal static void Kernel<T, E, F>(Arguments<E> x) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        var (tileA, tileB) = (SharedMemory.Allocate<E>(TileElements), SharedMemory.Allocate<E>(TileElements));
        var (i, j) = (Group.IdxX / x.Side, Group.IdxX % x.Side);
        var (tile, batch) = (Grid.IdxX % (x.TilesM * x.TilesN), Grid.IdxX / (x.TilesM * x.TilesN));
        var (row, column) = (tile / x.TilesN * x.Side + i, tile % x.TilesN * x.Side + j);
        var zero = F.Pack(T.Of(0));
        var (total, chain) = (T.Of(0), T.Of(0));
        var chained = 0;
        for (var k0 = 0; k0 < x.K; k0 += x.Side)
        {
            // Threads beyond the edges load zeros (and products with them change nothing), so that all reach the barriers.
            tileA[Group.IdxX] = zero;
            tileB[Group.IdxX] = zero;
            if (row < x.M && k0 + j < x.K)
                tileA[Group.IdxX] = x.A[batch * x.ABatch + row * x.ARow + (k0 + j) * x.AColumn];
            if (k0 + i < x.K && column < x.N)
                tileB[Group.IdxX] = x.B[batch * x.BBatch + (k0 + i) * x.BRow + column * x.BColumn];
            Group.Barrier();
            var depth = IntrinsicMath.Min(x.Side, x.K - k0);
            for (var k = 0; k < depth; k++)
                chain = T.Fma(F.Splat(tileA[i * x.Side + k]), F.Splat(tileB[k * x.Side + j]), chain);
            chained += depth;
            if (chained == x.KChain)
            {
                total += chain;
                chain = T.Of(0);
                chained = 0;
            }
            Group.Barrier();
        }
        if (chained > 0)
            total += chain;
        if (row < x.M && column < x.N)
            x.Y[(batch * x.M + row) * x.N + column] = F.Pack(total);
    }
}
