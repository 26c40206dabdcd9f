using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU.Util;

namespace Ortho.Kernels.Lanes;

/// <summary>Neighbouring elements that a device thread loads and stores at once: 16 bytes, aligned to their size.</summary>
/// <remarks>No lane: a formula is applied to the elements one after the other, with the same bits. The loop over them has a constant length
/// and is unrolled by the device's compiler, so that their number costs no selects.</remarks>
/// <typeparam name="W">The type itself.</typeparam>
/// <typeparam name="E">The element.</typeparam>
public interface IWide<W, E> where W : struct where E : struct
{
    /// <summary>Number of elements. A compile-time constant.</summary>
    static abstract int Count { get; }

    /// <summary>The element at a place.</summary>
    static abstract E Get(W wide, int place);

    /// <summary>The same elements but for one place.</summary>
    static abstract W With(W wide, int place, E value);
}

static class Wide
{
    /// <summary>One element at every place.</summary>
    [MethodImpl(Inline.Always)]
    public static W Filled<W, E>(E value) where W : unmanaged, IWide<W, E> where E : unmanaged
    {
        W wide = default;
        for (var k = 0; k < W.Count; k++)
            wide = W.With(wide, k, value);
        return wide;
    }
}

/// <summary>One element that is wide by itself.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct Lone<E> : IWide<Lone<E>, E> where E : unmanaged
{
    /// <summary>The element.</summary>
    public E X;

    /// <inheritdoc/>
    public static int Count { [MethodImpl(Inline.Always)] get => 1; }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static E Get(Lone<E> wide, int place) => wide.X;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Lone<E> With(Lone<E> wide, int place, E value) => new() { X = value };
}

/// <summary>Two elements of 64 bits.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct Twin<E>(E x, E y) : IWide<Twin<E>, E> where E : struct
{
    /// <summary>An element.</summary>
    public E X = x, Y = y;

    /// <inheritdoc/>
    public static int Count { [MethodImpl(Inline.Always)] get => 2; }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static E Get(Twin<E> wide, int place)
    {
        var value = wide.X;
        if (place == 1)
            value = wide.Y;
        return value;
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Twin<E> With(Twin<E> wide, int place, E value)
    {
        if (place == 0)
            wide.X = value;
        if (place == 1)
            wide.Y = value;
        return wide;
    }
}

/// <summary>Four elements of 32 bits, or shorter ones; of 64 bits where two accesses do. Of lanes, four of them in registers.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct Quad<E>(E x, E y, E z, E w) : IWide<Quad<E>, E> where E : struct
{
    /// <summary>An element.</summary>
    public E X = x, Y = y, Z = z, W = w;

    /// <inheritdoc/>
    public static int Count { [MethodImpl(Inline.Always)] get => 4; }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static E Get(Quad<E> wide, int place)
    {
        var value = wide.X;
        if (place == 1)
            value = wide.Y;
        if (place == 2)
            value = wide.Z;
        if (place == 3)
            value = wide.W;
        return value;
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Quad<E> With(Quad<E> wide, int place, E value)
    {
        if (place == 0)
            wide.X = value;
        if (place == 1)
            wide.Y = value;
        if (place == 2)
            wide.Z = value;
        if (place == 3)
            wide.W = value;
        return wide;
    }
}

/// <summary>Eight elements of 16 bits, in words of two.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct Octet : IWide<Octet, ushort>
{
    /// <summary>Two elements, the first in the lower half.</summary>
    public Quad<int> Words;

    /// <inheritdoc/>
    public static int Count { [MethodImpl(Inline.Always)] get => 8; }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static ushort Get(Octet wide, int place) => (ushort)(Quad<int>.Get(wide.Words, place >> 1) >> ((place & 1) << 4));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static Octet With(Octet wide, int place, ushort value)
    {
        var word = Quad<int>.Get(wide.Words, place >> 1);
        word = Utilities.Select((place & 1) == 0, (word & ~0xffff) | value, (word & 0xffff) | (value << 16));
        return new() { Words = Quad<int>.With(wide.Words, place >> 1, word) };
    }
}
