using System.Text;

namespace Ortho.Tensors.IO;

/// <summary>A place in a file that is not trusted: whoever finds something wrong there says so in its name.</summary>
/// <param name="File">The file.</param>
/// <param name="Part">The entry, or null for the file as a whole.</param>
readonly record struct FilePart(string File, string? Part = null)
{
    const int LongestQuote = 80;

    /// <summary>An entry of this file.</summary>
    public FilePart Entry(string name) => new(File, $"entry {Quote(name)}");

    /// <summary>The exception for what was found here.</summary>
    public InvalidDataException Refuse(string given, string expected, Exception? cause = null) => new($"{this}: {given}; expected {expected}.", cause);

    /// <summary>The number of bytes of a row-major array, once it is known that it can be stated at all.</summary>
    public long CheckedBytes(ReadOnlySpan<int> extents, int elementSize)
    {
        // Zero extents do not excuse absurd ones beside them: strides are products of all the others.
        long count = 1, product = 1;
        foreach (var extent in extents)
        {
            if (extent > 1 && product > long.MaxValue / elementSize / extent)
                throw Refuse($"shape [{string.Join(", ", extents.ToArray())}]", "fewer than 2^63 bytes");
            product *= Math.Max(1, extent);
            count *= extent;
        }
        return count * elementSize;
    }

    /// <summary>Foreign text for a message: in quotes, without control characters, of bounded length.</summary>
    public static string Quote(ReadOnlySpan<char> text)
    {
        var quoted = new StringBuilder("'");
        foreach (var c in text[..Math.Min(text.Length, LongestQuote)])
            quoted.Append(char.IsControl(c) || char.IsSurrogate(c) ? '?' : c);
        return quoted.Append(text.Length > LongestQuote ? "...'" : "'").ToString();
    }

    /// <inheritdoc/>
    public override string ToString() => Part is null ? File : $"{File}: {Part}";
}
