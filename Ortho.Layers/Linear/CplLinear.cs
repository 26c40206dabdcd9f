using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>Convex potential layer of features: x [..., features] to the same shape; see <see cref="ConvexPotentialBlock"/>.</summary>
public sealed class CplLinear : ConvexPotentialBlock
{
    /// <summary>A block with normal numbers of variance 1 / features and zero bias.</summary>
    /// <param name="features">Features of x.</param>
    /// <param name="hidden">Features within.</param>
    /// <param name="generator">Source of the initial weights.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    public CplLinear(int features, int hidden, Generator generator, DType dtype = DType.Float32)
        : base("CplLinear", new MatrixOperator(), Initial([hidden, features], generator, dtype), ParameterRole.Matrix)
    {
    }
}
