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
/// <typeparam name="E">The number.</typeparam>
/// <typeparam name="F">How the one is made of the other.</typeparam>
/// <typeparam name="U">The unit.</typeparam>
static class Units<T, E, F, U> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E>
{
    /// <summary>The number at a place of a unit.</summary>
    [MethodImpl(Inline.Always)] public static T At(U unit, int place) => F.Splat(U.Get(unit, place));

    /// <summary>A thread's next four numbers.</summary>
    /// <param name="panel">From the thread's first unit on.</param>
    /// <param name="at">Where the row of the inner index begins.</param>
    /// <param name="side">From one unit to the next.</param>
    [MethodImpl(Inline.Always)]
    public static Quad<T> Four(ArrayView<U> panel, int at, int side)
    {
        var p = panel[at];
        if (U.Count == 4)
            return new(At(p, 0), At(p, 1), At(p, 2), At(p, 3));
        var q = panel[at + side];
        if (U.Count == 2)
            return new(At(p, 0), At(p, 1), At(q, 0), At(q, 1));
        var (r, s) = (panel[at + 2 * side], panel[at + 3 * side]);
        return new(At(p, 0), At(q, 0), At(r, 0), At(s, 0));
    }

    /// <summary>A thread's eight numbers.</summary>
    [MethodImpl(Inline.Always)]
    public static Eight<T> Eight(ArrayView<U> panel, int at, int side)
    {
        var (p, q) = (Four(panel, at, side), Four(panel, at + 4 / U.Count * side, side));
        return new() { A = p.X, B = p.Y, C = p.Z, D = p.W, E = q.X, F = q.Y, G = q.Z, H = q.W };
    }

    /// <summary>A unit of numbers, the first of four.</summary>
    [MethodImpl(Inline.Always)]
    public static U Of(Quad<T> numbers)
    {
        var unit = U.With(default, 0, F.Pack(numbers.X));
        if (U.Count > 1)
            unit = U.With(unit, 1, F.Pack(numbers.Y));
        if (U.Count > 2)
            unit = U.With(U.With(unit, 2, F.Pack(numbers.Z)), 3, F.Pack(numbers.W));
        return unit;
    }

    /// <summary>The numbers of a unit, as many as there are.</summary>
    [MethodImpl(Inline.Always)]
    public static Quad<T> Numbers(U unit)
    {
        var numbers = new Quad<T> { X = At(unit, 0) };
        if (U.Count > 1)
            numbers.Y = At(unit, 1);
        if (U.Count > 2)
            (numbers.Z, numbers.W) = (At(unit, 2), At(unit, 3));
        return numbers;
    }

    /// <summary>Sums of numbers.</summary>
    [MethodImpl(Inline.Always)] public static Quad<T> Sum(Quad<T> a, Quad<T> b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);
}

/// <summary>How many sums a thread keeps.</summary>
interface ISums
{
    /// <summary>Rows, and columns, of a thread.</summary>
    static abstract int Count { get; }
}

/// <summary>The sums of a thread, of a square of rows and columns.</summary>
interface ISums<Q, T> : ISums where Q : struct, ISums<Q, T> where T : struct, ILane<T>
{
    /// <summary>One inner index of the panels, the <paramref name="step"/>th from where they are viewed.</summary>
    static abstract Q Step<E, F, U, S>(Q sums, ArrayView<U> a, ArrayView<U> b, int step)
        where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E> where S : struct, ITileSide;

    /// <summary>Finishes them, of which the first is that of a row and a column.</summary>
    static abstract void Put<E, F, U, S, W>(TileTarget<E> x, int row, int column, Q sums)
        where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E> where S : struct, ITileSide where W : struct, ITileFinish;
}

/// <summary>8 x 8 sums.</summary>
struct SumTile<T> : ISums<SumTile<T>, T> where T : struct, ILane<T>
{
    public Eight<T> R0, R1, R2, R3, R4, R5, R6, R7;

    public static int Count { [MethodImpl(Inline.Always)] get => 8; }

    [MethodImpl(Inline.Always)]
    public static SumTile<T> Step<E, F, U, S>(SumTile<T> c, ArrayView<U> a, ArrayView<U> b, int step)
        where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E> where S : struct, ITileSide
    {
        var at = step * Tiles<SumTile<T>, E, U, S>.Pitch;
        return Step(c, Units<T, E, F, U>.Eight(a, at, S.Side), Units<T, E, F, U>.Eight(b, at, S.Side));
    }

    // One inner index: eight numbers of a, eight of b, 64 multiply-adds.
    [MethodImpl(Inline.Always)]
    static SumTile<T> Step(SumTile<T> c, Eight<T> a, Eight<T> b) => new()
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

