using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Ortho.Tensors.IO;

/// <summary>The header of an .npy file: magic number, version, and a Python dictionary of dtype, order and shape. See numpy.lib.format.</summary>
/// <param name="Type">How the numbers lie.</param>
/// <param name="IsFortran">Whether the first dimension runs fastest.</param>
/// <param name="Extents">The shape.</param>
/// <param name="Bytes">Size of the header, after which the numbers begin.</param>
sealed record NpyHeader(StoredType Type, bool IsFortran, int[] Extents, int Bytes)
{
    /// <summary>Most dimensions that NumPy 2 allows.</summary>
    const int MostDimensions = 64;

    // Without field names a header takes some hundred bytes; NumPy itself distrusts more than 10 000.
    const int LongestText = 1 << 16;
    const int Alignment = 64;

    // NumPy leaves room for the first extent to grow to this many digits.
    const int GrowthDigits = 21;

    /// <summary>Reads a header.</summary>
    /// <param name="stream">Positioned at its beginning.</param>
    /// <param name="length">Bytes of the whole array, header included.</param>
    /// <param name="part">Where that is.</param>
    /// <exception cref="InvalidDataException">It is damaged, or its dtype has no counterpart here.</exception>
    public static NpyHeader Read(Stream stream, long length, FilePart part)
    {
        Span<byte> start = stackalloc byte[12];
        Fill(start[..10], "magic number and version");
        if (start[0] != 0x93 || !start[1..6].SequenceEqual("NUMPY"u8))
            throw part.Refuse($"magic number 0x{Convert.ToHexStringLower(start[..6])}", "0x93 'NUMPY'");
        var version = start[6];
        if (version is < 1 or > 3 || start[7] != 0)
            throw part.Refuse($"version {version}.{start[7]}", "1.0, 2.0 or 3.0");
        if (version > 1)
            Fill(start[10..], "length of the header");
        var prefix = version > 1 ? 12 : 10;
        var textLength = version > 1 ? BinaryPrimitives.ReadUInt32LittleEndian(start[8..]) : BinaryPrimitives.ReadUInt16LittleEndian(start[8..]);
        if (textLength > Math.Min(LongestText, length - prefix))
            throw part.Refuse($"a header of {textLength} bytes", $"at most {Math.Min(LongestText, length - prefix)}");
        var text = new byte[textLength];
        Fill(text, "header");
        var (type, isFortran, extents) = Parse(Encoding.Latin1.GetString(text), part);
        return new(type, isFortran, extents, prefix + text.Length);

        void Fill(Span<byte> target, string what)
        {
            if (stream.ReadAtLeast(target, target.Length, throwOnEndOfStream: false) < target.Length)
                throw part.Refuse("the file ends early", what);
        }
    }

