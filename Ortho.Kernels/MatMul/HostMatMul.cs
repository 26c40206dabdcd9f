using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

namespace Ortho.Kernels.MatMul;

/// <summary>The host half of <see cref="MatMul"/>: the products of a batch, and their threads.</summary>
static unsafe class HostMatMul
{
    /// <summary>Multiplications that are worth a piece of their own among threads: some microseconds.</summary>
    public const long Grain = 1 << 18;

    // A product of a batch that is worth several threads by itself.
    const long Large = 1 << 24;

    public static void Run<E, T, F>(MatMul.Plan plan) where E : unmanaged where T : struct, ILane<T> where F : struct, ICell<T, E>
    {
        var products = HostProducts<E>.Of<T, F>();
        var parts = plan.Y.DType.IsComplex ? 2 : 1;
        var y = HostMemory.Parts<E>(plan.Y);
        var c = plan.C is null ? null : HostMemory.Parts<E>(plan.C);
        var common = new HostProduct<E>
        {
            M = plan.M * parts, K = plan.K * parts, N = plan.N, IsComplex = parts == 2, IsHermitian = plan.IsHermitian,
            Alpha = F.Pack(T.Of(plan.Alpha)), Beta = F.Pack(T.Of(plan.Beta)), Scales = plan.C is not null,
            CRow = plan.C is null ? 0 : (nint)plan.C.Layout.Strides[^2] * parts,
        };
        if (plan.Batches == 1 || common.Work >= Large)
        {
            for (var batch = 0; batch < plan.Batches; batch++)
            {
                if (IsTurn(batch))
                    products.Run(Of(batch), parallel: common.Work > Grain);
            }
            return;
        }
        HostThreads.Range(plan.Batches, Math.Max(1, Grain / Math.Max(1, common.Work)), (begin, end) =>
        {
            for (var batch = begin; batch < end; batch++)
            {
                if (IsTurn(batch))
                    products.Run(Of(batch), parallel: false);
            }
        });

        bool IsTurn(long batch) => plan.Turns is not { } turns || turns.Turn >= HostMemory.Pointer<int>(turns.First)[batch];

        HostProduct<E> Of(long batch)
        {
            var product = common;
            product.A = SourceOf(plan.A, batch);
            product.B = SourceOf(plan.B, batch);
            product.Y = y + batch * plan.M * plan.N * parts;
            product.C = plan.C is null ? null : c + MatMul.Plan.BatchOffset(plan.C, batch) * parts;
            return product;
        }

        Source<E> SourceOf(Tensor operand, long batch)
            => new(HostMemory.Parts<byte>(operand) + MatMul.Plan.BatchOffset(operand, batch) * operand.DType.Size, (nint)operand.Layout.Strides[^2] * parts,
                (nint)operand.Layout.Strides[^1] * parts, operand.DType.IsHalfPrecision ? operand.DType : null);
    }
}
