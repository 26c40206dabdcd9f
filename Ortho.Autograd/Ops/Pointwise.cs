using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;
using PointwiseKernel = Ortho.Kernels.Skeletons.Pointwise;

namespace Ortho.Autograd;

/// <summary>Element-by-element operations, with NumPy broadcasting. Tensors are floating-point or, where stated, complex.</summary>
/// <remarks>Each is one line that names its formula; values, gradients and higher gradients follow from the formula.</remarks>
[OpFamily("pointwise")]
public static class PointwiseOps
{
    // ---- recording, once for all pointwise functions

    /// <summary>y = P(operands), differentiable to any order in every tensor operand.</summary>
    /// <param name="operation">Name, for messages.</param>
    /// <param name="operands">Tensors and numbers, as many as the function's arity (at most three).</param>
    public static Tensor Apply<P>(string operation, params ReadOnlySpan<Operand> operands) where P : struct, IPointwise
    {
        var y = PointwiseKernel.Run<P>(operation, operands);
        if (!Graph.IsRecording)
            return y;
        var kept = operands.ToArray();
        var inputs = new List<Input>();
        for (var k = 0; k < kept.Length; k++)
        {
            if (kept[k].Tensor is not { } input || !Graph.Wants(input))
                continue;
            inputs.Add(k switch
            {
                0 => (input, g => Weigh<Partial<P, First>>(operation, g, kept).SumTo(input.Shape)),
                1 => (input, g => Weigh<Partial<P, Second>>(operation, g, kept).SumTo(input.Shape)),
                _ => (input, g => Weigh<Partial<P, Third>>(operation, g, kept).SumTo(input.Shape)),
            });
        }
        return Graph.Record(operation, y, [.. inputs]);
    }

    // weight * conj(P(operands)): linear in the weight, and in the operands again a pointwise function. This is where derivatives of
    // every order come from; the types nest one level deeper each time.
    static Tensor Weigh<P>(string operation, Tensor weight, Operand[] operands) where P : struct, IPointwise
    {
        var y = PointwiseKernel.Run<Weighted<P>>(operation, [weight, .. operands]);
        if (!Graph.IsRecording)
            return y;
        var inputs = new List<Input>
        {
            (weight, h => Weigh<P>(operation, h.Conj(), operands).Conj().SumTo(weight.Shape)),
        };
        for (var k = 0; k < operands.Length; k++)
        {
            if (operands[k].Tensor is not { } input || !Graph.Wants(input))
                continue;
            inputs.Add(k switch
            {
                0 => (input, h => Weigh<Partial<P, First>>(operation, h.Conj() * weight, operands).SumTo(input.Shape)),
                1 => (input, h => Weigh<Partial<P, Second>>(operation, h.Conj() * weight, operands).SumTo(input.Shape)),
                _ => (input, h => Weigh<Partial<P, Third>>(operation, h.Conj() * weight, operands).SumTo(input.Shape)),
            });
        }
        return Graph.Record(operation, y, [.. inputs]);
    }

    static Tensor Real<P>(string operation, params ReadOnlySpan<Operand> operands) where P : struct, IPointwise
    {
        foreach (var operand in operands)
        {
            if (operand.Tensor is { DType.IsComplex: true } tensor)
                throw new TensorArgumentException(operation, "operand", $"{tensor.DType}", "a real tensor");
        }
        return Apply<P>(operation, operands);
    }

    static (Tensor, Tensor) Promote(Tensor a, Tensor b)
    {
        var dtype = DTypes.Promote(a.DType, b.DType);
        return (a.To(dtype), b.To(dtype));
    }

    extension(Tensor)
    {
        /// <summary>Sum. Real or complex; dtypes are promoted.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public static Tensor operator +(Tensor a, Tensor b)
        {
            (a, b) = Promote(a, b);
            return Graph.Record("Add", PointwiseKernel.Run<Binary<Add>>("Add", a, b), (a, g => g.SumTo(a.Shape)), (b, g => g.SumTo(b.Shape)));
        }

        /// <summary>Difference. Real or complex; dtypes are promoted.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public static Tensor operator -(Tensor a, Tensor b)
        {
            (a, b) = Promote(a, b);
            return Graph.Record("Subtract", PointwiseKernel.Run<Binary<Subtract>>("Subtract", a, b), (a, g => g.SumTo(a.Shape)), (b, g => (-g).SumTo(b.Shape)));
        }

