using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;
using PointwiseKernel = Ortho.Kernels.Skeletons.Pointwise;

namespace Ortho.Autograd;

/// <summary>Creation, views, copies, dtypes and devices.</summary>
[OpFamily("structure")]
public static class StructureOps
{
    extension(Tensor)
    {
        /// <summary>All elements the same number.</summary>
        [Op(Family = "creation", Takes = Numbers.Real | Numbers.Complex, Derivative = Derivative.None)]
        public static Tensor Full(Shape shape, double value, DType dtype = DType.Float32, Device? device = null)
        {
            if (!dtype.IsDifferentiable)
                return Cast.To(Tensor.Full(shape, value, DType.Float64, device), dtype);
            var y = Tensor.Empty(shape, dtype, device);
            PointwiseKernel.Into<Unary<Identity>>("Full", y, value);
            return y;
        }

        /// <summary>All elements 0.</summary>
        [Op(Family = "creation", Takes = Numbers.Real | Numbers.Complex, Derivative = Derivative.None)]
        public static Tensor Zeros(Shape shape, DType dtype = DType.Float32, Device? device = null) => Tensor.Full(shape, 0, dtype, device);

        /// <summary>All elements 1.</summary>
        [Op(Family = "creation", Takes = Numbers.Real | Numbers.Complex, Derivative = Derivative.None)]
        public static Tensor Ones(Shape shape, DType dtype = DType.Float32, Device? device = null) => Tensor.Full(shape, 1, dtype, device);

        /// <summary>The identity matrix [rows, columns], 1 on the main diagonal.</summary>
        [Op(Family = "creation", Takes = Numbers.Real | Numbers.Complex, Derivative = Derivative.None)]
        public static Tensor Eye(int rows, int? columns = null, DType dtype = DType.Float32, Device? device = null)
        {
            var n = columns ?? rows;
            var y = Tensor.Zeros([rows, n], dtype, device);
            Copy.Into(y.View(Layout.Strided([Math.Min(rows, n)], [n + 1], 0)), Tensor.Ones([Math.Min(rows, n)], dtype, device));
            return y;
        }

        /// <summary>0, 1, ..., count - 1.</summary>
        [Op(Family = "creation", Derivative = Derivative.None)]
        public static Tensor Arange(int count, DType dtype = DType.Float32, Device? device = null)
            => Cast.To(Tensor.From([.. Enumerable.Range(0, count)], [count], device), dtype);

        /// <summary>The complex tensor with these parts; half-precision parts are widened.</summary>
        [Op]
        public static Tensor Complex(Tensor re, Tensor im)
        {
            if (!re.DType.IsFloatingPoint || im.DType != re.DType || im.Shape != re.Shape)
                throw new TensorArgumentException("Complex", nameof(im), $"{im.DType} {im.Shape} beside {re.DType} {re.Shape}", "two floating-point tensors of one dtype and shape");
            if (re.IsHalf)
                return Tensor.Complex(re.Wide, im.Wide);
            var y = Tensor.Empty(re.Shape, re.DType.ComplexType, re.Device);
            Copy.Into(Part(y, 0), re);
            Copy.Into(Part(y, 1), im);
            return Graph.Record("Complex", y, (re, g => g.Real()), (im, g => g.Imag()));
        }
    }

    // The real (0) or imaginary (1) parts of a complex tensor: the same storage as real numbers, every second one.
    static Tensor Part(Tensor x, int part)
    {
        var strides = x.Layout.Strides.ToArray();
        for (var d = 0; d < strides.Length; d++)
            strides[d] *= 2;
        return x.View(Layout.Strided(x.Shape, strides, 2 * x.Layout.Offset + part), x.DType.RealType);
    }

    extension(Tensor x)
    {
        /// <summary>The matrix transpose: the last two dimensions exchanged; a view.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor T => Exchange("T", x, -2, -1);

