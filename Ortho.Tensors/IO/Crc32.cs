namespace Ortho.Tensors.IO;

/// <summary>The checksum of zip files (ISO 3309, the reflected polynomial 0xEDB88320).</summary>
static class Crc32
{
    static readonly uint[] table = [.. Enumerable.Range(0, 256).Select(Remainder)];

    static uint Remainder(int value)
    {
        var remainder = (uint)value;
        for (var bit = 0; bit < 8; bit++)
            remainder = (remainder & 1) == 0 ? remainder >> 1 : (remainder >> 1) ^ 0xEDB88320;
        return remainder;
    }

    /// <summary>The checksum of what was read before, followed by more bytes. That of nothing is 0.</summary>
    public static uint Of(uint before, ReadOnlySpan<byte> more)
    {
        var state = ~before;
        foreach (var value in more)
            state = (state >> 8) ^ table[(byte)(state ^ value)];
        return ~state;
    }
}

/// <summary>Sums up what is read through it.</summary>
sealed class Crc32Stream(Stream inner) : Stream
{
    /// <summary>The checksum of everything read so far.</summary>
    public uint Sum { get; private set; }

    public override int Read(Span<byte> buffer)
    {
        var read = inner.Read(buffer);
        Sum = Crc32.Of(Sum, buffer[..read]);
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Flush()
    {
        // Nothing is written.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
