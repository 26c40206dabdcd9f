using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>(x - mean) / sqrt(variance + epsilon) * weight + bias for each channel. Ioffe and Szegedy 2015. In training, mean and variance
/// are the batch's, and running means of them are kept; in use (<see cref="Module.Eval"/>) they are those.</summary>
/// <remarks>x [batch, channels, ...]. Names, buffers and update are PyTorch's: running &lt;- (1 - momentum) running + momentum new, of the
/// variance that is divided by n - 1.</remarks>
public sealed class BatchNorm : Module
{
    readonly double epsilon, momentum;

    /// <summary>A layer with weights 1 and biases 0.</summary>
    /// <param name="channels">Extent of dimension 1.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="momentum">The share of a batch in the running means.</param>
    /// <param name="affine">Whether there are a weight and a bias.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no channel, or the momentum is not a share.</exception>
    public BatchNorm(int channels, double epsilon = 1e-5, double momentum = 0.1, bool affine = true, DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(momentum);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(momentum, 1);
        (this.epsilon, this.momentum) = (epsilon, momentum);
        Weight = affine ? Register("weight", Tensor.Ones([channels], dtype), ParameterRole.Vector) : null;
        Bias = affine ? Register("bias", Tensor.Zeros([channels], dtype), ParameterRole.Vector) : null;
        RunningMean = RegisterBuffer("running_mean", Tensor.Zeros([channels], dtype));
        RunningVariance = RegisterBuffer("running_var", Tensor.Ones([channels], dtype));
        BatchCount = RegisterBuffer("num_batches_tracked", Tensor.Zeros([], DType.Int64));
    }

    /// <summary>The weight [channels], if there is one.</summary>
    public Parameter? Weight { get; }

    /// <summary>The bias [channels], if there is one.</summary>
    public Parameter? Bias { get; }

    /// <summary>Running mean of the batches' means [channels].</summary>
    public ModuleBuffer RunningMean { get; }

    /// <summary>Running mean of the batches' variances [channels].</summary>
    public ModuleBuffer RunningVariance { get; }

    /// <summary>How many batches were seen in training, Int64 [].</summary>
    public ModuleBuffer BatchCount { get; }

    /// <inheritdoc/>
    /// <exception cref="TensorArgumentException">x has other channels, or in training fewer than two numbers of each.</exception>
    public override Tensor Forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        var channels = RunningMean.Value.Shape[0];
        if (x.Rank < 2 || x.Shape[1] != channels)
            throw new TensorArgumentException(nameof(BatchNorm), nameof(x), $"{x.Shape}", $"[batch, {channels}, ...]");
        int[] others = [0, .. Enumerable.Range(2, x.Rank - 2)], along = [channels, .. Enumerable.Repeat(1, x.Rank - 2)];
        if (!IsTraining)
        {
            var gain = (RunningVariance.Value + epsilon).Rsqrt();
            gain = Weight is null ? gain : gain * Weight.Value;
            var shift = RunningMean.Value * gain;
            return x * gain.Reshape(along) + (Bias is null ? -shift : Bias.Value - shift).Reshape(along);
        }
        var count = x.ElementCount / channels;
        if (count < 2)
            throw new TensorArgumentException(nameof(BatchNorm), nameof(x), $"{x.Shape}",
                "at least two numbers of each channel in training; call Eval() for use");
        var (variance, mean) = x.VarMean(others, correction: 0);
        Remember(mean, variance * ((double)count / (count - 1)));
        var scale = (variance + epsilon).Rsqrt();
        var y = (x - mean.Reshape(along)) * (Weight is null ? scale : scale * Weight.Value).Reshape(along);
        return Bias is null ? y : y + Bias.Value.Reshape(along);
    }

    void Remember(Tensor mean, Tensor variance)
    {
        using var pause = Graph.NoGrad();
        RunningMean.Assign(RunningMean.Value.Lerp(mean.Detach(), momentum));
        RunningVariance.Assign(RunningVariance.Value.Lerp(variance.Detach(), momentum));
        BatchCount.Assign(BatchCount.Value + 1L);
    }
}
