using System.Numerics;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Ops;

public static partial class OpTable
{
    static Complex MeanOf(IEnumerable<Complex> x) => SumOf(x) / x.Count();

    static Complex VarianceOf(IEnumerable<Complex> x, double correction)
        => x.Sum(v => (v - MeanOf(x)).Magnitude * (v - MeanOf(x)).Magnitude) / (x.Count() - correction);

    static Complex NormOf(IEnumerable<Complex> x, double p) => Math.Pow(x.Sum(v => Math.Pow(v.Magnitude, p)), 1 / p);

    static double[] InOrder(IEnumerable<Complex> x) => [.. x.Select(v => v.Real).Order()];

    static Complex QuantileOf(IEnumerable<Complex> x, double q)
    {
        var (sorted, place) = (InOrder(x), q * (x.Count() - 1));
        var below = (int)place;
        return sorted[below] + (place - below) * (sorted[Math.Min(below + 1, sorted.Length - 1)] - sorted[below]);
    }

    // Some zeros, one in a line and two in a line.
    static Nd WithZeros(int operand, Nd x) => Nd.Of(x.Shape, i => i[^1] == i[0] || (i[0] == 1 && i[^1] == 3) ? 0 : x[i]);

    static Nd WithNaN(int operand, Nd x) => Nd.Of(x.Shape, i => (i.Sum() & 3) == 1 ? double.NaN : x[i]);

    static IEnumerable<Complex> Numbers(IEnumerable<Complex> x) => x.Where(v => !double.IsNaN(v.Real));

