using System.Numerics;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Ops;

public static partial class OpTable
{
    static readonly Shape[][] one = [[[1]]];

    // Word i of the blocks of a seed from the first on.
    static uint Word(ulong seed, int i)
    {
        var block = Philox.Block(seed, (ulong)(i / 4));
        return (i % 4) switch { 0 => block.X, 1 => block.Y, 2 => block.Z, _ => block.W };
    }

    static OpRow Like(string name, Func<Tensor, Tensor> call, double value)
        => new(name, x => call(x[0]), x => Nd.Of(x[0].Shape, _ => value), [[[3, 5]], [[]], [[0, 2]]]) { IsComplex = true, IsInteger = true, IsBool = true };

    static long High(long range, int i) => (long)Math.BigMul(Word(5, 2 * i) | ((ulong)Word(5, 2 * i + 1) << 32), (ulong)range, out _);

    static IEnumerable<OpRow> Grids() =>
    [
        new("Arange", x => Tensor.Arange(2.5, -1, -0.75, x[0].DType, x[0].Device), _ => Nd.Of([5], i => 2.5 - 0.75 * i[0]), one),
        new("Arange", x => Tensor.Arange(1, 1, 3, x[0].DType, x[0].Device), _ => Nd.Of([0], _ => 0), one),
        new("Linspace", x => Tensor.Linspace(-1, 2, 8, x[0].DType, x[0].Device), _ => Nd.Of([8], i => -1 + 3 * i[0] / 7.0), one),
        new("Linspace", x => Tensor.Linspace(-1, 2, 1, x[0].DType, x[0].Device), _ => Nd.Of([1], _ => -1), one),
        new("Linspace", x => Tensor.Linspace(-1, 2, 0, x[0].DType, x[0].Device), _ => Nd.Of([0], _ => 0), one),
        new("Logspace", x => Tensor.Logspace(-2, 3, 11, 10, x[0].DType, x[0].Device), _ => Nd.Of([11], i => Math.Pow(10, -2 + i[0] / 2.0)), one),
        Like("ZerosLike", x => x.ZerosLike(), 0),
        Like("OnesLike", x => x.OnesLike(), 1),
        Like("FullLike", x => x.FullLike(1), 1),
        new("EmptyLike", x => Copied(x[0], x[0].EmptyLike()), x => x[0], [[[3, 5]], [[]], [[0, 2]]]) { IsComplex = true, IsInteger = true, IsBool = true },
    ];

    static Tensor Copied(Tensor source, Tensor destination)
    {
        using (Graph.NoGrad())
            destination.CopyFrom(source);
        return destination;
    }

    static IEnumerable<OpRow> Chance() =>
    [
        // Within the interval; the distribution is tested in RandomSamplesTests.
        new("TruncatedNormal", x => Tensor.TruncatedNormal([70], new Generator(1), 1, 2, 0, 2, x[0].DType, x[0].Device) is var t ? t - t.Clamp(0, 2) : t, _ => Nd.Of([70], _ => 0), one),
        new("Bernoulli", x => Tensor.Bernoulli([3, 7], new(5), 0.3, x[0].DType, x[0].Device), _ => Nd.Of([3, 7], i => Philox.ToSingle(Word(5, 7 * i[0] + i[1])) < 0.3f ? 1 : 0), one)
            { IsComplex = true, IsInteger = true, IsBool = true },
        new("Bernoulli", x => x[0].Sign().Relu().Bernoulli(new(5)), x => Nd.Map(v => v[0].Real > 0 ? 1 : 0, x), [[[37]], [[]], [[0]]]),
        new("RandInt", x => Tensor.RandInt([3, 5], -7, 20, new(5), x[0].DType, x[0].Device), _ => Nd.Of([3, 5], i => -7 + High(27, 5 * i[0] + i[1])), one) { IsReal = false, IsInteger = true },
        new("Permutation", x => Tensor.Permutation(9, new(5), x[0].DType, x[0].Device), _ => Shuffled(9), one) { IsReal = false, IsInteger = true },
        new("Multinomial", x => x[0].Sign().Relu().Multinomial(4, new(5)).To(x[0].DType), x => Nd.Of([2, 4], i => OnlyClass(x[0], i[0])), [[[2, 3]]]) { Prepare = (_, x) => OneClass(x) },
    ];

    static Nd Shuffled(int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        new PhiloxStream(Word(5, 0) | ((ulong)Word(5, 1) << 32)).Shuffle<int>(order);
        return new([count], [.. order.Select(k => (Complex)k)]);
    }

    // A single positive weight in each row: it is always drawn.
    static Nd OneClass(Nd x) => Nd.Of(x.Shape, i => i[1] == (i[0] + 1) % 3 ? 1 : -1);

    static Complex OnlyClass(Nd x, int row) => Enumerable.Range(0, 3).Single(k => x[row, k].Real > 0);
}
