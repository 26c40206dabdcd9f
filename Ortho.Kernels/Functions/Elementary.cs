using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Functions;

/// <summary>Transcendental functions as polynomials over a lane: the same bits on every device and vector width.</summary>
/// <remarks>
/// <para>
/// Each function is straight-line code in the primitives of <see cref="ILane{T}"/>: no branch, no table, no mathematical library.
/// <see cref="ILane{T}.IsDouble"/> is a compile-time constant, so the float32 lanes hold the float32 polynomial only.
/// </para>
/// <para>
/// Errors are given in units in the last place (ulp) of the exact result, the largest found and rounded up: in float32 on one in 61 of
/// all bit patterns and one in 5 between 2^-6 and 128 (sine and cosine also up to 2^18), in float64 on 80 000 random arguments per
/// function (where the remarks of a polynomial say "interpolated", and without one: on the 40 of the tests' table). Coefficients are
/// weighted minimax fits (Remez exchange in 150-bit arithmetic) of the relative error of the function, or interpolate it at Chebyshev
/// points, rounded to the lane's precision; the error at each table is that of the rounded fit without the rounding of the arithmetic.
/// </para>
/// <para>
/// NaN in gives NaN out. Subnormal arguments and results are not flushed and keep the stated ulp.
/// </para>
/// </remarks>
public static partial class Elementary
{
    /// <summary>x rounded to an integer, ties to even; every x.</summary>
    [MethodImpl(Inline.Always)]
    public static T Round<T>(T x) where T : struct, ILane<T>
    {
        // From 2^23 (2^52) on there are no fractions; below, adding that number leaves no bits for one.
        var shift = T.Of(T.IsDouble ? 4503599627370496.0 : 8388608.0);
        var size = T.Abs(x);
        return T.SelectLess(size, shift, T.CopySign((size + shift) - shift, x), x);
    }

    /// <summary>x rounded to an integer, ties to even; |x| &lt; 2^22 in float32, 2^51 in float64.</summary>
    /// <remarks>Adding 1.5 * 2^23 (2^52) leaves no bits for a fraction; every device rounds the sum the same way.</remarks>
    [MethodImpl(Inline.Always)]
    static T Round<T>(T x, double factor) where T : struct, ILane<T>
    {
        var shift = T.Of(T.IsDouble ? 6755399441055744.0 : 12582912.0);
        return T.Fma(x, T.Of(factor), shift) - shift;
    }
}
