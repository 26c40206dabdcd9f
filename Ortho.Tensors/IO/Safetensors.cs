namespace Ortho.Tensors.IO;

/// <summary>Hugging Face's file of named tensors, <c>.safetensors</c>.</summary>
/// <remarks>
/// Read are BOOL, I32, I64, F16, BF16, F32, F64 and C64, and integers without a dtype here, widened: I8, U8, I16 and U16 to Int32, U32 and
/// U64 to Int64. 8-bit floats are refused; so is Complex128 in writing, which the format lacks. A file is not trusted: its header is checked
/// in full, as the reference implementation does (each name once, no gaps, no overlaps, sizes that agree), before anything is read.
/// </remarks>
public static class Safetensors
{
    /// <summary>Opens a file whose tensors are read when they are asked for.</summary>
    /// <param name="path">The file. While it is open, it may be replaced but not be shortened.</param>
    /// <exception cref="InvalidDataException">The file is damaged, or holds what has no dtype here.</exception>
    /// <exception cref="IOException">The file cannot be opened or read.</exception>
    public static SafetensorsFile Open(string path) => SafetensorsFile.Open(path);

    /// <summary>Reads all tensors of a file and closes it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="device">Where the tensors go; the CPU when null.</param>
    /// <returns>The tensors by name, in the order of the file's header.</returns>
    /// <exception cref="InvalidDataException">The file is damaged, or holds what has no dtype here.</exception>
    /// <exception cref="IOException">The file cannot be opened or read.</exception>
    public static IReadOnlyDictionary<string, Tensor> Load(string path, Device? device = null)
    {
        using var file = Open(path);
        var tensors = new OrderedDictionary<string, Tensor>();
        foreach (var name in file.Names)
            tensors.Add(name, file.Read(name, device));
        return tensors;
    }

    /// <summary>Writes a file, atomically (see <see cref="AtomicFile"/>). Equal tensors give equal bytes, whatever their order: the widest
    /// come first, and those of a dtype by name.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">Names and tensors, on any device, in any layout, of any dtype but Complex128.</param>
    /// <param name="metadata">Free text to keep with them.</param>
    /// <exception cref="TensorArgumentException">A name comes twice or is the format's own, or a tensor is Complex128.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Save(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var entries = new SortedDictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var (name, tensor) in tensors)
        {
            SafetensorsHeader.Check("Safetensors.Save", name, tensor);
            if (!entries.TryAdd(name, tensor))
                throw new TensorArgumentException("Safetensors.Save", nameof(tensors), $"two tensors named '{name}'", "each name once");
        }
        KeyValuePair<string, Tensor>[] ordered = [.. entries.OrderByDescending(entry => SafetensorsHeader.Rank(entry.Value.DType))];
        var texts = (metadata ?? new Dictionary<string, string>()).OrderBy(text => text.Key, StringComparer.Ordinal);
        var header = SafetensorsHeader.Write(ordered, [.. texts]);
        AtomicFile.Write(path, file =>
        {
            file.Write(header);
            foreach (var (_, tensor) in ordered)
                TensorStream.Write(file, tensor);
        });
    }
}
