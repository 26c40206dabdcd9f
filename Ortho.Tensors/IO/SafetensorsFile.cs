using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Ortho.Tensors.IO;

/// <summary>An open safetensors file: tensors are read when they are asked for.</summary>
/// <example><code>
/// using var file = Safetensors.Open("model.safetensors");
/// var weight = file["0.weight"];
/// </code></example>
public sealed unsafe class SafetensorsFile : IDisposable, IReadOnlyDictionary<string, Tensor>
{
    readonly FilePart part;
    readonly MappedFile map;
    readonly SafetensorsHeader header;
    bool isDisposed;

    SafetensorsFile(FilePart part, MappedFile map)
    {
        (this.part, this.map) = (part, map);
        header = SafetensorsHeader.Read(new(map.Start, (int)Math.Min(map.Length, int.MaxValue)), map.Length, part);
    }

    internal static SafetensorsFile Open(string path)
    {
        var part = new FilePart(path);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        if (file.Length < SafetensorsHeader.Prefix)
            throw part.Refuse($"a file of {file.Length} bytes", $"at least {SafetensorsHeader.Prefix}, the size of the header");
        var map = MappedFile.Open(file);
        try
        {
            return new(part, map);
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    /// <summary>The names of the tensors, in the order of the header.</summary>
    public IReadOnlyList<string> Names => header.Entries.Keys;

    /// <summary>How many tensors there are.</summary>
    public int Count => header.Entries.Count;

    /// <summary>The text that was kept with them.</summary>
    public IReadOnlyDictionary<string, string> Metadata => header.Metadata;

    /// <summary>The dtype and shape of a tensor, without reading it.</summary>
    /// <exception cref="KeyNotFoundException">There is no tensor of this name.</exception>
    public (DType DType, Shape Shape) Describe(string name) => (Find(name).Type.DType!.Value, Find(name).Shape);

    /// <summary>A tensor on the CPU. It lies in the mapped file where that is possible: nothing is read before it is used, and what is
    /// written to it is seen by later readers of this <see cref="SafetensorsFile"/> only, never by the file. It outlives
    /// <see cref="Dispose"/>.</summary>
    /// <exception cref="KeyNotFoundException">There is no tensor of this name.</exception>
    /// <exception cref="InvalidDataException">A number has no place in the dtype.</exception>
    public Tensor this[string name]
    {
        get
        {
            var entry = Find(name);
            var address = map.Start + header.Bytes + entry.Begin;
            var isAligned = (nuint)address % (nuint)Math.Min(entry.Type.Size, sizeof(long)) == 0;
            if (!entry.Type.IsVerbatim || !isAligned || entry.End == entry.Begin)
                return Read(name);
            var memory = map.Share(header.Bytes + entry.Begin, entry.End - entry.Begin);
            return Tensor.Over(memory, Layout.Dense(entry.Shape), entry.Type.DType!.Value);
        }
    }

    /// <summary>A copy of a tensor, on any device.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="device">Where it goes; the CPU when null.</param>
    /// <exception cref="KeyNotFoundException">There is no tensor of this name.</exception>
    /// <exception cref="InvalidDataException">A number has no place in the dtype.</exception>
    public Tensor Read(string name, Device? device = null)
    {
        var entry = Find(name);
        var tensor = TensorStream.Read(map.Start + header.Bytes + entry.Begin, entry.Type, entry.Shape, part.Entry(name), device ?? Device.Cpu);
        GC.KeepAlive(this);
        return tensor;
    }

    /// <summary>Whether there is a tensor of this name.</summary>
    public bool ContainsKey(string key) => header.Entries.ContainsKey(key);

    /// <summary>The tensor of a name, if there is one; see the indexer.</summary>
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out Tensor value)
    {
        value = ContainsKey(key) ? this[key] : null;
        return value is not null;
    }

    /// <summary>The tensors by name, each read when it is reached.</summary>
    public IEnumerator<KeyValuePair<string, Tensor>> GetEnumerator() => Names.Select(name => KeyValuePair.Create(name, this[name])).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    IEnumerable<string> IReadOnlyDictionary<string, Tensor>.Keys => Names;

    IEnumerable<Tensor> IReadOnlyDictionary<string, Tensor>.Values => Names.Select(name => this[name]);

    /// <summary>Closes the file. Tensors that lie in it stay, and keep its memory, not its name.</summary>
    public void Dispose()
    {
        if (isDisposed)
            return;
        isDisposed = true;
        map.Dispose();
    }

    SafetensorsEntry Find(string name)
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        return header.Entries.TryGetValue(name, out var entry)
            ? entry
            : throw new KeyNotFoundException($"{part}: there is no tensor {FilePart.Quote(name)} among {header.Entries.Count}.");
    }
}
