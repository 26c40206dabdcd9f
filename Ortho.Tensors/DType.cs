using System.Numerics;

namespace Ortho.Tensors;

/// <summary>The type of a tensor's elements.</summary>
public enum DType
{
    /// <summary>IEEE binary32 (<see cref="float"/>).</summary>
    Float32,

    /// <summary>IEEE binary64 (<see cref="double"/>).</summary>
    Float64,

    /// <summary>Two float32 parts (<see cref="Tensors.Complex64"/>).</summary>
    Complex64,

    /// <summary>Two float64 parts (<see cref="Complex"/>).</summary>
    Complex128,

    /// <summary>32-bit signed integer (<see cref="int"/>).</summary>
    Int32,

    /// <summary>64-bit signed integer (<see cref="long"/>).</summary>
    Int64,

    /// <summary>Truth value, one byte, 0 or 1 (<see cref="bool"/>).</summary>
    Bool,

    /// <summary>The upper half of a float32 (<see cref="Tensors.BFloat16"/>); a storage type, computed with in float32.</summary>
    BFloat16,

    /// <summary>IEEE binary16 (<see cref="System.Half"/>); a storage type, computed with in float32.</summary>
    Half,
}

/// <summary>Facts about a <see cref="DType"/> and the promotion of two of them.</summary>
public static class DTypes
{
    /// <summary>All element types.</summary>
    public static IReadOnlyList<DType> All { get; } = Enum.GetValues<DType>();

    extension(DType dtype)
    {
        /// <summary>Bytes per element.</summary>
        public int Size => dtype switch
        {
            DType.Bool => 1,
            DType.BFloat16 or DType.Half => 2,
            DType.Float32 or DType.Int32 => 4,
            DType.Float64 or DType.Int64 or DType.Complex64 => 8,
            _ => 16,
        };

        /// <summary>Whether elements are complex numbers.</summary>
        public bool IsComplex => dtype is DType.Complex64 or DType.Complex128;

        /// <summary>Whether elements are real floating-point numbers.</summary>
        public bool IsFloatingPoint => dtype is DType.Float32 or DType.Float64 or DType.BFloat16 or DType.Half;

        /// <summary>Whether elements are stored in 16 bits and computed with in float32.</summary>
        public bool IsHalfPrecision => dtype is DType.BFloat16 or DType.Half;

        /// <summary>Whether arithmetic is done in this type: Float32, Float64 and the complex types.</summary>
        public bool HasArithmetic => dtype.IsDifferentiable && !dtype.IsHalfPrecision;

        /// <summary>Whether gradients can flow through tensors of this type.</summary>
        public bool IsDifferentiable => dtype.IsFloatingPoint || dtype.IsComplex;

        /// <summary>The type of a part of a complex number; the type itself otherwise.</summary>
        public DType RealType => dtype switch { DType.Complex64 => DType.Float32, DType.Complex128 => DType.Float64, _ => dtype };

        /// <summary>The complex type with parts of this type; the type itself when complex already. Complex64 for the half-precision
        /// types, which have none of their own.</summary>
        /// <exception cref="ArgumentException">There is none.</exception>
        public DType ComplexType => dtype switch
        {
            DType.Float32 or DType.Complex64 or DType.BFloat16 or DType.Half => DType.Complex64,
            DType.Float64 or DType.Complex128 => DType.Complex128,
            _ => throw new ArgumentException($"ComplexType: there is no complex type over {dtype}.", nameof(dtype)),
        };
    }

    /// <summary>The element type that stores values of <typeparamref name="E"/>.</summary>
    /// <exception cref="ArgumentException">No element type does.</exception>
    public static DType Of<E>() where E : unmanaged
        => typeof(E) == typeof(float) ? DType.Float32
         : typeof(E) == typeof(double) ? DType.Float64
         : typeof(E) == typeof(Complex64) ? DType.Complex64
         : typeof(E) == typeof(Complex) ? DType.Complex128
         : typeof(E) == typeof(int) ? DType.Int32
         : typeof(E) == typeof(long) ? DType.Int64
         : typeof(E) == typeof(bool) ? DType.Bool
         : typeof(E) == typeof(BFloat16) ? DType.BFloat16
         : typeof(E) == typeof(Half) ? DType.Half
         : throw new ArgumentException($"No dtype stores elements of {typeof(E)}; expected float, double, Complex64, Complex, int, long, bool, BFloat16 or Half.", nameof(E));

    // Rank within Bool < Int32 < Int64 < BFloat16, Half < Float32 < Float64, as PyTorch orders categories.
    static int RealRank(DType dtype) => dtype.RealType switch
    {
        DType.Bool => 0,
        DType.Int32 => 1,
        DType.Int64 => 2,
        DType.BFloat16 or DType.Half => 3,
        DType.Float32 => 4,
        _ => 5,
    };

    /// <summary>The type in which an operation on both types is computed: the larger category wins (Bool, integer, floating-point,
    /// complex), and within a category the wider type; Float32 for BFloat16 beside Half.</summary>
    public static DType Promote(DType a, DType b)
    {
        if (a == b)
            return a;
        if (a.IsHalfPrecision && b.IsHalfPrecision)
            return DType.Float32;
        var real = RealRank(a) >= RealRank(b) ? a.RealType : b.RealType;
        if (!a.IsComplex && !b.IsComplex)
            return real;
        return real is DType.Float64 ? DType.Complex128 : DType.Complex64;
    }
}
