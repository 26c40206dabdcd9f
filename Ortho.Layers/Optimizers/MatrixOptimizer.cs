using Ortho.Autograd;
using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Layers.Optimizers;

/// <summary>Optimizers of matrices whose direction is a function of the whole matrix of momenta: M &lt;- b M + c G, N a combination of M
/// and G, and W &lt;- (1 - rate decay) W - rate scale direction(N).</summary>
/// <remarks>
/// Taken are hidden matrices and convolution kernels, seen as [m, rest] (<see cref="Parameter.MatrixShape"/>). Embeddings, heads and
/// vectors are refused; <see cref="ParameterGroups.SplitForMuon"/> and <see cref="CombinedOptimizer"/> serve a whole network. Matrices of
/// equal shape are stacked and share all launches. Weight decay is decoupled: its factor is the learning rate alone, not the scaled step.
/// </remarks>
public abstract class MatrixOptimizer : Optimizer
{
    readonly double weightDecay;
    readonly UpdateScale scale;
    readonly Coefficients<double> momentum;

    /// <summary>An optimizer of some matrices.</summary>
    /// <param name="matrices">Hidden matrices and convolution kernels.</param>
    /// <param name="learningRate">Step size.</param>
    /// <param name="weightDecay">Share of a parameter removed per unit of learning rate.</param>
    /// <param name="scale">Factor of the direction.</param>
    /// <param name="momentum">M = A M + B G, N = C M + D G.</param>
    /// <exception cref="ArgumentException">A parameter is a vector, an embedding or a head.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A negative rate or decay.</exception>
    private protected MatrixOptimizer(IEnumerable<Parameter> matrices, double learningRate, double weightDecay, UpdateScale scale,
        Coefficients<double> momentum)
        : base(matrices, learningRate)
    {
        var name = GetType().Name;
        if (Parameters.FirstOrDefault(parameter => !parameter.IsHiddenMatrix) is { } other)
        {
            var kind = other.Role == ParameterRole.Embedding ? "an" : "a";
            throw new ArgumentException($"{name}: parameter {other.Name} {other.Value.Shape} is {kind} {other.Role}; "
                + "expected hidden matrices and convolution kernels. Give the others to Adam.", nameof(matrices));
        }
        if (Parameters.FirstOrDefault(parameter => !parameter.Value.DType.IsFloatingPoint) is { } complex)
            throw new ArgumentException($"{name}: parameter {complex.Name} is {complex.Value.DType}; expected real matrices.", nameof(matrices));
        ArgumentOutOfRangeException.ThrowIfNegative(weightDecay);
        _ = scale.Factor(1, 1);
        (this.weightDecay, this.scale, this.momentum) = (weightDecay, scale, momentum);
        Momenta = Remember("momentum", ZerosLike(Parameters));
    }

    /// <summary>M of each parameter, of its shape.</summary>
    private protected Tensor[] Momenta { get; }

    /// <summary>A running mean M = b M + (1 - b) G, looked up one step ahead, N = b M + (1 - b) G, or not, N = M.</summary>
    private protected static Coefficients<double> Mean(double beta, bool nesterov)
    {
        Decay(beta, "momentum");
        return new() { A = beta, B = 1 - beta, C = nesterov ? beta : 1, D = nesterov ? 1 - beta : 0 };
    }

    /// <summary>A sum M = M + G = N, of which the direction takes away what it has used.</summary>
    private protected static Coefficients<double> Sum => new() { A = 1, B = 1, C = 1, D = 0 };

    /// <summary>The direction of some matrices of one shape.</summary>
    /// <param name="indices">Places of the parameters, in the order of the matrices.</param>
    /// <param name="n">N [matrices, m, n]; may be overwritten.</param>
    /// <returns>[matrices, m, n].</returns>
    private protected abstract Tensor Direction(IReadOnlyList<int> indices, Tensor n);

    /// <inheritdoc/>
    protected sealed override void Update(IReadOnlyList<Due> due)
    {
        var name = GetType().Name;
        foreach (var group in due.Where(row => row.Parameter.Value.ElementCount > 0)
            .GroupBy(row => (row.Parameter.MatrixShape, row.Parameter.Value.DType, row.Parameter.Value.Device)))
        {
            using var scope = new TensorScope();
            var ((rows, columns), dtype, device) = group.Key;
            Due[] members = [.. group];
            var n = Tensor.Empty([members.Length, rows, columns], dtype, device);
            Pointwise.Update<MomentumDirection>(name,
                [.. members.Select((member, k) => new Updated(Part(n, k, member.Parameter), member.Gradient, Momenta[member.Index]))], momentum);
            var direction = Direction([.. members.Select(member => member.Index)], n);
            var step = new Coefficients<double> { A = -LearningRate * scale.Factor(rows, columns), B = 1 - LearningRate * weightDecay };
            Pointwise.Update<DescentStep>(name,
                [.. members.Select((member, k) => new Updated(member.Parameter.Value, Part(direction, k, member.Parameter)))], step);
        }
    }

    /// <summary>M = M - share taken, for sums that keep what is not used.</summary>
    /// <param name="indices">Places of the parameters, in the order of the matrices.</param>
    /// <param name="taken">[matrices, m, n].</param>
    /// <param name="share">The share that is taken away.</param>
    private protected void TakeAway(IReadOnlyList<int> indices, Tensor taken, double share)
        => Pointwise.Update<DescentStep>(GetType().Name,
            [.. indices.Select((index, k) => new Updated(Momenta[index], Part(taken, k, Parameters[index])))], new() { A = -share, B = 1 });

    // One of the stacked matrices, in its parameter's shape: a view.
    internal static Tensor Part(Tensor stack, int k, Parameter parameter) => stack.Select(0, k).Reshape([.. parameter.Value.Shape.Span]);
}
