using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Ops;

public static partial class OpTable
{
    static OpRow IntegerBinary(string name, Func<Tensor, Tensor, Tensor> call, Func<double, double, double> formula)
        => Binary(name, call, formula) with { IsReal = false, IsInteger = true, Low = -9, High = 9 };

    static OpRow IntegerUnary(string name, Func<Tensor, Tensor> call, Func<double, double> formula)
        => Unary(name, call, formula) with { IsReal = false, IsInteger = true, Low = -9, High = 9 };

    static OpRow BoolBinary(string name, Func<Tensor, Tensor, Tensor> call, Func<bool, bool, bool> formula)
        => Binary(name, call, (a, b) => formula(a != 0, b != 0) ? 1 : 0) with { IsReal = false, IsBool = true };

    static double Modulo(double a, double b) => b == 0 ? 0 : a - Math.Floor(a / b) * b;

    static IEnumerable<OpRow> Integers() =>
    [
        IntegerBinary("+", (a, b) => a + b, (a, b) => a + b),
        IntegerBinary("-", (a, b) => a - b, (a, b) => a - b),
        IntegerBinary("*", (a, b) => a * b, (a, b) => a * b),
        IntegerBinary("/", (a, b) => a / b, (a, b) => a / b) with { Low = 1 },
        IntegerBinary("FloorDivide", (a, b) => a.FloorDivide(b), (a, b) => b == 0 ? 0 : Math.Floor(a / b)),
        IntegerBinary("Remainder", (a, b) => a.Remainder(b), Modulo),
        IntegerBinary("Fmod", (a, b) => a.Fmod(b), (a, b) => b == 0 ? 0 : a % b),
        IntegerBinary("Maximum", Tensor.Maximum, Math.Max),
        IntegerBinary("Minimum", Tensor.Minimum, Math.Min),
        IntegerUnary("negation", x => -x, x => -x),
        IntegerUnary("+", x => 3 + x + 2, x => x + 5),
        IntegerUnary("+", x => x + 0.5, x => x + 0.5),
        IntegerUnary("-", x => 3 - (x - 2), x => 5 - x),
        IntegerUnary("*", x => 3 * x * 2, x => x * 6),
        IntegerUnary("*", x => x * 2.5, x => x * 2.5),
        IntegerUnary("/", x => x / 4, x => x / 4),
        IntegerUnary("Abs", x => x.Abs(), Math.Abs),
        IntegerUnary("Sign", x => x.Sign(), x => Math.Sign(x)),
        IntegerUnary("Square", x => x.Square(), x => x * x),
        IntegerUnary("Clamp", x => x.Clamp(-3, Infinity), x => Math.Max(x, -3)),
        BoolBinary("+", (a, b) => a + b, (a, b) => a || b),
        BoolBinary("*", (a, b) => a * b, (a, b) => a && b),
        Unary("+", x => x + 2, x => x + 2) with { IsReal = false, IsBool = true },
        Unary("/", x => x / 2, x => x / 2) with { IsReal = false, IsBool = true },
        BoolBinary("&", (a, b) => a & b, (a, b) => a && b),
        BoolBinary("|", (a, b) => a | b, (a, b) => a || b),
        BoolBinary("^", (a, b) => a ^ b, (a, b) => a != b),
        BoolBinary("~", (a, b) => ~a & b, (a, b) => !a && b),
        IntegerBinary("&", (a, b) => a & b, (a, b) => (long)a & (long)b),
        IntegerBinary("|", (a, b) => a | b, (a, b) => (long)a | (long)b),
        IntegerBinary("^", (a, b) => a ^ b, (a, b) => (long)a ^ (long)b),
        IntegerUnary("~", x => ~x, x => ~(long)x),
        Binary("FloorDivide", (a, b) => a.FloorDivide(b), (a, b) => Math.Floor(a / b)) with { Low = -9, High = 9 },
        Binary("Remainder", (a, b) => a.Remainder(b), Modulo) with { Low = -9, High = 9 },
        Binary("Fmod", (a, b) => a.Fmod(b), (a, b) => a % b) with { Low = -9, High = 9 },
        Reduction("Sum", (x, d) => x.Sum(d), SumOf, [1], [3, 130], [4, 0], [2, 5, 3]) with { IsReal = false, IsInteger = true, IsBool = true },
        Reduction("Prod", (x, d) => x.Prod(d), x => x.Aggregate(System.Numerics.Complex.One, (a, b) => a * b), [1], [3, 7], [4, 0], [2, 5, 3]) with { IsReal = false, IsInteger = true, IsBool = true, Low = 1, High = 3 },
        Reduction("Max", (x, d) => x.Max(d), x => x.Max(v => v.Real), [1], [3, 70], [2, 3, 4]) with { IsReal = false, IsInteger = true, Low = -900, High = -100 },
        Reduction("Min", (x, d) => x.Min(d), x => x.Min(v => v.Real), [1], [3, 70], [2, 3, 4]) with { IsReal = false, IsInteger = true, Low = 100, High = 900 },
    ];

    static OpRow Comparison(string name, Func<Tensor, Tensor, Tensor> call, Func<double, double, bool> formula)
        => Binary(name, call, (a, b) => formula(a, b) ? 1 : 0) with { IsInteger = true, IsBool = true };

    static OpRow Property(string name, Func<Tensor, Tensor> call, Func<double, bool> formula)
        => Unary(name, call, x => formula(x) ? 1 : 0);

