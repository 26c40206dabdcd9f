using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Bench.Experiments;

/// <summary>The error of one function on one device; the entries of the <c>--json</c> file.</summary>
/// <param name="Function">The op.</param>
/// <param name="From">Smallest argument.</param>
/// <param name="To">Largest argument.</param>
/// <param name="Device">The device.</param>
/// <param name="SingleUlp">Largest error in float32, in units in the last place.</param>
/// <param name="DoubleUlp">Largest error in float64, where there is something to compare with.</param>
/// <param name="Worst">The float32 argument of the largest error.</param>
/// <param name="SameBits">Whether every result, of both types, has the bits of the CPU's.</param>
sealed record AccuracyEntry(string Function, double From, double To, string Device, double SingleUlp, double? DoubleUlp, float Worst, bool SameBits);

/// <summary>How accurate the elementary functions are: sweeps over their arguments on any device.</summary>
/// <remarks>
/// The reference of float32 is the CPU's float64 result of the same op, whose own error (a few of its last places, tested against 200-bit
/// arithmetic) does not show there. The reference of float64 is the C library, itself within one unit, so its column is an upper bound.
/// </remarks>
static class Accuracy
{
    /// <summary>An elementary function.</summary>
    /// <param name="Name">The op.</param>
    /// <param name="Op">Computes it.</param>
    /// <param name="From">Smallest argument.</param>
    /// <param name="To">Largest argument.</param>
    /// <param name="Library">The C library's, where there is one.</param>
    internal sealed record Function(string Name, Func<Tensor, Tensor> Op, double From, double To, Func<double, double>? Library = null);

    const double All = double.PositiveInfinity;

    // Beyond this, arguments of periodic functions in float32 are further apart than a period's 64th part.
    const double Periods = 262144;

    /// <summary>The functions, in the order of the alphabet.</summary>
    public static IReadOnlyList<Function> Functions { get; } =
    [
        new("Acos", x => x.Acos(), -1, 1, Math.Acos), new("Acosh", x => x.Acosh(), 1, All, Math.Acosh), new("Asin", x => x.Asin(), -1, 1, Math.Asin),
        new("Asinh", x => x.Asinh(), -All, All), new("Atan", x => x.Atan(), -All, All, Math.Atan), new("Atanh", x => x.Atanh(), -1, 1),
        new("Cbrt", x => x.Cbrt(), -All, All, Math.Cbrt), new("Cos", x => x.Cos(), -Periods, Periods, Math.Cos), new("Cosh", x => x.Cosh(), -All, All, Math.Cosh),
        new("Digamma", x => x.Digamma(), 2, All), new("Erf", x => x.Erf(), -All, All), new("Erfc", x => x.Erfc(), -All, 9), new("Erfinv", x => x.Erfinv(), -1, 1),
        new("Exp", x => x.Exp(), -All, All, Math.Exp), new("Exp2", x => x.Exp2(), -All, All, x => Math.Pow(2, x)), new("Expm1", x => x.Expm1(), -All, All),
        new("Gelu", x => x.Gelu(), -1, All), new("Lgamma", x => x.Lgamma(), 3, All), new("Log", x => x.Log(), 0, All, Math.Log), new("Log10", x => x.Log10(), 0, All, Math.Log10),
        new("Log1p", x => x.Log1p(), -1, All), new("Log2", x => x.Log2(), 0, All, Math.Log2), new("Reciprocal", x => x.Reciprocal(), -All, All, x => 1 / x),
        new("Rsqrt", x => x.Rsqrt(), 0, All), new("Sigmoid", x => x.Sigmoid(), -80, All), new("Silu", x => x.Silu(), -80, All), new("Sin", x => x.Sin(), -Periods, Periods, Math.Sin),
        new("Sinh", x => x.Sinh(), -All, All, Math.Sinh), new("Softplus", x => x.Softplus(), -80, All), new("Sqrt", x => x.Sqrt(), 0, All, Math.Sqrt), new("Tan", x => x.Tan(), -Periods, Periods, Math.Tan),
        new("Tanh", x => x.Tanh(), -All, All, Math.Tanh),
    ];

    /// <summary>Sweeps one function on one device.</summary>
    /// <param name="function">The function.</param>
    /// <param name="device">The device.</param>
    /// <param name="count">Arguments of each type.</param>
    public static AccuracyEntry Sweep(Function function, Device device, int count)
    {
        using var pause = Graph.NoGrad();
        using var scope = new TensorScope();
        var singles = Arguments(function, count, bits => (double)BitConverter.UInt32BitsToSingle((uint)(bits >> 32))).Select(x => (float)x).ToArray();
        var doubles = Arguments(function, count, BitConverter.UInt64BitsToDouble);
        var (single, onCpu) = (function.Op(Tensor.From(singles, [count], device)).ToArray<float>(), function.Op(Tensor.From(singles, [count])).ToArray<float>());
        var (exact, exactOnCpu) = (function.Op(Tensor.From(doubles, [count], device)).ToArray<double>(), function.Op(Tensor.From(doubles, [count])).ToArray<double>());

        var reference = function.Op(Tensor.From(singles, [count]).To(DType.Float64)).ToArray<double>();
        var (worst, at) = (0.0, 0);
        for (var i = 0; i < count; i++)
        {
            var error = Ulp(single[i], reference[i], (float)reference[i], 23, -149);
            if (error > worst) (worst, at) = (error, i);
        }
        double? worstDouble = function.Library is { } library ? doubles.Select(library).Zip(exact).Max(pair => Ulp(pair.Second, pair.First, pair.First, 52, -1074)) : null;
        var same = single.AsSpan().SequenceEqual(onCpu, BitComparer<float>.Instance) && exact.AsSpan().SequenceEqual(exactOnCpu, BitComparer<double>.Instance);
        return new(function.Name, function.From, function.To, $"{device}", worst, worstDouble, singles[at], same);
    }

    // Every exponent alike: random bit patterns, those that the function takes.
    static double[] Arguments(Function function, int count, Func<ulong, double> number)
    {
        var random = new Random(function.Name.Length);
        var arguments = new double[count];
        for (var i = 0; i < count;)
        {
            var x = number((ulong)random.NextInt64(long.MinValue, long.MaxValue));
            if (double.IsFinite(x) && x >= function.From && x <= function.To)
                arguments[i++] = x;
        }
        return arguments;
    }

    // Units in the last place of the reference; results that are not finite must be what the rounded reference is.
    static double Ulp(double result, double reference, double rounded, int bits, int lowest)
    {
        if (!double.IsFinite(result) || !double.IsFinite(rounded))
            return result.Equals(rounded) ? 0 : double.PositiveInfinity;
        return Math.Abs(result - reference) / Math.ScaleB(1, reference == 0 ? lowest : Math.Max(Math.ILogB(reference) - bits, lowest));
    }

    // Zeros of both signs differ, NaN is NaN.
    sealed class BitComparer<E> : IEqualityComparer<E> where E : unmanaged, System.Numerics.IFloatingPointIeee754<E>
    {
        public static BitComparer<E> Instance { get; } = new();

        public bool Equals(E x, E y) => x.Equals(y) && (E.IsNegative(x) == E.IsNegative(y) || E.IsNaN(x));

        public int GetHashCode(E value) => value.GetHashCode();
    }
}
