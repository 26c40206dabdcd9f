using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.MatMul;

/// <summary>Rows or vectors of a register tile, known when the tile is compiled: only the name counts.</summary>
interface IExtent;

readonly struct One : IExtent;

readonly struct Two : IExtent;

readonly struct Three : IExtent;

readonly struct Four : IExtent;

readonly struct Eight : IExtent;

/// <summary>Where a tile of a product reads and writes.</summary>
unsafe struct TileArguments<E> where E : unmanaged
{
    /// <summary>a's first element, the distance of its rows and that of inner neighbours.</summary>
    public E* A;
    public nint ARow, AStep;

    /// <summary>b's first vector, and the distance of its rows; columns are neighbours.</summary>
    public E* B;
    public nint BStep;

    /// <summary>Products that are chained.</summary>
    public int Depth;

    /// <summary>Where the sums go: the first vector, and the distance of rows.</summary>
    public E* Y;
    public nint YRow;
}

/// <summary>The micro-kernel: a tile of the result, up to eight rows of up to three vectors, held in registers.</summary>
/// <remarks>Every element is one chain of fused multiply-adds, whatever the tile's extents: tiles may overlap or be cut in any way.</remarks>
static unsafe class RegisterTile<E, V, FV> where E : unmanaged where V : struct, ILane<V> where FV : struct, IFormat<V, E>
{
    /// <summary>The sums of a tile of 1, 4 or 8 <paramref name="rows"/> of <paramref name="vectors"/>.</summary>
    public static void Run(in TileArguments<E> x, int rows, int vectors)
    {
        switch (rows, vectors)
        {
            case (8, 3): Run<Eight, Three>(x); break;
            case (8, 2): Run<Eight, Two>(x); break;
            case (8, _): Run<Eight, One>(x); break;
            case (4, 3): Run<Four, Three>(x); break;
            case (4, 2): Run<Four, Two>(x); break;
            case (4, _): Run<Four, One>(x); break;
            case (_, 3): Run<One, Three>(x); break;
            case (_, 2): Run<One, Two>(x); break;
            default: Run<One, One>(x); break;
        }
    }

    // Conditions on R and C are folded when a tile is compiled, and what they rule out takes no registers. The loop needs most of the JIT's
    // inlining budget, and a call left in the method would spill registers in the loop: sums are stored as they are.
    [MethodImpl(Inline.Root)]
    static void Run<R, C>(in TileArguments<E> x) where R : struct, IExtent where C : struct, IExtent
    {
        var w = FV.Width;
        var a = x.A;
        var b = x.B;
        var (row, row2, row3, step, bStep) = (x.ARow, 2 * x.ARow, 3 * x.ARow, x.AStep, x.BStep);
        V c00 = V.Of(0), c01 = c00, c02 = c00, c10 = c00, c11 = c00, c12 = c00, c20 = c00, c21 = c00, c22 = c00, c30 = c00, c31 = c00, c32 = c00;
        V c40 = c00, c41 = c00, c42 = c00, c50 = c00, c51 = c00, c52 = c00, c60 = c00, c61 = c00, c62 = c00, c70 = c00, c71 = c00, c72 = c00;
        for (var k = x.Depth; k > 0; k--)
        {
            V b0 = FV.Load(b), b1 = b0, b2 = b0;
            if (typeof(C) != typeof(One))
                b1 = FV.Load(b + w);
            if (typeof(C) == typeof(Three))
                b2 = FV.Load(b + 2 * w);
            Multiply<C>(a[0], b0, b1, b2, ref c00, ref c01, ref c02);
            if (typeof(R) != typeof(One))
            {
                Multiply<C>(a[row], b0, b1, b2, ref c10, ref c11, ref c12);
                Multiply<C>(a[row2], b0, b1, b2, ref c20, ref c21, ref c22);
                Multiply<C>(a[row3], b0, b1, b2, ref c30, ref c31, ref c32);
            }
            if (typeof(R) == typeof(Eight))
            {
                var lower = a + 4 * row;
                Multiply<C>(lower[0], b0, b1, b2, ref c40, ref c41, ref c42);
                Multiply<C>(lower[row], b0, b1, b2, ref c50, ref c51, ref c52);
                Multiply<C>(lower[row2], b0, b1, b2, ref c60, ref c61, ref c62);
                Multiply<C>(lower[row3], b0, b1, b2, ref c70, ref c71, ref c72);
            }
            a += step;
            b += bStep;
        }
        Put<C>(x.Y, c00, c01, c02);
        if (typeof(R) != typeof(One))
        {
            Put<C>(x.Y + x.YRow, c10, c11, c12);
            Put<C>(x.Y + 2 * x.YRow, c20, c21, c22);
            Put<C>(x.Y + 3 * x.YRow, c30, c31, c32);
        }
        if (typeof(R) == typeof(Eight))
        {
            Put<C>(x.Y + 4 * x.YRow, c40, c41, c42);
            Put<C>(x.Y + 5 * x.YRow, c50, c51, c52);
            Put<C>(x.Y + 6 * x.YRow, c60, c61, c62);
            Put<C>(x.Y + 7 * x.YRow, c70, c71, c72);
        }
    }

    [MethodImpl(Inline.Always)]
    static void Multiply<C>(E factor, V b0, V b1, V b2, ref V c0, ref V c1, ref V c2) where C : struct, IExtent
    {
        var x = FV.Splat(factor);
        c0 = V.Fma(x, b0, c0);
        if (typeof(C) != typeof(One))
            c1 = V.Fma(x, b1, c1);
        if (typeof(C) == typeof(Three))
            c2 = V.Fma(x, b2, c2);
    }

    [MethodImpl(Inline.Always)]
    static void Put<C>(E* y, V c0, V c1, V c2) where C : struct, IExtent
    {
        FV.Store(y, c0);
        if (typeof(C) != typeof(One))
            FV.Store(y + FV.Width, c1);
        if (typeof(C) == typeof(Three))
            FV.Store(y + 2 * FV.Width, c2);
    }
}
