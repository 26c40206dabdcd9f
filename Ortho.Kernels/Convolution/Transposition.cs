using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Convolution;

/// <summary>Rows of a few planes brought beside each other.</summary>
static unsafe class Transposition
{
    // So many rows at once that planes a power of two apart do not drive each other out of the first-level cache.
    const int Few = 8;

    /// <summary>to[j * width + i] = from[i * stride + j], and zeros from the last row up to the width.</summary>
    [MethodImpl(Inline.Step)]
    public static void Run<E>(E* to, int width, E* from, nint stride, int rows, int columns) where E : unmanaged
    {
        for (var i0 = 0; i0 < width; i0 += Few)
        {
            var (count, limit) = (Math.Clamp(rows - i0, 0, Few), Math.Min(Few, width - i0));
            var j = 0;
            if (Avx.IsSupported && sizeof(E) == sizeof(float) && count == Few)
            {
                for (; j + Few <= columns; j += Few)
                    Square((float*)to + (nint)j * width + i0, width, (float*)from + i0 * stride + j, stride);
            }
            for (; j < columns; j++)
            {
                var target = to + (nint)j * width + i0;
                var source = from + i0 * stride + j;
                var i = 0;
                for (; i < count; i++)
                    target[i] = source[i * stride];
                for (; i < limit; i++)
                    target[i] = default;
            }
        }
    }

    // Eight rows of eight: pairs, then fours, then halves are exchanged.
    [MethodImpl(Inline.Always)]
    static void Square(float* to, int pitch, float* from, nint stride)
    {
        var (a, b) = (Vector256.Load(from), Vector256.Load(from + stride));
        var (low01, high01) = (Avx.UnpackLow(a, b), Avx.UnpackHigh(a, b));
        (a, b) = (Vector256.Load(from + 2 * stride), Vector256.Load(from + 3 * stride));
        var (low23, high23) = (Avx.UnpackLow(a, b), Avx.UnpackHigh(a, b));
        (a, b) = (Vector256.Load(from + 4 * stride), Vector256.Load(from + 5 * stride));
        var (low45, high45) = (Avx.UnpackLow(a, b), Avx.UnpackHigh(a, b));
        (a, b) = (Vector256.Load(from + 6 * stride), Vector256.Load(from + 7 * stride));
        var (low67, high67) = (Avx.UnpackLow(a, b), Avx.UnpackHigh(a, b));
        Halves(to, 4 * (nint)pitch, Avx.Shuffle(low01, low23, 0x44), Avx.Shuffle(low45, low67, 0x44));
        Halves(to + pitch, 4 * (nint)pitch, Avx.Shuffle(low01, low23, 0xee), Avx.Shuffle(low45, low67, 0xee));
        Halves(to + 2 * (nint)pitch, 4 * (nint)pitch, Avx.Shuffle(high01, high23, 0x44), Avx.Shuffle(high45, high67, 0x44));
        Halves(to + 3 * (nint)pitch, 4 * (nint)pitch, Avx.Shuffle(high01, high23, 0xee), Avx.Shuffle(high45, high67, 0xee));
    }

    // The lower halves are one row, the upper halves the fourth after it.
    [MethodImpl(Inline.Always)]
    static void Halves(float* to, nint further, Vector256<float> first, Vector256<float> second)
    {
        Avx.Permute2x128(first, second, 0x20).Store(to);
        Avx.Permute2x128(first, second, 0x31).Store(to + further);
    }
}
