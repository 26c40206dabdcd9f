using System.Runtime.Intrinsics.X86;
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

    // Half of a small processor's last cache: what is larger will not be there any more when it is read. Measured on a transposed copy and
    // on sums of 2^20 to 2^24 elements.
    const long CacheBytes = 8 << 20;

    /// <summary>Whether a tensor is so large that it is better written past the cache: a line that is written whole is then not read
    /// before. Such writes end with <see cref="Fence"/>.</summary>
    public static bool IsPastCache(Tensor tensor) => tensor.ElementCount * tensor.DType.Size >= CacheBytes;

    /// <summary>Whether an address and steps of so many bytes from it are multiples of a cache line.</summary>
    public static bool AreAligned(nint address, nint bytes) => ((address | bytes) & 63) == 0;

    /// <summary>Orders writes past the cache before everything that follows.</summary>
    public static void Fence()
    {
        if (Sse.IsSupported)
            Sse.StoreFence();
        else
            Thread.MemoryBarrier();
    }

    /// <summary>A whole number that a float or a double holds.</summary>
    public static int Whole<E>(E value) where E : unmanaged => typeof(E) == typeof(float) ? (int)*(float*)&value : (int)*(double*)&value;

    public static void KeepAlive(Tensor y, ReadOnlySpan<Operand> operands)
    {
        GC.KeepAlive(y);
        foreach (var operand in operands)
            GC.KeepAlive(operand.Tensor);
    }
}
