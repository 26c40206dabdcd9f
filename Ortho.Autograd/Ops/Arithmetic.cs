using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;
using PointwiseKernel = Ortho.Kernels.Skeletons.Pointwise;

namespace Ortho.Autograd;

/// <summary>Arithmetic, with NumPy broadcasting and PyTorch's promotion: between tensors the larger dtype wins; a number keeps the tensor's
/// dtype, except that an integer tensor with a fraction becomes Float32.</summary>
/// <remarks>Sums and products of integers wrap around. Truth values add as "or" and multiply as "and"; with integers they are
/// Int64.</remarks>
[OpFamily("pointwise")]
public static class ArithmeticOps
{
    internal static (Tensor, Tensor) Promote(Tensor a, Tensor b)
    {
        var dtype = DTypes.Promote(a.DType, b.DType);
        return (a.To(dtype), b.To(dtype));
    }

    /// <summary>Integers and truth values as Float32, the dtype of their quotients and of what they give with fractions.</summary>
    internal static Tensor Fractional(Tensor x) => x.DType.IsDifferentiable ? x : x.To(DType.Float32);

    /// <summary>An integer beside a tensor of integers, exactly; truth values become Int64.</summary>
    /// <exception cref="TensorArgumentException">It does not fit the tensor's dtype.</exception>
    internal static (Tensor, Operand) Beside(string operation, Tensor x, long value)
    {
        if (x.DType == DType.Bool)
            x = x.To(DType.Int64);
        if (x.DType == DType.Int32 && value != (int)value)
            throw new TensorArgumentException(operation, nameof(value),
                $"{value} beside {x.DType}", $"{int.MinValue} to {int.MaxValue}, or To(DType.Int64) first");
        // Operands are float64 numbers, which hold integers up to 2^53.
        return value is >= -(1L << 53) and <= 1L << 53 ? (x, (double)value) : (x, Tensor.Scalar(value, x.Device));
    }

    /// <summary>Refuses a second operand on another device, in the name of an op that is composed of others.</summary>
    internal static void RequireOneDevice(string operation, Tensor a, Tensor b)
    {
        if (b.Device != a.Device)
            throw new TensorArgumentException(operation, nameof(b), $"on {b.Device}", $"on {a.Device}");
    }

    static Tensor NoTruthValues(string operation, Tensor x) => x.DType != DType.Bool
        ? x
        : throw new TensorArgumentException(operation, nameof(x),
            "Bool", "numbers; for truth values use ^ or ~, or convert with To(dtype)");

    extension(Tensor)
    {
        /// <summary>Sum; dtypes are promoted.</summary>
        [Op(Takes = Numbers.All)]
        public static Tensor operator +(Tensor a, Tensor b)
        {
            (a, b) = Promote(a, b);
            return a.DType == DType.Bool
                ? a | b
                : Graph.Record("Add", PointwiseKernel.Run<Binary<Add>>("Add", a, b), (a, g => g.SumTo(a.Shape)), (b, g => g.SumTo(b.Shape)));
        }

        /// <summary>Difference; dtypes are promoted. Not of truth values.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex | Numbers.Integer)]
        public static Tensor operator -(Tensor a, Tensor b)
        {
            (a, b) = Promote(a, b);
            NoTruthValues("Subtract", a);
            return Graph.Record("Subtract", PointwiseKernel.Run<Binary<Subtract>>("Subtract", a, b), (a, g => g.SumTo(a.Shape)), (b, g => (-g).SumTo(b.Shape)));
        }

        /// <summary>Product; dtypes are promoted.</summary>
        [Op(Takes = Numbers.All)]
        public static Tensor operator *(Tensor a, Tensor b)
        {
            (a, b) = Promote(a, b);
            return a.DType == DType.Bool
                ? a & b
                : Graph.Record("Multiply", PointwiseKernel.Run<Binary<Multiply>>("Multiply", a, b),
                    (a, g => (g * b.Conj()).SumTo(a.Shape)), (b, g => (g * a.Conj()).SumTo(b.Shape)));
        }

        /// <summary>Quotient; dtypes are promoted, integers to Float32.</summary>
        [Op(Takes = Numbers.All)]
        public static Tensor operator /(Tensor a, Tensor b)
        {
            (a, b) = Promote(a, b);
            return PointwiseOps.Apply<Binary<Divide>>("Divide", Fractional(a), Fractional(b));
        }

