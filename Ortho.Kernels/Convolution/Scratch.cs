using System.Runtime.InteropServices;

namespace Ortho.Kernels.Convolution;

/// <summary>Memory of a thread for the piece it works on; it lives as long as the thread, so that the steady state does not allocate.</summary>
static unsafe class Scratch
{
    [ThreadStatic] static nint memory;
    [ThreadStatic] static nuint size;

    /// <summary>At least so many bytes, on a cache line; the last ones given are no longer valid.</summary>
    public static void* Of(nuint bytes)
    {
        if (bytes > size)
        {
            NativeMemory.AlignedFree((void*)memory);
            (memory, size) = (0, 0);
            memory = (nint)NativeMemory.AlignedAlloc(bytes, 64);
            size = bytes;
        }
        return (void*)memory;
    }
}
