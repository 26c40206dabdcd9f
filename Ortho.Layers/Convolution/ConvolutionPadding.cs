namespace Ortho.Layers;

/// <summary>What a convolution finds beyond the edge of the images.</summary>
public enum ConvolutionPadding
{
    /// <summary>The image again, from its other side: the image is a torus, on which every place is alike.</summary>
    Circular,

    /// <summary>Zeros, as many as leave the extents unchanged at stride 1.</summary>
    Zeros,

    /// <summary>Nothing: only places where the whole kernel lies on the image have an output.</summary>
    Valid,
}
