using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>Limits gradients between <c>Backward</c> and a step. Nothing is read from the device.</summary>
public static class GradientClipping
{
    // Keeps the limit a little below what was asked, and zero gradients zero.
    const double Epsilon = 1e-6;

    /// <summary>Scales all gradients together so that their joint Euclidean norm is at most a limit. Pascanu, Mikolov and Bengio
    /// 2013.</summary>
    /// <remarks>A norm that is not a number makes all gradients so: a diverged training is seen, not hidden.</remarks>
    /// <param name="parameters">Those without a gradient are skipped.</param>
    /// <param name="limit">The largest norm.</param>
    /// <returns>The norm before, a tensor [] on the device of the first gradient (in float64 if that is), or on the CPU when there is
    /// none.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The limit is not positive.</exception>
    public static Tensor ByNorm(IEnumerable<Parameter> parameters, double limit)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        using var pause = Graph.NoGrad();
        Tensor[] all = [.. parameters.Select(parameter => parameter.Value).Where(value => value.Grad is not null).Distinct()];
        if (all.Length == 0)
            return Tensor.Zeros([]);
        var (dtype, device) = (all[0].DType.RealType == DType.Float64 ? DType.Float64 : DType.Float32, all[0].Device);
        var norm = Tensor.Stack([.. all.Select(value => value.Grad!.Norm().To(dtype).To(device))]).Norm();
        var factor = Tensor.Minimum(limit / (norm + Epsilon), Tensor.Ones([], dtype, device));
        // Not in place: several parameters may have one and the same tensor as gradient.
        foreach (var value in all)
            value.Grad = value.Grad! * factor.To(value.DType).To(value.Device);
        return norm;
    }

    /// <summary>Limits every element of the gradients to [-limit, limit].</summary>
    /// <param name="parameters">Real; those without a gradient are skipped.</param>
    /// <param name="limit">The largest magnitude.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit is not positive.</exception>
    public static void ByValue(IEnumerable<Parameter> parameters, double limit)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        using var pause = Graph.NoGrad();
        foreach (var value in parameters.Select(parameter => parameter.Value).Where(value => value.Grad is not null).Distinct())
            value.Grad = value.Grad!.Clamp(-limit, limit);
    }
}