        /// <summary>The conjugate transpose of the last two dimensions.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor H => Exchange("H", x, -2, -1).Conj();

        /// <summary>Two dimensions exchanged; a view.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor Transpose(int a, int b) => Exchange("Transpose", x, a, b);

        /// <summary>Dimensions in another order; a view.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor Permute(params int[] order)
        {
            var layout = x.Layout.Permute(order, "Permute");
            var inverse = new int[order.Length];
            for (var d = 0; d < order.Length; d++)
                inverse[x.Shape.Axis(order[d], "Permute")] = d;
            return Graph.Record("Permute", x.View(layout), (x, g => g.Permute(inverse)));
        }

        /// <summary>The same elements, in row-major order, under another shape; a view where possible. One extent may be -1.</summary>
        /// <exception cref="TensorArgumentException">The number of elements differs.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Reshape(params int[] extents)
        {
            var shape = Infer(x, extents);
            if (shape == x.Shape)
                return x;
            var layout = x.Layout.TryReshape(shape);
            var y = layout is not null ? x.View(layout) : Copy.Dense(x).View(Layout.Dense(shape));
            return Graph.Record("Reshape", y, (x, g => g.Reshape([.. x.Shape.Span])));
        }

        /// <summary>Dimensions [first, last] merged into one.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor Flatten(int first = 0, int last = -1)
        {
            if (x.Rank == 0)
                return x.Reshape(1);
            var (a, b) = (x.Shape.Axis(first, "Flatten"), x.Shape.Axis(last, "Flatten"));
            if (a > b)
                throw new TensorArgumentException("Flatten", nameof(last), $"{last}, before {first}, for shape {x.Shape}", "first <= last");
            var merged = (int)x.Shape[a..(b + 1)].ElementCount;
            return x.Reshape([.. x.Shape[..a], merged, .. x.Shape[(b + 1)..]]);
        }

        /// <summary>A new dimension of extent 1 at this place; a view.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor Unsqueeze(int dimension)
        {
            var axis = dimension < 0 ? dimension + x.Rank + 1 : dimension;
            if (axis < 0 || axis > x.Rank)
                throw new TensorArgumentException("Unsqueeze", nameof(dimension), $"{dimension} for shape {x.Shape}", $"-{x.Rank + 1} to {x.Rank}");
            return x.Reshape([.. x.Shape[..axis], 1, .. x.Shape[axis..]]);
        }

        /// <summary>All dimensions of extent 1 removed; a view.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor Squeeze() => x.Reshape([.. x.Shape.Where(extent => extent != 1)]);

        /// <summary>A dimension of extent 1 removed; a view.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor Squeeze(int dimension)
        {
            var axis = x.Shape.Axis(dimension, "Squeeze");
            if (x.Shape[axis] != 1)
                throw new TensorArgumentException("Squeeze", nameof(dimension), $"{dimension} of extent {x.Shape[axis]}", "a dimension of extent 1");
            return x.Reshape([.. x.Shape[..axis], .. x.Shape[(axis + 1)..]]);
        }

        /// <summary>Repeated along dimensions of extent 1, and along new leading ones, to a larger shape; a view.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor Expand(params int[] extents) => Broadcast("Expand", x, extents);

        /// <summary>Summed over broadcast dimensions down to a shape that broadcasts to this one: the adjoint of <c>Expand</c>.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor SumTo(Shape shape)
        {
            if (x.Shape == shape)
                return x;
            if (x.IsHalf)
                return x.Wide.SumTo(shape).To(x.DType);
            var (y, lead) = (x, x.Rank - shape.Rank);
            if (lead > 0)
                y = y.Sum([.. Enumerable.Range(0, lead)]);
            var repeated = Enumerable.Range(0, shape.Rank).Where(d => shape.Span[d] == 1 && y.Shape.Span[d] != 1).ToArray();
            if (repeated.Length > 0)
                y = y.Sum(repeated, keepDimensions: true);
            return y.Shape == shape ? y : throw new TensorArgumentException("SumTo", nameof(shape), $"{shape}", $"a shape that broadcasts to {x.Shape}");
        }

