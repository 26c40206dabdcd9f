using System.Runtime.CompilerServices;
using Ortho.Kernels.Host;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Fourier;

/// <summary>How the elements of a vector of signals lie in memory.</summary>
enum PlaceKind
{
    /// <summary>One after the other, a vector of real parts and a vector of imaginary parts each: what steps work in.</summary>
    Packed,

    /// <summary>At a distance from each other, the parts at a distance of their own.</summary>
    Apart,

    /// <summary>Complex numbers of a tensor whose neighbours belong to neighbouring signals.</summary>
    Interleaved,
}

/// <summary>Where a vector of signals is read from or written to.</summary>
/// <param name="Kind">Its form.</param>
/// <param name="Start">Address of the real part (<see cref="PlaceKind.Interleaved"/>: of the first number) of element 0.</param>
/// <param name="Stride">Numbers between neighbouring elements of a signal.</param>
/// <param name="Part">Numbers from real to imaginary parts; negative where the parts are exchanged.</param>
/// <param name="Flip">Whether interleaved parts are exchanged.</param>
/// <param name="Scale">What is multiplied to what is written, unless the form is packed.</param>
readonly record struct Place(PlaceKind Kind, nint Start, nint Stride = 0, nint Part = 0, bool Flip = false, double Scale = 1)
{
    /// <summary>Elements <paramref name="stride"/> numbers apart, their parts <paramref name="part"/>; <paramref name="flip"/> exchanges these.</summary>
    public static unsafe Place Apart<E>(E* start, nint stride, nint part, bool flip = false, double scale = 1) where E : unmanaged
        => flip ? new(PlaceKind.Apart, (nint)(start + part), stride, -part, false, scale) : new(PlaceKind.Apart, (nint)start, stride, part, false, scale);
}

/// <summary>A signal in one of the forms of <see cref="PlaceKind"/>.</summary>
/// <typeparam name="A">The signal itself.</typeparam>
/// <typeparam name="V">The lane.</typeparam>
interface IPlaced<A, V> : ISignal<V> where A : struct, IPlaced<A, V> where V : struct, ILane<V>
{
    static abstract A At(in Place place);
}

readonly unsafe struct Packed<V, E, FV>(E* start) : IPlaced<Packed<V, E, FV>, V> where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
{
    readonly E* start = start;

    [MethodImpl(Inline.Always)] public static Packed<V, E, FV> At(in Place place) => new((E*)place.Start);

    [MethodImpl(Inline.Always)]
    public Cx<V> Get(int index)
    {
        var at = start + (nint)index * (2 * FV.Width);
        return new(FV.Load(at), FV.Load(at + FV.Width));
    }

    [MethodImpl(Inline.Always)]
    public void Set(int index, Cx<V> value)
    {
        var at = start + (nint)index * (2 * FV.Width);
        FV.Store(at, value.Re);
        FV.Store(at + FV.Width, value.Im);
    }
}

readonly unsafe struct Apart<V, E, FV>(E* start, nint stride, nint part, V scale) : IPlaced<Apart<V, E, FV>, V>
    where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
{
    readonly E* start = start;
    readonly nint stride = stride, part = part;
    readonly V scale = scale;

    [MethodImpl(Inline.Always)] public static Apart<V, E, FV> At(in Place place) => new((E*)place.Start, place.Stride, place.Part, V.Of(place.Scale));

    [MethodImpl(Inline.Always)]
    public Cx<V> Get(int index)
    {
        var at = start + index * stride;
        return new(FV.Load(at), FV.Load(at + part));
    }

    [MethodImpl(Inline.Always)]
    public void Set(int index, Cx<V> value)
    {
        var at = start + index * stride;
        FV.Store(at, value.Re * scale);
        FV.Store(at + part, value.Im * scale);
    }
}

readonly unsafe struct Interleaved<V, E, FV>(E* start, nint stride, bool flip, V scale) : IPlaced<Interleaved<V, E, FV>, V>
    where V : struct, ILane<V> where E : unmanaged where FV : struct, IFormat<V, E>
{
    readonly E* start = start;
    readonly nint stride = stride;
    readonly bool flip = flip;
    readonly V scale = scale;

    [MethodImpl(Inline.Always)] public static Interleaved<V, E, FV> At(in Place place) => new((E*)place.Start, place.Stride, place.Flip, V.Of(place.Scale));

    [MethodImpl(Inline.Always)]
    public Cx<V> Get(int index)
    {
        var value = Weave.Unzip<V, E, FV>(start + index * stride);
        return flip ? Complexes.Swap(value) : value;
    }

    [MethodImpl(Inline.Always)]
    public void Set(int index, Cx<V> value)
    {
        value = value * scale;
        Weave.Zip<V, E, FV>(start + index * stride, flip ? Complexes.Swap(value) : value);
    }
}
