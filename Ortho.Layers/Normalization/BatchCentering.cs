using Ortho.Autograd;
using Ortho.Layers.Certification;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>Batch centring: x [batch, channels, ...] less the mean of each channel, plus bias; in use, less the running mean of the
/// training batches, a shift. What is left of batch normalisation when nothing may be stretched: 1-Lipschitz in use, and as a map of whole
/// batches in training.</summary>
public sealed class BatchCentering : Module, ILipschitz
{
    readonly double momentum;

    /// <summary>A layer with zero mean and bias.</summary>
    /// <param name="channels">Channels of x.</param>
    /// <param name="momentum">Share of a batch in the running mean.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">No channels, or a share that is none.</exception>
    public BatchCentering(int channels, double momentum = 0.1, DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        this.momentum = momentum is > 0 and <= 1
            ? momentum : throw new ArgumentOutOfRangeException(nameof(momentum), momentum, "BatchCentering: above 0, at most 1.");
        Mean = RegisterBuffer("running_mean", Tensor.Zeros([channels], dtype));
        Bias = Register("bias", Tensor.Zeros([channels], dtype), ParameterRole.Vector);
    }

    /// <summary>The running mean [channels].</summary>
    public ModuleBuffer Mean { get; }

    /// <summary>Bias [channels].</summary>
    public Parameter Bias { get; }

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">The channels differ.</exception>
    public override Tensor Forward(Tensor x)
    {
        var channels = Mean.Value.Shape[0];
        if (x.Rank < 2 || x.Shape[1] != channels)
            throw new TensorArgumentException("BatchCentering", nameof(x), $"{x.Shape}", $"[batch, {channels}, ...]");
        int[] apart = [channels, .. Enumerable.Repeat(1, x.Rank - 2)];
        if (!IsTraining)
            return x + (Bias - Mean.Value).Reshape(apart);
        var mean = x.Mean([.. Enumerable.Range(0, x.Rank).Where(dimension => dimension != 1)]);
        using (Graph.NoGrad())
            Mean.Assign(Mean.Value * (1 - momentum) + mean.Detach() * momentum);
        return x + (Bias - mean).Reshape(apart);
    }

    /// <inheritdoc/>
    public double LipschitzBound() => 1;
}
