using System.Runtime.CompilerServices;

namespace Ortho.Kernels.Lanes;

/// <summary>
/// The algebra every kernel formula is written in. What the lane is decides where the formula runs: <see cref="F32"/> and
/// <see cref="F64"/> (<see cref="I32"/> and <see cref="I64"/> for integers) on a GPU thread or in a scalar tail, <see cref="Vec128{E}"/>,
/// <see cref="Vec256{E}"/> and
/// <see cref="Vec512{E}"/> on the SIMD units of the CPU, <see cref="Dual{T}"/> in a derivative, <see cref="Cx{T}"/> on complex numbers.
/// </summary>
/// <remarks>
/// Every primitive is correctly rounded (or exact) on every device, so a formula gives the same bits wherever it runs.
/// In particular <c>a * b</c> is never fused with a following addition; <see cref="Fma"/> always is.
/// </remarks>
/// <typeparam name="T">The lane itself.</typeparam>
public interface ILane<T> where T : struct, ILane<T>
{
    /// <summary>Whether the lane computes in float64; it chooses the degree of the shared polynomials. A compile-time constant.</summary>
    static abstract bool IsDouble { get; }

    /// <summary>The constant in every position, rounded to the lane's precision.</summary>
    static abstract T Of(double constant);

    /// <summary>Sum.</summary>
    static abstract T operator +(T a, T b);

    /// <summary>Difference.</summary>
    static abstract T operator -(T a, T b);

    /// <summary>Product, rounded once; never contracted with a following addition.</summary>
    static abstract T operator *(T a, T b);

    /// <summary>Correctly rounded quotient.</summary>
    static abstract T operator /(T a, T b);

    /// <summary>Negation (flips the sign bit, also of zero).</summary>
    static abstract T operator -(T a);

    /// <summary>a b + c with a single rounding.</summary>
    static abstract T Fma(T a, T b, T c);

    /// <summary><c>a &lt; b ? a : b</c>: the second operand when either is NaN or both are zero.</summary>
    static abstract T Min(T a, T b);

    /// <summary><c>a &gt; b ? a : b</c>: the second operand when either is NaN or both are zero.</summary>
    static abstract T Max(T a, T b);

    /// <summary><c>a &lt; b ? yes : no</c>, position by position; <paramref name="no"/> when either is NaN.</summary>
    static abstract T SelectLess(T a, T b, T yes, T no);

    /// <summary><c>a == b ? yes : no</c>, position by position; <paramref name="no"/> when either is NaN.</summary>
    static abstract T SelectEqual(T a, T b, T yes, T no);

    /// <summary>Magnitude (clears the sign bit).</summary>
    static abstract T Abs(T x);

    /// <summary>The magnitude of <paramref name="x"/> with the sign bit of <paramref name="sign"/>.</summary>
    static abstract T CopySign(T x, T sign);

    /// <summary>Correctly rounded square root.</summary>
    static abstract T Sqrt(T x);

    /// <summary>2^k for integral k within the exponents of normal numbers.</summary>
    static abstract T Exp2Int(T k);

    /// <summary>floor(log2 x) for positive normal x, as a number of the lane.</summary>
    static abstract T Exponent(T x);

    /// <summary>x / 2^<see cref="Exponent"/>, in [1, 2), for positive normal x.</summary>
    static abstract T Mantissa(T x);

    /// <summary>Whether the lane computes with integers, which wrap around. A compile-time constant.</summary>
    static virtual bool IsInteger => false;

    /// <summary>A number that no other exceeds: infinity, or the largest integer.</summary>
    static virtual T Highest { [MethodImpl(Inline.Always)] get => T.Of(double.PositiveInfinity); }

    /// <summary>A number that no other falls below: minus infinity, or the smallest integer.</summary>
    static virtual T Lowest { [MethodImpl(Inline.Always)] get => T.Of(double.NegativeInfinity); }

    /// <summary>x rounded to an integer, ties to even; the number itself on integer lanes. Its slope is 0.</summary>
    [MethodImpl(Inline.Always)] static virtual T Round(T x) => Functions.Elementary.Round(x);

    /// <summary>1 where x is not zero, else 0; on lanes of one number.</summary>
    static virtual byte Truth(T x) => throw new NotSupportedException($"{typeof(T)} holds more than one number.");

    // What follows is offered for integers only, by operations that take nothing else.

    /// <summary>Bits set in both.</summary>
    static virtual T And(T a, T b) => throw OnlyIntegers();

    /// <summary>Bits set in either.</summary>
    static virtual T Or(T a, T b) => throw OnlyIntegers();

    /// <summary>Bits set in one of the two.</summary>
    static virtual T Xor(T a, T b) => throw OnlyIntegers();

    private static NotSupportedException OnlyIntegers() => new($"{typeof(T)} has no bits to compute with.");

    /// <summary>Complex conjugate; the number itself on real lanes.</summary>
    static virtual T Conj(T x) => x;

    /// <summary>The real part, as a number of the lane; the number itself on real lanes.</summary>
    static virtual T RealPart(T x) => x;

    /// <summary>|x|^2, a real number.</summary>
    static virtual T SquaredAbs(T x) => x * x;

    /// <summary>A real number between |x| / sqrt 2 and |x|, without squares: |x| itself on real lanes, else the larger of the
    /// parts.</summary>
    static virtual T LargerPart(T x) => T.Abs(x);

