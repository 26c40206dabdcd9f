using Ortho.Tensors;
using ChooseKernel = Ortho.Kernels.Indexing.Choose;
using NonZeroKernel = Ortho.Kernels.Indexing.NonZero;

namespace Ortho.Autograd;

/// <summary>Reading and writing by truth values.</summary>
[OpFamily("indexing")]
public static class MaskingOps
{
    extension(Tensor x)
    {
        /// <summary>A number where the mask holds, x elsewhere.</summary>
        /// <param name="mask">Bool; it broadcasts to x's shape.</param>
        /// <param name="value">Converted to x's dtype.</param>
        /// <exception cref="TensorArgumentException">The mask is not Bool, on another device, or does not broadcast to x.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor MaskedFill(Tensor mask, double value) => x.MaskedFill(mask, Tensor.Full([], value, x.DType, x.Device));

        /// <summary>One element where the mask holds, x elsewhere.</summary>
        /// <param name="mask">Bool; it broadcasts to x's shape.</param>
        /// <param name="value">A scalar of x's dtype.</param>
        /// <exception cref="TensorArgumentException">The mask or the value does not fit.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor MaskedFill(Tensor mask, Tensor value)
        {
            ArgumentNullException.ThrowIfNull(value);
            Check("MaskedFill", x, mask);
            return value.Rank == 0
                ? Choose("MaskedFill", mask, value, x)
                : throw new TensorArgumentException("MaskedFill", nameof(value), $"{value.Shape}", "a scalar");
        }

        /// <summary>The elements where the mask holds, in row-major order, as a vector. Waits for the device: they decide the
        /// shape.</summary>
        /// <param name="mask">Bool, broadcasting with x.</param>
        /// <exception cref="TensorArgumentException">The mask is not Bool, on another device, or does not broadcast with x.</exception>
        [Op(Takes = Numbers.All, Waits = true)]
        public Tensor MaskedSelect(Tensor mask)
        {
            ArgumentNullException.ThrowIfNull(mask);
            int[] shape = [.. Shape.Broadcast(x.Shape, mask.Shape, "MaskedSelect")];
            return IndexingOps.At("MaskedSelect", x.Expand(shape).Reshape(-1), 0, NonZeroKernel.Run("MaskedSelect", mask.Expand(shape)));
        }

        /// <summary>x with the elements where the mask holds replaced, in row-major order, by the first elements of a source.</summary>
        /// <param name="mask">Bool; it broadcasts to x's shape.</param>
        /// <param name="source">Of x's dtype, any shape, at least as many elements as the mask has true ones.</param>
        /// <exception cref="TensorArgumentException">The mask or the source does not fit; on the CPU also: the source is too short. (A device, which would have
        /// to be waited for, takes 0 for what is missing.)</exception>
        [Op(Takes = Numbers.All)]
        public Tensor MaskedScatter(Tensor mask, Tensor source)
        {
            ArgumentNullException.ThrowIfNull(source);
            Check("MaskedScatter", x, mask);
            if (x.ElementCount == 0)
                return x.Clone();
            var rank = mask.ExpandAs(x).Reshape(-1).CumSum(0) - 1;
            if (x.Device == Device.Cpu && rank.Select(0, -1).Item() is var last && last >= source.ElementCount)
            {
                throw new TensorArgumentException("MaskedScatter", nameof(source), $"of {source.ElementCount} elements",
                    $"at least {last + 1}, those that the mask selects");
            }
            // Before the first of them the rank is -1: the source's last element, which is not chosen.
            var chosen = source.ElementCount == 0 ? Tensor.Zeros([], x.DType, x.Device) : IndexingOps.At("MaskedScatter", source.Reshape(-1), 0, rank).Reshape([.. x.Shape]);
            return Choose("MaskedScatter", mask, chosen, x);
        }

        /// <summary>The indices of the elements that are not 0, row by row: Int64 [count, rank]. Waits for the device: they decide the
        /// shape.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None, Waits = true)]
        public Tensor NonZero() => NonZeroKernel.Coordinates(NonZeroKernel.Run("NonZero", Truth(x)), x.Shape).T.Contiguous();
    }

    /// <summary>a where the condition holds, b elsewhere, moving elements of any dtype.</summary>
    internal static Tensor Choose(string operation, Tensor condition, Tensor a, Tensor b)
    {
        var (shapeA, shapeB) = (a.Shape, b.Shape);
        return Graph.Record(operation, ChooseKernel.Run(operation, condition, a, b),
            (a, g => Choose(operation, condition, g, Tensor.Zeros([], g.DType, g.Device)).SumTo(shapeA)),
            (b, g => Choose(operation, condition, Tensor.Zeros([], g.DType, g.Device), g).SumTo(shapeB)));
    }

    static void Check(string operation, Tensor x, Tensor mask)
    {
        ArgumentNullException.ThrowIfNull(mask);
        if (mask.Rank > x.Rank || Shape.Broadcast(mask.Shape, x.Shape, operation) != x.Shape)
            throw new TensorArgumentException(operation, nameof(mask), $"{mask.Shape}", $"a shape that broadcasts to {x.Shape}");
    }

    static Tensor Truth(Tensor x)
    {
        x = x.Detach();
        return x.DType.IsComplex
            ? ChooseKernel.Run("NonZero", x.Real().To(DType.Bool), Tensor.Full([], 1, DType.Bool, x.Device), x.Imag().To(DType.Bool))
            : x.To(DType.Bool);
    }
}
