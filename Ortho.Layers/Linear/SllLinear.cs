using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>SDP-based Lipschitz layer of features: x [..., features] to the same shape; see <see cref="SdpBlock"/>.</summary>
public sealed class SllLinear : SdpBlock
{
    /// <summary>A block with normal numbers of variance 1 / features and zero bias.</summary>
    /// <param name="features">Features of x.</param>
    /// <param name="hidden">Features within.</param>
    /// <param name="generator">Source of the initial weights.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    public SllLinear(int features, int hidden, Generator generator, DType dtype = DType.Float32)
        : base("SllLinear", new MatrixOperator(), Initial([hidden, features], generator, dtype), ParameterRole.Matrix)
    {
    }
}
