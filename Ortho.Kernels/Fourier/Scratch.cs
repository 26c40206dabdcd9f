using System.Runtime.InteropServices;

namespace Ortho.Kernels.Fourier;

/// <summary>Memory of the calling thread. It lives as long as its thread, so that the steady state does not allocate.</summary>
static unsafe class Scratch
{
    struct Buffer
    {
        nint start;
        nuint size;

        public byte* Take(nuint bytes)
        {
            if (bytes > size)
            {
                Free();
                start = (nint)NativeMemory.AlignedAlloc(bytes, 64);
                size = bytes;
            }
            return (byte*)start;
        }

        // What a thread keeps between calls.
        const nuint Kept = 32 << 20;

        public void ReleaseLarge()
        {
            if (size > Kept)
                Free();
        }

        void Free()
        {
            NativeMemory.AlignedFree((void*)start);
            (start, size) = (0, 0);
        }
    }

    [ThreadStatic] static Buffer steps, plane;

    /// <summary>What the steps of a plan write and read.</summary>
    public static byte* Steps(nuint bytes) => steps.Take(bytes);

    /// <summary>What one dimension leaves to the other.</summary>
    public static byte* Plane(nuint bytes) => plane.Take(bytes);

    /// <summary>Gives back what is too large to keep.</summary>
    public static void ReleaseLarge()
    {
        steps.ReleaseLarge();
        plane.ReleaseLarge();
    }
}
