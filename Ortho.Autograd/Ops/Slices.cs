using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Parts of a tensor as views, and tensors with a part replaced.</summary>
[OpFamily("structure")]
public static class SliceOps
{
    extension(Tensor x)
    {
        /// <summary>Elements start .. start + length - 1 of a dimension; a negative start counts from the end; a view.</summary>
        /// <exception cref="TensorArgumentException">They lie outside.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Narrow(int dimension, int start, int length)
        {
            var axis = x.Shape.Axis(dimension, "Narrow");
            var extent = x.Shape[axis];
            var from = start < 0 ? start + extent : start;
            return from >= 0 && length >= 0 && from <= extent - length
                ? x.Slice(axis, from, from + length)
                : throw new TensorArgumentException("Narrow", nameof(start), $"{start} with {length} elements of extent {extent}",
                    $"a part of 0..{extent}");
        }

        /// <summary>Elements start, start + step, ... of a dimension, up to but without end; a view. Negative bounds count from the end; a
        /// negative step walks backwards.</summary>
        /// <param name="dimension">The dimension.</param>
        /// <param name="start">The first element; null for the first in the direction of the step.</param>
        /// <param name="end">Where to stop; null behind the last in the direction of the step.</param>
        /// <param name="step">Not 0.</param>
        /// <exception cref="TensorArgumentException">The bounds lie outside or in the wrong order, or the step is 0.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Slice(int dimension, int? start = null, int? end = null, int step = 1)
        {
            var axis = x.Shape.Axis(dimension, "Slice");
            var extent = x.Shape[axis];
            if (step == 0)
                throw new TensorArgumentException("Slice", nameof(step), $"{step}", "a step other than 0");
            var (first, last) = step > 0 ? (0, extent) : (extent - 1, -1);
            var (from, to) = (Place(start, first), Place(end, last));
            var isInside = Math.Min(from, to) >= Math.Min(first, last) && Math.Max(from, to) <= Math.Max(first, last);
            if (!isInside || (step > 0 ? from > to : from < to))
            {
                throw new TensorArgumentException("Slice", nameof(start), $"{start}..{end} by {step} of extent {extent}",
                    step > 0 ? $"0 <= start <= end <= {extent}" : $"{extent - 1} >= start >= end >= 0");
            }
            if (from == 0 && to == extent && step == 1)
                return x;
            var length = (int)((Math.Abs((long)to - from) + Math.Abs((long)step) - 1) / Math.Abs((long)step));
            var shape = x.Shape;
            // An empty walk may begin beyond either end: its view begins at the dimension's start.
            return Graph.Record("Slice", x.View(x.Layout.Slice(axis, length == 0 ? 0 : from, length, step)),
                (x, g => Embed("Slice", g, shape, y => y.Slice(axis, start, end, step))));

            int Place(int? bound, int open) => bound is not { } at ? open : at < 0 ? at + extent : at;
        }

        /// <summary>One element of a dimension, which disappears; a view.</summary>
        /// <exception cref="TensorArgumentException">There is no such element.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Select(int dimension, int index)
        {
            var axis = x.Shape.Axis(dimension, "Select");
            var extent = x.Shape[axis];
            var at = index < 0 ? index + extent : index;
            return at >= 0 && at < extent
                ? x.Slice(axis, at, at + 1).Squeeze(axis)
                : throw new TensorArgumentException("Select", nameof(index), $"{index}", $"-{extent} to {extent - 1}");
        }

        /// <summary>The order of some dimensions (all when none is named) reversed; a view.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor Flip(params int[] dimensions)
            => Axes(x, dimensions, "Flip").Aggregate(x, (y, axis) => y.Slice(axis, step: -1));

        /// <summary>Shifted along a dimension, what leaves at one end entering at the other: y[i] = x[(i - shift) mod extent].</summary>
        [Op(Takes = Numbers.All)]
        public Tensor Roll(int shift, int dimension)
        {
            var axis = x.Shape.Axis(dimension, "Roll");
            var extent = x.Shape[axis];
            var moved = extent == 0 ? 0 : ((shift % extent) + extent) % extent;
            return moved == 0 ? x : Tensor.Concat([x.Slice(axis, extent - moved), x.Slice(axis, 0, extent - moved)], axis);
        }

        /// <summary>Shifted in the row-major order of the whole tensor.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor Roll(int shift) => x.Reshape(-1).Roll(shift, 0).Reshape([.. x.Shape]);

        /// <summary>Shifted along several dimensions, one shift for each.</summary>
        /// <exception cref="TensorArgumentException">The numbers of shifts and dimensions differ.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Roll(int[] shifts, int[] dimensions)
        {
            ArgumentNullException.ThrowIfNull(shifts);
            ArgumentNullException.ThrowIfNull(dimensions);
            return shifts.Length == dimensions.Length
                ? shifts.Zip(dimensions).Aggregate(x, (y, pair) => y.Roll(pair.First, pair.Second))
                : throw new TensorArgumentException("Roll", nameof(shifts), $"{shifts.Length} numbers",
                    $"{dimensions.Length}, one for each dimension");
        }

        /// <summary>A matrix, the plane of two dimensions, turned by a multiple of 90 degrees from the first towards the second; a
        /// view.</summary>
        /// <exception cref="TensorArgumentException">The dimensions are one.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Rot90(int turns = 1, int from = 0, int to = 1)
        {
            var (a, b) = (x.Shape.Axis(from, "Rot90"), x.Shape.Axis(to, "Rot90"));
            if (a == b)
                throw new TensorArgumentException("Rot90", nameof(to), $"{to} beside {from}", "two different dimensions");
            return (turns & 3) switch
            {
                1 => x.Flip(b).Transpose(a, b),
                2 => x.Flip(a, b),
                3 => x.Transpose(a, b).Flip(b),
                _ => x,
            };
        }

