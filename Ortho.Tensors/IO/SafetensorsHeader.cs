using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace Ortho.Tensors.IO;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Type">How its numbers lie.</param>
/// <param name="Shape">Its extents.</param>
/// <param name="Begin">Where they begin, counted from the end of the header.</param>
/// <param name="End">Where they end.</param>
readonly record struct SafetensorsEntry(StoredType Type, Shape Shape, long Begin, long End);

/// <summary>The header of a safetensors file: its size in 8 bytes, then JSON: names with dtype, shape and place, and free text.</summary>
/// <param name="Entries">The tensors by name, in the order of the header.</param>
/// <param name="Metadata">The free text.</param>
/// <param name="Bytes">Size of the header, after which the numbers begin.</param>
sealed record SafetensorsHeader(OrderedDictionary<string, SafetensorsEntry> Entries, OrderedDictionary<string, string> Metadata, long Bytes)
{
    /// <summary>Bytes before the JSON text.</summary>
    public const int Prefix = sizeof(ulong);

    const string MetadataKey = "__metadata__";

    // What the reference implementation refuses to exceed.
    const long LongestText = 100_000_000;
    const int MostDimensions = 64;
    const int Depth = 3;

    // Name in the file, form and, where tensors are written in it, dtype.
    static readonly (string Name, StoredType Type, bool IsWritten)[] types =
    [
        ("BOOL", new(StoredKind.Bool, 1), true),
        ("U8", new(StoredKind.Unsigned, 1), false),
        ("I8", new(StoredKind.Signed, 1), false),
        ("I16", new(StoredKind.Signed, 2), false),
        ("U16", new(StoredKind.Unsigned, 2), false),
        ("F16", new(StoredKind.Float, 2), true),
        ("BF16", new(StoredKind.BFloat, 2), true),
        ("I32", new(StoredKind.Signed, 4), true),
        ("U32", new(StoredKind.Unsigned, 4), false),
        ("F32", new(StoredKind.Float, 4), true),
        ("C64", new(StoredKind.Complex, 8), true),
        ("F64", new(StoredKind.Float, 8), true),
        ("I64", new(StoredKind.Signed, 8), true),
        ("U64", new(StoredKind.Unsigned, 8), false),
    ];

    /// <summary>The place of a dtype in the order in which tensors are written: widest last in the list, first in the file, so that every
    /// tensor is aligned; or -1 when the format lacks it.</summary>
    public static int Rank(DType dtype) => Array.FindIndex(types, type => type.IsWritten && type.Type.DType == dtype);

