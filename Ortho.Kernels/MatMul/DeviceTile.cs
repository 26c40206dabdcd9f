using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Util;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.MatMul;

/// <summary>Four neighbouring float32 numbers: one access of 128 bits.</summary>
[StructLayout(LayoutKind.Sequential)]
struct Quad(float x, float y, float z, float w)
{
    public float X = x, Y = y, Z = z, W = w;

    /// <summary>Numbers, or a padding. Of a value: of a reference, each number would be read by itself.</summary>
    [MethodImpl(Inline.Always)]
    public static Quad Select(bool isReal, Quad x, float padding) => new(
        Utilities.Select(isReal, x.X, padding), Utilities.Select(isReal, x.Y, padding), Utilities.Select(isReal, x.Z, padding), Utilities.Select(isReal, x.W, padding));
}

/// <summary>Two quads of a panel: what a thread brings to shared memory at a time.</summary>
struct QuadPair(Quad first, Quad second)
{
    public Quad First = first, Second = second;
}

/// <summary>Eight sums of one row.</summary>
struct SumRow
{
    public float A, B, C, D, E, F, G, H;

    [MethodImpl(Inline.Always)]
    public static SumRow Step(SumRow c, float a, Quad b0, Quad b1) => new()
    {
        A = Intrinsics.FusedMultiplyAdd(a, b0.X, c.A), B = Intrinsics.FusedMultiplyAdd(a, b0.Y, c.B),
        C = Intrinsics.FusedMultiplyAdd(a, b0.Z, c.C), D = Intrinsics.FusedMultiplyAdd(a, b0.W, c.D),
        E = Intrinsics.FusedMultiplyAdd(a, b1.X, c.E), F = Intrinsics.FusedMultiplyAdd(a, b1.Y, c.F),
        G = Intrinsics.FusedMultiplyAdd(a, b1.Z, c.G), H = Intrinsics.FusedMultiplyAdd(a, b1.W, c.H),
    };

    public readonly Quad First { [MethodImpl(Inline.Always)] get => new(A, B, C, D); }

    public readonly Quad Second { [MethodImpl(Inline.Always)] get => new(E, F, G, H); }
}

/// <summary>The 8 x 8 sums of a thread, as 2 x 2 squares of 4 x 4: fields and not an array, so that they are registers.</summary>
struct SumTile
{
    public SumRow R0, R1, R2, R3, R4, R5, R6, R7;

    /// <summary>One inner index: eight numbers of a, eight of b, 64 multiply-adds.</summary>
    /// <param name="c">The sums so far.</param>
    /// <param name="a">The thread's first quad of a's panel.</param>
    /// <param name="b">The thread's first quad of b's panel.</param>
    /// <param name="at">Where the row of the inner index begins.</param>
    /// <param name="half">From the first quad to the second one.</param>
    [MethodImpl(Inline.Always)]
    public static SumTile Step(SumTile c, ArrayView<Quad> a, ArrayView<Quad> b, int at, int half)
    {
        var (a0, a1, b0, b1) = (a[at], a[at + half], b[at], b[at + half]);
        return new()
        {
            R0 = SumRow.Step(c.R0, a0.X, b0, b1), R1 = SumRow.Step(c.R1, a0.Y, b0, b1), R2 = SumRow.Step(c.R2, a0.Z, b0, b1), R3 = SumRow.Step(c.R3, a0.W, b0, b1),
            R4 = SumRow.Step(c.R4, a1.X, b0, b1), R5 = SumRow.Step(c.R5, a1.Y, b0, b1), R6 = SumRow.Step(c.R6, a1.Z, b0, b1), R7 = SumRow.Step(c.R7, a1.W, b0, b1),
        };
    }
}

/// <summary>A size of group for <see cref="TiledMatMul"/>.</summary>
interface ITileSide
{
    /// <summary>Threads along each side of a group; a tile has eight times as many rows and columns, and panels as many inner
    /// indices.</summary>
    static abstract int Side { get; }

    /// <summary>A thread's column and row in its group.</summary>
    static abstract (int X, int Y) Place(int thread);

    /// <summary>Half of <see cref="Side"/> inner indices, from the panels in shared memory.</summary>
    static abstract SumTile Multiply(SumTile sums, ArrayView<Quad> a, ArrayView<Quad> b);
}

/// <summary>256 threads, tiles of 128 x 128.</summary>
[LaunchBounds(256, 2)]
readonly struct Side16 : ITileSide
{
    const int Row = 2 * 16 + 1;

    public static int Side { [MethodImpl(Inline.Always)] get => 16; }

    // A warp is 8 x 4 threads: together they read eight quads of b and four of a.
    [MethodImpl(Inline.Always)]
    public static (int X, int Y) Place(int thread) => (((thread >> 5) & 1) * 8 + (thread & 7), (thread >> 6) * 4 + ((thread >> 3) & 3));

    [MethodImpl(Inline.Always)]
    public static SumTile Multiply(SumTile c, ArrayView<Quad> a, ArrayView<Quad> b)
    {
        c = SumTile.Step(c, a, b, 0, 16);
        c = SumTile.Step(c, a, b, Row, 16);
        c = SumTile.Step(c, a, b, 2 * Row, 16);
        c = SumTile.Step(c, a, b, 3 * Row, 16);
        c = SumTile.Step(c, a, b, 4 * Row, 16);
        c = SumTile.Step(c, a, b, 5 * Row, 16);
        c = SumTile.Step(c, a, b, 6 * Row, 16);
        return SumTile.Step(c, a, b, 7 * Row, 16);
    }
}

/// <summary>64 threads, tiles of 64 x 64.</summary>
[LaunchBounds(64, 6)]
readonly struct Side8 : ITileSide
{
    const int Row = 2 * 8 + 1;

    public static int Side { [MethodImpl(Inline.Always)] get => 8; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => (thread & 7, thread >> 3);

    [MethodImpl(Inline.Always)]
    public static SumTile Multiply(SumTile c, ArrayView<Quad> a, ArrayView<Quad> b)
    {
        c = SumTile.Step(c, a, b, 0, 8);
        c = SumTile.Step(c, a, b, Row, 8);
        c = SumTile.Step(c, a, b, 2 * Row, 8);
        return SumTile.Step(c, a, b, 3 * Row, 8);
    }
}

/// <summary>16 threads, tiles of 32 x 32: what the simulator can do.</summary>
readonly struct Side4 : ITileSide
{
    const int Row = 2 * 4 + 1;

    public static int Side { [MethodImpl(Inline.Always)] get => 4; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => (thread & 3, thread >> 2);

    [MethodImpl(Inline.Always)]
    public static SumTile Multiply(SumTile c, ArrayView<Quad> a, ArrayView<Quad> b)
    {
        c = SumTile.Step(c, a, b, 0, 4);
        return SumTile.Step(c, a, b, Row, 4);
    }
}