        /// <summary>Pieces of the given extents along a dimension; views.</summary>
        /// <exception cref="TensorArgumentException">The extents do not add up to the dimension's.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor[] Split(int[] sizes, int dimension = 0)
        {
            ArgumentNullException.ThrowIfNull(sizes);
            var axis = x.Shape.Axis(dimension, "Split");
            if (sizes.Any(size => size < 0) || sizes.Sum(size => (long)size) != x.Shape[axis])
            {
                throw new TensorArgumentException("Split", nameof(sizes), $"[{string.Join(", ", sizes)}]",
                    $"extents that add up to {x.Shape[axis]}");
            }
            var (pieces, start) = (new Tensor[sizes.Length], 0);
            for (var k = 0; k < sizes.Length; k++)
            {
                pieces[k] = x.Narrow(axis, start, sizes[k]);
                start += sizes[k];
            }
            return pieces;
        }

        /// <summary>Pieces of one extent along a dimension, the last one smaller where it does not divide; views.</summary>
        /// <exception cref="TensorArgumentException">The extent is not positive.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor[] Split(int size, int dimension = 0)
        {
            var extent = x.Shape[x.Shape.Axis(dimension, "Split")];
            return size > 0
                ? x.Split(Pieces(extent, size), dimension)
                : throw new TensorArgumentException("Split", nameof(size), $"{size}", "a positive extent");
        }

        /// <summary>At most this many pieces along a dimension, of equal extents but for a smaller last one; views.</summary>
        /// <exception cref="TensorArgumentException">The number is not positive.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor[] Chunk(int chunks, int dimension = 0)
        {
            var extent = x.Shape[x.Shape.Axis(dimension, "Chunk")];
            return chunks > 0
                ? x.Split(Pieces(extent, Math.Max(1, (extent + chunks - 1) / chunks)), dimension)
                : throw new TensorArgumentException("Chunk", nameof(chunks), $"{chunks}", "a positive number");
        }

        /// <summary>All elements of a dimension, which disappears; views.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor[] Unbind(int dimension = 0)
        {
            var axis = x.Shape.Axis(dimension, "Unbind");
            return [.. Enumerable.Range(0, x.Shape[axis]).Select(index => x.Select(axis, index))];
        }

        /// <summary>A copy with the elements of <see cref="Slice"/> replaced.</summary>
        /// <param name="source">Of x's dtype; it broadcasts to the slice.</param>
        /// <param name="dimension">As for Slice.</param>
        /// <param name="start">As for Slice.</param>
        /// <param name="end">As for Slice.</param>
        /// <param name="step">As for Slice.</param>
        /// <exception cref="TensorArgumentException">The slice does not exist, or the source does not fit it.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor SliceScatter(Tensor source, int dimension, int? start = null, int? end = null, int step = 1)
            => Overwrite("SliceScatter", x, y => y.Slice(dimension, start, end, step), source);

        /// <summary>A copy with one element of a dimension replaced.</summary>
        /// <param name="source">Of x's dtype; it broadcasts to x's shape without the dimension.</param>
        /// <param name="dimension">The dimension.</param>
        /// <param name="index">The element; a negative one counts from the end.</param>
        /// <exception cref="TensorArgumentException">There is no such element, or the source does not fit.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor SelectScatter(Tensor source, int dimension, int index)
            => Overwrite("SelectScatter", x, y => y.Select(dimension, index), source);
    }

    static int[] Pieces(int extent, int size)
        => extent == 0 ? [0] : [.. Enumerable.Range(0, (extent + size - 1) / size).Select(k => Math.Min(size, extent - k * size))];

    /// <summary>Dimension numbers of a tensor, all when none is named.</summary>
    internal static int[] Axes(Tensor x, int[] dimensions, string operation)
    {
        ArgumentNullException.ThrowIfNull(dimensions);
        int[] axes = dimensions.Length == 0 ? [.. Enumerable.Range(0, x.Rank)] : [.. dimensions.Select(d => x.Shape.Axis(d, operation))];
        return axes.Distinct().Count() == axes.Length
            ? axes
            : throw new TensorArgumentException(operation, nameof(dimensions), $"[{string.Join(", ", dimensions)}]", "each dimension once");
    }

    /// <summary>Zeros of the given shape, with these elements under a view of it: the adjoint of the view.</summary>
    internal static Tensor Embed(string operation, Tensor x, Shape shape, Func<Tensor, Tensor> view)
    {
        var y = Tensor.Zeros(shape, x.DType, x.Device);
        Copy.Into(view(y), x);
        return Graph.Record(operation, y, (x, g => view(g)));
    }

    /// <summary>A copy of x with the elements under a view of it replaced by those of a block, which broadcasts to the view.</summary>
    internal static Tensor Overwrite(string operation, Tensor x, Func<Tensor, Tensor> view, Tensor block)
    {
        ArgumentNullException.ThrowIfNull(block);
        var target = view(x).Shape;
        if (block.DType != x.DType || block.Device != x.Device)
            throw new TensorArgumentException(operation, "source", $"{block.DType} on {block.Device}", $"{x.DType} on {x.Device}");
        if (block.Rank > target.Rank || Shape.Broadcast(block.Shape, target, operation) != target)
            throw new TensorArgumentException(operation, "source", $"{block.Shape}", $"a shape that broadcasts to {target}");
        var (y, shape) = (Copy.Dense(x), block.Shape);
        Copy.Into(view(y), block);
        return Graph.Record(operation, y,
            (x, g => Overwrite(operation, g, view, Tensor.Zeros([], g.DType, g.Device))),
            (block, g => view(g).SumTo(shape)));
    }
}