    /// <summary>Reads and checks the header.</summary>
    /// <param name="start">The file from its first byte on; all of it, or at least the header.</param>
    /// <param name="fileBytes">Size of the file.</param>
    /// <param name="part">The file, for messages.</param>
    /// <exception cref="InvalidDataException">Anything is not as the format says.</exception>
    public static SafetensorsHeader Read(ReadOnlySpan<byte> start, long fileBytes, FilePart part)
    {
        var textLength = BinaryPrimitives.ReadUInt64LittleEndian(start);
        var longest = (ulong)Math.Min(LongestText, fileBytes - Prefix);
        if (textLength > longest)
            throw part.Refuse($"a header of {textLength} bytes", $"at most {longest}");
        var text = start.Slice(Prefix, (int)textLength);
        if (!Utf8.IsValid(text) || text.IsEmpty || text[0] != '{')
            throw part.Refuse("a header that is not JSON", "an object, in UTF-8");
        try
        {
            var (entries, metadata) = Parse(text, part);
            CheckPlaces(entries, fileBytes - Prefix - text.Length, part);
            return new(entries, metadata, Prefix + text.Length);
        }
        // The reader's InvalidOperationException: half of a surrogate pair.
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw part.Refuse($"a damaged header ({error.Message.TrimEnd('.')})", "JSON: an object of objects", error);
        }
    }

    static (OrderedDictionary<string, SafetensorsEntry>, OrderedDictionary<string, string>) Parse(ReadOnlySpan<byte> text, FilePart part)
    {
        var json = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = Depth });
        var entries = new OrderedDictionary<string, SafetensorsEntry>();
        var metadata = new OrderedDictionary<string, string>();
        var hasMetadata = false;
        Expect(ref json, JsonTokenType.StartObject, part);
        while (Next(ref json) != JsonTokenType.EndObject)
        {
            var name = json.GetString()!;
            var at = part.Entry(name);
            if (name == MetadataKey ? hasMetadata : entries.ContainsKey(name))
                throw at.Refuse("a second entry of this name", "each name once");
            if (name == MetadataKey)
                ReadMetadata(ref json, metadata, at);
            else
                entries.Add(name, ReadEntry(ref json, at));
            hasMetadata |= name == MetadataKey;
        }
        // Only white space may follow; anything else throws.
        json.Read();
        return (entries, metadata);
    }

    static void ReadMetadata(ref Utf8JsonReader json, OrderedDictionary<string, string> metadata, FilePart part)
    {
        Expect(ref json, JsonTokenType.StartObject, part);
        while (Next(ref json) != JsonTokenType.EndObject)
        {
            var key = json.GetString()!;
            Expect(ref json, JsonTokenType.String, part);
            if (!metadata.TryAdd(key, json.GetString()!))
                throw part.Refuse($"key {FilePart.Quote(key)} twice", "each key once");
        }
    }

    static SafetensorsEntry ReadEntry(ref Utf8JsonReader json, FilePart part)
    {
        (StoredType? type, List<long>? shape, List<long>? places) = (null, null, null);
        Expect(ref json, JsonTokenType.StartObject, part);
        while (Next(ref json) != JsonTokenType.EndObject)
        {
            if (json.ValueTextEquals("dtype"u8) && type is null)
                type = ReadType(ref json, part);
            else if (json.ValueTextEquals("shape"u8) && shape is null)
                shape = ReadNumbers(ref json, MostDimensions, int.MaxValue, part);
            else if (json.ValueTextEquals("data_offsets"u8) && places is null)
                places = ReadNumbers(ref json, 2, long.MaxValue, part);
            else
                throw part.Refuse($"key {FilePart.Quote(json.GetString())}", "dtype, shape and data_offsets, once each");
        }
        if (type is null || shape is null || places is not [var begin, var end])
            throw part.Refuse("an incomplete entry", "dtype, shape and two data_offsets");
        int[] extents = [.. shape.Select(extent => (int)extent)];
        var bytes = part.CheckedBytes(extents, type.Value.Size);
        if (begin > end || end - begin != bytes)
            throw part.Refuse($"data_offsets [{begin}, {end}]", $"{bytes} bytes for [{string.Join(", ", extents)}]");
        return new(type.Value, extents, begin, end);
    }

    static StoredType ReadType(ref Utf8JsonReader json, FilePart part)
    {
        Expect(ref json, JsonTokenType.String, part);
        var name = json.GetString()!;
        var known = Array.FindIndex(types, type => type.Name == name);
        return known >= 0
            ? types[known].Type
            : throw part.Refuse($"dtype {FilePart.Quote(name)}", string.Join(", ", types.Select(type => type.Name)));
    }

    static List<long> ReadNumbers(ref Utf8JsonReader json, int most, long largest, FilePart part)
    {
        var numbers = new List<long>();
        Expect(ref json, JsonTokenType.StartArray, part);
        while (Next(ref json) != JsonTokenType.EndArray)
        {
            if (json.TokenType != JsonTokenType.Number || !json.TryGetInt64(out var number) || number < 0 || number > largest)
                throw part.Refuse($"the extent or offset {Text(json)}", $"a whole number from 0 to {largest}");
            if (numbers.Count == most)
                throw part.Refuse($"more than {most} numbers", $"at most {most}");
            numbers.Add(number);
        }
        return numbers;
    }

    // Tensors lie one after another, without gaps and overlaps, from the end of the header to the end of the file.
    static void CheckPlaces(OrderedDictionary<string, SafetensorsEntry> entries, long dataBytes, FilePart part)
    {
        long end = 0;
        foreach (var (name, entry) in entries.OrderBy(entry => entry.Value.Begin).ThenBy(entry => entry.Value.End))
        {
            if (entry.Begin != end)
                throw part.Entry(name).Refuse($"data from {entry.Begin} on", $"from {end} on, where the entry before it ends");
            end = entry.End;
        }
        if (end != dataBytes)
            throw part.Refuse($"{dataBytes} bytes of data", $"{end}, as the header says");
    }

    static JsonTokenType Next(ref Utf8JsonReader json)
    {
        json.Read();
        return json.TokenType;
    }

    static void Expect(ref Utf8JsonReader json, JsonTokenType type, FilePart part)
    {
        if (Next(ref json) != type)
            throw part.Refuse($"{Text(json)} in the header", $"{type}");
    }

    static string Text(Utf8JsonReader json) => FilePart.Quote(System.Text.Encoding.UTF8.GetString(json.ValueSpan));

    /// <summary>The bytes of a header: metadata first, tensors as given, one after another, padded by spaces to 8 bytes.</summary>
    public static byte[] Write(IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyCollection<KeyValuePair<string, string>> metadata)
    {
        var buffer = new MemoryStream();
        buffer.Write(new byte[Prefix]);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata.Count > 0)
            {
                json.WriteStartObject(MetadataKey);
                foreach (var (key, value) in metadata)
                    json.WriteString(key, value);
                json.WriteEndObject();
            }
            long offset = 0;
            foreach (var (name, tensor) in tensors)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", types[Rank(tensor.DType)].Name);
                json.WriteStartArray("shape");
                foreach (var extent in tensor.Shape)
                    json.WriteNumberValue(extent);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.ElementCount * tensor.DType.Size);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (buffer.Length % Prefix != 0)
            buffer.WriteByte((byte)' ');
        var header = buffer.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)(header.Length - Prefix));
        return header;
    }

    /// <summary>Refuses what the format cannot hold.</summary>
    public static void Check(string operation, string name, Tensor tensor)
    {
        if (name == MetadataKey)
            throw new TensorArgumentException(operation, "tensors", $"a tensor named {MetadataKey}", "another name; this one is the format's");
        if (name != string.Concat(name.EnumerateRunes()))
            throw new TensorArgumentException(operation, "tensors",
                $"a tensor named {FilePart.Quote(name)}", "a name without halves of surrogate pairs");
        if (Rank(tensor.DType) < 0)
            throw new TensorArgumentException(operation, "tensors", $"the {tensor.DType} tensor '{name}'",
                "a dtype of the format: Bool, Int32, Int64, BFloat16, Half, Float32, Float64 or Complex64");
    }
}
