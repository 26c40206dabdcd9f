using Ortho.Tensors;

namespace Ortho.Kernels.Skeletons;

/// <summary>The nest of loops over a broadcast of strided operands, with dimensions that can be walked as one merged.</summary>
sealed class Iteration
{
    Iteration(int[] extents, long[][] strides) => (Extents, Strides) = (extents, strides);

    /// <summary>Loop lengths, outermost first; at least one loop.</summary>
    public int[] Extents { get; }

    /// <summary>For each operand the distance between neighbours in each loop, in elements.</summary>
    public long[][] Strides { get; }

    /// <summary>Length of the innermost loop.</summary>
    public int Inner => Extents[^1];

    /// <summary>Runs of the innermost loop.</summary>
    public long Rows
    {
        get
        {
            var rows = 1L;
            foreach (var extent in Extents.AsSpan(..^1))
                rows *= extent;
            return rows;
        }
    }

    /// <summary>The loops over <paramref name="shape"/> for operands with these layouts; null stands for a number.</summary>
    public static Iteration Over(Shape shape, ReadOnlySpan<Layout?> operands, string operation)
    {
        if (IsOneRun(shape, operands))
            return new([(int)shape.ElementCount], [.. operands.ToArray().Select(layout => layout is null ? repeated : dense)]);
        var strides = new long[operands.Length][];
        for (var k = 0; k < operands.Length; k++)
            strides[k] = operands[k] is { } layout ? layout.Expand(shape, operation).Strides.ToArray() : new long[shape.Rank];

        var (extents, merged) = (new List<int>(), strides.Select(_ => new List<long>()).ToArray());
        for (var d = 0; d < shape.Rank; d++)
        {
            if (shape.Span[d] == 1)
                continue;
            // A loop joins the one outside it when every operand steps through both as through one.
            if (extents.Count > 0 && strides.Index().All(s => merged[s.Index][^1] == s.Item[d] * shape.Span[d]))
            {
                extents[^1] *= shape.Span[d];
                foreach (var (k, stride) in strides.Index())
                    merged[k][^1] = stride[d];
                continue;
            }
            extents.Add(shape.Span[d]);
            foreach (var (k, stride) in strides.Index())
                merged[k].Add(stride[d]);
        }
        if (extents.Count == 0)
        {
            extents.Add(1);
            foreach (var stride in merged)
                stride.Add(0);
        }
        return new([.. extents], [.. merged.Select(stride => stride.ToArray())]);
    }

    static readonly long[] dense = [1], repeated = [0];

    // Whether all operands are dense and of one shape, or numbers: what most calls are.
    static bool IsOneRun(Shape shape, ReadOnlySpan<Layout?> operands)
    {
        if (shape.ElementCount is < 1 or > int.MaxValue)
            return false;
        foreach (var layout in operands)
        {
            if (layout is not null && !(layout.IsContiguous && layout.Shape == shape))
                return false;
        }
        return true;
    }

    /// <summary>Where operand <paramref name="operand"/> stands at the start of row <paramref name="row"/>.</summary>
    public long RowOffset(int operand, long row)
    {
        long offset = 0;
        for (var d = Extents.Length - 2; d >= 0; d--)
        {
            (row, var index) = Math.DivRem(row, Extents[d]);
            offset += index * Strides[operand][d];
        }
        return offset;
    }

    /// <summary>The indices of a row in all loops; 0 in the innermost.</summary>
    public void Indices(long row, Span<int> indices)
    {
        indices[^1] = 0;
        for (var d = Extents.Length - 2; d >= 0; d--)
        {
            (row, var index) = Math.DivRem(row, Extents[d]);
            indices[d] = (int)index;
        }
    }

    /// <summary>From the row at some indices to the first of the next run of the last loop but one, after the last of all to the
    /// first.</summary>
    /// <returns>The steps of operands 0 and 1.</returns>
    public (long First, long Second) NextRun(Span<int> indices)
    {
        var (first, second) = (Strides[0], Strides[1]);
        var (one, two) = (0L, 0L);
        for (var d = Extents.Length - 2; d >= 0; d--)
        {
            var isNext = d < Extents.Length - 2 && indices[d] + 1 < Extents[d];
            var step = isNext ? 1 : -indices[d];
            (indices[d], one, two) = (indices[d] + step, one + step * first[d], two + step * second[d]);
            if (isNext)
                break;
        }
        return (one, two);
    }

    /// <summary>Exchanges loops so that one along which an operand's elements are neighbours, if there is one, is at a place.</summary>
    public void MoveUnitStride(int operand, Index place)
    {
        var (at, found) = (place.GetOffset(Extents.Length), Array.IndexOf(Strides[operand], 1));
        if (found < 0 || Strides[operand][at] == 1)
            return;
        (Extents[at], Extents[found]) = (Extents[found], Extents[at]);
        foreach (var strides in Strides)
            (strides[at], strides[found]) = (strides[found], strides[at]);
    }

    /// <summary>Whether every operand but the first is dense or one number, so that one linear index serves all.</summary>
    public bool IsFlat => Extents.Length == 1 && Strides.All(stride => stride[0] is 0 or 1);
}
