using System.Runtime.CompilerServices;
using ILGPU;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Convolution;

/// <summary>Half of a place of the gathered operand: a column's half plus a step's is where the operand is read, unless a bit is set in
/// both, which stands for a zero.</summary>
/// <remarks>A tap sets the bits of its row and of its column of the kernel; a pixel those of the rows and columns of the kernel that meet
/// no pixel of the operand.</remarks>
struct HalfPlace(int offset, int bits)
{
    public int Offset = offset, Bits = bits;

    /// <summary>Rows and columns of the kernel together, at most: two bits are left.</summary>
    public const int MostBits = 30;

    /// <summary>Set by all columns, and by steps that only fill a panel.</summary>
    public const int NoStep = 1 << 30;

    /// <summary>Set by all steps, and by columns beyond the last.</summary>
    public const int NoColumn = unchecked((int)0x80000000);
}

/// <summary>Which of a convolution's maps a product of tiles is: what its rows, columns and steps are.</summary>
interface ITiledMap
{
    /// <summary>Step <paramref name="n"/> of a period, which is one.</summary>
    static abstract HalfPlace Step<E>(TiledConvolution.Arguments<E> x, int period, int n) where E : unmanaged;

    /// <summary>A column of a group's product.</summary>
    static abstract HalfPlace Column<E>(TiledConvolution.Arguments<E> x, int group, int column) where E : unmanaged;

    /// <summary>Where the column's element of the group's first row goes.</summary>
    static abstract int Goal<E>(TiledConvolution.Arguments<E> x, int segment, int group, int column) where E : unmanaged;

    /// <summary>Where the first operand has the number of a row at a step.</summary>
    static abstract int Source<E>(TiledConvolution.Arguments<E> x, int group, int row, int period, int n) where E : unmanaged;
}

/// <summary>Convolutions and their adjoints: rows are channels of the result, columns its pixels over all images, steps the channels and
/// taps of the operand; the first operand is the kernel.</summary>
readonly struct PixelColumns : ITiledMap
{
    [MethodImpl(Inline.Always)]
    public static HalfPlace Step<E>(TiledConvolution.Arguments<E> x, int period, int n) where E : unmanaged => TiledPlaces.Tap(x, n);

    [MethodImpl(Inline.Always)]
    public static HalfPlace Column<E>(TiledConvolution.Arguments<E> x, int group, int column) where E : unmanaged
    {
        var pixels = x.Rows.Count * x.Columns.Count;
        return TiledPlaces.Pixel(x, column / pixels * x.Groups + group, column % pixels);
    }

    [MethodImpl(Inline.Always)]
    public static int Goal<E>(TiledConvolution.Arguments<E> x, int segment, int group, int column) where E : unmanaged
    {
        var pixels = x.Rows.Count * x.Columns.Count;
        var (image, pixel) = (column / pixels, column % pixels);
        var (i, j) = (pixel / x.Columns.Count, pixel % x.Columns.Count);
        return (image * x.Groups + group) * x.Lines * x.GoalRow
            + (x.Rows.Start + i * x.Rows.Step) * x.GoalWidth + x.Columns.Start + j * x.Columns.Step;
    }

    [MethodImpl(Inline.Always)]
    public static int Source<E>(TiledConvolution.Arguments<E> x, int group, int row, int period, int n) where E : unmanaged
    {
        var taps = x.Rows.Taps * x.Columns.Taps;
        var (channel, tap) = (n / taps, n % taps);
        var (p, q) = (tap / x.Columns.Taps, tap % x.Columns.Taps);
        return group * x.SourceGroup + row * x.SourceRow + channel * x.SourceChannel
            + (x.Rows.First + p * x.Rows.FirstStep) * x.SourceWidth + x.Columns.First + q * x.Columns.FirstStep;
    }
}

/// <summary>Gradients of kernels: rows are channels of the result, columns channels and taps of the images, steps pixels of the result over
/// the images of a segment; the first operand is the result's gradient.</summary>
readonly struct TapColumns : ITiledMap
{
    [MethodImpl(Inline.Always)]
    public static HalfPlace Step<E>(TiledConvolution.Arguments<E> x, int period, int n) where E : unmanaged
        => TiledPlaces.Pixel(x, period / x.ImagePeriods * x.Groups, period % x.ImagePeriods * x.PeriodLength + n);

    [MethodImpl(Inline.Always)]
    public static HalfPlace Column<E>(TiledConvolution.Arguments<E> x, int group, int column) where E : unmanaged
    {
        var tap = TiledPlaces.Tap(x, column);
        return new(tap.Offset + group * x.Channels * x.Rows.Extent * x.Columns.Extent, tap.Bits);
    }

    [MethodImpl(Inline.Always)]
    public static int Goal<E>(TiledConvolution.Arguments<E> x, int segment, int group, int column) where E : unmanaged
        => (segment * x.Groups + group) * x.Lines * x.GoalRow + column;

    [MethodImpl(Inline.Always)]
    public static int Source<E>(TiledConvolution.Arguments<E> x, int group, int row, int period, int n) where E : unmanaged
        => period / x.ImagePeriods * x.SourceChannel + group * x.SourceGroup + row * x.SourceRow
            + period % x.ImagePeriods * x.PeriodLength + n;
}

/// <summary>The halves of places.</summary>
static class TiledPlaces
{
    /// <summary>Channel and tap <paramref name="n"/> of a group's operand.</summary>
    [MethodImpl(Inline.Always)]
    public static HalfPlace Tap<E>(TiledConvolution.Arguments<E> x, int n) where E : unmanaged
    {
        var taps = x.Rows.Taps * x.Columns.Taps;
        var (channel, tap) = (n / taps, n % taps);
        var (p, q) = (tap / x.Columns.Taps, tap % x.Columns.Taps);
        var row = channel * x.Rows.Extent + x.Rows.Place + p * x.Rows.PlaceStep;
        return new(row * x.Columns.Extent + x.Columns.Place + q * x.Columns.PlaceStep, (1 << p) | (1 << (x.Rows.Taps + q)));
    }

    /// <summary>A pixel of the result in the channels of one group of one image of the operand.</summary>
    [MethodImpl(Inline.Always)]
    public static HalfPlace Pixel<E>(TiledConvolution.Arguments<E> x, int imageGroup, int pixel) where E : unmanaged
    {
        var (i, j) = (pixel / x.Columns.Count, pixel % x.Columns.Count);
        var bits = Outside(x.Rows, i) | (Outside(x.Columns, j) << x.Rows.Taps);
        var row = imageGroup * x.Channels * x.Rows.Extent + i * x.Rows.Stride;
        return new(row * x.Columns.Extent + j * x.Columns.Stride, bits);
    }

    // A bit for each tap that reads beyond the edges.
    [MethodImpl(Inline.Always)]
    static int Outside(TiledAxis axis, int index)
    {
        var bits = 0;
        var place = index * axis.Stride + axis.Place;
        for (var tap = 0; tap < axis.Taps; tap++)
        {
            bits |= (int)((uint)(place | (axis.Extent - 1 - place)) >> 31) << tap;
            place += axis.PlaceStep;
        }
        return bits;
    }
}
