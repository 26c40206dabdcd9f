using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Host;

/// <summary>Transposes squares whose sides are cache lines.</summary>
/// <remarks>Each line of the source is read at once and each of the destination written at once: where the strides are powers of two, all of
/// them compete for the same few places in the cache, and a line looked at twice is fetched twice.</remarks>
static unsafe class Transposition
{
    // Bytes of a cache line, and of the vectors that are shuffled.
    const int Line = 64, Bytes = 16;

    /// <summary>Elements along a side.</summary>
    public static int Side<E>() where E : unmanaged => Line / sizeof(E);

    /// <summary>y[i, j] = x[j, i] for a square of <see cref="Side"/> rows and columns.</summary>
    /// <param name="y">The destination.</param>
    /// <param name="x">The source.</param>
    /// <param name="toRow">Elements from a row of the destination to the next.</param>
    /// <param name="fromRow">Elements from a row of the source to the next.</param>
    /// <param name="past">Whether the destination, whose rows are aligned to lines, is written past the cache.</param>
    [SkipLocalsInit]
    [MethodImpl(Inline.Root)]
    public static void Square<E>(E* y, E* x, nint toRow, nint fromRow, bool past) where E : unmanaged
    {
        var (side, small) = (Line / sizeof(E), Bytes / sizeof(E));
        var square = stackalloc E[side * side];
        for (var j = 0; j < side; j += small)
        {
            for (var i = 0; i < side; i += small)
                Small(square + i * side + j, x + j * fromRow + i, side, fromRow);
        }
        for (var i = 0; i < side; i++)
            Write((byte*)(y + i * toRow), (byte*)(square + i * side), past);
    }

    // A square whose sides are vectors: with v_k the rows of the source, v_k and v_(k + n/2) interleaved for all k give rows in which pairs
    // are together that belong together; after log2 n rounds, columns.
    [MethodImpl(Inline.Always)]
    static void Small<E>(E* y, E* x, nint toRow, nint fromRow) where E : unmanaged
    {
        if (sizeof(E) == 16)
        {
            *y = *x;
        }
        else if (!Sse2.IsSupported && !AdvSimd.Arm64.IsSupported)
        {
            for (var i = 0; i < Bytes / sizeof(E); i++)
            {
                for (var j = 0; j < Bytes / sizeof(E); j++)
                    y[i * toRow + j] = x[j * fromRow + i];
            }
        }
        else if (sizeof(E) == 8)
        {
            var (a, b) = (Vector128.Load(x), Vector128.Load(x + fromRow));
            Low(a, b).Store(y);
            High(a, b).Store(y + toRow);
        }
        else if (sizeof(E) == 4)
        {
            var (a, b, c, d) = (Vector128.Load(x), Vector128.Load(x + fromRow), Vector128.Load(x + 2 * fromRow), Vector128.Load(x + 3 * fromRow));
            var (e, f, g, h) = (Low(a, c), High(a, c), Low(b, d), High(b, d));
            Low(e, g).Store(y);
            High(e, g).Store(y + toRow);
            Low(f, h).Store(y + 2 * toRow);
            High(f, h).Store(y + 3 * toRow);
        }
        else
        {
            Rounds(y, x, toRow, fromRow);
        }
    }

    [SkipLocalsInit]
    [MethodImpl(Inline.Root)]
    static void Rounds<E>(E* y, E* x, nint toRow, nint fromRow) where E : unmanaged
    {
        var n = Bytes / sizeof(E);
        Vector128<E>* v = stackalloc Vector128<E>[2 * n], w = v + n;
        for (var k = 0; k < n; k++)
            v[k] = Vector128.Load(x + k * fromRow);
        for (var round = 1; round < n; round *= 2)
        {
            for (var k = 0; k < n / 2; k++)
                (w[2 * k], w[2 * k + 1]) = (Low(v[k], v[k + n / 2]), High(v[k], v[k + n / 2]));
            var last = v;
            v = w;
            w = last;
        }
        for (var k = 0; k < n; k++)
            v[k].Store(y + k * toRow);
    }

    // The lower halves of two vectors, interleaved.
    [MethodImpl(Inline.Always)]
    static Vector128<E> Low<E>(Vector128<E> a, Vector128<E> b) where E : unmanaged => Sse2.IsSupported
        ? sizeof(E) switch
        {
            1 => Sse2.UnpackLow(a.AsByte(), b.AsByte()).As<byte, E>(),
            2 => Sse2.UnpackLow(a.AsInt16(), b.AsInt16()).As<short, E>(),
            4 => Sse2.UnpackLow(a.AsInt32(), b.AsInt32()).As<int, E>(),
            _ => Sse2.UnpackLow(a.AsInt64(), b.AsInt64()).As<long, E>(),
        }
        : sizeof(E) switch
        {
            1 => AdvSimd.Arm64.ZipLow(a.AsByte(), b.AsByte()).As<byte, E>(),
            2 => AdvSimd.Arm64.ZipLow(a.AsInt16(), b.AsInt16()).As<short, E>(),
            4 => AdvSimd.Arm64.ZipLow(a.AsInt32(), b.AsInt32()).As<int, E>(),
            _ => AdvSimd.Arm64.ZipLow(a.AsInt64(), b.AsInt64()).As<long, E>(),
        };

    // Their upper halves.
    [MethodImpl(Inline.Always)]
    static Vector128<E> High<E>(Vector128<E> a, Vector128<E> b) where E : unmanaged => Sse2.IsSupported
        ? sizeof(E) switch
        {
            1 => Sse2.UnpackHigh(a.AsByte(), b.AsByte()).As<byte, E>(),
            2 => Sse2.UnpackHigh(a.AsInt16(), b.AsInt16()).As<short, E>(),
            4 => Sse2.UnpackHigh(a.AsInt32(), b.AsInt32()).As<int, E>(),
            _ => Sse2.UnpackHigh(a.AsInt64(), b.AsInt64()).As<long, E>(),
        }
        : sizeof(E) switch
        {
            1 => AdvSimd.Arm64.ZipHigh(a.AsByte(), b.AsByte()).As<byte, E>(),
            2 => AdvSimd.Arm64.ZipHigh(a.AsInt16(), b.AsInt16()).As<short, E>(),
            4 => AdvSimd.Arm64.ZipHigh(a.AsInt32(), b.AsInt32()).As<int, E>(),
            _ => AdvSimd.Arm64.ZipHigh(a.AsInt64(), b.AsInt64()).As<long, E>(),
        };

    // One line.
    [MethodImpl(Inline.Always)]
    static void Write(byte* y, byte* x, bool past)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            if (past)
                Vector512.Load(x).StoreAlignedNonTemporal(y);
            else
                Vector512.Load(x).Store(y);
            return;
        }
        for (var i = 0; i < Line; i += Bytes)
        {
            if (past)
                Vector128.Load(x + i).StoreAlignedNonTemporal(y + i);
            else
                Vector128.Load(x + i).Store(y + i);
        }
    }
}
