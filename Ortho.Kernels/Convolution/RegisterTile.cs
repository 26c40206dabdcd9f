using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Convolution;

/// <summary>The loops that convolutions are made of: c[r][v] += a[t][r] * b_v[off[t]], t in order, a fused multiply-add each, for a few
/// rows r and vectors v whose sums stay in registers.</summary>
/// <remarks>
/// Chains begin at zero every <c>chain</c> steps; the first one's sums become the tile, or are added to it, and the following ones' are
/// added. The tile lies row by row, each of as many vectors as the loop has. Which of the loops makes an element changes no bit of it.
/// </remarks>
static unsafe class RegisterTile
{
    /// <summary>Vectors of a tile of several rows, at most.</summary>
    public const int Vectors = 3;

    /// <summary>Vectors of a tile of one row: enough chains to hide the latency of each.</summary>
    public const int RowVectors = 8;

    /// <summary>Vectors of a tile of products of vectors: the taps of a kernel of 3 x 3.</summary>
    public const int PairVectors = 9;

    /// <summary>Rows of the tiles that most of the work is done in: 24 sums of 32 registers, or 12 of 16.</summary>
    [MethodImpl(Inline.Always)]
    public static int Rows<E, V>() where E : unmanaged where V : struct, ILane<V> => typeof(V) == typeof(Vec512<E>) ? 8 : 4;

    /// <summary>Rows of the tile that <paramref name="left"/> rows begin with: what lies beyond them is computed for nothing.</summary>
    public static int Rows<E, V>(int left) where E : unmanaged where V : struct, ILane<V> => left == 1 ? 1 : left <= 4 ? 4 : Rows<E, V>();

    /// <summary>Vectors of a tile of so many rows.</summary>
    public static int Width(int rows) => rows == 1 ? RowVectors : Vectors;

    // Vectors of a tile, known when it is compiled.
    interface IWidth
    {
        static abstract int Count { get; }
    }

    readonly struct OneVector : IWidth
    {
        public static int Count => 1;
    }

    readonly struct TwoVectors : IWidth
    {
        public static int Count => 2;
    }

    readonly struct ThreeVectors : IWidth
    {
        public static int Count => Vectors;
    }