        /// <summary>A dense copy; differentiable.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor Clone() => Graph.Record("Clone", Copy.Dense(x), (x, g => g));

        /// <summary>The tensor itself when dense, else a dense copy.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor Contiguous() => x.IsContiguous ? x : x.Clone();

        /// <summary>Another dtype; real to complex adds a zero imaginary part. The tensor itself when it has the dtype.</summary>
        /// <exception cref="TensorArgumentException">Complex to real; take <c>Real()</c>.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor To(DType dtype)
        {
            if (x.DType == dtype)
                return x;
            var (from, to) = (x.DType, dtype);
            if (to.IsComplex && !from.IsComplex)
            {
                var re = x.To(to.RealType);
                return Tensor.Complex(re, Tensor.Zeros(re.Shape, re.DType, re.Device));
            }
            if (from.IsComplex && to.IsComplex)
                return Tensor.Complex(x.Real().To(to.RealType), x.Imag().To(to.RealType));
            var y = Cast.To(x, to);
            return from.IsDifferentiable && to.IsDifferentiable ? Graph.Record("To", y, (x, g => g.To(from))) : y;
        }

        /// <summary>The tensor on another device; itself when it is there.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor To(Device device)
        {
            var home = x.Device;
            return home == device ? x : Graph.Record("To", Copy.To(x, device), (x, g => g.To(home)));
        }

        /// <summary>Real parts; a view. The tensor itself when real.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor Real() => x.DType.IsComplex
            ? Graph.Record("Real", Part(x, 0), (x, g => Tensor.Complex(g, Tensor.Zeros(g.Shape, g.DType, g.Device))))
            : x;

        /// <summary>Imaginary parts; a view.</summary>
        /// <exception cref="TensorArgumentException">The tensor is real.</exception>
        [Op(Takes = Numbers.Complex)]
        public Tensor Imag() => x.DType.IsComplex
            ? Graph.Record("Imag", Part(x, 1), (x, g => Tensor.Complex(Tensor.Zeros(g.Shape, g.DType, g.Device), g)))
            : throw new TensorArgumentException("Imag", nameof(x), $"{x.DType}", "a complex tensor");
    }

    internal static Tensor Exchange(string operation, Tensor x, int a, int b)
    {
        var order = Enumerable.Range(0, x.Rank).ToArray();
        var (p, q) = (x.Shape.Axis(a, operation), x.Shape.Axis(b, operation));
        (order[p], order[q]) = (q, p);
        return Graph.Record(operation, x.View(x.Layout.Permute(order, operation)), (x, g => g.Transpose(p, q)));
    }

    internal static Tensor Broadcast(string operation, Tensor x, Shape shape)
        => shape == x.Shape ? x : Graph.Record(operation, x.View(x.Layout.Expand(shape, operation)), (x, g => g.SumTo(x.Shape)));

    static Shape Infer(Tensor x, int[] extents)
    {
        var open = Array.IndexOf(extents, -1);
        if (open >= 0)
        {
            long known = 1;
            for (var d = 0; d < extents.Length; d++)
                known *= d == open ? 1 : extents[d];
            if (known > 0 && x.ElementCount % known == 0 && !extents.Skip(open + 1).Contains(-1))
                extents = [.. extents[..open], (int)(x.ElementCount / known), .. extents[(open + 1)..]];
        }
        return !extents.Any(extent => extent < 0) && Shape.Create(extents).ElementCount == x.ElementCount
            ? Shape.Create(extents)
            : throw new TensorArgumentException("Reshape", nameof(extents), $"[{string.Join(", ", extents)}]", $"{x.ElementCount} elements, those of {x.Shape}, with at most one -1");
    }
}
