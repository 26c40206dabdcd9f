using Ortho.Kernels.Indexing;
using Ortho.Kernels.Sorting;
using Ortho.Tensors;
using ExtremeKernel = Ortho.Kernels.Indexing.ArgMax;
using SearchKernel = Ortho.Kernels.Sorting.SearchSorted;
using SortKernel = Ortho.Kernels.Sorting.Sort;

namespace Ortho.Autograd;

/// <summary>Sorting, searching and counting. Sorting is stable, on every device; NaN comes last, as the largest number.</summary>
/// <remarks>Values are gathered by their positions, so gradients go to the elements that were chosen.</remarks>
[OpFamily("sorting")]
public static class SortingOps
{
    // The positions that sort a dimension.
    static Tensor Order(string operation, Tensor x, int axis, bool descending)
    {
        if (x.DType.IsComplex)
            throw new TensorArgumentException(operation, nameof(x), $"{x.DType}", "real numbers; complex ones have no order");
        var last = x.Detach().Transpose(axis, -1);
        return SortKernel.Positions(SortKeys.Of(operation, last, descending)).Transpose(axis, -1);
    }

    static int NonEmpty(string operation, Tensor x, int dimension)
    {
        var axis = x.Shape.Axis(dimension, operation);
        return x.Shape[axis] > 0 ? axis
            : throw new TensorArgumentException(operation, nameof(x), $"{x.Shape}", $"at least one element along dimension {axis}");
    }

    static (Tensor Values, Tensor Indices) Chosen(Tensor x, int axis, Tensor indices) => (x.Gather(axis, indices), indices);

    static (Tensor Values, Tensor Indices) Extreme<X>(string operation, Tensor x, int dimension, bool keep) where X : struct, IExtreme
    {
        var axis = x.Shape.Axis(dimension, operation);
        var (values, indices) = Chosen(x, axis, ExtremeKernel.Run<X>(operation, x.Detach(), axis).Unsqueeze(axis));
        return keep ? (values, indices) : (values.Squeeze(axis), indices.Squeeze(axis));
    }

    extension(Tensor x)
    {
        /// <summary>The elements of a dimension in order, and where each was.</summary>
        /// <param name="dimension">The dimension.</param>
        /// <param name="descending">From the largest (NaN first) to the smallest.</param>
        /// <returns>Values of x's shape and dtype, and Int64 positions of its shape. Equal elements keep their order.</returns>
        /// <exception cref="TensorArgumentException">The tensor is complex.</exception>
        [Op(Takes = Numbers.Real | Numbers.Integer | Numbers.Bool)]
        public (Tensor Values, Tensor Indices) Sort(int dimension = -1, bool descending = false)
        {
            var axis = x.Shape.Axis(dimension, "Sort");
            return Chosen(x, axis, Order("Sort", x, axis, descending));
        }

        /// <summary>The Int64 positions of a dimension's elements in order; equal elements keep theirs.</summary>
        [Op(Takes = Numbers.Real | Numbers.Integer | Numbers.Bool, Derivative = Derivative.None)]
        public Tensor ArgSort(int dimension = -1, bool descending = false)
            => Order("ArgSort", x, x.Shape.Axis(dimension, "ArgSort"), descending);

        /// <summary>The k largest (or smallest) elements of a dimension, in order, and where each was.</summary>
        /// <exception cref="TensorArgumentException">k is negative or more than the dimension has.</exception>
        [Op(Takes = Numbers.Real | Numbers.Integer | Numbers.Bool)]
        public (Tensor Values, Tensor Indices) TopK(int k, int dimension = -1, bool largest = true)
        {
            var axis = x.Shape.Axis(dimension, "TopK");
            if (k < 0 || k > x.Shape[axis])
                throw new TensorArgumentException("TopK", nameof(k), $"{k} of {x.Shape[axis]}", $"0 to {x.Shape[axis]}");
            return Chosen(x, axis, Order("TopK", x, axis, largest).Narrow(axis, 0, k));
        }

        /// <summary>The k-th smallest element of a dimension, counted from 1, and where it was.</summary>
        /// <exception cref="TensorArgumentException">k is not among 1 to the dimension's extent.</exception>
        [Op(Takes = Numbers.Real | Numbers.Integer | Numbers.Bool)]
        public (Tensor Values, Tensor Indices) KthValue(int k, int dimension = -1)
        {
            var axis = x.Shape.Axis(dimension, "KthValue");
            if (k < 1 || k > x.Shape[axis])
                throw new TensorArgumentException("KthValue", nameof(k), $"{k} of {x.Shape[axis]}", $"1 to {x.Shape[axis]}");
            var (values, indices) = Chosen(x, axis, Order("KthValue", x, axis, false).Narrow(axis, k - 1, 1));
            return (values.Squeeze(axis), indices.Squeeze(axis));
        }

