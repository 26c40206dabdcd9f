using Ortho.Layers;
using Ortho.Layers.Certification;
using Ortho.Layers.Data;
using Ortho.Tensors;

namespace Ortho.Bench.Experiments;

/// <summary>The two networks of the main job: the same shape, once of orthogonal layers and once of unconstrained ones.</summary>
static class Networks
{
    const int Channels = 16;
    const int Features = 128;

    /// <summary>Orthogonal convolution (stride 2) - MaxMin - orthogonal linear - MaxMin - orthogonal linear: every layer is 1-Lipschitz, and all
    /// but the two that reduce the dimension are isometries.</summary>
    public static Module Orthogonal(ImageDataset images, Generator generator)
    {
        var (stride, pixels) = Sizes(images);
        return new Sequential(
            new OrthogonalConv2d(1, Channels, 3, generator, stride),
            new MaxMin(),
            new Flatten(),
            new OrthogonalLinear(Channels * pixels, Features, generator),
            new MaxMin(),
            new OrthogonalLinear(Features, images.ClassCount, generator));
    }

    /// <summary>Its twin without constraints.</summary>
    public static Module Plain(ImageDataset images, Generator generator)
    {
        var (stride, pixels) = Sizes(images);
        return new Sequential(
            new PixelUnshuffle(stride),
            new CircularConv2d(stride * stride, Channels, 3, generator),
            new MaxMin(),
            new Flatten(),
            new Linear(Channels * pixels, Features, generator),
            new MaxMin(),
            new Linear(Features, images.ClassCount, generator));
    }

    // Images of odd size are taken as they are.
    static (int Stride, int Pixels) Sizes(ImageDataset images)
    {
        var stride = images.Height % 2 == 0 && images.Width % 2 == 0 ? 2 : 1;
        return (stride, images.Height / stride * (images.Width / stride));
    }

    /// <summary>The spectrum of every layer that has one, in order. The network must have seen an image.</summary>
    public static IReadOnlyList<LayerSpectrum> Spectra(Module network)
        => [.. SpectrumRecorder.Spectra(network).Select(layer => new LayerSpectrum(layer.Name, layer.Spectrum.Smallest, layer.Spectrum.Largest))];
}
