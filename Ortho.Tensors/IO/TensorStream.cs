namespace Ortho.Tensors.IO;

/// <summary>Elements of tensors out of and into streams, in row-major order, a piece at a time: no second copy of a tensor is made.</summary>
static unsafe class TensorStream
{
    const int Piece = 1 << 20;

    /// <summary>A tensor with the next numbers of a stream. The caller has checked that the file justifies its size.</summary>
    /// <exception cref="InvalidDataException">The stream ends too early, or a number has no place in the dtype.</exception>
    public static Tensor Read(Stream stream, StoredType type, Shape shape, FilePart part, Device device)
        => Read(type, shape, part, device, source =>
        {
            if (stream.ReadAtLeast(source, source.Length, throwOnEndOfStream: false) < source.Length)
                throw part.Refuse("the data end early", $"{shape.ElementCount} elements {shape}");
        });

    /// <summary>A tensor with the numbers that lie at an address.</summary>
    /// <exception cref="InvalidDataException">A number has no place in the dtype.</exception>
    public static Tensor Read(byte* address, StoredType type, Shape shape, FilePart part, Device device)
        => Read(type, shape, part, device, source =>
        {
            new ReadOnlySpan<byte>(address, source.Length).CopyTo(source);
            address += source.Length;
        });

    delegate void Source(Span<byte> target);

    static Tensor Read(StoredType type, Shape shape, FilePart part, Device device, Source next)
    {
        var tensor = Tensor.Empty(shape, type.DType!.Value, device);
        try
        {
            var (count, perPiece, size) = (tensor.ElementCount, Piece / 16, tensor.DType.Size);
            var source = new byte[Math.Min(count, perPiece) * type.Size];
            var elements = type.IsVerbatim ? source : new byte[Math.Min(count, perPiece) * size];
            for (long i = 0; i < count; i += perPiece)
            {
                var n = (int)Math.Min(perPiece, count - i);
                next(source.AsSpan(0, n * type.Size));
                if (!type.IsVerbatim)
                    type.Decode(source.AsSpan(0, n * type.Size), elements.AsSpan(0, n * size), part);
                device.Upload(elements.AsSpan(0, n * size), tensor.Storage.Block, i * size);
            }
            return tensor;
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
    }

    /// <summary>Writes the elements of a tensor on any device, in any layout.</summary>
    public static void Write(Stream stream, Tensor tensor)
    {
        if (tensor.ElementCount == 0)
            return;
        if (tensor.IsContiguous)
        {
            ForPieces(tensor, tensor.Layout.Offset, tensor.ElementCount, piece => stream.Write(piece));
        }
        else if (tensor.Device.Kind == DeviceKind.Cpu)
        {
            WriteStrided(stream, tensor);
        }
        else
        {
            var copy = Downloaded(tensor);
            WriteStrided(stream, copy);
            copy.Dispose();
        }
        GC.KeepAlive(tensor);
    }

    static void WriteStrided(Stream stream, Tensor tensor)
    {
        var start = (byte*)((CpuBlock)tensor.Storage.Block).Pointer;
        var size = tensor.DType.Size;
        var (buffer, filled) = (new byte[Math.Min(Piece, tensor.ElementCount * size)], 0);
        foreach (var offset in tensor.Offsets())
        {
            new ReadOnlySpan<byte>(start + offset * size, size).CopyTo(buffer.AsSpan(filled));
            filled += size;
            if (filled == buffer.Length)
            {
                stream.Write(buffer);
                filled = 0;
            }
        }
        stream.Write(buffer.AsSpan(0, filled));
        GC.KeepAlive(tensor);
    }

    // The smallest run of a device's memory that holds a view, as a view on the CPU.
    static Tensor Downloaded(Tensor tensor)
    {
        var (first, last) = (tensor.Layout.Lowest, tensor.Layout.Highest);
        var size = tensor.DType.Size;
        var storage = new Storage(Device.Cpu, (last - first + 1) * size);
        long at = 0;
        ForPieces(tensor, first, last - first + 1, piece =>
        {
            Device.Cpu.Upload(piece, storage.Block, at);
            at += piece.Length;
        });
        return new(storage, Layout.Strided(tensor.Shape, tensor.Layout.Strides, tensor.Layout.Offset - first), tensor.DType);
    }

    delegate void Sink(ReadOnlySpan<byte> piece);

    static void ForPieces(Tensor tensor, long first, long count, Sink sink)
    {
        var size = tensor.DType.Size;
        var buffer = new byte[Math.Min(Piece, count * size)];
        for (long at = first * size, end = (first + count) * size; at < end; at += buffer.Length)
        {
            var piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - at));
            tensor.Device.Download(tensor.Storage.Block, at, piece);
            sink(piece);
        }
    }
}
