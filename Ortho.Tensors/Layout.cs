namespace Ortho.Tensors;

/// <summary>Where the elements of a tensor lie in its storage: element (i0, i1, ...) at offset + sum of i_d stride_d, in elements. Strides may
/// be negative (a reversed dimension) or 0 (a repeated one).</summary>
public sealed class Layout
{
    readonly long[] strides;

    Layout(Shape shape, long[] strides, long offset)
    {
        Shape = shape;
        this.strides = strides;
        Offset = offset;
        IsContiguous = ComputeContiguous(shape, strides);
        (Lowest, Highest) = (offset, offset);
        for (var d = 0; d < strides.Length && !shape.Span.Contains(0); d++)
        {
            var reach = (shape.Span[d] - 1) * strides[d];
            (Lowest, Highest) = reach < 0 ? (Lowest + reach, Highest) : (Lowest, Highest + reach);
        }
    }

    /// <summary>Row-major without gaps.</summary>
    public static Layout Dense(Shape shape) => new(shape, shape.DenseStrides(), 0);

    /// <summary>Any shape, strides and offset; the caller vouches that all of it lies inside the storage.</summary>
    public static Layout Strided(Shape shape, ReadOnlySpan<long> strides, long offset) => new(shape, strides.ToArray(), offset);

    /// <summary>The extents.</summary>
    public Shape Shape { get; }

    /// <summary>Distance, in elements, between neighbours along each dimension; 0 where a dimension is broadcast.</summary>
    public ReadOnlySpan<long> Strides => strides;

    /// <summary>Position of the first element, in elements.</summary>
    public long Offset { get; }

    /// <summary>Whether the elements lie row-major without gaps (at any offset).</summary>
    public bool IsContiguous { get; }

    /// <summary>The smallest position that an element has; the offset unless a dimension is reversed, and when there is no element.</summary>
    public long Lowest { get; }

    /// <summary>The largest position that an element has; the offset when there is no element.</summary>
    public long Highest { get; }

    /// <summary>Whether both place every element alike.</summary>
    internal bool IsSame(Layout other) => Offset == other.Offset && Shape == other.Shape && Strides.SequenceEqual(other.Strides);

    static bool ComputeContiguous(Shape shape, long[] strides)
    {
        long expected = 1;
        for (var d = shape.Rank - 1; d >= 0; d--)
        {
            var extent = shape.Span[d];
            if (extent == 0)
                return true;
            if (extent != 1 && strides[d] != expected)
                return false;
            expected *= extent;
        }
        return true;
    }

    /// <summary>Dimensions in another order.</summary>
    public Layout Permute(ReadOnlySpan<int> order, string operation)
    {
        if (order.Length != Shape.Rank)
            throw new TensorArgumentException(operation, nameof(order), $"{order.Length} dimensions for shape {Shape}", $"a permutation of {Shape.Rank}");
        var (extents, permuted, seen) = (new int[order.Length], new long[order.Length], new bool[order.Length]);
        for (var d = 0; d < order.Length; d++)
        {
            var source = Shape.Axis(order[d], operation);
            if (seen[source])
                throw new TensorArgumentException(operation, nameof(order), $"[{string.Join(", ", order.ToArray())}]", "each dimension once");
            (extents[d], permuted[d], seen[source]) = (Shape.Span[source], strides[source], true);
        }
        return new(extents, permuted, Offset);
    }

    /// <summary>Elements start, start + step, ... of one dimension, <paramref name="length"/> of them; a negative step reverses.</summary>
    public Layout Slice(int axis, int start, int length, int step)
    {
        var sliced = (long[])strides.Clone();
        sliced[axis] *= step;
        return new(Shape.With(axis, length), sliced, Offset + start * strides[axis]);
    }

    /// <summary>Broadcast to a larger shape (stride 0 where an extent of 1 is repeated or a leading dimension is new).</summary>
    public Layout Expand(Shape shape, string operation)
    {
        if (shape == Shape)
            return this;
        var lead = shape.Rank - Shape.Rank;
        var expanded = new long[shape.Rank];
        for (var d = 0; d < shape.Rank; d++)
        {
            var extent = d < lead ? 1 : lead < 0 ? -1 : Shape.Span[d - lead];
            if (extent == shape.Span[d] && d >= lead)
                expanded[d] = strides[d - lead];
            else if (extent != 1)
                throw new TensorArgumentException(operation, nameof(shape), $"{shape}", $"a shape that {Shape} broadcasts to");
        }
        return lead < 0
            ? throw new TensorArgumentException(operation, nameof(shape), $"{shape}", $"a shape that {Shape} broadcasts to")
            : new(shape, expanded, Offset);
    }

    /// <summary>The same elements under another shape, or null when that needs a copy.</summary>
    public Layout? TryReshape(Shape shape)
    {
        if (IsContiguous)
            return new(shape, shape.DenseStrides(), Offset);

        // Merge old dimensions that are dense with each other, then split the runs into the new extents.
        var reshaped = new long[shape.Rank];
        var (old, next) = (0, 0);
        while (next < shape.Rank)
        {
            while (old < Shape.Rank && Shape.Span[old] == 1)
                old++;
            if (shape.Span[next] == 1)
            {
                reshaped[next++] = 1;
                continue;
            }
            if (old == Shape.Rank)
                return null;
            long run = Shape.Span[old], taken = shape.Span[next];
            var (oldEnd, nextEnd) = (old + 1, next + 1);
            while (run != taken)
            {
                if (run < taken)
                {
                    if (oldEnd == Shape.Rank)
                        return null;
                    if (Shape.Span[oldEnd] != 1 && LastStride(old, oldEnd) != strides[oldEnd] * Shape.Span[oldEnd])
                        return null;
                    run *= Shape.Span[oldEnd++];
                }
                else
                {
                    if (nextEnd == shape.Rank)
                        return null;
                    taken *= shape.Span[nextEnd++];
                }
            }
            var stride = LastStride(old, oldEnd);
            for (var d = nextEnd - 1; d >= next; d--)
            {
                reshaped[d] = stride;
                stride *= shape.Span[d];
            }
            (old, next) = (oldEnd, nextEnd);
        }
        return new(shape, reshaped, Offset);
    }

    // Stride of the innermost dimension in [begin, end) whose extent is not 1.
    long LastStride(int begin, int end)
    {
        for (var d = end - 1; d >= begin; d--)
        {
            if (Shape.Span[d] != 1)
                return strides[d];
        }
        return strides[end - 1];
    }
}
