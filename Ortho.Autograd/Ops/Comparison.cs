using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;
using PointwiseKernel = Ortho.Kernels.Skeletons.Pointwise;

namespace Ortho.Autograd;

/// <summary>Comparisons, logic and bits: none is differentiable, except <c>Where</c> in its values.</summary>
/// <remarks>Comparisons are those of IEEE 754: with NaN all are false but <c>NotEqual</c>. Integers are compared exactly.</remarks>
[OpFamily("comparison")]
public static class ComparisonOps
{
    extension(Tensor)
    {
        /// <summary><paramref name="a"/> where the condition holds, <paramref name="b"/> elsewhere; not differentiable in the
        /// condition.</summary>
        /// <param name="condition">Bool, broadcasting with the others.</param>
        /// <param name="a">Values of any dtype; the two are promoted.</param>
        /// <param name="b">Values of any dtype.</param>
        /// <exception cref="TensorArgumentException">The condition is not Bool, or shapes or devices do not fit.</exception>
        [Op(Takes = Numbers.All)]
        public static Tensor Where(Tensor condition, Tensor a, Tensor b)
        {
            if (condition.DType != DType.Bool)
                throw new TensorArgumentException("Where", nameof(condition), $"{condition.DType}", "Bool");
            (a, b) = ArithmeticOps.Promote(a, b);
            return MaskingOps.Choose("Where", condition, a, b);
        }

        /// <summary>Bits set in both; of truth values "and".</summary>
        [Op(Takes = Numbers.Integer | Numbers.Bool, Derivative = Derivative.None)]
        public static Tensor operator &(Tensor a, Tensor b) => Bits<Binary<BitAnd>>("BitAnd", a, b);

        /// <summary>Bits set in either; of truth values "or".</summary>
        [Op(Takes = Numbers.Integer | Numbers.Bool, Derivative = Derivative.None)]
        public static Tensor operator |(Tensor a, Tensor b) => Bits<Binary<BitOr>>("BitOr", a, b);

        /// <summary>Bits set in one of the two; of truth values "either, not both".</summary>
        [Op(Takes = Numbers.Integer | Numbers.Bool, Derivative = Derivative.None)]
        public static Tensor operator ^(Tensor a, Tensor b) => Bits<Binary<BitXor>>("BitXor", a, b);

        /// <summary>All bits the other way; of truth values "not".</summary>
        [Op(Takes = Numbers.Integer | Numbers.Bool, Derivative = Derivative.None)]
        public static Tensor operator ~(Tensor x) => x.DType.IsDifferentiable
            ? throw new TensorArgumentException("BitNot", nameof(x), $"{x.DType}", "integers or Bool")
            : PointwiseKernel.Run<Binary<BitXor>>("BitNot", x, x.DType == DType.Bool ? 1 : -1);
    }

    extension(Tensor x)
    {
        /// <summary>x &lt; y as Bool.</summary>
        [Op(Takes = Numbers.Real | Numbers.Integer | Numbers.Bool, Derivative = Derivative.None)]
        public Tensor Less(Tensor y) => Compare<Less>("Less", x, y);

        /// <summary>x &lt; y as Bool.</summary>
        [Op(Takes = Numbers.Real | Numbers.Integer | Numbers.Bool, Derivative = Derivative.None)]
        public Tensor Less(double y) => Compare<Less>("Less", x, y);

        /// <summary>x &lt;= y as Bool.</summary>
        [Op(Takes = Numbers.Real | Numbers.Integer | Numbers.Bool, Derivative = Derivative.None)]
        public Tensor LessEqual(Tensor y) => Compare<LessEqual>("LessEqual", x, y);

        /// <summary>x &lt;= y as Bool.</summary>
        [Op(Takes = Numbers.Real | Numbers.Integer | Numbers.Bool, Derivative = Derivative.None)]
        public Tensor LessEqual(double y) => Compare<LessEqual>("LessEqual", x, y);

        /// <summary>x &gt; y as Bool.</summary>
        [Op(Takes = Numbers.Real | Numbers.Integer | Numbers.Bool, Derivative = Derivative.None)]
        public Tensor Greater(Tensor y) => Compare<Less>("Greater", y, x);

        /// <summary>x &gt; y as Bool.</summary>
        [Op(Takes = Numbers.Real | Numbers.Integer | Numbers.Bool, Derivative = Derivative.None)]
        public Tensor Greater(double y) => Compare<Greater>("Greater", x, y);

        /// <summary>x &gt;= y as Bool.</summary>
        [Op(Takes = Numbers.Real | Numbers.Integer | Numbers.Bool, Derivative = Derivative.None)]
        public Tensor GreaterEqual(Tensor y) => Compare<LessEqual>("GreaterEqual", y, x);

        /// <summary>x &gt;= y as Bool.</summary>
        [Op(Takes = Numbers.Real | Numbers.Integer | Numbers.Bool, Derivative = Derivative.None)]
        public Tensor GreaterEqual(double y) => Compare<GreaterEqual>("GreaterEqual", x, y);

        /// <summary>x = y as Bool.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor EqualTo(Tensor y) => Compare<Equal>("EqualTo", x, y, ordered: false);

        /// <summary>x = y as Bool.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor EqualTo(double y) => Compare<Equal>("EqualTo", x, y, ordered: false);

        /// <summary>x != y as Bool.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor NotEqual(Tensor y) => Compare<NotEqual>("NotEqual", x, y, ordered: false);

        /// <summary>x != y as Bool.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor NotEqual(double y) => Compare<NotEqual>("NotEqual", x, y, ordered: false);

