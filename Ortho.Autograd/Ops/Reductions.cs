using Ortho.Kernels.Reductions;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Reductions over dimensions: all of them when none are given; negative ones count from the end.</summary>
/// <remarks>Half-precision tensors are reduced in Float32, and the result is rounded once.</remarks>
[OpFamily("reduction")]
public static class ReductionOps
{
    // Brings the dimensions to the end in order, and says whether they were there as one run already (then nothing moves).
    static (Tensor Moved, int First, int[] Axes) Gather(Tensor x, int[]? dimensions, string operation)
    {
        var axes = Axes(operation, x, dimensions);
        if (axes.Length == 0)
            return (x, 0, axes);
        if (axes[^1] - axes[0] == axes.Length - 1)
            return (x, axes[0], axes);
        var order = Enumerable.Range(0, x.Rank).Except(axes).Concat(axes).ToArray();
        return (x.View(x.Layout.Permute(order, operation)), x.Rank - axes.Length, axes);
    }

    internal static int[] Axes(string operation, Tensor x, int[]? dimensions)
    {
        var axes = dimensions is null ? [.. Enumerable.Range(0, x.Rank)] : dimensions.Select(d => x.Shape.Axis(d, operation)).Order().ToArray();
        return axes.Distinct().Count() == axes.Length
            ? axes
            : throw new TensorArgumentException(operation, nameof(dimensions),
                $"[{string.Join(", ", dimensions!)}]", "each dimension once");
    }

    internal static Tensor Run<R>(string operation, Tensor x, int[]? dimensions, bool keep, bool needsElements, out Shape kept) where R : struct, IReduction
    {
        if (needsElements)
            RequireElements(operation, x, dimensions);
        var (moved, first, axes) = Gather(x, dimensions, operation);
        Shape full = [.. x.Shape.Span.ToArray().Select((extent, d) => axes.Contains(d) ? 1 : extent)];
        var y = Reduce.Over<R>(operation, moved, first, axes.Length);
        kept = full;
        return keep ? y.View(Layout.Dense(full)) : y;
    }

    // The dimensions, none of which is empty.
    internal static int[] RequireElements(string operation, Tensor x, int[]? dimensions)
    {
        var axes = Axes(operation, x, dimensions);
        return axes.All(axis => x.Shape[axis] > 0)
            ? axes
            : throw new TensorArgumentException(operation, nameof(x),
                $"of shape {x.Shape}, empty along the reduced dimensions", "at least one element");
    }

    // What a sum or product is computed in, unless in the dtype itself, ...
    internal static Tensor? Wider(Tensor x)
        => x.IsHalf ? x.Wide
         : x.DType is DType.Int32 or DType.Bool ? x.To(DType.Int64)
         : null;

    // ... and what it is returned in.
    internal static DType Narrower(Tensor x) => x.IsHalf ? x.DType : DType.Int64;

    internal static long CountOf(string operation, Tensor x, int[]? dimensions)
        => Axes(operation, x, dimensions).Aggregate(1L, (count, axis) => count * x.Shape[axis]);

    extension(Tensor x)
    {
        /// <summary>Sum over some dimensions; of integers and truth values as Int64. 0 for no elements.</summary>
        /// <param name="dimensions">The dimensions.</param>
        /// <param name="keepDimensions">Whether they stay, with extent 1.</param>
        [Op(Takes = Numbers.All)]
        public Tensor Sum(int[]? dimensions = null, bool keepDimensions = false)
        {
            if (Wider(x) is { } wide)
                return wide.Sum(dimensions, keepDimensions).To(Narrower(x));
            var y = Run<Sum>("Sum", x, dimensions, keepDimensions, false, out var kept);
            return Graph.Record("Sum", y, (x, g => g.Reshape([.. kept.Span]).Expand([.. x.Shape.Span])));
        }

        /// <summary>Mean over some dimensions, NaN for no elements. Real or complex.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Mean(int[]? dimensions = null, bool keepDimensions = false)
        {
            RequireFloating("Mean", x);
            if (x.IsHalf)
                return x.Wide.Mean(dimensions, keepDimensions).To(x.DType);
            // 0 / 0 for no elements, which is NaN.
            var scale = 1.0 / CountOf("Mean", x, dimensions);
            return x.Sum(dimensions, keepDimensions) * scale;
        }

        /// <summary>Product over some dimensions; of integers and truth values as Int64. 1 for no elements.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor Prod(int[]? dimensions = null, bool keepDimensions = false)
        {
            if (Wider(x) is { } wide)
                return wide.Prod(dimensions, keepDimensions).To(Narrower(x));
            var y = Run<Product>("Prod", x, dimensions, keepDimensions, false, out var kept);
            return Graph.Record("Prod", y, (x, g => g.Reshape([.. kept.Span]) * ProductsOfOthers(x, Axes("Prod", x, dimensions)).Conj()));
        }