    [MethodImpl(Inline.Always)]
    public static void Put<E, F, U, S, W>(TileTarget<E> x, int row, int column, SumTile<T> sums)
        where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E> where S : struct, ITileSide where W : struct, ITileFinish
    {
        Put<E, F, U, S, W>(x, row + Tiles<SumTile<T>, E, U, S>.Line(0), column, sums.R0);
        Put<E, F, U, S, W>(x, row + Tiles<SumTile<T>, E, U, S>.Line(1), column, sums.R1);
        Put<E, F, U, S, W>(x, row + Tiles<SumTile<T>, E, U, S>.Line(2), column, sums.R2);
        Put<E, F, U, S, W>(x, row + Tiles<SumTile<T>, E, U, S>.Line(3), column, sums.R3);
        Put<E, F, U, S, W>(x, row + Tiles<SumTile<T>, E, U, S>.Line(4), column, sums.R4);
        Put<E, F, U, S, W>(x, row + Tiles<SumTile<T>, E, U, S>.Line(5), column, sums.R5);
        Put<E, F, U, S, W>(x, row + Tiles<SumTile<T>, E, U, S>.Line(6), column, sums.R6);
        Put<E, F, U, S, W>(x, row + Tiles<SumTile<T>, E, U, S>.Line(7), column, sums.R7);
    }

    [MethodImpl(Inline.Always)]
    static void Put<E, F, U, S, W>(TileTarget<E> x, int row, int column, Eight<T> sums)
        where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E> where S : struct, ITileSide where W : struct, ITileFinish
    {
        TileRow<T, E, F, U, S, W>.Put(x, row, column, new(sums.A, sums.B, sums.C, sums.D));
        TileRow<T, E, F, U, S, W>.Put(x, row, column + 4 * S.Side, new(sums.E, sums.F, sums.G, sums.H));
    }
}

/// <summary>One sum.</summary>
struct SumAlone<T> : ISums<SumAlone<T>, T> where T : struct, ILane<T>
{
    public T Value;

    public static int Count { [MethodImpl(Inline.Always)] get => 1; }

    [MethodImpl(Inline.Always)]
    public static SumAlone<T> Step<E, F, U, S>(SumAlone<T> c, ArrayView<U> a, ArrayView<U> b, int step)
        where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E> where S : struct, ITileSide
    {
        var at = step * Tiles<SumAlone<T>, E, U, S>.Pitch;
        return new() { Value = T.Fma(Units<T, E, F, U>.At(a[at], 0), Units<T, E, F, U>.At(b[at], 0), c.Value) };
    }

    [MethodImpl(Inline.Always)]
    public static void Put<E, F, U, S, W>(TileTarget<E> x, int row, int column, SumAlone<T> sums)
        where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E> where S : struct, ITileSide where W : struct, ITileFinish
        => W.Put<T, E, F, U>(x, row, column, new() { X = sums.Value });
}

/// <summary>A size of group for tiles: products (<see cref="TiledMatMul"/>, <see cref="LaneMatMul"/>) and convolutions.</summary>
interface ITileSide
{
    /// <summary>Threads of a tile along each of its sides, and inner indices of a panel; a tile has as many rows and columns times
    /// <see cref="ISums.Count"/>.</summary>
    static abstract int Side { get; }

    /// <summary>Tiles of a group.</summary>
    static abstract int Tiles { get; }

    /// <summary>A thread's column and row among those of its tile.</summary>
    static abstract (int X, int Y) Place(int thread);

    /// <summary>Half of <see cref="Side"/> inner indices, from the panels in shared memory.</summary>
    static abstract Q Multiply<Q, T, E, F, U>(Q sums, ArrayView<U> a, ArrayView<U> b)
        where Q : struct, ISums<Q, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E>;
}

/// <summary>What tiles of a size and a type of number have in common.</summary>
static class Tiles<Q, E, U, S> where Q : struct, ISums where E : unmanaged where U : unmanaged, IWide<U, E> where S : struct, ITileSide
{
    /// <summary>Rows, and columns, of a tile.</summary>
    public static int Lines { [MethodImpl(Inline.Always)] get => Q.Count * S.Side; }

    /// <summary>Units of the lines of one inner index in a panel.</summary>
    public static int LineUnits { [MethodImpl(Inline.Always)] get => Q.Count * S.Side / U.Count; }

    /// <summary>From one inner index to the next in shared memory: an odd number of units.</summary>
    public static int Pitch { [MethodImpl(Inline.Always)] get => Q.Count * S.Side / U.Count + 1; }

    /// <summary>The same in numbers.</summary>
    public static int NumberPitch { [MethodImpl(Inline.Always)] get => Q.Count * S.Side + U.Count; }

