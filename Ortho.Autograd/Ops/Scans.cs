using Ortho.Kernels.Reductions;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>Running results along a dimension, in an order of joining that depends on the shape alone.</summary>
[OpFamily("reduction")]
public static class ScanOps
{
    static Tensor Sums(Tensor x, int axis, bool reverse)
        => Graph.Record("CumSum", Scan.Over<Running<Sum>>("CumSum", x, null, axis, reverse), (x, g => Sums(g, axis, !reverse)));

    // y_i = x_i, but for the place before the first, which gets a number: the scan without its last element.
    static Tensor Before(Tensor x, int axis, double first)
    {
        var n = x.Shape[axis];
        return n == 0 ? x : Tensor.Concat([Tensor.Full(x.Shape.With(axis, 1), first, x.DType, x.Device), x.Narrow(axis, 0, n - 1)], axis);
    }

    static Tensor After(Tensor x, int axis, double last)
    {
        var n = x.Shape[axis];
        return n == 0 ? x : Tensor.Concat([x.Narrow(axis, 1, n - 1), Tensor.Full(x.Shape.With(axis, 1), last, x.DType, x.Device)], axis);
    }

    // h_i = a_i h_(i-1) + b_i. The adjoint is the same recurrence in the other direction, with each a at its neighbour's place.
    static Tensor Recurrence(Tensor a, Tensor b, int axis, bool reverse)
    {
        var h = Scan.Over<LinearRecurrence>("LinearRecurrence", a, b, axis, reverse);
        return Graph.Record("LinearRecurrence", h, (a, g => Back(g) * Previous(Recurrence(a, b, axis, reverse)).Conj()), (b, Back));

        Tensor Back(Tensor g) => Recurrence((reverse ? Before(a, axis, 0) : After(a, axis, 0)).Conj(), g, axis, !reverse);

        Tensor Previous(Tensor h) => reverse ? After(h, axis, 0) : Before(h, axis, 0);
    }

    static (Tensor Values, Tensor Indices) Extremes<S>(string operation, Tensor x, int dimension) where S : struct, IScan
    {
        var axis = x.Shape.Axis(dimension, operation);
        if (x.DType.IsComplex || x.DType == DType.Bool)
            throw new TensorArgumentException(operation, nameof(x), $"{x.DType}", "real or integer numbers");
        var numbers = x.Detach().Wide;
        if (numbers.DType == DType.Float32 && x.Shape[axis] > 1 << 24)
            throw new TensorArgumentException(operation, nameof(x),
                $"{x.Shape}", $"at most {1 << 24} elements along dimension {axis} in Float32");
        var positions = Tensor.Empty(x.Shape, numbers.DType, x.Device);
        Scan.Over<S>(operation, numbers, null, axis, states: positions);
        var indices = Cast.To(positions, DType.Int64);
        return (x.Gather(axis, indices), indices);
    }

    extension(Tensor x)
    {
        /// <summary>y_i = x_0 + ... + x_i along a dimension; of integers and truth values as Int64.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor CumSum(int dimension)
        {
            var axis = x.Shape.Axis(dimension, "CumSum");
            return ReductionOps.Wider(x) is { } wide ? wide.CumSum(axis).To(ReductionOps.Narrower(x)) : Sums(x, axis, reverse: false);
        }

        /// <summary>y_i = x_0 ... x_i along a dimension; of integers and truth values as Int64. The gradient is right also with
        /// zeros.</summary>
        [Op(Takes = Numbers.All)]
        public Tensor CumProd(int dimension)
        {
            var axis = x.Shape.Axis(dimension, "CumProd");
            if (ReductionOps.Wider(x) is { } wide)
                return wide.CumProd(axis).To(ReductionOps.Narrower(x));
            // dL/dx_i is the product before i times h_i = g_i + x_(i+1) h_(i+1): nothing is divided by.
            return Graph.Record("CumProd", Scan.Over<Running<Product>>("CumProd", x, null, axis),
                (x, g => Before(x.CumProd(axis), axis, 1).Conj() * Recurrence(After(x, axis, 0).Conj(), g, axis, reverse: true)));
        }

        /// <summary>The largest element so far along a dimension and where it is, the last of equals; NaN from the first NaN on.</summary>
        /// <exception cref="TensorArgumentException">The tensor is complex or Bool.</exception>
        [Op(Takes = Numbers.Real | Numbers.Integer)]
        public (Tensor Values, Tensor Indices) CumMax(int dimension) => Extremes<LargestSoFar>("CumMax", x, dimension);

        /// <summary>The smallest element so far along a dimension and where it is, the last of equals; NaN from the first NaN on.</summary>
        /// <exception cref="TensorArgumentException">The tensor is complex or Bool.</exception>
        [Op(Takes = Numbers.Real | Numbers.Integer)]
        public (Tensor Values, Tensor Indices) CumMin(int dimension) => Extremes<SmallestSoFar>("CumMin", x, dimension);

        /// <summary>log(e^x_0 + ... + e^x_i) along a dimension, without overflow.</summary>
        [Op]
        public Tensor LogCumSumExp(int dimension)
        {
            var axis = x.Shape.Axis(dimension, "LogCumSumExp");
            if (PointwiseOps.RequireReal("LogCumSumExp", x).IsHalf)
                return x.Wide.LogCumSumExp(axis).To(x.DType);
            // dL/dx_i = e^(x_i - y_i) h_i with h_i = g_i + e^(y_i - y_(i+1)) h_(i+1): no exponent is positive. Where y is still -infinity
            // nothing depends on x.
            return Graph.Record("LogCumSumExp", Scan.Over<Running<LogSumExp>>("LogCumSumExp", x, null, axis), (x, g =>
            {
                var y = x.LogCumSumExp(axis);
                var none = y.EqualTo(double.NegativeInfinity);
                var (zero, least) = (Tensor.Zeros([], x.DType, x.Device), Tensor.Full([], double.NegativeInfinity, x.DType, x.Device));
                var level = Tensor.Where(none, zero, y);
                var ratio = Tensor.Where(none, least, y - After(level, axis, double.PositiveInfinity)).Exp();
                return Tensor.Where(none, least, x - level).Exp() * Recurrence(ratio, g, axis, reverse: true);
            }));
        }

        /// <summary>The differences x_(i+1) - x_i along a dimension, <paramref name="order"/> times over; of truth values whether they
        /// differ.</summary>
        /// <exception cref="TensorArgumentException">The order is negative.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor Diff(int order = 1, int dimension = -1)
        {
            var axis = x.Shape.Axis(dimension, "Diff");
            if (order < 0)
                throw new TensorArgumentException("Diff", nameof(order), $"{order}", "0 or more");
            var y = x;
            for (var k = 0; k < order && y.Shape[axis] > 0; k++)
            {
                var (later, earlier) = (y.Slice(axis, 1), y.Narrow(axis, 0, y.Shape[axis] - 1));
                y = x.DType == DType.Bool ? later ^ earlier : later - earlier;
            }
            return y;
        }
    }
}
