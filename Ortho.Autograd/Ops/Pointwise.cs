using Ortho.Kernels.Pointwise;
using Ortho.Kernels.Skeletons;
using Ortho.Tensors;
using PointwiseKernel = Ortho.Kernels.Skeletons.Pointwise;

namespace Ortho.Autograd;

/// <summary>Element-by-element functions, with NumPy broadcasting. Tensors are floating-point or, where stated, complex.</summary>
/// <remarks>Each is one line that names its formula; values, gradients and higher gradients follow from the formula.</remarks>
[OpFamily("pointwise")]
public static class PointwiseOps
{
    // ---- recording, once for all pointwise functions

    /// <summary>y = P(operands), differentiable to any order in every tensor operand.</summary>
    /// <param name="operation">Name, for messages.</param>
    /// <param name="operands">Tensors and numbers, as many as the function's arity (at most three).</param>
    /// <exception cref="TensorArgumentException">A tensor is neither floating-point nor complex, or dtypes, devices or shapes do not
    /// fit.</exception>
    public static Tensor Apply<P>(string operation, params ReadOnlySpan<Operand> operands) where P : struct, IPointwise
    {
        foreach (var operand in operands)
        {
            if (operand.Tensor is { DType.IsDifferentiable: false } tensor)
                throw new TensorArgumentException(operation, "operand",
                    $"{tensor.DType}", "a floating-point or complex tensor; convert with To(dtype)");
        }
        return Numeric<P>(operation, operands);
    }

    // The same for tensors of any dtype.
    internal static Tensor Numeric<P>(string operation, params ReadOnlySpan<Operand> operands) where P : struct, IPointwise
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

    internal static Tensor Real<P>(string operation, params ReadOnlySpan<Operand> operands) where P : struct, IPointwise
    {
        foreach (var operand in operands)
        {
            if (operand.Tensor is { } tensor)
                RequireReal(operation, tensor);
        }
        return Numeric<P>(operation, operands);
    }

    internal static Tensor RequireReal(string operation, Tensor x) => x.DType.IsFloatingPoint
        ? x
        : throw new TensorArgumentException(operation, "operand", $"{x.DType}", "a real floating-point tensor; convert with To(dtype)");

    extension(Tensor x)
    {
        /// <summary>e^x. Real or complex.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Exp() => Apply<Unary<Exp>>("Exp", x);

        /// <summary>Natural logarithm. Real or complex (principal branch).</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Log() => Apply<Unary<Log>>("Log", x);

        /// <summary>log(1 + x), accurate near zero.</summary>
        [Op]
        public Tensor Log1p() => Real<Unary<Log1p>>("Log1p", x);

        /// <summary>e^x - 1, accurate near zero.</summary>
        [Op]
        public Tensor Expm1() => Real<Unary<Expm1>>("Expm1", x);

        /// <summary>Sine of x in radians. Real or complex.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Sin() => Apply<Unary<Sin>>("Sin", x);

        /// <summary>Cosine of x in radians. Real or complex.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Cos() => Apply<Unary<Cos>>("Cos", x);

        /// <summary>Hyperbolic tangent. Real or complex.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Tanh() => Apply<Unary<Tanh>>("Tanh", x);

        /// <summary>Error function.</summary>
        [Op]
        public Tensor Erf() => Real<Unary<Erf>>("Erf", x);

        /// <summary>Square root. Real or complex (principal branch).</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Sqrt() => Apply<Unary<Sqrt>>("Sqrt", x);

        /// <summary>1 / x. Real or complex.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Reciprocal() => Apply<Unary<Reciprocal>>("Reciprocal", x);

        /// <summary>Tangent of x in radians.</summary>
        [Op]
        public Tensor Tan() => Real<Unary<Tan>>("Tan", x);

        /// <summary>Arc sine, in [-pi/2, pi/2]; NaN beyond 1.</summary>
        [Op]
        public Tensor Asin() => Real<Unary<Asin>>("Asin", x);

        /// <summary>Arc cosine, in [0, pi]; NaN beyond 1.</summary>
        [Op]
        public Tensor Acos() => Real<Unary<Acos>>("Acos", x);

        /// <summary>Arc tangent, in [-pi/2, pi/2].</summary>
        [Op]
        public Tensor Atan() => Real<Unary<Atan>>("Atan", x);

        /// <summary>The angle of the points (other, x), in [-pi, pi]: the arc tangent of x / other in the right quadrant.</summary>
        [Op]
        public Tensor Atan2(Tensor other) => Real<Binary<Atan2>>("Atan2", x, other);