    static IEnumerable<OpRow> Statistics() =>
    [
        Reduction("VarMean", (x, d) => x.VarMean(d).Variance, x => VarianceOf(x, 1), [1], [3, 70], [2, 3, 4]) with { IsComplex = true, Single = 2e-6 },
        Reduction("VarMean", (x, d) => x.VarMean(d).Mean, MeanOf, [0, 2], [3, 2, 4]) with { IsComplex = true },
        Reduction("Var", (x, d) => x.Var(d, correction: 0), x => VarianceOf(x, 0), [0], [9, 3], [1, 4]) with { IsComplex = true, Single = 2e-6 },
        Reduction("Std", (x, d) => x.Std(d), x => Math.Sqrt(VarianceOf(x, 1).Real), [1], [3, 70], [2, 3, 4]) with { IsComplex = true },
        Reduction("Norm", (x, d) => x.Norm(0, d), x => x.Count(v => v != 0), [1], [3, 7]) with { IsPosition = true, IsComplex = true },
        Reduction("Norm", (x, d) => x.Norm(1, d), x => x.Sum(v => v.Magnitude), [1], [3, 70], [2, 3, 4]) with { IsComplex = true },
        Reduction("Norm", (x, d) => x.Norm(3, d), x => NormOf(x, 3), [1], [3, 70], [2, 3, 4]) with { IsComplex = true, Single = 3e-6 },
        Reduction("Norm", (x, d) => x.Norm(0.5, d), x => NormOf(x, 0.5), [1], [3, 4]) with { Low = 0.2, Single = 3e-6 },
        Reduction("Norm", (x, d) => x.Norm(Infinity, d), x => x.Max(v => v.Magnitude), [1], [3, 70]) with { IsComplex = true },
        Reduction("Norm", (x, d) => x.Norm(-Infinity, d), x => x.Min(v => v.Magnitude), [1], [3, 7]) with { IsComplex = true },
        Reduction("Prod", (x, d) => x.Prod(d), x => x.Aggregate(Complex.One, (a, b) => a * b), [1], [3, 5], [2, 4]) with { IsComplex = true, Prepare = WithZeros },
        Reduction("Prod", (x, d) => x.Prod(d), x => x.Aggregate(Complex.One, (a, b) => a * b), [0, 2], [3, 2, 3]) with { IsComplex = true, Prepare = WithZeros, Single = 5e-6, Double = 2e-14 },
        Reduction("NanSum", (x, d) => x.NanSum(d), x => SumOf(Numbers(x)), [1], [3, 7]) with { Prepare = WithNaN },
        Reduction("NanSum", (x, d) => x.NanSum(d), SumOf, [1], [3, 7]) with { IsReal = false, IsComplex = true },
        Reduction("NanMean", (x, d) => x.NanMean(d), x => MeanOf(Numbers(x)), [1], [3, 7]) with { Prepare = WithNaN },
        Reduction("NanMean", (x, d) => x.NanMean(d), MeanOf, [1], [3, 7]) with { IsReal = false, IsComplex = true },
        Reduction("CountNonzero", (x, d) => x.CountNonzero(d), x => x.Count(v => v != 0), [1], [3, 7], [4, 0]) with { IsComplex = true, IsInteger = true, IsBool = true, Prepare = WithZeros },
        Reduction("Max", (x, d) => x.Max(d![0]).Values, x => x.Max(v => v.Real), [1], [3, 70], [2, 3, 4]) with { IsInteger = true, High = 900 },
        Reduction("Min", (x, d) => x.Min(d![0]).Values, x => x.Min(v => v.Real), [0], [9, 3]) with { IsInteger = true, High = 900 },
        Reduction("Max", (x, d) => x.Max(d![0]).Indices.To(x.DType), x => x.ToList().IndexOf(x.MaxBy(v => v.Real)), [1], [3, 70]) with { IsPosition = true, IsInteger = true },
        Reduction("Min", (x, d) => x.Min(d![0]).Indices.To(x.DType), x => x.ToList().IndexOf(x.MinBy(v => v.Real)), [1], [3, 70]) with { IsPosition = true, IsInteger = true },
        Reduction("ArgMax", (x, d) => x.ArgMax(d![0]), x => x.ToList().IndexOf(x.MaxBy(v => v.Real)), [0], [70, 3]) with { IsReal = false, IsInteger = true },
        Reduction("ArgMin", (x, d) => x.ArgMin(d![0]), x => x.ToList().IndexOf(x.MinBy(v => v.Real)), [1], [3, 70], [2, 1, 3]) with { IsInteger = true },
        Reduction("Median", (x, d) => x.Median(d![0]), x => InOrder(x)[(x.Count() - 1) / 2], [1], [3, 7], [2, 6, 3], [1, 1]),
        Reduction("Quantile", (x, d) => x.Quantile(0.3, d![0]), x => QuantileOf(x, 0.3), [1], [3, 7], [2, 6, 3], [1, 1]),
        Reduction("Quantile", (x, d) => x.Quantile(1, d![0]), x => QuantileOf(x, 1), [0], [6, 2]),
    ];

    // A line at a time, along dimension 1 of [3, n] or [2, n, 2].
    static OpRow Lines(string name, Func<Tensor, Tensor> call, Func<Complex[], Complex[]> formula, params Shape[] shapes)
        => new(name, x => call(x[0]), x => Along(x[0], formula), [.. shapes.Select(shape => new[] { shape })]);

    static Nd Along(Nd x, Func<Complex[], Complex[]> formula)
    {
        var n = x.Shape[1];
        var length = formula([.. Enumerable.Range(0, n).Select(_ => Complex.One)]).Length;
        return Nd.Of(x.Shape.With(1, length), i => formula([.. Enumerable.Range(0, n).Select(k => x[[i[0], k, .. i[2..]]])])[i[1]]);
    }

    static Complex[] Prefixes(Complex[] line, Func<IEnumerable<Complex>, Complex> formula) => [.. line.Select((_, i) => formula(line[..(i + 1)]))];

    static int LastOf(IEnumerable<Complex> line, Func<IEnumerable<Complex>, double> extreme)
        => line.Select(v => v.Real).ToList().LastIndexOf(extreme(line));