    /// <summary>Units of a panel.</summary>
    public static int PanelUnits { [MethodImpl(Inline.Always)] get => S.Side * Pitch; }

    /// <summary>How far a number of a thread is from its first, in lines.</summary>
    [MethodImpl(Inline.Always)] public static int Line(int number) => number % U.Count + number / U.Count * (U.Count * S.Side);
}

/// <summary>256 threads, tiles of 128 x 128.</summary>
[LaunchBounds(256, 2)]
readonly struct Side16 : ITileSide
{
    public static int Side { [MethodImpl(Inline.Always)] get => 16; }

    public static int Tiles { [MethodImpl(Inline.Always)] get => 1; }

    // A warp is 8 x 4 threads: together they read eight quads of b and four of a.
    [MethodImpl(Inline.Always)]
    public static (int X, int Y) Place(int thread) => (((thread >> 5) & 1) * 8 + (thread & 7), (thread >> 6) * 4 + ((thread >> 3) & 3));

    [MethodImpl(Inline.Always)]
    public static Q Multiply<Q, T, E, F, U>(Q c, ArrayView<U> a, ArrayView<U> b)
        where Q : struct, ISums<Q, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E>
    {
        c = Q.Step<E, F, U, Side16>(c, a, b, 0);
        c = Q.Step<E, F, U, Side16>(c, a, b, 1);
        c = Q.Step<E, F, U, Side16>(c, a, b, 2);
        c = Q.Step<E, F, U, Side16>(c, a, b, 3);
        c = Q.Step<E, F, U, Side16>(c, a, b, 4);
        c = Q.Step<E, F, U, Side16>(c, a, b, 5);
        c = Q.Step<E, F, U, Side16>(c, a, b, 6);
        return Q.Step<E, F, U, Side16>(c, a, b, 7);
    }
}

/// <summary>64 threads, tiles of 64 x 64.</summary>
[LaunchBounds(64, 6)]
readonly struct Side8 : ITileSide
{
    public static int Side { [MethodImpl(Inline.Always)] get => 8; }

    public static int Tiles { [MethodImpl(Inline.Always)] get => 1; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => (thread & 7, thread >> 3);

    [MethodImpl(Inline.Always)]
    public static Q Multiply<Q, T, E, F, U>(Q c, ArrayView<U> a, ArrayView<U> b)
        where Q : struct, ISums<Q, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E>
    {
        c = Q.Step<E, F, U, Side8>(c, a, b, 0);
        c = Q.Step<E, F, U, Side8>(c, a, b, 1);
        c = Q.Step<E, F, U, Side8>(c, a, b, 2);
        return Q.Step<E, F, U, Side8>(c, a, b, 3);
    }
}

/// <summary>The same for numbers of 64 bits, whose sums take twice the registers.</summary>
[LaunchBounds(64, 4)]
readonly struct Side8Wide : ITileSide
{
    public static int Side { [MethodImpl(Inline.Always)] get => Side8.Side; }

    public static int Tiles { [MethodImpl(Inline.Always)] get => 1; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => Side8.Place(thread);

    [MethodImpl(Inline.Always)]
    public static Q Multiply<Q, T, E, F, U>(Q c, ArrayView<U> a, ArrayView<U> b)
        where Q : struct, ISums<Q, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E>
        => Side8.Multiply<Q, T, E, F, U>(c, a, b);
}

/// <summary>16 threads: what the simulator can do.</summary>
readonly struct Side4 : ITileSide
{
    public static int Side { [MethodImpl(Inline.Always)] get => 4; }

    public static int Tiles { [MethodImpl(Inline.Always)] get => 1; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => (thread & 3, thread >> 2);

    [MethodImpl(Inline.Always)]
    public static Q Multiply<Q, T, E, F, U>(Q c, ArrayView<U> a, ArrayView<U> b)
        where Q : struct, ISums<Q, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E>
        => Q.Step<E, F, U, Side4>(Q.Step<E, F, U, Side4>(c, a, b, 0), a, b, 1);
}

/// <summary>Four tiles of 16 threads in a group.</summary>
[LaunchBounds(64, 8)]
readonly struct Side4Fourfold : ITileSide
{
    public static int Side { [MethodImpl(Inline.Always)] get => Side4.Side; }

    public static int Tiles { [MethodImpl(Inline.Always)] get => 4; }

    [MethodImpl(Inline.Always)] public static (int X, int Y) Place(int thread) => Side4.Place(thread);

    [MethodImpl(Inline.Always)]
    public static Q Multiply<Q, T, E, F, U>(Q c, ArrayView<U> a, ArrayView<U> b)
        where Q : struct, ISums<Q, T> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E>
        => Side4.Multiply<Q, T, E, F, U>(c, a, b);
}
