using System.Globalization;
using Ortho.Autograd;
using Ortho.Tensors;
using Ortho.Tensors.IO;

namespace Ortho.Layers.Merging;

/// <summary>What happened when a model was added.</summary>
/// <param name="Scale">By what the sum of changes was divided, lambda.</param>
/// <param name="Norm">Norm of the model's change over all tensors.</param>
/// <param name="Projections">For each tensor that was projected, how many leading directions were kept free of it, and the cosine of its
/// change with what had been merged before.</param>
public sealed record MergeStep(double Scale, double Norm, IReadOnlyDictionary<string, (int Rank, double Cosine)> Projections);

/// <summary>Orthogonal projection-based continual merging: of a new model's change of a linear weight only that part is added which is
/// orthogonal to what has been merged and lies outside its leading directions; then the whole is scaled to the mean norm of the models'
/// changes. Tang et al. 2025 (OPCM).</summary>
/// <remarks>With D the merged change and T a model's: raw = lambda D + P(T), lambda' = |raw| / mean norm, D' = raw / lambda', norms over
/// all tensors together. Biases, convolutions and everything else that is no linear weight is added unprojected. In our miniature of six
/// tasks the gain of the projection over the scaling alone depends on the network: 0.1 in accuracy for features behind a ReLU, nothing for
/// features of both signs; averaging is worse in both.</remarks>
public sealed class OrthogonalProjectionMerger : ContinualMerger
{
    // Below this share of the largest singular value, singular vectors are arbitrary.
    const double Vanishing = 1e-7;

    readonly double alpha;
    readonly bool referenceCompatible;
    readonly Func<string, Tensor, bool> isLinearWeight;
    readonly List<MergeStep> trace = [];
    double scale = 1, meanNorm;

    /// <summary>A merger that has seen no model.</summary>
    /// <param name="baseModel">The state from which all models were fine-tuned. Copied.</param>
    /// <param name="alpha">The share of the singular values' sum whose directions are kept free of later changes, above 0 and at most 1;
    /// see <see cref="ProjectOut"/>.</param>
    /// <param name="isLinearWeight">Which tensors are projected: <see cref="LinearWeights"/> of the module, or every matrix when null (also
    /// tables of embeddings).</param>
    /// <param name="referenceCompatible">See <see cref="ProjectOut"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">Alpha is not above 0 and at most 1.</exception>
    /// <exception cref="TensorArgumentException">A tensor has a number that is not finite, or is complex.</exception>
    public OrthogonalProjectionMerger(IReadOnlyDictionary<string, Tensor> baseModel, double alpha = 0.5,
        Func<string, Tensor, bool>? isLinearWeight = null, bool referenceCompatible = false) : base(baseModel)
        => (this.alpha, this.isLinearWeight, this.referenceCompatible) = (Checked(alpha), isLinearWeight ?? IsMatrix, referenceCompatible);

    OrthogonalProjectionMerger(SafetensorsFile file, Func<string, Tensor, bool>? isLinearWeight)
        : base(Part(file, "base."), Part(file, "merged."), int.Parse(Text(file, "count"), CultureInfo.InvariantCulture))
    {
        (alpha, scale, meanNorm) = (Checked(Number(file, "alpha")), Number(file, "scale"), Number(file, "mean_norm"));
        (referenceCompatible, this.isLinearWeight) = (Text(file, "reference_compatible") == "true", isLinearWeight ?? IsMatrix);
    }

    /// <summary>What happened at each <see cref="ContinualMerger.Add"/> since this merger was made or loaded.</summary>
    public IReadOnlyList<MergeStep> Trace => trace;

    /// <summary>Which tensors of a module's state are weights of linear layers, by the roles of its parameters: matrices and heads, no
    /// tables.</summary>
    public static Func<string, Tensor, bool> LinearWeights(Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        var names = module.NamedParameters().Where(named => named.Parameter.Role is ParameterRole.Matrix or ParameterRole.Head
            && named.Parameter.Value.Rank == 2)
            .Select(named => named.Name).ToHashSet();
        return (name, _) => names.Contains(name);
    }

    /// <summary>P(T) = T - U ((U^T T V) * mask) V^T for the thin SVD U S V^T of what is merged: mask is 1 on the diagonal and in the
    /// leading block of the r largest singular values that together are at most the share alpha of all. P is an orthogonal projector, and
    /// P(T) is orthogonal to what is merged for every alpha.</summary>
    /// <param name="merged">The change that is merged, [m, n].</param>
    /// <param name="incoming">T [m, n].</param>
    /// <param name="alpha">The share; at 1 the block has all directions.</param>
    /// <param name="referenceCompatible">At alpha = 1, an empty block as in the authors' code, whose strict comparison then holds
    /// nowhere.</param>
    /// <returns>P(T), of T's dtype; computed in float64. Directions in which nothing is merged (singular values below 1e-7 of the largest)
    /// are left alone: their vectors are arbitrary.</returns>
    /// <exception cref="TensorArgumentException">Not two matrices of one shape.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Alpha is not above 0 and at most 1.</exception>
    public static Tensor ProjectOut(Tensor merged, Tensor incoming, double alpha, bool referenceCompatible = false)
    {
        ArgumentNullException.ThrowIfNull(merged);
        ArgumentNullException.ThrowIfNull(incoming);
        if (merged.Rank != 2 || incoming.Shape != merged.Shape)
            throw new TensorArgumentException("ProjectOut", nameof(incoming), $"{incoming.Shape} beside merged {merged.Shape}",
                "two matrices of one shape");
        using var pause = Graph.NoGrad();
        return Projected(merged.To(DType.Float64), incoming.To(DType.Float64), Checked(alpha),
            referenceCompatible).Projected.To(incoming.DType);
    }

