using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Kernels.Host;

/// <summary>Raw access to the elements of CPU tensors. Storage is native memory and does not move, but it is freed when its tensor is
/// collected: whoever takes a pointer keeps the tensor alive until after the last use.</summary>
static unsafe class HostMemory
{
    /// <summary>The first element of the tensor.</summary>
    public static E* Pointer<E>(Tensor tensor) where E : unmanaged
        => (E*)((CpuBlock)tensor.Storage.Block).Pointer + tensor.Layout.Offset;

    /// <summary>The first element of a tensor as real numbers: complex elements are two of them.</summary>
    public static E* Parts<E>(Tensor tensor) where E : unmanaged
        => (E*)((byte*)((CpuBlock)tensor.Storage.Block).Pointer + tensor.Layout.Offset * tensor.DType.Size);

    /// <summary>A whole number that a float or a double holds.</summary>
    public static int Whole<E>(E value) where E : unmanaged => typeof(E) == typeof(float) ? (int)*(float*)&value : (int)*(double*)&value;

    public static void KeepAlive(Tensor y, ReadOnlySpan<Operand> operands)
    {
        GC.KeepAlive(y);
        foreach (var operand in operands)
            GC.KeepAlive(operand.Tensor);
    }
}
