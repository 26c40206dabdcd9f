using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Autograd.Contractions;
using Ortho.Tensors;

namespace Ortho.Tests.Ops;

/// <summary>Subscripts that are refused, and the order of contractions.</summary>
[TestFixture]
public class EinsumTests
{
    [TestCase("ij,jk", "1 terms", 1)]
    [TestCase("ij->jk->i", "one arrow", 1)]
    [TestCase("i->i", "2 dimensions in 'i'", 1)]
    [TestCase("ijk->i", "2 dimensions in 'ijk'", 1)]
    [TestCase("i1->i", "letters", 1)]
    [TestCase("i..j->i", "letters", 1)]
    [TestCase("...i...->i", "one ellipsis", 1)]
    [TestCase("...ijk->i", "2 dimensions in '...ijk'", 1)]
    [TestCase("ij->ik", "'k' does not", 1)]
    [TestCase("ij->ii", "each letter once", 1)]
    [TestCase("ij,ij->i", "label 'i'", 2)]
    [TestCase("ii->i", "label 'i'", 1)]
    [TestCase("", "0 terms", 0)]
    public void Malformed_subscripts_are_refused(string subscripts, string hint, int operands)
    {
        Tensor[] tensors = [.. ((Tensor[])[Tensor.Ones([2, 3]), Tensor.Ones([3, 2])]).Take(operands)];
        var refusal = Assert.Throws<TensorArgumentException>(() => Tensor.Einsum(subscripts, tensors));
        Assert.That(refusal!.Message, Does.StartWith("Einsum: ").And.Contain("expected").And.Contain(hint));
    }

    static (int[][] Terms, int[] Output) Read(string subscripts)
    {
        var sides = subscripts.Split("->");
        return ([.. sides[0].Split(',').Select(term => term.Select(letter => (int)letter).ToArray())], [.. sides[1].Select(letter => (int)letter)]);
    }

    static Dictionary<int, int> Extents(string extents) => extents.Split(' ').ToDictionary(pair => (int)pair[0], pair => int.Parse(pair[1..], null));

    // Multiplications of a path, counted anew: every contraction multiplies once for each index of the labels of both terms.
    static double Count(List<HashSet<int>> terms, int[] output, Dictionary<int, int> extents, IEnumerable<(int, int)> path)
    {
        var total = 0.0;
        foreach (var (i, j) in path)
        {
            var union = terms[i].Union(terms[j]).ToHashSet();
            total += union.Aggregate(1.0, (product, label) => product * extents[label]);
            terms = [.. terms.Where((_, k) => k != i && k != j)];
            terms.Add([.. union.Where(label => output.Contains(label) || terms.Any(term => term.Contains(label)))]);
        }
        return total;
    }

    // The fewest multiplications of any order, by trying all.
    static double Fewest(List<HashSet<int>> terms, int[] output, Dictionary<int, int> extents)
    {
        if (terms.Count == 1)
            return 0;
        var best = double.PositiveInfinity;
        for (var i = 0; i < terms.Count; i++)
        {
            for (var j = i + 1; j < terms.Count; j++)
            {
                var (p, q) = (i, j);
                List<HashSet<int>> rest = [.. terms.Where((_, k) => k != p && k != q)];
                var union = terms[i].Union(terms[j]).ToHashSet();
                rest.Add([.. union.Where(label => output.Contains(label) || rest.Any(term => term.Contains(label)))]);
                best = Math.Min(best, union.Aggregate(1.0, (product, label) => product * extents[label]) + Fewest(rest, output, extents));
            }
        }
        return best;
    }

    [TestCase("ij,jk,kl->il", "i100 j2 k100 l2", 800)]
    [TestCase("ij,jk,kl->il", "i2 j100 k2 l100", 800)]
    [TestCase("ij,jk,kl,lm->im", "i10 j50 k3 l60 m4", 0)]
    [TestCase("ab,bc,ca->", "a5 b6 c7", 0)]
    [TestCase("a,b,c,d->abcd", "a2 b3 c4 d5", 0)]
    [TestCase("aij,bjk,ckl->abcil", "a2 b3 c4 i5 j6 k7 l8", 0)]
    public void Up_to_four_operands_are_contracted_in_the_best_order(string subscripts, string sizes, double expected)
    {
        var ((terms, output), extents) = (Read(subscripts), Extents(sizes));
        List<HashSet<int>> sets = [.. terms.Select(term => term.ToHashSet())];
        var path = ContractionPath.Find(terms, output, extents);
        var count = Count(sets, output, extents, path);
        Assert.That(count, Is.EqualTo(Fewest(sets, output, extents)));
        Assert.That(ContractionPath.Cost(terms, output, extents, path), Is.EqualTo(count));
        if (expected > 0)
            Assert.That(count, Is.EqualTo(expected));
    }

    [Test]
    public void More_operands_are_contracted_far_better_than_from_left_to_right()
    {
        // A chain whose right end is small: from the left every step is a full matrix product.
        var ((terms, output), extents) = (Read("ab,bc,cd,de,ef,f->a"), Extents("a50 b50 c50 d50 e50 f50"));
        List<HashSet<int>> sets = [.. terms.Select(term => term.ToHashSet())];
        var path = ContractionPath.Find(terms, output, extents);
        Assert.That(Count(sets, output, extents, path), Is.EqualTo(5 * 50 * 50), "a chain of matrix-vector products");
        Assert.That(Count(sets, output, extents, path), Is.EqualTo(Fewest(sets, output, extents)));
    }

    [Test]
    public void An_operand_may_be_named_by_capitals_and_its_dtype_is_promoted()
    {
        var y = Tensor.Einsum("Ba", Tensor.From(new float[,] { { 1, 2 }, { 3, 4 } }));
        Assert.That(y.ToArray<float>(), Is.EqualTo(new float[] { 1, 2, 3, 4 }), "capitals come first");
        Assert.That(Tensor.Einsum("i,i", Tensor.Ones([3], DType.Float64), Tensor.Ones([3])).DType, Is.EqualTo(DType.Float64));
        Assert.That(Tensor.Einsum("i,i", Tensor.Full([3], 2, DType.Int32), Tensor.Ones([3])).Item(), Is.EqualTo(6));
        Assert.That(Tensor.Einsum("i,i->i", Tensor.Full([3], 2, DType.Int32), Tensor.Full([3], 1L << 40, DType.Int64)).ToArray<long>(), Is.All.EqualTo(1L << 41));
    }
}
