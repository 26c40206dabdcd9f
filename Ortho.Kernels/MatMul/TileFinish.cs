using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Gpu;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.MatMul;

/// <summary>Where the sums of a tile go, and what becomes of them.</summary>
struct TileTarget
{
    /// <summary>The result, dense [M, N] from its start on, and what beta scales.</summary>
    public ArrayView<float> Y, C;
    public long YStart, CStart;
    public int CRow, M, N;

    /// <summary>Whether y holds the sums of earlier chains, and whether these are the last and alpha y + beta c is the result.</summary>
    public bool Adds, Scales;
    public float Alpha, Beta;

    /// <summary>Whether these are the last sums.</summary>
    public bool IsLast;
}

/// <summary>How four neighbouring sums of a row get into the result; the formula is that of the host's <see cref="Finishing{E, T, F, V,
/// FV}"/>.</summary>
interface ITileFinish
{
    /// <summary>Finishes elements (row, column) to (row, column + 3), those that there are.</summary>
    static abstract void Put(TileTarget x, int row, int column, Quad<float> sums);
}

/// <summary>All at once: rows of y, and of c, begin at multiples of four.</summary>
readonly struct WholeQuads : ITileFinish
{
    [MethodImpl(Inline.Always)]
    public static void Put(TileTarget x, int row, int column, Quad<float> sums)
    {
        if (row < x.M && column < x.N)
        {
            var (y, at) = (x.Y.Cast<Quad<float>>().SubView(x.YStart >> 2), (row * x.N + column) >> 2);
            if (x.Adds)
            {
                var before = y[at];
                sums = new(before.X + sums.X, before.Y + sums.Y, before.Z + sums.Z, before.W + sums.W);
            }
            if (x.Scales)
            {
                var c = x.C.Cast<Quad<float>>().SubView(x.CStart >> 2)[(row * x.CRow + column) >> 2];
                sums = new(Scaled(x, sums.X, c.X), Scaled(x, sums.Y, c.Y), Scaled(x, sums.Z, c.Z), Scaled(x, sums.W, c.W));
            }
            y[at] = sums;
        }
    }

    [MethodImpl(Inline.Always)]
    internal static float Scaled(TileTarget x, float sum, float c) => Intrinsics.FusedMultiplyAdd(c, x.Beta, Intrinsics.Multiply(sum, x.Alpha));
}

/// <summary>One by one.</summary>
readonly struct EachNumber : ITileFinish
{
    [MethodImpl(Inline.Always)]
    public static void Put(TileTarget x, int row, int column, Quad<float> sums)
    {
        One(x, row, column, sums.X);
        One(x, row, column + 1, sums.Y);
        One(x, row, column + 2, sums.Z);
        One(x, row, column + 3, sums.W);
    }

    [MethodImpl(Inline.Always)]
    static void One(TileTarget x, int row, int column, float sum)
    {
        if (row < x.M && column < x.N)
        {
            var (y, at) = (x.Y.SubView(x.YStart), row * x.N + column);
            if (x.Adds)
                sum = y[at] + sum;
            if (x.Scales)
                sum = WholeQuads.Scaled(x, sum, x.C.SubView(x.CStart)[row * x.CRow + column]);
            y[at] = sum;
        }
    }
}

/// <summary>One by one, those on and below the diagonal; the last sums are written above it, too.</summary>
readonly struct LowerTriangle : ITileFinish
{
    [MethodImpl(Inline.Always)]
    public static void Put(TileTarget x, int row, int column, Quad<float> sums)
    {
        One(x, row, column, sums.X);
        One(x, row, column + 1, sums.Y);
        One(x, row, column + 2, sums.Z);
        One(x, row, column + 3, sums.W);
    }

    [MethodImpl(Inline.Always)]
    static void One(TileTarget x, int row, int column, float sum)
    {
        if (row < x.M && column <= row)
        {
            var (y, at) = (x.Y.SubView(x.YStart), row * x.N + column);
            if (x.Adds)
                sum = y[at] + sum;
            if (x.Scales)
                sum = WholeQuads.Scaled(x, sum, x.C.SubView(x.CStart)[row * x.CRow + column]);
            y[at] = sum;
            if (x.IsLast)
                y[column * x.N + row] = sum;
        }
    }
}