        /// <summary>Sum with a number.</summary>
        [Op(Takes = Numbers.All)]
        public static Tensor operator +(Tensor a, double b)
        {
            a = Fractional(a);
            return Graph.Record("Add", PointwiseKernel.Run<Binary<Add>>("Add", a, b), (a, g => g));
        }

        /// <summary>Sum with an integer.</summary>
        [Op(Takes = Numbers.All)]
        public static Tensor operator +(Tensor a, long b)
        {
            if (a.DType.IsDifferentiable)
                return a + (double)b;
            (a, var number) = Beside("Add", a, b);
            return PointwiseKernel.Run<Binary<Add>>("Add", a, number);
        }

        /// <summary>Sum with a number.</summary>
        [Op(Takes = Numbers.All)]
        public static Tensor operator +(double a, Tensor b) => b + a;

        /// <summary>Sum with an integer.</summary>
        [Op(Takes = Numbers.All)]
        public static Tensor operator +(long a, Tensor b) => b + a;

        /// <summary>Difference with a number.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex | Numbers.Integer)]
        public static Tensor operator -(Tensor a, double b) => a + -b;

        /// <summary>Difference with an integer.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex | Numbers.Integer)]
        public static Tensor operator -(Tensor a, long b)
        {
            if (a.DType.IsDifferentiable)
                return a + -(double)b;
            (a, var number) = Beside("Subtract", a, b);
            return PointwiseKernel.Run<Binary<Subtract>>("Subtract", a, number);
        }

        /// <summary>Difference with a number.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex | Numbers.Integer)]
        public static Tensor operator -(double a, Tensor b)
        {
            b = Fractional(b);
            return Graph.Record("Subtract", PointwiseKernel.Run<Binary<Subtract>>("Subtract", a, b), (b, g => -g));
        }

        /// <summary>Difference with an integer.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex | Numbers.Integer)]
        public static Tensor operator -(long a, Tensor b)
        {
            if (b.DType.IsDifferentiable)
                return (double)a - b;
            (b, var number) = Beside("Subtract", b, a);
            return PointwiseKernel.Run<Binary<Subtract>>("Subtract", number, b);
        }

        /// <summary>Product with a number.</summary>
        [Op(Takes = Numbers.All)]
        public static Tensor operator *(Tensor a, double b)
        {
            a = Fractional(a);
            return Graph.Record("Multiply", PointwiseKernel.Run<Binary<Multiply>>("Multiply", a, b), (a, g => g * b));
        }

        /// <summary>Product with an integer.</summary>
        [Op(Takes = Numbers.All)]
        public static Tensor operator *(Tensor a, long b)
        {
            if (a.DType.IsDifferentiable)
                return a * (double)b;
            (a, var number) = Beside("Multiply", a, b);
            return PointwiseKernel.Run<Binary<Multiply>>("Multiply", a, number);
        }

        /// <summary>Product with a number.</summary>
        [Op(Takes = Numbers.All)]
        public static Tensor operator *(double a, Tensor b) => b * a;

        /// <summary>Product with an integer.</summary>
        [Op(Takes = Numbers.All)]
        public static Tensor operator *(long a, Tensor b) => b * a;

        /// <summary>Quotient with a number; of integers in Float32.</summary>
        [Op(Takes = Numbers.All)]
        public static Tensor operator /(Tensor a, double b)
        {
            a = Fractional(a);
            return Graph.Record("Divide", PointwiseKernel.Run<Binary<Divide>>("Divide", a, b), (a, g => g / b));
        }

        /// <summary>Quotient with a number; of integers in Float32.</summary>
        [Op(Takes = Numbers.All)]
        public static Tensor operator /(double a, Tensor b) => PointwiseOps.Apply<Binary<Divide>>("Divide", a, Fractional(b));

        /// <summary>Negation. Not of truth values.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex | Numbers.Integer)]
        public static Tensor operator -(Tensor x)
            => Graph.Record("Negate", PointwiseKernel.Run<Unary<Negate>>("Negate", NoTruthValues("Negate", x)), (x, g => -g));

