namespace Ortho.Kernels.Convolution;

/// <summary>One dimension of a sum of products: place m of the result, which is written at <see cref="Start"/> + m <see cref="Step"/>, reads
/// places (m + Shift) <see cref="Stride"/> + Phase of the operand, one for each tap. Both a convolution and each part of its adjoint are of
/// this form.</summary>
sealed class Taps
{
    readonly List<Tap> taps = [];

    /// <summary>One tap: its index in the kernel, and where it reads.</summary>
    public readonly record struct Tap(int Index, int Shift, int Phase);

    /// <summary>The taps, in order.</summary>
    public IReadOnlyList<Tap> All => taps;

    /// <summary>Places of the result.</summary>
    public required int Count { get; init; }

    /// <summary>Where the first place is written.</summary>
    public int Start { get; private init; }

    /// <summary>From one written place to the next.</summary>
    public int Step { get; private init; } = 1;

    /// <summary>From one place that is read to that of the result's next.</summary>
    public int Stride { get; private init; } = 1;

    /// <summary>Extent of the operand; zero beyond.</summary>
    public required int Extent { get; init; }

    /// <summary>The smallest shift.</summary>
    public int Low => taps.Min(tap => tap.Shift);

    /// <summary>Places m + shift that are read: neighbours, at most as many.</summary>
    public int Reach => Count + taps.Max(tap => tap.Shift) - Low;

    /// <summary>The phases that are read, in order.</summary>
    public int[] Phases => [.. taps.Select(tap => tap.Phase).Distinct().Order()];

    /// <summary>Whether every place that is read exists and neighbours of the result read neighbours.</summary>
    public bool IsInside => Stride == 1 && Low >= 0 && Low + Reach <= Extent;

    /// <summary>The convolution itself.</summary>
    public static Taps Forward(ConvolutionAxis axis)
    {
        var all = new Taps { Count = axis.Output, Extent = axis.Input, Stride = axis.Stride };
        for (var k = 0; k < axis.Kernel; k++)
        {
            var place = k * axis.Dilation - axis.Before;
            var shift = (int)Math.Floor((double)place / axis.Stride);
            all.taps.Add(new(k, shift, place - shift * axis.Stride));
        }
        return all;
    }

    /// <summary>Its adjoint: the places of the images that are <paramref name="residue"/> modulo the stride.</summary>
    public static Taps Adjoint(ConvolutionAxis axis, int residue)
    {
        var all = new Taps { Count = (axis.Input - residue + axis.Stride - 1) / axis.Stride, Extent = axis.Output, Start = residue, Step = axis.Stride };
        for (var k = 0; k < axis.Kernel; k++)
        {
            var place = residue + axis.Before - k * axis.Dilation;
            if (place % axis.Stride == 0)
                all.taps.Add(new(k, place / axis.Stride, 0));
        }
        return all;
    }
}
