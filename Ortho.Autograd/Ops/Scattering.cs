using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;
using ScatterKernel = Ortho.Kernels.Indexing.Scatter;

namespace Ortho.Autograd;

/// <summary>How elements scattered to one place are joined.</summary>
public enum ScatterReduction
{
    /// <summary>Their sum.</summary>
    Sum,

    /// <summary>Their product.</summary>
    Product,

    /// <summary>Their mean.</summary>
    Mean,

    /// <summary>The largest; NaN when one is.</summary>
    Max,

    /// <summary>The smallest; NaN when one is.</summary>
    Min,
}

/// <summary>Writing by index tensors, as copies with some elements changed.</summary>
/// <remarks>Where several elements go to one place they are joined in the order of the source, so that results are the same bits on every
/// device and number of threads. Indices are as in <see cref="IndexingOps"/>.</remarks>
[OpFamily("indexing")]
public static class ScatteringOps
{
    extension(Tensor x)
    {
        /// <summary>x[..., index[..., j, ...], ...] = source[..., j, ...] along a dimension; of several, the last one stays.</summary>
        /// <param name="dimension">The dimension.</param>
        /// <param name="index">Of x's rank; at most the source's extents, and at most x's but for the dimension.</param>
        /// <param name="source">Of x's dtype.</param>
        /// <exception cref="TensorArgumentException">Dtypes, devices or shapes do not fit; on the CPU also: the index points
        /// outside.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Scatter(int dimension, Tensor index, Tensor source) => Along("Scatter", x, dimension, index, source, Put);

        /// <summary>x[..., index[..., j, ...], ...] = value along a dimension.</summary>
        /// <exception cref="TensorArgumentException">The index does not fit; on the CPU also: it points outside.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Scatter(int dimension, Tensor index, double value)
        {
            ArgumentNullException.ThrowIfNull(index);
            return x.Scatter(dimension, index, Number(x, value).Expand([.. index.Shape]));
        }

        /// <summary>x[..., index[..., j, ...], ...] += source[..., j, ...] along a dimension: the adjoint of <c>Gather</c>.</summary>
        /// <param name="dimension">The dimension.</param>
        /// <param name="index">As for <c>Scatter</c>.</param>
        /// <param name="source">Of x's dtype.</param>
        /// <exception cref="TensorArgumentException">Dtypes, devices or shapes do not fit; on the CPU also: the index points
        /// outside.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex | Numbers.Integer)]
        public Tensor ScatterAdd(int dimension, Tensor index, Tensor source) => Along("ScatterAdd", x, dimension, index, source, Sum);

        /// <summary>Elements of the source joined with those of x that the index names, along a dimension.</summary>
        /// <param name="dimension">The dimension.</param>
        /// <param name="index">As for <c>Scatter</c>.</param>
        /// <param name="source">Of x's dtype.</param>
        /// <param name="reduction">How they are joined; the mean needs floating-point numbers. Ties of Max and Min share the gradient; the
        /// gradient's own gradient of Product needs elements that are not 0.</param>
        /// <param name="includeSelf">Whether the elements of x that are written to take part; others stay in any case.</param>
        /// <exception cref="TensorArgumentException">Dtypes, devices or shapes do not fit; on the CPU also: the index points
        /// outside.</exception>
        [Op(Takes = Numbers.Real | Numbers.Integer)]
        public Tensor ScatterReduce(int dimension, Tensor index, Tensor source, ScatterReduction reduction, bool includeSelf = true)
            => Along("ScatterReduce", x, dimension, index, source,
                (operation, to, axis, at, from) => Reduce(operation, to, axis, at, from, reduction, includeSelf));