        /// <summary>Hyperbolic sine. Real or complex.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Sinh() => Apply<Unary<Sinh>>("Sinh", x);

        /// <summary>Hyperbolic cosine. Real or complex.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Cosh() => Apply<Unary<Cosh>>("Cosh", x);

        /// <summary>Inverse of the hyperbolic sine.</summary>
        [Op]
        public Tensor Asinh() => Real<Unary<Asinh>>("Asinh", x);

        /// <summary>Inverse of the hyperbolic cosine; NaN below 1.</summary>
        [Op]
        public Tensor Acosh() => Real<Unary<Acosh>>("Acosh", x);

        /// <summary>Inverse of the hyperbolic tangent; NaN beyond 1.</summary>
        [Op]
        public Tensor Atanh() => Real<Unary<Atanh>>("Atanh", x);

        /// <summary>sin(pi x) / (pi x), 1 at 0.</summary>
        [Op]
        public Tensor Sinc() => Real<Unary<Sinc>>("Sinc", x);

        /// <summary>sqrt(x^2 + other^2), without overflow; its gradient at (0, 0) is 0.</summary>
        [Op]
        public Tensor Hypot(Tensor other) => Real<Binary<Hypot>>("Hypot", x, other);

        /// <summary>2^x.</summary>
        [Op]
        public Tensor Exp2() => Real<Unary<Exp2>>("Exp2", x);

        /// <summary>Logarithm to base 2.</summary>
        [Op]
        public Tensor Log2() => Real<Unary<Log2>>("Log2", x);

        /// <summary>Logarithm to base 10.</summary>
        [Op]
        public Tensor Log10() => Real<Unary<Log10>>("Log10", x);

        /// <summary>1 / sqrt(x). Real or complex (principal branch).</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Rsqrt() => Apply<Unary<Rsqrt>>("Rsqrt", x);

        /// <summary>Cube root, with the sign of x.</summary>
        [Op]
        public Tensor Cbrt() => Real<Unary<Cbrt>>("Cbrt", x);

        /// <summary>1 - erf x, with its relative accuracy also where erf x is nearly 1.</summary>
        [Op]
        public Tensor Erfc() => Real<Unary<Erfc>>("Erfc", x);

        /// <summary>The y with erf y = x; infinite at +-1, NaN beyond.</summary>
        [Op]
        public Tensor Erfinv() => Real<Unary<Erfinv>>("Erfinv", x);

        /// <summary>log |Gamma(x)|; infinite at 0, -1, -2, ...</summary>
        [Op]
        public Tensor Lgamma() => Real<UnarySlope<Lgamma>>("Lgamma", x);

        /// <summary>The derivative of log Gamma(x); NaN at 0, -1, -2, ...</summary>
        [Op]
        public Tensor Digamma() => Real<Unary<Digamma>>("Digamma", x);

        /// <summary>x log(other); 0 where x = 0.</summary>
        [Op]
        public Tensor Xlogy(Tensor other) => Real<Binary<Xlogy>>("Xlogy", x, other);

        /// <summary>log(e^x + e^other), without overflow.</summary>
        [Op]
        public Tensor LogAddExp(Tensor other) => Real<Binary<LogAddExp>>("LogAddExp", x, other);

        /// <summary>The magnitude of x with the sign of another tensor; no gradient passes to the sign.</summary>
        [Op]
        public Tensor CopySign(Tensor sign) => Real<Binary<CopySign>>("CopySign", x, sign);

        /// <summary>x + weight (end - x): x for weight 0, end for 1. Real or complex.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Lerp(Tensor end, double weight) => Apply<Ternary<Lerp>>("Lerp", x, end, weight);

        /// <summary>x + weight (end - x), with a weight for each element. Real or complex.</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Lerp(Tensor end, Tensor weight) => Apply<Ternary<Lerp>>("Lerp", x, end, weight);

        /// <summary>x to a constant power. Real or complex (principal branch).</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Pow(double exponent) => x.DType.IsComplex
            ? Apply<Binary<ComplexPower>>("Pow", x, exponent)
            : Real<Binary<Power>>("Pow", x, exponent);

        /// <summary>x to the power of another tensor; differentiable in both where x is positive. Real or complex (principal
        /// branch).</summary>
        [Op(Takes = Numbers.Real | Numbers.Complex)]
        public Tensor Pow(Tensor exponent) => x.DType.IsComplex
            ? Apply<Binary<ComplexPower>>("Pow", x, exponent)
            : Real<Binary<Power>>("Pow", x, exponent);
    }
}
