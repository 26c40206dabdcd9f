using System.Runtime.CompilerServices;
using Ortho.Kernels.Lanes;
using Ortho.Kernels.Skeletons;

namespace Ortho.Kernels.Pointwise;

/// <summary>a - b trunc(a / b), with the sign of a; 0 for integers where b = 0.</summary>
/// <remarks>Exact, and NaN for quotients beyond 2^60.</remarks>
public readonly struct Fmod : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b) where T : struct, ILane<T>
    {
        if (T.IsInteger)
            return T.SelectEqual(b, T.Of(0), T.Of(0), a - a / b * b);
        // The difference of r and b times their rounded quotient is a number of the lane: each step is exact and takes 23 (52) bits off
        // the quotient, until the last, whose quotient is an integer or one too many.
        var (size, modulus) = (T.Abs(a), T.Abs(b));
        var r = Step(Step(Step(size, modulus), modulus), modulus);
        r = T.SelectLess(r, T.Of(0), r + modulus, r);
        r = T.SelectLess(r, modulus, r, T.Of(double.NaN));
        return T.CopySign(T.SelectEqual(modulus, T.Highest, T.SelectLess(size, modulus, size, T.Of(double.NaN)), r), a);
    }

    [MethodImpl(Inline.Always)]
    static T Step<T>(T r, T modulus) where T : struct, ILane<T> => T.Fma(-Trunc.Apply(r / modulus), modulus, r);
}

/// <summary>a - b floor(a / b), with the sign of b; 0 for integers where b = 0.</summary>
/// <remarks>Exact, and NaN for quotients beyond 2^60.</remarks>
public readonly struct Remainder : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b) where T : struct, ILane<T>
    {
        var (r, zero) = (Fmod.Apply(a, b), T.Of(0));
        var moved = T.SelectLess(r, zero, T.SelectLess(zero, b, r + b, r), T.SelectLess(b, zero, r + b, r));
        return T.SelectEqual(r, zero, T.IsInteger ? zero : T.CopySign(r, b), moved);
    }
}

/// <summary>floor(a / b), exactly; 0 for integers where b = 0.</summary>
public readonly struct FloorDivide : IBinary
{
    /// <inheritdoc/>
    [MethodImpl(Inline.Always)]
    public static T Apply<T>(T a, T b) where T : struct, ILane<T>
    {
        var zero = T.Of(0);
        if (T.IsInteger)
        {
            var quotient = a / b;
            var r = a - quotient * b;
            var isBelow = T.SelectLess(r, zero, T.SelectLess(zero, b, T.Of(1), zero), T.SelectLess(b, zero, T.Of(1), zero));
            return T.SelectEqual(b, zero, zero, quotient - T.SelectEqual(r, zero, zero, isBelow));
        }
        // Without its remainder the quotient is an integer but for rounding.
        var ratio = a / b;
        var floor = T.Round((a - Remainder.Apply(a, b)) / b);
        return T.SelectEqual(b, zero, ratio, T.SelectEqual(floor, zero, T.CopySign(zero, ratio), floor));
    }
}
