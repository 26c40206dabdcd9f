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
            DType.Float32 or DType.Int32 => 4,
            DType.Float64 or DType.Int64 or DType.Complex64 => 8,
            _ => 16,
        };

        /// <summary>Whether elements are complex numbers.</summary>
        public bool IsComplex => dtype is DType.Complex64 or DType.Complex128;

        /// <summary>Whether elements are real floating-point numbers.</summary>
        public bool IsFloatingPoint => dtype is DType.Float32 or DType.Float64;

        /// <summary>Whether gradients can flow through tensors of this type.</summary>
        public bool IsDifferentiable => dtype.IsFloatingPoint || dtype.IsComplex;

        /// <summary>The type of a part of a complex number; the type itself otherwise.</summary>
        public DType RealType => dtype switch { DType.Complex64 => DType.Float32, DType.Complex128 => DType.Float64, _ => dtype };

        /// <summary>The complex type with parts of this type; the type itself when complex already.</summary>
        /// <exception cref="ArgumentException">The type is neither floating-point nor complex.</exception>
        public DType ComplexType => dtype switch
        {
            DType.Float32 or DType.Complex64 => DType.Complex64,
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
         : throw new ArgumentException($"No dtype stores elements of {typeof(E)}; expected float, double, Complex64, Complex, int, long or bool.", nameof(E));

    // Rank within Bool < Int32 < Int64 < Float32 < Float64, as PyTorch orders categories.
    static int RealRank(DType dtype) => dtype.RealType switch
    {
        DType.Bool => 0,
        DType.Int32 => 1,
        DType.Int64 => 2,
        DType.Float32 => 3,
        _ => 4,
    };

    /// <summary>The type in which an operation on both types is computed: the larger category wins (Bool, integer, floating-point,
    /// complex), and within a category the wider type.</summary>
    public static DType Promote(DType a, DType b)
    {
        if (a == b)
            return a;
        var real = RealRank(a) >= RealRank(b) ? a.RealType : b.RealType;
        if (!a.IsComplex && !b.IsComplex)
            return real;
        return real is DType.Float64 ? DType.Complex128 : DType.Complex64;
    }
}