        /// <summary>Slices of the source added to the slices of x that a vector names, along a dimension.</summary>
        /// <param name="dimension">The dimension.</param>
        /// <param name="index">A vector; repeats are summed.</param>
        /// <param name="source">Of x's dtype and, but for the dimension, its shape.</param>
        /// <exception cref="TensorArgumentException">Dtypes, devices or shapes do not fit; on the CPU also: the index points
        /// outside.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex | Numbers.Integer)]
        public Tensor IndexAdd(int dimension, Tensor index, Tensor source)
            => Sum("IndexAdd", x, x.Shape.Axis(dimension, "IndexAdd"), IndexingOps.Vector(index, "IndexAdd"), source);

        /// <summary>Slices of x that a vector names replaced by those of the source, along a dimension; of several, the last one
        /// stays.</summary>
        /// <param name="dimension">The dimension.</param>
        /// <param name="index">A vector.</param>
        /// <param name="source">Of x's dtype and, but for the dimension, its shape.</param>
        /// <exception cref="TensorArgumentException">Dtypes, devices or shapes do not fit; on the CPU also: the index points
        /// outside.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor IndexCopy(int dimension, Tensor index, Tensor source)
            => Put("IndexCopy", x, x.Shape.Axis(dimension, "IndexCopy"), IndexingOps.Vector(index, "IndexCopy"), source);

        /// <summary>Slices of x that a vector names filled with a number, along a dimension.</summary>
        /// <exception cref="TensorArgumentException">The index is no vector; on the CPU also: it points outside.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor IndexFill(int dimension, Tensor index, double value)
        {
            var (axis, at) = (x.Shape.Axis(dimension, "IndexFill"), IndexingOps.Vector(index, "IndexFill"));
            return Put("IndexFill", x, axis, at, Number(x, value).Expand([.. x.Shape.With(axis, at.Shape[0])]));
        }

        /// <summary>Sums of slices of the first dimension by segment: y[s] = sum of x[i] over the i with segments[i] = s.</summary>
        /// <param name="segments">A vector with the segment of each slice, in any order.</param>
        /// <param name="count">Number of segments; empty ones are 0.</param>
        /// <exception cref="TensorArgumentException">Shapes do not fit; on the CPU also: a segment does not exist.</exception>
        [Op(Takes = Numbers.Real | Numbers.Complex | Numbers.Integer)]
        public Tensor SegmentSum(Tensor segments, int count)
            => Spread("SegmentSum", Segments("SegmentSum", x, count), 0, IndexingOps.Vector(segments, "SegmentSum"), x);

        /// <summary>Means of slices of the first dimension by segment; empty ones are 0. As <c>SegmentSum</c>.</summary>
        /// <exception cref="TensorArgumentException">Shapes do not fit; on the CPU also: a segment does not exist.</exception>
        [Op]
        public Tensor SegmentMean(Tensor segments, int count) => Segment("SegmentMean", x, segments, count, ScatterReduction.Mean);

        /// <summary>The largest of slices of the first dimension by segment; empty ones are 0. As <c>SegmentSum</c>.</summary>
        /// <exception cref="TensorArgumentException">Shapes do not fit; on the CPU also: a segment does not exist.</exception>
        [Op(Takes = Numbers.Real | Numbers.Integer)]
        public Tensor SegmentMax(Tensor segments, int count) => Segment("SegmentMax", x, segments, count, ScatterReduction.Max);

        /// <summary>The smallest of slices of the first dimension by segment; empty ones are 0. As <c>SegmentSum</c>.</summary>
        /// <exception cref="TensorArgumentException">Shapes do not fit; on the CPU also: a segment does not exist.</exception>
        [Op(Takes = Numbers.Real | Numbers.Integer)]
        public Tensor SegmentMin(Tensor segments, int count) => Segment("SegmentMin", x, segments, count, ScatterReduction.Min);
    }

    static Shape Segments(string operation, Tensor x, int count)
        => x.Rank > 0 && count >= 0
            ? x.Shape.With(0, count)
            : throw new TensorArgumentException(operation, nameof(count), $"{count} for shape {x.Shape}",
                "a number of segments that is not negative, and at least one dimension");

