using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Util;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.MatMul;

namespace Ortho.Kernels.Convolution;

/// <summary>Units of the packed operand, which lies as it goes to shared memory: a thread brings those that lie as many apart as there are
/// threads, half of them at a time.</summary>
static class Packing<T, E, U, S> where T : struct, ILane<T> where E : unmanaged where U : unmanaged, IWide<U, E> where S : struct, ITileSide
{
    /// <summary>Units of half a panel: one, or two.</summary>
    public struct Units
    {
        public U First, Second;
    }

    // From one of a thread's units to the next in shared memory.
    static int Pitch { [MethodImpl(Inline.Always)] get => S.Side * U.Count / 8 * Tiles<SumTile<T>, E, U, S>.Pitch; }

    /// <summary>Where a thread's first unit goes in a panel.</summary>
    [MethodImpl(Inline.Always)] public static int Target(int thread) => thread + thread / Tiles<SumTile<T>, E, U, S>.LineUnits;

    /// <summary>A half of the panel whose first unit of the thread is the view's.</summary>
    [MethodImpl(Inline.Always)]
    public static Units Half(ArrayView<U> from, int half)
    {
        var units = new Units { First = from[half * (4 / U.Count) * (S.Side * S.Side)] };
        if (U.Count == 2)
            units.Second = from[(half * (4 / U.Count) + 1) * (S.Side * S.Side)];
        return units;
    }

    /// <summary>Puts them where they belong.</summary>
    [MethodImpl(Inline.Always)]
    public static void Put(ArrayView<U> to, int half, Units units)
    {
        to[half * (4 / U.Count) * Pitch] = units.First;
        if (U.Count == 2)
            to[(half * (4 / U.Count) + 1) * Pitch] = units.Second;
    }
}

/// <summary>What a thread gathers: four steps of a column at a time, of the same column twice, or of one column and another.</summary>
struct Gathered<E> where E : unmanaged
{
    /// <summary>The operand.</summary>
    public ArrayView<E> From;

    /// <summary>The columns.</summary>
    public HalfPlace First, Second;

    /// <summary>Four numbers.</summary>
    public struct Four
    {
        public E A, B, C, D;
    }

    // A thread's first column and step of a panel.
    [MethodImpl(Inline.Always)] static int Column<S>() where S : struct, ITileSide => Group.IdxX % (8 * S.Side);

    [MethodImpl(Inline.Always)] static int Step<S>() where S : struct, ITileSide => Group.IdxX / (8 * S.Side) * 8;

    /// <summary>The thread's part of the tile that begins at a column.</summary>
    [MethodImpl(Inline.Always)]
    public static Gathered<E> Of<S, M>(TiledConvolution.Arguments<E> x, int group, int column) where S : struct, ITileSide where M : struct, ITiledMap
    {
        var part = new Gathered<E> { From = x.From, First = Place<M>(x, group, column + Column<S>()) };
        part.Second = part.First;
        if (S.Side < 8)
            part.Second = Place<M>(x, group, column + Column<S>() + S.Side * S.Side);
        return part;
    }

    [MethodImpl(Inline.Always)]
    static HalfPlace Place<M>(TiledConvolution.Arguments<E> x, int group, int column) where M : struct, ITiledMap
    {
        var place = new HalfPlace(0, HalfPlace.NoColumn);
        if (column < x.Width)
            place = M.Column(x, group, column);
        return new(place.Offset, place.Bits | HalfPlace.NoStep);
    }

    /// <summary>A half of the panel whose steps are the view's.</summary>
    [MethodImpl(Inline.Always)]
    public static Four Half<S>(Gathered<E> part, ArrayView<TiledConvolution.StepPair> steps, int half) where S : struct, ITileSide
    {
        var column = half == 0 ? part.First : part.Second;
        var at = Step<S>() / 2 + (S.Side < 8 ? 0 : 2 * half);
        var (p, q) = (steps[at], steps[at + 1]);
        return new()
        {
            A = One(part.From, column, p.Offset0, p.Bits0), B = One(part.From, column, p.Offset1, p.Bits1),
            C = One(part.From, column, q.Offset0, q.Bits0), D = One(part.From, column, q.Offset1, q.Bits1),
        };
    }

    [MethodImpl(Inline.Always)]
    static E One(ArrayView<E> from, HalfPlace column, int offset, int bits)
    {
        var isInside = (column.Bits & bits) == 0;
        var number = from[Utilities.Select(isInside, column.Offset + offset, 0)];
        return Utilities.Select(isInside, number, default);
    }

    /// <summary>Puts them into a panel.</summary>
    [MethodImpl(Inline.Always)]
    public static void Put<T, U, S>(ArrayView<U> panel, int half, Four numbers)
        where T : struct, ILane<T> where U : unmanaged, IWide<U, E> where S : struct, ITileSide
    {
        var to = panel.Cast<E>().SubView(Column<S>() + Step<S>() * Tiles<SumTile<T>, E, U, S>.NumberPitch);
        var at = half * (S.Side < 8 ? S.Side * S.Side : 4 * Tiles<SumTile<T>, E, U, S>.NumberPitch);
        to[at] = numbers.A;
        to[at + Tiles<SumTile<T>, E, U, S>.NumberPitch] = numbers.B;
        to[at + 2 * Tiles<SumTile<T>, E, U, S>.NumberPitch] = numbers.C;
        to[at + 3 * Tiles<SumTile<T>, E, U, S>.NumberPitch] = numbers.D;
    }
}
