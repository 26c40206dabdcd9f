using Ortho.Tensors;
using GatherKernel = Ortho.Kernels.Indexing.Gather;

namespace Ortho.Autograd;

/// <summary>Reading by index tensors.</summary>
[OpFamily("indexing")]
public static class IndexingOps
{
    extension(Tensor x)
    {
        /// <summary>y[..., j, ...] = x[..., index[..., j, ...], ...] along a dimension.</summary>
        /// <param name="dimension">The dimension.</param>
        /// <param name="index">Int64 (or Int32), of x's shape but for the dimension.</param>
        /// <exception cref="TensorArgumentException">The index does not fit; on the CPU also: it points outside.</exception>
        [Op]
        public Tensor Gather(int dimension, Tensor index)
        {
            var axis = x.Shape.Axis(dimension, "Gather");
            index = Wide(index, "Gather");
            return Graph.Record("Gather", GatherKernel.Run(x, axis, index), (x, g => g.ScatterAdd(axis, index, x.Shape[axis])));
        }

        /// <summary>y[..., k, ...] = sum of x[..., j, ...] over the j with index[..., j, ...] = k: the adjoint of <c>Gather</c>.</summary>
        /// <param name="dimension">The dimension.</param>
        /// <param name="index">Int64 (or Int32), of x's shape.</param>
        /// <param name="extent">Extent of the dimension in the result.</param>
        [Op]
        public Tensor ScatterAdd(int dimension, Tensor index, int extent)
        {
            var axis = x.Shape.Axis(dimension, "ScatterAdd");
            index = Wide(index, "ScatterAdd");
            return Graph.Record("ScatterAdd", GatherKernel.ScatterAdd(x, axis, index, extent), (x, g => g.Gather(axis, index)));
        }

        /// <summary>Whole slices of a dimension, in the order of a vector of indices (repeats allowed).</summary>
        [Op]
        public Tensor IndexSelect(int dimension, Tensor index)
        {
            var axis = x.Shape.Axis(dimension, "IndexSelect");
            if (index.Rank != 1)
                throw new TensorArgumentException("IndexSelect", nameof(index), $"{index.Shape}", "a vector");
            var shape = x.Shape.With(axis, index.Shape[0]);
            int[] column = [.. Enumerable.Range(0, x.Rank).Select(d => d == axis ? index.Shape[0] : 1)];
            return x.Gather(axis, Wide(index, "IndexSelect").Reshape(column).Expand([.. shape.Span]));
        }

        /// <summary>Rows of 0 with a single 1 at the class given by an integer tensor.</summary>
        /// <param name="classes">Extent of the new last dimension.</param>
        /// <param name="dtype">A floating-point type.</param>
        [Op(Derivative = Derivative.None)]
        public Tensor OneHot(int classes, DType dtype = DType.Float32)
            => Wide(x, "OneHot").Unsqueeze(-1).EqualTo(Tensor.Arange(classes, DType.Int64, x.Device)).To(dtype);
    }

    static Tensor Wide(Tensor index, string operation) => index.DType switch
    {
        DType.Int64 => index,
        DType.Int32 => index.To(DType.Int64),
        _ => throw new TensorArgumentException(operation, nameof(index), $"{index.DType}", "Int64 or Int32"),
    };
}
