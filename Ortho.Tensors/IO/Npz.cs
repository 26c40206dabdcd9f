using System.IO.Compression;

namespace Ortho.Tensors.IO;

/// <summary>NumPy's file of several arrays, <c>.npz</c>: a zip file of <see cref="Npy"/> files, stored or deflated.</summary>
/// <remarks>What is said of dtypes and trust there holds here. Besides, entries may not overlap, deflated data may not promise more than
/// deflation can hold (1032 times its size), and checksums are compared.</remarks>
public static class Npz
{
    const string Extension = ".npy";

    // A deflated bit stands for 129 bytes at most: 258 are copied by two one-bit codes.
    const int MostInflation = 1032;

    // Zip has no time before this; a fixed one makes equal tensors equal files.
    static readonly DateTimeOffset timestamp = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="device">Where the tensors go; the CPU when null.</param>
    /// <returns>The tensors by name, in the order of the file.</returns>
    /// <exception cref="InvalidDataException">The file is damaged, or holds what has no dtype here.</exception>
    /// <exception cref="IOException">The file cannot be opened or read.</exception>
    public static IReadOnlyDictionary<string, Tensor> Load(string path, Device? device = null)
    {
        using var file = File.OpenRead(path);
        return Read(file, new(path), device ?? Device.Cpu);
    }

    /// <summary>Writes a file, atomically (see <see cref="AtomicFile"/>).</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">Names and tensors; any tensors but BFloat16.</param>
    /// <param name="compress">Whether to deflate, as <c>numpy.savez_compressed</c> does.</param>
    /// <exception cref="TensorArgumentException">A name comes twice, or a tensor is BFloat16.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Save(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, bool compress = false)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var entries = new OrderedDictionary<string, Tensor>();
        foreach (var (name, tensor) in tensors)
        {
            Npy.Check("Npz.Save", tensor);
            if (!entries.TryAdd(name, tensor))
                throw new TensorArgumentException("Npz.Save", nameof(tensors), $"two tensors named '{name}'", "each name once");
        }
        AtomicFile.Write(path, file =>
        {
            using var archive = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true);
            foreach (var (name, tensor) in entries)
            {
                var entry = archive.CreateEntry(name + Extension, compress ? CompressionLevel.Optimal : CompressionLevel.NoCompression);
                entry.LastWriteTime = timestamp;
                using var stream = entry.Open();
                Npy.Write(stream, tensor);
            }
        });
    }

    internal static IReadOnlyDictionary<string, Tensor> Read(Stream file, FilePart part, Device device)
    {
        var tensors = new OrderedDictionary<string, Tensor>();
        try
        {
            using var archive = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
            CheckSizes(archive, file.Length, part);
            foreach (var entry in archive.Entries)
            {
                var at = part.Entry(entry.FullName);
                if (!entry.FullName.EndsWith(Extension, StringComparison.Ordinal))
                    throw at.Refuse("a file of another kind", $"a name that ends in {Extension}");
                if (tensors.ContainsKey(entry.FullName[..^Extension.Length]))
                    throw at.Refuse("a second entry of this name", "each name once");
                tensors.Add(entry.FullName[..^Extension.Length], Read(entry, at, device));
            }
            return tensors;
        }
        catch (Exception error)
        {
            foreach (var tensor in tensors.Values)
                tensor.Dispose();
            // What the zip reader throws at damaged files, besides what says so.
            if (error is ArgumentException or OverflowException or NotSupportedException or EndOfStreamException
                || (error is InvalidDataException && !error.Message.StartsWith(part.File, StringComparison.Ordinal)))
                throw part.Refuse($"damaged zip data ({error.Message.TrimEnd('.')})", "a zip file", error);
            throw;
        }
    }

    static void CheckSizes(ZipArchive archive, long fileBytes, FilePart part)
    {
        long packed = 0;
        foreach (var entry in archive.Entries)
        {
            var at = part.Entry(entry.FullName);
            if (entry.IsEncrypted)
                throw at.Refuse("encrypted data", "plain data");
            if (entry.Length < 0 || entry.CompressedLength < 0 || entry.CompressedLength > fileBytes)
                throw at.Refuse($"{entry.CompressedLength} bytes that hold {entry.Length}", $"sizes from 0 to the file's {fileBytes}");
            if (entry.Length / MostInflation > entry.CompressedLength)
                throw at.Refuse($"{entry.CompressedLength} bytes that hold {entry.Length}",
                    $"at most {MostInflation} times as many, the most that deflation can hold");
            packed += entry.CompressedLength;
        }
        if (packed > fileBytes)
            throw part.Refuse($"entries of {packed} bytes in a file of {fileBytes}", "entries that do not overlap");
    }

    static Tensor Read(ZipArchiveEntry entry, FilePart part, Device device)
    {
        using var stream = entry.Open();
        var summed = new Crc32Stream(stream);
        var tensor = Npy.Read(summed, entry.Length, part, device);
        if (summed.Sum == entry.Crc32)
            return tensor;
        tensor.Dispose();
        throw part.Refuse($"checksum {summed.Sum:x8}", $"{entry.Crc32:x8}");
    }
}
