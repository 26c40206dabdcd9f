using System.Runtime.InteropServices;

namespace Ortho.Kernels.Convolution;

/// <summary>Memory of a thread for the piece it works on. It lives as long as the thread, so that the steady state does not allocate - unless
/// it is large: then until the thread's next piece.</summary>
static unsafe class Scratch
{
    // What a thread keeps between pieces; images of very many channels take more for a while.
    const nuint Kept = 32 << 20;

    [ThreadStatic] static nint memory;
    [ThreadStatic] static nuint size;

    /// <summary>At least so many bytes, on a cache line; the last ones given are no longer valid.</summary>
    public static void* Of(nuint bytes)
    {
        if (bytes > size || (size > Kept && bytes <= Kept))
        {
            NativeMemory.AlignedFree((void*)memory);
            (memory, size) = (0, 0);
            memory = (nint)NativeMemory.AlignedAlloc(bytes, 64);
            size = bytes;
        }
        return (void*)memory;
    }
}
