using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Ortho.Kernels.Fourier;

/// <summary>Between signals as tensors hold them and rows of one number of each signal: transpositions of a few signals at a time.</summary>
static unsafe class Packing
{
    /// <summary>How the numbers of a tensor's signal lie in the packed rows.</summary>
    /// <param name="Length">Elements of a signal.</param>
    /// <param name="Parts">Numbers per element: 1 for real, 2 for complex.</param>
    /// <param name="Flip">1 to exchange the numbers of each pair (real and imaginary parts), else 0.</param>
    /// <param name="Spread">2 when each number is the real part of a packed complex one, else 1: the numbers follow each other.</param>
    public readonly record struct Side(int Length, int Parts, int Flip, int Spread);

    /// <summary>Tensor to rows: number i of signal w, at <c>x[offsets[w] + ...]</c>, becomes <c>to[i * width + w]</c>.</summary>
    /// <param name="x">The tensor's first number.</param>
    /// <param name="offsets">The first number of each signal.</param>
    /// <param name="inner">Elements between neighbours of a signal.</param>
    /// <param name="side">The tensor's form.</param>
    /// <param name="to">The rows.</param>
    /// <param name="width">Signals.</param>
    public static void Pack<E>(E* x, nint* offsets, int inner, Side side, E* to, int width) where E : unmanaged
    {
        var numbers = side.Length * side.Parts;
        if (side.Spread == 2)
        {
            for (var i = 0; i < side.Length; i++)
            {
                var row = to + (nint)(2 * i) * width;
                for (var w = 0; w < width; w++)
                    (row[w + side.Flip * width], row[w + (1 - side.Flip) * width]) = (x[offsets[w] + (nint)i * inner], default);
            }
            return;
        }
        if (inner == 1)
        {
            var done = 0;
            if (Sse2.IsSupported && width % 4 == 0)
            {
                for (var w = 0; w < width; w += 4)
                {
                    done = typeof(E) == typeof(float)
                        ? Rows4((float*)x, offsets + w, (float*)to + w, width, numbers, side.Flip)
                        : Rows4((double*)x, offsets + w, (double*)to + w, width, numbers, side.Flip);
                }
            }
            for (var i = done; i < numbers; i++)
            {
                var row = to + (nint)(i ^ side.Flip) * width;
                for (var w = 0; w < width; w++)
                    row[w] = x[offsets[w] + i];
            }
            return;
        }
        // Signals of neighbouring columns are read together, four at a time unless all are neighbours.
        var group = AreNeighbours(offsets, side.Parts, width) ? width : Math.Min(4, width);
        for (var w = 0; w < width; w += group)
        {
            var row = to + w;
            if (Sse2.IsSupported && AreNeighbours(offsets + w, side.Parts, group))
                PackColumns(x + offsets[w], inner, side, row, width, group);
            else
                PackScattered(x, offsets + w, inner, side, row, width, group);
        }
    }

    static void PackColumns<E>(E* x, int inner, Side side, E* to, int width, int group) where E : unmanaged
    {
        var step = (nint)inner * side.Parts;
        for (var i = 0; i < side.Length; i++, x += step)
        {
            // The next rows are pages apart: hardware does not foresee them.
            Sse.Prefetch0(x + Ahead * step);
            if (side.Parts == 1)
            {
                Unsafe.CopyBlockUnaligned(to + (nint)(i ^ side.Flip) * width, x, (uint)(group * sizeof(E)));
                continue;
            }
            var (re, im) = ((nint)(2 * i + side.Flip) * width, (nint)(2 * i + 1 - side.Flip) * width);
            if (typeof(E) == typeof(float))
                Separate((float*)x, (float*)to + re, (float*)to + im, group);
            else
                Separate((double*)x, (double*)to + re, (double*)to + im, group);
        }
    }

    static void PackScattered<E>(E* x, nint* offsets, int inner, Side side, E* to, int width, int group) where E : unmanaged
    {
        for (var w = 0; w < group; w++)
        {
            var from = x + offsets[w];
            for (var i = 0; i < side.Length; i++, from += (nint)inner * side.Parts)
            {
                for (var part = 0; part < side.Parts; part++)
                    to[(nint)((i * side.Parts + part) ^ side.Flip) * width + w] = from[part];
            }
        }
    }

