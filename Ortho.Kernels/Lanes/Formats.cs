using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ILGPU;
using Ortho.Tensors;

namespace Ortho.Kernels.Lanes;

/// <summary>How a lane is read from and written to memory: which element type is stored and how many elements a lane takes.</summary>
/// <remarks>Lanes know arithmetic only; storage types (float32 today, bfloat16 as another format of <see cref="F32"/>) live here.</remarks>
/// <typeparam name="T">The lane.</typeparam>
/// <typeparam name="E">The stored element.</typeparam>
public interface IFormat<T, E> where T : struct, ILane<T> where E : unmanaged
{
    /// <summary>Elements per lane.</summary>
    static abstract int Width { get; }

    /// <summary>The lane whose first element is at <paramref name="source"/>.</summary>
    static abstract unsafe T Load(E* source);

    /// <summary>Writes the lane's elements from <paramref name="destination"/> on.</summary>
    static abstract unsafe void Store(E* destination, T value);

    /// <summary>Writes the lane's elements to an address that is a multiple of their size, past the cache: the lines are not read before they
    /// are written, and do not stay. Vectors only.</summary>
    static virtual unsafe void StorePast(E* destination, T value) => throw new NotSupportedException($"{typeof(T)} is no vector.");

    /// <summary>One element in every position.</summary>
    static abstract T Splat(E value);
}

/// <summary>A format of width one that GPU threads can use.</summary>
/// <typeparam name="T">The lane.</typeparam>
/// <typeparam name="E">The stored element.</typeparam>
public interface ICell<T, E> : IFormat<T, E> where T : struct, ILane<T> where E : unmanaged
{
    /// <summary>The stored form of a lane.</summary>
    static abstract E Pack(T value);

    /// <summary>Whether a number is zero; it must not be NaN.</summary>
    static abstract bool IsZero(T value);
}

/// <summary>Reading and writing device views through a format.</summary>
static class Cells
{
    /// <summary>Element <paramref name="index"/> as a lane.</summary>
    [MethodImpl(Inline.Always)]
    public static T Read<T, E, F>(ArrayView<E> view, int index) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        => F.Splat(view[index]);

    /// <summary>Writes element <paramref name="index"/>.</summary>
    [MethodImpl(Inline.Always)]
    public static void Write<T, E, F>(ArrayView<E> view, int index, T value) where T : struct, ILane<T> where E : unmanaged where F : struct, ICell<T, E>
        => view[index] = F.Pack(value);
}

