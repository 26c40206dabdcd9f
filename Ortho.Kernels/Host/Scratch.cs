using System.Runtime.InteropServices;

namespace Ortho.Kernels.Host;

/// <summary>Memory of the calling thread for one purpose. It lives as long as its thread, so that the steady state does not allocate -
/// unless it is large: then until the purpose asks for less, or gives it back.</summary>
/// <typeparam name="TPurpose">A type for each memory that is used while others are.</typeparam>
static unsafe class Scratch<TPurpose> where TPurpose : struct
{
    // What a thread keeps between calls.
    const nuint Kept = 32 << 20;

    [ThreadStatic] static nint memory;
    [ThreadStatic] static nuint size;

    /// <summary>Room for so many elements, on a cache line; what was given before is no longer valid.</summary>
    public static E* Of<E>(nuint elements) where E : unmanaged
    {
        var bytes = checked(elements * (nuint)sizeof(E));
        if (bytes > size || size > Kept && bytes <= Kept)
        {
            Free();
            memory = (nint)NativeMemory.AlignedAlloc(bytes, 64);
            size = bytes;
        }
        return (E*)memory;
    }

    /// <summary>Gives back what is too large to keep.</summary>
    public static void ReleaseLarge()
    {
        if (size > Kept)
            Free();
    }

    // Should the next allocation fail, nothing is left to be used.
    static void Free()
    {
        NativeMemory.AlignedFree((void*)memory);
        (memory, size) = (0, 0);
    }
}
