using System.Numerics;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Ops;

public static partial class OpTable
{
    static OpRow Moved(string name, Func<Tensor[], Tensor> call, Func<Nd[], Nd> reference, params Shape[][] shapes)
        => new(name, call, reference, shapes) { IsComplex = true, IsInteger = true, IsBool = true };

    static int Wrapped(int index, int extent) => ((index % extent) + extent) % extent;

    // Pieces side by side, in another order than they were cut.
    static Tensor Backwards(Tensor[] pieces, int dimension) => Tensor.Concat([.. pieces.Reverse()], dimension);

    static IEnumerable<OpRow> Views() =>
    [
        View("Slice", x => x.Slice(1, -2, 0, -2), x => Nd.Of([x.Shape[0], (x.Shape[1] - 1) / 2], i => x[i[0], x.Shape[1] - 2 - 2 * i[1]]), [3, 8], [2, 5]),
        View("Slice", x => x.Slice(0, step: -1), x => Nd.Of(x.Shape, i => x[x.Shape[0] - 1 - i[0], i[1]]), [3, 4], [1, 2], [0, 2]),
        View("Slice", x => x.Slice(1, 2, 2).Slice(0, 1, null, -1), x => Nd.Of([2, 0], _ => 0), [3, 4]),
        View("Flip", x => x.Flip(0, -1), x => Nd.Of(x.Shape, i => x[x.Shape[0] - 1 - i[0], i[1], x.Shape[2] - 1 - i[2]]), [2, 3, 4], [1, 1, 5], [2, 0, 3]),
        View("Flip", x => x.Flip(), x => Nd.Of(x.Shape, i => x[i.Select((k, d) => x.Shape[d] - 1 - k).ToArray()]), [33, 40], [7], []),
        View("Roll", x => x.Roll(2, 1), x => Nd.Of(x.Shape, i => x[i[0], Wrapped(i[1] - 2, x.Shape[1])]), [2, 5], [3, 1], [2, 0]),
        View("Roll", x => x.Roll([-1, 7], [0, 1]), x => Nd.Of(x.Shape, i => x[Wrapped(i[0] + 1, x.Shape[0]), Wrapped(i[1] - 7, x.Shape[1])]), [3, 5]),
        View("Roll", x => x.Roll(-1), x => new(x.Shape, [.. x.Data[1..], x.Data[0]]), [2, 3]),
        View("Rot90", x => x.Rot90(), x => Nd.Of([x.Shape[1], x.Shape[0]], i => x[i[1], x.Shape[1] - 1 - i[0]]), [2, 3]),
        View("Rot90", x => x.Rot90(-1), x => Nd.Of([x.Shape[1], x.Shape[0]], i => x[x.Shape[0] - 1 - i[1], i[0]]), [2, 3]),
        View("Rot90", x => x.Rot90(2, 1, 2), x => Nd.Of(x.Shape, i => x[i[0], x.Shape[1] - 1 - i[1], x.Shape[2] - 1 - i[2]]), [2, 3, 4]),
        View("Split", x => Backwards(x.Split([2, 0, 3], 1), 1), x => Nd.Of(x.Shape, i => x[i[0], (i[1] + 2) % 5]), [3, 5]),
        View("Split", x => Backwards(x.Split(2, 1), 1), x => Nd.Of(x.Shape, i => x[i[0], i[1] == 0 ? 4 : i[1] < 3 ? i[1] + 1 : i[1] - 3]), [3, 5]),
        View("Chunk", x => Backwards(x.Chunk(3), 0), x => Nd.Of(x.Shape, i => x[i[0] < 1 ? 6 : i[0] < 4 ? i[0] + 2 : i[0] - 4, i[1]]), [7, 2]),
        View("Unbind", x => Tensor.Stack([.. x.Unbind(-1).Reverse()], 0), x => Nd.Of([x.Shape[1], x.Shape[0]], i => x[i[1], x.Shape[1] - 1 - i[0]]), [3, 4], [2, 1]),
        Moved("SliceScatter", x => x[0].SliceScatter(x[1], 1, 3, 0, -2), x => Nd.Of(x[0].Shape, i => i[1] is 3 or 1 ? x[1][i[0], (3 - i[1]) / 2] : x[0][i]), [[3, 4], [3, 2]], [[2, 5], [2, 1]], [[2, 4], []]),
        Moved("SelectScatter", x => x[0].SelectScatter(x[1], 0, -2), x => Nd.Of(x[0].Shape, i => i[0] == x[0].Shape[0] - 2 ? x[1][i[1]] : x[0][i]), [[3, 4], [4]], [[2, 3], [1]]),
        View("MoveAxis", x => x.MoveAxis(0, -1), x => Nd.Of([x.Shape[1], x.Shape[2], x.Shape[0]], i => x[i[2], i[0], i[1]]), [2, 3, 4]),
        View("MoveAxis", x => x.MoveAxis([2, 0], [0, 1]), x => Nd.Of([x.Shape[2], x.Shape[0], x.Shape[1]], i => x[i[1], i[2], i[0]]), [2, 3, 4]),
        View("SwapAxes", x => x.SwapAxes(0, 2), x => Nd.Of([x.Shape[2], x.Shape[1], x.Shape[0]], i => x[i[2], i[1], i[0]]), [2, 3, 4]),
        View("Squeeze", x => x.Squeeze(), x => new([3, 2], x.Data), [1, 3, 1, 2, 1], [3, 2]),
        View("Unflatten", x => x.Unflatten(1, 2, -1), x => new([x.Shape[0], 2, x.Shape[1] / 2, x.Shape[2]], x.Data), [3, 6, 2], [2, 2, 1]),
        Moved("ExpandAs", x => x[0].ExpandAs(x[1]), x => Nd.Of(x[1].Shape, i => x[0][i]), [[3, 1], [2, 3, 4]]) with { IsReal = true },
        View("BroadcastTo", x => x.BroadcastTo([4, 3, 5]), x => Nd.Of([4, 3, 5], i => x[i]), [3, 1], [1, 5], []),
        View("Unfold", x => x.Unfold(1, 3, 2), x => Nd.Of([x.Shape[0], (x.Shape[1] - 3) / 2 + 1, x.Shape[2], 3], i => x[i[0], 2 * i[1] + i[3], i[2]]), [2, 7, 2], [2, 3, 1]),
        View("Unfold", x => x.Unfold(0, 3), x => Nd.Of([x.Shape[0] - 2, 3], i => x[i[0] + i[1]]), [6]),
        View("AsStrided", x => x.Contiguous().AsStrided([2, 3, 2], [6, 1, 2], 1), x => Nd.Of([2, 3, 2], i => x.Data[1 + 6 * i[0] + i[1] + 2 * i[2]]), [3, 4], [20]),
        View("AsStrided", x => x.Contiguous().AsStrided([3, 2], [-2, 1], 8), x => Nd.Of([3, 2], i => x.Data[8 - 2 * i[0] + i[1]]), [12]),
        View("Diagonal", x => x.Diagonal(1), x => Nd.Of([x.Shape[0], Math.Min(x.Shape[1], x.Shape[2] - 1)], i => x[i[0], i[1], i[1] + 1]), [2, 3, 3], [2, 3, 5], [2, 5, 3]),
        View("Diagonal", x => x.Diagonal(-1, 2, 0), x => Nd.Of([x.Shape[1], Math.Min(x.Shape[2] - 1, x.Shape[0])], i => x[i[1], i[0], i[1] + 1]), [2, 3, 4]),
        View("Diagonal", x => x.Diagonal(5), x => Nd.Of([0], _ => 0), [3, 4]),
        Moved("DiagonalScatter", x => x[0].DiagonalScatter(x[1], 1), x => Nd.Of(x[0].Shape, i => i[1] == i[0] + 1 ? x[1][i[0]] : x[0][i]), [[3, 4], [3]], [[4, 3], []]),
        View("DiagEmbed", x => x.DiagEmbed(-1), x => Nd.Of([x.Shape[0], x.Shape[1] + 1, x.Shape[1] + 1], i => i[1] == i[2] + 1 ? x[i[0], i[2]] : 0), [2, 3], [1, 0]),
        View("DiagEmbed", x => x.DiagEmbed(0, 0, 2), x => Nd.Of([x.Shape[1], x.Shape[0], x.Shape[1]], i => i[0] == i[2] ? x[i[1], i[0]] : 0), [2, 3]),
        View("Diag", x => x.Diag(1), x => Nd.Of([x.Shape[0] + 1, x.Shape[0] + 1], i => i[1] == i[0] + 1 ? x[i[0]] : 0), [3], [1]),
        View("Diag", x => x.Diag(), x => Nd.Of([3], i => x[i[0], i[0]]), [3, 5]),
        View("Trace", x => x.Trace(), x => Nd.Of([x.Shape[0]], i => SumOf(Enumerable.Range(0, 3).Select(k => x[i[0], k, k]))), [2, 3, 3], [2, 3, 5]),
        View("Tril", x => x.Tril(), x => Nd.Of(x.Shape, i => i[^1] <= i[^2] ? x[i] : 0), [4, 3], [1, 1], [33, 40], [2, 0, 3]),
        View("Triu", x => x.Triu(-9), x => x, [3, 4]),
        View("Tril", x => x.Tril(-9), x => Nd.Of(x.Shape, _ => 0), [3, 4]),
    ];