        /// <summary>The larger of each pair, NaN when either is; where they are equal each gets half the gradient. Dtypes are
        /// promoted.</summary>
        [Op(Takes = Numbers.Real | Numbers.Integer)]
        public static Tensor Maximum(Tensor a, Tensor b) => Ordered<Binary<Maximum>>("Maximum", a, b);

        /// <summary>The smaller of each pair, NaN when either is; where they are equal each gets half the gradient. Dtypes are
        /// promoted.</summary>
        [Op(Takes = Numbers.Real | Numbers.Integer)]
        public static Tensor Minimum(Tensor a, Tensor b) => Ordered<Binary<Minimum>>("Minimum", a, b);

        /// <summary>The complex numbers with these moduli and angles (in radians), broadcast against each other.</summary>
        /// <remarks>Half-precision parts give Complex64.</remarks>
        [Op]
        public static Tensor Polar(Tensor modulus, Tensor angle)
        {
            PointwiseOps.RequireReal("Polar", modulus);
            PointwiseOps.RequireReal("Polar", angle);
            _ = Shape.Broadcast(modulus.Shape, angle.Shape, "Polar");
            if (modulus.IsHalf || angle.IsHalf)
                return Tensor.Polar(modulus.To(DTypes.Promote(modulus.DType, DType.Float32)), angle.To(DTypes.Promote(angle.DType, DType.Float32)));
            return Tensor.Complex(modulus * angle.Cos(), modulus * angle.Sin());
        }
    }

    extension(Tensor x)
    {
        /// <summary>floor(x / y), exactly; of integers an integer, 0 where y = 0. Dtypes are promoted. Gradient 0.</summary>
        /// <remarks>Floating-point quotients beyond 2^60 are NaN.</remarks>
        [Op(Takes = Numbers.Real | Numbers.Integer, Derivative = Derivative.None)]
        public Tensor FloorDivide(Tensor y) => Ordered<Binary<FloorDivide>>("FloorDivide", x.Detach(), y.Detach());

        /// <summary>x - y floor(x / y), with the sign of y: Python's %. Of integers 0 where y = 0. Dtypes are promoted.</summary>
        /// <remarks>Exact; NaN where |x / y| exceeds 2^60.</remarks>
        [Op(Takes = Numbers.Real | Numbers.Integer)]
        public Tensor Remainder(Tensor y) => Ordered<Binary<Remainder>>("Remainder", x, y);

        /// <summary>x - y trunc(x / y), with the sign of x: C's fmod. Of integers 0 where y = 0. Dtypes are promoted.</summary>
        /// <remarks>Exact; NaN where |x / y| exceeds 2^60.</remarks>
        [Op(Takes = Numbers.Real | Numbers.Integer)]
        public Tensor Fmod(Tensor y) => Ordered<Binary<Fmod>>("Fmod", x, y);

        /// <summary>Complex conjugate; the tensor itself when it is real.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Conj()
            => x.DType.IsComplex ? Graph.Record("Conj", PointwiseKernel.Run<Unary<Conjugate>>("Conj", x), (x, g => g.Conj())) : x;

        /// <summary>x^2.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex | Numbers.Integer)]
        public Tensor Square() => PointwiseOps.Numeric<Unary<Square>>("Square", NoTruthValues("Square", x));

        /// <summary>|x|, for complex numbers the modulus, which is real; its gradient at 0 is 0.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex | Numbers.Integer)]
        public Tensor Abs()
        {
            if (!x.DType.IsComplex)
                return PointwiseOps.Numeric<Unary<Abs>>("Abs", NoTruthValues("Abs", x));
            var y = PointwiseKernel.Run<Unary<Abs>>("Abs", x.Detach()).Real().Contiguous();
            return Graph.Record("Abs", y, (x, g => g * x.Sign()));
        }

        /// <summary>-1, 0 or 1, gradient 0; for complex numbers x / |x|, 0 at 0.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex | Numbers.Integer)]
        public Tensor Sign()
        {
            if (!x.DType.IsComplex)
                return PointwiseOps.Numeric<Unary<Sign>>("Sign", NoTruthValues("Sign", x));
            var size = x.Abs();
            return x / Tensor.Where(size.EqualTo(0), Tensor.Ones([], size.DType, size.Device), size);
        }