    /// <summary>The absolute value, or for complex numbers the sum of the parts' absolute values: the size by which LAPACK chooses pivots.</summary>
    static virtual T AbsSum(T x) => T.Abs(x);

    /// <summary>Square root of a real number that is not negative: no complex root, and no range lost to its squares.</summary>
    static virtual T SqrtReal(T x) => T.Sqrt(x);

    /// <summary>Quotient by a real number: two real quotients, not a complex one.</summary>
    static virtual T OverReal(T a, T b) => a / b;

    /// <summary>Product with a real number: two real products, not a complex one.</summary>
    [MethodImpl(Inline.Always)] static virtual T TimesReal(T a, T b) => a * b;

    /// <summary>a b + c for a real b: one fused multiply-add for each part.</summary>
    [MethodImpl(Inline.Always)] static virtual T FmaReal(T a, T b, T c) => T.Fma(a, b, c);

    /// <summary>e^x; see <see cref="Functions.Elementary.Exp{T}"/>.</summary>
    [MethodImpl(Inline.Always)] static virtual T Exp(T x) => Functions.Elementary.Exp(x);

    /// <summary>Natural logarithm; see <see cref="Functions.Elementary.Log{T}"/>.</summary>
    [MethodImpl(Inline.Always)] static virtual T Log(T x) => Functions.Elementary.Log(x);

    /// <summary>Sine of x in radians; see <see cref="Functions.Elementary.Sin{T}"/>.</summary>
    [MethodImpl(Inline.Always)] static virtual T Sin(T x) => Functions.Elementary.Sin(x);

    /// <summary>Cosine of x in radians; see <see cref="Functions.Elementary.Cos{T}"/>.</summary>
    [MethodImpl(Inline.Always)] static virtual T Cos(T x) => Functions.Elementary.Cos(x);

    /// <summary>Hyperbolic tangent; see <see cref="Functions.Elementary.Tanh{T}"/>.</summary>
    [MethodImpl(Inline.Always)] static virtual T Tanh(T x) => Functions.Elementary.Tanh(x);

    /// <summary>Error function; see <see cref="Functions.Elementary.Erf{T}"/>.</summary>
    [MethodImpl(Inline.Always)] static virtual T Erf(T x) => Functions.Elementary.Erf(x);

    /// <summary>log(1 + x), accurate near zero; see <see cref="Functions.Elementary.Log1p{T}"/>.</summary>
    [MethodImpl(Inline.Always)] static virtual T Log1p(T x) => Functions.Elementary.Log1p(x);

    /// <summary>e^x - 1, accurate near zero; see <see cref="Functions.Elementary.Expm1{T}"/>.</summary>
    [MethodImpl(Inline.Always)] static virtual T Expm1(T x) => Functions.Elementary.Expm1(x);

    /// <summary>Angle of the point (x, y); see <see cref="Functions.Elementary.Atan2{T}"/>.</summary>
    [MethodImpl(Inline.Always)] static virtual T Atan2(T y, T x) => Functions.Elementary.Atan2(y, x);

    /// <summary>2^x; see <see cref="Functions.Elementary.Exp2{T}"/>.</summary>
    [MethodImpl(Inline.Always)] static virtual T Exp2(T x) => Functions.Elementary.Exp2(x);

    /// <summary>Logarithm to base 2; see <see cref="Functions.Elementary.Log2{T}"/>.</summary>
    [MethodImpl(Inline.Always)] static virtual T Log2(T x) => Functions.Elementary.Log2(x);

    /// <summary>Logarithm to base 10; see <see cref="Functions.Elementary.Log10{T}"/>.</summary>
    [MethodImpl(Inline.Always)] static virtual T Log10(T x) => Functions.Elementary.Log10(x);

    /// <summary>Cube root; see <see cref="Functions.Elementary.Cbrt{T}"/>.</summary>
    [MethodImpl(Inline.Always)] static virtual T Cbrt(T x) => Functions.Elementary.Cbrt(x);

    /// <summary>Hyperbolic sine; see <see cref="Functions.Elementary.Sinh{T}"/>.</summary>
    [MethodImpl(Inline.Always)] static virtual T Sinh(T x) => Functions.Elementary.Sinh(x);

    /// <summary>Hyperbolic cosine; see <see cref="Functions.Elementary.Cosh{T}"/>.</summary>
    [MethodImpl(Inline.Always)] static virtual T Cosh(T x) => Functions.Elementary.Cosh(x);

    /// <summary>Inverse of the hyperbolic sine; see <see cref="Functions.Elementary.Asinh{T}"/>.</summary>
    [MethodImpl(Inline.Always)] static virtual T Asinh(T x) => Functions.Elementary.Asinh(x);

    /// <summary>1 - erf x; see <see cref="Functions.Elementary.Erfc{T}"/>.</summary>
    [MethodImpl(Inline.Always)] static virtual T Erfc(T x) => Functions.Elementary.Erfc(x);

    /// <summary>Inverse of the error function; see <see cref="Functions.Elementary.Erfinv{T}"/>.</summary>
    [MethodImpl(Inline.Always)] static virtual T Erfinv(T x) => Functions.Elementary.Erfinv(x);
}