    /// <summary>A tile of 4 or 8 rows of at most <see cref="Vectors"/> vectors, or of one row of <see cref="RowVectors"/>, some of which may
    /// not count but must be readable.</summary>
    /// <param name="rows">1, 4 or 8.</param>
    /// <param name="vectors">Vectors that count: the tile has as many in each row, but for one row.</param>
    /// <param name="a">For each step the numbers of all rows.</param>
    /// <param name="b">The operand of the vectors.</param>
    /// <param name="at">Where each vector begins in it.</param>
    /// <param name="off">How far from there each step reads.</param>
    /// <param name="steps">Steps.</param>
    /// <param name="chain">Steps of a chain.</param>
    /// <param name="tile">The sums.</param>
    /// <param name="add">Whether the tile has sums already.</param>
    [MethodImpl(Inline.Always)]
    public static void Run<E, V, FV>(int rows, int vectors, E* a, E* b, int* at, int* off, int steps, int chain, E* tile, bool add)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        if (rows == 1)
            One<E, V, FV>(a, b, at, off, steps, chain, tile, add);
        else if (vectors == 1)
            Several<E, V, FV, OneVector>(rows, a, b + at[0], null, null, off, steps, chain, tile, add);
        else if (vectors == 2)
            Several<E, V, FV, TwoVectors>(rows, a, b + at[0], b + at[1], null, off, steps, chain, tile, add);
        else
            Several<E, V, FV, ThreeVectors>(rows, a, b + at[0], b + at[1], b + at[2], off, steps, chain, tile, add);
    }

    [MethodImpl(Inline.Always)]
    static void Several<E, V, FV, W>(int rows, E* a, E* b0, E* b1, E* b2, int* off, int steps, int chain, E* tile, bool add)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E> where W : struct, IWidth
    {
        if (rows == 8)
            Eight<E, V, FV, W>(a, b0, b1, b2, off, steps, chain, tile, add);
        else
            Four<E, V, FV, W>(a, b0, b1, b2, off, steps, chain, tile, add);
    }

    [MethodImpl(Inline.Root)]
    static void Eight<E, V, FV, W>(E* a, E* b0, E* b1, E* b2, int* off, int steps, int chain, E* tile, bool add)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E> where W : struct, IWidth
    {
        while (steps > 0)
        {
            V c00 = V.Of(0), c01 = c00, c02 = c00, c10 = c00, c11 = c00, c12 = c00, c20 = c00, c21 = c00, c22 = c00, c30 = c00, c31 = c00, c32 = c00;
            V c40 = c00, c41 = c00, c42 = c00, c50 = c00, c51 = c00, c52 = c00, c60 = c00, c61 = c00, c62 = c00, c70 = c00, c71 = c00, c72 = c00;
            var end = off + Math.Min(chain, steps);
            for (; off < end; off++)
            {
                var o = (nint)(*off);
                var (x0, x1, x2) = (FV.Load(b0 + o), W.Count > 1 ? FV.Load(b1 + o) : default, W.Count > 2 ? FV.Load(b2 + o) : default);
                var s = FV.Splat(a[0]);
                c00 = V.Fma(s, x0, c00);
                c01 = W.Count > 1 ? V.Fma(s, x1, c01) : c01;
                c02 = W.Count > 2 ? V.Fma(s, x2, c02) : c02;
                s = FV.Splat(a[1]);
                c10 = V.Fma(s, x0, c10);
                c11 = W.Count > 1 ? V.Fma(s, x1, c11) : c11;
                c12 = W.Count > 2 ? V.Fma(s, x2, c12) : c12;
                s = FV.Splat(a[2]);
                c20 = V.Fma(s, x0, c20);
                c21 = W.Count > 1 ? V.Fma(s, x1, c21) : c21;
                c22 = W.Count > 2 ? V.Fma(s, x2, c22) : c22;
                s = FV.Splat(a[3]);
                c30 = V.Fma(s, x0, c30);
                c31 = W.Count > 1 ? V.Fma(s, x1, c31) : c31;
                c32 = W.Count > 2 ? V.Fma(s, x2, c32) : c32;
                s = FV.Splat(a[4]);
                c40 = V.Fma(s, x0, c40);
                c41 = W.Count > 1 ? V.Fma(s, x1, c41) : c41;
                c42 = W.Count > 2 ? V.Fma(s, x2, c42) : c42;
                s = FV.Splat(a[5]);
                c50 = V.Fma(s, x0, c50);
                c51 = W.Count > 1 ? V.Fma(s, x1, c51) : c51;
                c52 = W.Count > 2 ? V.Fma(s, x2, c52) : c52;
                s = FV.Splat(a[6]);
                c60 = V.Fma(s, x0, c60);
                c61 = W.Count > 1 ? V.Fma(s, x1, c61) : c61;
                c62 = W.Count > 2 ? V.Fma(s, x2, c62) : c62;
                s = FV.Splat(a[7]);
                c70 = V.Fma(s, x0, c70);
                c71 = W.Count > 1 ? V.Fma(s, x1, c71) : c71;
                c72 = W.Count > 2 ? V.Fma(s, x2, c72) : c72;
                a += 8;
            }
            var row = W.Count * FV.Width;
            Put<E, V, FV, W>(tile, c00, c01, c02, add);
            Put<E, V, FV, W>(tile + row, c10, c11, c12, add);
            Put<E, V, FV, W>(tile + 2 * row, c20, c21, c22, add);
            Put<E, V, FV, W>(tile + 3 * row, c30, c31, c32, add);
            Put<E, V, FV, W>(tile + 4 * row, c40, c41, c42, add);
            Put<E, V, FV, W>(tile + 5 * row, c50, c51, c52, add);
            Put<E, V, FV, W>(tile + 6 * row, c60, c61, c62, add);
            Put<E, V, FV, W>(tile + 7 * row, c70, c71, c72, add);
            (steps, add) = (steps - chain, true);
        }
    }

    [MethodImpl(Inline.Root)]
    static void Four<E, V, FV, W>(E* a, E* b0, E* b1, E* b2, int* off, int steps, int chain, E* tile, bool add)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E> where W : struct, IWidth
    {
        while (steps > 0)
        {
            V c00 = V.Of(0), c01 = c00, c02 = c00, c10 = c00, c11 = c00, c12 = c00, c20 = c00, c21 = c00, c22 = c00, c30 = c00, c31 = c00, c32 = c00;
            var end = off + Math.Min(chain, steps);
            for (; off < end; off++)
            {
                var o = (nint)(*off);
                var (x0, x1, x2) = (FV.Load(b0 + o), W.Count > 1 ? FV.Load(b1 + o) : default, W.Count > 2 ? FV.Load(b2 + o) : default);
                var s = FV.Splat(a[0]);
                c00 = V.Fma(s, x0, c00);
                c01 = W.Count > 1 ? V.Fma(s, x1, c01) : c01;
                c02 = W.Count > 2 ? V.Fma(s, x2, c02) : c02;
                s = FV.Splat(a[1]);
                c10 = V.Fma(s, x0, c10);
                c11 = W.Count > 1 ? V.Fma(s, x1, c11) : c11;
                c12 = W.Count > 2 ? V.Fma(s, x2, c12) : c12;
                s = FV.Splat(a[2]);
                c20 = V.Fma(s, x0, c20);
                c21 = W.Count > 1 ? V.Fma(s, x1, c21) : c21;
                c22 = W.Count > 2 ? V.Fma(s, x2, c22) : c22;
                s = FV.Splat(a[3]);
                c30 = V.Fma(s, x0, c30);
                c31 = W.Count > 1 ? V.Fma(s, x1, c31) : c31;
                c32 = W.Count > 2 ? V.Fma(s, x2, c32) : c32;
                a += 4;
            }
            var row = W.Count * FV.Width;
            Put<E, V, FV, W>(tile, c00, c01, c02, add);
            Put<E, V, FV, W>(tile + row, c10, c11, c12, add);
            Put<E, V, FV, W>(tile + 2 * row, c20, c21, c22, add);
            Put<E, V, FV, W>(tile + 3 * row, c30, c31, c32, add);
            (steps, add) = (steps - chain, true);
        }
    }

    [MethodImpl(Inline.Root)]
    static void One<E, V, FV>(E* a, E* b, int* at, int* off, int steps, int chain, E* tile, bool add)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        E* b0 = b + at[0], b1 = b + at[1], b2 = b + at[2], b3 = b + at[3], b4 = b + at[4], b5 = b + at[5], b6 = b + at[6], b7 = b + at[7];
        while (steps > 0)
        {
            V c0 = V.Of(0), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0;
            var end = off + Math.Min(chain, steps);
            for (; off < end; off++)
            {
                var o = (nint)(*off);
                var s = FV.Splat(*a);
                c0 = V.Fma(s, FV.Load(b0 + o), c0);
                c1 = V.Fma(s, FV.Load(b1 + o), c1);
                c2 = V.Fma(s, FV.Load(b2 + o), c2);
                c3 = V.Fma(s, FV.Load(b3 + o), c3);
                c4 = V.Fma(s, FV.Load(b4 + o), c4);
                c5 = V.Fma(s, FV.Load(b5 + o), c5);
                c6 = V.Fma(s, FV.Load(b6 + o), c6);
                c7 = V.Fma(s, FV.Load(b7 + o), c7);
                a++;
            }
            var w = FV.Width;
            Put<E, V, FV, ThreeVectors>(tile, c0, c1, c2, add);
            Put<E, V, FV, ThreeVectors>(tile + 3 * w, c3, c4, c5, add);
            Put<E, V, FV>(tile + 6 * w, c6, add);
            Put<E, V, FV>(tile + 7 * w, c7, add);
            (steps, add) = (steps - chain, true);
        }
    }

    /// <summary>The same with vectors of a too: c[v] += a[t] * b_v[off[t]], position by position, for <see cref="PairVectors"/> vectors.</summary>
    [MethodImpl(Inline.Root)]
    public static void Pairs<E, V, FV>(E* a, int pitch, E* b, int* at, int* off, int steps, E* tile, bool add)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        E* b0 = b + at[0], b1 = b + at[1], b2 = b + at[2], b3 = b + at[3], b4 = b + at[4], b5 = b + at[5], b6 = b + at[6], b7 = b + at[7], b8 = b + at[8];
        V c0 = V.Of(0), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0, c8 = c0;
        for (var end = off + steps; off < end; off++)
        {
            var o = (nint)(*off);
            var s = FV.Load(a);
            c0 = V.Fma(s, FV.Load(b0 + o), c0);
            c1 = V.Fma(s, FV.Load(b1 + o), c1);
            c2 = V.Fma(s, FV.Load(b2 + o), c2);
            c3 = V.Fma(s, FV.Load(b3 + o), c3);
            c4 = V.Fma(s, FV.Load(b4 + o), c4);
            c5 = V.Fma(s, FV.Load(b5 + o), c5);
            c6 = V.Fma(s, FV.Load(b6 + o), c6);
            c7 = V.Fma(s, FV.Load(b7 + o), c7);
            c8 = V.Fma(s, FV.Load(b8 + o), c8);
            a += pitch;
        }
        var w = FV.Width;
        Put<E, V, FV, ThreeVectors>(tile, c0, c1, c2, add);
        Put<E, V, FV, ThreeVectors>(tile + 3 * w, c3, c4, c5, add);
        Put<E, V, FV, ThreeVectors>(tile + 6 * w, c6, c7, c8, add);
    }

    [MethodImpl(Inline.Always)]
    static void Put<E, V, FV, W>(E* tile, V c0, V c1, V c2, bool add)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E> where W : struct, IWidth
    {
        Put<E, V, FV>(tile, c0, add);
        if (W.Count > 1)
            Put<E, V, FV>(tile + FV.Width, c1, add);
        if (W.Count > 2)
            Put<E, V, FV>(tile + 2 * FV.Width, c2, add);
    }

    [MethodImpl(Inline.Always)]
    static void Put<E, V, FV>(E* tile, V c, bool add) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
        => FV.Store(tile, add ? FV.Load(tile) + c : c);
}