        /// <summary>x limited to [low, high]; gradient 0 outside. Integers stay integers when the limits are integers or
        /// infinite.</summary>
        [Op(Takes = Numbers.Real | Numbers.Integer)]
        public Tensor Clamp(double low, double high)
        {
            NoTruthValues("Clamp", x);
            if (x.DType.IsDifferentiable)
                return PointwiseOps.Real<Ternary<Clamp>>("Clamp", x, low, high);
            return IsWhole(low) && IsWhole(high)
                ? PointwiseOps.Numeric<Ternary<Clamp>>("Clamp", x, low, high)
                : Fractional(x).Clamp(low, high);
        }

        /// <summary>The largest integer not above x; gradient 0. Integers stay as they are.</summary>
        [Op(Takes = Numbers.Real | Numbers.Integer, Derivative = Derivative.None)]
        public Tensor Floor() => Rounded<Floor>("Floor", x);

        /// <summary>The smallest integer not below x; gradient 0. Integers stay as they are.</summary>
        [Op(Takes = Numbers.Real | Numbers.Integer, Derivative = Derivative.None)]
        public Tensor Ceil() => Rounded<Ceil>("Ceil", x);

        /// <summary>The nearest integer, ties to even; gradient 0. Integers stay as they are.</summary>
        [Op(Takes = Numbers.Real | Numbers.Integer, Derivative = Derivative.None)]
        public Tensor Round() => Rounded<Round>("Round", x);

        /// <summary>x without its fraction; gradient 0. Integers stay as they are.</summary>
        [Op(Takes = Numbers.Real | Numbers.Integer, Derivative = Derivative.None)]
        public Tensor Trunc() => Rounded<Trunc>("Trunc", x);

        /// <summary>x - trunc(x), with the sign of x.</summary>
        [Op]
        public Tensor Frac() => PointwiseOps.Real<Unary<Frac>>("Frac", x);

        /// <summary>x with other numbers in place of NaN and the infinities; no gradient passes there.</summary>
        /// <param name="nan">In place of NaN.</param>
        /// <param name="positive">In place of infinity; the largest number of the dtype when null.</param>
        /// <param name="negative">In place of minus infinity; the most negative number of the dtype when null.</param>
        [Op]
        public Tensor NanToNum(double nan = 0, double? positive = null, double? negative = null)
        {
            if (!x.DType.IsFloatingPoint)
                throw new TensorArgumentException("NanToNum", nameof(x), $"{x.DType}", "a floating-point tensor");
            var largest = x.DType switch
            {
                DType.Float64 => double.MaxValue,
                DType.Half => (double)Half.MaxValue,
                DType.BFloat16 => 3.3895313892515355e38,
                _ => float.MaxValue,
            };
            var y = Tensor.Where(x.IsNan(), Number(nan), x);
            y = Tensor.Where(y.EqualTo(double.PositiveInfinity), Number(positive ?? largest), y);
            return Tensor.Where(y.EqualTo(double.NegativeInfinity), Number(negative ?? -largest), y);

            Tensor Number(double value) => Tensor.Full([], value, x.DType, x.Device);
        }

        /// <summary>The angle of a complex number in [-pi, pi], in radians; of a real one 0, or pi when it is negative. The result is
        /// real.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Angle()
        {
            if (x.DType.IsComplex)
                return x.Imag().Atan2(x.Real());
            PointwiseOps.RequireReal("Angle", x);
            var zero = Tensor.Zeros([], x.DType, x.Device);
            return Tensor.Where(x.Less(0), Tensor.Full([], Math.PI, x.DType, x.Device), Tensor.Where(x.IsNan(), x, zero));
        }
    }

    static Tensor Rounded<Op>(string operation, Tensor x) where Op : struct, IUnary
    {
        NoTruthValues(operation, x);
        return x.DType.IsDifferentiable ? PointwiseOps.Real<Unary<Op>>(operation, x) : x;
    }

    static bool IsWhole(double x) => double.IsInteger(x) || double.IsInfinity(x);

    static Tensor Ordered<P>(string operation, Tensor a, Tensor b) where P : struct, IPointwise
    {
        (a, b) = Promote(a, b);
        if (a.DType.IsComplex)
            throw new TensorArgumentException(operation, "operand", $"{a.DType}", "real tensors");
        return PointwiseOps.Numeric<P>(operation, NoTruthValues(operation, a), b);
    }
}
