using Ortho.Autograd;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>Changes parameters in place by their gradients.</summary>
public abstract class Optimizer
{
    /// <summary>An optimizer of some parameters.</summary>
    /// <param name="parameters">At least one; on the devices where they will stay.</param>
    /// <param name="learningRate">Step size.</param>
    /// <param name="keepsManifolds">Whether steps keep parameters on their manifolds.</param>
    /// <exception cref="ArgumentException">There are no parameters, or one lives on a manifold and steps would leave it.</exception>
    protected Optimizer(IEnumerable<Parameter> parameters, double learningRate, bool keepsManifolds = false)
    {
        Parameters = [.. parameters];
        if (Parameters.Count == 0)
            throw new ArgumentException($"{GetType().Name}: there are no parameters to optimize.", nameof(parameters));
        if (!keepsManifolds && Parameters.FirstOrDefault(parameter => parameter.Manifold is not null) is { } bound)
        {
            throw new ArgumentException($"{GetType().Name}: parameter {bound.Name} {bound.Value.Shape} lives on {bound.Manifold!.GetType().Name}; "
                + "expected free parameters. Give it to RiemannianSgd, RiemannianAdam or another optimizer that stays there.", nameof(parameters));
        }
        ArgumentOutOfRangeException.ThrowIfNegative(learningRate);
        LearningRate = learningRate;
    }

    /// <summary>What is optimized.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Step size; may be changed between steps.</summary>
    public double LearningRate { get; set; }

    /// <summary>Changes every parameter that has a gradient.</summary>
    public void Step()
    {
        using var pause = Graph.NoGrad();
        BeginStep();
        foreach (var (k, parameter) in Parameters.Index())
        {
            if (parameter.Value.Grad is { } gradient)
                Update(k, parameter, gradient);
        }
    }

    /// <summary>Forgets all gradients.</summary>
    public void ZeroGrad()
    {
        foreach (var parameter in Parameters)
            parameter.Value.ZeroGrad();
    }

    /// <summary>Called once before the parameters of a step.</summary>
    protected virtual void BeginStep()
    {
        // Only optimizers that count steps need it.
    }

    /// <summary>Changes one parameter.</summary>
    /// <param name="index">Its place in <see cref="Parameters"/>.</param>
    /// <param name="parameter">The parameter.</param>
    /// <param name="gradient">Its gradient.</param>
    protected abstract void Update(int index, Parameter parameter, Tensor gradient);

    /// <summary>For each parameter a tensor of zeros like it, outside every scope.</summary>
    protected static Tensor[] ZerosLike(IEnumerable<Parameter> parameters)
        => [.. parameters.Select(parameter => TensorScope.Release(Tensor.Zeros(parameter.Value.Shape, parameter.Value.DType, parameter.Value.Device)))];
}
