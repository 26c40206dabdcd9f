using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>One descriptor of an image from two stages of a backbone: W_f [g ; o] + b_f with the global vector g = W_t GeM(f4) + b_t of the
/// last stage and o the mean of what the local features of the stage before have orthogonal to g (<see cref="OrthogonalFusion"/>). Yang et
/// al. 2021 (DOLG).</summary>
/// <remarks>Trained by <see cref="Losses.ArcFace"/>, compared by <see cref="Analysis.Retrieval.CosineTruncated"/>; call
/// <see cref="Module.Eval"/> before descriptors are stored, because the local branch has a <see cref="BatchNorm"/>.</remarks>
public sealed class DolgHead : Module
{
    readonly Module stage;
    readonly GeMPooling pooling;
    readonly Linear global, descriptor;
    readonly SpatialAttention2d local;

    /// <summary>A head with random weights.</summary>
    /// <param name="stage">The backbone's last stage, from f3 to f4; it becomes a part.</param>
    /// <param name="localChannels">Channels of f3, and of g.</param>
    /// <param name="globalChannels">Channels of f4.</param>
    /// <param name="generator">Source of the initial weights.</param>
    /// <param name="descriptorFeatures">Features of the descriptor.</param>
    /// <param name="dilations">Of the local branch's pyramid; no pyramid when null.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive.</exception>
    public DolgHead(Module stage, int localChannels, int globalChannels, Generator generator, int descriptorFeatures = 512,
        IReadOnlyList<int>? dilations = null, DType dtype = DType.Float32)
    {
        ArgumentNullException.ThrowIfNull(stage);
        this.stage = Register("stage", stage);
        pooling = Register("pooling", new GeMPooling(dtype: dtype));
        global = Register("global", new Linear(globalChannels, localChannels, generator, dtype: dtype));
        local = Register("local", new SpatialAttention2d(localChannels, localChannels, generator, dilations, dtype));
        descriptor = Register("descriptor", new Linear(2 * localChannels, descriptorFeatures, generator, dtype: dtype));
    }

    /// <summary>The descriptors [batch, descriptorFeatures], not brought to length 1.</summary>
    /// <param name="x">f3 [batch, localChannels, height, width].</param>
    /// <exception cref="TensorArgumentException">x has other channels, or is no batch of images.</exception>
    public override Tensor Forward(Tensor x)
    {
        var g = global.Forward(pooling.Forward(stage.Forward(x)));
        return descriptor.Forward(OrthogonalFusion.Fuse(local.Forward(x), g));
    }
}