        /// <summary>Product. Real or complex; dtypes are promoted.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public static Tensor operator *(Tensor a, Tensor b)
        {
            (a, b) = Promote(a, b);
            return Graph.Record("Multiply", PointwiseKernel.Run<Binary<Multiply>>("Multiply", a, b),
                (a, g => (g * b.Conj()).SumTo(a.Shape)), (b, g => (g * a.Conj()).SumTo(b.Shape)));
        }

        /// <summary>Quotient. Real or complex; dtypes are promoted.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public static Tensor operator /(Tensor a, Tensor b)
        {
            (a, b) = Promote(a, b);
            return Apply<Binary<Divide>>("Divide", a, b);
        }

        /// <summary>Sum with a number.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public static Tensor operator +(Tensor a, double b) => Graph.Record("Add", PointwiseKernel.Run<Binary<Add>>("Add", a, b), (a, g => g));

        /// <summary>Sum with a number.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public static Tensor operator +(double a, Tensor b) => b + a;

        /// <summary>Difference with a number.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public static Tensor operator -(Tensor a, double b) => a + -b;

        /// <summary>Difference with a number.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public static Tensor operator -(double a, Tensor b) => Graph.Record("Subtract", PointwiseKernel.Run<Binary<Subtract>>("Subtract", a, b), (b, g => -g));

        /// <summary>Product with a number.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public static Tensor operator *(Tensor a, double b) => Graph.Record("Multiply", PointwiseKernel.Run<Binary<Multiply>>("Multiply", a, b), (a, g => g * b));

        /// <summary>Product with a number.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public static Tensor operator *(double a, Tensor b) => b * a;

        /// <summary>Quotient with a number.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public static Tensor operator /(Tensor a, double b) => Graph.Record("Divide", PointwiseKernel.Run<Binary<Divide>>("Divide", a, b), (a, g => g / b));

        /// <summary>Quotient with a number.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public static Tensor operator /(double a, Tensor b) => Apply<Binary<Divide>>("Divide", a, b);

        /// <summary>Negation. Real or complex.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public static Tensor operator -(Tensor x) => Graph.Record("Negate", PointwiseKernel.Run<Unary<Negate>>("Negate", x), (x, g => -g));

        /// <summary>The larger of each pair, NaN when either is; where they are equal each gets half the gradient.</summary>
        [Op]
        public static Tensor Maximum(Tensor a, Tensor b) => Real<Binary<Maximum>>("Maximum", a, b);

        /// <summary>The smaller of each pair, NaN when either is; where they are equal each gets half the gradient.</summary>
        [Op]
        public static Tensor Minimum(Tensor a, Tensor b) => Real<Binary<Minimum>>("Minimum", a, b);

        /// <summary><paramref name="a"/> where the condition holds, <paramref name="b"/> elsewhere; not differentiable in the condition.</summary>
        /// <param name="condition">Bool, broadcasting with the others.</param>
        /// <param name="a">Floating-point values.</param>
        /// <param name="b">Floating-point values.</param>
        [Op]
        public static Tensor Where(Tensor condition, Tensor a, Tensor b)
        {
            if (condition.DType != DType.Bool)
                throw new TensorArgumentException("Where", nameof(condition), $"{condition.DType}", "Bool");
            (a, b) = Promote(a, b);
            return Real<Ternary<Where>>("Where", condition.To(a.DType), a, b);
        }
    }

    extension(Tensor x)
    {
        /// <summary>Complex conjugate; the tensor itself when it is real.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Conj() => x.DType.IsComplex ? Graph.Record("Conj", PointwiseKernel.Run<Unary<Conjugate>>("Conj", x), (x, g => g.Conj())) : x;

        /// <summary>e^x. Real or complex.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Exp() => Apply<Unary<Exp>>("Exp", x);

        /// <summary>Natural logarithm.</summary>
        [Op]
        public Tensor Log() => Real<Unary<Log>>("Log", x);

        /// <summary>log(1 + x), accurate near zero.</summary>
        [Op]
        public Tensor Log1p() => Real<Unary<Log1p>>("Log1p", x);