        /// <summary>Where the largest element of a dimension is, as Int64: the first of equals; a NaN counts as largest.</summary>
        /// <exception cref="TensorArgumentException">The dimension is empty, or the tensor is complex or Bool.</exception>
        [Op(Takes = Numbers.Real | Numbers.Integer, Derivative = Derivative.None)]
        public Tensor ArgMax(int dimension = -1) => ExtremeKernel.Run<Largest>("ArgMax", x, x.Shape.Axis(dimension, "ArgMax"));

        /// <summary>Where the smallest element of a dimension is, as Int64: the first of equals; a NaN comes before all.</summary>
        /// <exception cref="TensorArgumentException">The dimension is empty, or the tensor is complex or Bool.</exception>
        [Op(Takes = Numbers.Real | Numbers.Integer, Derivative = Derivative.None)]
        public Tensor ArgMin(int dimension = -1) => ExtremeKernel.Run<Smallest>("ArgMin", x, x.Shape.Axis(dimension, "ArgMin"));

        /// <summary>The largest element of a dimension and where it is: the first of equals, which gets the gradient; NaN when one
        /// is.</summary>
        /// <exception cref="TensorArgumentException">The dimension is empty, or the tensor is complex or Bool.</exception>
        [Op(Takes = Numbers.Real | Numbers.Integer)]
        public (Tensor Values, Tensor Indices) Max(int dimension, bool keepDimension = false)
            => Extreme<Largest>("Max", x, dimension, keepDimension);

        /// <summary>The smallest element of a dimension and where it is: the first of equals, which gets the gradient; NaN when one
        /// is.</summary>
        /// <exception cref="TensorArgumentException">The dimension is empty, or the tensor is complex or Bool.</exception>
        [Op(Takes = Numbers.Real | Numbers.Integer)]
        public (Tensor Values, Tensor Indices) Min(int dimension, bool keepDimension = false)
            => Extreme<Smallest>("Min", x, dimension, keepDimension);

        /// <summary>The median of a dimension, the lower one of an even number; NaN when an element is.</summary>
        /// <exception cref="TensorArgumentException">The dimension is empty, or the tensor is not floating-point.</exception>
        [Op]
        public Tensor Median(int dimension = -1)
        {
            var axis = NonEmpty("Median", PointwiseOps.RequireReal("Median", x), dimension);
            var sorted = x.Sort(axis).Values;
            var last = sorted.Select(axis, -1);
            return Tensor.Where(last.IsNan(), last, sorted.Select(axis, (x.Shape[axis] - 1) / 2));
        }

        /// <summary>The number below which the fraction q of a dimension's elements lies, interpolated linearly; NaN when an element
        /// is.</summary>
        /// <exception cref="TensorArgumentException">The dimension is empty, q is not in [0, 1], or the tensor is not
        /// floating-point.</exception>
        [Op]
        public Tensor Quantile(double q, int dimension = -1)
        {
            var axis = NonEmpty("Quantile", PointwiseOps.RequireReal("Quantile", x), dimension);
            if (!(q is >= 0 and <= 1))
                throw new TensorArgumentException("Quantile", nameof(q), $"{q}", "0 to 1");
            var sorted = x.Sort(axis).Values;
            var place = q * (x.Shape[axis] - 1);
            var below = (int)Math.Floor(place);
            var last = sorted.Select(axis, -1);
            var y = sorted.Select(axis, below).Lerp(sorted.Select(axis, (int)Math.Ceiling(place)), place - below);
            return Tensor.Where(last.IsNan(), last, y);
        }

        /// <summary>The different elements in order, where in that list each element of x is, and how often each occurs.</summary>
        /// <remarks>How many there are is read from the device. Each NaN is an element of its own.</remarks>
        /// <returns>Values [u] of x's dtype; Int64 of x's shape; Int64 [u].</returns>
        [Op(Takes = Numbers.Real | Numbers.Integer | Numbers.Bool, Derivative = Derivative.None, Waits = true)]
        public (Tensor Values, Tensor Inverse, Tensor Counts) Unique()
        {
            if (x.DType.IsComplex)
                throw new TensorArgumentException("Unique", nameof(x), $"{x.DType}", "real numbers; complex ones have no order");
            var flat = x.Detach().Flatten();
            var n = flat.Shape[0];
            if (n == 0)
                return (flat, Tensor.Zeros(x.Shape, DType.Int64, x.Device), Tensor.Zeros([0], DType.Int64, x.Device));
            var (sorted, order) = flat.Sort();
            var isNew = Tensor.Concat([Tensor.Ones([1], DType.Bool, x.Device), sorted.Narrow(0, 1, n - 1).NotEqual(sorted.Narrow(0, 0, n - 1))], 0);
            var group = isNew.CumSum(0) - 1;
            var count = (int)group.Narrow(0, n - 1, 1).Item() + 1;
            // A stable sort of the marks brings the first places of all groups to the front, in order.
            var starts = isNew.ArgSort(descending: true).Narrow(0, 0, count);
            var ends = Tensor.Concat([starts.Narrow(0, 1, count - 1), Tensor.Full([1], n, DType.Int64, x.Device)], 0);
            return (sorted.Gather(0, starts), group.Gather(0, order.ArgSort()).Reshape([.. x.Shape.Span]), ends - starts);
        }

