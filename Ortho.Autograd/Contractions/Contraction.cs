using Ortho.Tensors;

namespace Ortho.Autograd.Contractions;

/// <summary>Sums of products of tensors over labelled dimensions, by batched matrix products. Differentiable, being composed.</summary>
static class Contraction
{
    readonly record struct Term(Tensor Tensor, int[] Labels);

    /// <summary>The sum over all labels that are not in the output of the product of all tensors.</summary>
    /// <param name="operation">Name for messages.</param>
    /// <param name="tensors">At least one; dtypes are promoted.</param>
    /// <param name="labels">A label for each dimension; dimensions of one label have one extent, or 1. A label twice in one tensor is its
    /// diagonal.</param>
    /// <param name="output">Labels of the result's dimensions, each once.</param>
    /// <exception cref="TensorArgumentException">Extents of a label differ, or tensors are on several devices.</exception>
    public static Tensor Run(string operation, IReadOnlyList<Tensor> tensors, IReadOnlyList<int[]> labels, int[] output)
    {
        var dtype = tensors.Aggregate(tensors[0].DType, (joint, tensor) => DTypes.Promote(joint, tensor.DType));
        if (dtype == DType.Bool)
        {
            throw new TensorArgumentException(operation, nameof(tensors), $"of {dtype}",
                "numbers; convert with To(dtype)");
        }
        if (tensors.FirstOrDefault(tensor => tensor.Device != tensors[0].Device) is { } elsewhere)
        {
            throw new TensorArgumentException(operation, nameof(tensors), $"on {elsewhere.Device} beside {tensors[0].Device}",
                "one device");
        }
        var working = dtype.IsHalfPrecision ? DType.Float32 : dtype;
        var extents = Extents(operation, tensors, labels);
        List<Term> terms = [.. tensors.Zip(labels, (tensor, named) => Simplify(new(tensor.To(working), named), extents))];
        foreach (var (first, second) in ContractionPath.Find([.. terms.Select(term => term.Labels)], output, extents))
        {
            var kept = ContractionPath.Contracted([.. terms.Select(term => term.Labels)], first, second, output);
            var product = Multiply(terms[first], terms[second], kept, extents);
            terms.RemoveAt(second);
            terms.RemoveAt(first);
            terms.Add(product);
        }
        var result = Keep(terms[0], output);
        return result.Tensor.Permute([.. output.Select(label => Array.IndexOf(result.Labels, label))]).To(dtype);
    }

    static Dictionary<int, int> Extents(string operation, IReadOnlyList<Tensor> tensors, IReadOnlyList<int[]> labels)
    {
        var extents = new Dictionary<int, int>();
        foreach (var (tensor, named) in tensors.Zip(labels))
        {
            foreach (var (d, label) in named.Index())
            {
                var extent = tensor.Shape[d];
                var known = extents.GetValueOrDefault(label, 1);
                var repeated = named.Take(d).Index().Any(before => before.Item == label && tensor.Shape[before.Index] != extent);
                if (repeated || (extent != known && extent != 1 && known != 1))
                {
                    throw new TensorArgumentException(operation, nameof(tensors), $"{string.Join(", ", tensors.Select(t => t.Shape))}",
                        $"one extent for all dimensions of {Name(label)}, not {known} and {extent}");
                }
                extents[label] = known == 1 ? extent : known;
            }
        }
        return extents;
    }

    static string Name(int label) => label > 0 ? $"label '{(char)label}'" : "the ellipsis";

    // Diagonals of labels that are there twice; dimensions of extent 1 that another tensor's extent would stretch are left out.
    static Term Simplify(Term term, Dictionary<int, int> extents)
    {
        var (tensor, labels) = (term.Tensor, term.Labels.ToList());
        while (labels.FindIndex(label => labels.IndexOf(label) != labels.LastIndexOf(label)) is >= 0 and var first)
        {
            var label = labels[first];
            var second = labels.LastIndexOf(label);
            tensor = tensor.Diagonal(0, first, second);
            labels.RemoveAt(second);
            labels.RemoveAt(first);
            labels.Add(label);
        }
        for (var d = labels.Count - 1; d >= 0; d--)
        {
            if (tensor.Shape[d] == extents[labels[d]])
                continue;
            tensor = tensor.Squeeze(d);
            labels.RemoveAt(d);
        }
        return new(tensor, [.. labels]);
    }

    // Summed over labels that are not kept.
    static Term Keep(Term term, IEnumerable<int> kept)
    {
        int[] gone = [.. term.Labels.Index().Where(pair => !kept.Contains(pair.Item)).Select(pair => pair.Index)];
        return gone.Length == 0 ? term : new(term.Tensor.Sum(gone).To(term.Tensor.DType), [.. term.Labels.Intersect(kept)]);
    }

    static Term Multiply(Term a, Term b, int[] kept, Dictionary<int, int> extents)
    {
        (a, b) = (Keep(a, b.Labels.Union(kept)), Keep(b, a.Labels.Union(kept)));
        int[] both = [.. a.Labels.Intersect(b.Labels)];
        int[] batch = [.. both.Intersect(kept)], summed = [.. both.Except(kept)];
        int[] left = [.. a.Labels.Except(both)], right = [.. b.Labels.Except(both)];
        int[] labels = [.. batch, .. left, .. right];
        int[] Of(int[] names) => [.. names.Select(name => extents[name])];
        if (summed.Length == 0)
        {
            // No sum: a product with broadcasting, each factor 1 along the dimensions of the other.
            var (x, y) = (Ordered(a, [.. batch, .. left]), Ordered(b, [.. batch, .. right]));
            int[] above = [.. Of(batch), .. Of(left), .. right.Select(_ => 1)];
            int[] below = [.. Of(batch), .. left.Select(_ => 1), .. Of(right)];
            return new(x.Reshape(above) * y.Reshape(below), labels);
        }
        var (rows, inner, columns) = (Size(left), Size(summed), Size(right));
        var matrices = Ordered(a, [.. batch, .. left, .. summed]).Reshape([.. Of(batch), rows, inner]);
        var others = Ordered(b, [.. batch, .. summed, .. right]).Reshape([.. Of(batch), inner, columns]);
        return new(matrices.MatMul(others).Reshape([.. Of(batch), .. Of(left), .. Of(right)]), labels);

        int Size(int[] names) => checked((int)names.Aggregate(1L, (product, name) => product * extents[name]));
    }

    static Tensor Ordered(Term term, int[] labels) => term.Tensor.Permute([.. labels.Select(label => Array.IndexOf(term.Labels, label))]);
}
