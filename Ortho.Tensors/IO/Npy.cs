namespace Ortho.Tensors.IO;

/// <summary>NumPy's file of one array, <c>.npy</c>.</summary>
/// <remarks>
/// Versions 1 to 3, little- and big-endian, C and Fortran order. Read are b1, i4, i8, f2, f4, f8, c8 and c16, and integers without a dtype
/// here, widened: i1, i2, u1 and u2 to Int32, u4 and u8 to Int64. NumPy has no bfloat16: such tensors are refused; <see cref="Safetensors"/>
/// takes them. Objects, text, dates and records are refused. A file is not trusted: what its header promises is compared with what is there
/// before memory is taken for it.
/// </remarks>
public static class Npy
{
    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="device">Where the tensor goes; the CPU when null.</param>
    /// <returns>A tensor, dense, or a permuted view of a dense one when the file is in Fortran order.</returns>
    /// <exception cref="InvalidDataException">The file is damaged, or holds what has no dtype here.</exception>
    /// <exception cref="IOException">The file cannot be opened or read.</exception>
    public static Tensor Load(string path, Device? device = null)
    {
        using var file = File.OpenRead(path);
        return Read(file, file.Length, new(path), device ?? Device.Cpu);
    }

    /// <summary>Writes a file, atomically (see <see cref="AtomicFile"/>): in C order, little-endian.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensor">Any tensor, on any device, in any layout, of any dtype but BFloat16.</param>
    /// <exception cref="TensorArgumentException">The tensor is BFloat16.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Save(string path, Tensor tensor)
    {
        Check("Npy.Save", tensor);
        AtomicFile.Write(path, file => Write(file, tensor));
    }

    /// <summary>Reads an array of <paramref name="length"/> bytes, header included, that fills its file or entry.</summary>
    internal static Tensor Read(Stream stream, long length, FilePart part, Device device)
    {
        var header = NpyHeader.Read(stream, length, part);
        var (bytes, found) = (part.CheckedBytes(header.Extents, header.Type.Size), length - header.Bytes);
        if (bytes != found)
            throw part.Refuse($"{found} bytes of data", $"{bytes} for {header.Type.DType} [{string.Join(", ", header.Extents)}]");
        if (!header.IsFortran)
            return TensorStream.Read(stream, header.Type, header.Extents, part, device);
        int[] reversed = [.. header.Extents.Reverse()];
        var tensor = TensorStream.Read(stream, header.Type, reversed, part, device);
        return tensor.View(tensor.Layout.Permute([.. Enumerable.Range(0, reversed.Length).Reverse()], "Npy.Load"));
    }

    /// <summary>Writes an array, header included.</summary>
    internal static void Write(Stream stream, Tensor tensor)
    {
        stream.Write(NpyHeader.Write(Descr(tensor.DType)!, tensor.Shape.Span));
        TensorStream.Write(stream, tensor);
    }

    /// <summary>Refuses what NumPy has no dtype for.</summary>
    internal static void Check(string operation, Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (Descr(tensor.DType) is null)
            throw new TensorArgumentException(operation, nameof(tensor), $"{tensor.DType}",
                "a dtype that NumPy has; convert it to Float32, or write safetensors");
    }

    static string? Descr(DType dtype) => dtype switch
    {
        DType.Bool => "|b1",
        DType.Int32 => "<i4",
        DType.Int64 => "<i8",
        DType.Half => "<f2",
        DType.Float32 => "<f4",
        DType.Float64 => "<f8",
        DType.Complex64 => "<c8",
        DType.Complex128 => "<c16",
        _ => null,
    };
}