        /// <summary>Where in ascending lines values would go: how many elements of its line are less than each, as Int64.</summary>
        /// <param name="values">[..., m] for lines [..., n]; any shape for one line.</param>
        /// <param name="right">Whether equal elements count: values then go behind them.</param>
        /// <exception cref="TensorArgumentException">Shapes, dtypes or devices do not fit.</exception>
        [Op(Takes = Numbers.Real | Numbers.Integer | Numbers.Bool, Derivative = Derivative.None)]
        public Tensor SearchSorted(Tensor values, bool right = false)
        {
            if (values.DType != x.DType || values.Device != x.Device)
                throw new TensorArgumentException("SearchSorted", nameof(values),
                    $"{values.DType} on {values.Device}", $"{x.DType} on {x.Device}");
            if (x.Rank == 0 || (x.Rank > 1 && (values.Rank != x.Rank || values.Shape[..^1] != x.Shape[..^1])))
                throw new TensorArgumentException("SearchSorted", nameof(values),
                    $"{values.Shape} beside {x.Shape}", "the same shape but for the last dimension, or one line");
            var keys = SortKeys.Of("SearchSorted", x.Detach(), false);
            var sought = SortKeys.Of("SearchSorted", values.Detach(), false);
            return x.Rank > 1
                ? SearchKernel.Run(keys, sought, right)
                : SearchKernel.Run(keys, sought.Flatten().Unsqueeze(0), right).Reshape([.. values.Shape.Span]);
        }

        /// <summary>Which of the intervals between ascending boundaries each element falls in: <c>boundaries.SearchSorted(x)</c>.</summary>
        /// <param name="boundaries">A vector of x's dtype.</param>
        /// <param name="right">Whether an element equal to a boundary lies behind it.</param>
        /// <exception cref="TensorArgumentException">The boundaries are no vector, or of another dtype or device.</exception>
        [Op(Takes = Numbers.Real | Numbers.Integer | Numbers.Bool, Derivative = Derivative.None)]
        public Tensor Bucketize(Tensor boundaries, bool right = false) => boundaries.Rank == 1
            ? boundaries.SearchSorted(x, right)
            : throw new TensorArgumentException("Bucketize", nameof(boundaries), $"{boundaries.Shape}", "a vector");

        /// <summary>How often each of 0, 1, ..., largest element occurs, as Int64; at least <paramref name="minimum"/> of them are
        /// counted.</summary>
        /// <remarks>How many there are is read from the device.</remarks>
        /// <exception cref="TensorArgumentException">The tensor is no vector of integers, or an element is negative.</exception>
        [Op(Takes = Numbers.Integer, Derivative = Derivative.None, Waits = true)]
        public Tensor BinCount(int minimum = 0)
        {
            if (x.Rank != 1 || x.DType is not (DType.Int32 or DType.Int64))
                throw new TensorArgumentException("BinCount", nameof(x), $"{x.DType} {x.Shape}", "a vector of integers");
            if (x.ElementCount == 0)
                return Tensor.Zeros([minimum], DType.Int64, x.Device);
            if (x.Min().Item() is < 0 and var lowest)
                throw new TensorArgumentException("BinCount", nameof(x), $"an element {lowest}", "none below 0");
            var bins = Math.Max(minimum, checked((int)x.Max().Item() + 1));
            var edges = Tensor.Arange(bins + 1, x.DType, x.Device);
            var below = x.Sort().Values.SearchSorted(edges);
            return below.Narrow(0, 1, bins) - below.Narrow(0, 0, bins);
        }

        /// <summary>How many elements lie in each of equal intervals of [low, high], the last one closed, as x's dtype; others are not
        /// counted.</summary>
        /// <exception cref="TensorArgumentException">The tensor is not floating-point, there is no bin, or the range is empty.</exception>
        [Op(Derivative = Derivative.None)]
        public Tensor Histc(int bins, double low, double high)
        {
            PointwiseOps.RequireReal("Histc", x);
            if (bins < 1 || !(low < high))
                throw new TensorArgumentException("Histc", nameof(bins), $"{bins} bins of [{low}, {high}]", "at least one bin of a range");
            double[] ends = [.. Enumerable.Range(0, bins + 1).Select(k => k == bins ? high : low + (high - low) * k / bins)];
            var edges = Tensor.From(ends, [bins + 1], x.Device).To(x.DType);
            var sorted = x.Detach().Flatten().Sort().Values;
            var below = Tensor.Concat([sorted.SearchSorted(edges.Narrow(0, 0, bins)), sorted.SearchSorted(edges.Narrow(0, bins, 1), right: true)], 0);
            return (below.Narrow(0, 1, bins) - below.Narrow(0, 0, bins)).To(x.DType);
        }
    }
}
