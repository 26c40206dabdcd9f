using System.Numerics;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Ops;

public static partial class OpTable
{
    // Position number k of a fixed sequence that names some places several times, half of them counted from the end.
    static int Spot(int k, int extent) => Wrapped(3 * k * k + k + 1, extent);

    static Tensor Spots(Tensor like, Shape shape, int extent)
        => Tensor.From([.. Enumerable.Range(0, (int)shape.ElementCount).Select(k => (long)Spot(k, extent) - (k % 2 == 0 ? 0 : extent))], shape, like.Device);

    static int Flat(int[] index, Shape shape) => index.Zip(shape).Aggregate(0, (flat, pair) => flat * pair.Second + pair.First);

    // The same position number for indices into an index tensor of this shape.
    static int Spot(int[] index, Shape shape, int extent) => Spot(Flat(index, shape), extent);

    static IEnumerable<OpRow> Gathering() =>
    [
        View("Gather", x => x.Gather(1, Spots(x, [3, 4], 5)), x => Nd.Of([3, 4], i => x[i[0], Spot(i, [3, 4], 5)]), [3, 5]),
        View("Gather", x => x.Gather(0, Spots(x, [6, 2], 3)), x => Nd.Of([6, 2], i => x[Spot(i, [6, 2], 3), i[1]]), [3, 5]),
        View("Gather", x => x.Gather(1, Spots(x, [2, 3, 1], 5).Expand(2, 3, 2)), x => Nd.Of([2, 3, 2], i => x[i[0], Spot(i[..2], [2, 3], 5), i[2]]), [2, 5, 2]),
        View("Gather", x => x.Gather(0, Spots(x, [4, 1], 3).To(DType.Int32).Expand(4, 2)), x => Nd.Of([4, 2], i => x[Spot(i[0], 3), i[1]]), [3, 2]),
        View("Gather", x => x.Gather(1, Spots(x, [3, 0], 5)), x => Nd.Of([3, 0], _ => 0), [3, 5]),
        View("TakeAlongDim", x => x.TakeAlongDim(Spots(x, [1, 4], 5), 1), x => Nd.Of([3, 4], i => x[i[0], Spot(i[1], 5)]), [3, 5]),
        View("TakeAlongDim", x => x.TakeAlongDim(Spots(x, [3, 4], 5), 1), x => Nd.Of([3, 4], i => x[0, Spot(i, [3, 4], 5)]), [1, 5]),
        View("Take", x => x.Take(Spots(x, [2, 3], 20)), x => Nd.Of([2, 3], i => x.Data[Spot(i, [2, 3], 20)]), [4, 5]),
        View("IndexSelect", x => x.IndexSelect(1, Spots(x, [7], 5)), x => Nd.Of([3, 7, 2], i => x[i[0], Spot(i[1], 5), i[2]]), [3, 5, 2]),
        View("IndexSelect", x => x.IndexSelect(0, Spots(x, [4], 3)), x => Nd.Of([4], i => x[Spot(i[0], 3)]), [3]),
        View("OneHot", x => x.OneHot(5), x => Nd.Of(x.Shape.Concat([5]), i => x[i[..^1]] == i[^1] ? 1 : 0), [6], [2, 3])
            with { IsReal = false, IsComplex = false, IsBool = false, High = 4 },
        View("NonZero", x => x.NonZero(), x => Places(x), [3, 4], [7], [0, 3], []) with { Low = -1, High = 1, Prepare = (_, x) => Nd.Map(v => v[0].Magnitude < 0.5 ? 0 : v[0], x) },
        View("MaskedSelect", x => x.MaskedSelect(Mask(x, [3, 4])), x => Listed(Enumerable.Range(0, 12).Where(IsMasked).Select(k => x[k / 4, k % 4])), [3, 4], [3, 1], [4]),
        Moved("MaskedFill", x => x[0].MaskedFill(Mask(x[0], [4]), x[1]), x => Nd.Of(x[0].Shape, i => IsMasked(i[1]) ? x[1][[]] : x[0][i]), [[3, 4], []]),
        View("MaskedFill", x => x.MaskedFill(Mask(x, [3, 4]), 1), x => Nd.Of(x.Shape, i => IsMasked(Flat(i, [3, 4])) ? 1 : x[i]), [3, 4]),
        Moved("MaskedScatter", x => x[0].MaskedScatter(Mask(x[0], [3, 4]), x[1]), x => Nd.Of(x[0].Shape, i =>
            IsMasked(Flat(i, [3, 4])) ? x[1].Data[Enumerable.Range(0, Flat(i, [3, 4])).Count(IsMasked)] : x[0][i]), [[3, 4], [2, 4]]),
        Moved("Where", x => Tensor.Where(Mask(x[0], [37]), x[0], x[1]), x => Nd.Of(Shape.Broadcast(x[0].Shape, x[1].Shape, "Where"), i => IsMasked(i[^1]) ? x[0][i] : x[1][i]), [[37], [37]], [[37], []], [[2, 37], [37]], [[2, 1], [37]]),
        Moved("Where", x => Tensor.Where(Mask(x[0], [3, 1]), x[0], x[1]), x => Nd.Of([3, 4], i => IsMasked(i[0]) ? x[0][i] : x[1][i]), [[3, 4], [4]], [[3, 1], [1, 4]]),
    ];