    static OpRow Padded(PadMode mode, Func<int, int, int> source, params Shape[] shapes)
        => View("Pad", x => x.Pad([(2, 1)], mode), x => Nd.Of(x.Shape.With(-1, x.Shape[^1] + 3), i => x[[.. i[..^1], source(i[^1] - 2, x.Shape[^1])]]), shapes);

    static int Mirrored(int k, int n) => k < 0 ? -k : k >= n ? 2 * n - 2 - k : k;

    static IEnumerable<OpRow> Joining() =>
    [
        Moved("Concat", x => Tensor.Concat([x[0], x[1], x[0]], 1), x => Nd.Of([2, 2 * x[0].Shape[1] + x[1].Shape[1]], i =>
            i[1] < x[0].Shape[1] ? x[0][i] : i[1] < x[0].Shape[1] + x[1].Shape[1] ? x[1][i[0], i[1] - x[0].Shape[1]] : x[0][i[0], i[1] - x[0].Shape[1] - x[1].Shape[1]]),
            [[2, 3], [2, 2]], [[2, 3], [2, 0]]),
        Moved("Stack", x => Tensor.Stack([x[0], x[1]], 1), x => Nd.Of([x[0].Shape[0], 2, x[0].Shape[1]], i => x[i[1]][i[0], i[2]]), [[2, 3], [2, 3]]),
        Moved("HStack", x => Tensor.HStack([x[0], x[1]]), x => Nd.Of([5], i => i[0] < 3 ? x[0][i[0]] : x[1][i[0] - 3]), [[3], [2]]),
        Moved("HStack", x => Tensor.HStack([x[0], x[1]]), x => Nd.Of([2, 4], i => i[1] < 3 ? x[0][i] : x[1][i[0], i[1] - 3]), [[2, 3], [2, 1]]),
        Moved("VStack", x => Tensor.VStack([x[0], x[1]]), x => Nd.Of([x[0].Shape[0] + 1, 3], i => i[0] < x[0].Shape[0] ? x[0][i] : x[1][i[1]]), [[2, 3], [3]]),
        Moved("BlockDiag", x => Tensor.BlockDiag([x[0], x[1], x[2]]), x => Nd.Of([4, 7], i => i[0] < 2 ? (i[1] < 3 ? x[0][i] : 0)
            : i[0] == 2 ? (i[1] is >= 3 and < 6 ? x[1][i[1] - 3] : 0) : i[1] == 6 ? x[2][[]] : 0), [[2, 3], [3], []]),
        Moved("Meshgrid", x => Tensor.Meshgrid([x[0], x[1]]) is [var a, var b] ? Tensor.Stack([a, b], 0) : x[0], x => Nd.Of([2, 3, 4], i => x[i[0]][i[1 + i[0]]]), [[3], [4]]),
        Moved("Meshgrid", x => Tensor.Meshgrid([x[0], x[1]], matrixOrder: false)[1], x => Nd.Of([4, 3], i => x[1][i[0]]), [[3], [4]]),
        View("Tile", x => x.Tile(2, 1, 3), x => Nd.Of([2, x.Shape[0], x.Shape[1] * 3], i => x[i[1], i[2] % x.Shape[1]]), [2, 3], [1, 1]),
        View("Tile", x => x.Tile(2), x => Nd.Of([x.Shape[0], 2 * x.Shape[1]], i => x[i[0], i[1] % x.Shape[1]]), [2, 3]),
        View("Repeat", x => x.Repeat(2, 3), x => Nd.Of([2, x.Shape[0] * 3], i => x[i[1] % x.Shape[0]]), [3]),
        View("RepeatInterleave", x => x.RepeatInterleave(3, 1), x => Nd.Of([x.Shape[0], x.Shape[1] * 3, x.Shape[2]], i => x[i[0], i[1] / 3, i[2]]), [2, 3, 2]),
        View("RepeatInterleave", x => x.RepeatInterleave(Tensor.From<int>([2, 0, 1], [3], x.Device), 1), x => Nd.Of([x.Shape[0], 3], i => x[i[0], i[1] < 2 ? 0 : 2]), [2, 3]),
        View("Pad", x => x.Pad([(1, 2), (0, 3)], value: 1), x => Nd.Of([2, x.Shape[1] + 3, x.Shape[2] + 3], i => i[1] < 1 || i[1] > x.Shape[1] || i[2] >= x.Shape[2] ? 1 : x[i[0], i[1] - 1, i[2]]), [2, 3, 2], [2, 0, 1]),
        View("Pad", x => x.Pad([(2, 1)]), x => Nd.Of([x.Shape[0] + 3], i => i[0] < 2 || i[0] >= x.Shape[0] + 2 ? 0 : x[i[0] - 2]), [4], [0]),
        View("Pad", x => x.Pad([(-1, 2)]), x => Nd.Of([x.Shape[0] + 1], i => i[0] < x.Shape[0] - 1 ? x[i[0] + 1] : 0), [4]),
        Padded(PadMode.Reflect, Mirrored, [2, 4], [3]),
        Padded(PadMode.Symmetric, (k, n) => k < 0 ? -1 - k : k >= n ? 2 * n - 1 - k : k, [2, 4], [2]),
        Padded(PadMode.Replicate, (k, n) => Math.Clamp(k, 0, n - 1), [2, 4], [2, 1]),
        Padded(PadMode.Circular, Wrapped, [2, 4], [2]),
        View("Pad", x => x.Pad([(1, 1), (2, 0)], PadMode.Reflect), x => Nd.Of([x.Shape[0] + 2, x.Shape[1] + 2], i => x[Mirrored(i[0] - 1, x.Shape[0]), Mirrored(i[1] - 2, x.Shape[1])]), [3, 4]),
    ];
}
