namespace Ortho.Tensors;

/// <summary>A place in the random numbers of a seed: each fill of a tensor takes the next ones. The numbers are those of
/// <see cref="Philox"/>, so the same seed gives the same tensors on every device and number of threads.</summary>
/// <param name="seed">The seed.</param>
public sealed class Generator(ulong seed)
{
    ulong position;

    /// <summary>The seed.</summary>
    public ulong Seed { get; } = seed;

    /// <summary>Philox blocks taken so far.</summary>
    public ulong Position => Interlocked.Read(ref position);

    /// <summary>Takes the next blocks.</summary>
    /// <param name="blocks">How many.</param>
    /// <returns>The counter of the first.</returns>
    public ulong Take(long blocks) => Interlocked.Add(ref position, (ulong)blocks) - (ulong)blocks;

    /// <summary>An independent generator, for another purpose or thread.</summary>
    /// <param name="id">Which one; the same id gives the same generator.</param>
    public Generator Split(ulong id)
    {
        // Fills use stream 0 and host-side streams the last; keys of split generators come from stream 1.
        var block = Philox.Block(Seed, id, 1);
        return new(block.X | ((ulong)block.Y << 32));
    }
}
