using System.Numerics;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Ops;

/// <summary>Every op of the library, once. Forward values, gradients, second gradients, agreement of devices, layouts and determinism are
/// tested from these rows; an op without a row fails <see cref="OpTableTests.Every_op_has_a_row"/>.</summary>
public static partial class OpTable
{
    public static IReadOnlyList<OpRow> Rows => rows.Value;

    static readonly Lazy<IReadOnlyList<OpRow>> rows = new(() =>
    [
        .. Pointwise(),
        .. Integers(),
        .. Comparisons(),
        .. ElementaryFunctions(),
        .. Activations(),
        .. Structure(),
        .. Views(),
        .. Joining(),
        .. Reductions(),
        .. Normalizations(),
        .. Statistics(),
        .. Scans(),
        .. Sorting(),
        .. Indexing(),
        .. Gathering(),
        .. Scattering(),
        .. IndexExpressions(),
        .. Matrices(),
        .. Contractions(),
        .. Fourier(),
        .. Convolutions(),
        .. Orthogonal(),
        .. Creation(),
        .. Grids(),
        .. Chance(),
        .. Linalg(),
    ]);

    const double Infinity = double.PositiveInfinity;

    static readonly double[] specials = [0.0, -0.0, Infinity, -Infinity, double.NaN];

    static readonly Shape[][] vectors = [[[37]], [[]], [[1]], [[0]], [[3, 5]]];

    static readonly Shape[][] pairs = [[[37], [37]], [[3, 5], [5]], [[4, 1, 3], [2, 1]], [[], [7]], [[0, 3], [1, 3]]];

    static OpRow Unary(string name, Func<Tensor, Tensor> call, Func<double, double> formula)
        => new(name, x => call(x[0]), x => Nd.Map(v => formula(v[0].Real), x), vectors) { Special = specials };

    static OpRow Binary(string name, Func<Tensor, Tensor, Tensor> call, Func<double, double, double> formula)
        => new(name, x => call(x[0], x[1]), x => Nd.Map(v => formula(v[0].Real, v[1].Real), x), pairs);

    static OpRow ComplexBinary(string name, Func<Tensor, Tensor, Tensor> call, Func<Complex, Complex, Complex> formula)
        => new(name, x => call(x[0], x[1]), x => Nd.Map(v => formula(v[0], v[1]), x), pairs) { IsComplex = true };

    static OpRow ComplexUnary(string name, Func<Tensor, Tensor> call, Func<Complex, Complex> formula)
        => new(name, x => call(x[0]), x => Nd.Map(v => formula(v[0]), x), vectors) { IsComplex = true };