    static (Tensor Projected, int Rank) Projected(Tensor merged, Tensor incoming, double alpha, bool referenceCompatible)
    {
        if (merged.ElementCount == 0)
            return (incoming, 0);
        var (u, s, v) = merged.Svd();
        var values = s.ToArray<double>();
        var significant = values.Count(value => value > Vanishing * values[0]);
        if (significant == 0)
            return (incoming, 0);
        var (sum, total, rank) = (0.0, values.Sum(), 0);
        while (rank < values.Length && sum + values[rank] <= alpha * total)
            sum += values[rank++];
        rank = alpha >= 1 ? (referenceCompatible ? 0 : significant) : Math.Min(rank, significant);
        var mask = new double[values.Length * values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            for (var j = 0; j < values.Length; j++)
                mask[i * values.Length + j] = (i == j && i < significant) || (i < rank && j < rank) ? 1 : 0;
        }
        var interaction = u.T.MatMul(incoming).MatMul(v) * Tensor.From(mask, [values.Length, values.Length], merged.Device);
        return (incoming - u.MatMul(interaction).MatMul(v.T), rank);
    }

    /// <inheritdoc/>
    protected override IEnumerable<KeyValuePair<string, Tensor>> Merge(IReadOnlyDictionary<string, Tensor> model, int count)
    {
        var (sums, projections) = (new List<(string Name, Tensor Raw)>(), new Dictionary<string, (int, double)>());
        var (norm, size) = (0.0, 0.0);
        foreach (var name in Names)
        {
            using var scope = new TensorScope();
            var (start, change) = (Base[name].To(DType.Float64), Own(model, name).To(DType.Float64) - Base[name].To(DType.Float64));
            norm += change.Square().Sum().Item();
            if (count == 1)
                continue;
            var before = Merged[name].To(DType.Float64) - start;
            if (start.Rank == 2 && isLinearWeight(name, Base[name]))
            {
                var cosine = (before * change).Sum().Item() / Math.Max(before.Norm().Item() * change.Norm().Item(), double.Epsilon);
                (change, var rank) = Projected(before, change, alpha, referenceCompatible);
                projections[name] = (rank, cosine);
            }
            var raw = before * scale + change;
            size += raw.Square().Sum().Item();
            sums.Add((name, scope.Keep(raw)));
        }
        norm = Math.Sqrt(norm);
        meanNorm += (norm - meanNorm) / count;
        // When no model has changed anything there is nothing to scale.
        scale = count == 1 || size == 0 ? 1 : Math.Sqrt(size) / meanNorm;
        trace.Add(new(scale, norm, projections));
        return count == 1
            ? Names.Select(name => KeyValuePair.Create(name, Own(model, name).Clone()))
            : sums.Select(sum => KeyValuePair.Create(sum.Name, Base[sum.Name].To(DType.Float64) + sum.Raw / scale));
    }

    /// <summary>Writes all that further merging needs to a safetensors file, atomically.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path)
        => Safetensors.Save(path,
            Base.Select(entry => KeyValuePair.Create($"base.{entry.Key}", entry.Value)).Concat(Merged.Select(
                entry => KeyValuePair.Create($"merged.{entry.Key}", entry.Value))),
            new Dictionary<string, string>
            {
                ["alpha"] = Text(alpha), ["scale"] = Text(scale), ["mean_norm"] = Text(meanNorm), ["count"] = $"{Count}",
                ["reference_compatible"] = referenceCompatible ? "true" : "false",
            });

    /// <summary>A merger as it was saved; <see cref="Trace"/> begins anew.</summary>
    /// <param name="path">The file.</param>
    /// <param name="isLinearWeight">As it was given to the merger that was saved.</param>
    /// <exception cref="InvalidDataException">The file is damaged, or is not a merger's.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static OrthogonalProjectionMerger Load(string path, Func<string, Tensor, bool>? isLinearWeight = null)
    {
        using var file = Safetensors.Open(path);
        return new(file, isLinearWeight);
    }

    static bool IsMatrix(string name, Tensor tensor) => tensor.Rank == 2;

    static double Checked(double alpha) => alpha is > 0 and <= 1
        ? alpha
        : throw new ArgumentOutOfRangeException(nameof(alpha), alpha,
            "OrthogonalProjectionMerger: expected a share above 0 and at most 1.");

    static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    static string Text(SafetensorsFile file, string key) => file.Metadata.TryGetValue(key, out var text)
        ? text
        : throw new InvalidDataException($"OrthogonalProjectionMerger.Load: the file has no '{key}' among its metadata; "
            + "expected one written by Save.");

    static double Number(SafetensorsFile file, string key) => double.Parse(Text(file, key), CultureInfo.InvariantCulture);

    static Dictionary<string, Tensor> Part(SafetensorsFile file, string prefix)
        => file.Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(name => name[prefix.Length..],
            name => file[name]);
}
