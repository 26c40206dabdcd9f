using Ortho.Kernels.Reductions;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Reductions over dimensions, softmax and norms.</summary>
[OpFamily("reduction")]
public static class ReductionOps
{
    // Brings the dimensions to the end in order, and says whether they were there as one run already (then nothing moves).
    static (Tensor Moved, int First, int[] Axes) Gather(Tensor x, int[]? dimensions, string operation)
    {
        var axes = dimensions is null ? [.. Enumerable.Range(0, x.Rank)] : dimensions.Select(d => x.Shape.Axis(d, operation)).Order().ToArray();
        if (axes.Distinct().Count() != axes.Length)
            throw new TensorArgumentException(operation, nameof(dimensions), $"[{string.Join(", ", dimensions!)}]", "each dimension once");
        if (axes.Length == 0)
            return (x, 0, axes);
        if (axes[^1] - axes[0] == axes.Length - 1)
            return (x, axes[0], axes);
        var order = Enumerable.Range(0, x.Rank).Except(axes).Concat(axes).ToArray();
        return (x.View(x.Layout.Permute(order, operation)), x.Rank - axes.Length, axes);
    }

    static Tensor Run<R>(string operation, Tensor x, int[]? dimensions, bool keep, bool needsElements, out Shape kept) where R : struct, IReduction
    {
        var (moved, first, axes) = Gather(x, dimensions, operation);
        Shape full = [.. x.Shape.Span.ToArray().Select((extent, d) => axes.Contains(d) ? 1 : extent)];
        if (needsElements && axes.Any(axis => x.Shape[axis] == 0))
            throw new TensorArgumentException(operation, nameof(x), $"of shape {x.Shape}, empty along the reduced dimensions", "at least one element");
        var y = Reduce.Over<R>(operation, moved, first, axes.Length);
        kept = full;
        return keep ? y.View(Layout.Dense(full)) : y;
    }

    extension(Tensor x)
    {
        /// <summary>Sum over some dimensions (all when null); of integers and truth values as Int64.</summary>
        /// <param name="dimensions">The dimensions; negative ones count from the end.</param>
        /// <param name="keepDimensions">Whether they stay, with extent 1.</param>
        [Op(Takes = Numbers.All)]
        public Tensor Sum(int[]? dimensions = null, bool keepDimensions = false)
        {
            if (Wider(x) is { } wide)
                return wide.Sum(dimensions, keepDimensions).To(Narrower(x));
            var y = Run<Sum>("Sum", x, dimensions, keepDimensions, false, out var kept);
            return Graph.Record("Sum", y, (x, g => g.Reshape([.. kept.Span]).Expand([.. x.Shape.Span])));
        }

        /// <summary>Mean over some dimensions (all when null). Real or complex.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Mean(int[]? dimensions = null, bool keepDimensions = false)
        {
            var y = x.Sum(dimensions, keepDimensions);
            return y * ((double)Math.Max(1, y.ElementCount) / Math.Max(1, x.ElementCount));
        }

        /// <summary>Whether an element over some dimensions (all when null) is not zero, as Bool; false for none.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor Any(int[]? dimensions = null, bool keepDimensions = false)
            => Run<Any>("Any", ComparisonOps.Truth(x), dimensions, keepDimensions, false, out _);

        /// <summary>Whether all elements over some dimensions (all when null) are not zero, as Bool; true for none.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor All(int[]? dimensions = null, bool keepDimensions = false)
            => Run<All>("All", ComparisonOps.Truth(x), dimensions, keepDimensions, false, out _);

        /// <summary>Largest element over some dimensions (all when null), NaN when one is; tied elements share the gradient.</summary>
        /// <exception cref="TensorArgumentException">There is no element to choose from.</exception>
        [Op(Takes = Numbers.Real | Numbers.Integer)]
        public Tensor Max(int[]? dimensions = null, bool keepDimensions = false)
            => Extreme("Max", x, Run<Max>("Max", Ordered(x, "Max"), dimensions, keepDimensions, true, out var kept), kept, dimensions);