/// <summary>One float32.</summary>
public readonly unsafe struct SingleCell : ICell<F32, float>
{
    /// <inheritdoc/>
    public static int Width => 1;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 Load(float* source) => new(*source);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static void Store(float* destination, F32 value) => *destination = value.Value;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F32 Splat(float value) => new(value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static float Pack(F32 value) => value.Value;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsZero(F32 value) => value.Value == 0;
}

/// <summary>One float64.</summary>
public readonly unsafe struct DoubleCell : ICell<F64, double>
{
    /// <inheritdoc/>
    public static int Width => 1;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F64 Load(double* source) => new(*source);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static void Store(double* destination, F64 value) => *destination = value.Value;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static F64 Splat(double value) => new(value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static double Pack(F64 value) => value.Value;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsZero(F64 value) => value.Value == 0;
}

/// <summary>One complex number of two float32.</summary>
public readonly unsafe struct Complex64Cell : ICell<Cx<F32>, Complex64>
{
    /// <inheritdoc/>
    public static int Width => 1;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<F32> Load(Complex64* source) => Splat(*source);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static void Store(Complex64* destination, Cx<F32> value) => *destination = Pack(value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<F32> Splat(Complex64 value) => new(new(value.Real), new(value.Imaginary));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Complex64 Pack(Cx<F32> value) => new(value.Re.Value, value.Im.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsZero(Cx<F32> value) => value.Re.Value == 0 && value.Im.Value == 0;
}

/// <summary>One complex number of two float64.</summary>
public readonly unsafe struct Complex128Cell : ICell<Cx<F64>, Complex>
{
    /// <inheritdoc/>
    public static int Width => 1;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<F64> Load(Complex* source) => Splat(*source);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static void Store(Complex* destination, Cx<F64> value) => *destination = Pack(value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Cx<F64> Splat(Complex value) => new(new(value.Real), new(value.Imaginary));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Complex Pack(Cx<F64> value) => new(value.Re.Value, value.Im.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsZero(Cx<F64> value) => value.Re.Value == 0 && value.Im.Value == 0;
}

/// <summary>One 32-bit integer.</summary>
public readonly unsafe struct Int32Cell : ICell<I32, int>
{
    /// <inheritdoc/>
    public static int Width => 1;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I32 Load(int* source) => new(*source);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static void Store(int* destination, I32 value) => *destination = value.Value;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I32 Splat(int value) => new(value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static int Pack(I32 value) => value.Value;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsZero(I32 value) => value.Value == 0;
}

/// <summary>One 64-bit integer.</summary>
public readonly unsafe struct Int64Cell : ICell<I64, long>
{
    /// <inheritdoc/>
    public static int Width => 1;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I64 Load(long* source) => new(*source);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static void Store(long* destination, I64 value) => *destination = value.Value;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I64 Splat(long value) => new(value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static long Pack(I64 value) => value.Value;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsZero(I64 value) => value.Value == 0;
}

/// <summary>One truth value, computed with as the integers 0 and 1; formulas for it give nothing else.</summary>
public readonly unsafe struct BoolCell : ICell<I32, byte>
{
    /// <inheritdoc/>
    public static int Width => 1;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I32 Load(byte* source) => new(*source);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static void Store(byte* destination, I32 value) => *destination = (byte)value.Value;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static I32 Splat(byte value) => new(value);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static byte Pack(I32 value) => (byte)value.Value;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static bool IsZero(I32 value) => value.Value == 0;
}

/// <summary>A 128-bit vector of neighbouring elements.</summary>
/// <typeparam name="E">float, double, int, long, or byte for truth values.</typeparam>
public readonly unsafe struct Packed128<E> : IFormat<Vec128<E>, E> where E : unmanaged
{
    /// <inheritdoc/>
    public static int Width => Vector128<E>.Count;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec128<E> Load(E* source) => new(Vector128.Load(source));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static void Store(E* destination, Vec128<E> value) => value.Value.Store(destination);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static void StorePast(E* destination, Vec128<E> value) => value.Value.StoreAlignedNonTemporal(destination);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec128<E> Splat(E value) => new(Vector128.Create(value));
}

/// <summary>A 256-bit vector of neighbouring elements.</summary>
/// <typeparam name="E">float, double, int, long, or byte for truth values.</typeparam>
public readonly unsafe struct Packed256<E> : IFormat<Vec256<E>, E> where E : unmanaged
{
    /// <inheritdoc/>
    public static int Width => Vector256<E>.Count;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec256<E> Load(E* source) => new(Vector256.Load(source));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static void Store(E* destination, Vec256<E> value) => value.Value.Store(destination);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static void StorePast(E* destination, Vec256<E> value) => value.Value.StoreAlignedNonTemporal(destination);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec256<E> Splat(E value) => new(Vector256.Create(value));
}

/// <summary>A 512-bit vector of neighbouring elements.</summary>
/// <typeparam name="E">float, double, int, long, or byte for truth values.</typeparam>
public readonly unsafe struct Packed512<E> : IFormat<Vec512<E>, E> where E : unmanaged
{
    /// <inheritdoc/>
    public static int Width => Vector512<E>.Count;

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec512<E> Load(E* source) => new(Vector512.Load(source));

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static void Store(E* destination, Vec512<E> value) => value.Value.Store(destination);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static void StorePast(E* destination, Vec512<E> value) => value.Value.StoreAlignedNonTemporal(destination);

    /// <inheritdoc/>
    [MethodImpl(Inline.Always)] public static Vec512<E> Splat(E value) => new(Vector512.Create(value));
}