    // Pairs of equal numbers among the arguments, in every dtype.
    static Nd Halves(int operand, Nd x) => Nd.Map(v => Math.Round(v[0].Real * 2) / 2 is var half && half == Math.Round(half) ? half : v[0].Real, x);

    static IEnumerable<OpRow> Comparisons() =>
    [
        new("Where", x => Tensor.Where(x[0].Less(x[1]), x[0], x[1]), x => Nd.Map(v => v[0].Real < v[1].Real ? v[0] : v[1], x), pairs) { IsInteger = true, IsBool = true },
        new("Where", x => Tensor.Where(x[0].EqualTo(x[0]), x[0] * 2.0, x[1]), x => Nd.Map(v => v[0] * 2, x), pairs) { IsReal = false, IsComplex = true },
        Comparison("Less", (a, b) => a.Less(b), (a, b) => a < b) with { Prepare = Halves },
        Comparison("LessEqual", (a, b) => a.LessEqual(b), (a, b) => a <= b) with { Prepare = Halves },
        Comparison("Greater", (a, b) => a.Greater(b), (a, b) => a > b) with { Prepare = Halves },
        Comparison("GreaterEqual", (a, b) => a.GreaterEqual(b), (a, b) => a >= b) with { Prepare = Halves },
        Comparison("EqualTo", (a, b) => a.EqualTo(b), (a, b) => a == b) with { Prepare = Halves },
        Comparison("NotEqual", (a, b) => a.NotEqual(b), (a, b) => a != b) with { Prepare = Halves },
        ComplexBinary("EqualTo", (a, b) => a.EqualTo(b), (a, b) => a == b ? 1 : 0) with { IsReal = false },
        ComplexBinary("NotEqual", (a, b) => a.NotEqual(b), (a, b) => a != b ? 1 : 0) with { IsReal = false },
        Property("Less", x => x.Less(1), x => x < 1) with { IsInteger = true, IsBool = true },
        Property("LessEqual", x => x.LessEqual(0.5), x => x <= 0.5) with { IsInteger = true, IsBool = true },
        Property("Greater", x => x.Greater(1), x => x > 1) with { IsInteger = true, IsBool = true },
        Property("GreaterEqual", x => x.GreaterEqual(1e30), x => x >= 1e30) with { IsInteger = true, IsBool = true },
        Property("EqualTo", x => x.EqualTo(0), x => x == 0) with { IsInteger = true, IsBool = true },
        Property("NotEqual", x => x.NotEqual(1), x => x != 1) with { IsInteger = true, IsBool = true },
        Comparison("LogicalAnd", (a, b) => a.LogicalAnd(b), (a, b) => a != 0 && b != 0),
        Comparison("LogicalOr", (a, b) => a.LogicalOr(b), (a, b) => a != 0 || b != 0),
        Comparison("LogicalXor", (a, b) => a.LogicalXor(b), (a, b) => a != 0 ^ b != 0),
        Property("LogicalNot", x => x.LogicalNot(), x => x == 0) with { IsInteger = true, IsBool = true },
        ComplexBinary("LogicalAnd", (a, b) => a.LogicalAnd(b), (a, b) => a != 0 && b != 0 ? 1 : 0) with { IsReal = false },
        ComplexBinary("LogicalOr", (a, b) => a.LogicalOr(b), (a, b) => a != 0 || b != 0 ? 1 : 0) with { IsReal = false },
        ComplexBinary("LogicalXor", (a, b) => a.LogicalXor(b), (a, b) => a != 0 ^ b != 0 ? 1 : 0) with { IsReal = false },
        ComplexUnary("LogicalNot", x => x.LogicalNot(), x => x == 0 ? 1 : 0) with { IsReal = false },
        Property("IsNan", x => x.IsNan(), double.IsNaN),
        Property("IsInf", x => x.IsInf(), double.IsInfinity),
        Property("IsFinite", x => x.IsFinite(), double.IsFinite),
        ComplexUnary("IsNan", x => (x / (x - x)).IsNan(), x => 1) with { IsReal = false },
        ComplexUnary("IsInf", x => (x * Infinity).IsInf(), x => 1) with { IsReal = false },
        ComplexUnary("IsFinite", x => x.IsFinite(), x => 1) with { IsReal = false },
        Comparison("IsClose", (a, b) => a.IsClose(b, 0.1, 0.5), (a, b) => Math.Abs(a - b) <= 0.5 + 0.1 * Math.Abs(b)) with { IsComposed = true },
        ComplexBinary("IsClose", (a, b) => a.IsClose(b, 0.1, 0.5), (a, b) => (a - b).Magnitude <= 0.5 + 0.1 * b.Magnitude ? 1 : 0) with { IsReal = false },
        Reduction("Any", (x, d) => x.Greater(1.9).Any(d), x => x.Any(v => v.Real > 1.9) ? 1 : 0, [1], [3, 70], [4, 0], [2, 5, 3]) with { IsInteger = true },
        Reduction("Any", (x, d) => x.Any(d), x => x.Any(v => v != 0) ? 1 : 0, [0], [2, 3], [70, 4]) with { IsReal = false, IsComplex = true, IsBool = true },
        Reduction("All", (x, d) => x.Greater(-1.9).All(d), x => x.All(v => v.Real > -1.9) ? 1 : 0, [1], [3, 70], [4, 0], [2, 5, 3]) with { IsInteger = true },
        Reduction("All", (x, d) => x.All(d), x => x.All(v => v != 0) ? 1 : 0, [0], [2, 3], [70, 4]) with { IsReal = false, IsComplex = true, IsBool = true },
    ];
}