    static Tensor Segment(string operation, Tensor x, Tensor segments, int count, ScatterReduction reduction)
    {
        var zeros = Tensor.Zeros(Segments(operation, x, count), x.DType, x.Device);
        return Reduce(operation, zeros, 0, IndexingOps.Vector(segments, operation), x, reduction, includeSelf: false);
    }

    static Tensor Number(Tensor like, double value) => Tensor.Full([], value, like.DType, like.Device);

    delegate Tensor Write(string operation, Tensor x, int axis, Tensor index, Tensor source);

    // The leading parts of x and the source that an index with smaller extents addresses.
    static Tensor Along(string operation, Tensor x, int dimension, Tensor index, Tensor source, Write write)
    {
        ArgumentNullException.ThrowIfNull(source);
        var axis = x.Shape.Axis(dimension, operation);
        var part = IndexingOps.Leading(operation, x, axis, index);
        if (source.Rank != x.Rank || Enumerable.Range(0, x.Rank).Any(d => index.Shape[d] > source.Shape[d]))
            throw new TensorArgumentException(operation, nameof(source), $"{source.Shape}", $"at least the index's {index.Shape}");
        var from = Enumerable.Range(0, x.Rank).Aggregate(source, (leading, d) => leading.Narrow(d, 0, index.Shape[d]));
        var y = write(operation, part, axis, IndexingOps.Wide(index, operation), from);
        return part.Shape == x.Shape ? y : SliceOps.Overwrite(operation, x, whole => IndexingOps.Leading(operation, whole, axis, index), y);
    }

    /// <summary>x with the source added at an index.</summary>
    internal static Tensor Sum(string operation, Tensor x, int axis, Tensor index, Tensor source)
    {
        if (x.IsHalf && source.DType == x.DType)
            return Sum(operation, x.Wide, axis, index, source.Wide).To(x.DType);
        return Graph.Record(operation, ScatterKernel.Run<Add>(operation, x, axis, index, source),
            (x, g => g), (source, g => IndexingOps.At(operation, g, axis, index)));
    }

    /// <summary>Zeros with the source added at an index: the adjoint of <see cref="IndexingOps.At"/>.</summary>
    internal static Tensor Spread(string operation, Shape shape, int axis, Tensor index, Tensor source)
        => source.IsHalf
            ? Spread(operation, shape, axis, index, source.Wide).To(source.DType)
            : Graph.Record(operation, ScatterKernel.Sum(operation, shape, axis, index, source),
                (source, g => IndexingOps.At(operation, g, axis, index)));

    /// <summary>x with the source in place of its elements at an index.</summary>
    internal static Tensor Put(string operation, Tensor x, int axis, Tensor index, Tensor source)
    {
        var (to, from) = (x.Shape, source.Shape);
        return Graph.Record(operation, ScatterKernel.Replace(operation, x, axis, index, source),
            (x, g => Put(operation, g, axis, index, Number(g, 0).Expand([.. from]))),
            (source, g => IndexingOps.At(operation, g, axis, index)
                .MaskedFill(Overwritten(operation, to, axis, index, from, g.Device), 0)));
    }

    // Which elements of a source do not stay, because a later one goes to the same place.
    static Tensor Overwritten(string operation, Shape to, int axis, Tensor index, Shape from, Device device)
    {
        var order = Tensor.Arange(from[axis], DType.Int64, device)
            .Reshape([.. Enumerable.Range(0, from.Rank).Select(d => d == axis ? from[axis] : 1)]).Expand([.. from]);
        var last = ScatterKernel.Replace(operation, Tensor.Zeros(to, DType.Int64, device), axis, index, order);
        return order.Less(IndexingOps.At(operation, last, axis, index));
    }

