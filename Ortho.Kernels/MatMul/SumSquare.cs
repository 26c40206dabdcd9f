using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.MatMul;

/// <summary>4 x 4 sums of a thread: fields and not an array, so that they are registers.</summary>
struct SumSquare<T> : ISums<SumSquare<T>, T> where T : struct, ILane<T>
{
    public Quad<T> R0, R1, R2, R3;

    public static int Count { [MethodImpl(Inline.Always)] get => 4; }

    [MethodImpl(Inline.Always)]
    public static SumSquare<T> Step<E, F, U, S>(SumSquare<T> c, ArrayView<U> a, ArrayView<U> b, int step)
        where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E> where S : struct, ITileSide
    {
        var at = step * Tiles<SumSquare<T>, E, U, S>.Pitch;
        var rows = Units<T, E, F, U>.Four(a, at, S.Side);
        return Step(c, rows.X, rows.Y, rows.Z, rows.W, Units<T, E, F, U>.Four(b, at, S.Side));
    }

    /// <summary>One inner index: four numbers of a, four of b.</summary>
    [MethodImpl(Inline.Always)]
    public static SumSquare<T> Step(SumSquare<T> c, T a0, T a1, T a2, T a3, Quad<T> b) => new()
    {
        R0 = Step(c.R0, a0, b), R1 = Step(c.R1, a1, b), R2 = Step(c.R2, a2, b), R3 = Step(c.R3, a3, b),
    };

    [MethodImpl(Inline.Always)]
    static Quad<T> Step(Quad<T> c, T a, Quad<T> b) => new()
    {
        X = T.Fma(a, b.X, c.X), Y = T.Fma(a, b.Y, c.Y), Z = T.Fma(a, b.Z, c.Z), W = T.Fma(a, b.W, c.W),
    };

    [MethodImpl(Inline.Always)]
    public static void Put<E, F, U, S, W>(TileTarget<E> x, int row, int column, SumSquare<T> sums)
        where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E> where S : struct, ITileSide where W : struct, ITileFinish
    {
        TileRow<T, E, F, U, S, W>.Put(x, row + Tiles<SumSquare<T>, E, U, S>.Line(0), column, sums.R0);
        TileRow<T, E, F, U, S, W>.Put(x, row + Tiles<SumSquare<T>, E, U, S>.Line(1), column, sums.R1);
        TileRow<T, E, F, U, S, W>.Put(x, row + Tiles<SumSquare<T>, E, U, S>.Line(2), column, sums.R2);
        TileRow<T, E, F, U, S, W>.Put(x, row + Tiles<SumSquare<T>, E, U, S>.Line(3), column, sums.R3);
    }
}
