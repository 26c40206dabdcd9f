using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU.Util;
using Ortho.Tensors;

namespace Ortho.Kernels.Lanes;

/// <summary>A float32 lane stored in 16 bits: widened exactly when read, rounded to nearest with ties to even when written.</summary>
/// <remarks>By integer arithmetic, which is the same on every device; no device's half type is needed.</remarks>
public interface IHalfCell : ICell<F32, ushort>
{
    /// <summary>Widens a run of elements on the host.</summary>
    static abstract void Widen(ReadOnlySpan<ushort> source, Span<float> destination);

    /// <summary>Rounds a run of elements on the host.</summary>
    static abstract void Round(ReadOnlySpan<float> source, Span<ushort> destination);
}

/// <summary>A float32 stored as bfloat16, its upper half.</summary>
public readonly unsafe struct BFloat16Cell : IHalfCell
{
    /// <inheritdoc/>
    public static int Width => 1;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 Load(ushort* source) => Splat(*source);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static void Store(ushort* destination, F32 value) => *destination = Pack(value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 Splat(ushort value) => new(BitConverter.Int32BitsToSingle(value << 16));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static ushort Pack(F32 value)
    {
        var bits = BitConverter.SingleToInt32Bits(value.Value);
        // A NaN keeps its upper bits and becomes quiet, so that it stays one.
        var nearest = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
        return (ushort)Utilities.Select((bits & 0x7fffffff) > 0x7f800000, (bits >> 16) | 0x40, nearest);
    }

    /// <inheritdoc/>
    public static void Widen(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        var (i, half) = (0, Vector<uint>.Count);
        for (; i + 2 * half <= source.Length; i += 2 * half)
        {
            Vector.Widen(new Vector<ushort>(source[i..]), out var low, out var high);
            Vector.AsVectorSingle(low << 16).CopyTo(destination[i..]);
            Vector.AsVectorSingle(high << 16).CopyTo(destination[(i + half)..]);
        }
        for (; i < source.Length; i++)
            destination[i] = Splat(source[i]).Value;
    }

    /// <inheritdoc/>
    public static void Round(ReadOnlySpan<float> source, Span<ushort> destination)
    {
        var (i, half) = (0, Vector<uint>.Count);
        for (; i + 2 * half <= source.Length; i += 2 * half)
            Vector.Narrow(Nearest(source[i..]), Nearest(source[(i + half)..])).CopyTo(destination[i..]);
        for (; i < source.Length; i++)
            destination[i] = Pack(new(source[i]));
    }

    // As Pack does, a vector at a time.
    static Vector<uint> Nearest(ReadOnlySpan<float> source)
    {
        var bits = Vector.AsVectorUInt32(new Vector<float>(source));
        var upper = bits >>> 16;
        var nearest = (bits + new Vector<uint>(0x7fff) + (upper & Vector<uint>.One)) >>> 16;
        var isNan = Vector.GreaterThan(bits & new Vector<uint>(0x7fffffff), new Vector<uint>(0x7f800000));
        return Vector.ConditionalSelect(isNan, upper | new Vector<uint>(0x40), nearest) & new Vector<uint>(0xffff);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsZero(F32 value) => value.Value == 0;
}

/// <summary>A float32 stored as IEEE binary16.</summary>
public readonly unsafe struct HalfCell : IHalfCell
{
    /// <inheritdoc/>
    public static int Width => 1;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 Load(ushort* source) => Splat(*source);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static void Store(ushort* destination, F32 value) => *destination = Pack(value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static F32 Splat(ushort value)
    {
        var magnitude = value & 0x7fff;
        // The exponents' biases differ by 112, and those of infinities and NaN by 224. A subnormal counts units of 2^-24.
        var bits = (magnitude << 13) + Utilities.Select(magnitude >= 0x7c00, 224 << 23, 112 << 23);
        var subnormal = BitConverter.SingleToInt32Bits(magnitude * (1f / (1 << 24)));
        return new(BitConverter.Int32BitsToSingle(Utilities.Select(magnitude < 0x0400, subnormal, bits) | ((value & 0x8000) << 16)));
    }

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static ushort Pack(F32 value)
    {
        var bits = BitConverter.SingleToInt32Bits(value.Value);
        var magnitude = bits & 0x7fffffff;
        var rebiased = magnitude - (112 << 23);
        var packed = (rebiased + 0xfff + ((rebiased >> 13) & 1)) >> 13;
        // Below 2^-14 the sum with 1/2 is rounded to the units of 2^-24 that a subnormal counts.
        var small = Utilities.Select(magnitude < 0x38800000, magnitude, 0);
        var subnormal = BitConverter.SingleToInt32Bits(BitConverter.Int32BitsToSingle(small) + 0.5f) - 0x3f000000;
        packed = Utilities.Select(magnitude < 0x38800000, subnormal, packed);
        packed = Utilities.Select(magnitude >= 0x477ff000, 0x7c00, packed);
        packed = Utilities.Select(magnitude > 0x7f800000, 0x7e00 | ((magnitude >> 13) & 0x3ff), packed);
        return (ushort)(packed | ((bits >> 16) & 0x8000));
    }

    /// <inheritdoc/>
    public static void Widen(ReadOnlySpan<ushort> source, Span<float> destination)
        => System.Numerics.Tensors.TensorPrimitives.ConvertToSingle(System.Runtime.InteropServices.MemoryMarshal.Cast<ushort, Half>(source), destination);

    /// <inheritdoc/>
    public static void Round(ReadOnlySpan<float> source, Span<ushort> destination)
        => System.Numerics.Tensors.TensorPrimitives.ConvertToHalf(source, System.Runtime.InteropServices.MemoryMarshal.Cast<ushort, Half>(destination));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsZero(F32 value) => value.Value == 0;
}