    // Elements of a column that are fetched ahead of their use.
    const int Ahead = 8;

    /// <summary>Rows to tensor: the inverse of <see cref="Pack"/>, for the first <paramref name="count"/> signals.</summary>
    public static void Unpack<E>(E* y, nint* offsets, int inner, Side side, E* from, int width, int count) where E : unmanaged
    {
        var numbers = side.Length * side.Parts;
        if (side.Spread == 2)
        {
            for (var i = 0; i < side.Length; i++)
            {
                var row = from + (nint)(2 * i + side.Flip) * width;
                for (var w = 0; w < count; w++)
                    y[offsets[w] + (nint)i * inner] = row[w];
            }
            return;
        }
        if (inner == 1)
        {
            var done = 0;
            var full = Sse2.IsSupported ? count / 4 * 4 : 0;
            for (var w = 0; w < full; w += 4)
            {
                done = typeof(E) == typeof(float)
                    ? Columns4((float*)y, offsets + w, (float*)from + w, width, numbers, side.Flip)
                    : Columns4((double*)y, offsets + w, (double*)from + w, width, numbers, side.Flip);
            }
            for (var w = 0; w < count; w++)
            {
                var signal = y + offsets[w];
                for (var i = w < full ? done : 0; i < numbers; i++)
                    signal[i] = from[(nint)(i ^ side.Flip) * width + w];
            }
            return;
        }
        var group = count == width && AreNeighbours(offsets, side.Parts, width) ? width : Math.Min(4, width);
        for (var w = 0; w < count; w += group)
        {
            var row = from + w;
            if (Sse2.IsSupported && w + group <= count && AreNeighbours(offsets + w, side.Parts, group))
                UnpackColumns(y + offsets[w], inner, side, row, width, group);
            else
                UnpackScattered(y, offsets + w, inner, side, row, width, Math.Min(group, count - w));
        }
    }

    static void UnpackColumns<E>(E* y, int inner, Side side, E* from, int width, int group) where E : unmanaged
    {
        var step = (nint)inner * side.Parts;
        for (var i = 0; i < side.Length; i++, y += step)
        {
            Sse.Prefetch0(y + Ahead * step);
            if (side.Parts == 1)
            {
                Unsafe.CopyBlockUnaligned(y, from + (nint)(i ^ side.Flip) * width, (uint)(group * sizeof(E)));
                continue;
            }
            var (re, im) = ((nint)(2 * i + side.Flip) * width, (nint)(2 * i + 1 - side.Flip) * width);
            if (typeof(E) == typeof(float))
                Join((float*)y, (float*)from + re, (float*)from + im, group);
            else
                Join((double*)y, (double*)from + re, (double*)from + im, group);
        }
    }

    static void UnpackScattered<E>(E* y, nint* offsets, int inner, Side side, E* from, int width, int group) where E : unmanaged
    {
        for (var w = 0; w < group; w++)
        {
            var to = y + offsets[w];
            for (var i = 0; i < side.Length; i++, to += (nint)inner * side.Parts)
            {
                for (var part = 0; part < side.Parts; part++)
                    to[part] = from[(nint)((i * side.Parts + part) ^ side.Flip) * width + w];
            }
        }
    }

    static bool AreNeighbours(nint* offsets, int parts, int width)
    {
        for (var w = 1; w < width; w++)
        {
            if (offsets[w] != offsets[0] + w * parts)
                return false;
        }
        return width > 1;
    }

    // Blocks of four signals by four numbers, transposed in registers; returns the numbers done.

    static int Rows4(float* x, nint* offsets, float* to, int width, int numbers, int flip)
    {
        var (a, b, c, d) = ((nint)(x + offsets[0]), (nint)(x + offsets[1]), (nint)(x + offsets[2]), (nint)(x + offsets[3]));
        var i = 0;
        for (; i + 4 <= numbers; i += 4)
        {
            var row = to + (nint)i * width;
            var (p, q, r, s) = Transpose(Vector128.Load((float*)a + i), Vector128.Load((float*)b + i), Vector128.Load((float*)c + i), Vector128.Load((float*)d + i));
            p.Store(row + flip * width);
            q.Store(row + (1 - flip) * width);
            r.Store(row + (2 + flip) * width);
            s.Store(row + (3 - flip) * width);
        }
        return i;
    }

