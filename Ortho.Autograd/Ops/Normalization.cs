using Ortho.Kernels.Reductions;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Normalization of each sample by its own statistics. Real floating-point tensors.</summary>
/// <remarks>Half-precision tensors are computed with in Float32, and the result is rounded once.</remarks>
[OpFamily("normalization")]
public static class NormalizationOps
{
    extension(Tensor x)
    {
        /// <summary>(x - mean) / sqrt(variance + epsilon) * weight + bias, with mean and variance (of all, divided by their number) over the last
        /// dimensions. Ba, Kiros and Hinton 2016.</summary>
        /// <param name="normalized">The extents of the last dimensions of x, over which it is normalized.</param>
        /// <param name="weight">Of shape <paramref name="normalized"/> and x's dtype; none for 1.</param>
        /// <param name="bias">Of shape <paramref name="normalized"/> and x's dtype; none for 0.</param>
        /// <param name="epsilon">Added to the variance.</param>
        /// <returns>A tensor of x's shape.</returns>
        /// <exception cref="TensorArgumentException">The tensor does not end with these extents, one of them is 0, or weight or bias do not
        /// fit.</exception>
        [Op]
        public Tensor LayerNorm(int[] normalized, Tensor? weight = null, Tensor? bias = null, double epsilon = 1e-5)
        {
            var axes = Check("LayerNorm", x, normalized, weight, bias);
            if (x.IsHalf)
                return x.Wide.LayerNorm(normalized, weight?.Wide, bias?.Wide, epsilon).To(x.DType);
            return Normalize<LayerNorm, LayerNormGradient>("LayerNorm", x, normalized, weight, bias, epsilon, h =>
            {
                var (variance, mean) = x.VarMean(axes, 0, keepDimensions: true);
                var scale = (variance + epsilon).Rsqrt();
                var unit = (x - mean) * scale;
                return scale * (h - h.Mean(axes, true) - unit * (h * unit).Mean(axes, true));
            }, () => x.LayerNorm(normalized, epsilon: epsilon));
        }

        /// <summary>x / sqrt(mean of x^2 + epsilon) * weight, with the mean over the last dimensions. Zhang and Sennrich 2019.</summary>
        /// <param name="normalized">The extents of the last dimensions of x, over which it is normalized.</param>
        /// <param name="weight">Of shape <paramref name="normalized"/> and x's dtype; none for 1.</param>
        /// <param name="epsilon">Added to the mean.</param>
        /// <returns>A tensor of x's shape.</returns>
        /// <exception cref="TensorArgumentException">The tensor does not end with these extents, one of them is 0, or the weight does not
        /// fit.</exception>
        [Op]
        public Tensor RmsNorm(int[] normalized, Tensor? weight = null, double epsilon = 1e-6)
        {
            var axes = Check("RmsNorm", x, normalized, weight, null);
            if (x.IsHalf)
                return x.Wide.RmsNorm(normalized, weight?.Wide, epsilon).To(x.DType);
            return Normalize<RmsNorm, RmsNormGradient>("RmsNorm", x, normalized, weight, null, epsilon, h =>
            {
                var scale = (x.Square().Mean(axes, true) + epsilon).Rsqrt();
                var unit = x * scale;
                return scale * (h - unit * (h * unit).Mean(axes, true));
            }, () => x.RmsNorm(normalized, epsilon: epsilon));
        }

        /// <summary>x / max(|x|, epsilon) with the Euclidean norm along one dimension: unit vectors. A vector shorter than epsilon keeps its
        /// direction and is not stretched to length 1; 0 stays 0.</summary>
        /// <param name="dimension">The dimension along which the vectors lie.</param>
        /// <param name="epsilon">The length below which nothing is a direction.</param>
        [Op]
        public Tensor Normalize(int dimension = -1, double epsilon = 1e-12)
        {
            PointwiseOps.RequireReal("Normalize", x);
            int[] along = [x.Shape.Axis(dimension, "Normalize")];
            return x.IsHalf
                ? x.Wide.Normalize(dimension, epsilon).To(x.DType)
                : x / x.Norm(along, keepDimensions: true).Clamp(epsilon, double.PositiveInfinity);
        }
    }

    // The dimensions that are normalized over.
    static int[] Check(string operation, Tensor x, int[] normalized, Tensor? weight, Tensor? bias)
    {
        ArgumentNullException.ThrowIfNull(normalized);
        PointwiseOps.RequireReal(operation, x);
        Shape shape = [.. normalized];
        if (shape.Rank == 0 || shape.Rank > x.Rank || x.Shape[^shape.Rank..] != shape || shape.ElementCount == 0)
            throw new TensorArgumentException(operation, nameof(normalized), $"{shape} for a tensor of shape {x.Shape}", "its last extents, none of them 0");
        foreach (var (name, operand) in new[] { (nameof(weight), weight), (nameof(bias), bias) })
        {
            if (operand is not null && (operand.Shape != shape || operand.DType != x.DType || operand.Device != x.Device))
                throw new TensorArgumentException(operation, name, $"{operand.DType} {operand.Shape} on {operand.Device}", $"{x.DType} {shape} on {x.Device}");
        }
        return [.. Enumerable.Range(x.Rank - shape.Rank, shape.Rank)];
    }

    // pull: from the gradient of the normalized tensor to that of x, by differentiable operations; unit: the normalized tensor.
    static Tensor Normalize<P, G>(string operation, Tensor x, int[] normalized, Tensor? weight, Tensor? bias, double epsilon, Func<Tensor, Tensor> pull, Func<Tensor> unit)
        where P : struct, IRowwise where G : struct, IRowwise
    {
        var n = (int)Shape.Create(normalized).ElementCount;
        var y = Rowwise.Run<P>(x, null, n, epsilon, weight, bias);
        if (!Graph.IsRecording)
            return y;
        var inputs = new List<Input>
        {
            (x, g => Graph.IsRecording ? pull(weight is null ? g : g * weight) : Rowwise.Run<G>(x, g, n, epsilon, weight)),
        };
        if (weight is not null)
            inputs.Add((weight, g => (g * unit()).SumTo(weight.Shape)));
        if (bias is not null)
            inputs.Add((bias, g => g.SumTo(bias.Shape)));
        return Graph.Record(operation, y, [.. inputs]);
    }
}
