namespace Ortho.Autograd.Contractions;

/// <summary>In which order several tensors are contracted, two at a time.</summary>
/// <remarks>Contracting two terms costs the product of the extents of all their labels: that many multiplications. Up to
/// <see cref="Exhaustive"/> terms every order is tried; beyond, the cheapest pair is contracted first, again and again.</remarks>
static class ContractionPath
{
    /// <summary>Most terms for which the best order is found.</summary>
    public const int Exhaustive = 4;

    /// <summary>The pairs to contract: each takes two terms off the list, and their contraction is added at its end.</summary>
    /// <param name="terms">Labels of each term, none twice.</param>
    /// <param name="output">Labels of the result.</param>
    /// <param name="extents">Extent of each label.</param>
    public static IReadOnlyList<(int First, int Second)> Find(
        IReadOnlyList<int[]> terms, int[] output, IReadOnlyDictionary<int, int> extents)
        => terms.Count <= Exhaustive ? Best(terms, output, extents).Path : Greedy(terms, output, extents);

    /// <summary>The labels left when two terms are contracted: those that the output or another term still needs.</summary>
    public static int[] Contracted(IReadOnlyList<int[]> terms, int first, int second, int[] output)
    {
        var needed = terms.Where((_, k) => k != first && k != second).SelectMany(labels => labels).Concat(output).ToHashSet();
        return [.. terms[first].Union(terms[second]).Where(needed.Contains)];
    }

    /// <summary>Multiplications that contracting two terms takes.</summary>
    public static double Cost(int[] first, int[] second, IReadOnlyDictionary<int, int> extents)
        => first.Union(second).Aggregate(1.0, (product, label) => product * extents[label]);

    /// <summary>Multiplications that a path takes.</summary>
    public static double Cost(
        IReadOnlyList<int[]> terms, int[] output, IReadOnlyDictionary<int, int> extents, IEnumerable<(int First, int Second)> path)
    {
        double cost = 0;
        foreach (var (first, second) in path)
        {
            cost += Cost(terms[first], terms[second], extents);
            terms = Step(terms, first, second, output);
        }
        return cost;
    }

    static IReadOnlyList<int[]> Step(IReadOnlyList<int[]> terms, int first, int second, int[] output)
        => [.. terms.Where((_, k) => k != first && k != second), Contracted(terms, first, second, output)];

    static IEnumerable<(int First, int Second)> Pairs(int count)
        => from first in Enumerable.Range(0, count) from second in Enumerable.Range(first + 1, count - first - 1) select (first, second);

    static ((int, int)[] Path, double Cost) Best(IReadOnlyList<int[]> terms, int[] output, IReadOnlyDictionary<int, int> extents)
    {
        if (terms.Count < 2)
            return ([], 0);
        return Pairs(terms.Count).Select(pair =>
        {
            var rest = Best(Step(terms, pair.First, pair.Second, output), output, extents);
            return (Path: ((int, int)[])[pair, .. rest.Path], Cost: Cost(terms[pair.First], terms[pair.Second], extents) + rest.Cost);
        }).MinBy(found => found.Cost);
    }

    static List<(int, int)> Greedy(IReadOnlyList<int[]> terms, int[] output, IReadOnlyDictionary<int, int> extents)
    {
        var path = new List<(int, int)>();
        while (terms.Count > 1)
        {
            var (first, second) = Pairs(terms.Count).MinBy(pair => Cost(terms[pair.First], terms[pair.Second], extents));
            path.Add((first, second));
            terms = Step(terms, first, second, output);
        }
        return path;
    }
}
