using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Util;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.MatMul;

/// <summary>Two quads of a panel: what a thread brings to shared memory at a time.</summary>
struct QuadPair(Quad<float> first, Quad<float> second)
{
    public Quad<float> First = first, Second = second;

    /// <summary>Numbers, or a padding. Of a value: of a reference, each number would be read by itself.</summary>
    [MethodImpl(Inline.Always)]
    public static Quad<float> Padded(bool isReal, Quad<float> x, float padding) => new(
        Utilities.Select(isReal, x.X, padding), Utilities.Select(isReal, x.Y, padding), Utilities.Select(isReal, x.Z, padding), Utilities.Select(isReal, x.W, padding));
}

/// <summary>Eight numbers of a thread: fields and not an array, so that they are registers.</summary>
struct Eight<T> where T : struct
{
    public T A, B, C, D, E, F, G, H;
}

/// <summary>How numbers lie in panels in shared memory: in units of 128 bits, of which a thread reads those that lie as many apart as a
/// group has threads along a side, so that threads beside each other read neighbours.</summary>
/// <typeparam name="T">The lane.</typeparam>
/// <typeparam name="U">The unit.</typeparam>
interface ITileCell<T, U> where T : struct, ILane<T> where U : unmanaged
{
    /// <summary>Numbers of a unit.</summary>
    static abstract int PerUnit { get; }

    /// <summary>A thread's eight numbers.</summary>
    /// <param name="panel">From the thread's first unit on.</param>
    /// <param name="at">Where the row of the inner index begins.</param>
    /// <param name="side">From one unit to the next.</param>
    static abstract Eight<T> Load(ArrayView<U> panel, int at, int side);

    /// <summary>Unit <paramref name="number"/> of eight numbers.</summary>
    static abstract U Unit(Eight<T> numbers, int number);

    /// <summary>One number everywhere.</summary>
    static abstract U Splat(T number);

    /// <summary>Sums of numbers.</summary>
    static abstract U Add(U a, U b);
}

/// <summary>float32: two quads.</summary>
readonly struct SingleTile : ITileCell<F32, Quad<float>>
{
    public static int PerUnit { [MethodImpl(Inline.Always)] get => 4; }

    [MethodImpl(Inline.Always)]
    public static Eight<F32> Load(ArrayView<Quad<float>> panel, int at, int side)
    {
        var (p, q) = (panel[at], panel[at + side]);
        return new() { A = new(p.X), B = new(p.Y), C = new(p.Z), D = new(p.W), E = new(q.X), F = new(q.Y), G = new(q.Z), H = new(q.W) };
    }

    [MethodImpl(Inline.Always)]
    public static Quad<float> Unit(Eight<F32> x, int number)
        => number == 0 ? new(x.A.Value, x.B.Value, x.C.Value, x.D.Value) : new(x.E.Value, x.F.Value, x.G.Value, x.H.Value);

    [MethodImpl(Inline.Always)] public static Quad<float> Splat(F32 x) => new(x.Value, x.Value, x.Value, x.Value);

    [MethodImpl(Inline.Always)] public static Quad<float> Add(Quad<float> a, Quad<float> b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);
}

/// <summary>float64: four pairs; their sums take twice the registers.</summary>
[LaunchBounds(64, 4)]
readonly struct DoubleTile : ITileCell<F64, Twin<double>>
{
    public static int PerUnit { [MethodImpl(Inline.Always)] get => 2; }

    [MethodImpl(Inline.Always)]
    public static Eight<F64> Load(ArrayView<Twin<double>> panel, int at, int side)
    {
        var (p, q, r, s) = (panel[at], panel[at + side], panel[at + 2 * side], panel[at + 3 * side]);
        return new() { A = new(p.X), B = new(p.Y), C = new(q.X), D = new(q.Y), E = new(r.X), F = new(r.Y), G = new(s.X), H = new(s.Y) };
    }

    [MethodImpl(Inline.Always)]
    public static Twin<double> Unit(Eight<F64> x, int number)
        => number == 0 ? new(x.A.Value, x.B.Value)
            : number == 1 ? new(x.C.Value, x.D.Value)
            : number == 2 ? new(x.E.Value, x.F.Value)
            : new(x.G.Value, x.H.Value);

    [MethodImpl(Inline.Always)] public static Twin<double> Splat(F64 x) => new(x.Value, x.Value);

    [MethodImpl(Inline.Always)] public static Twin<double> Add(Twin<double> a, Twin<double> b) => new(a.X + b.X, a.Y + b.Y);
}

/// <summary>The 8 x 8 sums of a thread.</summary>
struct SumTile<T> where T : struct, ILane<T>
{
    public Eight<T> R0, R1, R2, R3, R4, R5, R6, R7;

    /// <summary>One inner index: eight numbers of a, eight of b, 64 multiply-adds.</summary>
    [MethodImpl(Inline.Always)]
    public static SumTile<T> Step(SumTile<T> c, Eight<T> a, Eight<T> b) => new()
    {
        R0 = Row(c.R0, a.A, b), R1 = Row(c.R1, a.B, b), R2 = Row(c.R2, a.C, b), R3 = Row(c.R3, a.D, b),
        R4 = Row(c.R4, a.E, b), R5 = Row(c.R5, a.F, b), R6 = Row(c.R6, a.G, b), R7 = Row(c.R7, a.H, b),
    };

    [MethodImpl(Inline.Always)]
    static Eight<T> Row(Eight<T> c, T a, Eight<T> b) => new()
    {
        A = T.Fma(a, b.A, c.A), B = T.Fma(a, b.B, c.B), C = T.Fma(a, b.C, c.C), D = T.Fma(a, b.D, c.D),
        E = T.Fma(a, b.E, c.E), F = T.Fma(a, b.F, c.F), G = T.Fma(a, b.G, c.G), H = T.Fma(a, b.H, c.H),
    };
}