    /// <summary>The header of an array, byte for byte as NumPy writes it.</summary>
    public static byte[] Write(string descr, ReadOnlySpan<int> extents)
    {
        var tuple = extents.Length == 1 ? $"({extents[0]},)" : $"({string.Join(", ", extents.ToArray())})";
        var growth = extents.Length == 0 ? "" : new string(' ', GrowthDigits - $"{extents[0]}".Length);
        var text = $"{{'descr': '{descr}', 'fortran_order': False, 'shape': {tuple}, }}{growth}";
        const int prefix = 10;
        var bytes = (prefix + text.Length + 1 + Alignment - 1) / Alignment * Alignment;
        var header = new byte[bytes];
        header[0] = 0x93;
        "NUMPY"u8.CopyTo(header.AsSpan(1));
        header[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), (ushort)(bytes - prefix));
        Encoding.ASCII.GetBytes($"{text.PadRight(bytes - prefix - 1)}\n").CopyTo(header.AsSpan(prefix));
        return header;
    }

    // The one form that numpy.lib.format writes: a dictionary of exactly three keys, with literals.
    static (StoredType Type, bool IsFortran, int[] Extents) Parse(string text, FilePart part)
    {
        (StoredType? type, bool? isFortran, int[]? extents) = (null, null, null);
        var at = 0;
        Take('{');
        while (Peek() != '}')
        {
            var key = Quoted();
            Take(':');
            switch (key)
            {
                case "descr" when type is null: type = Descr(); break;
                case "fortran_order" when isFortran is null: isFortran = Truth(); break;
                case "shape" when extents is null: extents = Tuple(); break;
                default: throw Unexpected(at, $"key {FilePart.Quote(key)}", "'descr', 'fortran_order' and 'shape', once each");
            }
            if (Peek() != '}')
                Take(',');
        }
        Take('}');
        if (Peek() != '\0')
            throw Unexpected(at, "text after the dictionary", "the end of the header");
        return type is { } t && isFortran is { } f && extents is not null
            ? (t, f, extents)
            : throw part.Refuse($"a header without {(type is null ? "'descr'" : isFortran is null ? "'fortran_order'" : "'shape'")}",
                "'descr', 'fortran_order' and 'shape'");

        char Peek()
        {
            while (at < text.Length && text[at] is ' ' or '\n' or '\t' or '\r')
                at++;
            return at < text.Length ? text[at] : '\0';
        }

        void Take(char expected)
        {
            if (Peek() != expected)
                throw Unexpected(at, FilePart.Quote(text.AsSpan(at)), $"'{expected}'");
            at++;
        }

        string Quoted()
        {
            var quote = Peek();
            if (quote is not ('\'' or '"'))
                throw Unexpected(at, FilePart.Quote(text.AsSpan(at)), "a string");
            var end = text.IndexOf(quote, at + 1);
            if (end < 0 || text.AsSpan(at, end - at).Contains('\\'))
                throw Unexpected(at, FilePart.Quote(text.AsSpan(at)), "a string without escapes");
            var quoted = text[(at + 1)..end];
            at = end + 1;
            return quoted;
        }

        StoredType Descr() => Peek() == '['
            ? throw part.Refuse("a structured dtype", "one number per element")
            : TypeOf(Quoted(), part);

        bool Truth()
        {
            Peek();
            foreach (var (word, value) in (ReadOnlySpan<(string, bool)>)[("True", true), ("False", false)])
            {
                if (text.AsSpan(at).StartsWith(word))
                {
                    at += word.Length;
                    return value;
                }
            }
            throw Unexpected(at, FilePart.Quote(text.AsSpan(at)), "True or False");
        }

        int[] Tuple()
        {
            var items = new List<int>();
            var hasComma = false;
            for (Take('('); Peek() != ')';)
            {
                if (items.Count > 0 && !hasComma)
                    throw Unexpected(at, FilePart.Quote(text.AsSpan(at)), "','");
                items.Add(Extent());
                if (items.Count > MostDimensions)
                    throw part.Refuse($"a shape of more than {MostDimensions} dimensions", $"at most {MostDimensions}");
                hasComma = Peek() == ',';
                if (hasComma)
                    at++;
            }
            Take(')');
            return items.Count == 1 && !hasComma ? throw Unexpected(at, $"shape ({items[0]})", "a tuple") : [.. items];
        }

        int Extent()
        {
            Peek();
            var begin = at;
            while (at < text.Length && char.IsAsciiDigit(text[at]))
                at++;
            var digits = text.AsSpan(begin, at - begin);
            if (!int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var extent))
                throw Unexpected(begin, $"extent {FilePart.Quote(text.AsSpan(begin))}", $"0 to {int.MaxValue}");
            // Python 2 wrote long numbers with an L.
            if (at < text.Length && text[at] == 'L')
                at++;
            return extent;
        }

        InvalidDataException Unexpected(int position, string given, string expected)
            => part.Refuse($"{given} at position {position} of the header", expected);
    }

    static StoredType TypeOf(string descr, FilePart part)
    {
        StoredKind? kind = descr.Length < 3 ? null : descr[1] switch
        {
            'b' => StoredKind.Bool,
            'i' => StoredKind.Signed,
            'u' => StoredKind.Unsigned,
            'f' => StoredKind.Float,
            'c' => StoredKind.Complex,
            _ => null,
        };
        if (kind is not null && descr[0] is '<' or '>' or '|' or '=' && descr[2..] is "1" or "2" or "4" or "8" or "16")
        {
            var type = new StoredType(kind.Value, int.Parse(descr.AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture), descr[0] == '>');
            if (type.DType is not null)
                return type;
        }
        throw part.Refuse($"dtype {FilePart.Quote(descr)}", "b1, i1 to i8, u1 to u8, f2, f4, f8, c8 or c16");
    }
}
