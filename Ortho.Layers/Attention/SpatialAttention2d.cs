using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>Local features of an image, each of a length that says how much it matters: a u / |u| with u = BatchNorm(conv1x1(x)) and the
/// score a = softplus(conv1x1(ReLU u)); before them an <see cref="AtrousPyramid"/>, if asked for. The local branch of Yang et al. 2021
/// (DOLG).</summary>
/// <remarks>u is brought to length 1 before the ReLU that the score looks through.</remarks>
public sealed class SpatialAttention2d : Module
{
    readonly AtrousPyramid? pyramid;
    readonly Conv2d features, score;
    readonly BatchNorm norm;

    /// <summary>A layer with the initial weights of <see cref="Conv2d"/>.</summary>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="channels">Channels of the local features.</param>
    /// <param name="generator">Source of the initial weights.</param>
    /// <param name="dilations">Of the pyramid; no pyramid when null.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive.</exception>
    public SpatialAttention2d(int inChannels, int channels, Generator generator, IReadOnlyList<int>? dilations = null,
        DType dtype = DType.Float32)
    {
        if (dilations is not null)
            pyramid = Register("pyramid", new AtrousPyramid(inChannels, (channels + 1) / 2, channels, generator, dilations, dtype));
        features = Register("features", new Conv2d(pyramid is null ? inChannels : channels, channels, 1, generator, dtype: dtype));
        norm = Register("norm", new BatchNorm(channels, dtype: dtype));
        score = Register("score", new Conv2d(channels, 1, 1, generator, dtype: dtype));
    }

    /// <summary>The local features [batch, channels, height, width].</summary>
    /// <param name="x">[batch, inChannels, height, width].</param>
    public override Tensor Forward(Tensor x) => Attend(x).Features;

    /// <summary>The local features, and their scores [batch, 1, height, width].</summary>
    /// <param name="x">[batch, inChannels, height, width].</param>
    /// <exception cref="TensorArgumentException">x has other channels, or is no batch of images.</exception>
    public (Tensor Features, Tensor Scores) Attend(Tensor x)
    {
        var u = norm.Forward(features.Forward(pyramid?.Forward(x) ?? x));
        var scores = score.Forward(u.Relu()).Softplus();
        return (u.Normalize(1) * scores, scores);
    }
}