/// <summary>A size of group for tiles: products (<see cref="TiledMatMul"/>) and convolutions.</summary>
interface ITileSide
{
    /// <summary>Threads along each side of a group; a tile has eight times as many rows and columns, and panels as many inner
    /// indices.</summary>
    static abstract int Side { get; }

    /// <summary>A thread's column and row in its group.</summary>
    static abstract (int X, int Y) Place(int thread);

    /// <summary>Half of <see cref="Side"/> inner indices, from the panels in shared memory.</summary>
    static abstract SumTile<T> Multiply<T, U, C>(SumTile<T> sums, ArrayView<U> a, ArrayView<U> b)
        where T : struct, ILane<T> where U : unmanaged where C : struct, ITileCell<T, U>;
}

/// <summary>What tiles of a size and a type of number have in common.</summary>
static class Tiles<T, U, C, S> where T : struct, ILane<T> where U : unmanaged where C : struct, ITileCell<T, U> where S : struct, ITileSide
{
    /// <summary>Rows, and columns, of a tile.</summary>
    public static int Lines { [MethodImpl(Inline.Always)] get => 8 * S.Side; }

    /// <summary>Units of the lines of one inner index in a panel.</summary>
    public static int LineUnits { [MethodImpl(Inline.Always)] get => 8 * S.Side / C.PerUnit; }

    /// <summary>From one inner index to the next in shared memory: an odd number of units.</summary>
    public static int Pitch { [MethodImpl(Inline.Always)] get => 8 * S.Side / C.PerUnit + 1; }

    /// <summary>The same in numbers.</summary>
    public static int NumberPitch { [MethodImpl(Inline.Always)] get => 8 * S.Side + C.PerUnit; }

    /// <summary>Units of a panel.</summary>
    public static int PanelUnits { [MethodImpl(Inline.Always)] get => S.Side * Pitch; }

    /// <summary>How far number <paramref name="number"/> of a thread's eight is from its first, in lines.</summary>
    [MethodImpl(Inline.Always)] public static int Line(int number) => number % C.PerUnit + number / C.PerUnit * (C.PerUnit * S.Side);

    /// <summary>One inner index of the panels, the <paramref name="step"/>th from where they are viewed.</summary>
    [MethodImpl(Inline.Always)]
    public static SumTile<T> Step(SumTile<T> c, ArrayView<U> a, ArrayView<U> b, int step)
        => SumTile<T>.Step(c, C.Load(a, step * Pitch, S.Side), C.Load(b, step * Pitch, S.Side));
}

/// <summary>256 threads, tiles of 128 x 128.</summary>
[LaunchBounds(256, 2)]
readonly struct Side16 : ITileSide
{
    public static int Side { [MethodImpl(Inline.Always)] get => 16; }

    // A warp is 8 x 4 threads: together they read eight quads of b and four of a.
    [MethodImpl(Inline.Always)]
    public static (int X, int Y) Place(int thread) => (((thread >> 5) & 1) * 8 + (thread & 7), (thread >> 6) * 4 + ((thread >> 3) & 3));

    [MethodImpl(Inline.Always)]
    public static SumTile<T> Multiply<T, U, C>(SumTile<T> c, ArrayView<U> a, ArrayView<U> b)
        where T : struct, ILane<T> where U : unmanaged where C : struct, ITileCell<T, U>
    {
        c = Tiles<T, U, C, Side16>.Step(c, a, b, 0);
        c = Tiles<T, U, C, Side16>.Step(c, a, b, 1);
        c = Tiles<T, U, C, Side16>.Step(c, a, b, 2);
        c = Tiles<T, U, C, Side16>.Step(c, a, b, 3);
        c = Tiles<T, U, C, Side16>.Step(c, a, b, 4);
        c = Tiles<T, U, C, Side16>.Step(c, a, b, 5);
        c = Tiles<T, U, C, Side16>.Step(c, a, b, 6);
        return Tiles<T, U, C, Side16>.Step(c, a, b, 7);
    }
}

/// <summary>64 threads, tiles of 64 x 64.</summary>
[LaunchBounds(64, 6)]
readonly struct Side8 : ITileSide
{
    public static int Side { [MethodImpl(Inline.Always)] get => 8; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => (thread & 7, thread >> 3);

    [MethodImpl(Inline.Always)]
    public static SumTile<T> Multiply<T, U, C>(SumTile<T> c, ArrayView<U> a, ArrayView<U> b)
        where T : struct, ILane<T> where U : unmanaged where C : struct, ITileCell<T, U>
    {
        c = Tiles<T, U, C, Side8>.Step(c, a, b, 0);
        c = Tiles<T, U, C, Side8>.Step(c, a, b, 1);
        c = Tiles<T, U, C, Side8>.Step(c, a, b, 2);
        return Tiles<T, U, C, Side8>.Step(c, a, b, 3);
    }
}

/// <summary>16 threads, tiles of 32 x 32: what the simulator can do.</summary>
readonly struct Side4 : ITileSide
{
    public static int Side { [MethodImpl(Inline.Always)] get => 4; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => (thread & 3, thread >> 2);

    [MethodImpl(Inline.Always)]
    public static SumTile<T> Multiply<T, U, C>(SumTile<T> c, ArrayView<U> a, ArrayView<U> b)
        where T : struct, ILane<T> where U : unmanaged where C : struct, ITileCell<T, U>
        => Tiles<T, U, C, Side4>.Step(Tiles<T, U, C, Side4>.Step(c, a, b, 0), a, b, 1);
}
