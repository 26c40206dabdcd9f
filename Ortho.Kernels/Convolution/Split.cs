using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Convolution;

/// <summary>Every second number of a row, in vectors: a pair of float32 is an integer of 64 bits, of which one half is wanted.</summary>
static unsafe class Split
{
    /// <summary>to[i] = from[2 i] for as many of <paramref name="count"/> as fill vectors.</summary>
    /// <returns>How many they are; 0 of other numbers than float32.</returns>
    [MethodImpl(Inline.Always)]
    public static int Even<E>(E* to, E* from, int count) where E : unmanaged => Half((uint*)to, (ulong*)from, sizeof(E) == sizeof(float) ? count : 0, 0);

    /// <summary>to[i] = from[2 i + 1], likewise.</summary>
    [MethodImpl(Inline.Always)]
    public static int Odd<E>(E* to, E* from, int count) where E : unmanaged => Half((uint*)to, (ulong*)from, sizeof(E) == sizeof(float) ? count : 0, 32);

    [MethodImpl(Inline.Always)]
    static int Half(uint* to, ulong* from, int count, int shift)
    {
        var i = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            for (; i + Vector512<uint>.Count <= count; i += Vector512<uint>.Count)
                Vector512.Narrow(Vector512.Load(from + i) >>> shift, Vector512.Load(from + i + Vector512<ulong>.Count) >>> shift).Store(to + i);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            for (; i + Vector256<uint>.Count <= count; i += Vector256<uint>.Count)
                Vector256.Narrow(Vector256.Load(from + i) >>> shift, Vector256.Load(from + i + Vector256<ulong>.Count) >>> shift).Store(to + i);
        }
        return i;
    }
}