    static double Largest(IEnumerable<Complex> line) => line.Max(v => v.Real);

    static double Smallest(IEnumerable<Complex> line) => line.Min(v => v.Real);

    static IEnumerable<OpRow> Scans() =>
    [
        Lines("CumSum", x => x.CumSum(1), x => Prefixes(x, SumOf), [3, 7], [2, 5, 2], [2, 0], [1, 1]) with { IsComplex = true, IsInteger = true, IsBool = true, Single = 2e-6 },
        Lines("CumSum", x => x.CumSum(1), x => Prefixes(x, SumOf), [1, 300]) with { IsInteger = true, Single = 3e-6, Double = 1e-13 },
        Lines("CumProd", x => x.CumProd(1), x => Prefixes(x, v => v.Aggregate(Complex.One, (a, b) => a * b)), [3, 6], [2, 4, 2], [2, 0]) with { IsComplex = true, IsInteger = true, IsBool = true, Single = 5e-6, Double = 2e-14 },
        Lines("CumProd", x => x.CumProd(1), x => Prefixes(x, v => v.Aggregate(Complex.One, (a, b) => a * b)), [3, 6]) with { IsComplex = true, Prepare = WithZeros },
        Lines("CumMax", x => x.CumMax(1).Values, x => Prefixes(x, v => Largest(v)), [3, 7], [2, 5, 2], [2, 300]) with { IsInteger = true, High = 90 },
        Lines("CumMin", x => x.CumMin(1).Values, x => Prefixes(x, v => Smallest(v)), [3, 7], [2, 5, 2], [2, 300]) with { IsInteger = true, High = 90 },
        Lines("CumMax", x => x.CumMax(1).Indices.To(x.DType), x => Prefixes(x, v => LastOf(v, Largest)), [3, 7], [2, 300]) with { IsPosition = true, IsInteger = true },
        Lines("CumMin", x => x.CumMin(1).Indices.To(x.DType), x => Prefixes(x, v => LastOf(v, Smallest)), [3, 7], [2, 300]) with { IsPosition = true, IsInteger = true },
        Lines("LogCumSumExp", x => x.LogCumSumExp(1), x => Prefixes(x, v => Math.Log(v.Sum(w => Math.Exp(w.Real)))), [3, 7], [2, 5, 2], [1, 300]),
        Lines("Diff", x => x.Diff(1, 1), x => [.. x.Skip(1).Zip(x, (b, a) => b - a)], [3, 7], [2, 5, 2], [2, 1]) with { IsComplex = true, IsInteger = true },
        Lines("Diff", x => x.Diff(2, 1), x => [.. x.Skip(2).Zip(x.Skip(1), (c, b) => c - 2 * b).Zip(x, (d, a) => d + a)], [3, 7]) with { IsComplex = true, IsInteger = true, IsComposed = true },
        Lines("Diff", x => x.Diff(1, 1), x => [.. x.Skip(1).Zip(x, (b, a) => a == b ? Complex.Zero : 1)], [3, 7]) with { IsReal = false, IsBool = true },
    ];

    static Complex[] Sorted(Complex[] line, bool descending = false)
        => [.. descending ? line.OrderByDescending(v => v.Real) : line.OrderBy(v => v.Real)];

    // LINQ's OrderBy is stable.
    static Complex[] Places(Complex[] line, bool descending)
        => [.. (descending ? Enumerable.Range(0, line.Length).OrderByDescending(i => line[i].Real) : Enumerable.Range(0, line.Length).OrderBy(i => line[i].Real)).Select(i => (Complex)i)];

