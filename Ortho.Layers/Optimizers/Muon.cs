using Ortho.Autograd;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>Muon: the Nesterov momentum of a matrix is orthogonalised by Newton-Schulz iterations before it is applied, so that every
/// direction is learnt at the same rate. Jordan et al. 2024.</summary>
/// <remarks>Only matrices and convolution kernels [out, in, ...] (as [out, in * ...]) are taken; give vectors to <see cref="Adam"/>.</remarks>
public sealed class Muon : Optimizer
{
    readonly double momentum;
    readonly int steps;
    readonly double[] polynomial;
    readonly Tensor[] buffers;

    /// <summary>An optimizer of some matrices.</summary>
    /// <param name="parameters">Matrices and convolution kernels.</param>
    /// <param name="learningRate">Step size: about the spectral norm of a step.</param>
    /// <param name="momentum">Decay of the momentum.</param>
    /// <param name="steps">Newton-Schulz iterations.</param>
    /// <param name="polynomial">Odd coefficients a, b, c, ... of the iteration; the quintic of Jordan et al. (<see cref="OrthogonalOps.Quintic"/>) when null.</param>
    /// <exception cref="ArgumentException">A parameter is a vector.</exception>
    public Muon(IEnumerable<Parameter> parameters, double learningRate = 0.02, double momentum = 0.95, int steps = 5, IReadOnlyList<double>? polynomial = null)
        : base(parameters, learningRate)
    {
        if (Parameters.FirstOrDefault(parameter => parameter.Role == ParameterRole.Vector || parameter.Value.Rank < 2) is { } vector)
            throw new ArgumentException($"Muon: parameter {vector.Name} {vector.Value.Shape} is a {vector.Role}; expected matrices and convolution kernels. Give vectors to Adam.", nameof(parameters));
        (this.momentum, this.steps, this.polynomial) = (momentum, steps, [.. polynomial ?? OrthogonalOps.Quintic]);
        buffers = ZerosLike(Parameters);
    }

    /// <inheritdoc/>
    protected override void Update(int index, Parameter parameter, Tensor gradient)
    {
        var buffer = buffers[index];
        Pointwise.Into<Ternary<Lerp>>("Muon", buffer, buffer, gradient, 1 - momentum);
        var direction = Pointwise.Run<Ternary<Lerp>>("Muon", gradient, buffer, momentum).Flatten(1);
        var orthogonal = direction.NewtonSchulz(polynomial, steps);
        var scale = Math.Sqrt(Math.Max(1, (double)direction.Shape[0] / direction.Shape[1]));
        Pointwise.Into<Ternary<AddScaled>>("Muon", parameter.Value, parameter.Value, orthogonal.Reshape([.. parameter.Value.Shape.Span]), -LearningRate * scale);
    }
}
