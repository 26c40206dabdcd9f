using System.Numerics;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tests.Support;

namespace Ortho.Tests.Ops;

public static partial class OpTable
{
    // An Einstein sum by a loop over all labels; every dimension has its letter, and every letter its extent.
    static OpRow Einsum(string subscripts, string full, params Shape[] shapes)
        => new("Einsum", x => Tensor.Einsum(subscripts, x), x => EinsteinSum(full, x), [shapes]) { IsComplex = true, IsInteger = true, Single = 3e-6, Double = 2e-14 };

    static Nd EinsteinSum(string subscripts, Nd[] x)
    {
        var (terms, output) = (subscripts.Split("->")[0].Split(','), subscripts.Split("->")[1]);
        var extents = terms.Zip(x).SelectMany(pair => pair.First.Zip(pair.Second.Shape)).GroupBy(pair => pair.First).ToDictionary(group => group.Key, group => group.Max(pair => pair.Second));
        char[] summed = [.. extents.Keys.Except(output)];
        return Nd.Of([.. output.Select(label => extents[label])], outer => SumOf(Nd.Of([.. summed.Select(label => extents[label])], inner =>
        {
            var at = output.Zip(outer).Concat(summed.Zip(inner)).ToDictionary(pair => pair.First, pair => pair.Second);
            return terms.Zip(x).Aggregate(Complex.One, (product, pair) => product * pair.Second[[.. pair.First.Select(label => at[label])]]);
        }).Data));
    }

    static OpRow Contracted(string name, Func<Tensor, Tensor, Tensor> call, string subscripts, params Shape[][] shapes)
        => new(name, x => call(x[0], x[1]), x => EinsteinSum(subscripts, x), shapes) { IsComplex = true, IsInteger = true, Single = 3e-6, Double = 2e-14 };

    static readonly int[] next = [1, 2, 0], afterNext = [2, 0, 1];

    static IEnumerable<OpRow> Contractions() =>
    [
        Einsum("ij,jk->ik", "ij,jk->ik", [3, 4], [4, 2]),
        Einsum("ij,jk", "ij,jk->ik", [3, 4], [4, 2]),
        Einsum("b i j, b j k -> b k i", "bij,bjk->bki", [2, 3, 4], [2, 4, 5]),
        Einsum("i,j", "i,j->ij", [3], [4]),
        Einsum("ij,ij->", "ij,ij->", [3, 4], [3, 4]),
        Einsum("ij->ji", "ij->ji", [3, 4]),
        Einsum("ba", "ba->ab", [3, 4]),
        Einsum("ii", "ii->", [4, 4]),
        Einsum("ii->i", "ii->i", [4, 4]),
        Einsum("iij,jkk->ik", "iij,jkk->ik", [3, 3, 2], [2, 4, 4]),
        Einsum("iii->i", "iii->i", [3, 3, 3]),
        Einsum("ij,i->", "ij,i->", [3, 4], [3]),
        Einsum("bi,bj->bij", "bi,bj->bij", [2, 3], [2, 4]),
        Einsum("...ij,...jk->...ik", "abij,bjk->abik", [2, 3, 2, 4], [3, 4, 2]),
        Einsum("...ij,j...", "abij,jb->abi", [2, 3, 2, 4], [4, 3]),
        Einsum("i...->...", "iab->ab", [3, 2, 4]),
        Einsum("...i->i", "abi->i", [2, 3, 4]),
        Einsum("ij,jk,kl->il", "ij,jk,kl->il", [2, 5], [5, 3], [3, 4]),
        Einsum("bhqd,bhkd->bhqk", "bhqd,bhkd->bhqk", [2, 2, 3, 4], [2, 2, 5, 4]),
        Einsum("ab,bc,cd,de,ea->", "ab,bc,cd,de,ea->", [2, 3], [3, 2], [2, 4], [4, 3], [3, 2]),
        Einsum("ij,jk->ik", "ij,jk->ik", [3, 1], [4, 2]),
        Einsum("ij,kj->ik", "ij,kj->ik", [3, 0], [2, 0]),
        Einsum(",i->i", ",i->i", [], [3]),
        Contracted("TensorDot", (a, b) => a.TensorDot(b), "aij,ijb->ab", [[2, 3, 4], [3, 4, 5]]),
        Contracted("TensorDot", (a, b) => a.TensorDot(b, [0, -1], [2, 0]), "iaj,jbi->ab", [[2, 3, 4], [4, 5, 2]]),
        Contracted("TensorDot", (a, b) => a.TensorDot(b, 0), "ab,c->abc", [[2, 3], [4]]),
        Contracted("Inner", (a, b) => a.Inner(b), "abi,ci->abc", [[2, 3, 4], [5, 4]]),
        Contracted("Inner", (a, b) => a.Inner(b), "i,i->", [[4], [4]]),
        new("VDot", x => x[0].VDot(x[1]), x => new([], [SumOf(x[0].Data.Zip(x[1].Data, (a, b) => Complex.Conjugate(a) * b))]), [[[3, 4], [12]], [[1], []]]) { IsComplex = true, IsInteger = true, Single = 3e-6, Double = 2e-14 },
        Moved("Outer", x => x[0].Outer(x[1]), x => Nd.Of([x[0].Data.Length, x[1].Data.Length], i => x[0].Data[i[0]] * x[1].Data[i[1]]), [[3], [4]], [[2, 2], [3]], [[0], [2]]),
        Moved("Kron", x => x[0].Kron(x[1]), x => Nd.Of([6, 12], i => x[0][i[0] / 3, i[1] / 4] * x[1][i[0] % 3, i[1] % 4]), [[2, 3], [3, 4]]),
        Moved("Kron", x => x[0].Kron(x[1]), x => Nd.Of([2, 6], i => x[0][i[1] / 2] * x[1][i[0], i[1] % 2]), [[3], [2, 2]]),
        new("Cross", x => x[0].Cross(x[1]), x => Nd.Map(v => v[0], Nd.Of([2, 3], i =>
            x[0][i[0], next[i[1]]] * x[1][i[0], afterNext[i[1]]] - x[0][i[0], afterNext[i[1]]] * x[1][i[0], next[i[1]]])), [[[2, 3], [2, 3]], [[2, 3], [1, 3]]]) { IsComplex = true, IsInteger = true },
        new("Cross", x => x[0].Cross(x[1], 0), x => Nd.Of([3, 2], i =>
            x[0][next[i[0]], i[1]] * x[1][afterNext[i[0]], i[1]] - x[0][afterNext[i[0]], i[1]] * x[1][next[i[0]], i[1]]), [[[3, 2], [3, 2]]]) { IsComplex = true, IsInteger = true },
    ];
}
