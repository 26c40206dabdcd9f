using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Layers;

/// <summary>One vector of two branches, to which the local one contributes only what is orthogonal to the global one. Yang et al. 2021
/// (DOLG).</summary>
/// <remarks>In our miniature it is as good as concatenating both, and not better: a linear layer follows either.</remarks>
public static class OrthogonalFusion
{
    /// <summary>x - (x . u) u with u = d / |d|: what is left of vectors without their component along a direction; all of it where d =
    /// 0.</summary>
    /// <param name="x">Vectors along a dimension.</param>
    /// <param name="direction">d, broadcasting to x.</param>
    /// <param name="dimension">The dimension along which the vectors lie.</param>
    /// <exception cref="TensorArgumentException">Shapes or dtypes do not fit.</exception>
    public static Tensor OrthogonalComponent(Tensor x, Tensor direction, int dimension = -1)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(direction);
        int[] along = [x.Shape.Axis(dimension, "OrthogonalComponent")];
        if (direction.Rank != x.Rank || direction.Shape[along[0]] != x.Shape[along[0]])
            throw new TensorArgumentException("OrthogonalComponent", nameof(direction), $"{direction.Shape}",
                $"a shape that broadcasts to {x.Shape} but for dimension {dimension}");
        var unit = direction.Normalize(dimension);
        return x - (x * unit).Sum(along, keepDimensions: true) * unit;
    }

    /// <summary>[g ; o] with o the pooled components of the local features that are orthogonal to g.</summary>
    /// <param name="local">[batch, channels, height, width], or [batch, positions, channels].</param>
    /// <param name="global">g [batch, channels].</param>
    /// <param name="pooling">From the components [batch, channels, positions] to [batch, channels]; their mean when null, which is that of
    /// the local features without its component along g: taking the component is linear, and nothing of the size of the features is
    /// kept.</param>
    /// <returns>[batch, 2 channels].</returns>
    /// <exception cref="TensorArgumentException">Shapes or dtypes do not fit.</exception>
    public static Tensor Fuse(Tensor local, Tensor global, Func<Tensor, Tensor>? pooling = null)
    {
        ArgumentNullException.ThrowIfNull(local);
        ArgumentNullException.ThrowIfNull(global);
        if (local.Rank is not (3 or 4) || global.Rank != 2 || global.Shape[0] != local.Shape[0]
            || global.Shape[1] != local.Shape[local.Rank == 4 ? 1 : 2])
            throw new TensorArgumentException(nameof(OrthogonalFusion), nameof(global), $"{global.Shape} beside local {local.Shape}",
                "[batch, channels] beside [batch, channels, height, width] or [batch, positions, channels]");
        var features = local.Rank == 4 ? local.Flatten(2) : local.Transpose(1, 2);
        var orthogonal = pooling is null
            ? OrthogonalComponent(features.Mean([2]), global)
            : pooling(OrthogonalComponent(features, global.Unsqueeze(2), 1));
        return Tensor.Concat([global, orthogonal], 1);
    }
}