    static bool IsMasked(int k) => k % 3 != 1;

    static Tensor Mask(Tensor like, Shape shape) => Tensor.From([.. Enumerable.Range(0, (int)shape.ElementCount).Select(IsMasked)], shape, like.Device);

    static Nd Listed(IEnumerable<Complex> elements) => elements.ToArray() is var list ? new([list.Length], list) : throw new InvalidOperationException();

    static Nd Places(Nd x)
    {
        var found = new List<int[]>();
        Nd.Of(x.Shape, i =>
        {
            if (x[i] != 0)
                found.Add([.. i]);
            return 0;
        });
        return Nd.Of([found.Count, x.Shape.Rank], i => found[i[0]][i[1]]);
    }

    // x with source[j] joined, in order of j, at the place along a dimension that each j names.
    static Nd Scattered(Nd x, Nd source, int axis, Func<int[], int> place, Func<Complex, Complex, Complex> join)
    {
        var y = new Nd(x.Shape, [.. x.Data]);
        Nd.Of(source.Shape, i =>
        {
            var at = (int[])[.. i];
            at[axis] = place(i);
            var k = Flat(at, x.Shape);
            y.Data[k] = join(y.Data[k], source[i]);
            return 0;
        });
        return y;
    }

    static OpRow Reduced(ScatterReduction reduction, bool includeSelf, Func<Complex, Complex, Complex> join, double neutral)
        => new("ScatterReduce", x => x[0].ScatterReduce(0, Spots(x[0], x[1].Shape, 4), x[1], reduction, includeSelf), x =>
        {
            var begin = includeSelf ? x[0] : Scattered(x[0], x[1], 0, i => Spot(i, x[1].Shape, 4), (_, _) => neutral);
            var total = Scattered(begin, x[1], 0, i => Spot(i, x[1].Shape, 4), join);
            var ones = Nd.Map(_ => 1, x[0]);
            var hits = Scattered(includeSelf ? ones : Scattered(ones, x[1], 0, i => Spot(i, x[1].Shape, 4), (_, _) => 0), x[1], 0, i => Spot(i, x[1].Shape, 4), (a, _) => a + 1);
            return reduction == ScatterReduction.Mean ? Nd.Map(v => v[0] / v[1], total, hits) : total;
        }, [[[4, 3], [6, 3]]]) { IsInteger = reduction != ScatterReduction.Mean, Low = 0.3 };

    static Complex Larger(Complex a, Complex b) => a.Real > b.Real ? a : b;

    static Complex Smaller(Complex a, Complex b) => a.Real < b.Real ? a : b;

    static OpRow Summed(OpRow row) => row with { IsBool = false };

