using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>Coordinates of tokens in heads of different ranks: heads of equal rank lie in one tensor and are worked on together.</summary>
sealed class CoordinateCache
{
    readonly List<Group> groups = [];
    readonly Tensor? order;
    readonly int features, total;
    readonly DType dtype;
    int batch;

    // Heads: which ones, Int64 [n]; Basis [n, features, rank]; Mean [n, 1, features]; Buffer [batch, n, capacity, rank].
    sealed class Group(int rank, Tensor heads, Tensor basis, Tensor mean)
    {
        public int Rank => rank;

        public Tensor Heads => heads;

        public Tensor Basis => basis;

        public Tensor Mean => mean;

        public Tensor? Buffer { get; set; }
    }

    public CoordinateCache(HeadBasis basis, IReadOnlyList<int> ranks, string name)
    {
        ArgumentNullException.ThrowIfNull(ranks, name);
        (Heads, features, total, dtype) = (basis.Heads, basis.Features, ranks.Sum(), basis.Free.Value.DType);
        if (ranks.Count != Heads || ranks.Any(rank => rank < 1 || rank > features))
            throw new ArgumentException($"ProjectedKvCache: ranks {string.Join(", ", ranks)}; "
                + $"expected {Heads} numbers from 1 to {features}.", name);
        using var pause = Graph.NoGrad();
        var (u, m) = (basis.Basis, basis.Mean.Value.Unsqueeze(1));
        List<long> places = [];
        foreach (var equal in ranks.Index().GroupBy(rank => rank.Item, rank => (long)rank.Index))
        {
            var which = Kept(Tensor.From([.. equal], [equal.Count()], u.Device));
            groups.Add(new(equal.Key, which, Kept(u.IndexSelect(0, which).Narrow(2, 0, equal.Key).Clone()), Kept(m.IndexSelect(0, which))));
            places.AddRange(equal);
        }
        // places[k] is the head that comes k-th, group by group; its inverse puts heads back in order.
        if (groups.Count > 1)
            order = Kept(Tensor.From([.. places.Index().OrderBy(place => place.Item).Select(place => (long)place.Index)], [Heads],
                u.Device));
    }

    public int Heads { get; }

    public int Length { get; private set; }

    public long Bytes => (long)total * batch * Length * dtype.Size;

    public void Check(string name, Tensor x)
    {
        if (x.Shape[1] != Heads || x.Shape[3] != features || x.DType != dtype || (Length > 0 && x.Shape[0] != batch))
            throw new TensorArgumentException("ProjectedKvCache.Append", name, $"{x.DType} {x.Shape}",
                $"{dtype} [{(Length > 0 ? batch : "batch")}, {Heads}, tokens, {features}]");
    }

    public void Append(Tensor x)
    {
        batch = x.Shape[0];
        var tokens = x.Shape[2];
        foreach (var group in groups)
        {
            var coordinates = (Of(group, x) - group.Mean).MatMul(group.Basis);
            if (group.Buffer is not { } buffer || buffer.Shape[2] < Length + tokens)
            {
                // Doubled, so that a token costs a constant number of copies.
                var grown = Kept(Tensor.Zeros([batch, group.Heads.Shape[0], Math.Max(2 * Length, Length + tokens), group.Rank], dtype,
                    x.Device));
                if (group.Buffer is { } old)
                    grown.Narrow(2, 0, Length).CopyFrom(old.Narrow(2, 0, Length));
                group.Buffer = buffer = grown;
            }
            buffer.Narrow(2, Length, tokens).CopyFrom(coordinates);
        }
        Length += tokens;
    }

    /// <summary>Products of rows [batch, heads, rows, features] with the vectors of the tokens, less their mean: [batch, heads, rows,
    /// tokens].</summary>
    public Tensor Products(Tensor rows)
        => Together(group => Of(group, rows).MatMul(group.Basis).MatMul(Held(group).T));

    /// <summary>Sums of the vectors of the tokens by weights [batch, heads, rows, tokens]: [batch, heads, rows, features].</summary>
    public Tensor Sums(Tensor weights)
        => Together(group => Of(group, weights).MatMul(Held(group)).MatMul(group.Basis.T) + group.Mean);

    Tensor Held(Group group) => group.Buffer!.Narrow(2, 0, Length);

    Tensor Of(Group group, Tensor x) => order is null ? x : x.IndexSelect(1, group.Heads);

    Tensor Together(Func<Group, Tensor> result)
        => order is null ? result(groups[0]) : Tensor.Concat([.. groups.Select(result)], 1).IndexSelect(1, order);

    static Tensor Kept(Tensor tensor) => TensorScope.Release(tensor);
}
