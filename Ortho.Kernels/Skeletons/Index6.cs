using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Tensors;

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
}

/// <summary>The strides of a nest of loops, and where its first element lies in a view that begins at the lowest one: a GPU takes the index
/// of a view as unsigned, so a reversed dimension must not lead below 0.</summary>
struct Steps6
{
    public Index6 Strides;
    public int Start;

    /// <summary>The strides of one operand of a nest, for <see cref="Gpu.GpuDevice.Reach{E}"/> of its tensor.</summary>
    /// <param name="strides">The strides.</param>
    /// <param name="layout">The operand's layout.</param>
    /// <param name="unit">How many of its elements the strides and the view count as one.</param>
    public static Steps6 Of(long[] strides, Layout layout, int unit = 1)
        => new() { Strides = Index6.Of(strides, 0), Start = checked((int)((layout.Offset - layout.Lowest) / unit)) };

    /// <summary>Where the element at an index lies.</summary>
    [MethodImpl(Inline.Always)]
    public static int Dot(Index6 at, Steps6 steps)
        => steps.Start + at.I0 * steps.Strides.I0 + at.I1 * steps.Strides.I1 + at.I2 * steps.Strides.I2 + at.I3 * steps.Strides.I3
         + at.I4 * steps.Strides.I4 + at.I5 * steps.Strides.I5;
}