    static IEnumerable<OpRow> Scattering() =>
    [
        Moved("Scatter", x => x[0].Scatter(1, Spots(x[0], x[1].Shape, 5), x[1]), x => Scattered(x[0], x[1], 1, i => Spot(i, x[1].Shape, 5), (_, b) => b), [[3, 5], [3, 4]], [[3, 5], [2, 8]], [[3, 5], [3, 0]]),
        View("Scatter", x => x.Scatter(0, Spots(x, [2, 4], 3), 1), x => Scattered(x, Nd.Of([2, 4], _ => 1), 0, i => Spot(i, [2, 4], 3), (_, b) => b), [3, 5]),
        Summed(Moved("ScatterAdd", x => x[0].ScatterAdd(0, Spots(x[0], x[1].Shape, 4), x[1]), x => Scattered(x[0], x[1], 0, i => Spot(i, x[1].Shape, 4), (a, b) => a + b), [[4, 3], [9, 3]], [[4, 3, 2], [1, 3, 2]], [[4, 3], [6, 2]])),
        Reduced(ScatterReduction.Sum, true, (a, b) => a + b, 0),
        Reduced(ScatterReduction.Sum, false, (a, b) => a + b, 0),
        Reduced(ScatterReduction.Mean, true, (a, b) => a + b, 0),
        Reduced(ScatterReduction.Mean, false, (a, b) => a + b, 0),
        Reduced(ScatterReduction.Product, true, (a, b) => a * b, 1),
        Reduced(ScatterReduction.Product, false, (a, b) => a * b, 1),
        Reduced(ScatterReduction.Max, true, Larger, -1e9),
        Reduced(ScatterReduction.Max, false, Larger, -1e9),
        Reduced(ScatterReduction.Min, true, Smaller, 1e9),
        Reduced(ScatterReduction.Min, false, Smaller, 1e9),
        Summed(Moved("IndexAdd", x => x[0].IndexAdd(1, Spots(x[0], [x[1].Shape[1]], 4), x[1]), x => Scattered(x[0], x[1], 1, i => Spot(i[1], 4), (a, b) => a + b), [[2, 4, 3], [2, 7, 3]], [[2, 4, 70], [2, 3, 70]], [[1, 4, 300], [1, 2, 300]])),
        Moved("IndexCopy", x => x[0].IndexCopy(0, Spots(x[0], [x[1].Shape[0]], 4), x[1]), x => Scattered(x[0], x[1], 0, i => Spot(i[0], 4), (_, b) => b), [[4, 3], [6, 3]]),
        View("IndexFill", x => x.IndexFill(1, Spots(x, [2], 4), 1), x => Scattered(x, Nd.Of([3, 2], _ => 1), 1, i => Spot(i[1], 4), (_, b) => b), [3, 4]),
        Summed(View("SegmentSum", x => x.SegmentSum(Spots(x, [6], 3), 4), x => Segmented(x, SumOf), [6, 2])),
        new("SegmentMean", x => x[0].SegmentMean(Spots(x[0], [6], 3), 4), x => Segmented(x[0], part => SumOf(part) / part.Count()), [[[6, 2]]]),
        new("SegmentMax", x => x[0].SegmentMax(Spots(x[0], [6], 3), 4), x => Segmented(x[0], part => part.Max(v => v.Real)), [[[6, 2]], [[6]]]) { IsInteger = true },
        new("SegmentMin", x => x[0].SegmentMin(Spots(x[0], [6], 3), 4), x => Segmented(x[0], part => part.Min(v => v.Real)), [[[6, 2]]]) { IsInteger = true },
    ];

    // Spots counts half of its positions from the end, here of four segments.
    static int Segment(int k) => k % 2 == 0 ? Spot(k, 3) : Spot(k, 3) + 1;

    static Nd Segmented(Nd x, Func<IEnumerable<Complex>, Complex> join)
        => Nd.Of(x.Shape.With(0, 4), i => Enumerable.Range(0, 6).Where(k => Segment(k) == i[0]).Select(k => x[[k, .. i[1..]]]).ToArray() is { Length: > 0 } part ? join(part) : 0);
}