    static IEnumerable<OpRow> Sorting() =>
    [
        Lines("Sort", x => x.Sort(1).Values, x => Sorted(x), [3, 7], [2, 5, 2], [2, 0], [1, 1], [2, 70]) with { IsInteger = true, IsBool = true, High = 40 },
        Lines("Sort", x => x.Sort(1, descending: true).Values, x => Sorted(x, true), [3, 7], [2, 9, 2]) with { IsInteger = true, IsBool = true },
        Lines("Sort", x => x.Sort(1).Indices.To(DType.Int64), x => Places(x, false), [3, 7], [2, 33]) with { IsPosition = true, IsInteger = true, IsBool = true },
        Lines("ArgSort", x => x.ArgSort(1, descending: true), x => Places(x, true), [3, 7], [2, 33], [2, 5, 2]) with { IsInteger = true, IsBool = true },
        Lines("TopK", x => x.TopK(3, 1).Values, x => Sorted(x, true)[..3], [3, 7], [2, 5, 2]) with { IsInteger = true, IsBool = true },
        Lines("TopK", x => x.TopK(2, 1, largest: false).Indices, x => Places(x, false)[..2], [3, 7]) with { IsPosition = true, IsInteger = true, IsBool = true },
        Reduction("KthValue", (x, d) => x.KthValue(3, d![0]).Values, x => InOrder(x)[2], [1], [3, 7], [2, 5, 2]) with { IsInteger = true, IsBool = true },
        Reduction("KthValue", (x, d) => x.KthValue(1, d![0]).Indices, x => x.ToList().IndexOf(x.MinBy(v => v.Real)), [0], [6, 2]) with { IsPosition = true, IsInteger = true, IsBool = true },
        new("Unique", x => x[0].Unique().Values, x => Nd.Of([x[0].Data.Distinct().Count()], i => x[0].Data.Distinct().OrderBy(v => v.Real).ElementAt(i[0])), [[[4, 5]], [[1]], [[0]], [[40]]]) { IsInteger = true, IsBool = true, Prepare = Halves },
        new("Unique", x => x[0].Unique().Inverse, x => Nd.Map(v => x[0].Data.Distinct().Count(w => w.Real < v[0].Real), x[0]), [[[4, 5]], [[1]]]) { IsInteger = true, IsBool = true, Prepare = Halves },
        new("Unique", x => x[0].Unique().Counts, x => Nd.Of([x[0].Data.Distinct().Count()], i => x[0].Data.GroupBy(v => v.Real).OrderBy(g => g.Key).ElementAt(i[0]).Count()), [[[4, 5]], [[1]]]) { IsInteger = true, IsBool = true, Prepare = Halves },
        new("SearchSorted", x => x[0].Sort().Values.SearchSorted(x[1]), x => Nd.Of(x[1].Shape, i => Enumerable.Range(0, x[0].Shape[1]).Count(k => x[0][i[0], k].Real < x[1][i].Real)), [[[3, 7], [3, 4]], [[1, 40], [1, 5]]]) { IsInteger = true, IsBool = true },
        new("SearchSorted", x => x[0].Sort().Values.SearchSorted(x[1], right: true), x => Nd.Map(v => x[0].Data.Count(w => w.Real <= v[0].Real), x[1]), [[[9], [3, 4]], [[5], []]]) { IsInteger = true, IsBool = true },
        new("Bucketize", x => x[1].Bucketize(x[0].Sort().Values), x => Nd.Map(v => x[0].Data.Count(w => w.Real < v[0].Real), x[1]), [[[9], [3, 4]], [[0], [3]]]) { IsInteger = true, IsBool = true },
        new("BinCount", x => x[0].BinCount(12), x => Nd.Of([12], i => x[0].Data.Count(v => v == i[0])), [[[40]], [[0]], [[1]]]) { IsReal = false, IsInteger = true, Low = 0, High = 9 },
        new("Histc", x => x[0].Histc(4, -1, 1.5), x => Nd.Of([4], i => x[0].Data.Count(v => v.Real >= -1 + i[0] * 0.625 && (v.Real < -1 + (i[0] + 1) * 0.625 || (i[0] == 3 && v.Real == 1.5)))), [[[40]], [[3, 5]]]) { Prepare = Halves },
    ];
}
