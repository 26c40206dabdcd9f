using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Fourier;

/// <summary>Between signals as tensors hold them and rows of one number of each signal: transpositions, in tiles of vectors.</summary>
static unsafe class Packing
{
    /// <summary>How the numbers of a tensor's signal lie in the packed rows.</summary>
    /// <param name="Length">Elements of a signal.</param>
    /// <param name="Parts">Numbers per element: 1 for real, 2 for complex.</param>
    /// <param name="Flip">1 to exchange the numbers of each pair (real and imaginary parts), else 0.</param>
    /// <param name="Spread">2 when each number is the real part of a packed complex one, else 1: the numbers follow each other.</param>
    public readonly record struct Side(int Length, int Parts, int Flip, int Spread)
    {
        /// <summary>Numbers of a signal.</summary>
        public int Numbers => Length * Parts;

        /// <summary>The packed row of number <paramref name="i"/>.</summary>
        [MethodImpl(Inline.Always)] public nint Row(int i) => Spread == 2 ? 2 * i + Flip : i ^ Flip;
    }

    /// <summary>Dense signals to rows: number i of signal w, at <c>signals[w] + at + i</c>, becomes
    /// <c>rows + side.Row((i + turn) mod side.Numbers) * width + w</c>.</summary>
    /// <param name="signals">Addresses of the signals.</param>
    /// <param name="at">Numbers before the first.</param>
    /// <param name="given">Numbers of a signal; the others of <paramref name="side"/> are zero.</param>
    /// <param name="turn">Places by which the signal is rotated.</param>
    /// <param name="side">The form of a whole signal.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="ahead">Bytes from the signals to those that come next, which are fetched into the cache; 0 for none.</param>
    public static void Pack<V, E, FV>(nint* signals, nint at, int given, int turn, Side side, E* rows, nint ahead = 0)
        where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        var width = FV.Width;
        if (given < side.Numbers || side.Spread == 2)
            new Span<E>(rows, side.Numbers * side.Spread * width).Clear();
        var to = stackalloc nint[width];
        for (var i = 0; i < given; i += width)
        {
            // The last tile overlaps the one before it, unless it is the only one.
            var (first, count) = (Math.Max(0, Math.Min(i, given - width)), Math.Min(width, given));
            Rows<V, E, FV>(rows, side, first + turn, count, to);
            if (ahead != 0)
                Fetch<E>(signals, at + first, width, ahead);
            Tile<V, E, FV>(signals, at + first, to, count);
        }
    }

    // Addresses of the rows of numbers that follow each other around the circle.
    static void Rows<V, E, FV>(E* rows, Side side, int first, int count, nint* addresses) where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        for (var e = 0; e < count; e++)
        {
            var number = first + e;
            if (number >= side.Numbers)
                number -= side.Numbers;
            addresses[e] = (nint)(rows + side.Row(number) * FV.Width);
        }
    }

    /// <summary>Elements <paramref name="at"/> .. of <paramref name="signals"/> to rows: a whole tile, or what there is of a smaller one.</summary>
    public static void Tile<V, E, FV>(nint* signals, nint at, nint* rows, int count) where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        var (width, small) = (FV.Width, Vector128<E>.Count);
        if (count == width)
        {
            Weave.Transpose<V, E, FV>(signals, at, rows, 0);
            return;
        }
        var done = 0;
        for (; done + small <= count && width >= small; done += small)
        {
            for (var w = 0; w < width; w += small)
                Weave.Transpose<Vec128<E>, E, Packed128<E>>(signals + w, at + done, rows + done, w);
        }
        for (; done < count; done++)
        {
            for (var w = 0; w < width; w++)
                ((E*)rows[done])[w] = ((E*)signals[w])[at + done];
        }
    }

    /// <summary>Rows to dense signals: the inverse of <see cref="Pack"/>, for the first <paramref name="count"/> signals.</summary>
    public static void Unpack<V, E, FV>(nint* signals, int count, nint at, int wanted, int turn, Side side, E* rows, nint ahead = 0)
        where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        var width = FV.Width;
        var from = stackalloc nint[width];
        for (var i = 0; i < wanted; i += width)
        {
            var (first, numbers) = (Math.Max(0, Math.Min(i, wanted - width)), Math.Min(width, wanted));
            Rows<V, E, FV>(rows, side, first + turn, numbers, from);
            if (ahead != 0)
                Fetch<E>(signals, at + first, width, ahead);
            Untile<V, E, FV>(from, numbers, signals, at + first, count);
        }
    }

    /// <summary>Rows to elements <paramref name="at"/> .. of the first <paramref name="count"/> signals.</summary>
    public static void Untile<V, E, FV>(nint* rows, int numbers, nint* signals, nint at, int count)
        where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
    {
        var (width, small) = (FV.Width, Vector128<E>.Count);
        if (numbers == width && count == width)
        {
            Weave.Transpose<V, E, FV>(rows, 0, signals, at);
            return;
        }
        var (done, full) = (0, width >= small ? count / small * small : 0);
        for (; done + small <= numbers; done += small)
        {
            for (var w = 0; w < full; w += small)
                Weave.Transpose<Vec128<E>, E, Packed128<E>>(rows + done, w, signals + w, at + done);
        }
        for (var w = 0; w < count; w++)
        {
            for (var e = w < full ? done : 0; e < numbers; e++)
                ((E*)signals[w])[at + e] = ((E*)rows[e])[w];
        }
    }

    // Hardware does not foresee what is read and written next: a few numbers of many signals.
    static void Fetch<E>(nint* signals, nint at, int width, nint ahead) where E : unmanaged
    {
        if (Sse.IsSupported)
        {
            for (var w = 0; w < width; w++)
                Sse.Prefetch1((E*)(signals[w] + ahead) + at);
        }
    }

    /// <summary>Signals whose elements lie apart to rows.</summary>
    /// <param name="signals">The first number of each signal.</param>
    /// <param name="step">Numbers between neighbours of a signal.</param>
    /// <param name="side">The tensor's form.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="width">Signals.</param>
    public static void Gather<E>(nint* signals, nint step, Side side, E* rows, int width) where E : unmanaged
    {
        for (var w = 0; w < width; w++)
        {
            var from = (E*)signals[w];
            for (var i = 0; i < side.Length; i++, from += step)
            {
                for (var part = 0; part < side.Parts; part++)
                    rows[side.Row(i * side.Parts + part) * width + w] = from[part];
                if (side.Spread == 2)
                    rows[(side.Row(i) ^ 1) * width + w] = default;
            }
        }
    }

    /// <summary>The inverse of <see cref="Gather"/>, for the first <paramref name="count"/> signals.</summary>
    public static void Scatter<E>(nint* signals, nint step, Side side, E* rows, int width, int count) where E : unmanaged
    {
        for (var w = 0; w < count; w++)
        {
            var to = (E*)signals[w];
            for (var i = 0; i < side.Length; i++, to += step)
            {
                for (var part = 0; part < side.Parts; part++)
                    to[part] = rows[side.Row(i * side.Parts + part) * width + w];
            }
        }
    }
}