    static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    static IEnumerable<OpRow> Pointwise() =>
    [
        ComplexBinary("+", (a, b) => a + b, (a, b) => a + b),
        ComplexBinary("-", (a, b) => a - b, (a, b) => a - b),
        ComplexBinary("*", (a, b) => a * b, (a, b) => a * b),
        ComplexBinary("/", (a, b) => a / b, (a, b) => a / b) with { Low = 0.5 },
        ComplexUnary("negation", x => -x, x => -x),
        ComplexUnary("+", x => 1.5 + x + 2.0, x => x + 3.5) with { IsComposed = true },
        ComplexUnary("-", x => 1.5 - (x - 2.0), x => 3.5 - x) with { IsComposed = true },
        ComplexUnary("*", x => 1.5 * x * 2.0, x => 3 * x) with { IsComposed = true },
        ComplexUnary("/", x => 1.5 / (x / 2.0), x => 3 / x) with { Low = 0.5, IsComposed = true },
        ComplexUnary("Conj", x => x.Conj(), Complex.Conjugate),
        ComplexUnary("Square", x => x.Square(), x => x * x),
        ComplexUnary("Reciprocal", x => x.Reciprocal(), x => 1 / x) with { Low = 0.5 },
        ComplexUnary("Sqrt", x => x.Sqrt(), Complex.Sqrt) with { Low = 0.1 },
        ComplexUnary("Exp", x => x.Exp(), Complex.Exp),
        Unary("Exp", x => x.Exp(), Math.Exp) with { Low = -9, High = 9, Single = 3e-7 },
        Unary("Log", x => x.Log(), Math.Log) with { Low = 1e-3, High = 20 },
        Unary("Log1p", x => x.Log1p(), x => Math.Abs(x) < 1e-5 ? x - x * x / 2 : Math.Log(1 + x)) with { Low = -0.9, High = 20 },
        Unary("Expm1", x => x.Expm1(), x => Math.Abs(x) < 1e-5 ? x + x * x / 2 : Math.Exp(x) - 1) with { Low = -3, High = 3 },
        Unary("Sin", x => x.Sin(), Math.Sin) with { Low = -30, High = 30 },
        Unary("Cos", x => x.Cos(), Math.Cos) with { Low = -30, High = 30 },
        Unary("Tanh", x => x.Tanh(), Math.Tanh) with { Low = -5, High = 5 },
        Unary("Erf", x => x.Erf(), Reference.Erf) with { Low = -4, High = 4 },
        Unary("Sqrt", x => x.Sqrt(), Math.Sqrt) with { Low = 1e-3, High = 20 },
        Unary("Abs", x => x.Abs(), Math.Abs),
        ComplexUnary("Abs", x => x.Abs(), x => x.Magnitude) with { IsReal = false },
        ComplexUnary("Sign", x => x.Sign(), x => x / x.Magnitude) with { IsReal = false, Low = 0.2 },
        Unary("Sign", x => x.Sign(), x => double.IsNaN(x) ? x : Math.Sign(x)),
        Unary("Sigmoid", x => x.Sigmoid(), Sigmoid) with { Low = -9, High = 9 },
        Unary("Relu", x => x.Relu(), x => double.IsNaN(x) ? x : Math.Max(x, 0)),
        Unary("Silu", x => x.Silu(), x => x * Sigmoid(x)) with { Low = -9, High = 9 },
        Unary("Gelu", x => x.Gelu(), x => x * (1 + Reference.Erf(x / Math.Sqrt(2))) / 2) with { Low = -5, High = 5 },
        Unary("GeluTanh", x => x.GeluTanh(), x => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)))) with { Low = -5, High = 5 },
        Unary("Softplus", x => x.Softplus(), x => x > 30 ? x : Math.Log(1 + Math.Exp(x))) with { Low = -9, High = 9 },
        Unary("Pow", x => x.Pow(3), x => Math.Pow(x, 3)) with { Single = 5e-6, Double = 2e-14, Low = 0.2 },
        Unary("Pow", x => x.Pow(-0.5), x => Math.Pow(x, -0.5)) with { Low = 0.2, Single = 2e-6, Double = 1e-14, Special = [Infinity, double.NaN] },
        Binary("Pow", (a, b) => a.Pow(b), Math.Pow) with { Low = 0.2, High = 3, Single = 1e-5, Double = 2e-14 },
        Unary("Clamp", x => x.Clamp(-1, 1.25), x => double.IsNaN(x) ? x : Math.Clamp(x, -1, 1.25)),
        Binary("Maximum", Tensor.Maximum, (a, b) => Math.Max(a, b)),
        Binary("Minimum", Tensor.Minimum, (a, b) => Math.Min(a, b)),
    ];

    static OpRow View(string name, Func<Tensor, Tensor> call, Func<Nd, Nd> reference, params Shape[] shapes)
        => new(name, x => call(x[0]), x => reference(x[0]), [.. shapes.Select(shape => new[] { shape })]) { IsComplex = true, IsInteger = true, IsBool = true };

    static IEnumerable<OpRow> Structure() =>
    [
        View("T", x => x.T, x => Nd.Of([x.Shape[1], x.Shape[0]], i => x[i[1], i[0]]), [3, 5], [1, 1], [0, 2], [70, 40]),
        View("H", x => x.H, x => Nd.Of([x.Shape[1], x.Shape[0]], i => Complex.Conjugate(x[i[1], i[0]])), [3, 5]),
        View("Transpose", x => x.Transpose(0, 2), x => Nd.Of([x.Shape[2], x.Shape[1], x.Shape[0]], i => x[i[2], i[1], i[0]]), [2, 3, 4]),
        View("Permute", x => x.Permute(2, 0, 1), x => Nd.Of([x.Shape[2], x.Shape[0], x.Shape[1]], i => x[i[1], i[2], i[0]]), [2, 3, 4]),
        View("Reshape", x => x.T.Reshape(6, -1), x => Nd.Of([6, x.Shape[0] * x.Shape[1] / 6], i => Flat(x, i[0] * (x.Shape[0] * x.Shape[1] / 6) + i[1])), [4, 3], [6, 5]),
        View("Flatten", x => x.Flatten(1), x => Nd.Of([x.Shape[0], x.Shape[1] * x.Shape[2]], i => x[i[0], i[1] / x.Shape[2], i[1] % x.Shape[2]]), [2, 3, 4]),
        View("Unsqueeze", x => x.Unsqueeze(1), x => new([x.Shape[0], 1, x.Shape[1]], x.Data), [2, 3]),
        View("Squeeze", x => x.Squeeze(1), x => new([x.Shape[0], x.Shape[2]], x.Data), [2, 1, 3]),
        View("Slice", x => x.Slice(1, 1, -1, 2), x => Nd.Of([x.Shape[0], (x.Shape[1] - 1) / 2], i => x[i[0], 1 + 2 * i[1]]), [3, 8], [2, 5]),
        View("Narrow", x => x.Narrow(0, -1, 1), x => Nd.Of([1, x.Shape[1]], i => x[x.Shape[0] - 1, i[1]]), [4, 3]),
        View("Narrow", x => x.Narrow(0, 1, 2), x => Nd.Of([2, x.Shape[1]], i => x[i[0] + 1, i[1]]), [4, 3]),
        View("Select", x => x.Select(1, -2), x => Nd.Of([x.Shape[0]], i => x[i[0], x.Shape[1] - 2]), [3, 4]),
        View("Expand", x => x.Expand(4, 3, 5), x => Nd.Of([4, 3, 5], i => x[i]), [3, 1], [1, 5], []),
        View("SumTo", x => x.SumTo([3, 1]), x => Nd.Of([3, 1], i => Enumerable.Range(0, 2).SelectMany(a => Enumerable.Range(0, 4).Select(b => x[a, i[0], b])).Aggregate(Complex.Zero, (p, q) => p + q)), [2, 3, 4]) with { IsInteger = false, IsBool = false },
        View("Clone", x => x.Clone(), x => x, [3, 4], []),
        View("Contiguous", x => x.T.Contiguous(), x => Nd.Of([x.Shape[1], x.Shape[0]], i => x[i[1], i[0]]), [3, 4], [33, 65]),
        View("Tril", x => x.Tril(-1), x => Nd.Map(v => v[0], Nd.Of(x.Shape, i => i[^1] - i[^2] <= -1 ? x[i] : 0)), [4, 4], [2, 3, 5]),
        View("Triu", x => x.Triu(1), x => Nd.Of(x.Shape, i => i[^1] - i[^2] >= 1 ? x[i] : 0), [4, 4], [2, 3, 5]),
        View("Diagonal", x => x.Diagonal(), x => Nd.Of([x.Shape[0], Math.Min(x.Shape[1], x.Shape[2])], i => x[i[0], i[1], i[1]]), [2, 3, 3], [2, 3, 5], [2, 5, 3]),
        View("Real", x => x.Real(), x => Nd.Map(v => v[0].Real, x), [3, 4]) with { IsReal = true },
        View("Imag", x => x.Imag(), x => Nd.Map(v => v[0].Imaginary, x), [3, 4]) with { IsReal = false, IsInteger = false, IsBool = false },
        new("Complex", x => Tensor.Complex(x[0], x[1]), x => Nd.Map(v => new(v[0].Real, v[1].Real), x), [[[3, 4], [3, 4]]]),
        View("To", x => x.To(x.DType.IsComplex ? DType.Complex128 : DType.Float64).To(x.DType), x => x, [5]) with { IsInteger = false, IsBool = false },
        View("To", x => x.To(DType.Float64).To(x.DType), x => x, [5]) with { IsReal = false, IsComplex = false },
        View("Detach", x => x.Detach(), x => x, [5]),
    ];

    // Element k of the transpose of a matrix, read row by row.
    static Complex Flat(Nd x, int k) => x[k % x.Shape[0], k / x.Shape[0]];

    static OpRow Reduction(string name, Func<Tensor, int[]?, Tensor> call, Func<IEnumerable<Complex>, Complex> formula, int[]? dimensions, params Shape[] shapes)
        => new(name, x => call(x[0], dimensions), x => x[0].Reduce(dimensions?.Select(d => d < 0 ? d + x[0].Shape.Rank : d).ToArray() ?? [.. Enumerable.Range(0, x[0].Shape.Rank)], formula),
            [.. shapes.Select(shape => new[] { shape })]);

    static Complex SumOf(IEnumerable<Complex> x) => x.Aggregate(Complex.Zero, (a, b) => a + b);

    static IEnumerable<OpRow> Reductions() =>
    [
        Reduction("Sum", (x, d) => x.Sum(d), SumOf, [-1], [3, 5], [2, 130], [4, 0], [1, 1]) with { IsComplex = true, Single = 3e-6 },
        Reduction("Sum", (x, d) => x.Sum(d), SumOf, [0], [5, 3], [130, 9], [0, 3]) with { IsComplex = true, Single = 3e-6 },
        Reduction("Sum", (x, d) => x.Sum(d), SumOf, [0, 2], [3, 2, 4]) with { IsComplex = true },
        Reduction("Sum", (x, d) => x.Sum(d), SumOf, null, [20000], [], [2, 3]) with { Single = 1e-5, Double = 1e-13 },
        Reduction("Mean", (x, d) => x.Mean(d), x => SumOf(x) / x.Count(), [1], [3, 70], [2, 3, 4]) with { IsComplex = true },
        Reduction("Max", (x, d) => x.Max(d), x => x.Max(v => v.Real), [1], [3, 70], [2, 3, 4], [1, 1]),
        Reduction("Min", (x, d) => x.Min(d), x => x.Min(v => v.Real), [0], [9, 3], [1, 70]),
        Reduction("Prod", (x, d) => x.Prod(d), x => x.Aggregate(Complex.One, (a, b) => a * b), [1], [3, 4], [2, 5, 3]) with { IsComplex = true, Low = 0.5, Single = 5e-6, Double = 2e-14 },
        Reduction("LogSumExp", (x, d) => x.LogSumExp(d), x => Math.Log(x.Sum(v => Math.Exp(v.Real))), [1], [3, 70], [2, 3, 4]),
        Reduction("Norm", (x, d) => x.Norm(d), x => Math.Sqrt(x.Sum(v => v.Magnitude * v.Magnitude)), [1], [3, 70], [2, 3, 4]) with { IsComplex = true },
        Reduction("LogSumExp", (x, d) => x.LogSumExp(d), x => Math.Log(x.Sum(v => Math.Exp(v.Real))), [0, 2], [3, 2, 4]),
        new("LogSoftmax", x => x[0].LogSoftmax(), x => Softmax(x[0], 1, log: true), [[[3, 10]], [[2, 130]]]),
        new("LogSoftmax", x => x[0].LogSoftmax(0), x => Softmax(x[0], 0, log: true), [[[3, 10]], [[70, 2, 3]]]),
        new("Softmax", x => x[0].Softmax(), x => Softmax(x[0], 1, log: false), [[[3, 10]], [[2, 130]], [[0, 3]], [[3, 1]]]),
        new("Softmax", x => x[0].Softmax(1), x => Softmax(x[0], 1, log: false), [[[3, 10, 2]], [[2, 70, 3]]]),
        // Longer than one chunk.
        new("Softmax", x => x[0].Softmax(), x => Softmax(x[0], 1, log: false), [[[1, 16500]]]),
    ];

    static Nd Softmax(Nd x, int axis, bool log)
    {
        var sums = x.Reduce([axis], row => row.Sum(v => Math.Exp(v.Real)));
        return Nd.Of(x.Shape, i => log ? x[i] - Math.Log(Sum(i)) : Math.Exp(x[i].Real) / Sum(i));

        double Sum(int[] i) => sums[[.. i[..axis], .. i[(axis + 1)..]]].Real;
    }

    // (x - shift) / sqrt(mean of (x - shift)^2 + epsilon) over the last dimensions, shift being the mean or 0; times a weight, plus a bias.
    static Nd Normalized(Nd[] x, int dimensions, bool centered, double epsilon)
    {
        var lead = x[0].Shape.Rank - dimensions;
        int[] axes = [.. Enumerable.Range(lead, dimensions)];
        var means = x[0].Reduce(axes, row => centered ? SumOf(row) / row.Count() : 0);
        var centeredX = Nd.Of(x[0].Shape, i => x[0][i] - means[i[..lead]]);
        var squares = centeredX.Reduce(axes, row => row.Sum(v => v.Real * v.Real) / row.Count());
        return Nd.Of(x[0].Shape, i => centeredX[i] / Math.Sqrt(squares[i[..lead]].Real + epsilon)
            * (x.Length > 1 ? x[1][i[lead..]] : 1) + (x.Length > 2 ? x[2][i[lead..]] : 0));
    }

    static IEnumerable<OpRow> Normalizations() =>
    [
        new("LayerNorm", x => x[0].LayerNorm([x[0].Shape[^1]], x[1], x[2]), x => Normalized(x, 1, true, 1e-5), [[3, 10], [10], [10]], [[2, 130], [130], [130]], [[1, 2, 70], [70], [70]], [[0, 3], [3], [3]]) { Single = 2e-6, Gradient = 1e-7 },
        new("LayerNorm", x => x[0].LayerNorm([3, 5], epsilon: 0.1), x => Normalized(x, 2, true, 0.1), [[[2, 3, 5]], [[3, 5]]]),
        new("LayerNorm", x => x[0].LayerNorm([3], bias: x[1]), x => Normalized([x[0], Nd.Of([3], _ => 1), x[1]], 1, true, 1e-5), [[4, 3], [3]]) { Single = 2e-6, Gradient = 1e-6 },
        // Longer than one chunk.
        new("LayerNorm", x => x[0].LayerNorm([16500], x[1]), x => Normalized(x, 1, true, 1e-5), [[1, 16500], [16500]]) { Single = 2e-6 },
        new("RmsNorm", x => x[0].RmsNorm([x[0].Shape[^1]], x[1]), x => Normalized(x, 1, false, 1e-6), [[3, 10], [10]], [[2, 130], [130]]) { Single = 2e-6 },
        new("RmsNorm", x => x[0].RmsNorm([3, 5], epsilon: 0.1), x => Normalized(x, 2, false, 0.1), [[[2, 3, 5]]]),
        new("Normalize", x => x[0].Normalize(), x => UnitVectors(x[0], 1), [[[3, 10]], [[2, 130]], [[0, 3]]]),
        new("Normalize", x => x[0].Normalize(1), x => UnitVectors(x[0], 1), [[[2, 7, 3]], [[3, 1, 2]]]),
    ];

    static Nd UnitVectors(Nd x, int axis)
    {
        var squares = x.Reduce([axis], line => line.Sum(v => v.Real * v.Real));
        return Nd.Of(x.Shape, i => x[i] / Math.Sqrt(squares[[.. i[..axis], .. i[(axis + 1)..]]].Real));
    }

    static IEnumerable<OpRow> Indexing() =>
    [
        new("ArgMax", x => x[0].ArgMax(1).To(x[0].DType), x => x[0].Reduce([1], row => row.Select((v, k) => (v.Real, k)).MaxBy(p => p.Real).k), [[[3, 70]], [[2, 1, 3]], [[2, 5, 3]]]),
    ];

    static Nd Product(Nd a, Nd b)
    {
        var batch = Shape.Broadcast(a.Shape[..^2], b.Shape[..^2], "reference");
        return Nd.Of(batch.Concat([a.Shape[^2], b.Shape[^1]]), i => SumOf(Enumerable.Range(0, a.Shape[^1])
            .Select(k => a[[.. i[..^1], k]] * b[[.. i[..^2], k, i[^1]]])));
    }

    static IEnumerable<OpRow> Matrices() =>
    [
        new("MatMul", x => x[0].MatMul(x[1]), x => Product(x[0], x[1]),
            [[3, 5], [5, 4]], [[2, 3, 5], [5, 4]], [[2, 1, 3, 5], [4, 5, 2]], [[1, 1], [1, 1]], [[3, 0], [0, 2]], [[5, 30], [30, 27]]) { IsComplex = true, Single = 3e-6, Double = 2e-14 },
        new("MatMul", x => x[0].T.MatMul(x[1].T), x => Product(Nd.Of([x[0].Shape[1], x[0].Shape[0]], i => x[0][i[1], i[0]]), Nd.Of([x[1].Shape[1], x[1].Shape[0]], i => x[1][i[1], i[0]])),
            [[5, 3], [4, 5]], [[300, 6], [4, 300]]) { IsComplex = true, Single = 3e-6, Double = 2e-14 },
        new("Addmm", x => x[0].Addmm(x[1], x[2], 0.5, -1.5), x => Nd.Map(v => 0.5 * v[0] - 1.5 * v[1], x[0], Product(x[1], x[2])),
            [[4], [3, 5], [5, 4]], [[3, 1], [2, 3, 5], [5, 4]], [[2, 3, 4], [3, 5], [2, 5, 4]], [[], [1, 1], [1, 1]], [[3, 2], [3, 0], [0, 2]], [[5, 27], [5, 30], [30, 27]])
            { IsComplex = true, Single = 3e-6, Double = 2e-14 },
        new("Addmm", x => x[0].T.Addmm(x[1], x[2].T), x => Nd.Map(v => v[0] + v[1], Swap(x[0]), Product(x[1], Swap(x[2]))), [[3, 4], [4, 300], [3, 300]])
            { IsComplex = true, Single = 3e-6, Double = 2e-14 },
    ];

    static IEnumerable<OpRow> Creation() =>
    [
        new("Full", x => Tensor.Full([2, 3], 1.5, x[0].DType, x[0].Device), _ => Nd.Of([2, 3], _ => 1.5), [[[1]]]) { IsComplex = true },
        new("Zeros", x => Tensor.Zeros([2, 3], x[0].DType, x[0].Device), _ => Nd.Of([2, 3], _ => 0), [[[1]]]) { IsComplex = true },
        new("Ones", x => Tensor.Ones([2, 3], x[0].DType, x[0].Device), _ => Nd.Of([2, 3], _ => 1), [[[1]]]) { IsComplex = true },
        new("Eye", x => Tensor.Eye(3, 4, x[0].DType, x[0].Device), _ => Nd.Of([3, 4], i => i[0] == i[1] ? 1 : 0), [[[1]]]) { IsComplex = true },
        new("DctMatrix", x => Tensor.DctMatrix(3, DctType.II, x[0].DType, x[0].Device),
            _ => Nd.Of([3, 3], i => Math.Sqrt((i[1] == 0 ? 1.0 : 2) / 3) * Math.Cos(Math.PI * (2 * i[0] + 1) * i[1] / 6)), [[[1]]]),
        new("Arange", x => Tensor.Arange(5, x[0].DType, x[0].Device), _ => Nd.Of([5], i => i[0]), [[[1]]]),
        // Within its range; the numbers themselves are tested in RandomTests.
        new("Uniform", x => Tensor.Uniform([70], new Generator(1), -1, 3, x[0].DType, x[0].Device) is var u ? u - u.Clamp(-1, 3) : u, _ => Nd.Of([70], _ => 0), [[[1]]]),
        new("Normal", x => Tensor.Normal([7], new Generator(1), 2, 0, x[0].DType, x[0].Device), _ => Nd.Of([7], _ => 2), [[[1]]]),
    ];
}
