namespace Ortho.Layers.Analysis;

/// <summary>Ranks for groups that share a budget.</summary>
public static class RankSearch
{
    /// <summary>From full ranks down: the group whose reduction by a step costs least is reduced, until the budget is met. After the
    /// description in Lin et al. 2025, section 3.4, whose own loop is not published.</summary>
    /// <param name="divergence">What the ranks of all groups cost, smaller being better; called once for each group that can be reduced in
    /// each round.</param>
    /// <param name="groups">How many groups there are.</param>
    /// <param name="full">The full rank.</param>
    /// <param name="budget">The share of the full ranks that may be kept.</param>
    /// <param name="step">By how much a rank is reduced at once.</param>
    /// <param name="minimum">The smallest rank of a group.</param>
    /// <param name="perRound">How many groups are reduced after each round of evaluations; more than 1 saves evaluations.</param>
    /// <returns>A rank for each group; together at most the budget, and less than a step below it unless the step does not divide
    /// it.</returns>
    /// <exception cref="ArgumentException">The budget cannot be met with steps of this size above the minimum.</exception>
    public static int[] Greedy(Func<IReadOnlyList<int>, double> divergence, int groups, int full, double budget, int step, int minimum,
        int perRound = 1)
    {
        ArgumentNullException.ThrowIfNull(divergence);
        ArgumentOutOfRangeException.ThrowIfLessThan(groups, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(minimum, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(full, minimum);
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(perRound, 1);
        var ranks = new int[groups];
        Array.Fill(ranks, full);
        // The product may be a rounding error below a whole number.
        var limit = budget * groups * full + 1e-6;
        var least = full - (full - minimum) / step * step;
        if (!(least * groups <= limit))
            throw new ArgumentException($"RankSearch.Greedy: a budget of {budget} of rank {full}; "
                + $"expected at least {(double)least / full}, rank {least} for each group.", nameof(budget));
        while (ranks.Sum() > limit)
        {
            var cheapest = Enumerable.Range(0, groups)
                .Where(group => ranks[group] - step >= minimum)
                .Select(group => (Group: group, Cost: divergence([.. ranks.Select((rank, k) => k == group ? rank - step : rank)])))
                .OrderBy(candidate => candidate.Cost)
                .Take(perRound);
            foreach (var (group, _) in cheapest.ToList())
            {
                if (ranks.Sum() > limit)
                    ranks[group] -= step;
            }
        }
        return ranks;
    }
}
