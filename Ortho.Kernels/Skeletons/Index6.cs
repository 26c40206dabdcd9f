using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Skeletons;

/// <summary>Six loop extents, strides or indices for a device kernel, innermost last. (Arrays do not exist in kernels.)</summary>
struct Index6
{
    public const int Loops = 6;

    public int I0, I1, I2, I3, I4, I5;

    /// <summary>At most six numbers, aligned at the innermost; <paramref name="fill"/> stands for the missing outer ones.</summary>
    public static Index6 Of<N>(ReadOnlySpan<N> values, int fill) where N : struct, System.Numerics.INumber<N>
    {
        Span<int> all = stackalloc int[Loops];
        all.Fill(fill);
        for (var k = 1; k <= values.Length; k++)
            all[^k] = int.CreateChecked(values[^k]);
        return new() { I0 = all[0], I1 = all[1], I2 = all[2], I3 = all[3], I4 = all[4], I5 = all[5] };
    }

    public static Index6 Of<N>(N[] values, int fill) where N : struct, System.Numerics.INumber<N> => Of<N>(values.AsSpan(), fill);

    /// <summary>The indices of linear position <paramref name="index"/> in a row-major nest of these extents.</summary>
    [MethodImpl(Inline.Always)]
    public static Index6 Split(int index, Index6 extents)
    {
        Index6 at;
        at.I5 = index % extents.I5;
        index /= extents.I5;
        at.I4 = index % extents.I4;
        index /= extents.I4;
        at.I3 = index % extents.I3;
        index /= extents.I3;
        at.I2 = index % extents.I2;
        index /= extents.I2;
        at.I1 = index % extents.I1;
        at.I0 = index / extents.I1;
        return at;
    }

    /// <summary>Sum of products: an index turned into a position.</summary>
    [MethodImpl(Inline.Always)]
    public static int Dot(Index6 at, Index6 strides)
        => at.I0 * strides.I0 + at.I1 * strides.I1 + at.I2 * strides.I2 + at.I3 * strides.I3 + at.I4 * strides.I4 + at.I5 * strides.I5;
}