        /// <summary>Smallest element over some dimensions (all when null), NaN when one is; tied elements share the gradient.</summary>
        /// <exception cref="TensorArgumentException">There is no element to choose from.</exception>
        [Op(Takes = Numbers.Real | Numbers.Integer)]
        public Tensor Min(int[]? dimensions = null, bool keepDimensions = false)
            => Extreme("Min", x, Run<Min>("Min", Ordered(x, "Min"), dimensions, keepDimensions, true, out var kept), kept, dimensions);

        /// <summary>Product over some dimensions (all when null); of integers and truth values as Int64. The gradient needs non-zero elements.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor Prod(int[]? dimensions = null, bool keepDimensions = false)
        {
            if (Wider(x) is { } wide)
                return wide.Prod(dimensions, keepDimensions).To(Narrower(x));
            var y = Run<Product>("Prod", x, dimensions, keepDimensions, false, out var kept);
            return Graph.Record("Prod", y, (x, g => (g * x.Prod(dimensions, keepDimensions).Conj()).Reshape([.. kept.Span]) / x.Conj()));
        }

        /// <summary>log sum e^x over some dimensions (all when null), without overflow.</summary>
        /// <exception cref="TensorArgumentException">There is no element.</exception>
        [Op]
        public Tensor LogSumExp(int[]? dimensions = null, bool keepDimensions = false)
        {
            var y = Run<LogSumExp>("LogSumExp", RequireReal(x, "LogSumExp"), dimensions, keepDimensions, true, out var kept);
            return Graph.Record("LogSumExp", y, (x, g => g.Reshape([.. kept.Span]) * (x - x.LogSumExp(dimensions, true)).Exp()));
        }

        /// <summary>log softmax along a dimension: x - log sum e^x.</summary>
        [Op]
        public Tensor LogSoftmax(int dimension = -1) => x - x.LogSumExp([dimension], keepDimensions: true);

        /// <summary>Softmax along a dimension: e^x / sum e^x.</summary>
        [Op]
        public Tensor Softmax(int dimension = -1) => x.LogSoftmax(dimension).Exp();

        /// <summary>Euclidean norm over some dimensions (all when null); a real number also of complex elements. Its gradient at 0 is 0.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Norm(int[]? dimensions = null, bool keepDimensions = false)
        {
            var squares = x.DType.IsComplex ? x.Real().Square() + x.Imag().Square() : x.Square();
            var sum = squares.Sum(dimensions, keepDimensions);
            // Where the sum is 0 the root is taken of 1 and discarded, so that no 0 * infinity arises in the gradient.
            var isZero = sum.EqualTo(Tensor.Zeros([], sum.DType, sum.Device));
            return Tensor.Where(isZero, sum, Tensor.Where(isZero, Tensor.Ones([], sum.DType, sum.Device), sum).Sqrt());
        }
    }

    // What a sum or product is computed in, unless in the dtype itself, ...
    static Tensor? Wider(Tensor x)
        => x.DType.IsHalfPrecision ? x.To(DType.Float32)
         : x.DType is DType.Int32 or DType.Bool ? x.To(DType.Int64)
         : null;

    // ... and what it is returned in.
    static DType Narrower(Tensor x) => x.DType.IsHalfPrecision ? x.DType : DType.Int64;

    static Tensor RequireReal(Tensor x, string operation)
        => x.DType.IsFloatingPoint ? x : throw new TensorArgumentException(operation, nameof(x), $"{x.DType}", "a floating-point tensor");

    static Tensor Ordered(Tensor x, string operation)
        => x.DType.IsComplex || x.DType == DType.Bool ? throw new TensorArgumentException(operation, nameof(x), $"{x.DType}", "real or integer numbers") : x;

    static Tensor Extreme(string operation, Tensor x, Tensor y, Shape kept, int[]? dimensions)
        => Graph.Record(operation, y, (x, g =>
        {
            var mask = x.EqualTo(y.Detach().Reshape([.. kept.Span])).To(x.DType);
            return g.Reshape([.. kept.Span]) * (mask / mask.Sum(dimensions, keepDimensions: true));
        }));
}
