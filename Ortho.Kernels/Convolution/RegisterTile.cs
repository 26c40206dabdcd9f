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
    /// <summary>Vectors of a tile of several rows.</summary>
    public const int Vectors = 3;

    /// <summary>Vectors of a tile of one row: enough chains to hide the latency of each.</summary>
    public const int RowVectors = 8;

    /// <summary>Vectors of the largest tile.</summary>
    public const int MostVectors = 8 * Vectors;

    /// <summary>Rows of the tiles that most of the work is done in: 24 sums of 32 registers, or 12 of 16.</summary>
    [MethodImpl(Inline.Always)]
    public static int Rows<E, V>() where E : unmanaged where V : struct, ILane<V> => typeof(V) == typeof(Vec512<E>) ? 8 : 4;

    /// <summary>Rows of the tile that <paramref name="left"/> rows begin with: what lies beyond them is computed for nothing.</summary>
    public static int Rows<E, V>(int left) where E : unmanaged where V : struct, ILane<V> => left == 1 ? 1 : left <= 4 ? 4 : Rows<E, V>();

    /// <summary>A tile of 1, 4 or 8 rows.</summary>
    [MethodImpl(Inline.Always)]
    public static void Run<E, V, FV>(int rows, E* a, E* b, int* at, int* off, int steps, int chain, E* tile, bool add)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        if (rows == 8)
            Eight<E, V, FV>(a, b + at[0], b + at[1], b + at[2], off, steps, chain, tile, add);
        else if (rows == 4)
            Four<E, V, FV>(a, b + at[0], b + at[1], b + at[2], off, steps, chain, tile, add);
        else
            One<E, V, FV>(a, b, at, off, steps, chain, tile, add);
    }

    [MethodImpl(Inline.Root)]
    static void Eight<E, V, FV>(E* a, E* b0, E* b1, E* b2, int* off, int steps, int chain, E* tile, bool add)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        while (steps > 0)
        {
            V c00 = V.Of(0), c01 = c00, c02 = c00, c10 = c00, c11 = c00, c12 = c00, c20 = c00, c21 = c00, c22 = c00, c30 = c00, c31 = c00, c32 = c00;
            V c40 = c00, c41 = c00, c42 = c00, c50 = c00, c51 = c00, c52 = c00, c60 = c00, c61 = c00, c62 = c00, c70 = c00, c71 = c00, c72 = c00;
            var end = off + Math.Min(chain, steps);
            for (; off < end; off++)
            {
                var o = (nint)(*off);
                var (x0, x1, x2) = (FV.Load(b0 + o), FV.Load(b1 + o), FV.Load(b2 + o));
                var s = FV.Splat(a[0]);
                c00 = V.Fma(s, x0, c00);
                c01 = V.Fma(s, x1, c01);
                c02 = V.Fma(s, x2, c02);
                s = FV.Splat(a[1]);
                c10 = V.Fma(s, x0, c10);
                c11 = V.Fma(s, x1, c11);
                c12 = V.Fma(s, x2, c12);
                s = FV.Splat(a[2]);
                c20 = V.Fma(s, x0, c20);
                c21 = V.Fma(s, x1, c21);
                c22 = V.Fma(s, x2, c22);
                s = FV.Splat(a[3]);
                c30 = V.Fma(s, x0, c30);
                c31 = V.Fma(s, x1, c31);
                c32 = V.Fma(s, x2, c32);
                s = FV.Splat(a[4]);
                c40 = V.Fma(s, x0, c40);
                c41 = V.Fma(s, x1, c41);
                c42 = V.Fma(s, x2, c42);
                s = FV.Splat(a[5]);
                c50 = V.Fma(s, x0, c50);
                c51 = V.Fma(s, x1, c51);
                c52 = V.Fma(s, x2, c52);
                s = FV.Splat(a[6]);
                c60 = V.Fma(s, x0, c60);
                c61 = V.Fma(s, x1, c61);
                c62 = V.Fma(s, x2, c62);
                s = FV.Splat(a[7]);
                c70 = V.Fma(s, x0, c70);
                c71 = V.Fma(s, x1, c71);
                c72 = V.Fma(s, x2, c72);
                a += 8;
            }
            var row = Vectors * FV.Width;
            Put<E, V, FV>(tile, c00, c01, c02, add);
            Put<E, V, FV>(tile + row, c10, c11, c12, add);
            Put<E, V, FV>(tile + 2 * row, c20, c21, c22, add);
            Put<E, V, FV>(tile + 3 * row, c30, c31, c32, add);
            Put<E, V, FV>(tile + 4 * row, c40, c41, c42, add);
            Put<E, V, FV>(tile + 5 * row, c50, c51, c52, add);
            Put<E, V, FV>(tile + 6 * row, c60, c61, c62, add);
            Put<E, V, FV>(tile + 7 * row, c70, c71, c72, add);
            (steps, add) = (steps - chain, true);
        }
    }

    [MethodImpl(Inline.Root)]
    static void Four<E, V, FV>(E* a, E* b0, E* b1, E* b2, int* off, int steps, int chain, E* tile, bool add)
        where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        while (steps > 0)
        {
            V c00 = V.Of(0), c01 = c00, c02 = c00, c10 = c00, c11 = c00, c12 = c00, c20 = c00, c21 = c00, c22 = c00, c30 = c00, c31 = c00, c32 = c00;
            var end = off + Math.Min(chain, steps);
            for (; off < end; off++)
            {
                var o = (nint)(*off);
                var (x0, x1, x2) = (FV.Load(b0 + o), FV.Load(b1 + o), FV.Load(b2 + o));
                var s = FV.Splat(a[0]);
                c00 = V.Fma(s, x0, c00);
                c01 = V.Fma(s, x1, c01);
                c02 = V.Fma(s, x2, c02);
                s = FV.Splat(a[1]);
                c10 = V.Fma(s, x0, c10);
                c11 = V.Fma(s, x1, c11);
                c12 = V.Fma(s, x2, c12);
                s = FV.Splat(a[2]);
                c20 = V.Fma(s, x0, c20);
                c21 = V.Fma(s, x1, c21);
                c22 = V.Fma(s, x2, c22);
                s = FV.Splat(a[3]);
                c30 = V.Fma(s, x0, c30);
                c31 = V.Fma(s, x1, c31);
                c32 = V.Fma(s, x2, c32);
                a += 4;
            }
            var row = Vectors * FV.Width;
            Put<E, V, FV>(tile, c00, c01, c02, add);
            Put<E, V, FV>(tile + row, c10, c11, c12, add);
            Put<E, V, FV>(tile + 2 * row, c20, c21, c22, add);
            Put<E, V, FV>(tile + 3 * row, c30, c31, c32, add);
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
            Put<E, V, FV>(tile, c0, c1, c2, add);
            Put<E, V, FV>(tile + 3 * w, c3, c4, c5, add);
            Put<E, V, FV>(tile + 6 * w, c6, add);
            Put<E, V, FV>(tile + 7 * w, c7, add);
            (steps, add) = (steps - chain, true);
        }
    }

    [MethodImpl(Inline.Always)]
    static void Put<E, V, FV>(E* tile, V c0, V c1, V c2, bool add) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
    {
        Put<E, V, FV>(tile, c0, add);
        Put<E, V, FV>(tile + FV.Width, c1, add);
        Put<E, V, FV>(tile + 2 * FV.Width, c2, add);
    }

    [MethodImpl(Inline.Always)]
    static void Put<E, V, FV>(E* tile, V c, bool add) where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
        => FV.Store(tile, add ? FV.Load(tile) + c : c);
}