        /// <summary>Sum of the elements that are not NaN, over some dimensions.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor NanSum(int[]? dimensions = null, bool keepDimensions = false)
        {
            RequireFloating("NanSum", x);
            _ = Axes("NanSum", x, dimensions);
            return Tensor.Where(x.IsNan(), Tensor.Zeros([], x.DType, x.Device), x).Sum(dimensions, keepDimensions);
        }

        /// <summary>Mean of the elements that are not NaN, over some dimensions; NaN when all are.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor NanMean(int[]? dimensions = null, bool keepDimensions = false)
        {
            RequireFloating("NanMean", x);
            _ = Axes("NanMean", x, dimensions);
            if (x.IsHalf)
                return x.Wide.NanMean(dimensions, keepDimensions).To(x.DType);
            var numbers = (~x.IsNan()).Sum(dimensions, keepDimensions);
            return x.NanSum(dimensions, keepDimensions) / numbers.To(x.DType.RealType);
        }

        /// <summary>How many elements over some dimensions are not zero, as Int64; NaN is not.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor CountNonzero(int[]? dimensions = null, bool keepDimensions = false)
        {
            _ = Axes("CountNonzero", x, dimensions);
            return ComparisonOps.Truth(x).Sum(dimensions, keepDimensions);
        }

        /// <summary>Whether an element over some dimensions is not zero, as Bool; false for no elements.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor Any(int[]? dimensions = null, bool keepDimensions = false)
            => Run<Any>("Any", ComparisonOps.Truth(x), dimensions, keepDimensions, false, out _);

        /// <summary>Whether all elements over some dimensions are not zero, as Bool; true for no elements.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor All(int[]? dimensions = null, bool keepDimensions = false)
            => Run<All>("All", ComparisonOps.Truth(x), dimensions, keepDimensions, false, out _);

        /// <summary>Largest element over some dimensions, NaN when one is; tied elements share the gradient.</summary>
        /// <exception cref="TensorArgumentException">There is no element to choose from, or the tensor is complex or Bool.</exception>
        [Op(Takes = Numbers.Real | Numbers.Integer)]
        public Tensor Max(int[]? dimensions = null, bool keepDimensions = false) => Extreme<Max>("Max", x, dimensions, keepDimensions);

        /// <summary>Smallest element over some dimensions, NaN when one is; tied elements share the gradient.</summary>
        /// <exception cref="TensorArgumentException">There is no element to choose from, or the tensor is complex or Bool.</exception>
        [Op(Takes = Numbers.Real | Numbers.Integer)]
        public Tensor Min(int[]? dimensions = null, bool keepDimensions = false) => Extreme<Min>("Min", x, dimensions, keepDimensions);
    }

    internal static Tensor RequireFloating(string operation, Tensor x) => x.DType.IsDifferentiable
        ? x
        : throw new TensorArgumentException(operation, nameof(x),
            $"{x.DType}", "a floating-point or complex tensor; convert with To(dtype)");

    static Tensor Extreme<R>(string operation, Tensor x, int[]? dimensions, bool keep) where R : struct, IReduction
    {
        if (x.DType.IsComplex || x.DType == DType.Bool)
            throw new TensorArgumentException(operation, nameof(x), $"{x.DType}", "real or integer numbers");
        if (x.IsHalf)
            return Extreme<R>(operation, x.Wide, dimensions, keep).To(x.DType);
        var y = Run<R>(operation, x, dimensions, keep, true, out var kept);
        return Graph.Record(operation, y, (x, g =>
        {
            var mask = x.EqualTo(y.Detach().Reshape([.. kept.Span])).To(x.DType);
            return g.Reshape([.. kept.Span]) * (mask / mask.Sum(dimensions, keepDimensions: true));
        }));
    }

    // For each element the product of the others along the axes: by multiplications only, so that zeros do no harm.
    static Tensor ProductsOfOthers(Tensor x, int[] axes)
    {
        int[] order = [.. Enumerable.Range(0, x.Rank).Except(axes), .. axes];
        var moved = x.Permute(order);
        var lines = moved.Reshape([.. moved.Shape[..^axes.Length], (int)axes.Aggregate(1L, (n, axis) => n * x.Shape[axis])]);
        int[] back = [.. Enumerable.Range(0, x.Rank).Select(d => Array.IndexOf(order, d))];
        return Others(lines).Reshape([.. moved.Shape.Span]).Permute(back);
    }

    // Neighbours are multiplied in pairs, the pairs in pairs and so on; back down, each pair's others times the neighbour are the
    // element's.
    static Tensor Others(Tensor x)
    {
        var n = x.Shape[^1];
        if (n <= 1)
            return Tensor.Ones(x.Shape, x.DType, x.Device);
        if (n % 2 != 0)
            return Others(Tensor.Concat([x, Tensor.Ones(x.Shape.With(-1, 1), x.DType, x.Device)], -1)).Narrow(-1, 0, n);
        var (even, odd) = (x.Slice(-1, 0, step: 2), x.Slice(-1, 1, step: 2));
        var others = Others(even * odd);
        return Tensor.Stack([others * odd, others * even], x.Rank).Reshape([.. x.Shape.Span]);
    }
}
