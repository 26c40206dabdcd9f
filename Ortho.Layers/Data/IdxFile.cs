using System.Buffers.Binary;
using System.IO.Compression;

namespace Ortho.Layers.Data;

/// <summary>An array of unsigned bytes with its dimensions, as an IDX file holds it.</summary>
/// <param name="Shape">The dimensions, slowest first.</param>
/// <param name="Data">The elements in row-major order.</param>
public sealed record IdxArray(IReadOnlyList<int> Shape, byte[] Data);

/// <summary>
/// The IDX format of MNIST and its relatives: two zero bytes, a type code, the rank, the dimensions as big-endian 32-bit numbers, the
/// elements. Unsigned bytes of any rank, plain or gzip (told apart by content, not by name). A file is untrusted: what the header promises
/// is compared with what is there before memory is allocated for it.
/// </summary>
public static class IdxFile
{
    const byte UnsignedByte = 0x08;
    const int MagicBytes = 4;

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file, plain or gzip.</param>
    /// <exception cref="InvalidDataException">The file is no IDX file of unsigned bytes, or too short, or too long; the message names the file,
    /// the offset, what was found and what was expected.</exception>
    /// <exception cref="IOException">The file cannot be opened or read.</exception>
    public static IdxArray Read(string path)
    {
        try
        {
            int[] shape;
            int size;
            using (var stream = Open(path))
            {
                shape = ReadHeader(stream, path);
                size = CheckedSize(stream, path, shape);
            }
            // Second pass: a gzip stream cannot be asked for its length, and the length it states may be a lie, so it was counted first.
            using (var stream = Open(path))
            {
                _ = ReadHeader(stream, path);
                var data = new byte[size];
                stream.ReadExactly(data);
                return new IdxArray(shape, data);
            }
        }
        catch (EndOfStreamException)
        {
            throw new InvalidDataException($"{path}: the file changed while it was read.");
        }
        catch (InvalidDataException damage) when (!damage.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{path}: damaged gzip data: {damage.Message}", damage);
        }
    }

    /// <summary>Writes a file.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="array">What; as many elements as the shape says.</param>
    /// <param name="compress">Whether to write gzip.</param>
    /// <exception cref="ArgumentException">The shape and the number of elements differ, or the rank is over 255.</exception>
    public static void Write(string path, IdxArray array, bool compress = false)
    {
        var count = array.Shape.Aggregate(1L, (product, dimension) => checked(product * dimension));
        if (count != array.Data.Length || array.Shape.Count > byte.MaxValue || array.Shape.Any(dimension => dimension < 0))
            throw new ArgumentException($"IDX: {array.Data.Length} elements do not fill the shape [{string.Join(", ", array.Shape)}].", nameof(array));

        Span<byte> header = stackalloc byte[MagicBytes + 4 * byte.MaxValue];
        header[..2].Clear();
        header[2] = UnsignedByte;
        header[3] = (byte)array.Shape.Count;
        for (var axis = 0; axis < array.Shape.Count; axis++)
            BinaryPrimitives.WriteInt32BigEndian(header[(MagicBytes + 4 * axis)..], array.Shape[axis]);

        using var file = File.Create(path);
        using Stream stream = compress ? new GZipStream(file, CompressionLevel.Optimal) : file;
        stream.Write(header[..(MagicBytes + 4 * array.Shape.Count)]);
        stream.Write(array.Data);
    }

    static Stream Open(string path)
    {
        var file = File.OpenRead(path);
        try
        {
            Span<byte> start = stackalloc byte[2];
            var read = file.ReadAtLeast(start, 2, throwOnEndOfStream: false);
            file.Position = 0;
            var isGzip = read == 2 && start[0] == 0x1F && start[1] == 0x8B; // an IDX file starts with two zeros
            return isGzip ? new GZipStream(file, CompressionMode.Decompress) : file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    static int[] ReadHeader(Stream stream, string path)
    {
        Span<byte> magic = stackalloc byte[MagicBytes];
        Fill(stream, path, magic, offset: 0, "the magic number");
        if (magic[0] != 0 || magic[1] != 0)
            throw new InvalidDataException($"{path}: wrong magic number 0x{Convert.ToHexStringLower(magic)} at offset 0; expected 0x000008 and the rank.");
        if (magic[2] != UnsignedByte)
            throw new InvalidDataException($"{path}: element type 0x{magic[2]:x2} at offset 2; expected 0x08, unsigned bytes.");
        if (magic[3] == 0)
            throw new InvalidDataException($"{path}: rank 0 at offset 3; expected at least 1.");

        Span<byte> dimensions = stackalloc byte[4 * magic[3]];
        Fill(stream, path, dimensions, MagicBytes, $"{magic[3]} dimensions");
        var shape = new int[magic[3]];
        for (var axis = 0; axis < shape.Length; axis++)
        {
            var dimension = BinaryPrimitives.ReadUInt32BigEndian(dimensions[(4 * axis)..]);
            if (dimension > int.MaxValue)
                throw new InvalidDataException($"{path}: dimension {dimension} at offset {MagicBytes + 4 * axis}; expected at most {int.MaxValue}.");
            shape[axis] = (int)dimension;
        }
        return shape;
    }

    static void Fill(Stream stream, string path, Span<byte> target, int offset, string what)
    {
        var read = stream.ReadAtLeast(target, target.Length, throwOnEndOfStream: false);
        if (read < target.Length)
            throw new InvalidDataException($"{path}: truncated header: the file ends at offset {offset + read}; expected {what} up to {offset + target.Length}.");
    }

    /// <summary>The number of elements that the shape promises, once it is known that exactly that many are there.</summary>
    static int CheckedSize(Stream stream, string path, int[] shape)
    {
        long promised = shape.Contains(0) ? 0 : 1;
        foreach (var dimension in shape)
        {
            promised *= dimension; // below 2^62: at most Array.MaxLength, times a dimension below 2^31
            if (promised > Array.MaxLength)
                throw new InvalidDataException($"{path}: absurd dimensions [{string.Join(", ", shape)}]; expected at most {Array.MaxLength} elements.");
        }
        long header = MagicBytes + 4 * shape.Length;
        var found = stream is FileStream file ? file.Length - header : Count(stream, promised);
        if (found < promised)
            throw new InvalidDataException($"{path}: truncated: the data end at offset {header + found}; "
                + $"expected {promised} elements [{string.Join(", ", shape)}] up to offset {header + promised}.");
        if (found > promised)
            throw new InvalidDataException($"{path}: extra bytes after offset {header + promised}; "
                + $"expected the file to end after {promised} elements [{string.Join(", ", shape)}].");
        return (int)promised;
    }

    /// <summary>How many bytes are left, in constant memory; gives up once there are more than the limit.</summary>
    static long Count(Stream stream, long limit)
    {
        var buffer = new byte[64 * 1024];
        long count = 0;
        int read;
        while (count <= limit && (read = stream.Read(buffer)) > 0) count += read;
        return count;
    }
}
