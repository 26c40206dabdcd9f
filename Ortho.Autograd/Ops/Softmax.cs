using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Reductions;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;
using PointwiseKernel = Ortho.Kernels.Skeletons.Pointwise;

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
            var y = ReductionOps.Run<LogSumExp>("LogSumExp", x, dimensions, keepDimensions, true, out var kept);
            return Graph.Record("LogSumExp", y, (x, g =>
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
            int[] axes = [x.Shape.Axis(dimension, "LogSoftmax")];
            var y = PointwiseKernel.Run<Binary<Subtract>>("LogSoftmax", x, Level("LogSoftmax", x, axes));
            return Graph.Record("LogSoftmax", y, (x, g => g - x.Softmax(axes[0]) * g.Sum(axes, keepDimensions: true)));
        }

        /// <summary>Softmax along a dimension: e^x / sum e^x.</summary>
        /// <exception cref="TensorArgumentException">The dimension is empty, or the tensor is not real floating-point.</exception>
        [Op]
        public Tensor Softmax(int dimension = -1)
        {
            if (PointwiseOps.RequireReal("Softmax", x).IsHalf)
                return x.Wide.Softmax(dimension).To(x.DType);
            int[] axes = [x.Shape.Axis(dimension, "Softmax")];
            var y = PointwiseKernel.Run<Binary<ExpDifference>>("Softmax", x, Level("Softmax", x, axes));
            return Graph.Record("Softmax", y, (x, g =>
            {
                var softmax = x.Softmax(axes[0]);
                var weighted = g * softmax;
                return weighted - softmax * weighted.Sum(axes, keepDimensions: true);
            }));
        }
    }

    static Tensor Level(string operation, Tensor x, int[] axes)
        => ReductionOps.Run<LogSumExp>(operation, x.Detach(), axes, keep: true, needsElements: true, out _);
}
