using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Dimensions in other places, windows, and any strides at all.</summary>
[OpFamily("structure")]
public static class ViewOps
{
    extension(Tensor x)
    {
        /// <summary>A dimension moved to another place, the others keeping their order; a view.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor MoveAxis(int source, int destination) => x.MoveAxis([source], [destination]);

        /// <summary>Dimensions moved to other places, the others keeping their order; a view.</summary>
        /// <exception cref="TensorArgumentException">The numbers of sources and destinations differ, or one is named twice.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor MoveAxis(int[] source, int[] destination)
        {
            ArgumentNullException.ThrowIfNull(source);
            ArgumentNullException.ThrowIfNull(destination);
            int[] Axes(int[] dimensions) => [.. dimensions.Select(d => x.Shape.Axis(d, "MoveAxis"))];
            var (from, to) = (Axes(source), Axes(destination));
            if (from.Length != to.Length || from.Distinct().Count() != from.Length || to.Distinct().Count() != to.Length)
            {
                throw new TensorArgumentException("MoveAxis", nameof(destination),
                    $"[{string.Join(", ", destination)}] for [{string.Join(", ", source)}]", "one destination for each source, none twice");
            }
            var others = new Queue<int>(Enumerable.Range(0, x.Rank).Except(from));
            var order = Enumerable.Range(0, x.Rank).Select(d => Array.IndexOf(to, d) is >= 0 and var k ? from[k] : others.Dequeue());
            return x.Permute([.. order]);
        }

        /// <summary>Two dimensions exchanged; a view. NumPy's name for <c>Transpose</c>.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor SwapAxes(int a, int b) => StructureOps.Exchange("SwapAxes", x, a, b);

        /// <summary>One dimension as several, in row-major order; a view. One extent may be -1.</summary>
        /// <exception cref="TensorArgumentException">The extents' product is not the dimension's extent.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Unflatten(int dimension, params int[] extents)
        {
            ArgumentNullException.ThrowIfNull(extents);
            var axis = x.Shape.Axis(dimension, "Unflatten");
            var (known, extent) = (extents.Where(e => e != -1).Aggregate(1L, (product, e) => product * e), x.Shape[axis]);
            var open = Array.IndexOf(extents, -1);
            int[] parts = open < 0 || known <= 0 ? extents : [.. extents[..open], (int)(extent / known), .. extents[(open + 1)..]];
            return parts.All(e => e >= 0) && parts.Aggregate(1L, (product, e) => product * e) == extent
                ? x.Reshape([.. x.Shape[..axis], .. parts, .. x.Shape[(axis + 1)..]])
                : throw new TensorArgumentException("Unflatten", nameof(extents), $"[{string.Join(", ", extents)}]",
                    $"extents with the product {extent}, at most one of them -1");
        }

        /// <summary>Repeated along dimensions of extent 1, and along new leading ones, to another tensor's shape; a view.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor ExpandAs(Tensor other) => StructureOps.Broadcast("ExpandAs", x, other.Shape);

        /// <summary>Repeated along dimensions of extent 1, and along new leading ones, to a shape; a view. NumPy's name for
        /// <c>Expand</c>.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor BroadcastTo(Shape shape) => StructureOps.Broadcast("BroadcastTo", x, shape);

        /// <summary>Windows of <paramref name="size"/> elements along a dimension, at every <paramref name="step"/>-th position; a view.
        /// The dimension counts the windows, a new last dimension the elements of one.</summary>
        /// <exception cref="TensorArgumentException">The size is not within 0 .. extent, or the step is not positive.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Unfold(int dimension, int size, int step = 1)
        {
            var axis = x.Shape.Axis(dimension, "Unfold");
            var extent = x.Shape[axis];
            if (size < 0 || size > extent)
                throw new TensorArgumentException("Unfold", nameof(size), $"{size}", $"0 to {extent}");
            if (step < 1)
                throw new TensorArgumentException("Unfold", nameof(step), $"{step}", "a positive step");
            var count = (extent - size) / step + 1;
            var strides = x.Layout.Strides.ToArray();
            long[] windowed = [.. strides[..axis], strides[axis] * step, .. strides[(axis + 1)..], strides[axis]];
            var layout = Layout.Strided(x.Shape.With(axis, count).Concat([size]), windowed, x.Layout.Offset);
            return Graph.Record("Unfold", x.View(layout), (x, g => Fold(g, axis, extent, step)));
        }

