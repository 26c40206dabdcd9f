namespace Ortho.Tensors;

/// <summary>
/// Philox numbers one after another, for host code: generated data, shuffling, sampling. A class, because a copied position would
/// silently repeat numbers. Not safe for use by several threads at once; give each its own <see cref="Split"/>.
/// </summary>
/// <param name="seed">The key. Equal seeds give equal sequences on every machine.</param>
public sealed class PhiloxStream(ulong seed)
{
    // Blocks with this stream word are spent on keys of split streams only, never on numbers, so a child shares no block with its parent.
    const ulong KeyDerivation = ulong.MaxValue;

    ulong position;
    PhiloxBlock block;
    int used = 4;
    double spareNormal;
    bool hasSpareNormal;

    /// <summary>An independent stream. Depends on the seed and the id only, not on how many numbers were drawn before.</summary>
    /// <param name="id">Which stream: an image, a worker, a purpose.</param>
    public PhiloxStream Split(ulong id)
    {
        var derived = Philox.Block(seed, id, KeyDerivation);
        return new PhiloxStream(((ulong)derived.Y << 32) | derived.X);
    }

    /// <summary>32 random bits.</summary>
    public uint NextUInt32()
    {
        if (used == 4)
        {
            block = Philox.Block(seed, position++);
            used = 0;
        }
        return used++ switch { 0 => block.X, 1 => block.Y, 2 => block.Z, _ => block.W };
    }

    /// <summary>Uniform in [0, 1), a multiple of 2^-24.</summary>
    public float NextSingle() => Philox.ToSingle(NextUInt32());

    /// <summary>Uniform in [0, 1), a multiple of 2^-53.</summary>
    public double NextUniform()
    {
        var high = NextUInt32();
        return Philox.ToDouble(high, NextUInt32());
    }

    /// <summary>Uniform in [<paramref name="low"/>, <paramref name="high"/>).</summary>
    /// <param name="low">Smallest value.</param>
    /// <param name="high">Upper end.</param>
    public double NextUniform(double low, double high) => low + (high - low) * NextUniform();

    /// <summary>A whole number in [0, <paramref name="bound"/>), all equally likely (Lemire 2019: multiply, and reject the uneven rest).</summary>
    /// <param name="bound">How many values there are.</param>
    /// <exception cref="ArgumentOutOfRangeException">The bound is not positive.</exception>
    public int NextInt(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        var range = (uint)bound;
        var product = (ulong)NextUInt32() * range;
        if ((uint)product < range)
        {
            var rest = unchecked(0u - range) % range; // 2^32 mod bound
            while ((uint)product < rest) product = (ulong)NextUInt32() * range;
        }
        return (int)(product >> 32);
    }

    /// <summary>
    /// Standard normal, by Box and Muller in double precision. Uses the logarithm and sine of the operating system's mathematics library,
    /// so the last bit may differ between systems; tensors are filled by kernels that do not.
    /// </summary>
    public double NextNormal()
    {
        if (hasSpareNormal)
        {
            hasSpareNormal = false;
            return spareNormal;
        }
        var radius = Math.Sqrt(-2 * Math.Log(1 - NextUniform())); // 1 - u is in (0, 1]: no logarithm of zero
        var (sine, cosine) = Math.SinCos(2 * Math.PI * NextUniform());
        spareNormal = radius * sine;
        hasSpareNormal = true;
        return radius * cosine;
    }

    /// <summary>Puts the elements in random order, every order equally likely (Fisher and Yates).</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="items">What is shuffled, in place.</param>
    public void Shuffle<T>(Span<T> items)
    {
        for (var last = items.Length - 1; last > 0; last--)
        {
            var other = NextInt(last + 1);
            (items[last], items[other]) = (items[other], items[last]);
        }
    }
}
