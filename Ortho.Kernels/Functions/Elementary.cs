using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;

namespace Ortho.Kernels.Functions;

/// <summary>Transcendental functions as polynomials over a lane: the same bits on every device and vector width.</summary>
/// <remarks>
/// <para>
/// Each function is straight-line code in the primitives of <see cref="ILane{T}"/>: no branch, no table, no call into a mathematical
/// library. <see cref="ILane{T}.IsDouble"/> is a compile-time constant, so the float32 lanes hold the float32 polynomial only.
/// </para>
/// <para>
/// Errors are given in units in the last place (ulp) of the exact result: the largest found, on 67 million arguments for float32 and
/// tens of thousands for float64. Coefficients are weighted minimax fits (Remez exchange in 150-bit arithmetic) of relative error
/// in the function, rounded to the lane's precision; the error at each table is that of the rounded fit without rounding of the
/// arithmetic. NaN in gives NaN out, and subnormal arguments and results are exact to the same ulp.
/// </para>
/// </remarks>
public static partial class Elementary
{
    /// <summary>x rounded to an integer, ties to even; |x| &lt; 2^22 in float32, 2^51 in float64.</summary>
    /// <remarks>Adding 1.5 * 2^23 (2^52) leaves no bits for a fraction; every device rounds the sum the same way.</remarks>
    [MethodImpl(Inline.Always)]
    static T Round<T>(T x, double factor) where T : struct, ILane<T>
    {
        var shift = T.Of(T.IsDouble ? 6755399441055744.0 : 12582912.0);
        return T.Fma(x, T.Of(factor), shift) - shift;
    }
}