        /// <summary>The storage under this tensor seen through any shape and strides; a view. Positions and strides count elements from the
        /// start of the storage, as in PyTorch: make a slice contiguous first to count from its first element.</summary>
        /// <param name="shape">The extents.</param>
        /// <param name="strides">Distance between neighbours along each dimension; elements may overlap.</param>
        /// <param name="offset">Position of the first element; that of this tensor when null.</param>
        /// <exception cref="TensorArgumentException">The view would leave the storage, a stride is missing, or elements of this tensor
        /// share memory and it wants a gradient.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor AsStrided(Shape shape, long[] strides, long? offset = null)
        {
            ArgumentNullException.ThrowIfNull(strides);
            if (strides.Length != shape.Rank)
            {
                throw new TensorArgumentException("AsStrided", nameof(strides), $"{strides.Length} numbers",
                    $"{shape.Rank}, one for each dimension of {shape}");
            }
            var layout = Layout.Strided(shape, strides, offset ?? x.Layout.Offset);
            var elements = x.Storage.Bytes / x.DType.Size;
            if (layout.Lowest < 0 || layout.Highest >= elements + (shape.ElementCount == 0 ? 1 : 0))
            {
                throw new TensorArgumentException("AsStrided", nameof(strides),
                    $"[{string.Join(", ", strides)}] from {layout.Offset}, positions {layout.Lowest} to {layout.Highest}",
                    $"positions within a storage of {elements} elements");
            }
            if (x.WantsGrad && !IsInjective(x.Layout))
            {
                throw new TensorArgumentException("AsStrided", nameof(x), $"of shape {x.Shape} with elements that share memory",
                    "a tensor without repeated elements where a gradient is wanted");
            }
            return Graph.Record("AsStrided", x.View(layout), (x, Adjoint(x.Layout, layout)));
        }
    }

    // The adjoint of Unfold: windows added up where they lie.
    static Tensor Fold(Tensor windows, int axis, int extent, int step)
    {
        var (count, size) = (windows.Shape[axis], windows.Shape[^1]);
        long[] positions = [.. Enumerable.Range(0, count * size).Select(k => (long)(k / size) * step + k % size)];
        var start = Tensor.From(positions, [positions.Length], windows.Device);
        var line = windows.MoveAxis(-1, axis + 1).Flatten(axis, axis + 1);
        return ScatteringOps.Spread("Unfold", line.Shape.With(axis, extent), axis, start, line);
    }

    // Gradients of the elements seen through one layout to those seen through another: added up in a piece of storage that holds both.
    static Func<Tensor, Tensor> Adjoint(Layout from, Layout to) => g =>
    {
        var lowest = Math.Min(from.Lowest, to.Lowest);
        var length = checked((int)(Math.Max(from.Highest, to.Highest) - lowest + 1));
        var positions = new long[to.Shape.ElementCount];
        var (index, next) = (new int[to.Shape.Rank], 0);
        for (; next < positions.Length; next++)
        {
            positions[next] = to.Offset - lowest;
            for (var d = 0; d < index.Length; d++)
                positions[next] += index[d] * to.Strides[d];
            for (var d = index.Length - 1; d >= 0 && ++index[d] == to.Shape.Span[d]; d--)
                index[d] = 0;
        }
        var memory = ScatteringOps.Spread("AsStrided", [length], 0, Tensor.From(positions, [positions.Length], g.Device), g.Reshape(-1));
        return memory.AsStrided(from.Shape, [.. from.Strides], from.Offset - lowest);
    };

    // Whether no two indices lead to one position: sufficient and, for views made of slices and permutations, necessary.
    static bool IsInjective(Layout layout)
    {
        long reached = 0;
        var steps = layout.Strides.ToArray().Select(Math.Abs).Zip(layout.Shape).Where(pair => pair.Second > 1);
        foreach (var (stride, extent) in steps.OrderBy(pair => pair.First))
        {
            if (stride <= reached)
                return false;
            reached += stride * (extent - 1);
        }
        return true;
    }
}
