using System.Numerics;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Ops;

public static partial class OpTable
{
    // Complex.Tanh overflows; the definition does not where these rows are.
    static Complex Tanh(Complex x) => (Complex.Exp(x) - Complex.Exp(-x)) / (Complex.Exp(x) + Complex.Exp(-x));

    static double LogAddExp(double a, double b) => Math.Max(a, b) + Math.Log(1 + Math.Exp(-Math.Abs(a - b)));

    static double Clamp(double x, double low, double high) => double.IsNaN(x) ? x : Math.Clamp(x, low, high);

    static IEnumerable<OpRow> ElementaryFunctions() =>
    [
        Unary("Tan", x => x.Tan(), Math.Tan) with { Low = -1.4, High = 1.4 },
        Unary("Asin", x => x.Asin(), Math.Asin) with { Low = -0.95, High = 0.95 },
        Unary("Acos", x => x.Acos(), Math.Acos) with { Low = -0.95, High = 0.95 },
        Unary("Atan", x => x.Atan(), Math.Atan) with { Low = -9, High = 9 },
        Binary("Atan2", (a, b) => a.Atan2(b), Math.Atan2),
        Unary("Sinh", x => x.Sinh(), Math.Sinh) with { Low = -4, High = 4 },
        Unary("Cosh", x => x.Cosh(), Math.Cosh) with { Low = -4, High = 4 },
        Unary("Asinh", x => x.Asinh(), x => x == 0 ? x : Math.Asinh(x)) with { Low = -9, High = 9 },
        Unary("Acosh", x => x.Acosh(), Math.Acosh) with { Low = 1.1, High = 9 },
        Unary("Atanh", x => x.Atanh(), Math.Atanh) with { Low = -0.9, High = 0.9 },
        Unary("Sinc", x => x.Sinc(), x => x == 0 ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x)) with { Special = [0, -0.0, double.NaN] },
        Unary("Sinc", x => x.Sinc(), x => x == 0 ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x)) with { Low = -0.2, High = 0.2, Special = [] },
        Binary("Hypot", (a, b) => a.Hypot(b), (a, b) => Math.Sqrt(a * a + b * b)),
        Unary("Exp2", x => x.Exp2(), x => Math.Pow(2, x)) with { Low = -9, High = 9 },
        Unary("Log2", x => x.Log2(), Math.Log2) with { Low = 1e-3, High = 20 },
        Unary("Log10", x => x.Log10(), Math.Log10) with { Low = 1e-3, High = 20 },
        Unary("Rsqrt", x => x.Rsqrt(), x => 1 / Math.Sqrt(x)) with { Low = 0.1, High = 20 },
        Unary("Cbrt", x => x.Cbrt(), Math.Cbrt) with { Low = 0.1, High = 20 },
        Unary("Erfc", x => x.Erfc(), Reference.Erfc) with { Low = -3, High = 5 },
        Unary("Erfinv", x => x.Erfinv(), Reference.Erfinv) with { Low = -0.95, High = 0.95 },
        Unary("Lgamma", x => x.Lgamma(), Reference.Lgamma) with { Low = 0.1, High = 9, Special = [0, -1, Infinity, double.NaN], Double = 1e-14 },
        Unary("Lgamma", x => x.Lgamma(), Reference.Lgamma) with { Low = -2.9, High = -2.1, Special = [], Single = 2e-6, Double = 2e-14 },
        Unary("Digamma", x => x.Digamma(), Reference.Digamma) with { Low = 0.2, High = 9, Special = [], Double = 2e-12 },
        Unary("Digamma", x => x.Digamma(), Reference.Digamma) with { Low = -2.8, High = -2.2, Special = [], Single = 3e-6, Double = 2e-12 },
        Binary("Xlogy", (a, b) => a.Xlogy(b), (a, b) => a == 0 ? 0 : a * Math.Log(b)) with { Low = 0.1, High = 3 },
        Binary("LogAddExp", (a, b) => a.LogAddExp(b), LogAddExp) with { Low = -5, High = 5 },
        new("LogAddExp", x => x[0].LogAddExp(x[0] + (x[1] - x[0]) * 0.0), x => Nd.Map(v => v[0] + Math.Log(2), x[0], x[1]), [[[7], [7]]]) { IsComposed = true },
        Binary("CopySign", (a, b) => a.CopySign(b), Math.CopySign),
        new("Lerp", x => x[0].Lerp(x[1], 0.3), x => Nd.Map(v => v[0] + 0.3 * (v[1] - v[0]), x), pairs) { IsComplex = true },
        new("Lerp", x => x[0].Lerp(x[1], x[2]), x => Nd.Map(v => v[0] + v[2] * (v[1] - v[0]), x), [[[3, 5], [5], [3, 1]]]) { IsComplex = true },
        Unary("Floor", x => x.Floor(), Math.Floor) with { IsInteger = true, Low = -9, High = 9 },
        Unary("Ceil", x => x.Ceil(), Math.Ceiling) with { IsInteger = true, Low = -9, High = 9 },
        Unary("Round", x => x.Round(), Math.Round) with { IsInteger = true, Low = -9, High = 9 },
        Unary("Trunc", x => x.Trunc(), Math.Truncate) with { IsInteger = true, Low = -9, High = 9 },
        Unary("Frac", x => x.Frac(), x => x - Math.Truncate(x)) with { Low = -9, High = 9 },
        Unary("NanToNum", x => x.NanToNum(1, 2, -3), x => double.IsNaN(x) ? 1 : double.IsPositiveInfinity(x) ? 2 : double.IsNegativeInfinity(x) ? -3 : x),
        Unary("Angle", x => x.Angle(), x => double.IsNaN(x) ? x : x < 0 ? Math.PI : 0),
        ComplexUnary("Angle", x => x.Angle(), x => x.Phase) with { IsReal = false },
        new("Polar", x => Tensor.Polar(x[0], x[1]), x => Nd.Map(v => Complex.FromPolarCoordinates(1, v[1].Real) * v[0].Real, x), [[[37], [37]], [[0], [0]]]),
        ComplexUnary("Log", x => x.Log(), Complex.Log) with { IsReal = false },
        ComplexUnary("Sin", x => x.Sin(), Complex.Sin) with { IsReal = false },
        ComplexUnary("Cos", x => x.Cos(), Complex.Cos) with { IsReal = false },
        ComplexUnary("Sinh", x => x.Sinh(), Complex.Sinh) with { IsReal = false },
        ComplexUnary("Cosh", x => x.Cosh(), Complex.Cosh) with { IsReal = false },
        ComplexUnary("Tanh", x => x.Tanh(), Tanh) with { IsReal = false, Low = -1.2, High = 1.2 },
        ComplexUnary("Rsqrt", x => x.Rsqrt(), x => 1 / Complex.Sqrt(x)) with { IsReal = false, Low = 0.3 },
        ComplexUnary("Pow", x => x.Pow(2.5), x => Complex.Pow(x, 2.5)) with { IsReal = false, Low = 0.3, Single = 5e-6, Double = 3e-14 },
        ComplexBinary("Pow", (a, b) => a.Pow(b), Complex.Pow) with { IsReal = false, Low = 0.3, Single = 5e-6, Double = 3e-14 },
    ];

    static double Softplus(double x) => Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x)));

    static double Expm1(double x) => Math.Abs(x) < 1e-5 ? x + x * x / 2 : Math.Exp(x) - 1;

    static IEnumerable<OpRow> Activations() =>
    [
        Unary("Elu", x => x.Elu(0.7), x => x > 0 ? x : 0.7 * Expm1(x)),
        Unary("Celu", x => x.Celu(0.7), x => x > 0 ? x : 0.7 * Expm1(x / 0.7)),
        Unary("Selu", x => x.Selu(), x => 1.0507009873554804934193349852946 * (x > 0 ? x : 1.6732632423543772848170429916717 * Expm1(x))),
        Unary("LeakyRelu", x => x.LeakyRelu(0.1), x => x > 0 ? x : 0.1 * x),
        Unary("Relu6", x => x.Relu6(), x => Clamp(x, 0, 6)) with { Low = -3, High = 9 },
        Unary("Hardtanh", x => x.Hardtanh(-1, 1.5), x => Clamp(x, -1, 1.5)),
        Unary("Hardsigmoid", x => x.Hardsigmoid(), x => Clamp((x + 3) / 6, 0, 1)) with { Low = -5, High = 5 },
        Unary("Hardswish", x => x.Hardswish(), x => x * Clamp((x + 3) / 6, 0, 1)) with { Low = -5, High = 5 },
        Unary("Mish", x => x.Mish(), x => x * Math.Tanh(Softplus(x))) with { Low = -9, High = 9 },
        Unary("LogSigmoid", x => x.LogSigmoid(), x => -Softplus(-x)) with { Low = -9, High = 9, Special = [0, Infinity, -Infinity, double.NaN] },
        Unary("Softsign", x => x.Softsign(), x => x / (1 + Math.Abs(x))),
        Unary("Softshrink", x => x.Softshrink(), x => x > 0.5 ? x - 0.5 : x < -0.5 ? x + 0.5 : 0 * x),
        Unary("Hardshrink", x => x.Hardshrink(), x => Math.Abs(x) > 0.5 ? x : 0 * x),
        Unary("Threshold", x => x.Threshold(0.5, -1), x => x <= 0.5 ? -1 : x),
        new("Prelu", x => x[0].Prelu(x[1]), x => Nd.Of(x[0].Shape, i => x[0][i].Real > 0 ? x[0][i] : x[1].Data[x[1].Data.Length == 1 ? 0 : i[1]] * x[0][i]),
            [[[2, 3, 4], [3]], [[2, 5], [5]], [[7], [1]], [[3], []]]),
    ];
}