    static Tensor Reduce(string operation, Tensor x, int axis, Tensor index, Tensor source, ScatterReduction reduction, bool includeSelf)
    {
        var isNumber = x.DType.IsFloatingPoint || (x.DType is DType.Int32 or DType.Int64 && reduction != ScatterReduction.Mean);
        if (!isNumber || source.DType != x.DType)
        {
            throw new TensorArgumentException(operation, nameof(source), $"{source.DType} beside {x.DType}",
                $"{(reduction == ScatterReduction.Mean ? "floating-point" : "real")} tensors of one dtype");
        }
        if (x.IsHalf)
            return Reduce(operation, x.Wide, axis, index, source.To(DType.Float32), reduction, includeSelf).To(x.DType);

        // Without x itself, its elements at the index begin as what joins without effect.
        Tensor Begin(Tensor from, double neutral)
            => includeSelf ? from : Put(operation, from, axis, index, Number(from, neutral).Expand([.. source.Shape]));
        switch (reduction)
        {
            case ScatterReduction.Sum:
                return Sum(operation, Begin(x, 0), axis, index, source);
            case ScatterReduction.Mean:
                var ones = Number(x, 1);
                var count = Sum(operation, Begin(ones.Expand([.. x.Shape]), 0), axis, index, ones.Expand([.. source.Shape]));
                return Sum(operation, Begin(x, 0), axis, index, source) / count;
            case ScatterReduction.Product:
                return Product(operation, Begin(x, 1), axis, index, source);
            case ScatterReduction.Max:
                var largest = Begin(x, double.NegativeInfinity);
                return Extreme<Maximum>(operation, largest, axis, index, source);
            case ScatterReduction.Min:
                var smallest = Begin(x, double.PositiveInfinity);
                return Extreme<Minimum>(operation, smallest, axis, index, source);
            default:
                throw new TensorArgumentException(operation, nameof(reduction), $"{reduction}", "Sum, Product, Mean, Max or Min");
        }
    }

    static Tensor Same(Tensor a, Tensor b) => a.EqualTo(b).To(b.DType);

    // All that are equal to the extreme share its gradient.
    static Tensor Extreme<Op>(string operation, Tensor x, int axis, Tensor index, Tensor source) where Op : struct, IBinary
    {
        var y = ScatterKernel.Run<Op>(operation, x, axis, index, source);
        // Detached: the rules must not hold the result that holds them.
        var (here, there, found) = (x.Detach(), source.Detach(), y.Detach());
        return Graph.Record(operation, y,
            (x, g => Share(g) * Same(here, found)),
            (source, g => IndexingOps.At(operation, Share(g), axis, index) * Chosen()));

        Tensor Chosen() => Same(there, IndexingOps.At(operation, found, axis, index));
        Tensor Share(Tensor g) => g / Sum(operation, Same(here, found), axis, index, Chosen());
    }

    // The derivative in one factor is the product of the others: by division where no factor of a place is 0, and the product of those
    // that are not 0 for the factor that alone is.
    static Tensor Product(string operation, Tensor x, int axis, Tensor index, Tensor source)
    {
        return Graph.Record(operation, ScatterKernel.Run<Multiply>(operation, x, axis, index, source),
            (x, g => Others(g) is var (none, one) ? none / Whole(x) + one * Zeros(x) : g),
            (source, g => Others(g) is var (none, one) ? At(none) / Whole(source) + At(one) * Zeros(source) : g));

        Tensor At(Tensor t) => IndexingOps.At(operation, t, axis, index);
        static Tensor Zeros(Tensor t) => Same(t.Detach(), Number(t, 0));
        static Tensor Whole(Tensor t) => t + Zeros(t);
        (Tensor None, Tensor One) Others(Tensor g)
        {
            var weighted = g * Product(operation, Whole(x), axis, index, Whole(source));
            var zeros = Sum(operation, Zeros(x), axis, index, Zeros(source));
            return (weighted * Same(zeros, Number(g, 0)), weighted * Same(zeros, Number(g, 1)));
        }
    }
}
