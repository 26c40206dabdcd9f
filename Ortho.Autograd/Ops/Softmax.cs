using Ortho.Kernels.Reductions;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Sums of exponentials, without overflow, and softmax.</summary>
/// <remarks>Half-precision tensors are computed with in Float32, and the result is rounded once.</remarks>
[OpFamily("reduction")]
public static class SoftmaxOps
{
    extension(Tensor x)
    {
        /// <summary>log sum e^x over some dimensions (all when null); -infinity, with gradient 0, where all elements are.</summary>
        /// <exception cref="TensorArgumentException">There is no element, or the tensor is not real floating-point.</exception>
        [Op]
        public Tensor LogSumExp(int[]? dimensions = null, bool keepDimensions = false)
        {
            if (PointwiseOps.RequireReal("LogSumExp", x).IsHalf)
                return x.Wide.LogSumExp(dimensions, keepDimensions).To(x.DType);
            var axes = ReductionOps.RequireElements("LogSumExp", x, dimensions);
            int[] others = [.. Enumerable.Range(0, x.Rank).Except(axes)];
            var moved = x.View(x.Layout.Permute([.. others, .. axes], "LogSumExp"));
            Shape kept = [.. x.Shape.Select((extent, d) => axes.Contains(d) ? 1 : extent)];
            Shape shape = keepDimensions ? kept : [.. others.Select(d => x.Shape[d])];
            var y = Rowwise.Run<LogSumExpOfRow>(moved, null, (int)ReductionOps.CountOf("LogSumExp", x, axes));
            return Graph.Record("LogSumExp", y.View(Layout.Dense(shape)), (x, g =>
            {
                var level = x.LogSumExp(dimensions, true);
                var isNone = level.EqualTo(double.NegativeInfinity);
                return g.Reshape([.. kept.Span]) * (x - Tensor.Where(isNone, Tensor.Zeros([], x.DType, x.Device), level)).Exp();
            }));
        }

        /// <summary>log softmax along a dimension: x - log sum e^x.</summary>
        /// <exception cref="TensorArgumentException">The dimension is empty, or the tensor is not real floating-point.</exception>
        [Op]
        public Tensor LogSoftmax(int dimension = -1)
        {
            if (PointwiseOps.RequireReal("LogSoftmax", x).IsHalf)
                return x.Wide.LogSoftmax(dimension).To(x.DType);
            var axes = ReductionOps.RequireElements("LogSoftmax", x, [dimension]);
            var y = Along<LogSoftmax>(x, null, axes[0]);
            var kept = y.Detach();
            return Graph.Record("LogSoftmax", y, (x, g => Graph.IsRecording
                ? g - x.Softmax(axes[0]) * g.Sum(axes, keepDimensions: true)
                : Along<LogSoftmaxGradient>(kept, g, axes[0])), Input.Kept(kept));
        }

        /// <summary>Softmax along a dimension: e^x / sum e^x.</summary>
        /// <exception cref="TensorArgumentException">The dimension is empty, or the tensor is not real floating-point.</exception>
        [Op]
        public Tensor Softmax(int dimension = -1)
        {
            if (PointwiseOps.RequireReal("Softmax", x).IsHalf)
                return x.Wide.Softmax(dimension).To(x.DType);
            var axes = ReductionOps.RequireElements("Softmax", x, [dimension]);
            var y = Along<Softmax>(x, null, axes[0]);
            var kept = y.Detach();
            return Graph.Record("Softmax", y, (x, g =>
            {
                if (!Graph.IsRecording)
                    return Along<SoftmaxGradient>(kept, g, axes[0]);
                var softmax = x.Softmax(axes[0]);
                var weighted = g * softmax;
                return weighted - softmax * weighted.Sum(axes, keepDimensions: true);
            }), Input.Kept(kept));
        }
    }

    // A function of the rows along one dimension, which is brought to the end and back where it is not there.
    static Tensor Along<P>(Tensor a, Tensor? b, int axis) where P : struct, IRowwise
    {
        var (n, shape) = (a.Shape[axis], a.Shape);
        var inner = (int)shape[(axis + 1)..].ElementCount;
        if (inner == 1 || a.ElementCount == 0)
            return Rowwise.Run<P>(a, b, n);
        var y = Rowwise.Run<P>(Exchanged(a, n, inner), b is null ? null : Exchanged(b, n, inner), n);
        return Copy.Dense(Exchanged(y, inner, n)).View(Layout.Dense(shape));
    }

    // [..., rows, columns] in one batch, seen as [batch, columns, rows].
    static Tensor Exchanged(Tensor x, int rows, int columns)
    {
        var dense = Copy.Contiguous(x);
        var layout = dense.Layout.TryReshape([(int)(x.ElementCount / rows / columns), rows, columns])!;
        return dense.View(layout.Permute([0, 2, 1], "Softmax"));
    }
}
