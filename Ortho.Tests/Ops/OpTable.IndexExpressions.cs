using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;
using At = Ortho.Autograd.TensorIndex;

namespace Ortho.Tests.Ops;

public static partial class OpTable
{
    static OpRow Indexed(Func<Tensor, At[]> index, Func<Nd, Nd> reference, params Shape[] shapes)
        => View("Index", x => x.Index(index(x)), reference, shapes);

    // x with the elements that an index reaches replaced: found by indexing the positions of all elements.
    static OpRow Written(Func<Tensor, At[]> index, bool accumulate, Shape shape, Shape value)
    {
        var positions = Tensor.From([.. Enumerable.Range(0, (int)shape.ElementCount).Select(k => (long)k)], shape);
        var row = Moved("IndexPut", x => x[0].IndexPut(index(x[0]), x[1], accumulate), x =>
        {
            var reached = positions.Index(index(positions));
            var (y, places) = (new Nd(x[0].Shape, [.. x[0].Data]), new Nd(reached.Shape, [.. reached.ToArray<long>().Select(k => new System.Numerics.Complex(k, 0))]));
            Nd.Of(places.Shape, i =>
            {
                var k = (int)places[i].Real;
                y.Data[k] = accumulate ? y.Data[k] + x[1][i] : x[1][i];
                return 0;
            });
            return y;
        }, [shape, value]);
        return accumulate ? row with { IsBool = false } : row;
    }

    static IEnumerable<OpRow> IndexExpressions() =>
    [
        // Views.
        Indexed(_ => [1, 1..3, At.Ellipsis, ^1], x => Nd.Of([2, x.Shape[2]], i => x[1, i[0] + 1, i[1], x.Shape[3] - 1]), [2, 4, 3, 2]),
        Indexed(_ => [At.Ellipsis, At.NewAxis, -2], x => Nd.Of([x.Shape[0], 1], i => x[i[0], x.Shape[1] - 2]), [2, 3]),
        Indexed(_ => [At.Slice(-1, null, -2), At.Slice(1, 99)], x => Nd.Of([2, x.Shape[1] - 1], i => x[3 - 2 * i[0], i[1] + 1]), [4, 3]),
        Indexed(_ => [At.Slice(9, 2), At.All], x => Nd.Of([0, 3], _ => 0), [4, 3]),
        Indexed(_ => [At.Slice(step: -1), At.Slice(1, 0, -1)], x => Nd.Of([4, 1], i => x[3 - i[0], 1]), [4, 3]),
        Indexed(_ => [], x => x, [2, 3]),
        // Positions: one, several together, several apart, with numbers among them.
        Indexed(x => [At.All, Spots(x, [2, 4], 5)], x => Nd.Of([3, 2, 4, 2], i => x[i[0], Spot(i[1..3], [2, 4], 5), i[3]]), [3, 5, 2]),
        Indexed(x => [Spots(x, [4, 1], 3), Spots(x, [2], 5)], x => Nd.Of([4, 2, 2], i => x[Spot(i[0], 3), Spot(i[1], 5), i[2]]), [3, 5, 2]),
        Indexed(x => [At.NewAxis, At.All, Spots(x, [4], 5), Spots(x, [4], 2)], x => Nd.Of([1, 3, 4], i => x[i[1], Spot(i[2], 5), Spot(i[2], 2)]), [3, 5, 2]),
        Indexed(x => [Spots(x, [4], 3), At.All, Spots(x, [4], 2)], x => Nd.Of([4, 5], i => x[Spot(i[0], 3), i[1], Spot(i[0], 2)]), [3, 5, 2]),
        Indexed(x => [0, At.All, Spots(x, [4], 2)], x => Nd.Of([4, 5], i => x[0, i[1], Spot(i[0], 2)]), [3, 5, 2]),
        Indexed(x => [At.All, 1, Spots(x, [4], 2)], x => Nd.Of([3, 4], i => x[i[0], 1, Spot(i[1], 2)]), [3, 5, 2]),
        Indexed(x => [1..3, new[] { 0, -1, 0 }], x => Nd.Of([2, 3, 2], i => x[i[0] + 1, i[1] == 1 ? 4 : 0, i[2]]), [3, 5, 2]),
        Indexed(x => [Spots(x, [], 3)], x => Nd.Of([5], i => x[Spot(0, 3), i[0]]), [3, 5]),
        // Masks.
        Indexed(x => [Mask(x, [3, 4])], x => Nd.Of([8, 2], i => Enumerable.Range(0, 12).Where(IsMasked).ElementAt(i[0]) is var k ? x[k / 4, k % 4, i[1]] : 0), [3, 4, 2]),
        Indexed(x => [At.All, new[] { true, false, true, true }], x => Nd.Of([3, 3], i => x[i[0], i[1] == 0 ? 0 : i[1] + 1]), [3, 4]),
        Indexed(x => [Mask(x, [4]), At.All, Spots(x, [3], 2)], x => Nd.Of([3, 2], i => x[Enumerable.Range(0, 4).Where(IsMasked).ElementAt(i[0]), i[1], Spot(i[0], 2)]), [4, 2, 2]),
        // Writing.
        Written(_ => [1..3, -1], false, [4, 3], [2]),
        Written(_ => [At.Slice(step: -2), At.NewAxis], true, [4, 3], [2, 1, 3]),
        Written(x => [At.All, Spots(x, [4], 5)], false, [2, 5, 3], [2, 4, 3]),
        Written(x => [At.All, Spots(x, [4], 5)], true, [2, 5, 3], [4, 1]),
        Written(x => [Spots(x, [4], 3), At.All, Spots(x, [4], 2)], true, [3, 5, 2], [4, 5]),
        Written(x => [1, At.All, Spots(x, [3], 2)], false, [3, 5, 2], [3, 5]),
        Written(x => [Mask(x, [3, 4])], false, [3, 4], []),
        View("IndexPut", x => x.IndexPut([Mask(x, [3, 4])], 1), x => Nd.Of(x.Shape, i => IsMasked(Flat(i, [3, 4])) ? 1 : x[i]), [3, 4]),
    ];
}
