using System.Runtime.CompilerServices;

namespace Ortho.Tensors;

/// <summary>
/// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
/// A pure function of key and counter: element i of a tensor is computed from i, so the numbers do not depend on the device, the order
/// or the number of threads.
/// </summary>
public static class Philox
{
    // Multipliers of the paper (table 2, found by search for the best avalanche), and the Weyl increments of the key schedule:
    // the golden ratio and sqrt(3) - 1.
    const uint Multiplier0 = 0xD2511F53, Multiplier1 = 0xCD9E8D57;
    const uint Weyl0 = 0x9E3779B9, Weyl1 = 0xBB67AE85;
    const int Rounds = 10;

    /// <summary>The block of 128 random bits that belongs to this key and this counter.</summary>
    /// <param name="key">The 64-bit key: the seed. Its low half is word 0 of the published key.</param>
    /// <param name="counter">Low half of the counter (words 0 and 1): the position.</param>
    /// <param name="stream">High half of the counter (words 2 and 3): 2^64 independent streams per key.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PhiloxBlock Block(ulong key, ulong counter, ulong stream = 0)
    {
        uint c0 = (uint)counter, c1 = (uint)(counter >> 32), c2 = (uint)stream, c3 = (uint)(stream >> 32);
        uint k0 = (uint)key, k1 = (uint)(key >> 32);
        for (var round = 0; round < Rounds; round++)
        {
            // 64-bit products, not Math.BigMul: the same text has to compile for a GPU
            var product0 = (ulong)Multiplier0 * c0;
            var product1 = (ulong)Multiplier1 * c2;
            c0 = (uint)(product1 >> 32) ^ c1 ^ k0;
            c1 = (uint)product1;
            c2 = (uint)(product0 >> 32) ^ c3 ^ k1;
            c3 = (uint)product0;
            k0 = unchecked(k0 + Weyl0);
            k1 = unchecked(k1 + Weyl1);
        }
        return new PhiloxBlock(c0, c1, c2, c3);
    }

    /// <summary>A multiple of 2^-24 in [0, 1) from the upper 24 bits: every value is exact in float32 and 1 is never reached.</summary>
    /// <param name="bits">Random bits.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToSingle(uint bits) => (int)(bits >> 8) * (1f / (1 << 24));

    /// <summary>A multiple of 2^-53 in [0, 1) from 27 upper bits of <paramref name="high"/> and 26 of <paramref name="low"/>.</summary>
    /// <param name="high">Random bits that become the upper half of the fraction.</param>
    /// <param name="low">Random bits that become the lower half of the fraction.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double ToDouble(uint high, uint low) => (((long)(high >> 5) << 26) | (low >> 6)) * (1.0 / (1L << 53));
}

/// <summary>128 random bits, as four words in the order of the published test vectors.</summary>
/// <param name="x">Word 0.</param>
/// <param name="y">Word 1.</param>
/// <param name="z">Word 2.</param>
/// <param name="w">Word 3.</param>
public readonly struct PhiloxBlock(uint x, uint y, uint z, uint w)
{
    /// <summary>Word 0.</summary>
    public readonly uint X = x;

    /// <summary>Word 1.</summary>
    public readonly uint Y = y;

    /// <summary>Word 2.</summary>
    public readonly uint Z = z;

    /// <summary>Word 3.</summary>
    public readonly uint W = w;
}
