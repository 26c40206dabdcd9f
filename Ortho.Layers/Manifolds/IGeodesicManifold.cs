using Ortho.Tensors;

namespace Ortho.Layers.Manifolds;

/// <summary>A manifold whose geodesics are known in closed form, in both directions.</summary>
public interface IGeodesicManifold
{
    /// <summary>Where the geodesic that leaves x with velocity v is at time 1.</summary>
    /// <param name="x">Points.</param>
    /// <param name="v">A tangent vector at x.</param>
    Tensor Exp(Tensor x, Tensor v);

    /// <summary>The shortest v with <c>Exp(x, v) = y</c>, where it is unique.</summary>
    /// <param name="x">Points.</param>
    /// <param name="y">Points.</param>
    Tensor Log(Tensor x, Tensor y);

    /// <summary>The length of the shortest geodesic between each two points, of the shape of <see cref="Manifold.Inner"/>.</summary>
    /// <param name="x">Points.</param>
    /// <param name="y">Points.</param>
    Tensor Distance(Tensor x, Tensor y);
}