        /// <summary>e^x - 1, accurate near zero.</summary>
        [Op]
        public Tensor Expm1() => Real<Unary<Expm1>>("Expm1", x);

        /// <summary>Sine of x in radians.</summary>
        [Op]
        public Tensor Sin() => Real<Unary<Sin>>("Sin", x);

        /// <summary>Cosine of x in radians.</summary>
        [Op]
        public Tensor Cos() => Real<Unary<Cos>>("Cos", x);

        /// <summary>Hyperbolic tangent.</summary>
        [Op]
        public Tensor Tanh() => Real<Unary<Tanh>>("Tanh", x);

        /// <summary>Error function.</summary>
        [Op]
        public Tensor Erf() => Real<Unary<Erf>>("Erf", x);

        /// <summary>Square root. Real or complex (principal branch).</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Sqrt() => Apply<Unary<Sqrt>>("Sqrt", x);

        /// <summary>x^2. Real or complex.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Square() => Apply<Unary<Square>>("Square", x);

        /// <summary>1 / x. Real or complex.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Reciprocal() => Apply<Unary<Reciprocal>>("Reciprocal", x);

        /// <summary>|x|; its gradient at 0 is 0.</summary>
        [Op]
        public Tensor Abs() => Real<Unary<Abs>>("Abs", x);

        /// <summary>-1, 0 or 1; gradient 0.</summary>
        [Op(Derivative = Derivative.None)]
        public Tensor Sign() => Real<Unary<Sign>>("Sign", x);

        /// <summary>Logistic function 1 / (1 + e^-x).</summary>
        [Op]
        public Tensor Sigmoid() => Real<Unary<Sigmoid>>("Sigmoid", x);

        /// <summary>max(x, 0); its gradient at 0 is 0.</summary>
        [Op]
        public Tensor Relu() => Real<UnarySlope<Relu>>("Relu", x);

        /// <summary>x / (1 + e^-x). Elfwing et al. 2017.</summary>
        [Op]
        public Tensor Silu() => Real<Unary<Silu>>("Silu", x);

        /// <summary>x (1 + erf(x / sqrt 2)) / 2. Hendrycks and Gimpel 2016.</summary>
        [Op]
        public Tensor Gelu() => Real<Unary<Gelu>>("Gelu", x);

        /// <summary>GELU in its tanh form. Hendrycks and Gimpel 2016.</summary>
        [Op]
        public Tensor GeluTanh() => Real<Unary<GeluTanh>>("GeluTanh", x);

        /// <summary>log(1 + e^x).</summary>
        [Op]
        public Tensor Softplus() => Real<UnarySlope<Softplus>>("Softplus", x);

        /// <summary>x to a constant power.</summary>
        [Op]
        public Tensor Pow(double exponent) => Real<Binary<Power>>("Pow", x, exponent);

        /// <summary>x to the power of another tensor; differentiable in both where x is positive.</summary>
        [Op]
        public Tensor Pow(Tensor exponent) => Real<Binary<Power>>("Pow", x, exponent);

        /// <summary>x limited to [low, high]; gradient 0 outside.</summary>
        [Op]
        public Tensor Clamp(double low, double high) => Real<Ternary<Clamp>>("Clamp", x, low, high);

        /// <summary>x &lt; y as Bool; not differentiable.</summary>
        [Op(Derivative = Derivative.None)]
        public Tensor Less(Tensor y) => Compare<Less>("Less", x, y);

        /// <summary>x = y as Bool; not differentiable.</summary>
        [Op(Derivative = Derivative.None)]
        public Tensor EqualTo(Tensor y) => Compare<Equal>("EqualTo", x, y);
    }

    // Integers below 2^53 compare exactly as float64.
    static Tensor Compare<Op>(string operation, Tensor a, Tensor b) where Op : struct, IBinary
    {
        var dtype = DTypes.Promote(a.DType, b.DType);
        if (!dtype.IsDifferentiable)
            dtype = DType.Float64;
        return Cast.To(PointwiseKernel.Run<Binary<Op>>(operation, a.Detach().To(dtype), b.Detach().To(dtype)), DType.Bool);
    }
}
