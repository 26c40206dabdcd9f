using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.MatMul;

/// <summary>Where the sums of a tile go, and what becomes of them.</summary>
struct TileTarget<E> where E : unmanaged
{
    /// <summary>The result, dense [M, N] from its start on, and what beta scales.</summary>
    public ArrayView<E> Y, C;
    public long YStart, CStart;
    public int CRow, M, N;

    /// <summary>Whether y holds the sums of earlier chains, and whether these are the last and alpha y + beta c is the result.</summary>
    public bool Adds, Scales;
    public E Alpha, Beta;

    /// <summary>Whether these are the last sums.</summary>
    public bool IsLast;
}

/// <summary>How neighbouring sums of a row get into the result; the formula is that of the host's <see cref="Finishing{E, T, F, V,
/// FV}"/>.</summary>
interface ITileFinish
{
    /// <summary>Finishes elements from (row, column) on, as many as a unit has, of those that there are.</summary>
    static abstract void Put<T, E, F, U>(TileTarget<E> x, int row, int column, Quad<T> sums)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E>;
}

/// <summary>All at once: rows of y, and of c, begin at whole units.</summary>
readonly struct WholeUnits : ITileFinish
{
    [MethodImpl(Inline.Always)]
    public static void Put<T, E, F, U>(TileTarget<E> x, int row, int column, Quad<T> sums)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E>
    {
        if (row < x.M && column < x.N)
        {
            // Units of 4, 2 or 1.
            var shift = U.Count >> 1;
            var (y, at) = (x.Y.Cast<U>().SubView(x.YStart >> shift), (row * x.N + column) >> shift);
            if (x.Adds)
                sums = Units<T, E, F, U>.Sum(Units<T, E, F, U>.Numbers(y[at]), sums);
            if (x.Scales)
            {
                var c = Units<T, E, F, U>.Numbers(x.C.Cast<U>().SubView(x.CStart >> shift)[(row * x.CRow + column) >> shift]);
                sums = new(EachNumber.Scaled<T, E, F>(x, sums.X, c.X), EachNumber.Scaled<T, E, F>(x, sums.Y, c.Y),
                    EachNumber.Scaled<T, E, F>(x, sums.Z, c.Z), EachNumber.Scaled<T, E, F>(x, sums.W, c.W));
            }
            y[at] = Units<T, E, F, U>.Of(sums);
        }
    }
}

/// <summary>How one sum gets into the result.</summary>
interface IOneSum
{
    /// <summary>Finishes an element, if there is one.</summary>
    static abstract void One<T, E, F>(TileTarget<E> x, int row, int column, T sum) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>;
}

static class OneByOne
{
    /// <summary>Neighbouring sums, as many as a unit has, each by itself.</summary>
    [MethodImpl(Inline.Always)]
    public static void Put<W, T, E, F, U>(TileTarget<E> x, int row, int column, Quad<T> sums)
        where W : struct, IOneSum where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E>
    {
        W.One<T, E, F>(x, row, column, sums.X);
        if (U.Count > 1)
            W.One<T, E, F>(x, row, column + 1, sums.Y);
        if (U.Count > 2)
        {
            W.One<T, E, F>(x, row, column + 2, sums.Z);
            W.One<T, E, F>(x, row, column + 3, sums.W);
        }
    }
}

/// <summary>One by one.</summary>
readonly struct EachNumber : ITileFinish, IOneSum
{
    [MethodImpl(Inline.Always)]
    public static void Put<T, E, F, U>(TileTarget<E> x, int row, int column, Quad<T> sums)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E>
        => OneByOne.Put<EachNumber, T, E, F, U>(x, row, column, sums);

    [MethodImpl(Inline.Always)]
    public static void One<T, E, F>(TileTarget<E> x, int row, int column, T sum) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        if (row < x.M && column < x.N)
            x.Y.SubView(x.YStart)[row * x.N + column] = F.Pack(Finished<T, E, F>(x, row, column, sum));
    }

    /// <summary>An element that exists.</summary>
    [MethodImpl(Inline.Always)]
    internal static T Finished<T, E, F>(TileTarget<E> x, int row, int column, T sum) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        if (x.Adds)
            sum = F.Splat(x.Y.SubView(x.YStart)[row * x.N + column]) + sum;
        if (x.Scales)
            sum = Scaled<T, E, F>(x, sum, F.Splat(x.C.SubView(x.CStart)[row * x.CRow + column]));
        return sum;
    }

    [MethodImpl(Inline.Always)]
    internal static T Scaled<T, E, F>(TileTarget<E> x, T sum, T c) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        => T.FmaReal(c, F.Splat(x.Beta), T.TimesReal(sum, F.Splat(x.Alpha)));
}

/// <summary>One by one, those on and below the diagonal; the last sums are written above it, too, as conjugates.</summary>
readonly struct LowerTriangle : ITileFinish, IOneSum
{
    [MethodImpl(Inline.Always)]
    public static void Put<T, E, F, U>(TileTarget<E> x, int row, int column, Quad<T> sums)
        where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E>
        => OneByOne.Put<LowerTriangle, T, E, F, U>(x, row, column, sums);

    [MethodImpl(Inline.Always)]
    public static void One<T, E, F>(TileTarget<E> x, int row, int column, T sum) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
    {
        if (row < x.M && column <= row)
        {
            sum = EachNumber.Finished<T, E, F>(x, row, column, sum);
            var y = x.Y.SubView(x.YStart);
            y[row * x.N + column] = F.Pack(sum);
            if (x.IsLast && column < row)
                y[column * x.N + row] = F.Pack(T.Conj(sum));
        }
    }
}

/// <summary>Four neighbouring sums of a thread's row, which lie in units that are as far apart as a group has threads along a side.</summary>
static class TileRow<T, E, F, U, S, W> where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E> where U : unmanaged, IWide<U, E>
    where S : struct, ITileSide where W : struct, ITileFinish
{
    [MethodImpl(Inline.Always)]
    public static void Put(TileTarget<E> x, int row, int column, Quad<T> sums)
    {
        W.Put<T, E, F, U>(x, row, column, sums);
        if (U.Count == 2)
            W.Put<T, E, F, U>(x, row, column + 2 * S.Side, new(sums.Z, sums.W, sums.Z, sums.W));
        if (U.Count == 1)
        {
            W.Put<T, E, F, U>(x, row, column + S.Side, new() { X = sums.Y });
            W.Put<T, E, F, U>(x, row, column + 2 * S.Side, new() { X = sums.Z });
            W.Put<T, E, F, U>(x, row, column + 3 * S.Side, new() { X = sums.W });
        }
    }
}
