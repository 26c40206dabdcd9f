using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Tensors joined, repeated and laid out side by side.</summary>
[OpFamily("structure")]
public static class JoiningOps
{
    extension(Tensor)
    {
        /// <summary>Tensors joined along an existing dimension; their dtypes are promoted.</summary>
        /// <exception cref="TensorArgumentException">No tensors, several devices, or shapes that differ elsewhere.</exception>
        [Op(Takes = Numbers.All)]
        public static Tensor Concat(IReadOnlyList<Tensor> tensors, int dimension = 0) => Join("Concat", tensors, dimension);

        /// <summary>Tensors of one shape joined along a new dimension; their dtypes are promoted.</summary>
        /// <exception cref="TensorArgumentException">No tensors, several devices, or shapes that differ.</exception>
        [Op(Takes = Numbers.All)]
        public static Tensor Stack(IReadOnlyList<Tensor> tensors, int dimension = 0)
        {
            ArgumentNullException.ThrowIfNull(tensors);
            return Join("Stack", [.. tensors.Select(tensor => tensor.Unsqueeze(dimension))], dimension);
        }

        /// <summary>Vectors joined end to end, other tensors along dimension 1.</summary>
        /// <exception cref="TensorArgumentException">As for <c>Concat</c>.</exception>
        [Op(Takes = Numbers.All)]
        public static Tensor HStack(IReadOnlyList<Tensor> tensors)
        {
            ArgumentNullException.ThrowIfNull(tensors);
            Tensor[] rows = [.. tensors.Select(tensor => tensor.Rank == 0 ? tensor.Reshape(1) : tensor)];
            return Join("HStack", rows, rows.Length > 0 && rows[0].Rank > 1 ? 1 : 0);
        }

        /// <summary>Tensors joined along dimension 0, vectors as the rows of a matrix.</summary>
        /// <exception cref="TensorArgumentException">As for <c>Concat</c>.</exception>
        [Op(Takes = Numbers.All)]
        public static Tensor VStack(IReadOnlyList<Tensor> tensors)
        {
            ArgumentNullException.ThrowIfNull(tensors);
            return Join("VStack", [.. tensors.Select(tensor => tensor.Rank < 2 ? tensor.Reshape(1, -1) : tensor)], 0);
        }

        /// <summary>Matrices along a diagonal, zeros elsewhere; a vector is a matrix of one row. Dtypes are promoted.</summary>
        /// <exception cref="TensorArgumentException">No tensors, several devices, or more than two dimensions.</exception>
        [Op(Takes = Numbers.All)]
        public static Tensor BlockDiag(IReadOnlyList<Tensor> blocks)
        {
            ArgumentNullException.ThrowIfNull(blocks);
            if (blocks.FirstOrDefault(block => block.Rank > 2) is { } tall)
                throw new TensorArgumentException("BlockDiag", nameof(blocks), $"a tensor of shape {tall.Shape}", "matrices");
            Tensor[] matrices = [.. blocks.Select(block => block.Rank < 2 ? block.Reshape(1, -1) : block)];
            var (columns, left) = (matrices.Sum(matrix => matrix.Shape[1]), 0);
            var rows = new List<Tensor>();
            foreach (var matrix in matrices)
            {
                var at = left;
                var width = matrix.Shape[1];
                rows.Add(SliceOps.Embed("BlockDiag", matrix, [matrix.Shape[0], columns], y => y.Narrow(1, at, width)));
                left += width;
            }
            return Join("BlockDiag", rows, 0);
        }

        /// <summary>The coordinates of a grid: tensor k repeats vector k along all dimensions but its own; views.</summary>
        /// <param name="axes">Vectors.</param>
        /// <param name="matrixOrder">Whether dimension k belongs to vector k; otherwise, as in plots, the first two are exchanged.</param>
        /// <exception cref="TensorArgumentException">One is not a vector.</exception>
        [Op(Takes = Numbers.All)]
        public static Tensor[] Meshgrid(IReadOnlyList<Tensor> axes, bool matrixOrder = true)
        {
            ArgumentNullException.ThrowIfNull(axes);
            if (axes.FirstOrDefault(axis => axis.Rank != 1) is { } other)
                throw new TensorArgumentException("Meshgrid", nameof(axes), $"a tensor of shape {other.Shape}", "vectors");
            int[] shape = [.. axes.Select(axis => axis.Shape[0])];
            Tensor[] grids = [.. axes.Select((axis, k) => axis.Reshape([.. shape.Select((_, d) => d == k ? -1 : 1)]).Expand(shape))];
            return matrixOrder || grids.Length < 2 ? grids : [.. grids.Select(grid => grid.Transpose(0, 1))];
        }
    }