    static int Columns4(float* y, nint* offsets, float* from, int width, int numbers, int flip)
    {
        var (a, b, c, d) = ((nint)(y + offsets[0]), (nint)(y + offsets[1]), (nint)(y + offsets[2]), (nint)(y + offsets[3]));
        var i = 0;
        for (; i + 4 <= numbers; i += 4)
        {
            var row = from + (nint)i * width;
            var (p, q, r, s) = Transpose(Vector128.Load(row + flip * width), Vector128.Load(row + (1 - flip) * width),
                Vector128.Load(row + (2 + flip) * width), Vector128.Load(row + (3 - flip) * width));
            p.Store((float*)a + i);
            q.Store((float*)b + i);
            r.Store((float*)c + i);
            s.Store((float*)d + i);
        }
        return i;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static (Vector128<float>, Vector128<float>, Vector128<float>, Vector128<float>) Transpose(
        Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        var (ab, cd) = (Sse.UnpackLow(a, b), Sse.UnpackLow(c, d));
        var (abHigh, cdHigh) = (Sse.UnpackHigh(a, b), Sse.UnpackHigh(c, d));
        return (Sse.MoveLowToHigh(ab, cd), Sse.MoveHighToLow(cd, ab), Sse.MoveLowToHigh(abHigh, cdHigh), Sse.MoveHighToLow(cdHigh, abHigh));
    }

    static int Rows4(double* x, nint* offsets, double* to, int width, int numbers, int flip)
    {
        var i = 0;
        for (; i + 2 <= numbers; i += 2)
        {
            for (var w = 0; w < 4; w += 2)
            {
                var (a, b) = (Vector128.Load(x + offsets[w] + i), Vector128.Load(x + offsets[w + 1] + i));
                Sse2.UnpackLow(a, b).Store(to + (nint)(i + flip) * width + w);
                Sse2.UnpackHigh(a, b).Store(to + (nint)(i + 1 - flip) * width + w);
            }
        }
        return i;
    }

    static int Columns4(double* y, nint* offsets, double* from, int width, int numbers, int flip)
    {
        var i = 0;
        for (; i + 2 <= numbers; i += 2)
        {
            for (var w = 0; w < 4; w += 2)
            {
                var (a, b) = (Vector128.Load(from + (nint)(i + flip) * width + w), Vector128.Load(from + (nint)(i + 1 - flip) * width + w));
                Sse2.UnpackLow(a, b).Store(y + offsets[w] + i);
                Sse2.UnpackHigh(a, b).Store(y + offsets[w + 1] + i);
            }
        }
        return i;
    }

    // Neighbouring complex numbers to their real and imaginary parts and back.

    internal static void Separate(float* x, float* re, float* im, int width)
    {
        for (var w = 0; w < width; w += 4)
        {
            var (a, b) = (Vector128.Load(x + 2 * w), Vector128.Load(x + 2 * w + 4));
            Sse.Shuffle(a, b, 0b10_00_10_00).Store(re + w);
            Sse.Shuffle(a, b, 0b11_01_11_01).Store(im + w);
        }
    }

    internal static void Separate(double* x, double* re, double* im, int width)
    {
        for (var w = 0; w < width; w += 2)
        {
            var (a, b) = (Vector128.Load(x + 2 * w), Vector128.Load(x + 2 * w + 2));
            Sse2.UnpackLow(a, b).Store(re + w);
            Sse2.UnpackHigh(a, b).Store(im + w);
        }
    }

    internal static void Join(float* y, float* re, float* im, int width)
    {
        for (var w = 0; w < width; w += 4)
        {
            var (a, b) = (Vector128.Load(re + w), Vector128.Load(im + w));
            Sse.UnpackLow(a, b).Store(y + 2 * w);
            Sse.UnpackHigh(a, b).Store(y + 2 * w + 4);
        }
    }

    internal static void Join(double* y, double* re, double* im, int width)
    {
        for (var w = 0; w < width; w += 2)
        {
            var (a, b) = (Vector128.Load(re + w), Vector128.Load(im + w));
            Sse2.UnpackLow(a, b).Store(y + 2 * w);
            Sse2.UnpackHigh(a, b).Store(y + 2 * w + 2);
        }
    }
}