        /// <summary>Whether both are not zero, as Bool.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor LogicalAnd(Tensor y) => Bits<Binary<BitAnd>>("LogicalAnd", Truth(x), Truth(y));

        /// <summary>Whether either is not zero, as Bool.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor LogicalOr(Tensor y) => Bits<Binary<BitOr>>("LogicalOr", Truth(x), Truth(y));

        /// <summary>Whether one is zero and one is not, as Bool.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor LogicalXor(Tensor y) => Bits<Binary<BitXor>>("LogicalXor", Truth(x), Truth(y));

        /// <summary>Whether x is zero, as Bool.</summary>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor LogicalNot() => x.EqualTo(0);

        /// <summary>Whether x is NaN (or a part of it is), as Bool.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex, Derivative = Derivative.None)]
        public Tensor IsNan() => Floating("IsNan", x).NotEqual(x);

        /// <summary>Whether x is infinite (or a part of it is), as Bool.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex, Derivative = Derivative.None)]
        public Tensor IsInf() => Floating("IsInf", x).DType.IsComplex
            ? x.Real().IsInf() | x.Imag().IsInf()
            : PointwiseKernel.Truth<Unary<IsInfinite>>("IsInf", x);

        /// <summary>Whether x is neither infinite nor NaN (nor a part of it is), as Bool.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex, Derivative = Derivative.None)]
        public Tensor IsFinite() => PointwiseKernel.Truth<Unary<IsFinite>>("IsFinite", Floating("IsFinite", x));

        /// <summary>|x - y| &lt;= absolute + relative |y| as Bool; equal infinities are close.</summary>
        /// <param name="y">The reference; dtypes are promoted, integers to Float64.</param>
        /// <param name="relative">Tolerance relative to |y|.</param>
        /// <param name="absolute">Absolute tolerance.</param>
        /// <param name="equalNan">Whether NaN is close to NaN.</param>
        [Op(Takes = Numbers.All, Derivative = Derivative.None)]
        public Tensor IsClose(Tensor y, double relative = 1e-5, double absolute = 1e-8, bool equalNan = false)
        {
            RequireTogether("IsClose", x, y);
            var (a, b) = ArithmeticOps.Promote(x.Detach(), y.Detach());
            if (!a.DType.IsDifferentiable)
                (a, b) = (a.To(DType.Float64), b.To(DType.Float64));
            var close = a.EqualTo(b) | ((a - b).Abs().LessEqual(b.Abs() * relative + absolute) & b.IsFinite());
            return equalNan ? close | (a.IsNan() & b.IsNan()) : close;
        }

        /// <summary>Whether <c>IsClose</c> holds everywhere, with broadcasting.</summary>
        public bool AllClose(Tensor y, double relative = 1e-5, double absolute = 1e-8, bool equalNan = false)
        {
            RequireTogether("AllClose", x, y);
            return x.IsClose(y, relative, absolute, equalNan).All().Item() != 0;
        }

        /// <summary>Whether y has the same shape and equal elements everywhere.</summary>
        public bool Equal(Tensor y)
        {
            if (x.Shape != y.Shape)
                return false;
            RequireTogether("Equal", x, y);
            return x.EqualTo(y).All().Item() != 0;
        }
    }

    /// <summary>Whether elements are not zero; NaN is not.</summary>
    static void RequireTogether(string operation, Tensor x, Tensor y)
    {
        ArithmeticOps.RequireOneDevice(operation, x, y);
        _ = Shape.Broadcast(x.Shape, y.Shape, operation);
    }

    internal static Tensor Truth(Tensor x) => x.DType == DType.Bool ? x : x.NotEqual(0);

    static Tensor Floating(string operation, Tensor x) => x.DType.IsDifferentiable
        ? x
        : throw new TensorArgumentException(operation, nameof(x), $"{x.DType}", "a floating-point or complex tensor");

    static Tensor Bits<P>(string operation, Tensor a, Tensor b) where P : struct, IPointwise
    {
        (a, b) = ArithmeticOps.Promote(a, b);
        return a.DType.IsDifferentiable
            ? throw new TensorArgumentException(operation, "operand", $"{a.DType}", "integers or Bool")
            : PointwiseKernel.Run<P>(operation, a, b);
    }

    static void Check(string operation, Tensor x, bool ordered)
    {
        if (ordered && x.DType.IsComplex)
            throw new TensorArgumentException(operation, "operand", $"{x.DType}", "real tensors; complex numbers have no order");
    }

    static Tensor Compare<Op>(string operation, Tensor a, Tensor b, bool ordered = true) where Op : struct, IBinary
    {
        (a, b) = ArithmeticOps.Promote(a.Detach(), b.Detach());
        Check(operation, a, ordered);
        return PointwiseKernel.Truth<Binary<Op>>(operation, a, b);
    }

    // A number beside integers is compared exactly: as an integer, or as a float64 when it is a fraction or too large.
    static Tensor Compare<Op>(string operation, Tensor a, double b, bool ordered = true) where Op : struct, IBinary
    {
        Check(operation, a, ordered);
        if (a.DType == DType.Bool)
            a = a.To(DType.Int32);
        var limit = a.DType == DType.Int32 ? int.MaxValue : 1L << 53;
        if (!a.DType.IsDifferentiable && !(double.IsInteger(b) && Math.Abs(b) <= limit))
            a = a.To(DType.Float64);
        return PointwiseKernel.Truth<Binary<Op>>(operation, a.Detach(), b);
    }
}
