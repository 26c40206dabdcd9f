using Ortho.Tensors;
using GatherKernel = Ortho.Kernels.Indexing.Gather;

namespace Ortho.Autograd;

/// <summary>Reading by index tensors.</summary>
/// <remarks>Indices are Int64 (or Int32) and on the tensor's device; negative ones count from the end. One that leaves its dimension is an
/// exception on the CPU. A device cannot report it without waiting: there an element read from outside is 0, and one written to outside is
/// dropped.</remarks>
[OpFamily("indexing")]
public static class IndexingOps
{
    extension(Tensor x)
    {
        /// <summary>y[..., j, ...] = x[..., index[..., j, ...], ...] along a dimension.</summary>
        /// <param name="dimension">The dimension.</param>
        /// <param name="index">Of x's rank; in the other dimensions at most x's extents (then only the leading part of x is read).</param>
        /// <exception cref="TensorArgumentException">The index does not fit; on the CPU also: it points outside.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Gather(int dimension, Tensor index)
        {
            var axis = x.Shape.Axis(dimension, "Gather");
            return At("Gather", Leading("Gather", x, axis, index), axis, Wide(index, "Gather"));
        }

        /// <summary>As <c>Gather</c>, but the other dimensions of x and the index broadcast. NumPy's take_along_axis.</summary>
        /// <exception cref="TensorArgumentException">The index does not fit; on the CPU also: it points outside.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor TakeAlongDim(Tensor index, int dimension)
        {
            ArgumentNullException.ThrowIfNull(index);
            var axis = x.Shape.Axis(dimension, "TakeAlongDim");
            if (index.Rank != x.Rank)
                throw new TensorArgumentException("TakeAlongDim", nameof(index), $"{index.Shape}", $"{x.Rank} dimensions, as {x.Shape}");
            var joint = Shape.Broadcast(x.Shape.With(axis, 1), index.Shape.With(axis, 1), "TakeAlongDim");
            var (from, at) = (x.Expand([.. joint.With(axis, x.Shape[axis])]), index.Expand([.. joint.With(axis, index.Shape[axis])]));
            return At("TakeAlongDim", from, axis, Wide(at, "TakeAlongDim"));
        }

        /// <summary>Elements at positions in the row-major order of the whole tensor; of the index's shape.</summary>
        /// <exception cref="TensorArgumentException">The index has another dtype or device; on the CPU also: it points outside.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Take(Tensor index) => At("Take", x.Reshape(-1), 0, Wide(index, "Take").Reshape(-1)).Reshape([.. index.Shape]);

        /// <summary>Whole slices of a dimension, in the order of a vector of indices (repeats allowed).</summary>
        /// <exception cref="TensorArgumentException">The index is no vector, or has another dtype or device; on the CPU also: it points
        /// outside.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor IndexSelect(int dimension, Tensor index)
            => At("IndexSelect", x, x.Shape.Axis(dimension, "IndexSelect"), Vector(index, "IndexSelect"));

        /// <summary>Rows of 0 with a single 1 at the class given by an integer tensor; all 0 where it names no class.</summary>
        /// <param name="classes">Extent of the new last dimension.</param>
        /// <param name="dtype">Any real dtype.</param>
        /// <exception cref="TensorArgumentException">The tensor is not of integers.</exception>
        [Op(Takes = Numbers.Integer, Derivative = Derivative.None)]
        public Tensor OneHot(int classes, DType dtype = DType.Float32)
            => Wide(x, "OneHot").Unsqueeze(-1).EqualTo(Tensor.Arange(classes, DType.Int64, x.Device)).To(dtype);
    }

    /// <summary>x at the positions of an index of the shape of x but for the axis, or of a vector. Its adjoint adds to those
    /// positions.</summary>
    internal static Tensor At(string operation, Tensor x, int axis, Tensor index)
    {
        var shape = x.Shape;
        return Graph.Record(operation, GatherKernel.Run(x, axis, index, operation),
            (x, g => ScatteringOps.Spread(operation, shape, axis, index, g)));
    }

    // The part of x that an index with smaller extents addresses.
    internal static Tensor Leading(string operation, Tensor x, int axis, Tensor index)
    {
        ArgumentNullException.ThrowIfNull(index);
        if (index.Rank != x.Rank || Enumerable.Range(0, x.Rank).Any(d => d != axis && index.Shape[d] > x.Shape[d]))
            throw new TensorArgumentException(operation, nameof(index), $"{index.Shape}", $"at most {x.Shape} but for dimension {axis}");
        return Enumerable.Range(0, x.Rank).Where(d => d != axis).Aggregate(x, (part, d) => part.Narrow(d, 0, index.Shape[d]));
    }

    internal static Tensor Vector(Tensor index, string operation)
    {
        ArgumentNullException.ThrowIfNull(index);
        return index.Rank == 1 ? Wide(index, operation) : throw new TensorArgumentException(operation, nameof(index), $"{index.Shape}",
            "a vector");
    }

    internal static Tensor Wide(Tensor index, string operation)
    {
        ArgumentNullException.ThrowIfNull(index);
        return index.DType switch
        {
            DType.Int64 => index,
            DType.Int32 => index.To(DType.Int64),
            _ => throw new TensorArgumentException(operation, nameof(index), $"{index.DType}", "Int64 or Int32"),
        };
    }
}
