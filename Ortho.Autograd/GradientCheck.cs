using System.Numerics;
using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>What a gradient check found.</summary>
/// <param name="Error">Largest difference between the gradient and the central difference, relative to 1 + its size; infinite when either
/// is NaN.</param>
/// <param name="Where">The element where it is, for messages.</param>
public readonly record struct GradientCheckResult(double Error, string Where);

/// <summary>Compares gradients with central differences; for the library's own ops and for users'.</summary>
public static class GradientCheck
{
    /// <summary>Checks the gradients of a function at the given arguments.</summary>
    /// <param name="function">Any composition of differentiable operations, with one output of any shape.</param>
    /// <param name="arguments">Float64 or Complex128 tensors, on any device.</param>
    /// <param name="step">Step of the difference.</param>
    /// <param name="order">1 for gradients; 2 also checks the gradient of the gradient.</param>
    /// <param name="samples">At most this many elements of each argument are tried (all when fewer).</param>
    /// <exception cref="TensorArgumentException">An argument is neither Float64 nor Complex128.</exception>
    public static GradientCheckResult Run(Func<Tensor[], Tensor> function, Tensor[] arguments, double step = 1e-5, int order = 1, int samples = 24)
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(arguments);
        foreach (var argument in arguments)
        {
            if (argument.DType is not (DType.Float64 or DType.Complex128))
                throw new TensorArgumentException("GradientCheck", nameof(arguments), $"{argument.DType}", "Float64 or Complex128");
        }
        // The function is made scalar by fixed pseudo-random weights, so that every output element counts.
        Tensor Scalar(Tensor[] at)
        {
            var y = function(at);
            var weights = Weights(y.Shape, y.DType, y.Device, 0x9E3779B97F4A7C15);
            return y.DType.IsComplex ? (y * weights).Real().Sum() : (y * weights).Sum();
        }

        var first = Check(Scalar, arguments, step, samples);
        if (order < 2)
            return first;
        Tensor Slopes(Tensor[] at)
        {
            var leaves = at.Select(tensor => Graph.Wants(tensor) ? tensor : tensor.Detach().RequiresGrad()).ToArray();
            var gradients = Graph.Gradients([Scalar(leaves)], leaves, createGraph: true);
            Tensor? sum = null;
            foreach (var (k, gradient) in gradients.Index())
            {
                var weighted = gradient * Weights(gradient.Shape, gradient.DType, gradient.Device, 0xD1B54A32D192ED03 + (ulong)k);
                var part = weighted.DType.IsComplex ? weighted.Real().Sum() : weighted.Sum();
                sum = sum is null ? part : sum + part;
            }
            return sum!;
        }

        var second = Check(Slopes, arguments, step, samples);
        return second.Error > first.Error ? second with { Where = $"second order, {second.Where}" } : first;
    }

    static GradientCheckResult Check(Func<Tensor[], Tensor> scalar, Tensor[] arguments, double step, int samples)
    {
        Tensor[] leaves = [.. arguments.Select(argument => argument.Detach().RequiresGrad())];
        var value = scalar(leaves);
        var gradients = value.WantsGrad
            ? Graph.Gradients([value], leaves)
            : [.. leaves.Select(leaf => Tensor.Zeros(leaf.Shape, leaf.DType, leaf.Device))];
        var worst = new GradientCheckResult(0, "none");
        for (var k = 0; k < leaves.Length; k++)
        {
            var (elements, slopes) = (Numbers(leaves[k]), Numbers(gradients[k]));
            var stride = Math.Max(1, (elements.Length + samples - 1) / samples);
            for (var i = 0; i < elements.Length; i += stride)
            {
                var expected = new Complex(Difference(k, i, elements, 1), leaves[k].DType.IsComplex ? Difference(k, i, elements, Complex.ImaginaryOne) : 0);
                var error = (slopes[i] - expected).Magnitude / (1 + expected.Magnitude);
                // Nothing is worse than NaN, which compares as if it were small.
                if (double.IsNaN(error))
                    error = double.PositiveInfinity;
                if (error > worst.Error)
                    worst = new(error, $"argument {k}, element {i}: gradient {slopes[i]}, central difference {expected}");
            }
        }
        return worst;

        double Difference(int k, int i, Complex[] elements, Complex direction)
        {
            double At(double t)
            {
                var moved = (Complex[])elements.Clone();
                moved[i] += t * direction;
                Tensor[] at = [.. arguments];
                at[k] = Like(moved, arguments[k]);
                return scalar(at).Item();
            }
            // Fourth-order central difference: truncation h^4, so that h may be large against rounding.
            return (8 * (At(step) - At(-step)) - (At(2 * step) - At(-2 * step))) / (12 * step);
        }
    }

    static Complex[] Numbers(Tensor tensor)
        => tensor.DType.IsComplex ? tensor.ToArray<Complex>() : [.. tensor.ToArray<double>().Select(x => new Complex(x, 0))];

    static Tensor Like(Complex[] elements, Tensor tensor)
        => tensor.DType.IsComplex
            ? Tensor.From(elements, tensor.Shape, tensor.Device)
            : Tensor.From([.. elements.Select(x => x.Real)], tensor.Shape, tensor.Device);

    // Numbers in [-1, -0.25] and [0.25, 1] from a Weyl sequence: the same at every call.
    static Tensor Weights(Shape shape, DType dtype, Device device, ulong seed)
    {
        var elements = new Complex[shape.ElementCount];
        for (var i = 0; i < elements.Length; i++)
            elements[i] = new(Next(), Next());
        return dtype.IsComplex
            ? Tensor.From(elements, shape, device).To(dtype)
            : Tensor.From([.. elements.Select(x => x.Real)], shape, device).To(dtype);

        double Next()
        {
            seed = seed * 6364136223846793005 + 1442695040888963407;
            var unit = (seed >> 11) * (1.0 / (1UL << 53));
            return unit < 0.5 ? -1 + 1.5 * unit : 0.25 + 1.5 * (unit - 0.5);
        }
    }
}
