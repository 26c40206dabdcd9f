namespace Ortho.Kernels.Convolution;

/// <summary><see cref="Taps"/> on devices: place m of the result, which is written at Start + m Step, reads places m Stride + Place + t
/// PlaceStep of the operand, for the taps First + t FirstStep of the kernel.</summary>
struct TiledAxis
{
    public int Count, Extent, Stride, Start, Step;

    /// <summary>Taps; the first one, and from one to the next.</summary>
    public int Taps, First, FirstStep;

    /// <summary>Where the first tap reads for place 0 of the result, and from one tap to the next.</summary>
    public int Place, PlaceStep;

    // The taps that meet a residue are those of a residue: as far apart as each other.
    public static TiledAxis Of(Taps taps) => new()
    {
        Count = taps.Count, Extent = taps.Extent, Stride = taps.Stride, Start = taps.Start, Step = taps.Step, Taps = taps.All.Length,
        First = taps.All.Length > 0 ? taps.All[0].Index : 0, FirstStep = taps.All.Length > 1 ? taps.All[1].Index - taps.All[0].Index : 1,
        Place = taps.All.Length > 0 ? taps.Place(0) : 0, PlaceStep = taps.All.Length > 1 ? taps.Place(1) - taps.Place(0) : 0,
    };
}
