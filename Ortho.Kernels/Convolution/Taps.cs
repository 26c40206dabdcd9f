namespace Ortho.Kernels.Convolution;

/// <summary>One dimension of a sum of products: place m of the result, which is written at <see cref="Start"/> + m <see cref="Step"/>, reads
/// places (m + Shift) <see cref="Stride"/> + Phase of the operand, one for each tap. Both a convolution and each part of its adjoint are of
/// this form.</summary>
sealed class Taps
{
    Taps(IEnumerable<Tap> taps, int count, int extent, int stride)
    {
        (All, Count, Extent, Stride) = ([.. taps], count, extent, stride);
        if (All.Length == 0)
            return;
        Low = All.Min(tap => tap.Shift);
        Reach = count + All.Max(tap => tap.Shift) - Low;
        Phases = [.. All.Select(tap => tap.Phase).Distinct().Order()];
        (FirstPlace, LastPlace) = (Enumerable.Range(0, All.Length).Min(Place), Enumerable.Range(0, All.Length).Max(Place));
    }

    /// <summary>One tap: its index in the kernel, and where it reads.</summary>
    public readonly record struct Tap(int Index, int Shift, int Phase);

    /// <summary>The taps, in order.</summary>
    public Tap[] All { get; }

    /// <summary>Places of the result.</summary>
    public int Count { get; }

    /// <summary>Extent of the operand; zero beyond.</summary>
    public int Extent { get; }

    /// <summary>Where the first place is written.</summary>
    public int Start { get; private init; }

    /// <summary>From one written place to the next.</summary>
    public int Step { get; private init; } = 1;

    /// <summary>From one place that is read to that of the result's next.</summary>
    public int Stride { get; }

    /// <summary>The smallest shift.</summary>
    public int Low { get; }

    /// <summary>Places m + shift that are read: neighbours, at most as many.</summary>
    public int Reach { get; }

    /// <summary>Where a tap reads for place 0 of the result.</summary>
    public int Place(int tap) => All[tap].Shift * Stride + All[tap].Phase;

    /// <summary>The smallest <see cref="Place"/>.</summary>
    public int FirstPlace { get; }

    /// <summary>The largest.</summary>
    public int LastPlace { get; }

    /// <summary>The phases that are read, in order.</summary>
    public int[] Phases { get; } = [];

    /// <summary>Whether every place that is read exists and neighbours of the result read neighbours.</summary>
    public bool IsInside => Stride == 1 && Low >= 0 && Low + Reach <= Extent;

    /// <summary>The convolution itself.</summary>
    public static Taps Forward(ConvolutionAxis axis)
        => new(Enumerable.Range(0, axis.Kernel).Select(k => At(k, k * axis.Dilation - axis.Before, axis.Stride)), axis.Output, axis.Input, axis.Stride);

    static Tap At(int k, int place, int stride)
    {
        var shift = (int)Math.Floor((double)place / stride);
        return new(k, shift, place - shift * stride);
    }

    /// <summary>Its adjoint: the places of the images that are <paramref name="residue"/> modulo the stride.</summary>
    public static Taps Adjoint(ConvolutionAxis axis, int residue)
    {
        var taps = from k in Enumerable.Range(0, axis.Kernel)
                   let place = residue + axis.Before - k * axis.Dilation
                   where place % axis.Stride == 0
                   select new Tap(k, place / axis.Stride, 0);
        return new(taps, (axis.Input - residue + axis.Stride - 1) / axis.Stride, axis.Output, 1) { Start = residue, Step = axis.Stride };
    }
}