    extension(Tensor x)
    {
        /// <summary>The tensor repeated along each dimension. Numbers are aligned at the last dimension; missing ones are 1.</summary>
        /// <exception cref="TensorArgumentException">A number is negative.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Tile(params int[] times)
        {
            ArgumentNullException.ThrowIfNull(times);
            if (times.Any(count => count < 0))
                throw new TensorArgumentException("Tile", nameof(times), $"[{string.Join(", ", times)}]", "no negative number");
            var rank = Math.Max(x.Rank, times.Length);
            int[] extents = [.. Enumerable.Repeat(1, rank - x.Rank), .. x.Shape];
            int[] counts = [.. Enumerable.Repeat(1, rank - times.Length), .. times];
            return x.Reshape([.. extents.SelectMany(extent => new[] { 1, extent })])
                .Expand([.. counts.Zip(extents).SelectMany(pair => new[] { pair.First, pair.Second })])
                .Reshape([.. counts.Zip(extents, (count, extent) => count * extent)]);
        }

        /// <summary>The tensor repeated along each dimension, as <c>Tile</c>; PyTorch's name, which asks for a number for every dimension.
        /// (NumPy's repeat is <c>RepeatInterleave</c>.)</summary>
        /// <exception cref="TensorArgumentException">There are fewer numbers than dimensions, or a negative one.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Repeat(params int[] times)
        {
            ArgumentNullException.ThrowIfNull(times);
            return times.Length >= x.Rank
                ? x.Tile(times)
                : throw new TensorArgumentException("Repeat", nameof(times), $"{times.Length} numbers",
                    $"at least {x.Rank}, one for each dimension");
        }

        /// <summary>Each element of a dimension repeated in place.</summary>
        /// <exception cref="TensorArgumentException">The number is negative.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor RepeatInterleave(int times, int dimension)
        {
            var axis = x.Shape.Axis(dimension, "RepeatInterleave");
            if (times < 0)
                throw new TensorArgumentException("RepeatInterleave", nameof(times), $"{times}", "no negative number");
            return x.Unsqueeze(axis + 1).Expand([.. x.Shape[..(axis + 1)], times, .. x.Shape[(axis + 1)..]])
                .Reshape([.. x.Shape[..axis], x.Shape[axis] * times, .. x.Shape[(axis + 1)..]]);
        }

        /// <summary>Each element of a dimension repeated in place, a number of times of its own. Waits for the numbers: they decide the
        /// shape.</summary>
        /// <param name="times">Int64 or Int32 vector of the dimension's extent.</param>
        /// <param name="dimension">The dimension.</param>
        /// <exception cref="TensorArgumentException">The numbers do not fit the dimension, or one is negative.</exception>
        [Op(Takes = Numbers.All, Waits = true)]
        public Tensor RepeatInterleave(Tensor times, int dimension)
        {
            ArgumentNullException.ThrowIfNull(times);
            var axis = x.Shape.Axis(dimension, "RepeatInterleave");
            if (times.Shape != [x.Shape[axis]] || times.Device != x.Device)
            {
                throw new TensorArgumentException("RepeatInterleave", nameof(times), $"{times.Shape} on {times.Device}",
                    $"[{x.Shape[axis]}] on {x.Device}");
            }
            var counts = IndexingOps.Wide(times, "RepeatInterleave").ToArray<long>();
            if (counts.Any(count => count < 0))
                throw new TensorArgumentException("RepeatInterleave", nameof(times), $"{counts.Min()}", "no negative number");
            long[] index = [.. counts.SelectMany((count, k) => Enumerable.Repeat((long)k, checked((int)count)))];
            return x.IndexSelect(axis, Tensor.From(index, [index.Length], x.Device));
        }
    }

    static Tensor Join(string operation, IReadOnlyList<Tensor> tensors, int dimension)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        if (tensors.Count == 0)
            throw new TensorArgumentException(operation, nameof(tensors), "an empty list", "at least one tensor");
        var first = tensors[0];
        var axis = first.Shape.Axis(dimension, operation);
        foreach (var tensor in tensors)
        {
            if (tensor.Rank != first.Rank || tensor.Shape.With(axis, 0) != first.Shape.With(axis, 0) || tensor.Device != first.Device)
            {
                throw new TensorArgumentException(operation, nameof(tensors),
                    $"{tensor.Shape} on {tensor.Device} beside {first.Shape} on {first.Device}",
                    $"one device, and shapes that agree but for dimension {axis}");
            }
        }
        var dtype = tensors.Aggregate(first.DType, (joint, tensor) => DTypes.Promote(joint, tensor.DType));
        var y = Tensor.Empty(first.Shape.With(axis, tensors.Sum(tensor => tensor.Shape[axis])), dtype, first.Device);
        var (inputs, start) = (new List<Input>(), 0);
        foreach (var tensor in tensors.Select(tensor => tensor.To(dtype)))
        {
            var (at, length) = (start, tensor.Shape[axis]);
            Copy.Into(y.View(y.Layout.Slice(axis, at, length, 1)), tensor);
            inputs.Add((tensor, g => g.Narrow(axis, at, length)));
            start += length;
        }
        return Graph.Record(operation, y, [.. inputs]);
    }
}
