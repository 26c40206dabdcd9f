using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Ortho.Tensors.IO;

/// <summary>Kinds of numbers in files.</summary>
enum StoredKind
{
    Bool,
    Signed,
    Unsigned,
    Float,
    BFloat,
    Complex,
}

/// <summary>How a number lies in a file, and which dtype takes it. Integers that have no dtype are widened to the next that holds all their
/// values: int8, int16, uint8 and uint16 become Int32; uint32 and uint64 become Int64 (uint64 values of 2^63 and more are refused).</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Size">Its bytes.</param>
/// <param name="IsBigEndian">Whether the most significant byte comes first.</param>
readonly record struct StoredType(StoredKind Kind, int Size, bool IsBigEndian = false)
{
    /// <summary>The dtype of a tensor read from such numbers, or null when there is none.</summary>
    public DType? DType => (Kind, Size) switch
    {
        (StoredKind.Bool, 1) => Tensors.DType.Bool,
        (StoredKind.Signed, 1 or 2 or 4) or (StoredKind.Unsigned, 1 or 2) => Tensors.DType.Int32,
        (StoredKind.Signed, 8) or (StoredKind.Unsigned, 4 or 8) => Tensors.DType.Int64,
        (StoredKind.Float, 2) => Tensors.DType.Half,
        (StoredKind.Float, 4) => Tensors.DType.Float32,
        (StoredKind.Float, 8) => Tensors.DType.Float64,
        (StoredKind.BFloat, 2) => Tensors.DType.BFloat16,
        (StoredKind.Complex, 8) => Tensors.DType.Complex64,
        (StoredKind.Complex, 16) => Tensors.DType.Complex128,
        _ => null,
    };

    /// <summary>Whether a tensor holds the very bytes of the file.</summary>
    public bool IsVerbatim => !IsBigEndian && Size == DType?.Size && Kind is not (StoredKind.Bool or StoredKind.Unsigned);

    /// <summary>Turns bytes of a file into elements.</summary>
    /// <param name="source">Whole numbers of the file; overwritten when their byte order is foreign.</param>
    /// <param name="elements">As many elements of <see cref="DType"/>.</param>
    /// <param name="part">Where they come from.</param>
    public void Decode(Span<byte> source, Span<byte> elements, FilePart part)
    {
        if (IsBigEndian)
            Reverse(source, Kind == StoredKind.Complex ? Size / 2 : Size);
        switch (Kind, Size)
        {
            // NumPy takes every byte but 0 for true; a .NET bool is 0 or 1.
            case (StoredKind.Bool, _): Widen<byte, byte>(source, elements, x => x == 0 ? (byte)0 : (byte)1); break;
            case (StoredKind.Signed, 1): Widen<sbyte, int>(source, elements, x => x); break;
            case (StoredKind.Signed, 2): Widen<short, int>(source, elements, x => x); break;
            case (StoredKind.Unsigned, 1): Widen<byte, int>(source, elements, x => x); break;
            case (StoredKind.Unsigned, 2): Widen<ushort, int>(source, elements, x => x); break;
            case (StoredKind.Unsigned, 4): Widen<uint, long>(source, elements, x => x); break;
            case (StoredKind.Unsigned, 8): Widen<ulong, long>(source, elements, x => x <= long.MaxValue ? (long)x : throw TooLarge(x, part)); break;
            default: source.CopyTo(elements); break;
        }
    }

    static InvalidDataException TooLarge(ulong x, FilePart part) => part.Refuse($"the uint64 number {x}", "at most 2^63 - 1, the largest Int64");

    static void Widen<A, B>(ReadOnlySpan<byte> source, Span<byte> elements, Func<A, B> widen) where A : unmanaged where B : unmanaged
    {
        var from = MemoryMarshal.Cast<byte, A>(source);
        var to = MemoryMarshal.Cast<byte, B>(elements);
        for (var i = 0; i < from.Length; i++)
            to[i] = widen(from[i]);
    }

    static void Reverse(Span<byte> bytes, int size)
    {
        switch (size)
        {
            case 2: Reverse(MemoryMarshal.Cast<byte, ushort>(bytes), BinaryPrimitives.ReverseEndianness); break;
            case 4: Reverse(MemoryMarshal.Cast<byte, uint>(bytes), BinaryPrimitives.ReverseEndianness); break;
            case 8: Reverse(MemoryMarshal.Cast<byte, ulong>(bytes), BinaryPrimitives.ReverseEndianness); break;
        }
    }

    static void Reverse<E>(Span<E> numbers, Func<E, E> reverse)
    {
        foreach (ref var number in numbers)
            number = reverse(number);
    }
}
